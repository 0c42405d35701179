package bridge_test

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/cognito"
)

// bigGroup is a group that is pushed for minutes, and the people in it.
type bigGroup struct {
	*office
	id      string
	started time.Time
	mu      sync.Mutex
	members []string
}

func newBigGroup(t *testing.T) *bigGroup {
	t.Helper()
	size := 1_300 // more than a request can carry
	if thorough {
		size = 10_000
	}
	g := &bigGroup{office: newOffice(t, size)}
	g.members = slices.Sorted(maps.Keys(must(audit.SCIM(t.Context(), g.okta)).Users))
	g.id = g.push("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Everybody"})).ID()
	g.started = time.Now()
	return g
}

// at waits until so much of the push's least possible time has passed, in simulated time.
func (g *bigGroup) at(part float64) {
	time.Sleep(time.Until(g.started.Add(time.Duration(part * float64(g.least())))))
}

func (g *bigGroup) least() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Duration(float64(len(g.members)) / (0.8 * cognito.AWSQuotas().Category[cognito.UserUpdate]) * float64(time.Second))
}

// meanwhile is what else happens during the push: somebody leaves the group, somebody the company, and the pool is swept.
func (g *bigGroup) meanwhile() (gone, disabled string) {
	g.mu.Lock()
	gone, disabled = g.members[3], g.members[len(g.members)-1]
	g.mu.Unlock()

	g.at(0.3)
	g.Directory.Resync()
	deactivated := g.push("PATCH", "/Users/"+disabled, idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": false}}))
	if deactivated.Took > 2*time.Second || len(deactivated.Before) > 0 {
		g.Errorf("a deactivation during the push: got it done after %s and %d other answers, want it at once", deactivated.Took, len(deactivated.Before))
	}

	g.at(0.5)
	g.mu.Lock()
	g.members = slices.DeleteFunc(g.members, func(id string) bool { return id == gone })
	g.mu.Unlock()
	left := g.push("PATCH", "/Groups/"+g.id, idp.PatchBody(idp.Remove(gone)))
	g.Logf("the removal: %d after %s, %d times told to come back", left.Status, left.Took, len(left.Before))
	return gone, disabled
}

// arrived checks that everybody is in the group but who was removed meanwhile.
func (g *bigGroup) arrived(gone, disabled string, most float64) {
	g.Helper()
	g.idle()
	took := time.Since(g.started)
	g.Logf("%d members after %s, at least %s; %d planned 429s", len(g.members), took, g.least(), g.busy.Load())
	if took.Seconds() > most*g.least().Seconds() {
		g.Errorf("got all members after %s, want them within %.1f times the least possible %s", took, most, g.least())
	}
	g.unprovoked()
	pool := g.agree()
	if got := pool.Groups[g.id].Members; !slices.Equal(got, g.members) {
		g.Errorf("got %d members, %s among them: %v; want %d without it", len(got), gone, slices.Contains(got, gone), len(g.members))
	}
	if u, _, err := audit.User(g.Context(), audit.Client(g.emulator), stack.PoolID, disabled); err != nil || u["active"] != false {
		g.Errorf("who left the company: got active %v, %v; want false", u["active"], err)
	}
}

// TestBigGroupByPut pushes a group as Okta's "Push Now" does: everybody in one PUT, which is told to come back until the
// journal has put everybody in. Each repetition says who is a member by then.
func TestBigGroupByPut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newBigGroup(t)
		pushed := make(chan idp.Outcome)
		go func() {
			pushed <- g.pushLatest("PUT", "/Groups/"+g.id, func() string {
				g.mu.Lock()
				defer g.mu.Unlock()
				return idp.GroupBody(map[string]any{"displayName": "Everybody", "id": g.id}, g.members...)
			})
		}()
		gone, disabled := g.meanwhile()
		out := <-pushed
		t.Logf("the PUT: %d after %d answers of 429", out.Status, len(out.Before))
		g.arrived(gone, disabled, 2.1) // Okta's own waits double
	})
}

// TestBigGroupByPatch pushes the same in the PATCHes of 256 that Okta sends, several at once.
func TestBigGroupByPatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newBigGroup(t)
		var wg sync.WaitGroup
		queue := make(chan []string)
		push := func(batch []string) {
			out := g.push("PATCH", "/Groups/"+g.id, idp.PatchBody(idp.Add(batch...)))
			if out.Status != http.StatusOK && out.Status != http.StatusNoContent {
				g.Errorf("adding %d members: got %d, want 200 or 204", len(batch), out.Status)
			}
		}
		for range 6 {
			wg.Go(func() {
				for batch := range queue {
					push(batch)
				}
			})
		}
		batches := slices.Collect(slices.Chunk(slices.Clone(g.members), 256))
		wg.Go(func() {
			push(batches[0]) // who is removed meanwhile is in it: a PATCH that is repeated after the removal would add them again
			for _, batch := range batches[1:] {
				queue <- batch
			}
			close(queue)
		})
		gone, disabled := g.meanwhile()
		wg.Wait()
		g.arrived(gone, disabled, 1.5)
	})
}
