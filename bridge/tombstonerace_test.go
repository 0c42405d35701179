package bridge_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// TestWhileListingsLag: what the pool's lists still say of a user from before its adoption or deletion changes nothing.
func TestWhileListingsLag(t *testing.T) {
	t.Parallel()
	cfg := keeps()
	cfg.emulator.Lag = 20 * time.Minute // longer than the test, until the clock is moved
	cfg.directory.SweepEvery, cfg.directory.Lag = -1, 30*time.Minute
	cfg.directory.AdoptSelfSignedUp = true
	o := newBureau(t, cfg)
	ada, bob := o.account("ada", "email", adaMail, "email_verified", "true"), o.account("bob", "email", "bob@example.com", "email_verified", "true")
	o.emulator.Advance(21 * time.Minute)
	for _, mail := range []string{adaMail, "bob@example.com"} {
		if got := o.found("/Users", fmt.Sprintf("emails.value eq %q", mail)); len(got) != 1 {
			t.Fatalf("look-up of %s: got %q, want one", mail, got)
		}
	}
	o.status(200, "PUT", "/Users/"+ada, adaBody())
	o.status(204, "DELETE", "/Users/"+bob, "") // not even adopted
	group := o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Staff"}, ada)).ID()
	for _, later := range []func(){func() {}, o.resync, func() { o.emulator.Advance(21 * time.Minute); o.resync() }} {
		later()
		if got := o.found("/Users", ""); !slices.Equal(got, []string{ada}) {
			t.Errorf("list: got %q, want ada, %q", got, ada)
		}
		if got := o.found("/Users", `emails.value eq "bob@example.com"`); got != nil {
			t.Errorf("look-up of bob, who is deleted: got %q, want nobody", got)
		}
		o.status(404, "GET", "/Users/"+bob, "")
	}
	// Out of a group that she came into a moment ago, which the pool's lists do not show yet.
	late := o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Late"}, ada)).ID()
	o.status(204, "DELETE", "/Users/"+ada, "")
	o.resync()
	o.gone(ada)
	o.emulator.Advance(21 * time.Minute)
	if got := o.groupsOf("ada"); got != nil {
		t.Errorf("groups: got %q, want none of %s and %s", got, group, late)
	}
}

// TestRaceForATombstone has identity providers create, change and delete the same person at once, under faults: there is
// one user in the pool whatever happens, and it is what SCIM shows.
func TestRaceForATombstone(t *testing.T) {
	t.Parallel()
	cfg := keeps()
	cfg.directory.SweepEvery, cfg.directory.Lag = 50*time.Millisecond, 2*time.Millisecond
	o := newBureau(t, cfg)
	for _, kind := range []emulator.FaultKind{emulator.ServerError, emulator.ResetAfter} {
		if err := o.emulator.AddFault(emulator.Fault{Kind: kind, Probability: 0.05}); err != nil {
			t.Fatal(err)
		}
	}
	rounds := 8
	if raceEnabled {
		rounds = 2
	}
	for round := range rounds {
		id := o.pushed("POST", "/Users", adaBody()).ID()
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				method, path, body := "POST", "/Users", adaBody("title", fmt.Sprint(i))
				switch i % 4 {
				case 1:
					method, path, body = "DELETE", "/Users/"+id, ""
				case 2:
					method, path = "PUT", "/Users/"+id
				}
				out, err := o.idp.Push(t.Context(), method, path, body)
				if err != nil || !slices.Contains([]int{200, 201, 204, 404, 409}, out.Status) {
					t.Errorf("round %d, %s %s: got %d %s, %v", round, method, path, out.Status, out.Body, err)
				}
			})
		}
		wg.Wait()
		if out := o.push("DELETE", "/Users/"+id, ""); out.Status != http.StatusNoContent && out.Status != http.StatusNotFound {
			t.Errorf("round %d, the last DELETE: got %d %s", round, out.Status, out.Body)
		}
	}
	o.emulator.ClearFaults()
	o.settled()
	o.agree()
	o.restart(false, func(s *stack.Config) { s.Connection.Deletion = bridge.DeleteUsers })
	if u := o.pooled("ada_2"); u != nil {
		t.Errorf("in the pool: got %v beside ada, want one user", u)
	}
	if u := o.pooled("ada"); u["sub"] == "" {
		t.Error("in the pool: ada is gone, want her kept")
	}
}

// held keeps a pool from being told of an operation, from the moment that reached is closed until let is.
type held struct {
	http.Handler
	op           string
	about        string // what the request holds; "" for any
	once         sync.Once
	reached, let chan struct{}
}

func (h *held) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // of a client in this process
	r.Body = io.NopCloser(bytes.NewReader(body))
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+h.op) && strings.Contains(string(body), h.about) {
		h.once.Do(func() { close(h.reached); <-h.let })
	}
	h.Handler.ServeHTTP(w, r)
}

// TestNobodyJoinsWhileBeingDeleted: a membership that is made while its user becomes a tombstone does not stay, whichever of
// the two comes first.
func TestNobodyJoinsWhileBeingDeleted(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"AdminAddUserToGroup", "AdminUpdateUserAttributes"} {
		t.Run(op+" comes last", func(t *testing.T) {
			t.Parallel()
			o := newBureau(t, keeps())
			id := o.pushed("POST", "/Users", adaBody()).ID()
			group := o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Staff"})).ID()
			h := &held{Handler: o.emulator, op: op, reached: make(chan struct{}), let: make(chan struct{})}
			o.restart(false, func(s *stack.Config) {
				s.Cognito.Endpoint, s.Cognito.Transport = "http://127.0.0.1:1", pooltest.InProcess(h)
			})
			o.warm()
			first := func() { o.status(200, "PATCH", "/Groups/"+group, idp.PatchBody(idp.Add(id))) }
			second := func() { o.status(204, "DELETE", "/Users/"+id, "") }
			if op == "AdminUpdateUserAttributes" {
				first, second = second, first
			}
			var wg sync.WaitGroup
			wg.Go(first)
			<-h.reached
			second()
			close(h.let)
			wg.Wait()
			o.settled()
			if got := o.groupsOf("ada"); got != nil {
				t.Errorf("groups of the tombstone: got %q, want none", got)
			}
			o.gone(id)
			o.agree()
		})
	}
}
