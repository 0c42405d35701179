package bridge_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/server"
)

// newRacetrack is a server without pacing whose calls fail now and then.
func newRacetrack(t *testing.T) *world {
	t.Helper()
	cfg := worldConfig{
		cognito: cognito.Config{Quotas: &cognito.Quotas{}, MaxBackoff: time.Millisecond, Attempts: 2},
		limits:  server.Limits{Deadline: 20 * time.Second},
		idp:     idp.Config{Attempts: 1000, Wait: idp.Hasty(5 * time.Millisecond)},
	}
	cfg.directory.SweepEvery, cfg.directory.Lag = 50*time.Millisecond, 2*time.Millisecond
	w := newWorld(t, cfg)
	for _, kind := range []emulator.FaultKind{emulator.ServerError, emulator.ResetAfter, emulator.GarbageBody} {
		if err := w.emulator.AddFault(emulator.Fault{Kind: kind, Probability: 0.1}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// TestCreateRace has ten identity providers create the same user, and the same group, at once: one is told 201.
func TestCreateRace(t *testing.T) {
	t.Parallel()
	w := newRacetrack(t)
	for round := range 10 {
		for _, c := range []struct{ path, body string }{
			{"/Users", idp.UserBody(map[string]any{"userName": fmt.Sprintf("race%d@example.com", round), "active": round%2 == 0})},
			{"/Groups", idp.GroupBody(map[string]any{"displayName": fmt.Sprintf("Race %d", round)})},
		} {
			var mu sync.Mutex
			got := map[int]int{}
			var wg sync.WaitGroup
			for i := range 10 {
				wg.Go(func() {
					// Nobody asks for quite the same: who repeats a failed POST is known by what it asks for.
					body := c.body[:len(c.body)-1] + fmt.Sprintf(`,"externalId":"%d"}`, i)
					out, err := w.idp.Push(t.Context(), "POST", c.path, body)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					got[out.Status]++
				})
			}
			wg.Wait()
			if got[http.StatusCreated] != 1 || got[http.StatusConflict] != 9 {
				t.Errorf("round %d, POST %s: got %v, want 201 once and 409 nine times", round, c.path, got)
			}
		}
	}
	w.emulator.ClearFaults()
	w.settled()
	w.agree()
}

// TestWriteRace has everything done at once to one user and one group who is in it, a deletion among it.
func TestWriteRace(t *testing.T) {
	t.Parallel()
	w := newRacetrack(t)
	rounds := 12
	if raceEnabled {
		rounds = 3
	}
	for round := range rounds {
		name := fmt.Sprintf("racer%d@example.com", round)
		user := w.pushed("POST", "/Users", idp.UserBody(map[string]any{"userName": name})).ID()
		group := w.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": fmt.Sprintf("Racers %d", round)}, user)).ID()
		writes := [][3]string{
			{"PUT", "/Users/" + user, idp.UserBody(map[string]any{"userName": name, "title": "by PUT", "active": true})},
			{"PUT", "/Users/" + user, idp.UserBody(map[string]any{"userName": name, "title": "by PUT", "active": false})},
			{"PATCH", "/Users/" + user, idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": false}})},
			{"PATCH", "/Users/" + user, idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"title": "by PATCH", "active": true}})},
			{"PATCH", "/Users/" + user, idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"userName": "renamed-" + name}})},
			{"PATCH", "/Groups/" + group, idp.PatchBody(idp.Add(user))},
			{"PATCH", "/Groups/" + group, idp.PatchBody(idp.Remove(user))},
			{"PUT", "/Groups/" + group, idp.GroupBody(map[string]any{"displayName": fmt.Sprintf("Racers %d", round)}, user)},
			{"PATCH", "/Groups/" + group, idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"displayName": fmt.Sprintf("Crew %d", round)}})},
			{"DELETE", []string{"/Users/" + user, "/Groups/" + group}[round%2], ""},
		}
		rand.Shuffle(len(writes), func(i, j int) { writes[i], writes[j] = writes[j], writes[i] })
		var wg sync.WaitGroup
		for _, write := range writes {
			wg.Go(func() {
				out, err := w.idp.Push(t.Context(), write[0], write[1], write[2])
				if err != nil || !slices.Contains([]int{200, 204, 404}, out.Status) {
					t.Errorf("%s %s: got %d %s, %v; want 200, 204 or 404", write[0], write[1], out.Status, out.Body, err)
				}
				if write[0] == "DELETE" && out.Status != 204 && len(out.Before) == 0 {
					t.Errorf("DELETE: got %d at once, want 204: it is the only one", out.Status)
				}
			})
		}
		wg.Wait()
	}
	w.emulator.ClearFaults()
	w.settled()
	w.agree()
	if state := w.inPool(); len(state.Users)+len(state.Groups) != rounds {
		t.Errorf("the pool: got %d users and %d groups, want %d together: one of each round was deleted", len(state.Users), len(state.Groups), rounds)
	}
}
