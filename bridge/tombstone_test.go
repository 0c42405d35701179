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
	"github.com/scim-cognito/scim-cognito/schemas"
)

// keeps is a world in which deleted users stay in the pool.
func keeps() worldConfig {
	return worldConfig{connection: bridge.ConnectionConfig{Deletion: bridge.DisableUsers}, directory: bridge.DirectoryConfig{Adoption: bridge.AdoptMatches}}
}

// gone checks that SCIM does not know a user in any way.
func (o *bureau) gone(id string) {
	o.t.Helper()
	for _, filter := range []string{"", `userName eq "ada"`, `emails.value eq "ada@example.com"`, `externalId eq "00u1"`, fmt.Sprintf("id eq %q", id)} {
		if got := o.found("/Users", filter); slices.Contains(got, id) {
			o.t.Errorf("%q: found %s, which is deleted", filter, id)
		}
	}
	o.status(404, "GET", "/Users/"+id, "")
	o.status(404, "PUT", "/Users/"+id, adaBody())
	o.status(404, "PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": true}}))
	o.status(404, "DELETE", "/Users/"+id, "")
	for _, group := range o.found("/Groups", "") {
		if out := o.status(200, "GET", "/Groups/"+group, ""); strings.Contains(string(out.Body), id) {
			o.t.Errorf("group %s still shows %s, which is deleted", group, id)
		}
	}
}

// TestADeletedUserStaysInThePool: disabled, signed out, in no group, and known as deleted by whatever mirror.
func TestADeletedUserStaysInThePool(t *testing.T) {
	t.Parallel()
	o := newBureau(t, keeps())
	id := o.pushed("POST", "/Users", adaBody("title", "Countess")).ID()
	o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Staff"}, id))
	o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Crew"}, id))
	o.foreignGroup("Hidden", "arn:aws:iam::123456789012:role/Admin")
	o.join("Hidden", "ada")
	o.password("ada")
	s, err := o.signIn("ada")
	if err != nil {
		t.Fatal(err)
	}
	made := o.callsOf(func() { o.status(204, "DELETE", "/Users/"+id, "") })
	want := map[string]int64{"AdminDisableUser": 1, "AdminUserGlobalSignOut": 1, "AdminListGroupsForUser": 1, "AdminRemoveUserFromGroup": 3, "AdminUpdateUserAttributes": 1}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	for _, look := range []func(){func() {}, o.resync, o.crash, func() { o.restart(true, func(*stack.Config) {}); o.warm() }} {
		look()
		o.gone(id)
		u := o.pooled("ada")
		if u["enabled"] != "false" || u["sub"] != id || !strings.Contains(u["custom:scim"], `"deleted"`) || u["email"] != adaMail || o.groupsOf("ada") != nil {
			t.Errorf("in the pool: got %v in groups %q, want it disabled, marked as deleted, and in none", u, o.groupsOf("ada"))
		}
	}
	o.dead("ada", s)
}

// TestWhoComesBack: who is known again by an equal externalId is who it was, and nobody else is.
func TestWhoComesBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		body    string
		same    bool   // the same user comes back
		inPool  string // its Username
		enabled string
	}{
		{"the same", adaBody(), true, "ada", "true"},
		{"renamed meanwhile", adaBody("userName", "countess"), true, "ada", "true"},
		{"inactive", adaBody("active", false), true, "ada", "false"},
		{"without active", adaBody("active", nil), true, "ada", "true"},
		{"somebody else of the same userName", adaBody("externalId", "00u2"), false, "ada_2", "true"},
		{"somebody without externalId", adaBody("externalId", nil), false, "ada_2", "true"},
		{"an externalId in other case", adaBody("externalId", "00U1"), false, "ada_2", "true"},
		{"somebody else altogether", adaBody("externalId", "00u2", "userName", "grace"), false, "grace", "true"},
	} {
		for _, cold := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, mirror made anew %v", c.name, cold), func(t *testing.T) {
				t.Parallel()
				o := newBureau(t, keeps())
				id := o.pushed("POST", "/Users", adaBody("title", "Countess", "nickName", "Enchantress")).ID()
				group := o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Staff"}, id)).ID()
				o.password("ada")
				s, err := o.signIn("ada")
				if err != nil {
					t.Fatal(err)
				}
				o.pushed("DELETE", "/Users/"+id, "")
				if cold {
					o.restart(true, func(*stack.Config) {})
					o.warm()
				}
				out := o.status(201, "POST", "/Users", c.body)
				if (out.ID() == id) != c.same {
					t.Errorf("id: got %s, want the former one, %s: %v", out.ID(), id, c.same)
				}
				u := o.pooled(c.inPool)
				if u["sub"] != out.ID() || u["enabled"] != c.enabled || u["status"] != "FORCE_CHANGE_PASSWORD" || u["email"] != adaMail || u["email_verified"] != "true" {
					t.Errorf("in the pool: got %v, want the new user, without a password that anybody knows", u)
				}
				if u["nickname"] != "" || strings.Contains(u["custom:scim"], "Countess") || o.groupsOf(c.inPool) != nil {
					t.Errorf("in the pool: got %v in groups %q, want nothing of what was", u, o.groupsOf(c.inPool))
				}
				o.dead("ada", s)
				if got := o.found("/Users", ""); !slices.Equal(got, []string{out.ID()}) {
					t.Errorf("list: got %q, want %q", got, out.ID())
				}
				if !c.same {
					o.gone2(id)
				}
				o.status(409, "POST", "/Users", c.body)
				o.status(200, "PATCH", "/Groups/"+group, idp.PatchBody(idp.Add(out.ID())))
				if got := o.groupsOf(c.inPool); !slices.Equal(got, []string{"Staff"}) {
					t.Errorf("groups: got %q, want Staff", got)
				}
				o.agree()
			})
		}
	}
}

// gone2 is gone as far as the id goes, when the names are somebody else's.
func (o *bureau) gone2(id string) {
	o.t.Helper()
	for _, method := range []string{"GET", "DELETE"} {
		o.status(404, method, "/Users/"+id, "")
	}
}

// TestDeletedAgainAndAgain: every life of a person ends in the same tombstone, and of somebody else in another.
func TestDeletedAgainAndAgain(t *testing.T) {
	t.Parallel()
	o := newBureau(t, keeps())
	var ids []string
	for i := range 6 {
		id := o.pushed("POST", "/Users", adaBody("externalId", fmt.Sprint("00u", i%2))).ID()
		ids = append(ids, id)
		if out := o.push("POST", "/Bulk", bulkDelete(id)); out.Status != 200 || !strings.Contains(string(out.Body), `"204"`) {
			t.Fatalf("bulk: got %d %s, want 204 within", out.Status, out.Body)
		}
		o.gone(id)
	}
	if ids[0] != ids[2] || ids[0] != ids[4] || ids[1] != ids[3] || ids[1] != ids[5] || ids[0] == ids[1] {
		t.Errorf("ids: got %q, want two that alternate", ids)
	}
	if u := o.pooled("ada_2"); u["sub"] != ids[1] || o.pooled("ada_3") != nil {
		t.Errorf("in the pool: got ada_2 %v, ada_3 %v; want two users in all", u, o.pooled("ada_3"))
	}
	o.restart(false, func(s *stack.Config) { s.Connection.Deletion = bridge.DeleteUsers })
	if id := o.pushed("POST", "/Users", adaBody("externalId", "00u0")).ID(); id != ids[0] {
		t.Errorf("with another policy: got %s, want the tombstone %s all the same", id, ids[0])
	}
	o.pushed("DELETE", "/Users/"+ids[0], "")
	if u := o.pooled("ada"); u != nil {
		t.Errorf("in the pool: got %v, want it deleted for good", u)
	}
}

// TestTwoTombstonesOfOneExternalID: it is not unique, and two identity providers may have numbered their people alike.
func TestTwoTombstonesOfOneExternalID(t *testing.T) {
	t.Parallel()
	for _, cold := range []bool{false, true} {
		o := newBureau(t, keeps())
		ada, bob := o.pushed("POST", "/Users", adaBody()).ID(), o.pushed("POST", "/Users", adaBody("userName", "bob")).ID()
		o.pushed("DELETE", "/Users/"+bob, "")
		o.pushed("DELETE", "/Users/"+ada, "")
		if cold {
			o.restart(true, func(*stack.Config) {})
			o.warm()
		}
		for userName, want := range map[string]string{"ada": ada, "bob": bob} {
			if got := o.pushed("POST", "/Users", adaBody("userName", userName)).ID(); got != want {
				t.Errorf("%s comes back, mirror made anew %v: got %s, want %s (ada is %s, bob %s)", userName, cold, got, want, ada, bob)
			}
			o.pushed("DELETE", "/Users/"+want, "")
		}
	}
}

// TestTombstonesStandInNobodysWay: however many bear a name.
func TestTombstonesStandInNobodysWay(t *testing.T) {
	t.Parallel()
	o := newBureau(t, keeps())
	for range 25 {
		id := o.pushed("POST", "/Users", adaBody("externalId", nil)).ID()
		o.pushed("DELETE", "/Users/"+id, "")
	}
	made := o.callsOf(func() { o.pushed("POST", "/Users", adaBody("externalId", nil)) })
	if diff := cmp.Diff(map[string]int64{"AdminCreateUser": 2, "ListUsers": 1}, made); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if o.pooled("ada_26")["enabled"] != "true" {
		t.Error("in the pool: got nobody called ada_26")
	}
}

func bulkDelete(id string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{"method":"DELETE","path":"/Users/%s"}]}`, id)
}

// TestTombstonesHoldNoAlias: the address of who is deleted is free for others, in a pool in which people sign in with it.
func TestTombstonesHoldNoAlias(t *testing.T) {
	t.Parallel()
	cfg := keeps()
	cfg.pool = func(p *emulator.PoolConfig) {
		p.AliasAttributes = []string{"email", "phone_number", "preferred_username"}
	}
	o := newBureau(t, cfg)
	id := o.pushed("POST", "/Users", adaBody()).ID()
	o.set("ada", "preferred_username", "lovelace", "phone_number", "+15550100", "phone_number_verified", "true")
	o.resync()
	o.pushed("DELETE", "/Users/"+id, "")
	if u := o.pooled("ada"); u["email_verified"] != "false" || u["phone_number_verified"] != "false" || u["preferred_username"] != "" || u["email"] != adaMail {
		t.Errorf("in the pool: got %v, want no alias of it left, and the address kept", u)
	}
	other := o.pushed("POST", "/Users", adaBody("userName", "adah", "externalId", "00u9")).ID()
	if got := o.pooled(adaMail)["sub"]; got != other {
		t.Errorf("the alias %s: got %s, want the newcomer %s", adaMail, got, other)
	}
	o.agree()
}

// kept are the writes about users whom the pool keeps.
var kept = []write{
	{"delete a user", haveMember("ada"), func(c *trial) (string, string, string) { return "DELETE", c.at("/Users/", "ada"), "" }, 204, -1, wantTombstone("ada")},
	{"bring a user back", haveTombstone("ada"), createUser("ada", true), 201, -1, wantUser("ada", "Ada", true)},
	{"bring an inactive user back", haveTombstone("ada"), createUser("ada", false), 201, -1, wantUser("ada", "Ada", false)},
}

func TestADeletionUnderFaults(t *testing.T) {
	t.Parallel()
	underFaults(t, keeps(), kept...)
}

// underFaults makes the writes under every kind of fault, in every way, at every call.
func underFaults(t *testing.T, cfg worldConfig, list ...write) {
	for i, kind := range faultKinds {
		for j, s := range strikes {
			if (i+j)%sample() != 0 {
				continue
			}
			t.Run(string(kind)+" "+s.name, func(t *testing.T) {
				t.Parallel()
				m := newMatrix(t, kind, s, cfg)
				for _, w := range list {
					free := m.trial(w, w.name+" without faults")
					m.emulator.ResetCalls()
					free.run()
					calls := m.emulator.Calls()
					free.verify()
					for _, f := range m.faults(calls) {
						c := m.trial(w, fmt.Sprintf("%s: %+v", w.name, f))
						m.refused.Store(0)
						if err := m.emulator.AddFault(f); err != nil {
							t.Fatal(err)
						}
						c.run()
						m.emulator.ClearFaults()
						c.verify()
					}
				}
				m.agree()
			})
		}
	}
}

// TestKilledWhileAUserIsKept kills the program at every call of a deletion that keeps the user, and of the return, whose
// first call is a read, before anything is begun.
func TestKilledWhileAUserIsKept(t *testing.T) {
	t.Parallel()
	killedAt(t, kept[0], []int{0, 1, 2, 3, 4}, `"deletion": "disable"`)
	killedAt(t, kept[1], []int{1, 2, 3, 4, 5}, `"deletion": "disable"`)
}

// killedAt kills the program at calls of a write; keys are those of its connection.
func killedAt(t *testing.T, w write, calls []int, keys ...string) {
	t.Run(w.name, func(t *testing.T) {
		t.Parallel()
		v := newVictim(t, keys...)
		for _, k := range calls {
			for j, kind := range []emulator.FaultKind{emulator.TimeoutBefore, emulator.TimeoutAfter} {
				if thorough || (j+k)%2 == 0 {
					v.walk(struct {
						write
						calls int
					}{w, len(calls)}, k, kind)
				}
			}
		}
	})
}

// haveMember makes a user who is in a group.
func haveMember(who string) func(*trial) {
	return func(c *trial) {
		haveUser(who, true)(c)
		c.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": c.name("Club")}, c.ids[who]))
	}
}

// haveTombstone makes a user and deletes it.
func haveTombstone(who string) func(*trial) {
	return func(c *trial) {
		haveMember(who)(c)
		c.pushed("DELETE", c.at("/Users/", who), "")
		c.ids["former"] = c.ids[who]
	}
}

// wantTombstone checks that the pool keeps a user as deleted.
func wantTombstone(who string) func(*trial) {
	return func(c *trial) {
		c.t.Helper()
		o := &bureau{world: c.world}
		u := o.pooled(c.name(who))
		if u["enabled"] != "false" || !strings.Contains(u["custom:scim"], `"deleted"`) || o.groupsOf(c.name(who)) != nil {
			c.t.Errorf("%s: in the pool: got %v in groups %q, want it disabled, marked as deleted, and in none", c.what, u, o.groupsOf(c.name(who)))
		}
		if out := c.push("GET", c.at("/Users/", who), ""); out.Status != http.StatusNotFound {
			c.t.Errorf("%s: GET: got %d, want 404", c.what, out.Status)
		}
		delete(c.alive, c.ids[who])
	}
}

// TestWhereTheAddressIsTheUsername: who is kept gives the address up, which cannot be missing there, and nobody takes over
// an account whose address its maker has not verified.
func TestWhereTheAddressIsTheUsername(t *testing.T) {
	t.Parallel()
	for _, first := range [][]string{nil, {"email"}} { // what the pool has verified before it takes it
		t.Run(fmt.Sprint("verified first: ", first), func(t *testing.T) {
			t.Parallel()
			cfg := keeps()
			cfg.pool = func(p *emulator.PoolConfig) {
				p.UsernameAttributes, p.AutoVerified, p.VerifyBeforeUpdate = []string{"email"}, first, first
			}
			addressesAreUsernames(newBureau(t, cfg))
		})
	}
}

func addressesAreUsernames(o *bureau) {
	t := o.t
	mallory := o.account("boss@example.com")
	o.resync()
	for _, filter := range []string{`userName eq "boss@example.com"`, `emails.value eq "boss@example.com"`} {
		if got := o.found("/Users", filter); got != nil {
			t.Errorf("%s, whom nobody has verified: got %q, want nobody", filter, got)
		}
	}
	o.status(409, "POST", "/Users", idp.UserBody(map[string]any{"userName": "boss@example.com"}))
	o.set("boss@example.com", "email_verified", "true")
	o.resync()
	if got := o.found("/Users", `userName eq "boss@example.com"`); !slices.Equal(got, []string{mallory}) {
		t.Errorf("verified: got %q, want %q", got, mallory)
	}
	id := o.pushed("POST", "/Users", adaBody("userName", adaMail)).ID()
	o.pushed("DELETE", "/Users/"+id, "")
	if u := o.pooled(id); u["email"] != id+"@deleted.invalid" || u["enabled"] != "false" || o.pooled(adaMail) != nil {
		t.Errorf("in the pool: got %v, want it kept, without the address", u)
	}
	other := o.pushed("POST", "/Users", adaBody("userName", adaMail, "externalId", "00u2")).ID()
	o.status(409, "POST", "/Users", adaBody("userName", adaMail)) // it is the other one's
	if u := o.pooled(id); u["enabled"] != "false" || !strings.Contains(u["custom:scim"], `"deleted"`) {
		t.Errorf("in the pool: got %v, want it as deleted as before", u)
	}
	o.pushed("DELETE", "/Users/"+other, "")
	if back := o.pushed("POST", "/Users", adaBody("userName", adaMail)).ID(); back != id || o.pooled(adaMail)["sub"] != id {
		t.Errorf("back: got %s, want %s, with the address", back, id)
	}
}

// TestARevivalWhoseReplyIsLost: the pool has the person back, which the mirror does not know when the POST is repeated.
func TestARevivalWhoseReplyIsLost(t *testing.T) {
	t.Parallel()
	for _, userName := range []string{"ada", "countess"} {
		r := newRig(t, everyPolicy, func(c *rigConfig) { c.attempts = 1 })
		for _, name := range []string{"Admins", "Auditors", "Support", "app-mail"} {
			r.createGroup(`{"displayName":"` + name + `"}`)
		}
		id := r.createUser(together).ID
		if err := r.DeleteUser(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		body := r.resource(schemas.Users, strings.Replace(together, `"ada"`, `"`+userName+`"`, 1))
		r.fault(emulator.Fault{Operation: "AdminUpdateUserAttributes", Kind: emulator.ResetAfter, Count: 1})
		if _, err := r.CreateUser(t.Context(), body); kindOf(err) != "unavailable" {
			t.Errorf("as %s: got %v, want unavailable", userName, err)
		}
		doc, err := r.CreateUser(t.Context(), body)
		if err != nil || doc.ID != id {
			t.Errorf("as %s, repeated: got %s, %v; want the former id, %s", userName, doc.ID, err, id)
		}
		if u := r.inPool("ada"); !u.Enabled || r.inGroups("ada") != "Admins" {
			t.Errorf("as %s: got enabled %v, in groups %q; want enabled, in Admins", userName, u.Enabled, r.inGroups("ada"))
		}
	}
}
