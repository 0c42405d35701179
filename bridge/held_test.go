package bridge_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
	"github.com/scim-cognito/scim-cognito/store"
)

// reopen is an orderly restart with another configuration.
func (g *gate) reopen(change func(*stack.Config)) {
	g.Helper()
	if err := g.Stack.Close(); err != nil {
		g.Fatal(err)
	}
	change(&g.cfg)
	g.start()
}

// fails has an operation of Cognito's fail from now on.
func (g *gate) fails(operation string) {
	g.Helper()
	if err := g.emulator.AddFault(emulator.Fault{Operation: operation, Kind: emulator.AccessDenied}); err != nil {
		g.Fatal(err)
	}
}

func (g *gate) active(id string) any {
	g.Helper()
	return g.send("GET", "/Users/"+id, "").Object()["active"]
}

// Whichever way somebody is deactivated or deleted, it counts once, and is held once the room is used up. Nothing is done to
// whom it is about.
func TestGuardKnowsEveryWayOut(t *testing.T) {
	t.Parallel()
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	bulk := func(more string) func(string) (string, string, string) {
		return func(id string) (string, string, string) {
			return "POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]` + more + `,"Operations":[` +
				`{"method":"PATCH","path":"/Users/` + id + `","bulkId":"a","data":` + deactivation() + `},` +
				`{"method":"DELETE","path":"/Users/` + id + `","bulkId":"b"}]}`
		}
	}
	ways := map[string]func(id string) (method, path, body string){
		"PUT": func(id string) (string, string, string) {
			return "PUT", "/Users/" + id, idp.UserBody(map[string]any{"userName": "gone-" + id, "active": false})
		},
		"a PUT that is refused": func(id string) (string, string, string) {
			return "PUT", "/Users/" + id, idp.UserBody(map[string]any{"userName": "has space", "active": false})
		},
		"a PUT that cannot be read": func(id string) (string, string, string) {
			return "PUT", "/Users/" + id, idp.UserBody(map[string]any{"userName": 7, "active": "False"})
		},
		"a PATCH with a path": func(id string) (string, string, string) {
			return "PATCH", "/Users/" + id, idp.PatchBody(idp.Op{Op: "replace", Path: "active", Value: false})
		},
		"a PATCH without a path": func(id string) (string, string, string) { return "PATCH", "/Users/" + id, deactivation() },
		"Entra ID's PATCH": func(id string) (string, string, string) {
			return "PATCH", "/Users/" + id, idp.PatchBody(idp.Op{Op: "Replace", Path: "active", Value: "False"})
		},
		"a PATCH that is refused": func(id string) (string, string, string) {
			return "PATCH", "/Users/" + id, idp.PatchBody(idp.Op{Op: "replace", Path: "active", Value: false}, idp.Op{Op: "replace", Path: "userName", Value: "has space"})
		},
		"a PATCH that takes the userName away": func(id string) (string, string, string) {
			return "PATCH", "/Users/" + id, idp.PatchBody(idp.Op{Op: "remove", Path: "userName"}, idp.Op{Op: "replace", Value: map[string]any{"active": false}})
		},
		"a PATCH with more": func(id string) (string, string, string) {
			return "PATCH", "/Users/" + id, idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": false, enterprise + ":department": "None"}})
		},
		"DELETE":                    func(id string) (string, string, string) { return "DELETE", "/Users/" + id, "" },
		"bulk":                      bulk(""),
		"bulk with failOnErrors":    bulk(`,"failOnErrors":1`),
		"bulk with failOnErrors: 9": bulk(`,"failOnErrors":9`),
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGate(t, 4, bridge.Guard{People: 1, Window: time.Hour})
				for range 2 {
					if r := g.send(way(g.people[0])); r.Status == http.StatusTooManyRequests || strings.Contains(string(r.Body), `"429"`) {
						t.Errorf("the first person: got %d %s, want it to pass", r.Status, r.Body)
					}
				}
				g.holds(1, 0)
				before := g.disabled()
				for range 2 {
					if r := g.send(way(g.people[1])); r.Status != http.StatusTooManyRequests && !strings.Contains(string(r.Body), `"429"`) {
						t.Errorf("the second person: got %d %s, want it held", r.Status, r.Body)
					}
				}
				g.holds(1, 1)
				if got := g.active(g.people[1]); got != true || g.disabled() != before {
					t.Errorf("the held person: got active %v and %d disabled, want true and %d", got, g.disabled(), before)
				}
				g.release()
				g.holds(1, 0)
				if got := g.active(g.people[1]); got == true {
					t.Error("after the release: the person is active still")
				}
			})
		})
	}
}

// Whose account adoption takes over cannot sign in any more: that is held with the deactivation.
func TestGuardHoldsATakeOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 4, bridge.Guard{People: 1, Window: time.Hour})
		g.reopen(func(c *stack.Config) { c.Directory.AdoptSelfSignedUp = true })
		g.wants(200, g.deactivate(g.people[0]), "the first")
		before := g.emulator.Calls()
		g.wants(429, g.deactivate(g.people[1]), "the second")
		for _, op := range []string{"AdminSetUserPassword", "AdminUserGlobalSignOut", "AdminUpdateUserAttributes", "AdminDisableUser"} {
			if got := g.emulator.Calls()[op] - before[op]; got != 0 {
				t.Errorf("held: got %d %s, want none", got, op)
			}
		}
		g.holds(1, 1)
		g.release()
		g.holds(1, 0)
		if got := g.disabled(); got != 2 {
			t.Errorf("after the release: got %d disabled, want 2", got)
		}
		if got := g.emulator.Calls()["AdminSetUserPassword"]; got != 2 {
			t.Errorf("after the release: got %d AdminSetUserPassword, want 2: the account is taken over, too", got)
		}
	})
}

// Whom a window has let pass keeps that room when Cognito, or the process, fails: they do not wait for the next window.
func TestGuardTriesAgainWhomItHasLetPass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		operation      string
		delete, killed bool
	}{{"AdminDisableUser", false, false}, {"AdminDisableUser", false, true}, {"AdminUserGlobalSignOut", false, false}, {"AdminDeleteUser", true, false}} {
		synctest.Test(t, func(t *testing.T) {
			g := newGate(t, 10, bridge.Guard{People: 3, Window: time.Hour})
			for _, id := range g.people {
				if c.delete {
					g.send("DELETE", "/Users/"+id, "")
				} else {
					g.deactivate(id)
				}
				time.Sleep(time.Second)
			}
			g.holds(3, 7)
			g.fails(c.operation)
			time.Sleep(time.Hour)
			if s := g.guard(); s.Passed != 3 || s.Held != 7 {
				t.Errorf("%+v: in the next window, while Cognito fails: got %d passed and %d held, want 3 and 7", c, s.Passed, s.Held)
			}
			if c.killed {
				g.kill()
			}
			g.emulator.ClearFaults()
			time.Sleep(10 * time.Minute)
			if s := g.guard(); s.Passed != 3 || s.Held != 4 {
				t.Errorf("%+v: afterwards: got %d passed and %d held, want 3 and 4", c, s.Passed, s.Held)
			}
			for i, id := range g.people {
				if got := g.active(id); (got == true) != (i >= 6) {
					t.Errorf("%+v: person %d: got active %v", c, i, got)
				}
			}
		})
	}
}

// Whom an operator has let go, goes: also if the identity provider asks again before the journal has come to it. A larger
// request is another one.
func TestGuardLetsGoWhomTheOperatorLets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 6, bridge.Guard{People: 1, Window: time.Hour})
		for _, id := range g.people[:3] {
			g.deactivate(id)
		}
		time.Sleep(time.Second)
		for _, id := range g.people[1:3] {
			if err := g.Directory.RetryWork(t.Context(), "held:"+id); err != nil {
				t.Fatal(err)
			}
		}
		g.wants(200, g.deactivate(g.people[1]), "the deactivation, which the operator has let go, repeated")
		g.wants(429, g.send("DELETE", "/Users/"+g.people[2], ""), "a deletion, where the operator has let a deactivation go")
		g.holds(1, 1)
	})
}

// A clock that is set back does not make a window last until that time comes again.
func TestGuardWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		ahead.Store(int64(365 * 24 * time.Hour))
		g := newGate(t, 6, bridge.Guard{People: 1, Window: time.Hour})
		g.reopen(func(c *stack.Config) {
			c.Directory.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		})
		for _, id := range g.people {
			g.deactivate(id)
		}
		g.holds(1, 5)
		ahead.Store(int64(30 * time.Minute)) // less than a window ahead of the true time, which time servers do
		g.holds(1, 4)
		ahead.Store(0)
		g.holds(1, 4)
		time.Sleep(90 * time.Minute)
		g.holds(1, 3)
	})
}

// Before a window has begun, the operator reads what the next one will allow.
func TestGuardTellsTheNextLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 200, bridge.Guard{People: 50, Percent: 10, Window: time.Hour})
		if got := g.guard().Limit; got != 20 {
			t.Errorf("before the first window: got the limit %d, want 20", got)
		}
	})
}

// What another connection, without a guard, does to whom the guard holds ends what is held, and so does who brings somebody
// back whom it has deleted.
func TestGuardAndAnotherConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 6, bridge.Guard{People: 1, Window: time.Hour})
		g.reopen(func(c *stack.Config) { c.Connection.Deletion = bridge.DisableUsers })
		entra := bridge.NewConnection(bridge.ConnectionConfig{Name: "entra", Directory: g.Directory, Deletion: bridge.DisableUsers})
		back := fmt.Sprint(g.send("POST", "/Users", idp.UserBody(map[string]any{"userName": "ada", "externalId": "x1"})).Object()["id"])
		for _, id := range append(g.people[:4:4], back) {
			g.deactivate(id)
		}
		g.holds(1, 4)
		if _, err := entra.PatchUser(t.Context(), g.people[1], []patch.Op{schemas.Deactivate()}); err != nil {
			t.Errorf("the other's deactivation: got %v", err)
		}
		g.holds(1, 3)
		if err := entra.DeleteUser(t.Context(), g.people[2]); err != nil {
			t.Errorf("the other's deletion: got %v", err)
		}
		g.holds(1, 2)
		if _, err := entra.PatchUser(t.Context(), g.people[3], []patch.Op{{Kind: patch.Replace, Value: map[string]any{"active": true}}}); err != nil {
			t.Errorf("the other's reactivation: got %v", err)
		}
		g.holds(1, 1)

		g.fails("AdminUpdateUserAttributes")
		if err := entra.DeleteUser(t.Context(), back); err == nil {
			t.Error("a deletion that Cognito fails: got no error")
		}
		g.emulator.ClearFaults()
		time.Sleep(time.Minute) // the journal has made the deletion
		g.wants(404, g.send("GET", "/Users/"+back, ""), "the deleted person")
		if got := g.send("POST", "/Users", idp.UserBody(map[string]any{"userName": "ada", "externalId": "x1"})).Object()["id"]; got != back {
			t.Fatalf("bringing back: got %v, want %s", got, back)
		}
		g.holds(1, 0)
		time.Sleep(2 * time.Hour)
		if got := g.active(back); got != true {
			t.Errorf("who was brought back, after the window: got active %v, want true", got)
		}
	})
}

// What is refused beside a deactivation that is held is told, and not that the deactivation was made.
func TestGuardTellsWhatBecameOfARefusedChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 3, bridge.Guard{People: 1, Window: time.Hour})
		for _, id := range g.people[:2] {
			g.send("PUT", "/Users/"+id, idp.UserBody(map[string]any{"userName": "has space", "active": false}))
		}
		g.send("PUT", "/Users/"+g.people[2], idp.UserBody(map[string]any{"userName": 7, "active": false}))
		for i, id := range g.people {
			records := must(g.Store.Activities(t.Context(), store.ActivityQuery{ID: id, Limit: 10}))
			if len(records) != 1 {
				t.Fatalf("person %d: got %d records, want one", i, len(records))
			}
			notes, wants := strings.Join(records[0].Notes, "; "), []string{"done", "held", "held"}
			if records[0].Outcome != wants[i] || !strings.Contains(notes, "all but the deactivation was refused") || strings.Contains(notes, "held by the guard") != (i > 0) {
				t.Errorf("person %d: got %s, %s, want %s, what was refused, and whether it was held", i, records[0].Outcome, notes, wants[i])
			}
		}
	})
}

// What is held outlasts a change of the configuration: without its connection nobody does it, and it is shown; without the
// guard, or with a larger one, it is done.
func TestGuardAfterTheConfigurationHasChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 12, bridge.Guard{People: 1, Window: time.Hour})
		entra := func() *bridge.Connection {
			return bridge.NewConnection(bridge.ConnectionConfig{Name: "entra", Directory: g.Directory, Guard: bridge.Guard{People: 1, Window: time.Hour}})
		}
		former := entra()
		for _, id := range g.people[:4] {
			_, _ = former.PatchUser(t.Context(), id, []patch.Op{schemas.Deactivate()}) // but for the first they are held
		}
		for _, id := range g.people[4:10] {
			g.deactivate(id)
		}
		g.reopen(func(*stack.Config) {})
		time.Sleep(2*time.Hour + time.Minute) // okta's second, and third window
		all := must(g.Directory.Guards(t.Context()))
		if len(all) != 2 || !all[0].Gone || all[0].Held != 3 || all[1].Held != 3 {
			t.Fatalf("guards: got %+v, want entra gone with three held, and okta with three", all)
		}
		if err := g.Directory.RetryWork(t.Context(), "held:"+g.people[1]); err == nil || !strings.Contains(err.Error(), `"entra"`) {
			t.Errorf("letting go whom a former connection holds: got %v, want it refused", err)
		}
		if _, err := g.Directory.ReleaseGuard(t.Context(), "entra"); err == nil {
			t.Error("releasing a former connection: got no error")
		}
		g.wants(200, g.send("PATCH", "/Users/"+g.people[2], reactivation()), "taking back whom a former connection holds")
		if n, err := g.Directory.DropHeld(t.Context(), "nobody"); n != 0 || err != nil {
			t.Errorf("giving up what nobody holds: got %d, %v", n, err)
		}

		g.reopen(func(c *stack.Config) { c.Connection.Guard.People = 2 })
		time.Sleep(time.Minute)
		if got := g.disabled(); got != 1+4 {
			t.Errorf("with a larger guard: got %d disabled, want 5", got)
		}
		g.reopen(func(c *stack.Config) { c.Connection.Guard = bridge.Guard{} })
		entra()
		time.Sleep(time.Minute)
		if all := must(g.Directory.Guards(t.Context())); len(all) != 1 || all[0].Connection != "entra" || all[0].Held != 1 {
			t.Errorf("guards, without okta's and with entra back: got %+v, want entra's with one held", all)
		}
		if got := g.disabled(); got != 2+6 {
			t.Errorf("without the guard: got %d disabled, want 8: okta's six, and one more in entra's next window", got)
		}
	})
}

// Whose reactivation Cognito has not let through is out still: to deactivate that person again takes nothing away, and
// held it would let the reactivation go on.
func TestGuardPassesWhoIsNotInYet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 4, bridge.Guard{People: 1, Window: time.Hour})
		g.wants(200, g.deactivate(g.people[0]), "the leaver")
		time.Sleep(2 * time.Hour)
		g.wants(200, g.deactivate(g.people[1]), "another, in another window")
		g.fails("AdminEnableUser")
		g.wants(500, g.send("PATCH", "/Users/"+g.people[0],
			idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": true, "title": "Back"}})), "a reactivation that AWS denies")
		g.wants(200, g.deactivate(g.people[0]), "the leaver again")
		g.emulator.ClearFaults()
		g.holds(1, 0)
		time.Sleep(10 * time.Minute)
		if got := g.disabled(); got != 2 {
			t.Errorf("got %d disabled, want 2", got)
		}
	})
}
