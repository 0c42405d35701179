package bridge_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

const adaMail = "ada@example.com"

// adaBody is what an identity provider says of Ada.
func adaBody(more ...any) string {
	attributes := map[string]any{"userName": "ada", "externalId": "00u1", "active": true, "name": map[string]any{"givenName": "Ada"},
		"emails": []any{map[string]any{"value": adaMail, "type": "work", "primary": true}}}
	for pair := range slices.Chunk(more, 2) {
		if pair[1] == nil {
			delete(attributes, pair[0].(string))
		} else {
			attributes[pair[0].(string)] = pair[1]
		}
	}
	return idp.UserBody(attributes)
}

// TestWhatAdoptionShows: what each policy lets identity providers see of users and groups who were there before.
func TestWhatAdoptionShows(t *testing.T) {
	t.Parallel()
	const admin, signUps = true, false
	for _, c := range []struct {
		name      string
		adoption  bridge.Adoption
		ack       bool
		adminOnly bool
		list      int // of three: ada, whose e-mail is verified, bob, whose is not, and a federated profile
		lookUp    int // of ada by userName or verified e-mail
		byID      int // status of GET and PATCH
	}{
		{"none", bridge.AdoptNone, false, admin, 0, 0, 404},
		{"match", bridge.AdoptMatches, false, admin, 0, 1, 200},
		{"all", bridge.AdoptAll, false, admin, 2, 1, 200},
		{"by default, administrators only", bridge.AdoptByPool, false, admin, 0, 1, 200},
		{"by default, with sign-up", bridge.AdoptByPool, false, signUps, 0, 0, 404},
		{"none, with sign-up", bridge.AdoptNone, false, signUps, 0, 0, 404},
		{"match, with sign-up", bridge.AdoptMatches, true, signUps, 0, 1, 200},
		{"all, with sign-up", bridge.AdoptAll, true, signUps, 2, 1, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := policy(c.adoption, c.ack)
			cfg.pool = func(p *emulator.PoolConfig) { p.AdminOnly = c.adminOnly }
			o := newBureau(t, cfg)
			id := o.account("ada", "email", adaMail, "email_verified", "true")
			bob := o.account("bob", "email", "bob@example.com")
			o.federate()
			external, err := o.emulator.SignInFederated(emulator.FederatedSignIn{Pool: stack.PoolID, Provider: "Okta", Subject: "eve", Attributes: map[string]string{"mail": "eve@example.com"}})
			if err != nil {
				t.Fatal(err)
			}
			o.resync()
			for _, changes := range []func(){func() {}, func() { o.restart(true, func(*stack.Config) {}); o.warm() }} {
				changes()
				ids := []string{id}[:c.lookUp]
				for filter, want := range map[string][]string{
					`userName eq "ada"`:                                            ids,
					`userName eq "ADA"`:                                            ids,
					`emails.value eq "Ada@example.com"`:                            ids,
					`emails eq "ada@example.com"`:                                  ids,
					`emails[type eq "work"].value eq "ada@example.com"`:            ids,
					`emails[type eq "work" and value eq "ada@example.com"]`:        ids,
					`emails[value eq "ada@example.com" and type eq "home"]`:        ids,
					`emails[value eq "ada@example.com" and value sw "bob"]`:        nil,
					`emails[value eq "ada@example.com" and not (value sw "ada")]`:  nil,
					`emails.value eq "bob@example.com"`:                            nil,
					`emails.value eq "eve@example.com"`:                            nil,
					`userName eq "Okta_eve"`:                                       nil,
					`userName eq "nobody"`:                                         nil,
					`externalId eq "00u1"`:                                         nil,
					fmt.Sprintf(`id eq %q and manager eq "x"`, id):                 nil,
					`userName eq "ada" and active eq false`:                        nil,
					fmt.Sprintf(`id eq %q`, external.Sub):                          nil,
					`userName eq "ada" and emails.value eq "somebody@example.com"`: nil,
				} {
					if filter == `userName eq "ADA"` && c.adoption != bridge.AdoptAll {
						want = nil // Cognito searches with case, in a pool that has case
					}
					if got := o.found("/Users", filter); !slices.Equal(got, want) {
						t.Errorf("%s: got %q, want %q", filter, got, want)
					}
				}
			}
			if got := o.found("/Users", ""); len(got) != c.list || slices.Contains(got, external.Sub) {
				t.Errorf("list: got %d users, %q; want %d, without the federated profile", len(got), got, c.list)
			}
			o.status(c.byID, "GET", "/Users/"+id, "")
			o.status(404, "GET", "/Users/"+external.Sub, "")
			o.status(404, "PATCH", "/Users/"+external.Sub, idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": false}}))
			out := o.status(409, "POST", "/Users", adaBody())
			if detail, _ := out.Object()["detail"].(string); c.adoption == bridge.AdoptNone && !strings.Contains(detail, "connections[].adoption") {
				t.Errorf("POST: got the detail %q, want it to name what to change", detail)
			}
			o.status(409, "POST", "/Users", idp.UserBody(map[string]any{"userName": "Okta_eve"}))
			if got := o.pooled("ada"); got["custom:scim"] != "" || got["email"] != adaMail {
				t.Errorf("ada in the pool before anybody writes: got %v, want her untouched", got)
			}
			o.status(c.byID, "PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "add", Path: "title", Value: "Countess"}))
			wantList := c.list
			if c.byID == 200 && c.list == 0 {
				wantList = 1
			}
			if got := o.found("/Users", ""); len(got) != wantList {
				t.Errorf("list after a PATCH: got %d users, want %d", len(got), wantList)
			}
			if got := o.pooled("ada")["custom:scim"] != ""; got != (c.byID == 200) {
				t.Errorf("ada in the pool after a PATCH: marked %v, want %v", got, c.byID == 200)
			}
			if got := o.pooled("bob"); got["custom:scim"] != "" || got["sub"] != bob {
				t.Errorf("bob in the pool: got %v, want him untouched", got)
			}
			o.resync()
			if got := o.found("/Users", ""); len(got) != wantList {
				t.Errorf("list after a sweep: got %d users, want %d", len(got), wantList)
			}
		})
	}
}

// TestOktaTakesAPoolOver: it looks up, reads, and writes back what it has read with its own laid over.
func TestOktaTakesAPoolOver(t *testing.T) {
	t.Parallel()
	o := newBureau(t, policy(bridge.AdoptMatches, false))
	id := o.account("ada", "email", adaMail, "email_verified", "true", "given_name", "Augusta", "nickname", "Enchantress", "address", "London")
	o.resync()
	if got := o.found("/Users", `userName eq "ada"`); !slices.Equal(got, []string{id}) {
		t.Fatalf("look-up: got %q, want %q", got, id)
	}
	var put func()
	made := o.callsOf(func() {
		r := o.status(200, "GET", "/Users/"+id, "").Object()
		r["externalId"], r["name"] = "00u1", map[string]any{"givenName": "Ada"}
		body := idp.UserBody(r)
		put = func() { o.status(200, "PUT", "/Users/"+id, body) }
	})
	if diff := cmp.Diff(map[string]int64{"ListUsers": 1}, made); diff != "" {
		t.Errorf("calls of GET (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int64{"ListUsers": 1, "AdminGetUser": 1, "AdminUpdateUserAttributes": 1}, o.callsOf(put)); diff != "" {
		t.Errorf("calls of the first PUT (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int64{}, o.callsOf(put)); diff != "" {
		t.Errorf("calls of the same PUT again (-want +got):\n%s", diff)
	}
	want := map[string]string{"sub": id, "enabled": "true", "status": "CONFIRMED", "email": adaMail, "email_verified": "true", "given_name": "Ada",
		"nickname": "Enchantress", "address": "London", "custom:scim": o.pooled("ada")["custom:scim"]}
	if diff := cmp.Diff(want, o.pooled("ada")); diff != "" || !strings.Contains(want["custom:scim"], "00u1") {
		t.Errorf("ada in the pool (-want +got):\n%s", diff)
	}
	if _, err := o.signIn("ada"); err != nil {
		t.Errorf("where only administrators create users, a password stays: %v", err)
	}
	if got := o.found("/Users", ""); !slices.Equal(got, []string{id}) {
		t.Errorf("list: got %q, want %q", got, id)
	}
	o.agree()
}

// TestEntraTakesAPoolOver: it matches by the work address and sends what differs; groups may come before that.
func TestEntraTakesAPoolOver(t *testing.T) {
	t.Parallel()
	o := newBureau(t, policy(bridge.AdoptMatches, false))
	id := o.account("ada", "email", adaMail, "email_verified", "true")
	bob := o.account("bob", "email", "bob@example.com")
	o.resync()
	if got := o.found("/Users", `emails[type eq "work"].value eq "ada@example.com"`); !slices.Equal(got, []string{id}) {
		t.Fatalf("look-up: got %q, want %q", got, id)
	}
	group := o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Staff"})).ID()
	o.status(200, "PATCH", "/Groups/"+group, idp.PatchBody(idp.Add(id)))
	if got := o.groupsOf("ada"); !slices.Equal(got, []string{"Staff"}) || o.pooled("ada")["custom:scim"] == "" {
		t.Errorf("ada: got groups %q, marked %v; want Staff, and adopted before", got, o.pooled("ada")["custom:scim"] != "")
	}
	o.status(200, "PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "Add", Path: "externalId", Value: "e1"},
		idp.Op{Op: "Replace", Path: `emails[type eq "work"].value`, Value: adaMail}))
	if got := o.found("/Users", `externalId eq "e1"`); !slices.Equal(got, []string{id}) {
		t.Errorf("by externalId: got %q, want %q", got, id)
	}
	// A deactivation is a first write, too. What SCIM has not shown stays as it is.
	o.status(200, "PATCH", "/Users/"+bob, idp.PatchBody(idp.Op{Op: "Replace", Path: "active", Value: "False"}))
	want := map[string]string{"sub": bob, "enabled": "false", "status": "CONFIRMED", "email": "bob@example.com", "custom:scim": "{}"}
	got := o.pooled("bob")
	if delete(got, "email_verified"); !cmp.Equal(want, got) {
		t.Errorf("bob in the pool (-want +got):\n%s", cmp.Diff(want, got))
	}
	o.agree()
}

// TestAmbiguousAddressesAdoptNobody: whom an address stands for must be certain.
func TestAmbiguousAddressesAdoptNobody(t *testing.T) {
	t.Parallel()
	o := newBureau(t, policy(bridge.AdoptMatches, false))
	id := o.account("ada", "email", adaMail, "email_verified", "true")
	o.account("mallory", "email", adaMail)
	o.resync()
	if got := o.found("/Users", `emails.value eq "ada@example.com"`); !slices.Equal(got, []string{id}) {
		t.Errorf("beside somebody who has not verified the address: got %q, want %q", got, id)
	}
	o.account("twin", "email", adaMail, "email_verified", "true")
	if got := o.found("/Users", `emails.value eq "ada@example.com"`); got != nil {
		t.Errorf("two have verified the address: got %q, want nobody", got)
	}
}

// TestWhoIsDeletedStandsInNobodysWay: the pool keeps a tombstone's verified address, which its next owner is found by.
func TestWhoIsDeletedStandsInNobodysWay(t *testing.T) {
	t.Parallel()
	o := newBureau(t, keeps())
	former := o.pushed("POST", "/Users", adaBody("userName", "ada.byron")).ID()
	o.status(204, "DELETE", "/Users/"+former, "")
	id := o.account("ada", "email", adaMail, "email_verified", "true")
	for _, look := range []func(){o.resync, func() { o.restart(true, func(*stack.Config) {}); o.warm() }} {
		look()
		if got := o.found("/Users", `emails.value eq "ada@example.com"`); !slices.Equal(got, []string{id}) {
			t.Errorf("look-up: got %q, want %q, without the tombstone %q", got, id, former)
		}
	}
	o.status(200, "PUT", "/Users/"+id, adaBody("externalId", "00u2"))
	o.agree()
}

// TestAnAdoptedUserNameIsUnique: who has moved to a userName keeps it from whom adoption would bring.
func TestAnAdoptedUserNameIsUnique(t *testing.T) {
	t.Parallel()
	o := newBureau(t, policy(bridge.AdoptMatches, false))
	id := o.account("ada", "email", adaMail, "email_verified", "true")
	o.resync()
	other := o.pushed("POST", "/Users", idp.UserBody(map[string]any{"userName": "countess"})).ID()
	o.status(200, "PATCH", "/Users/"+other, idp.PatchBody(idp.Op{Op: "replace", Path: "userName", Value: "ada"}))
	if got := o.found("/Users", `userName eq "ada"`); !slices.Equal(got, []string{other}) {
		t.Errorf("by userName: got %q, want %q, who is listed", got, other)
	}
	o.status(409, "PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "add", Path: "title", Value: "x"}))
	o.status(200, "PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "add", Path: "title", Value: "x"}, idp.Op{Op: "replace", Path: "userName", Value: "ada.king"}))
	if got := o.found("/Users", `userName eq "ada.king"`); !slices.Equal(got, []string{id}) {
		t.Errorf("by the new userName: got %q, want %q", got, id)
	}
}

// TestAChangedPolicyIsAppliedToTheWholeMirror: at once, not only to what changes next.
func TestAChangedPolicyIsAppliedToTheWholeMirror(t *testing.T) {
	t.Parallel()
	o := newBureau(t, policy(bridge.AdoptAll, false, bridge.EveryGroup))
	made := o.pushed("POST", "/Users", idp.UserBody(map[string]any{"userName": "made"})).ID()
	group := o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Made"})).ID()
	old := o.account("old")
	o.foreignGroup("Old", "")
	o.resync()
	oldGroup := o.found("/Groups", `displayName eq "Old"`)
	if got := o.found("/Users", ""); len(got) != 2 || len(oldGroup) != 1 {
		t.Fatalf("all: got users %q and group %q, want two and one", got, oldGroup)
	}
	for _, c := range []struct {
		adoption      bridge.Adoption
		groups        []string
		users, status int
		listed        int
	}{
		{bridge.AdoptNone, nil, 1, 404, 1},
		{bridge.AdoptMatches, []string{"Old"}, 1, 200, 2},
		{bridge.AdoptNone, nil, 1, 404, 1},
		{bridge.AdoptAll, []string{bridge.EveryGroup}, 2, 200, 2},
	} {
		for _, fresh := range []bool{false, true} {
			o.restart(fresh, func(s *stack.Config) { s.Directory.Adoption, s.Directory.AdoptGroups = c.adoption, c.groups })
			// Without waiting for the sweep: what cannot be answered yet is 429 and repeated.
			o.status(c.status, "GET", "/Users/"+old, "")
			o.status(200, "GET", "/Users/"+made, "")
			o.status(200, "GET", "/Groups/"+group, "")
			want := http.StatusNotFound
			if c.listed == 2 {
				want = http.StatusOK
			}
			o.status(want, "GET", "/Groups/"+oldGroup[0], "")
			if got := o.found("/Users", ""); len(got) != c.users {
				t.Errorf("adoption %d, fresh %v: got users %q, want %d", c.adoption, fresh, got, c.users)
			}
			if got := o.found("/Groups", ""); len(got) != c.listed {
				t.Errorf("adoption %d, fresh %v: got groups %q, want %d", c.adoption, fresh, got, c.listed)
			}
		}
	}
}
