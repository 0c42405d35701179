package bridge_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// flood is how many requests come at once, and how many of them the program takes: a quarter of its room is for leavers.
const (
	flood    = 3000
	admitted = 1500

	mostMemory = 400 << 20 // measured: 240 MiB from the third flood on, after ten as after three
)

// TestFlood sends the real program more requests than it takes, while Cognito does not answer: it sends the rest away at
// once, with Retry-After, stays alive, lets leavers out, and does not grow without bound.
func TestFlood(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	for round := range 3 {
		if err := v.emulator.AddFault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.TimeoutBefore}); err != nil {
			t.Fatal(err)
		}
		end := v.pour(round)
		// Whatever the others wait for.
		v.healthy()
		reply, err := v.idp.Send(t.Context(), "PATCH", "/Users/"+v.people["a"], idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": round%2 == 1}}))
		if err != nil || reply.Status != http.StatusOK {
			t.Errorf("round %d, a leaver: got %d %s, %v; want 200", round, reply.Status, reply.Body, err)
		}
		size := v.process.resident()
		end()
		v.emulator.ClearFaults()
		v.until("the flood is over", func() bool {
			out, err := v.idp.Send(t.Context(), "GET", "/ServiceProviderConfig", "")
			return err == nil && out.Status == http.StatusOK
		})
		t.Logf("round %d: %d MiB", round, size>>20)
		if size > mostMemory {
			t.Errorf("round %d: got %d MiB of memory, want at most %d", round, size>>20, mostMemory>>20)
		}
	}
}

// pour sends the flood and returns when all have been sent away for whom there is no room. The others go when end is
// called.
func (v *victim) pour(round int) (end func()) {
	v.t.Helper()
	ctx, cancel := context.WithCancel(v.t.Context())
	okta := idp.New(idp.Config{URL: v.process.url, Token: stack.Token, Transport: &http.Transport{DisableKeepAlives: true}, Deadline: time.Minute})
	var refused, others atomic.Int64
	var wg sync.WaitGroup
	for i := range flood {
		wg.Go(func() {
			reply, err := okta.Send(ctx, "POST", "/Users", idp.UserBody(map[string]any{"userName": fmt.Sprintf("flood-%d-%d", round, i)}))
			switch {
			case ctx.Err() != nil:
			case err == nil && reply.Status == http.StatusTooManyRequests && reply.RetryAfter() > 0:
				refused.Add(1)
			default:
				others.Add(1)
				v.t.Errorf("round %d: got %d %s, %v; want 429 with Retry-After, or nothing yet", round, reply.Status, reply.Body, err)
			}
		})
	}
	v.until("there is no room for half of them", func() bool { return refused.Load()+others.Load() >= flood-admitted })
	return func() {
		cancel()
		wg.Wait()
	}
}

// healthy checks that the program says that it is, soon.
func (v *victim) healthy() {
	v.t.Helper()
	started := time.Now()
	response, err := http.Get(strings.TrimSuffix(v.process.url, stack.Path) + "/healthz")
	if err != nil {
		v.t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		v.t.Errorf("/healthz: got %d, %v; want 200", response.StatusCode, err)
	}
	if took := time.Since(started); took > 10*time.Second {
		v.t.Errorf("/healthz: got an answer after %s, want it at once", took)
	}
}

// resident is how much memory the process has, in bytes.
func (p *process) resident() int {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if size, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(size), "kB")))
			if err != nil {
				p.t.Fatal(err)
			}
			return kib << 10
		}
	}
	p.t.Fatalf("got %s, want VmRSS in it", status)
	return 0
}
