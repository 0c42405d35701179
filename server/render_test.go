package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

const base = "https://scim.example.com/scim/v2"

var ann = store.Doc{
	ID: "34c84488-e0e1-70ae-d2ee-991ad1a898c8", Kind: store.User, Created: 1700000000123, Modified: 1700000000000,
	JSON: []byte(`{"active":true,"emails":[{"primary":true,"type":"work","value":"ann@example.com"},{"type":"home","value":"a@home"}],` +
		`"externalId":"00u1","name":{"familyName":"Lee","givenName":"Ann"},` +
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D","manager":{"displayName":"Bo","value":"b"}},` +
		`"userName":"ann@example.com"}`),
}

var staff = store.Doc{ID: "g1", Kind: store.Group, Created: 1700000000000, Modified: 1700000000000, JSON: []byte(`{"displayName":"Staff"}`)}

func userView(t testing.TB, query map[string]string) *view {
	t.Helper()
	return viewOf(t, (&Server{types: schemas.Plain, limits: Limits{}.withDefaults()}).users(), query)
}

func groupView(t testing.TB, query map[string]string) *view {
	t.Helper()
	return viewOf(t, (&Server{types: schemas.Plain, limits: Limits{}.withDefaults()}).groups(), query)
}

func viewOf(t testing.TB, e *endpoint, query map[string]string) *view {
	t.Helper()
	p, err := newProjection(e.rt.Tree, query)
	if err != nil {
		t.Fatalf("newProjection(%v): %v", query, err)
	}
	return newView(e.rt, e.refs, p, base)
}

func refs(refs ...store.Ref) iter.Seq2[store.Ref, error] {
	return func(yield func(store.Ref, error) bool) {
		for _, r := range refs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// untouchable fails the test when memberships are looked for.
func untouchable(t *testing.T) iter.Seq2[store.Ref, error] {
	return func(func(store.Ref, error) bool) { t.Error("memberships were read, want them left alone") }
}

func TestRender(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		view    *view
		doc     store.Doc
		related iter.Seq2[store.Ref, error]
		want    string
	}{
		"user": {userView(t, nil), ann, refs(store.Ref{ID: "g 1", Display: `Staff "all" <é>`}),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],` +
				`"id":"34c84488-e0e1-70ae-d2ee-991ad1a898c8",` + string(ann.JSON[1:len(ann.JSON)-1]) +
				`,"groups":[{"value":"g 1","$ref":"https://scim.example.com/scim/v2/Groups/g%201","display":"Staff \"all\" \u003cé\u003e","type":"direct"}],` +
				`"meta":{"resourceType":"User","created":"2023-11-14T22:13:20.123Z","lastModified":"2023-11-14T22:13:20.000Z",` +
				`"location":"https://scim.example.com/scim/v2/Users/34c84488-e0e1-70ae-d2ee-991ad1a898c8","version":"W/\"0\""}}`},
		"user without groups or extension": {userView(t, nil), store.Doc{ID: "u1", JSON: []byte(`{"userName":"b"}`)}, refs(),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"u1","userName":"b",` +
				`"meta":{"resourceType":"User","created":"1970-01-01T00:00:00.000Z","lastModified":"1970-01-01T00:00:00.000Z","location":"https://scim.example.com/scim/v2/Users/u1","version":"W/\"0\""}}`},
		"a value that looks like an extension": {userView(t, nil), store.Doc{ID: "u1", JSON: []byte(`{"title":"\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":"}`)}, refs(),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"u1","title":"\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":",` +
				`"meta":{"resourceType":"User","created":"1970-01-01T00:00:00.000Z","lastModified":"1970-01-01T00:00:00.000Z","location":"https://scim.example.com/scim/v2/Users/u1","version":"W/\"0\""}}`},
		"group": {groupView(t, nil), staff, refs(store.Ref{ID: "u1", Display: "ann"}, store.Ref{ID: "u2"}),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1","displayName":"Staff","members":[` +
				`{"value":"u1","$ref":"https://scim.example.com/scim/v2/Users/u1","display":"ann","type":"User"},` +
				`{"value":"u2","$ref":"https://scim.example.com/scim/v2/Users/u2","type":"User"}],` +
				`"meta":{"resourceType":"Group","created":"2023-11-14T22:13:20.000Z","lastModified":"2023-11-14T22:13:20.000Z","location":"https://scim.example.com/scim/v2/Groups/g1","version":"W/\"0\""}}`},
		"group without members": {groupView(t, map[string]string{"excludedAttributes": "meta"}), staff, refs(),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1","displayName":"Staff","members":[]}`},
		"empty document": {userView(t, map[string]string{"excludedAttributes": "meta"}), store.Doc{ID: "u1", JSON: []byte(`{}`)}, refs(),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"u1"}`},
		"excludedAttributes=members": {groupView(t, map[string]string{"excludedAttributes": "members,meta.location"}), staff, untouchable(t),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1","displayName":"Staff",` +
				`"meta":{"resourceType":"Group","created":"2023-11-14T22:13:20.000Z","lastModified":"2023-11-14T22:13:20.000Z","version":"W/\"0\""}}`},
		"attributes without members": {groupView(t, map[string]string{"attributes": "displayName"}), staff, untouchable(t),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1","displayName":"Staff"}`},
		"part of members": {groupView(t, map[string]string{"attributes": "members.value,meta.resourceType"}), staff, refs(store.Ref{ID: "u1", Display: "ann"}),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1","members":[{"value":"u1"}],"meta":{"resourceType":"Group"}}`},
		"members without their type": {groupView(t, map[string]string{"excludedAttributes": "members.type,members.$ref,meta"}), staff, refs(store.Ref{ID: "u1", Display: "ann"}),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1","displayName":"Staff","members":[{"value":"u1","display":"ann"}]}`},
		"meta.version": {groupView(t, map[string]string{"attributes": "meta.version"}), staff, untouchable(t),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1","meta":{"version":"W/\"0\""}}`},
		"attributes=id": {userView(t, map[string]string{"attributes": "id"}), ann, untouchable(t),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"34c84488-e0e1-70ae-d2ee-991ad1a898c8"}`},
		"names in any case, sub-attributes, URNs": {
			userView(t, map[string]string{"attributes": " USERNAME ,name.givenname,emails.value, urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:DEPARTMENT,urn:ietf:params:scim:schemas:core:2.0:User:active,unknown"}),
			ann, untouchable(t),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],` +
				`"id":"34c84488-e0e1-70ae-d2ee-991ad1a898c8","active":true,"emails":[{"value":"ann@example.com"},{"value":"a@home"}],"name":{"givenName":"Ann"},` +
				`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D"},"userName":"ann@example.com"}`},
		"a whole extension": {userView(t, map[string]string{"attributes": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"}), ann, untouchable(t),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],` +
				`"id":"34c84488-e0e1-70ae-d2ee-991ad1a898c8",` +
				`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D","manager":{"displayName":"Bo","value":"b"}}}`},
		"without an extension, and id all the same": {
			userView(t, map[string]string{"excludedAttributes": "id,schemas,meta,groups,emails,name.familyName,externalId,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"}),
			ann, untouchable(t),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"34c84488-e0e1-70ae-d2ee-991ad1a898c8","active":true,"name":{"givenName":"Ann"},"userName":"ann@example.com"}`},
		"all of a complex attribute, part by part": {
			userView(t, map[string]string{"excludedAttributes": "meta,groups,emails.value,emails.type,emails.primary,emails.display,name.givenName,name.familyName,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"}),
			ann, untouchable(t),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"34c84488-e0e1-70ae-d2ee-991ad1a898c8","active":true,"externalId":"00u1","userName":"ann@example.com"}`},
		"password never": {userView(t, map[string]string{"attributes": "password"}), store.Doc{ID: "u1", JSON: []byte(`{"password":"p4ssw0rd"}`)}, untouchable(t),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"u1"}`},
		"blank": {groupView(t, map[string]string{"attributes": " ", "excludedAttributes": "meta"}), staff, refs(),
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1","displayName":"Staff","members":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.view.resource(nil, tc.doc, tc.related)
			if err != nil {
				t.Fatalf("got error %v, want none", err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if !json.Valid(got) {
				t.Errorf("got invalid JSON: %s", got)
			}
		})
	}
}

func TestRenderErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	failing := func(yield func(store.Ref, error) bool) {
		_ = yield(store.Ref{ID: "u1"}, nil) && yield(store.Ref{}, broken)
	}
	if _, err := groupView(t, nil).resource(nil, staff, failing); !errors.Is(err, broken) {
		t.Errorf("members that cannot be read: got error %v, want %v", err, broken)
	}
	for _, document := range []string{"", `["a"]`} {
		for _, query := range []map[string]string{nil, {"attributes": "userName"}} {
			if got, err := userView(t, query).resource(nil, store.Doc{JSON: []byte(document)}, refs()); err == nil {
				t.Errorf("document %q, query %v: got %s, want an error", document, query, got)
			}
		}
	}
}

func TestNewProjectionRefuses(t *testing.T) {
	t.Parallel()
	for _, query := range []map[string]string{
		{"attributes": "userName", "excludedAttributes": "name"},
		{"attributes": "emails[type eq \"work\"]"},
		{"excludedAttributes": "user name"},
		{"attributes": "name..givenName"},
	} {
		_, err := newProjection(schemas.Users.Tree, query)
		if f := translate(err, "id"); err == nil || f.status != 400 || f.scimType != "invalidValue" {
			t.Errorf("newProjection(%v): got %v, want 400 invalidValue", query, err)
		}
	}
}

// TestCopied: the fast way and the slow way say the same.
func TestCopied(t *testing.T) {
	t.Parallel()
	fast := userView(t, nil)
	if !fast.copied {
		t.Fatal("got documents decoded without a projection, want them copied")
	}
	slow := userView(t, map[string]string{"excludedAttributes": "title"})
	if slow.copied {
		t.Fatal("got documents copied with a projection, want them decoded")
	}
	for _, doc := range []store.Doc{ann, {ID: "u1", JSON: []byte(`{"userName":"b"}`)}, {ID: "u2", JSON: []byte(`{}`)}} {
		var results [2]string
		for i, v := range []*view{fast, slow} {
			b, err := v.resource(nil, doc, refs(store.Ref{ID: "g", Display: "G"}))
			if err != nil {
				t.Fatal(err)
			}
			results[i] = string(b)
		}
		if diff := cmp.Diff(results[0], results[1]); diff != "" {
			t.Errorf("%s: (-copied +decoded)\n%s", doc.ID, diff)
		}
	}
}

func BenchmarkRenderPage(b *testing.B) {
	v := userView(b, nil)
	groups := refs(store.Ref{ID: "5b3a1f6e-0000-4000-8000-000000000001", Display: "Staff"})
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = buf[:0]
		for range 100 {
			var err error
			if buf, err = v.resource(buf, ann, groups); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkRenderProjected(b *testing.B) {
	v := userView(b, map[string]string{"attributes": "userName,name.givenName,emails.value"})
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = v.resource(buf[:0], ann, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRenderGroup(b *testing.B) {
	v := groupView(b, nil)
	members := make([]store.Ref, 10_000)
	for i := range members {
		members[i] = store.Ref{ID: fmt.Sprintf("34c84488-e0e1-70ae-d2ee-%012d", i), Display: fmt.Sprintf("user%d@example.com", i)}
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = v.resource(buf[:0], staff, refs(members...)); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
	if n := strings.Count(string(buf), `"value"`); n != len(members) {
		b.Fatalf("got %d members, want %d", n, len(members))
	}
}
