package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// called are the ids of the users whom the mirror lists under a userName.
func (r *rig) called(userName string) (ids []string) {
	r.t.Helper()
	d := desk{Connection: r.Connection, t: r.t}
	ids, err := d.look(fmt.Sprintf("userName eq %q", userName))
	if err != nil {
		r.t.Fatalf("looking for %s: %v", userName, err)
	}
	return ids
}

// TestAPromisedUserNameIsNobodyElses: whether a change of userName was made is not known yet when others ask for the name.
func TestAPromisedUserNameIsNobodyElses(t *testing.T) {
	for _, s := range []struct {
		name         string
		style        func(*rigConfig)
		userName, to string
		other        string
	}{
		{"plain", styled(nil, nil), "ann", "beth", "carl"},
		{"e-mail as an alias", emailAlias, "ann", "Beth", "carl"},
		{"e-mail as username", byEmail, "ann@example.com", "beth@example.com", "carl@example.com"},
		{"e-mail as username, userName is none", byEmail, "ann", "beth", "carl"},
	} {
		for _, kind := range []emulator.FaultKind{emulator.ServerError, emulator.ResetAfter} {
			for _, restarts := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/restart=%v", s.name, kind, restarts), func(t *testing.T) {
					t.Parallel()
					r := newRig(t, s.style, func(c *rigConfig) { c.dir.Lag = time.Millisecond })
					ann := r.create(somebody(s.userName, "ann@example.com"))
					carl := r.create(somebody(s.other, "carl@example.com"))
					r.fault(emulator.Fault{Operation: "AdminUpdateUserAttributes", Kind: kind})
					if err := r.renamed(ann.ID, s.to); kindOf(err) != "unavailable" {
						t.Fatalf("renaming: %v, want unavailable", err)
					}
					if restarts {
						r.shutDown()
						r.start()
					}
					create := func() error {
						_, err := r.CreateUser(t.Context(), somebody(s.to, "new@example.com"))
						return err
					}
					for what, attempt := range map[string]func() error{"creation": create, "renaming": func() error { return r.renamed(carl.ID, s.to) }} {
						if err := attempt(); kindOf(err) != "too many" && (kindOf(err) != "exists" || len(r.called(s.to)) != 1) {
							t.Errorf("%s while the change is not settled: %v, want too many, or exists when it was made", what, err)
						}
					}
					_, err := r.patchUser(ann.ID, `{"Operations":[{"op":"replace","path":"displayName","value":"B"}]}`)
					if kindOf(err) != "unavailable" && kindOf(err) != "none" {
						t.Errorf("a newer change of the same user: %v, want none or unavailable", err)
					}
					if err := create(); kindOf(err) != "too many" && (kindOf(err) != "exists" || len(r.called(s.to)) != 1) {
						t.Errorf("creation after a newer request has taken the change over: %v, want too many, or exists when it was made", err)
					}
					r.emulator.ClearFaults()
					r.until("the journal is empty", func() bool { return r.journal() == 0 })
					if err := create(); kindOf(err) != "exists" {
						t.Errorf("creation afterwards: %v, want exists", err)
					}
					if got := r.called(s.to); len(got) != 1 || got[0] != ann.ID {
						t.Errorf("users called %s: got %v, want %s alone", s.to, got, ann.ID)
					}
				})
			}
		}
	}
}

// TestWorkThatIsTriedAgainTakesNobodysUserName: an operator has a change tried again that was given up, when somebody else
// has been given the name.
func TestWorkThatIsTriedAgainTakesNobodysUserName(t *testing.T) {
	r := newRig(t, emailAlias, func(c *rigConfig) { c.dir.Lag = time.Millisecond })
	ann := r.create(somebody("ann", "ann@example.com"))
	r.fault(emulator.Fault{Operation: "AdminUpdateUserAttributes", Kind: emulator.ServerError})
	_, err := r.patchUser(ann.ID, `{"Operations":[{"op":"replace","value":{"userName":"beth","emails":[{"value":"beth@example.com"}]}}]}`)
	if kindOf(err) != "unavailable" {
		t.Fatalf("renaming: %v, want unavailable", err)
	}
	if _, err := r.pool.CreateUser(t.Context(), "thief", map[string]string{"email": "beth@example.com", "email_verified": "true"}); err != nil {
		t.Fatal(err)
	}
	r.emulator.ClearFaults()
	parked := func() (key string) {
		work, err := r.dir.Journal(t.Context())
		if err != nil || len(work) != 1 || work[0].Parked == "" {
			return ""
		}
		return work[0].Key
	}
	r.until("the change is given up", func() bool { return parked() != "" })
	beth := r.create(somebody("beth", "b@example.com"))
	if err := r.pool.DeleteUser(t.Context(), "thief"); err != nil {
		t.Fatal(err)
	}
	if err := r.dir.RetryWork(t.Context(), parked()); err != nil {
		t.Fatal(err)
	}
	r.until("it is given up again", func() bool { return parked() != "" })
	if got := r.called("beth"); len(got) != 1 || got[0] != beth.ID {
		t.Errorf("users called beth: got %v, want %s alone", got, beth.ID)
	}
	if got := r.called("ann"); len(got) != 1 || got[0] != ann.ID {
		t.Errorf("users called ann: got %v, want %s alone", got, ann.ID)
	}
}

// TestARenameWaitsForACreation: what became of the creation of the name is not known yet, and its user is not to be taken
// for the one who is renamed.
func TestARenameWaitsForACreation(t *testing.T) {
	for _, s := range []struct {
		name, userName, to string
		style              func(*rigConfig)
	}{{"plain", "bob", "ada", styled(nil, nil)}, {"e-mail as username", "bob@example.com", "ada@example.com", byEmail}} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, s.style, func(c *rigConfig) { c.dir.Lag = time.Millisecond })
			bob := r.create(schemas.Resource{"userName": s.userName, "displayName": "Bob"})
			r.fault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.ServerError})
			r.fault(emulator.Fault{Operation: "AdminGetUser", Kind: emulator.ServerError})
			ada := schemas.Resource{"userName": s.to, "displayName": "Ada", "active": false}
			if _, err := r.CreateUser(t.Context(), ada); kindOf(err) != "unavailable" {
				t.Fatalf("creating: %v, want unavailable", err)
			}
			if err := r.renamed(bob.ID, s.to); kindOf(err) != "too many" {
				t.Errorf("renaming somebody to the name: %v, want too many", err)
			}
			r.emulator.ClearFaults()
			r.until("the journal is empty", func() bool { return r.journal() == 0 })
			if err := r.renamed(bob.ID, s.to); kindOf(err) != "exists" {
				t.Errorf("renaming afterwards: %v, want exists", err)
			}
			if u := r.inPool(bob.PoolName); !u.Enabled || u.Attributes["name"] != "Bob" {
				t.Errorf("bob is called %s, enabled %v; want Bob, enabled", u.Attributes["name"], u.Enabled)
			}
			if u := r.inPool(s.to); u.Sub == bob.ID || u.Enabled || u.Attributes["name"] != "Ada" {
				t.Errorf("%s is user %s, called %s, enabled %v; want another than bob, called Ada, disabled", s.to, u.Sub, u.Attributes["name"], u.Enabled)
			}
		})
	}
}

// TestAPromisedUserNameIsNotBroughtBack: what was said of creations holds for somebody who comes back under the name.
func TestAPromisedUserNameIsNotBroughtBack(t *testing.T) {
	t.Parallel()
	for _, kind := range []emulator.FaultKind{emulator.ServerError, emulator.ResetAfter} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, keepDeleted, func(c *rigConfig) { c.dir.Lag = time.Millisecond })
			ann, zoe := r.create(somebody("ann", "")), r.create(somebody("zoe", ""))
			if err := r.DeleteUser(t.Context(), zoe.ID); err != nil {
				t.Fatal(err)
			}
			r.fault(emulator.Fault{Operation: "AdminUpdateUserAttributes", Kind: kind})
			if err := r.renamed(ann.ID, "beth"); kindOf(err) != "unavailable" {
				t.Fatalf("renaming: %v, want unavailable", err)
			}
			r.emulator.ClearFaults()
			back := schemas.Resource{"userName": "beth", "externalId": "of zoe"}
			if _, err := r.CreateUser(t.Context(), back); kindOf(err) != "too many" && kindOf(err) != "exists" {
				t.Errorf("bringing back: %v, want too many, or exists when the change was made", err)
			}
			r.until("the journal is empty", func() bool { return r.journal() == 0 })
			if got := r.called("beth"); len(got) != 1 || got[0] != ann.ID {
				t.Errorf("users called beth: got %v, want %s alone", got, ann.ID)
			}
		})
	}
}

// TestAnAdoptedUserNameIsPromised: until the adoption is settled the mirror does not list who has the name.
func TestAnAdoptedUserNameIsPromised(t *testing.T) {
	t.Parallel()
	for _, kind := range []emulator.FaultKind{emulator.ServerError, emulator.ResetAfter} {
		for _, restarts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/restart=%v", kind, restarts), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, func(c *rigConfig) { c.dir.Adoption, c.dir.Lag = bridge.AdoptMatches, time.Millisecond })
				if _, err := r.pool.CreateUser(t.Context(), "ada", nil); err != nil {
					t.Fatal(err)
				}
				r.dir.Resync()
				r.until("she is offered", func() bool { return len(r.called("ada")) == 1 })
				ada, bob := r.called("ada")[0], r.create(somebody("bob", ""))
				r.fault(emulator.Fault{Operation: "AdminUpdateUserAttributes", Kind: kind})
				if _, err := r.patchUser(ada, `{"Operations":[{"op":"replace","path":"displayName","value":"Ada"}]}`); kindOf(err) != "unavailable" {
					t.Fatalf("adopting: %v, want unavailable", err)
				}
				if restarts {
					r.shutDown()
					r.start()
				}
				if err := r.renamed(bob.ID, "ada"); kindOf(err) != "too many" && kindOf(err) != "exists" {
					t.Errorf("renaming another while the adoption is not settled: %v, want too many, or exists when it was made", err)
				}
				r.emulator.ClearFaults()
				_ = r.renamed(bob.ID, "ada")
				r.until("the journal is empty", func() bool { return r.journal() == 0 })
				if got := r.called("ada"); len(got) != 1 || got[0] != ada {
					t.Errorf("users called ada: got %v, want %s alone", got, ada)
				}
			})
		}
	}
}
