package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

// gate is a server with a guard, in simulated time. It can be killed and started again.
type gate struct {
	*testing.T
	*stack.Stack
	cfg      stack.Config
	emulator *emulator.Emulator
	okta     *idp.Provider
	people   []string // ids of those who are there at first
}

func newGate(t *testing.T, people int, guard bridge.Guard) *gate {
	t.Helper()
	g := &gate{T: t, emulator: must(stack.NewEmulator(emulator.Config{Seed: 1}))}
	if err := g.emulator.SeedUsers(stack.PoolID, people); err != nil {
		t.Fatal(err)
	}
	g.cfg = stack.Config{File: filepath.Join(t.TempDir(), "scim.db"), Emulator: g.emulator,
		Directory: bridge.DirectoryConfig{Adoption: bridge.AdoptAll}, Cognito: cognito.Config{Quotas: &cognito.Quotas{}},
		Connection: bridge.ConnectionConfig{Guard: guard}}
	g.start()
	t.Cleanup(func() {
		if err := g.Stack.Close(); err != nil {
			t.Errorf("closing the stack: %v", err)
		}
	})
	front := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.Stack.ServeHTTP(w, r) })
	g.okta = idp.New(idp.Config{URL: "http://scim.example.com" + stack.Path, Token: stack.Token, Transport: pooltest.InProcess(front)})
	g.people = slices.Sorted(maps.Keys(must(audit.SCIM(t.Context(), g.okta)).Users))
	return g
}

func (g *gate) start() {
	g.Helper()
	g.Stack = must(stack.Open(context.WithoutCancel(g.Context()), g.cfg))
	for g.Directory.Ready() != nil {
		time.Sleep(time.Second) // simulated
	}
}

// kill ends the server as signal 9 would, and starts another.
func (g *gate) kill() {
	g.Helper()
	if err := g.Crash(); err != nil {
		g.Fatal(err)
	}
	g.start()
}

// send is one request, sent once.
func (g *gate) send(method, path, body string) idp.Reply {
	g.Helper()
	return must(g.okta.Send(g.Context(), method, path, body))
}

func (g *gate) wants(status int, r idp.Reply, what string) {
	g.Helper()
	if r.Status != status {
		g.Errorf("%s: got %d %s, want %d", what, r.Status, r.Body, status)
	}
}

func deactivation() string {
	return idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": false}})
}
func reactivation() string {
	return idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": true}})
}

func (g *gate) deactivate(id string) idp.Reply { return g.send("PATCH", "/Users/"+id, deactivation()) }

// unassign deactivates people, all at once, and returns how many were answered with which status.
func (g *gate) unassign(people []string) map[int]int {
	g.Helper()
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	for _, id := range people {
		wg.Go(func() {
			r := g.deactivate(id)
			mu.Lock()
			defer mu.Unlock()
			got[r.Status]++
			if r.Status != http.StatusTooManyRequests {
				return
			}
			if wait := r.RetryAfter(); wait < time.Second || wait > time.Hour {
				g.Errorf("Retry-After: got %q, want seconds, up to the window's end", r.Header.Get("Retry-After"))
			}
			if detail := fmt.Sprint(r.Object()["detail"]); !strings.Contains(detail, "deprovisioning guard") || !strings.Contains(detail, "not lost") {
				g.Errorf("detail: got %q, want it to say that the guard holds and what becomes of it", detail)
			}
		})
	}
	wg.Wait()
	return got
}

// disabled is how many people cannot sign in, as the pool itself says.
func (g *gate) disabled() int {
	g.Helper()
	n := 0
	for _, u := range must(audit.Pool(g.Context(), audit.Client(g.emulator), stack.PoolID)).Users {
		if strings.Contains(u, `"active":false`) {
			n++
		}
	}
	return n
}

func (g *gate) guard() bridge.GuardStatus {
	g.Helper()
	all := must(g.Directory.Guards(g.Context()))
	if len(all) != 1 {
		g.Fatalf("guards: got %+v, want one", all)
	}
	return all[0]
}

// holds checks what the guard has let pass and what it holds, once it is quiet.
func (g *gate) holds(passed, held int) {
	g.Helper()
	time.Sleep(10 * time.Second) // simulated: its loop has been round
	if s := g.guard(); s.Passed != passed || s.Held != held {
		g.Errorf("the guard: got %d passed and %d held, want %d and %d", s.Passed, s.Held, passed, held)
	}
}

func (g *gate) release() {
	g.Helper()
	if s, err := g.Directory.ReleaseGuard(g.Context(), "okta"); err != nil || !s.Released {
		g.Fatalf("release: got %+v, %v, want it released", s, err)
	}
}

// A mass unassignment of 500 stops at the limit, survives a kill, is released, and completes without the identity
// provider's asking again. Nobody is disabled twice, and who was assigned again meanwhile stays.
func TestGuardStopsAMassUnassignment(t *testing.T) {
	t.Parallel()
	people := 500
	if raceEnabled {
		people = 150
	}
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, people, bridge.Guard{People: 50, Window: time.Hour})
		if got := g.unassign(g.people); got[200] != 50 || got[429] != people-50 {
			t.Errorf("answers: got %v, want 200 for 50 and 429 for %d", got, people-50)
		}
		g.holds(50, people-50)
		if got := g.disabled(); got != 50 {
			t.Errorf("disabled: got %d people, want 50", got)
		}
		g.kill()
		g.holds(50, people-50)

		var back string
		for _, id := range g.people {
			if g.send("GET", "/Users/"+id, "").Object()["active"] == true {
				back = id
				break
			}
		}
		before := g.emulator.Calls()
		g.wants(200, g.send("PATCH", "/Users/"+back, reactivation()), "assigning somebody again who is held")
		if got := g.emulator.Calls()["AdminEnableUser"] - before["AdminEnableUser"]; got != 0 {
			t.Errorf("assigning somebody again who is held: got %d AdminEnableUser, want none: nothing was taken away", got)
		}
		g.holds(50, people-51)

		g.release()
		g.holds(people-51, 0)
		if got := g.disabled(); got != people-1 {
			t.Errorf("disabled after the release: got %d people, want %d", got, people-1)
		}
		if got := g.emulator.Calls()["AdminDisableUser"]; got != int64(people-1) {
			t.Errorf("got %d AdminDisableUser, want %d: one a person", got, people-1)
		}
		if got := g.emulator.Calls()["AdminUserGlobalSignOut"]; got != int64(people-1) {
			t.Errorf("got %d AdminUserGlobalSignOut, want %d: one a person", got, people-1)
		}
		if g.send("GET", "/Users/"+back, "").Object()["active"] != true {
			t.Error("who was assigned again has been disabled by the release")
		}
		if got := g.unassign(g.people); got[200] != people {
			t.Errorf("the identity provider's repetition: got %v, want 200 for everybody", got)
		}
		if work := must(g.Directory.Journal(t.Context())); len(work) != 0 {
			t.Errorf("work left: got %+v, want none", work)
		}
	})
}

// Without a release, each window lets as many pass as the guard allows, in the order in which they were held.
func TestGuardIsReleasedByTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 30, bridge.Guard{People: 8, Window: time.Hour})
		for _, id := range g.people[:22] {
			g.deactivate(id)
			time.Sleep(time.Second)
		}
		for window, want := range []struct{ disabled, passed, held int }{{8, 8, 14}, {16, 8, 6}, {22, 6, 0}} {
			g.holds(want.passed, want.held)
			if got := g.disabled(); got != want.disabled {
				t.Errorf("window %d: got %d disabled, want %d", window, got, want.disabled)
			}
			for i, id := range g.people[:22] {
				if active := g.send("GET", "/Users/"+id, "").Object()["active"]; active != (i >= want.disabled) {
					t.Errorf("window %d: person %d: got active %v, want %v: the oldest go first", window, i, active, i >= want.disabled)
				}
			}
			time.Sleep(time.Hour)
		}
		if s := g.guard(); s.Began != (time.Time{}) || s.Passed != 0 {
			t.Errorf("an hour later: got the window %+v, want none running", s)
		}
	})
}

// The percentage is of those who were listed when the window began, and is at least one person.
func TestGuardPercentage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		guard  bridge.Guard
		people int
		want   int
	}{
		{bridge.Guard{Percent: 10, Window: time.Hour}, 40, 4},
		{bridge.Guard{Percent: 10, Window: time.Hour}, 41, 5},
		{bridge.Guard{Percent: 10, Window: time.Hour}, 3, 1},
		{bridge.Guard{Percent: 100, Window: time.Hour}, 7, 7},
		{bridge.Guard{People: 3, Percent: 10, Window: time.Hour}, 40, 3},
		{bridge.Guard{People: 30, Percent: 10, Window: time.Hour}, 40, 4},
		{bridge.Guard{People: 0, Percent: 0, Window: time.Hour}, 7, 7},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := newGate(t, c.people, c.guard)
			g.deactivate(g.people[0])
			for i := range 20 { // who comes later does not count
				g.wants(201, g.send("POST", "/Users", idp.UserBody(map[string]any{"userName": fmt.Sprintf("later%d", i)})), "creating")
			}
			g.unassign(g.people)
			if got := g.disabled(); got != c.want {
				t.Errorf("%+v of %d people: got %d disabled, want %d", c.guard, c.people, got, c.want)
			}
		})
	}
}

// One person counts once, whatever is repeated; who is out already takes nobody's place.
func TestGuardCountsPeople(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 12, bridge.Guard{People: 3, Window: time.Hour})
		a, b, c, d, out := g.people[0], g.people[1], g.people[2], g.people[3], g.people[4]
		if _, err := audit.Client(g.emulator).AdminDisableUser(t.Context(), &cip.AdminDisableUserInput{UserPoolId: aws.String(stack.PoolID), Username: &out}); err != nil {
			t.Fatal(err)
		}
		g.Directory.Resync()
		time.Sleep(time.Minute)
		for range 3 {
			g.wants(200, g.deactivate(a), "the same person again")
			g.wants(200, g.send("PATCH", "/Users/"+a, reactivation()), "reactivating")
		}
		g.wants(200, g.deactivate(a), "the same person again")
		g.wants(204, g.send("DELETE", "/Users/"+a, ""), "deleting a person whom the window has let pass")
		g.wants(204, g.send("DELETE", "/Users/"+b, ""), "deleting")
		g.wants(200, g.deactivate(c), "deactivating")
		g.holds(3, 0)
		g.wants(200, g.deactivate(out), "deactivating somebody who is out already")
		g.wants(201, g.send("POST", "/Users", idp.UserBody(map[string]any{"userName": "new", "active": false})), "creating somebody inactive")
		g.wants(429, g.deactivate(d), "one more")
		g.wants(429, g.send("DELETE", "/Users/"+d, ""), "the same, deleting")
		g.wants(429, g.send("DELETE", "/Users/"+out, ""), "deleting somebody who is out already: that cannot be undone")
		g.holds(3, 2)
		g.release()
		g.holds(2, 0)
		g.wants(404, g.send("GET", "/Users/"+d, ""), "the held deletion, once released")
		if n := len(must(audit.Pool(t.Context(), audit.Client(g.emulator), stack.PoolID)).Users); n != 12+1-4 {
			t.Errorf("the pool: got %d users, want %d", n, 12+1-4)
		}
	})
}

// What is held leaves the rest of a request, and later ones about the same person, alone; the newest word about the access
// counts.
func TestGuardHoldsNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 8, bridge.Guard{People: 1, Window: time.Hour})
		g.wants(200, g.deactivate(g.people[7]), "the first")
		a, b, c := g.people[0], g.people[1], g.people[2]
		name := fmt.Sprint(g.send("GET", "/Users/"+a, "").Object()["userName"])
		body := func(active bool) string {
			return idp.UserBody(map[string]any{"userName": name, "title": "Left", "active": active})
		}
		g.wants(429, g.send("PUT", "/Users/"+a, body(false)), "a PUT that deactivates and changes a title")
		g.wants(200, g.send("PATCH", "/Users/"+a, idp.PatchBody(idp.Op{Op: "replace", Path: "nickName", Value: "Lefty"})), "a change of the profile")
		if u := g.send("GET", "/Users/"+a, "").Object(); u["title"] != "Left" || u["nickName"] != "Lefty" || u["active"] != true {
			t.Errorf("the held person: got %v, want the profile changed and active", u)
		}
		g.wants(204, func() idp.Reply { // groups are not counted
			group := fmt.Sprint(g.send("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Staff"}, a, b, c)).Object()["id"])
			return g.send("DELETE", "/Groups/"+group, "")
		}(), "deleting a group of three")

		g.wants(429, g.send("DELETE", "/Users/"+b, ""), "a deletion")
		g.wants(429, g.deactivate(b), "a deactivation of the same person: the newest word")
		g.wants(429, g.deactivate(c), "a deactivation")
		g.wants(400, g.send("PUT", "/Users/"+c, idp.UserBody(map[string]any{"userName": "has space", "active": true})), "a reactivation that is refused")
		g.holds(1, 3)
		g.wants(200, g.send("PUT", "/Users/"+c, idp.UserBody(map[string]any{"userName": "c", "active": true})), "a reactivation")
		g.holds(1, 2)
		g.release()
		g.holds(2, 0)
		for id, want := range map[string]any{a: false, b: false, c: true} {
			if u := g.send("GET", "/Users/"+id, "").Object(); u["active"] != want {
				t.Errorf("after the release: got active %v, want %v", u["active"], want)
			}
		}
	})
}

// An operator may give all of it up, or let one person go and keep the others.
func TestGuardOperator(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 10, bridge.Guard{People: 2, Window: time.Hour})
		g.unassign(g.people)
		g.holds(2, 8)
		held := slices.DeleteFunc(must(g.Directory.Journal(t.Context())), func(w bridge.Unfinished) bool { return !strings.HasPrefix(w.Key, "held:") })
		if len(held) != 8 || !strings.Contains(held[0].Parked, "guard") {
			t.Fatalf("the journal: got %+v, want the eight, held by the guard", held)
		}
		if err := g.Directory.RetryWork(t.Context(), held[0].Key); err != nil {
			t.Fatal(err)
		}
		g.holds(2, 7)
		if got := g.disabled(); got != 3 {
			t.Errorf("after letting one go: got %d disabled, want 3", got)
		}
		if n, err := g.Directory.DropHeld(t.Context(), "okta"); err != nil || n != 7 {
			t.Errorf("giving the rest up: got %d, %v, want 7", n, err)
		}
		g.holds(2, 0)
		g.release() // of nothing: what is asked from now on passes
		g.holds(0, 0)
		if got := g.disabled(); got != 3 {
			t.Errorf("after giving them up and a release: got %d disabled, want 3", got)
		}
		if got := g.unassign(g.people); got[200] != 10 {
			t.Errorf("in a released window: got %v, want 200 for everybody", got)
		}
		if _, err := g.Directory.ReleaseGuard(t.Context(), "entra"); err == nil {
			t.Error("releasing a guard that is not there: got no error")
		}
		time.Sleep(2 * time.Hour)
		for _, id := range g.people {
			g.wants(200, g.send("PATCH", "/Users/"+id, reactivation()), "reactivating")
		}
		if got := g.unassign(g.people); got[200] != 2 || got[429] != 8 {
			t.Errorf("after the released window: got %v, want the guard back", got)
		}
	})
}

// Held work that Cognito fails is tried again, and a person who has left the pool meanwhile is no work any more.
func TestGuardReleaseUnderFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 10, bridge.Guard{People: 2, Window: time.Hour})
		g.unassign(g.people)
		g.holds(2, 8)
		for _, id := range g.people {
			if u := g.send("GET", "/Users/"+id, "").Object(); u["active"] == true {
				if _, err := audit.Client(g.emulator).AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: aws.String(stack.PoolID), Username: &id}); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		if err := g.emulator.AddFault(emulator.Fault{Kind: emulator.AccessDenied}); err != nil {
			t.Fatal(err)
		}
		g.release()
		time.Sleep(time.Minute)
		if s := g.guard(); s.Held != 8 {
			t.Errorf("while AWS denies: got %d held, want 8", s.Held)
		}
		g.emulator.ClearFaults()
		time.Sleep(10 * time.Minute)
		if s := g.guard(); s.Held != 0 || g.disabled() != 9 {
			t.Errorf("afterwards: got %d held and %d disabled, want none and 9", s.Held, g.disabled())
		}
	})
}

// A guard is one connection's: another identity provider's leaver does not wait for this one's mishap, and what that one
// says of a person supersedes what is held.
func TestGuardIsOneConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 10, bridge.Guard{People: 1, Window: time.Hour})
		entra := bridge.NewConnection(bridge.ConnectionConfig{Name: "entra", Directory: g.Directory, Guard: bridge.Guard{People: 3, Window: time.Hour}})
		for _, id := range g.people[:5] {
			g.deactivate(id)
		}
		deactivate := []patch.Op{schemas.Deactivate()}
		for i, id := range g.people[4:8] {
			_, err := entra.PatchUser(t.Context(), id, deactivate)
			var held *bridge.Error
			if isHeld := errors.As(err, &held) && held.Kind == bridge.Held; isHeld != (i == 3) || err != nil && !isHeld {
				t.Errorf("entra's leaver %d: got %v, want the fourth alone held", i, err)
			}
		}
		time.Sleep(time.Minute)
		all := must(g.Directory.Guards(t.Context()))
		if len(all) != 2 || all[0].Connection != "entra" || all[0].Passed != 3 || all[0].Held != 1 || all[1].Passed != 1 || all[1].Held != 3 {
			t.Errorf("guards: got %+v, want entra's and okta's, each with its own", all)
		}
	})
}

// A bulk request is as many requests: those that are held are answered 429 in their places.
func TestGuardInBulk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 6, bridge.Guard{People: 2, Window: time.Hour})
		var operations []string
		for i, id := range g.people {
			operations = append(operations, fmt.Sprintf(`{"method":"PATCH","path":"/Users/%s","bulkId":"b%d","data":%s}`, id, i, deactivation()))
		}
		r := g.send("POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`+strings.Join(operations, ",")+`]}`)
		g.wants(200, r, "a bulk request")
		if done, held := strings.Count(string(r.Body), `"status":"200"`), strings.Count(string(r.Body), `},"status":"429"}`); done != 2 || held != 4 {
			t.Errorf("got %d done and %d held in %s, want 2 and 4", done, held, r.Body)
		}
		g.holds(2, 4)
	})
}
