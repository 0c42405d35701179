package bridge_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// TestKillAtEveryStep kills the program with signal 9 at every Cognito call of every write that is in the journal (it takes
// more than one, or deletes), once before the call is applied and once after. Started again on the same store, it must
// bring the pool to what was asked, without being asked again, within seconds.
func TestKillAtEveryStep(t *testing.T) {
	t.Parallel()
	var kills atomic.Int64
	t.Run("writes", func(t *testing.T) {
		for i, w := range killed {
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				v := newVictim(t)
				for k := range w.calls {
					for j, kind := range []emulator.FaultKind{emulator.TimeoutBefore, emulator.TimeoutAfter} {
						if thorough || (i+j+k)%2 == 0 {
							v.walk(w, k, kind)
							kills.Add(1)
						}
					}
				}
			})
		}
	})
	t.Logf("%d kills", kills.Load())
}

// killed are those writes, with the number of calls.
var killed = []struct {
	write
	calls int
}{
	{named("create an inactive user"), 2},
	{named("deactivate"), 2},
	{named("deactivate and change a profile"), 3},
	{named("reactivate and change a profile"), 2},
	{named("create a group with members"), 4},
	{named("remove and add members"), 3},
	{named("replace a group"), 4},
	{named("delete a user"), 1},
	{named("delete a group"), 1},
}

func named(name string) write {
	i := slices.IndexFunc(writes, func(w write) bool { return w.name == name })
	if i < 0 {
		panic("no write is called " + name)
	}
	return writes[i]
}

// victim is a pool behind a socket and the program that serves it.
type victim struct {
	*matrix
	settings settings
	process  *process
}

// newVictim starts the program; more are further keys of its connection.
func newVictim(t *testing.T, more ...string) *victim {
	t.Helper()
	e := must(stack.NewEmulator(emulator.Config{Seed: 1}))
	behind := httptest.NewServer(e)
	t.Cleanup(behind.Close)
	v := &victim{matrix: &matrix{people: map[string]string{}, alive: map[string]bool{}, world: &world{t: t, emulator: e, client: audit.Client(e)}}}
	v.settings = newSettings(t, behind.URL, more...)
	v.start()
	v.makePeople()
	return v
}

// start is a process start.
func (v *victim) start() {
	v.t.Helper()
	v.process = v.settings.run(v.t)
	v.idp = v.process.provider()
	v.until("the program is ready", v.process.ready)
}

// walk kills the program at the kth call of a write.
func (v *victim) walk(w struct {
	write
	calls int
}, k int, kind emulator.FaultKind) {
	v.t.Helper()
	c := v.trial(w.write, fmt.Sprintf("%s, killed at call %d, %s", w.name, k, kind))
	method, path, body := c.write.request(c)
	v.killAt(k, kind, method, path, body)
	v.converged(c, method, path, body)
}

// killAt kills the program at the kth call of a request, and starts it again.
func (v *victim) killAt(k int, kind emulator.FaultKind, method, path, body string) {
	v.t.Helper()
	v.emulator.ResetCalls()
	if err := v.emulator.AddFault(emulator.Fault{Kind: kind, After: k}); err != nil {
		v.t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		reply, err := v.idp.Send(v.t.Context(), method, path, body)
		if err == nil {
			err = fmt.Errorf("answered %d %s", reply.Status, reply.Body)
		} else {
			err = nil
		}
		answered <- err
	}()
	v.until("the call hangs", func() bool {
		for _, n := range v.emulator.Faulted() {
			if n > 0 {
				return true
			}
		}
		return false
	})
	v.process.kill()
	if err := <-answered; err != nil {
		v.t.Errorf("%s %s, killed at call %d, %s: %v, want no answer", method, path, k, kind, err)
	}
	v.emulator.ClearFaults()
	v.start()
}

// converged checks that the write is finished, and that its repetition finds it so.
func (v *victim) converged(c *trial, method, path, body string) {
	v.t.Helper()
	restarted := time.Now()
	v.until("the journal is empty", func() bool { return len(v.process.journal()) == 0 })
	limit := 30 * time.Second
	if method == http.MethodDelete {
		limit += 45 * time.Second // that a group made a moment ago is gone is believed after the lag allowance, half a minute
	}
	if took := time.Since(restarted); took > limit {
		v.t.Errorf("%s: finished %s after the restart, want at most %s", c.what, took, limit)
	}
	if method == http.MethodPost {
		c.find(path)
	}
	c.write.check(c)
	out := v.push(method, path, body)
	unseen := map[string]int{http.MethodPost: http.StatusConflict, http.MethodDelete: http.StatusNotFound}[method]
	if out.Status != c.write.status && out.Status != unseen {
		v.t.Errorf("%s, repeated: got %d %s, want %d, or what says that it is done: nobody has seen the answer", c.what, out.Status, out.Body, c.write.status)
	}
	c.write.check(c)
	if diff := cmp.Diff(v.inPool(), v.inMirror()); diff != "" {
		v.t.Errorf("%s: the mirror (-pool +mirror):\n%s", c.what, diff)
	}
}

// find notes the id of what a POST has created, as an identity provider would: by a look-up.
func (c *trial) find(endpoint string) {
	c.t.Helper()
	who, filter := "ada", fmt.Sprintf("userName eq %q", c.name("ada"))
	if endpoint == "/Groups" {
		who, filter = "staff", fmt.Sprintf("displayName eq %q", c.name("Staff"))
	}
	out := c.push("GET", idp.Where(endpoint, filter), "")
	list, _ := out.Object()["Resources"].([]any)
	if len(list) != 1 {
		c.t.Fatalf("%s: looking it up: got %d %s, want one resource", c.what, out.Status, out.Body)
	}
	found, _ := list[0].(map[string]any)
	c.ids[who], _ = found["id"].(string)
}
