package bridge_test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// Many people are deactivated, deleted, asked for again and taken back at once, while the operator releases, lets
// single ones go and gives up, and Cognito fails now and then. What was said last of a person, and answered 2xx, is so in the
// end; what was held and not given up is done; nobody who was only held and taken back has been disabled; nothing is left.
func TestGuardWhileEverythingHappens(t *testing.T) {
	t.Parallel()
	people := 100
	if raceEnabled {
		people = 40
	}
	for _, drop := range []bool{false, true} {
		for seed := range uint64(2) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(t, people, bridge.Guard{People: 20, Window: time.Hour})
				if err := g.emulator.AddFault(emulator.Fault{Kind: emulator.ServerError, Probability: 0.05}); err != nil {
					t.Fatal(err)
				}
				var wg sync.WaitGroup
				wants := make([]string, people) // what must be in the end; "" for either
				for i, id := range g.people {
					rng := rand.New(rand.NewPCG(seed, uint64(i)))
					wg.Go(func() {
						pause := func() { time.Sleep(time.Duration(rng.IntN(5000)) * time.Millisecond) }
						pause()
						var leave func() idp.Reply
						if leave, wants[i] = func() idp.Reply { return g.deactivate(id) }, "inactive"; i%4 == 3 {
							leave, wants[i] = func() idp.Reply { return g.send("DELETE", "/Users/"+id, "") }, "gone"
						}
						r := leave()
						for range rng.IntN(3) {
							pause()
							if again := leave(); again.Status != 404 {
								r = again
							}
						}
						if drop && r.Status >= 300 {
							wants[i] = ""
						}
						if i%4 != 1 {
							return
						}
						wants[i] = "active"
						for try := 0; ; try++ {
							pause()
							if r := g.send("PATCH", "/Users/"+id, reactivation()); r.Status == 200 {
								break
							} else if try == 20 {
								g.Errorf("taking person %d back: got %d %s", i, r.Status, r.Body)
								break
							}
						}
					})
				}
				wg.Go(func() {
					time.Sleep(3 * time.Second)
					if s := g.guard(); s.Passed > 20 {
						g.Errorf("before the release: got %d passed, want 20 at most", s.Passed)
					}
					for range 20 {
						time.Sleep(100 * time.Millisecond)
						_ = g.Directory.RetryWork(g.Context(), "held:"+g.people[rand.IntN(people)]) // perhaps nothing is held
					}
					g.release()
					if !drop {
						g.release()
						return
					}
					time.Sleep(time.Second)
					if _, err := g.Directory.DropHeld(g.Context(), "okta"); err != nil {
						g.Errorf("giving up: %v", err)
					}
				})
				wg.Wait()
				g.emulator.ClearFaults()
				time.Sleep(30 * time.Minute)
				if s := g.guard(); s.Held != 0 {
					t.Errorf("seed %d, drop %v: got %d held, want none", seed, drop, s.Held)
				}
				if work := must(g.Directory.Journal(t.Context())); len(work) != 0 {
					t.Errorf("seed %d, drop %v: got work left %+v, want none", seed, drop, work)
				}
				for i, id := range g.people {
					r := g.send("GET", "/Users/"+id, "")
					is := "gone"
					if r.Status == 200 {
						if is = "inactive"; strings.Contains(string(r.Body), `"active":true`) {
							is = "active"
						}
					}
					if wants[i] != "" && is != wants[i] {
						t.Errorf("seed %d, drop %v: person %d: got %s, want %s", seed, drop, i, is, wants[i])
					}
				}
			})
		}
	}
}
