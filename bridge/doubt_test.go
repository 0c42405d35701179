package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// TestAWriteWhoseReplyIsLostIsNotTrusted undoes, by a second request, what a first one may or may not have done: the
// pool must be as the second says, whatever the mirror believed in between.
func TestAWriteWhoseReplyIsLostIsNotTrusted(t *testing.T) {
	lose := func(r *rig, op string) {
		r.fault(emulator.Fault{Operation: op, Kind: emulator.ResetAfter, Count: 1})
		r.fault(emulator.Fault{Operation: op, Kind: emulator.ServerError})
	}
	userPatch := func(r *rig, id, op string) error {
		_, err := r.patchUser(id, `{"Operations":[`+op+`]}`)
		return err
	}
	groupPatch := func(r *rig, id, op string) error {
		_, err := r.patchGroup(id, `{"Operations":[`+op+`]}`)
		return err
	}
	type world struct {
		r           *rig
		user, group string
		ids         []string
	}
	for _, c := range []struct {
		op          string
		first, then func(w world) error
		check       func(w world) string
	}{
		{"AdminUpdateUserAttributes",
			func(w world) error { return userPatch(w.r, w.user, `{"op":"replace","path":"nickName","value":"B"}`) },
			func(w world) error { return userPatch(w.r, w.user, `{"op":"replace","path":"nickName","value":"A"}`) },
			func(w world) string { return w.r.inPool("ada@example.com").Attributes["nickname"] + " want A" }},
		{"AdminDisableUser",
			func(w world) error { return userPatch(w.r, w.user, `{"op":"replace","value":{"active":false}}`) },
			func(w world) error { return userPatch(w.r, w.user, `{"op":"replace","value":{"active":true}}`) },
			func(w world) string {
				if w.r.inPool("ada@example.com").Enabled {
					return "A want A"
				}
				return "disabled want A"
			}},
		{"AdminRemoveUserFromGroup",
			func(w world) error {
				return groupPatch(w.r, w.group, `{"op":"remove","path":"members[value eq \"`+w.ids[0]+`\"]"}`)
			},
			func(w world) error {
				return groupPatch(w.r, w.group, `{"op":"add","path":"members","value":`+values(w.ids[0])+`}`)
			},
			func(w world) string { return strings.Join(sorted(w.r.members("Staff")), ",") + " want u0,u1" }},
		{"AdminAddUserToGroup",
			func(w world) error {
				return groupPatch(w.r, w.group, `{"op":"add","path":"members","value":`+values(w.ids[2])+`}`)
			},
			func(w world) error {
				_, err := w.r.ReplaceGroup(w.r.t.Context(), w.group, w.r.resource(schemas.Groups, `{"displayName":"Staff","members":`+values(w.ids[0], w.ids[1])+`}`))
				return err
			},
			func(w world) string { return strings.Join(sorted(w.r.members("Staff")), ",") + " want u0,u1" }},
		{"UpdateGroup",
			func(w world) error {
				return groupPatch(w.r, w.group, `{"op":"replace","path":"displayName","value":"Other"}`)
			},
			func(w world) error {
				return groupPatch(w.r, w.group, `{"op":"replace","path":"displayName","value":"Staff"}`)
			},
			func(w world) string {
				g, err := w.r.pool.Group(w.r.t.Context(), "Staff")
				if err != nil || !strings.Contains(g.Description, `"displayName":"Staff"`) {
					return g.Description + " want Staff"
				}
				return "A want A"
			}},
		{"AdminDeleteUser",
			func(w world) error { return w.r.DeleteUser(w.r.t.Context(), w.user) },
			func(w world) error {
				_, err := w.r.CreateUser(w.r.t.Context(), w.r.resource(schemas.Users, ada))
				return err
			},
			func(w world) string {
				if w.r.inPool("ada@example.com").Sub == w.user {
					return "the old user want a new one"
				}
				return "A want A"
			}},
	} {
		t.Run(c.op, func(t *testing.T) {
			r := newRig(t)
			w := world{r: r, ids: r.crowd(3)}
			w.user = r.createUser(strings.Replace(ada, `"active":true`, `"nickName":"A","active":true`, 1)).ID
			w.group = r.createGroup(`{"displayName":"Staff","members":` + values(w.ids[0], w.ids[1]) + `}`).ID
			lose(r, c.op)
			want := "unavailable"
			if c.op == "AdminDeleteUser" {
				want = "none" // a read settles it
			}
			if err := c.first(w); kindOf(err) != want {
				t.Fatalf("first: %v, want %s", err, want)
			}
			r.emulator.ClearFaults()
			if err := c.then(w); err != nil {
				t.Fatalf("then: %v", err)
			}
			if got, want, _ := strings.Cut(c.check(w), " want "); got != want {
				t.Errorf("in the pool: %s, want %s", got, want)
			}
			r.until("the journal is empty", func() bool { return r.journal() == 0 })
			if got, want, _ := strings.Cut(c.check(w), " want "); got != want {
				t.Errorf("in the pool after the journal: %s, want %s", got, want)
			}
		})
	}
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}

func TestAnAddTakesPrecedenceOverARemovalThatIsLeft(t *testing.T) {
	r := newRig(t)
	ids := r.crowd(2)
	group := r.createGroup(`{"displayName":"Staff","members":` + values(ids...) + `}`)
	r.fault(emulator.Fault{Operation: "AdminRemoveUserFromGroup", Kind: emulator.ServerError})
	if _, err := r.patchGroup(group.ID, `{"Operations":[{"op":"Remove","path":"members","value":`+values(ids...)+`}]}`); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	if _, err := r.patchGroup(group.ID, `{"Operations":[{"op":"add","path":"members","value":`+values(ids[0])+`}]}`); err != nil {
		t.Fatal(err)
	}
	if got := r.members("Staff"); !slices.Equal(got, []string{"u0"}) {
		t.Errorf("members %v, want u0: its removal is overtaken, u1's is not", got)
	}
}

func TestAForeignResourceIsNotTheAnswerToAPostThatFailed(t *testing.T) {
	r := newRig(t)
	r.fault(emulator.Fault{Operation: "CreateGroup", Kind: emulator.ServerError})
	r.fault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.ServerError})
	group := r.resource(schemas.Groups, `{"displayName":"Admins"}`)
	user := r.resource(schemas.Users, `{"userName":"ann","active":false}`)
	if _, err := r.CreateGroup(t.Context(), group); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	if _, err := r.CreateUser(t.Context(), user); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	if _, err := r.pool.CreateGroup(t.Context(), "Admins", "made by hand"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.pool.CreateUser(t.Context(), "ann", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.CreateGroup(t.Context(), group); kindOf(err) != "exists" {
		t.Errorf("the group again: %v, want exists", err)
	}
	if _, err := r.CreateUser(t.Context(), user); kindOf(err) != "exists" {
		t.Errorf("the user again: %v, want exists", err)
	}
	if _, err := r.CreateGroup(t.Context(), schemas.Resource{"displayName": poolID + "_Foo"}); kindOf(err) != "exists" {
		t.Errorf("a name that Cognito keeps for itself: %v, want exists", err)
	}
}

func TestAChangedMappingIsCarriedOver(t *testing.T) {
	r := newRig(t, func(c *rigConfig) {
		c.pool.CustomAttributes = append(c.pool.CustomAttributes, emulator.CustomAttribute{Name: "title"})
		c.dir.Lag = time.Millisecond
	})
	doc := r.createUser(`{"userName":"ann","title":"Boss"}`)
	r.shutDown()
	r.cfg.dir.Attributes = []schemas.Row{{SCIM: "title", Cognito: "custom:title"}}
	r.start()
	if _, err := r.dir.ResyncUser(t.Context(), doc.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := r.User(t.Context(), doc.ID); err != nil || got.Managed {
		t.Fatalf("read again: %v, Managed %v; want it to say that the mapping would write something else", err, got.Managed)
	}
	if _, err := r.ReplaceUser(t.Context(), doc.ID, r.resource(schemas.Users, `{"userName":"ann","title":"Boss"}`)); err != nil {
		t.Fatal(err)
	}
	if got := r.inPool("ann").Attributes; got["custom:title"] != "Boss" || strings.Contains(got["custom:scim"], "Boss") {
		t.Errorf("custom:title %q, custom:scim %s; want the title in its new place alone", got["custom:title"], got["custom:scim"])
	}
	if made := r.calls(func() {
		if _, err := r.ReplaceUser(t.Context(), doc.ID, r.resource(schemas.Users, `{"userName":"ann","title":"Boss"}`)); err != nil {
			t.Fatal(err)
		}
	}); len(made) > 0 {
		t.Errorf("the same again made calls: %v", made)
	}
}
