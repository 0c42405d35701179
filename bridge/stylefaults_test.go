package bridge_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

// eachStyle are pools in which a creation is given a Username, makes one up, or gets one from Cognito.
var eachStyle = []struct {
	name            string
	style           func(*rigConfig)
	userName, email string
	newName         string
}{
	{"plain", styled(nil, nil), "Ada", "Ada@Example.com", "Countess"},
	{"alias", emailAlias, "Ada@Example.com", "Ada@Example.com", "Countess@Example.com"},
	{"e-mail", byEmail, "Ada@Example.com", "Ada@Example.com", "Countess@Example.com"},
	{"e-mail, userName is none", byEmail, "Ada", "Ada@Example.com", "Countess"},
	{"e-mail, not case-sensitive", func(c *rigConfig) { byEmail(c); c.pool.CaseInsensitive = true }, "Ada@Example.com", "Ada@Example.com", "Countess@Example.com"},
	{"alias, not case-sensitive", func(c *rigConfig) { emailAlias(c); c.pool.CaseInsensitive = true }, "Ada@Example.com", "Ada@Example.com", "Countess@Example.com"},
}

// insist repeats a request as identity providers do, until its answer is final.
func (r *rig) insist(what string, request func() error) error {
	r.t.Helper()
	var err error
	r.until(what+" is answered for good", func() bool {
		err = request()
		return kindOf(err) != "unavailable" && kindOf(err) != "too many"
	})
	return err
}

// provision creates a user as identity providers do: a conflict makes them look.
func (r *rig) provision(user schemas.Resource) string {
	r.t.Helper()
	id := ""
	err := r.insist("the creation", func() error {
		doc, err := r.CreateUser(r.t.Context(), user)
		id = doc.ID
		return err
	})
	if kindOf(err) == "exists" {
		r.until("the user is found", func() bool {
			id = r.idOf(user.String("userName"))
			return id != ""
		})
		return id
	}
	if err != nil {
		r.t.Fatalf("creating: %v", err)
	}
	return id
}

// idOf looks a user up by userName; "" when there is none.
func (r *rig) idOf(userName string) string {
	r.t.Helper()
	page, err := r.List(r.t.Context(), store.Query{Kind: store.User, Where: must(filter.Parse(fmt.Sprintf("userName eq %q", userName))), Start: 1, Count: 2})
	if kindOf(err) == "unavailable" || kindOf(err) == "too many" {
		return ""
	}
	if err != nil {
		r.t.Fatalf("looking for %s: %v", userName, err)
	}
	for doc, err := range page.Docs {
		if err != nil {
			r.t.Fatal(err)
		}
		return doc.ID
	}
	return ""
}

// life is a person's: created inactive, renamed, given an address, deactivated, deleted, created again.
func (r *rig) life(userName, email, newName string) (id string) {
	r.t.Helper()
	patch := func(id, path string, value any) {
		r.t.Helper()
		ops, _, err := schemas.Users.DecodePatch(map[string]any{"Operations": []any{map[string]any{"op": "replace", "path": path, "value": value}}})
		if err != nil {
			r.t.Fatal(err)
		}
		err = r.insist(path, func() error {
			_, err := r.PatchUser(r.t.Context(), id, ops)
			return err
		})
		if err != nil {
			r.t.Fatalf("changing %s: %v", path, err)
		}
	}
	hired := somebody(userName, email)
	hired["active"] = false
	id = r.provision(hired)
	patch(id, "userName", newName)
	patch(id, `emails[type eq "work"].value`, newName[:1]+"@example.org")
	patch(id, "active", true)
	patch(id, "active", false)
	err := r.insist("the deletion", func() error { return r.DeleteUser(r.t.Context(), id) })
	if err != nil && kindOf(err) != "not found" {
		r.t.Fatalf("deleting: %v", err)
	}
	again := r.provision(hired)
	if again == id {
		r.t.Errorf("created again with the id %s", id)
	}
	return again
}

// TestExactlyOneUserWhateverIsLost lives one life in each style with each call failing in each way.
func TestExactlyOneUserWhateverIsLost(t *testing.T) {
	for i, s := range eachStyle {
		for j, op := range []string{"AdminCreateUser", "AdminGetUser", "AdminUpdateUserAttributes", "AdminDisableUser", "AdminUserGlobalSignOut", "AdminEnableUser", "AdminDeleteUser", "ListUsers"} {
			for k, fault := range []emulator.Fault{
				{Kind: emulator.ResetAfter, Count: 1}, {Kind: emulator.ResetBefore, Count: 1}, {Kind: emulator.ResetAfter, Count: 6}, {Kind: emulator.ServerError, Count: 9},
			} {
				if os.Getenv("CI") != "true" && (i+j+k)%3 != 0 {
					continue
				}
				fault.Operation = op
				t.Run(fmt.Sprintf("%s/%s/%s×%d", s.name, op, fault.Kind, fault.Count), func(t *testing.T) {
					r := newRig(t, s.style, func(c *rigConfig) { c.dir.Lag = time.Millisecond })
					r.fault(fault)
					if fault.Count > 1 && op != "AdminGetUser" { // and what would settle it fails, too
						r.fault(emulator.Fault{Operation: "AdminGetUser", Kind: emulator.ServerError, Count: 5})
					}
					r.alone(s.userName, r.life(s.userName, s.email, s.newName))
				})
			}
		}
	}
}

// alone checks that the pool holds one user, inactive, just as the mirror has it.
func (r *rig) alone(userName, id string) {
	r.t.Helper()
	r.until("the journal is empty", func() bool { return r.journal() == 0 })
	r.emulator.ClearFaults()
	users, _, err := r.pool.UsersPage(r.t.Context(), "")
	if err != nil {
		r.t.Fatal(err)
	}
	if len(users) != 1 || users[0].Sub != id || users[0].Enabled {
		r.t.Errorf("users in the pool: got %+v, want %s alone, disabled", users, id)
		return
	}
	doc, err := r.User(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	shown, _ := schemas.ParseJSON(doc.JSON)
	if doc.Display != userName || doc.PoolName != users[0].Username || shown["active"] != false {
		r.t.Errorf("the mirror has userName %s, Username %s, active %v; want %s, %s, false", doc.Display, doc.PoolName, shown["active"], userName, users[0].Username)
	}
	if email := users[0].Attributes["email"]; !strings.EqualFold(email, "Ada@Example.com") || users[0].Attributes["email_verified"] != "true" {
		r.t.Errorf("e-mail %s, verified %s; want Ada@Example.com, verified", email, users[0].Attributes["email_verified"])
	}
}

// TestExactlyOneUserWhenListingsLag: what ListUsers does not show yet is there all the same.
func TestExactlyOneUserWhenListingsLag(t *testing.T) {
	for _, s := range eachStyle {
		t.Run(s.name, func(t *testing.T) {
			r := newRig(t, s.style, func(c *rigConfig) { c.emulator.Lag = 300 * time.Millisecond; c.dir.Lag = time.Second })
			// Nobody knows what became of the first creation: neither its reply nor the read that would tell comes through.
			r.fault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.ResetAfter, Count: 1})
			r.fault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.ServerError, Count: 3})
			r.fault(emulator.Fault{Operation: "AdminGetUser", Kind: emulator.ServerError, Count: 4})
			id := r.life(s.userName, s.email, s.newName)
			r.until("the pool shows it", func() bool {
				users, _, err := r.pool.UsersPage(t.Context(), "")
				return err == nil && len(users) == 1 && users[0].Sub == id && !users[0].Enabled
			})
			r.alone(s.userName, id)
		})
	}
}

// TestACreationIsFinishedAfterARestart: the process ends before it knows what became of the creation.
func TestACreationIsFinishedAfterARestart(t *testing.T) {
	for _, s := range eachStyle {
		t.Run(s.name, func(t *testing.T) {
			r := newRig(t, s.style)
			hired := somebody(s.userName, s.email)
			hired["active"] = false
			r.lostCreation(hired)
			r.shutDown()
			r.emulator.ClearFaults()
			r.start()
			r.until("the journal is empty", func() bool { return r.journal() == 0 })
			doc, err := r.CreateUser(t.Context(), hired)
			if err != nil {
				t.Fatalf("repeated: %v, want the user", err)
			}
			r.alone(s.userName, doc.ID)
		})
	}
}

// TestADeletedUserIsNotCreatedAgain: the journal still means to settle the creation of somebody whom the sweep has found
// and a client has deleted.
func TestADeletedUserIsNotCreatedAgain(t *testing.T) {
	for _, s := range eachStyle {
		t.Run(s.name, func(t *testing.T) {
			r := newRig(t, s.style, func(c *rigConfig) { c.dir.Lag = time.Millisecond })
			r.lostCreation(somebody(s.userName, s.email))
			r.dir.Resync()
			r.until("the sweep has found the user", func() bool { return r.idOf(s.userName) != "" })
			if err := r.renamed(r.idOf(s.userName), s.newName); kindOf(err) != "too many" {
				t.Errorf("renaming before the creation is settled: %v, want too many", err)
			}
			if err := r.DeleteUser(t.Context(), r.idOf(s.userName)); err != nil {
				t.Fatal(err)
			}
			r.emulator.ClearFaults()
			r.until("the journal is empty", func() bool { return r.journal() == 0 })
			if users, _, err := r.pool.UsersPage(t.Context(), ""); err != nil || len(users) != 0 {
				t.Errorf("users in the pool: got %v (%v), want none", users, err)
			}
		})
	}
}

// TestWorkThatIsLeftKnowsItsUserByID: others change the address under which the journal has created somebody.
func TestWorkThatIsLeftKnowsItsUserByID(t *testing.T) {
	r := newRig(t, byEmail)
	r.fault(emulator.Fault{Operation: "AdminDisableUser", Kind: emulator.ServerError})
	leaver := somebody("leaver@example.com", "")
	leaver["active"] = false
	if _, err := r.CreateUser(t.Context(), leaver); kindOf(err) != "unavailable" {
		t.Fatalf("got %v, want unavailable", err)
	}
	if err := r.pool.UpdateUser(t.Context(), "leaver@example.com", map[string]string{"email": "other@example.com", "email_verified": "true"}); err != nil {
		t.Fatal(err)
	}
	r.emulator.ClearFaults()
	r.until("the journal is empty", func() bool { return r.journal() == 0 })
	if users, _, err := r.pool.UsersPage(t.Context(), ""); err != nil || len(users) != 1 || users[0].Enabled {
		t.Errorf("users in the pool: got %+v (%v), want one, disabled", users, err)
	}
}

// lostCreation makes a creation of which nobody knows whether it was made: neither its reply nor the read that would tell
// comes through. The latter fails until the faults are cleared.
func (r *rig) lostCreation(user schemas.Resource) {
	r.t.Helper()
	r.fault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.ResetAfter, Count: 1})
	r.fault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.ServerError})
	r.fault(emulator.Fault{Operation: "AdminGetUser", Kind: emulator.ServerError, After: len(r.cfg.pool.AliasAttributes)}) // the first asks who has the address
	if _, err := r.CreateUser(r.t.Context(), user); kindOf(err) != "unavailable" {
		r.t.Fatalf("got %v, want unavailable", err)
	}
	if n := r.journal(); n != 1 {
		r.t.Fatalf("%d entries in the journal, want the creation", n)
	}
}
