package server_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
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

// TestHosts: without a base URL, the client's host is where resources are said to be, if it is one.
func TestHosts(t *testing.T) {
	t.Parallel()
	f := newFortress(t, func(c *worldConfig) { c.BaseURL = "" })
	proxied := newFortress(t, func(c *worldConfig) {
		c.BaseURL, c.TrustedProxies = "", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	for _, c := range []struct {
		name, line, headers, want string
		proxied                   bool
	}{
		{"a name", "/scim/v2/ResourceTypes/User", "Host: scim.example.com\r\n", "http://scim.example.com/", false},
		{"a name and a port", "/scim/v2/ResourceTypes/User", "Host: scim.example.com:8443\r\n", "http://scim.example.com:8443/", false},
		{"an address", "/scim/v2/ResourceTypes/User", "Host: [::1]:80\r\n", "http://[::1]:80/", false},
		{"nothing", "/scim/v2/ResourceTypes/User", "Host:\r\n", "http://localhost/", false},
		{"a port that is none", "/scim/v2/ResourceTypes/User", "Host: a:b\r\n", "http://localhost/", false},
		{"a port alone", "/scim/v2/ResourceTypes/User", "Host: :80\r\n", "http://localhost/", false},
		{"a zone", "/scim/v2/ResourceTypes/User", "Host: [fe80::1%25en0]\r\n", "http://localhost/", false},
		{"a comma", "/scim/v2/ResourceTypes/User", "Host: a,b\r\n", "http://localhost/", false},
		{"a per cent", "/scim/v2/ResourceTypes/User", "Host: a%0d%0a\r\n", "http://localhost/", false},
		{"300 letters", "/scim/v2/ResourceTypes/User", "Host: " + strings.Repeat("a", 300) + "\r\n", "http://localhost/", false},
		{"another one in the target", "http://other.example/scim/v2/ResourceTypes/User", "Host: scim.example.com\r\n", "http://other.example/", false},
		{"what nobody has forwarded", "/scim/v2/ResourceTypes/User", "Host: a\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.example\r\n", "http://a/", false},
		{"what a proxy has forwarded", "/scim/v2/ResourceTypes/User", "Host: a\r\nX-Forwarded-Host: scim.example.com\r\nX-Forwarded-Proto: https\r\n", "https://scim.example.com/", true},
		{"markup that a proxy has forwarded", "/scim/v2/ResourceTypes/User", "Host: a\r\nX-Forwarded-Host: \"><script>\r\nX-Forwarded-Proto: javascript\r\n", "http://a/", true},
		{"a path that a proxy has forwarded", "/scim/v2/ResourceTypes/User", "Host: a\r\nForwarded: host=\"evil.example/x?\";proto=https\r\n", "https://a/", true},
		{"a chain of proxies", "/scim/v2/ResourceTypes/User", "Host: a\r\nX-Forwarded-Host: first.example, evil.example\r\n", "http://first.example/", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := f
			if c.proxied {
				to = proxied
			}
			_, r := dial(t, to.listening(t, func(*http.Server) {}), "GET "+c.line+" HTTP/1.1\r\n"+c.headers+to.names.Replace(authorized)+"\r\n")
			got := answer(t, r).want(200)
			if !strings.Contains(got.text, `"location":"`+c.want+`scim/v2/ResourceTypes/User"`) {
				t.Errorf("got %s, want a location at %s", got.text, c.want)
			}
		})
	}
}

// TestHeadOverSocket: the answer to a HEAD has no body, whatever it is, and the next request is understood.
func TestHeadOverSocket(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	head := func(path string) string { return "HEAD " + path + " HTTP/1.1\r\nHost: x\r\n" + authorized + "\r\n" }
	_, r := dial(t, f.listening(t, func(*http.Server) {}), f.names.Replace(head(ann)+head(users+"/nobody")+head("/nowhere")+head(users+"?startIndex=x")))
	for _, status := range []int{200, 404, 404, 400} {
		response, err := http.ReadResponse(r, &http.Request{Method: http.MethodHead})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || len(body) > 0 || response.StatusCode != status || response.ContentLength <= 0 {
			t.Errorf("got %d of %d bytes with %q, %v, want %d of some bytes, and none of them", response.StatusCode, response.ContentLength, body, err, status)
		}
	}
}
