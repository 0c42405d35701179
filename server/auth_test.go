package server_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/server"
)

func TestAuthentication(t *testing.T) {
	t.Parallel()
	const retired, next = "retired-token-0123456789-0123456789-01234", "next-token-0123456789-0123456789-012345678"
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	w := newWorld(t, func(c *worldConfig) {
		c.Clock = func() time.Time { return now }
		c.tokens = []server.Token{
			{Name: "old", Secret: server.NewSecret(retired), Expires: now},
			{Name: "current", Secret: server.NewSecret(token), Expires: now.Add(time.Second)},
			{Name: "next", Secret: server.NewSecret(next)},
		}
	})
	for name, tc := range map[string]struct {
		value  string
		status int
		detail string
	}{
		"bearer":              {"Bearer " + token, 200, ""},
		"in lower case":       {"bearer " + token, 200, ""},
		"in capitals, spaces": {"  BEARER   " + token + "  ", 200, ""},
		"bare":                {token, 200, ""},
		"bare with spaces":    {" " + token + " ", 200, ""},
		"the next one":        {"Bearer " + next, 200, ""},
		"expired":             {"Bearer " + retired, 401, `named "old" expired on 2026-11-21T12:00:00Z`},
		"unknown":             {"Bearer " + strings.Repeat("x", 40), 401, "not known"},
		"Okta's own":          {"non-token", 401, "not known"},
		"beginning of one":    {"Bearer " + token[:20], 401, "not known"},
		"one and more":        {"Bearer " + token + "x", 401, "not known"},
		"other case":          {"Bearer " + strings.ToUpper(token), 401, "not known"},
		"Basic":               {"Basic " + token, 401, "not known"},
		"scheme alone":        {"Bearer", 401, "not known"},
		"blank":               {"  ", 401, "required"},
		"hash of one":         {"Bearer " + fmt.Sprint(server.NewSecret(token)), 401, "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.do(t, "GET", "/scim/v2/Users", "", "Authorization:"+tc.value)
			if tc.status == 200 {
				r.want(200)
				return
			}
			r.refused(401, "", tc.detail)
			if got := r.header.Get("WWW-Authenticate"); got != `Bearer realm="scim"` {
				t.Errorf("got WWW-Authenticate %q, want Bearer with a realm", got)
			}
		})
	}
	t.Run("two headers", func(t *testing.T) {
		r := httptest.NewRequest("GET", "/scim/v2/Users", nil)
		r.Header["Authorization"] = []string{"Bearer " + token, "Bearer " + token}
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, r)
		if rec.Code != 401 {
			t.Errorf("got %d %s, want 401", rec.Code, rec.Body)
		}
	})
}

// TestNothingWithoutToken: neither discovery nor what is not there can be seen without one.
func TestNothingWithoutToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"", "/", "/../../healthz/x", "/Users", "/Users/x", "/Groups", "/ServiceProviderConfig", "/Schemas", "/ResourceTypes", "/Me", "/nothing"} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
			w.do(t, method, "/scim/v2"+path, "", "Authorization:").refused(401, "", "Authorization")
		}
	}
}

// TestConnectionsAreApart: a token reaches its own directory and no other.
func TestConnectionsAreApart(t *testing.T) {
	t.Parallel()
	const other = "entra-token-0123456789-0123456789-0123456"
	w := newWorld(t, func(c *worldConfig) { c.other = other })
	id := w.user(t, "ann")
	entra := "Authorization: Bearer " + other
	w.do(t, "GET", "/scim/v2/Users/"+id, "", entra).refused(404, "", id)
	if r := w.do(t, "GET", "/scim/v2/Users", "", entra).want(200); !strings.Contains(r.text, `"totalResults":0`) {
		t.Errorf("got %s, want nobody", r.text)
	}
	w.do(t, "DELETE", "/scim/v2/Users/"+id, "", entra).refused(404, "", id)
	w.do(t, "GET", "/scim/v2/Users/"+id, "").want(200)
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	tok := server.Token{Name: "t", Secret: server.NewSecret(token)}
	encoded, err := json.Marshal(tok)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", tok, "secret", tok.Secret)
	sum := sha256.Sum256([]byte(token))
	for _, text := range []string{
		fmt.Sprint(tok), fmt.Sprintf("%v %+v %#v %s %q %x %d", tok, tok, tok, tok.Secret, tok.Secret, tok.Secret, tok.Secret), string(encoded), log.String(), tok.Secret.String(),
	} {
		if strings.Contains(text, token) || strings.Contains(text, fmt.Sprintf("%x", sum[:4])) || strings.Contains(text, fmt.Sprintf("%d %d %d", sum[0], sum[1], sum[2])) || !strings.Contains(text, "[secret]") {
			t.Errorf("got %s, want [secret] in place of the secret", text)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	c := bridge.NewConnection(bridge.ConnectionConfig{Name: "okta"})
	d := bridge.NewConnection(bridge.ConnectionConfig{Name: "entra"})
	secret := server.NewSecret(token)
	for name, tc := range map[string]struct {
		cfg  server.Config
		want string
	}{
		"nobody":    {server.Config{}, "no connections"},
		"no bridge": {server.Config{Connections: []server.Connection{{}}}, "no bridge"},
		"no tokens": {server.Config{Connections: []server.Connection{{Bridge: c}}}, `"okta" has no tokens`},
		"no secret": {server.Config{Connections: []server.Connection{{Bridge: c, Tokens: []server.Token{{Name: "a"}}}}}, `token "a" has no secret`},
		"one secret for two": {server.Config{Connections: []server.Connection{
			{Bridge: c, Tokens: []server.Token{{Name: "a", Secret: secret}}}, {Bridge: d, Tokens: []server.Token{{Name: "b", Secret: secret}}}}},
			`token "b" has the same secret as token "a" of connection "okta"`},
		"base URL": {server.Config{BaseURL: "scim.example.com", Connections: []server.Connection{{Bridge: c, Tokens: []server.Token{{Secret: secret}}}}}, "base URL"},
	} {
		_, err := server.New(tc.cfg)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got error %v, want one that says %q", name, err, tc.want)
		}
	}
}
