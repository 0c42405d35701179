package bridge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

const acme = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"

// acmeTypes are types with an extension that has these attributes.
func acmeTypes(unknown bool, attributes ...schemas.Definition) *schemas.Types {
	cfg := schemas.TypesConfig{KeepUnknown: unknown}
	if len(attributes) > 0 {
		cfg.Extensions = []schemas.Extension{{ID: acme, Attributes: attributes}}
	}
	return schemas.NewTypes(cfg)
}

// restart ends the process and starts it with other types. Until the sweep the mirror holds what it had, which must
// already do no harm: cold says that there is none.
func (r *rig) restart(types *schemas.Types, cold bool) {
	r.t.Helper()
	r.shutDown()
	r.cfg.dir.Types, r.cfg.cold = types, cold
	r.start()
}

// shown is a user's document.
func (r *rig) shown(id string) string {
	r.t.Helper()
	doc, err := r.User(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(doc.JSON)
}

func TestChangedDefinitionsAreLivedThrough(t *testing.T) {
	t.Parallel()
	text := schemas.Definition{Name: "costCode"}
	for name, c := range map[string]struct {
		types *schemas.Types // after the restart
		shown string         // of the extension, once read again
		kept  string         // in custom:scim, after the next change of the user
	}{
		"one more attribute":       {acmeTypes(false, text, schemas.Definition{Name: "floor", Type: "integer", Required: true}), `{"costCode":"A-1"}`, `{"costCode":"A-1"}`},
		"retyped, and it fits":     {acmeTypes(false, schemas.Definition{Name: "costCode", MultiValued: true}), `{"costCode":["A-1"]}`, `{"costCode":["A-1"]}`},
		"retyped, and it does not": {acmeTypes(false, schemas.Definition{Name: "costCode", Type: "integer"}), "", ""},
		"made complex": {acmeTypes(false, schemas.Definition{Name: "costCode", Type: "complex", SubAttributes: []schemas.Definition{
			{Name: "number"}, {Name: "hidden", Returned: "request"}}}), "", ""},
		"renamed":           {acmeTypes(false, schemas.Definition{Name: "code"}), "", ""},
		"removed":           {acmeTypes(false), "", ""},
		"removed, but kept": {acmeTypes(true), `{"costCode":"A-1"}`, `{"costCode":"A-1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(c *rigConfig) { c.dir.Types, c.dir.Lag = acmeTypes(false, text), time.Millisecond })
			var docs []store.Doc
			for _, name := range []string{"ann", "bob"} {
				doc, err := r.CreateUser(t.Context(), r.resource(r.cfg.dir.Types.Users, `{"userName":"`+name+`","`+acme+`":{"costCode":"A-1"}}`))
				if err != nil {
					t.Fatal(err)
				}
				docs = append(docs, doc)
			}
			ann, bob := docs[0], docs[1]
			r.restart(c.types, true)
			if _, err := r.patchUser(bob.ID, `{"Operations":[{"op":"replace","path":"title","value":"Boss"}]}`); err != nil {
				t.Errorf("a change before the sweep: %v", err)
			}
			if got := r.inPool("bob").Attributes["custom:scim"]; !strings.Contains(got, c.kept) || c.kept == "" && strings.Contains(got, "acme") {
				t.Errorf("in the pool after a change before the sweep: got %s, want %s of the extension", got, c.kept)
			}
			r.restart(c.types, false)
			if _, err := r.dir.ResyncUser(t.Context(), ann.ID); err != nil {
				t.Fatal(err)
			}
			want := ""
			if c.shown != "" {
				want = `"` + acme + `":` + c.shown
			}
			if got := r.shown(ann.ID); !strings.Contains(got, want) || c.shown == "" && strings.Contains(got, "acme") {
				t.Errorf("read again: got %s, want %s of the extension", got, c.shown)
			}
			if _, err := r.patchUser(ann.ID, `{"Operations":[{"op":"replace","path":"title","value":"Boss"}]}`); err != nil {
				t.Fatalf("changing something else: %v", err)
			}
			if c.kept != "" {
				want = `"` + acme + `":` + c.kept
			}
			if got := r.inPool("ann").Attributes["custom:scim"]; !strings.Contains(got, want) || c.kept == "" && strings.Contains(got, "acme") {
				t.Errorf("in the pool after the next change: got %s, want %s of the extension", got, c.kept)
			}
			if made := r.writes(func() {
				if _, err := r.patchUser(ann.ID, `{"Operations":[{"op":"replace","path":"title","value":"Boss"}]}`); err != nil {
					t.Error(err)
				}
			}); len(made) > 0 {
				t.Errorf("the same again made calls: %v", made)
			}
		})
	}
}

func TestMappedExtensionIsLivedThroughRetyped(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *rigConfig) {
		c.pool.CustomAttributes = append(c.pool.CustomAttributes, emulator.CustomAttribute{Name: "code"})
		c.dir.Types, c.dir.Lag = acmeTypes(false, schemas.Definition{Name: "costCode"}), time.Millisecond
		c.dir.Attributes = []schemas.Row{{SCIM: acme + ":costCode", Cognito: "custom:code"}}
	})
	ann, err := r.CreateUser(t.Context(), r.resource(r.cfg.dir.Types.Users, `{"userName":"ann","`+acme+`":{"costCode":"A-1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []string{"integer", "decimal", "boolean", "dateTime", "binary"} {
		r.restart(acmeTypes(false, schemas.Definition{Name: "costCode", Type: typ}), false)
		if _, err := r.dir.ResyncUser(t.Context(), ann.ID); err != nil {
			t.Fatalf("%s: %v", typ, err)
		}
		if got := r.shown(ann.ID); strings.Contains(got, "acme") {
			t.Errorf("%s: got %s, want no value of the extension", typ, got)
		}
	}
}

// Somebody may have written into custom:scim who knows none of its rules: the sweep reads what makes sense.
func TestOverflowThatNobodyOfUsWrote(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *rigConfig) {
		c.dir.Types, c.dir.Lag = acmeTypes(true, schemas.Definition{Name: "floor", Type: "integer"}), time.Millisecond
	})
	ann := r.createUser(`{"userName":"ann","title":"Boss"}`)
	for _, overflow := range []string{
		`{"emails":7,"userName":5,"name":"x","title":{"a":1},"active":"x","id":3,"meta":1,"schemas":0,"groups":"g","` + acme + `":3}`,
		`{"emails":[1,{"value":{}},{"value":"a@b"}],"phoneNumbers":{"value":[]},"email":9,"` + acme + `":{"floor":"x","unknown":1},"urn:x:y":[],"urn:x:z":{}}`,
		`{"enterprise":[],"userName":null,"displayName":[["x"]],"roles":[[]],"x509Certificates":[{"value":"%"}]}`, `[]`, `7`, `{`,
	} {
		if err := r.pool.UpdateUser(t.Context(), "ann", map[string]string{"custom:scim": overflow}); err != nil {
			t.Fatal(err)
		}
		var doc store.Doc
		r.until("the user is to be written again", func() (seen bool) { // not in the millisecond in which we wrote it
			_, err := r.dir.ResyncUser(t.Context(), ann.ID)
			if err == nil {
				doc, err = r.User(cognito.WithPriority(t.Context(), cognito.Sweep), ann.ID)
			}
			if err != nil || doc.State != store.Listed {
				t.Fatalf("%s: got %+v, %v, want the user listed", overflow, doc, err)
			}
			return !doc.Managed
		})
		if is, _, err := r.cfg.dir.Types.Users.Decode(r.decode(string(doc.JSON))); err != nil {
			t.Errorf("%s: the mirror has %s, which is no user: %v", overflow, doc.JSON, err)
		} else if string(is.JSON()) != string(doc.JSON) {
			t.Errorf("%s: got %s, want the canonical form %s", overflow, doc.JSON, is.JSON())
		}
		if _, err := r.patchUser(ann.ID, `{"Operations":[{"op":"replace","path":"title","value":"Boss"}]}`); err != nil {
			t.Errorf("%s: changing the user: %v", overflow, err)
		}
	}
}
