package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/server"
)

// world is a whole server behind a socket, the pool it serves, and an identity provider that pushes to it. The server can
// be crashed and started again; the pool, the store's file and the URL stay.
type world struct {
	t        *testing.T
	cfg      stack.Config
	emulator *emulator.Emulator
	client   *cip.Client // Amazon's, to look into the pool
	idp      *idp.Provider
	others   []*idp.Provider             // of the other connections
	served   atomic.Pointer[stack.Stack] // nil while nothing runs
}

type worldConfig struct {
	emulator   emulator.Config
	cognito    cognito.Config
	directory  bridge.DirectoryConfig
	connection bridge.ConnectionConfig
	federation bridge.FederationConfig    // unless it names no provider, the pool trusts it
	others     []stack.Other              // beside the connection; as for it
	pool       func(*emulator.PoolConfig) // changes the pool before it is made; nil: nothing
	limits     server.Limits
	idp        idp.Config // URL and Token are filled in
}

func newWorld(t *testing.T, cfg worldConfig) *world {
	t.Helper()
	if cfg.emulator.Seed == 0 {
		cfg.emulator.Seed = 1
	}
	if cfg.pool == nil {
		cfg.pool = func(*emulator.PoolConfig) {}
	}
	w := &world{t: t, emulator: must(stack.NewEmulator(cfg.emulator, cfg.pool))}
	w.client = audit.Client(w.emulator)
	w.cfg = stack.Config{File: filepath.Join(t.TempDir(), "scim.db"), Emulator: w.emulator, Cognito: cfg.cognito, Directory: cfg.directory, Connection: cfg.connection, Federation: cfg.federation, Others: cfg.others, Limits: cfg.limits}
	for _, c := range append([]stack.Other{{Federation: cfg.federation}}, cfg.others...) {
		if name := c.Federation.Provider; name != "" {
			trust(t, w.emulator, name, nil)
		}
	}
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s := w.served.Load()
		if s == nil {
			panic(http.ErrAbortHandler)
		}
		s.ServeHTTP(rw, r)
	}))
	t.Cleanup(front.Close)
	cfg.idp.URL, cfg.idp.Token = front.URL+stack.Path, stack.Token
	cfg.idp.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	w.idp = idp.New(cfg.idp)
	for _, c := range cfg.others {
		cfg.idp.Token = c.Token
		w.others = append(w.others, idp.New(cfg.idp))
	}
	w.start()
	w.warm()
	t.Cleanup(func() {
		if err := w.served.Swap(nil).Close(); err != nil {
			t.Errorf("closing the stack: %v", err)
		}
	})
	return w
}

// start is a process start.
func (w *world) start() {
	w.t.Helper()
	s, err := stack.Open(context.WithoutCancel(w.t.Context()), w.cfg)
	if err != nil {
		w.t.Fatalf("starting the server: %v", err)
	}
	w.served.Store(s)
}

// restart ends the server in an orderly way and starts another, as changed. The store's file goes if fresh says so.
func (w *world) restart(fresh bool, change func(*stack.Config)) {
	w.t.Helper()
	if err := w.served.Swap(nil).Close(); err != nil {
		w.t.Fatalf("stopping the server: %v", err)
	}
	if fresh {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(w.cfg.File + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
				w.t.Fatal(err)
			}
		}
	}
	change(&w.cfg)
	w.start()
}

// warm waits until the mirror is complete.
func (w *world) warm() {
	w.t.Helper()
	w.until("the mirror is warm", func() bool { return w.served.Load().Directory.Ready() == nil })
}

// crash kills the server at whatever it is doing, and starts another.
func (w *world) crash() {
	w.t.Helper()
	if err := w.served.Swap(nil).Crash(); err != nil {
		w.t.Fatalf("killing the server: %v", err)
	}
	w.start()
}

func (w *world) until(what string, condition func() bool) {
	w.t.Helper()
	for range 30_000 {
		if condition() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	w.t.Fatalf("timed out waiting until %s", what)
}

// push sends a request, repeats it as identity providers do, and fails the test if it is never answered for good.
func (w *world) push(method, path, body string) idp.Outcome {
	w.t.Helper()
	out, err := w.idp.Push(w.t.Context(), method, path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// pushed is push when everything goes well.
func (w *world) pushed(method, path, body string) idp.Outcome {
	w.t.Helper()
	out := w.push(method, path, body)
	if out.Status >= 300 {
		w.t.Fatalf("%s %s %s: got %d %s, want success", method, path, body, out.Status, out.Body)
	}
	return out
}

// journal is the work that is left.
func (w *world) journal() []bridge.Unfinished {
	w.t.Helper()
	work, err := w.served.Load().Directory.Journal(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return work
}

// settled waits until no work is left.
func (w *world) settled() {
	w.t.Helper()
	w.until("the journal is empty", func() bool {
		work := w.journal()
		for _, e := range work {
			if e.Parked != "" {
				w.t.Fatalf("the journal has parked %s: %s", e.Key, e.Parked)
			}
		}
		return len(work) == 0
	})
}

// resync has the whole pool compared with the mirror, often enough for what is absent to be believed.
func (w *world) resync() {
	w.t.Helper()
	s := w.served.Load()
	swept := func() time.Time { return swept(w.t, s.Store, s.Pool) }
	for range 3 { // the first may have begun before
		before := swept()
		w.until("another millisecond", func() bool { return time.Since(before) > 2*time.Millisecond })
		s.Directory.Resync()
		w.until("the sweep has ended", func() bool { return swept().After(before) })
	}
}

// inPool is everything that the pool holds, inMirror everything that SCIM lists.
func (w *world) inPool() audit.State {
	w.t.Helper()
	state, err := audit.Pool(w.t.Context(), w.client, stack.PoolID)
	if err != nil {
		w.t.Fatal(err)
	}
	return state
}

func (w *world) inMirror() audit.State {
	w.t.Helper()
	state, err := audit.SCIM(w.t.Context(), w.idp)
	if err != nil {
		w.t.Fatal(err)
	}
	return state
}

// agree checks promise 3: the mirror is what the pool is, now and after a sweep.
func (w *world) agree() {
	w.t.Helper()
	pool := w.inPool()
	if diff := cmp.Diff(pool, w.inMirror()); diff != "" {
		w.t.Errorf("the mirror before a sweep (-pool +mirror):\n%s", diff)
	}
	w.resync()
	if diff := cmp.Diff(pool, w.inPool()); diff != "" {
		w.t.Errorf("a sweep has changed the pool (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(pool, w.inMirror()); diff != "" {
		w.t.Errorf("the mirror after a sweep (-pool +mirror):\n%s", diff)
	}
}

// slow answers the first call of an operation, which it lets through, only when let is closed, or never.
type slow struct {
	http.Handler
	op           string
	lost         bool
	once         sync.Once
	reached, let chan struct{}
}

func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Handler.ServeHTTP(w, r)
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+s.op) {
		return
	}
	first := false
	s.once.Do(func() { close(s.reached); <-s.let; first = true })
	if first && s.lost {
		panic(http.ErrAbortHandler)
	}
}

// overtaking makes two requests of which the second comes when Cognito has done op for the first, and has not answered. If
// lost, it never does, and the call is made again.
func (w *world) overtaking(op string, lost bool, first, second func()) {
	w.t.Helper()
	h := &slow{Handler: w.emulator, op: op, lost: lost, reached: make(chan struct{}), let: make(chan struct{})}
	w.restart(false, func(s *stack.Config) {
		s.Cognito.Endpoint, s.Cognito.Transport = "http://127.0.0.1:1", pooltest.InProcess(h)
	})
	w.warm()
	var wg sync.WaitGroup
	wg.Go(first)
	<-h.reached
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		second()
	})
	select {
	case <-done:
	case <-time.After(100 * time.Millisecond): // it waits for the first
	}
	close(h.let)
	wg.Wait()
	w.settled()
}

// object is the resource as JSON compares: got from an answer or made up.
func object(t *testing.T, body []byte) schemas.Resource {
	t.Helper()
	var r schemas.Resource
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatalf("decoding %s: %v", body, err)
	}
	return r
}
