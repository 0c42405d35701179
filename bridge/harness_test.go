package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/store"
)

const poolID = "us-east-1_local"

// rig is a connection over real parts: the emulator called in process, the client, the store in a file.
type rig struct {
	*bridge.Connection
	t        *testing.T
	emulator *emulator.Emulator
	pool     *cognito.Pool
	store    *store.Store
	dir      *bridge.Directory
	stop     context.CancelFunc
	stopped  chan struct{}
	file     string
	cfg      rigConfig
}

type rigConfig struct {
	bridge    bridge.ConnectionConfig
	dir       bridge.DirectoryConfig
	impatient bool // start does not wait until the mirror is warm and swept
	cold      bool // Run is not started: the mirror stays as it is
	pool      emulator.PoolConfig
	emulator  emulator.Config
	quotas    *cognito.Quotas
	log       io.Writer                       // nil: the test's own
	front     func(http.Handler) http.Handler // between the client and the emulator; nil: nothing
	attempts  int                             // of a Cognito call; 0: the default
	// federation of the connection; unless it names nobody, the pool trusts the provider.
	federation bridge.FederationConfig
	mapping    map[string]string // of the provider
}

// inProcess carries requests to the emulator without a socket. A handler that aborts is a connection that breaks.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (response *http.Response, err error) {
	defer func() {
		if v := recover(); v == http.ErrAbortHandler {
			response, err = nil, fmt.Errorf("connection reset by peer")
		} else if v != nil {
			panic(v)
		}
	}()
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w.Result(), r.Context().Err()
}

func newRig(t *testing.T, configure ...func(*rigConfig)) *rig {
	t.Helper()
	r := &rig{t: t, file: filepath.Join(t.TempDir(), "scim.db")}
	r.cfg.pool = emulator.PoolConfig{ID: poolID, Name: "local", AdminOnly: true}
	for _, name := range schemas.OverflowNames() {
		r.cfg.pool.CustomAttributes = append(r.cfg.pool.CustomAttributes, emulator.CustomAttribute{Name: strings.TrimPrefix(name, "custom:")})
	}
	r.cfg.dir.SweepEvery = -1
	r.cfg.dir.Adoption, r.cfg.dir.AdoptGroups = bridge.AdoptAll, []string{bridge.EveryGroup}
	r.cfg.quotas = &cognito.Quotas{} // no pacing
	for _, f := range configure {
		f(&r.cfg)
	}
	r.cfg.emulator.Seed = 1
	r.emulator = emulator.New(r.cfg.emulator)
	if err := r.emulator.CreatePool(r.cfg.pool); err != nil {
		t.Fatalf("CreatePool: %v", err)
	}
	if name := r.cfg.federation.Provider; name != "" {
		trust(t, r.emulator, name, r.cfg.mapping)
	}
	r.start()
	t.Cleanup(r.shutDown)
	return r
}

// start is a process start.
func (r *rig) start() {
	r.t.Helper()
	ctx := r.t.Context()
	var err error
	front := http.Handler(r.emulator)
	if r.cfg.front != nil {
		front = r.cfg.front(front)
	}
	r.pool, err = cognito.Open(ctx, cognito.Config{PoolID: poolID, Endpoint: "http://127.0.0.1:1", Quotas: r.cfg.quotas, Attempts: r.cfg.attempts,
		MaxBackoff: 1, Transport: inProcess{front}})
	if err != nil {
		r.t.Fatalf("cognito.Open: %v", err)
	}
	types := r.cfg.dir.Types
	if types == nil {
		types = schemas.Plain
	}
	r.store, err = store.Open(ctx, store.Config{URL: "sqlite:" + r.file, Trees: map[store.Kind]*attribute.Tree{
		store.User: types.Users.Tree, store.Group: types.Groups.Tree}})
	if err != nil {
		r.t.Fatalf("store.Open: %v", err)
	}
	cfg := r.cfg.dir
	cfg.Pool, cfg.Store, cfg.Logger = r.pool, r.store, slog.New(slog.NewTextHandler(r.logTo(), nil))
	if r.dir, err = bridge.OpenDirectory(ctx, cfg); err != nil {
		r.t.Fatalf("OpenDirectory: %v", err)
	}
	connection := r.cfg.bridge
	connection.Name, connection.Directory = "okta", r.dir
	r.cfg.federation.Directory, r.cfg.federation.Logger = r.dir, cfg.Logger
	if connection.Federation, err = bridge.OpenFederation(ctx, r.cfg.federation); err != nil {
		r.t.Fatalf("OpenFederation: %v", err)
	}
	r.Connection = bridge.NewConnection(connection)
	before := swept(r.t, r.store, r.pool)
	run, stop := context.WithCancel(ctx)
	r.stop, r.stopped = stop, make(chan struct{})
	go func() {
		defer close(r.stopped)
		if !r.cfg.cold {
			_ = r.dir.Run(run)
		}
	}()
	if !r.cfg.cold && !r.cfg.impatient {
		// A process that begins with a warm mirror sweeps all the same, and what that calls is nobody's.
		r.until("the mirror is warm and swept", func() bool { return r.Ready() == nil && swept(r.t, r.store, r.pool).After(before) })
		r.emulator.ResetCalls()
	}
}

// shutDown is the orderly end of the process.
func (r *rig) shutDown() {
	r.stop()
	<-r.stopped
	r.dir.Close()
	if err := r.store.Close(); err != nil {
		r.t.Errorf("store.Close: %v", err)
	}
}

func (r *rig) logTo() io.Writer {
	if r.cfg.log != nil {
		return r.cfg.log
	}
	return testWriter{r.t}
}

// lockedLog keeps what is logged.
type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// until waits for a condition that background work brings about.
func (r *rig) until(what string, condition func() bool) {
	r.t.Helper()
	for range 20_000 {
		if condition() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	r.t.Fatalf("timed out waiting until %s", what)
}

// swept is when the last complete sweep of a pool ended.
func swept(t *testing.T, s *store.Store, pool *cognito.Pool) time.Time {
	t.Helper()
	mirror, err := s.Directory(t.Context(), pool.Info().ID, pool.Info().Created)
	if err != nil {
		t.Fatal(err)
	}
	at, err := mirror.Swept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// resource decodes a body as the server does.
func (r *rig) resource(rt *schemas.ResourceType, body string) schemas.Resource {
	r.t.Helper()
	resource, _, err := rt.Decode(r.decode(body))
	if err != nil {
		r.t.Fatalf("decoding %s: %v", body, err)
	}
	return resource
}

func (r *rig) decode(body string) any {
	r.t.Helper()
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		r.t.Fatalf("%s: %v", body, err)
	}
	return v
}

func (r *rig) createUser(body string) store.Doc {
	r.t.Helper()
	doc, err := r.CreateUser(r.t.Context(), r.resource(schemas.Users, body))
	if err != nil {
		r.t.Fatalf("CreateUser(%s): %v", body, err)
	}
	return doc
}

func (r *rig) createGroup(body string) store.Doc {
	r.t.Helper()
	doc, err := r.CreateGroup(r.t.Context(), r.resource(schemas.Groups, body))
	if err != nil {
		r.t.Fatalf("CreateGroup(%s): %v", body, err)
	}
	return doc
}

func (r *rig) patchUser(id, body string) (store.Doc, error) {
	r.t.Helper()
	ops, _, err := schemas.Users.DecodePatch(r.decode(body))
	if err != nil {
		return store.Doc{}, err
	}
	return r.PatchUser(r.t.Context(), id, ops)
}

func (r *rig) patchGroup(id, body string) (store.Doc, error) {
	r.t.Helper()
	ops, _, err := schemas.Groups.DecodePatch(r.decode(body))
	if err != nil {
		return store.Doc{}, err
	}
	return r.PatchGroup(r.t.Context(), id, ops)
}

// inPool is the user as the pool itself says.
func (r *rig) inPool(username string) cognito.User {
	r.t.Helper()
	u, err := r.pool.User(r.t.Context(), username)
	if err != nil {
		r.t.Fatalf("AdminGetUser(%s): %v", username, err)
	}
	return u
}

// members are the Usernames in a group as the pool itself says.
func (r *rig) members(group string) []string {
	r.t.Helper()
	var names []string
	for token := ""; ; {
		users, next, err := r.pool.MembersPage(r.t.Context(), group, token)
		if err != nil {
			r.t.Fatalf("ListUsersInGroup(%s): %v", group, err)
		}
		for _, u := range users {
			names = append(names, u.Username)
		}
		if next == "" {
			return names
		}
		token = next
	}
}

// calls are the calls that f made, by operation.
func (r *rig) calls(f func()) map[string]int64 { return callsOf(r.emulator, f) }

// callsOf are the calls that f made of an emulator, but that of the watch on the pool, which may come at any time.
func callsOf(e *emulator.Emulator, f func()) map[string]int64 {
	before := e.Calls()
	f()
	made := map[string]int64{}
	for op, n := range e.Calls() {
		if n -= before[op]; n > 0 && op != "DescribeUserPool" {
			made[op] = n
		}
	}
	return made
}
