package bridge_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// office is a server in simulated time: no sockets, AWS's quotas on both sides, Cognito's usual latency, and an identity
// provider that waits as Okta does.
type office struct {
	*testing.T
	*stack.Stack
	emulator *emulator.Emulator
	okta     *idp.Provider

	busy, failed atomic.Int64 // answers that were 429, and others to be repeated
}

func newOffice(t *testing.T, users int) *office {
	t.Helper()
	o := &office{T: t}
	o.emulator = must(stack.NewEmulator(emulator.Config{Seed: 1, Quotas: emulator.AWSQuotas(), Latency: 40 * time.Millisecond}))
	if err := o.emulator.SeedUsers(stack.PoolID, users); err != nil {
		t.Fatal(err)
	}
	o.Stack = must(stack.Open(t.Context(), stack.Config{File: filepath.Join(t.TempDir(), "scim.db"), Emulator: o.emulator,
		Directory: bridge.DirectoryConfig{Adoption: bridge.AdoptAll}})) // those who are there before are SCIM's
	t.Cleanup(func() {
		if err := o.Stack.Close(); err != nil {
			t.Errorf("closing the stack: %v", err)
		}
	})
	o.okta = idp.New(idp.Config{URL: "http://scim.example.com" + stack.Path, Token: stack.Token, Transport: pooltest.InProcess(o.Stack),
		Wait: func(r idp.Reply, previous time.Duration) time.Duration {
			if idp.Busy(r) {
				o.busy.Add(1)
			} else {
				o.failed.Add(1)
			}
			return idp.Doubling(r, previous)
		}})
	for o.Directory.Ready() != nil {
		time.Sleep(time.Second) // simulated
	}
	return o
}

// push sends a request, as often as Okta would, and wants it done.
func (o *office) push(method, path, body string) idp.Outcome {
	o.Helper()
	return o.pushLatest(method, path, func() string { return body })
}

func (o *office) pushLatest(method, path string, body func() string) idp.Outcome {
	o.Helper()
	out, err := o.okta.PushLatest(o.Context(), method, path, body)
	if err != nil || out.Status >= 300 {
		o.Errorf("%s %s: got %d %s, %v; want success", method, path, out.Status, out.Body, err)
	}
	for _, r := range append(slices.Clone(out.Before), out.Reply) {
		if r.Took > 55*time.Second {
			o.Errorf("%s %s: got an answer after %s, want it within 55 s", method, path, r.Took)
		}
	}
	return out
}

// people makes n users, as many at once as Okta does.
func (o *office) people(n int, done func(i int, id string)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range 10 {
		wg.Go(func() {
			for i := range next {
				name := fmt.Sprintf("person%05d@example.com", i)
				done(i, o.push("POST", "/Users", idp.UserBody(map[string]any{
					"userName": name, "externalId": fmt.Sprintf("00u%d", i), "active": true, "displayName": fmt.Sprintf("Person %d", i),
					"name":   map[string]any{"givenName": "Person", "familyName": fmt.Sprint(i)},
					"emails": []any{map[string]any{"value": name, "type": "work", "primary": true}},
				})).ID())
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// unprovoked checks that Cognito has never throttled, and that nobody was sent away but by a planned 429.
func (o *office) unprovoked() {
	o.Helper()
	if n := o.emulator.Throttled(); len(n) > 0 {
		o.Errorf("calls that Cognito throttled: got %v, want none", n)
	}
	if n := o.failed.Load(); n > 0 {
		o.Errorf("answers that were neither success nor 429: got %d, want none", n)
	}
}

// idle waits until the journal is empty.
func (o *office) idle() {
	o.Helper()
	for {
		work, err := o.Directory.Journal(o.Context())
		if err != nil {
			o.Fatal(err)
		}
		if len(work) == 0 {
			return
		}
		time.Sleep(time.Second) // simulated
	}
}

// agree checks that the mirror is what the pool is.
func (o *office) agree() audit.State {
	o.Helper()
	time.Sleep(time.Minute) // simulated: the quotas are free again
	pool := must(audit.Pool(o.Context(), audit.Client(o.emulator), stack.PoolID))
	if diff := cmp.Diff(pool, must(audit.SCIM(o.Context(), o.okta))); diff != "" {
		o.Errorf("the mirror (-pool +mirror):\n%s", diff)
	}
	return pool
}

// TestOnboarding pushes 2,000 people into 40 groups of 250 as Okta does: users and groups are two queues, and a group
// waits for its people. 10,000 memberships at our share of 25 calls a second take 500 s, which nothing can shorten; all
// else must hide behind them.
func TestOnboarding(t *testing.T) {
	t.Parallel()
	people, groups, each := 500, 10, 250
	switch {
	case thorough:
		people, groups = 2000, 40
	case raceEnabled:
		people, groups, each = 120, 6, 100
	}
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 0)
		started := time.Now()
		ids, made := make([]string, people), make([]chan struct{}, people)
		for i := range made {
			made[i] = make(chan struct{})
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			o.people(people, func(i int, id string) {
				ids[i] = id
				close(made[i])
			})
			t.Logf("%d users after %s", people, time.Since(started))
		})
		queue := make(chan int)
		for range 6 { // more at once than 55 s can carry: some are told to come back
			wg.Go(func() {
				for g := range queue {
					group := o.push("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": fmt.Sprintf("Department %d", g)})).ID()
					var members []string
					for m := range each {
						i := (g*people/groups + m) % people
						<-made[i]
						members = append(members, ids[i])
					}
					o.push("PATCH", "/Groups/"+group, idp.PatchBody(idp.Add(members...)))
				}
			})
		}
		for g := range groups {
			queue <- g
		}
		close(queue)
		wg.Wait()
		o.idle()
		took := time.Since(started)
		least := time.Duration(float64(groups*each) / (0.8 * cognito.AWSQuotas().Category[cognito.UserUpdate]) * float64(time.Second))
		ratio := took.Seconds() / least.Seconds()
		t.Logf("%d memberships after %s, at least %s: ratio %.3f; %d planned 429s", groups*each, took, least, ratio, o.busy.Load())
		if ratio > 1.10 && !raceEnabled { // a tiny push cannot hide the creation of its users
			t.Errorf("got %s, %.3f times the least possible %s, want at most 1.10 times", took, ratio, least)
		}
		o.unprovoked()
		pool := o.agree()
		if len(pool.Users) != people || len(pool.Groups) != groups {
			t.Errorf("the pool: got %d users and %d groups, want %d and %d", len(pool.Users), len(pool.Groups), people, groups)
		}
		for id, g := range pool.Groups {
			if len(g.Members) != each {
				t.Errorf("group %s: got %d members, want %d", id, len(g.Members), each)
			}
		}
	})
}
