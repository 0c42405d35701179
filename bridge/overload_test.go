package bridge_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/cognito"
)

// TestOverload has more changes asked for at once than AWS's quotas carry within a request's time. Those that fit are
// made; the others are sent away at once, told when to come back, and made then. Deactivations go before all of them,
// and the server stays alive.
func TestOverload(t *testing.T) {
	t.Parallel()
	changes := 1500 // 75 s of quota
	if raceEnabled {
		changes = 1200
	}
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, changes)
		ids := slices.Sorted(maps.Keys(must(audit.SCIM(t.Context(), o.okta)).Users))
		for _, id := range ids { // they were there before: the first write adopts them, for which the pool is read
			o.push("PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "replace", Path: "title", Value: "Newcomer"}))
		}
		started := time.Now()
		var wg sync.WaitGroup
		for i, id := range ids {
			wg.Go(func() {
				out := o.push("PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "replace", Path: "title", Value: fmt.Sprintf("Title %d", i)}))
				for _, r := range out.Before {
					if !idp.Busy(r) || r.RetryAfter() == 0 || r.Took > time.Second {
						t.Errorf("what cannot be carried: got %d after %s, Retry-After %s; want 429 at once, with a time", r.Status, r.Took, r.RetryAfter())
					}
				}
			})
		}
		synctest.Wait() // all are under way
		left := o.push("PATCH", "/Users/"+ids[len(ids)-1], idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": false}}))
		if left.Took > 56*time.Second || len(left.Before) > 1 {
			t.Errorf("a deactivation in the crowd: got it done after %s and %d other answers", left.Took, len(left.Before))
		}
		if reply, err := o.okta.Send(t.Context(), "GET", "/Users/"+ids[0], ""); err != nil || reply.Status != http.StatusOK || reply.Took > time.Second {
			t.Errorf("a read in the crowd: got %d after %s, %v; want 200 at once", reply.Status, reply.Took, err)
		}
		wg.Wait()
		took := time.Since(started)
		least := time.Duration(float64(changes) / (0.8 * cognito.AWSQuotas().Category[cognito.UserUpdate]) * float64(time.Second))
		t.Logf("%d changes after %s, at least %s; %d planned 429s", changes, took, least, o.busy.Load())
		if o.busy.Load() == 0 {
			t.Error("got no 429: the test tests nothing")
		}
		if took > 2*least {
			t.Errorf("got all done after %s, want it within twice the least possible %s", took, least)
		}
		o.unprovoked()
		o.agree()
	})
}

// TestBigGroupByPost creates a group with more members than a request can carry. Its repetition is told how long the
// rest takes, and in the end answered 201.
func TestBigGroupByPost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 1300)
		members := slices.Sorted(maps.Keys(must(audit.SCIM(t.Context(), o.okta)).Users))
		started := time.Now()
		out := o.push("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Everybody"}, members...))
		for _, r := range out.Before {
			t.Logf("%d after %s, Retry-After %s", r.Status, r.Took, r.RetryAfter())
		}
		if out.Status != http.StatusCreated {
			t.Errorf("got %d, want 201", out.Status)
		}
		if took := time.Since(started); took > 100*time.Second || len(out.Before) > 3 {
			t.Errorf("got the group after %s and %d answers of 429, want it within 100 s and 3", took, len(out.Before))
		}
		o.idle()
		o.unprovoked()
		if got := o.agree().Groups[out.ID()].Members; !slices.Equal(got, members) {
			t.Errorf("got %d members, want %d", len(got), len(members))
		}
	})
}
