package server_test

import (
	"context"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/server"
	"github.com/scim-cognito/scim-cognito/store"
)

// unaskable are values for which Cognito cannot be searched: with their escapes, its filter has more than 256 characters.
var unaskable = map[string]string{
	"userName":     strings.Repeat(`\"`, 128),
	"displayName":  strings.Repeat("d", 300),
	"emails.value": strings.Repeat("山", 300) + "@example.com",
}

// TestUnaskable: whoever asks for what Cognito cannot search for is answered by the mirror, which knows.
func TestUnaskable(t *testing.T) {
	t.Parallel()
	w := restarted(t)
	for attribute, value := range unaskable {
		r := w.do(t, "GET", users+"?filter="+url.QueryEscape(attribute+` eq "`+value+`"`), "").want(200)
		if !strings.Contains(r.text, `"totalResults":0`) {
			t.Errorf("%s: got %s, want nobody", attribute, r.text)
		}
	}
	created := w.do(t, "POST", users, `{"userName":"`+unaskable["userName"]+`"}`).want(201)
	w.do(t, "POST", users, `{"userName":"`+unaskable["userName"]+`"}`).refused(409, "uniqueness", "is taken")
	if r := w.do(t, "GET", users+"?filter="+url.QueryEscape(`userName eq "`+unaskable["userName"]+`"`), "").want(200); !strings.Contains(r.text, created.id()) {
		t.Errorf("userName: got %s, want the user", r.text)
	}
}

// TestUnaskableWhileCold: as long as the mirror is not complete, only Cognito could tell, and a wrong no would cost a
// second user.
func TestUnaskableWhileCold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *worldConfig) { c.cold = true })
	for attribute, value := range unaskable {
		r := w.do(t, "GET", users+"?filter="+url.QueryEscape(attribute+` eq "`+value+`"`), "").refused(429, "", "still reading the user pool")
		if r.header.Get("Retry-After") == "" {
			t.Errorf("%s: got no Retry-After, want one", attribute)
		}
	}
	w.do(t, "GET", users+"?filter="+url.QueryEscape(`userName eq "nobody"`), "").want(200)
}

// restarted is a world whose mirror was complete when the server was last stopped, and that has not looked since.
func restarted(t *testing.T) *world {
	t.Helper()
	const id = "us-east-1_local"
	pools := emulator.New(emulator.Config{Seed: 1})
	cfg := emulator.PoolConfig{ID: id, Name: "local"}
	for _, name := range schemas.OverflowNames() {
		cfg.CustomAttributes = append(cfg.CustomAttributes, emulator.CustomAttribute{Name: strings.TrimPrefix(name, "custom:")})
	}
	if err := pools.CreatePool(cfg); err != nil {
		t.Fatal(err)
	}
	mirror, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "scim.db"),
		Trees: map[store.Kind]*attribute.Tree{store.User: schemas.Users.Tree, store.Group: schemas.Groups.Tree}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := cognito.Open(t.Context(), cognito.Config{PoolID: id, Endpoint: "http://127.0.0.1:1", Quotas: &cognito.Quotas{}, MaxBackoff: 1, Transport: &inProcess{handler: pools}})
	if err != nil {
		t.Fatal(err)
	}
	open := func() *bridge.Directory {
		d, err := bridge.OpenDirectory(t.Context(), bridge.DirectoryConfig{Pool: client, Store: mirror, SweepEvery: -1, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before := open()
	run, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = before.Run(run) // ends with run
	}()
	until(t, "the mirror is warm", func() bool { return before.Ready() == nil })
	stop()
	<-stopped
	before.Close()
	after := open()
	t.Cleanup(func() {
		after.Close()
		if err := mirror.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{emulator: pools, log: &lockedBuffer{}}
	if w.Server, err = server.New(server.Config{
		BaseURL: public, Logger: slog.New(slog.NewJSONHandler(w.log, nil)),
		Connections: []server.Connection{{Bridge: bridge.NewConnection(bridge.ConnectionConfig{Name: "okta", Directory: after}), Tokens: []server.Token{{Name: "t", Secret: server.NewSecret(token)}}}},
	}); err != nil {
		t.Fatal(err)
	}
	return w
}
