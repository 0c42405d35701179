package server_test

import (
	"bytes"
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
	"github.com/scim-cognito/scim-cognito/server"
	"github.com/scim-cognito/scim-cognito/store"
)

const (
	token  = "okta-token-0123456789-0123456789-0123456789"
	public = "https://scim.example.com"
)

// world is a server over real parts: the bridge, the store in a file, the client, and the emulator called in process.
type world struct {
	*server.Server
	emulator *emulator.Emulator
	okta     *inProcess // carries the first connection's calls
	log      *lockedBuffer
	pool     *cognito.Pool // of the first connection
}

type worldConfig struct {
	server.Config                         // Connections are filled in
	cold          bool                    // the mirror is never filled
	hang          bool                    // the pool never answers
	gateway       *gateway                // stands between the first connection and its pool; nil: nothing does
	tokens        []server.Token          // of the connection; nil: token
	policy        bridge.ConnectionConfig // of the connection; Name and Directory are filled in
	other         string                  // the token of a second connection, to another pool
	rows          []schemas.Row           // of the mapping, each to a custom attribute
}

func newWorld(t testing.TB, configure ...func(*worldConfig)) *world {
	t.Helper()
	cfg := worldConfig{Config: server.Config{BaseURL: public}}
	for _, f := range configure {
		f(&cfg)
	}
	w := &world{log: &lockedBuffer{}, emulator: emulator.New(emulator.Config{Seed: 1})}
	if cfg.tokens == nil {
		cfg.tokens = []server.Token{{Name: "2026", Secret: server.NewSecret(token)}}
	}
	if cfg.Types == nil {
		cfg.Types = schemas.Plain
	}
	mirror, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "scim.db"),
		Trees: map[store.Kind]*attribute.Tree{store.User: cfg.Types.Users.Tree, store.Group: cfg.Types.Groups.Tree}})
	if err != nil {
		t.Fatalf("store.Open: %v", err)
	}
	t.Cleanup(func() {
		if err := mirror.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	okta := w.connect(t, cfg, mirror, "okta", "us-east-1_local")
	cfg.policy = bridge.ConnectionConfig{}
	cfg.Connections = []server.Connection{{Bridge: okta, Tokens: cfg.tokens}}
	if cfg.other != "" {
		entra := w.connect(t, cfg, mirror, "entra", "us-east-1_other")
		cfg.Connections = append(cfg.Connections, server.Connection{Bridge: entra, Tokens: []server.Token{{Name: "other", Secret: server.NewSecret(cfg.other)}}})
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if w.Server, err = server.New(cfg.Config); err != nil {
		t.Fatalf("server.New: %v", err)
	}
	return w
}

// connect makes a pool and a connection to it.
func (w *world) connect(t testing.TB, cfg worldConfig, mirror *store.Store, name, poolID string) *bridge.Connection {
	t.Helper()
	pool := emulator.PoolConfig{ID: poolID, Name: name, AdminOnly: true}
	for _, attribute := range schemas.OverflowNames() {
		pool.CustomAttributes = append(pool.CustomAttributes, emulator.CustomAttribute{Name: strings.TrimPrefix(attribute, "custom:")})
	}
	for _, row := range cfg.rows {
		pool.CustomAttributes = append(pool.CustomAttributes, emulator.CustomAttribute{Name: strings.TrimPrefix(row.Cognito, "custom:")})
	}
	if err := w.emulator.CreatePool(pool); err != nil {
		t.Fatalf("CreatePool: %v", err)
	}
	transport := &inProcess{handler: w.emulator}
	logger := slog.New(slog.DiscardHandler)
	if cfg.gateway != nil {
		cfg.gateway.next, transport.handler = w.emulator, cfg.gateway
		logger = slog.New(slog.NewJSONHandler(w.log, nil))
	}
	client, err := cognito.Open(t.Context(), cognito.Config{PoolID: poolID, Endpoint: "http://127.0.0.1:1", Quotas: &cognito.Quotas{},
		MaxBackoff: 1, Timeout: 5 * time.Minute, Transport: transport, Logger: logger})
	if err != nil {
		t.Fatalf("cognito.Open: %v", err)
	}
	if w.pool == nil {
		w.pool = client
	}
	dir, err := bridge.OpenDirectory(t.Context(), bridge.DirectoryConfig{Pool: client, Store: mirror, Types: cfg.Types, Attributes: cfg.rows, SweepEvery: -1, Logger: logger,
		Adoption: bridge.AdoptAll, AdoptGroups: []string{bridge.EveryGroup}})
	if err != nil {
		t.Fatalf("OpenDirectory: %v", err)
	}
	t.Cleanup(dir.Close)
	policy := cfg.policy
	policy.Name, policy.Directory = name, dir
	c := bridge.NewConnection(policy)
	if !cfg.cold {
		run, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			_ = dir.Run(run) // ends with run
		}()
		t.Cleanup(func() { stop(); <-stopped })
		until(t, "the mirror is warm", func() bool { return c.Ready() == nil })
	}
	transport.hang(cfg.hang)
	if w.okta == nil {
		w.okta = transport
	}
	return c
}

// inProcess carries requests to the emulator without a socket, or lets them hang until their caller gives up, or until
// they hang no more.
type inProcess struct {
	handler http.Handler
	mu      sync.Mutex
	hangs   chan struct{} // closed when they hang no more; nil: they do not
}

func (p *inProcess) hang(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hangs != nil {
		close(p.hangs)
	}
	if p.hangs = nil; on {
		p.hangs = make(chan struct{})
	}
}

func (p *inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	hangs := p.hangs
	p.mu.Unlock()
	if hangs != nil {
		select {
		case <-hangs:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w.Result(), r.Context().Err()
}

// until waits for a condition that background work brings about.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for range 5000 {
		if condition() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("timed out waiting until %s", what)
}

// lockedBuffer is where the log goes.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// take returns the lines written since the last call, and their text.
func (b *lockedBuffer) take(t testing.TB) ([]map[string]any, string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.buf.String()
	b.buf.Reset()
	var lines []map[string]any
	for line := range strings.Lines(text) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		lines = append(lines, m)
	}
	return lines, text
}

// reply is what a request was answered.
type reply struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	text   string
}

// do sends a request; headers are "Name: value", and "Name:" removes one of the usual.
func (w *world) do(t testing.TB, method, target, body string, headers ...string) reply {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "application/scim+json")
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		if value == "" {
			r.Header.Del(name)
		} else {
			r.Header.Set(name, strings.TrimPrefix(value, " "))
		}
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	result := rec.Result()
	text, err := io.ReadAll(result.Body)
	if err != nil {
		t.Fatalf("%s %s: reading the answer: %v", method, target, err)
	}
	return reply{t, method + " " + target, result.StatusCode, result.Header, string(text)}
}

// want checks the status and what every answer has.
func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: got %d %s, want %d", r.what, r.status, r.text, status)
	}
	if r.header.Get("X-Request-Id") == "" {
		r.t.Errorf("%s: got no X-Request-Id, want one", r.what)
	}
	if status == http.StatusNoContent {
		if r.text != "" {
			r.t.Errorf("%s: got body %s, want none", r.what, r.text)
		}
		return r
	}
	if got := r.header.Get("Content-Type"); got != "application/scim+json; charset=utf-8" {
		r.t.Errorf("%s: got Content-Type %q, want application/scim+json; charset=utf-8", r.what, got)
	}
	if got := r.header.Get("Content-Length"); got != fmt.Sprint(len(r.text)) {
		r.t.Errorf("%s: got Content-Length %q, want %d", r.what, got, len(r.text))
	}
	return r
}

// refused checks an error and that its body is RFC 7644's; detail is a part of what it says.
func (r reply) refused(status int, scimType, detail string) reply {
	r.t.Helper()
	r.want(status)
	var e struct {
		Schemas  []string
		Status   any
		ScimType string
		Detail   string
	}
	r.decode(&e)
	if len(e.Schemas) != 1 || e.Schemas[0] != "urn:ietf:params:scim:api:messages:2.0:Error" || e.Status != fmt.Sprint(status) || e.ScimType != scimType ||
		e.Detail == "" || !strings.Contains(e.Detail, detail) {
		r.t.Errorf("%s: got %s, want a SCIM error %d %q that says %q", r.what, r.text, status, scimType, detail)
	}
	return r
}

func (r reply) decode(v any) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.text), v); err != nil {
		r.t.Fatalf("%s: decoding %s: %v", r.what, r.text, err)
	}
}

func (r reply) object() map[string]any {
	r.t.Helper()
	var m map[string]any
	r.decode(&m)
	return m
}

// id is the id of the resource that was answered.
func (r reply) id() string {
	r.t.Helper()
	id, _ := r.object()["id"].(string)
	if id == "" {
		r.t.Fatalf("%s: got %s, want an id", r.what, r.text)
	}
	return id
}

func (w *world) user(t testing.TB, name string) string {
	t.Helper()
	return w.do(t, "POST", "/scim/v2/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+name+`","emails":[{"value":"`+name+`","primary":true}],"active":true}`).want(201).id()
}

func (w *world) group(t testing.TB, name string, members ...string) string {
	t.Helper()
	return w.do(t, "POST", "/scim/v2/Groups", groupBody(name, members...)).want(201).id()
}

func groupBody(name string, members ...string) string {
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"` + name + `","members":` + memberList(members...) + `}`
}

func memberList(ids ...string) string {
	list := []map[string]string{}
	for _, id := range ids {
		list = append(list, map[string]string{"value": id})
	}
	b, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	return string(b)
}
