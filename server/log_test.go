package server_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/server"
)

// TestLog: one line a request with what an operator asks for, and nothing about people.
func TestLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user(t, "ann.lee@example.com")
	w.log.take(t)
	for name, tc := range map[string]struct {
		method, path, body string
		headers            []string
		level              string
		want               map[string]any
	}{
		"create": {"POST", "/scim/v2/Users", `{"userName":"bob.lee@example.com","name":{"familyName":"Lee"}}`, nil, "INFO",
			map[string]any{"method": "POST", "route": "/scim/v2/Users", "status": 201.0, "connection": "okta", "token": "2026"}},
		"read": {"GET", "/scim/v2/Users/" + id, "", nil, "INFO",
			map[string]any{"route": "/scim/v2/Users/{id}", "resource": id, "status": 200.0}},
		"look-up": {"GET", "/scim/v2/Users?filter=userName+eq+%22ann.lee@example.com%22", "", nil, "INFO",
			map[string]any{"route": "/scim/v2/Users", "status": 200.0}},
		"read by a name": {"GET", "/scim/v2/Users/ann.lee@example.com", "", nil, "INFO",
			map[string]any{"route": "/scim/v2/Users/{id}", "status": 404.0, "error_kind": "not found", "resource": nil, "error": nil}},
		"refused value": {"POST", "/scim/v2/Users", `{"userName":"x","active":"ann.lee@example.com"}`, nil, "INFO",
			map[string]any{"status": 400.0, "error_kind": "invalidValue", "error": nil}},
		"taken": {"POST", "/scim/v2/Users", `{"userName":"ANN.LEE@example.com"}`, nil, "INFO",
			map[string]any{"status": 409.0, "error": nil}},
		"stranger": {"GET", "/scim/v2/Users", "", []string{"Authorization: Bearer wrong-secret-ann.lee@example.com"}, "WARN",
			map[string]any{"status": 401.0, "error_kind": "http_401", "connection": nil, "token": nil}},
		"not supported": {"GET", "/scim/v2/Me", "", nil, "INFO",
			map[string]any{"status": 501.0, "error_kind": "http_501"}},
		"probe": {"GET", "/healthz", "", []string{"Authorization:"}, "DEBUG",
			map[string]any{"route": "/healthz", "status": 200.0}},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.do(t, tc.method, tc.path, tc.body, tc.headers...)
			lines, text := w.log.take(t)
			if len(lines) != 1 {
				t.Fatalf("got %d lines: %s, want one", len(lines), text)
			}
			line := lines[0]
			if line["msg"] != "request" || line["level"] != tc.level || line["request_id"] != r.header.Get("X-Request-Id") || line["bytes"] != float64(len(r.text)) {
				t.Errorf("got %s, want level %s, message request, the answer's id and length", text, tc.level)
			}
			if _, ok := line["duration"].(float64); !ok {
				t.Errorf("got %s, want a duration", text)
			}
			for key, want := range tc.want {
				if line[key] != want {
					t.Errorf("got %s %v, want %v", key, line[key], want)
				}
			}
			for _, personal := range []string{"lee", "Lee", "LEE", "wrong-secret", token} {
				if strings.Contains(text, personal) {
					t.Errorf("got %q in the log, want no personal data and no secrets: %s", personal, text)
				}
			}
		})
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for given, kept := range map[string]bool{
		"": false, "short": false, "0123456789abcdef": true, "8f14e45f-ceea-4167_a.b": true, "has space in it": false,
		`{"injected":"x"}`: false, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "ünïcödé-1234": false,
	} {
		got := w.do(t, "GET", "/scim/v2/Users", "", "X-Request-Id:"+given).want(200).header.Get("X-Request-Id")
		if (got == given) != kept || len(got) < 8 {
			t.Errorf("X-Request-Id %q: got %q, want it kept: %t", given, got, kept)
		}
	}
	a, b := w.do(t, "GET", "/healthz", "").header.Get("X-Request-Id"), w.do(t, "GET", "/healthz", "").header.Get("X-Request-Id")
	if a == b {
		t.Errorf("got %q twice, want ids of their own", a)
	}
}

// TestPanic: a bug answers 500 with a fixed sentence; the stack goes to the log.
func TestPanic(t *testing.T) {
	t.Parallel()
	log := &lockedBuffer{}
	s, err := server.New(server.Config{
		Connections: []server.Connection{{ // no directory: every operation panics
			Bridge: bridge.NewConnection(bridge.ConnectionConfig{Name: "broken"}), Tokens: []server.Token{{Name: "t", Secret: server.NewSecret(token)}}}},
		Logger: slog.New(slog.NewJSONHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Server: s}
	r := w.do(t, "GET", "/scim/v2/Users/x", "").refused(500, "", "not foreseen")
	if strings.Contains(r.text, "nil pointer") || !strings.Contains(r.text, r.header.Get("X-Request-Id")) {
		t.Errorf("got %s, want a fixed sentence with the request id", r.text)
	}
	lines, text := log.take(t)
	if len(lines) != 1 || lines[0]["level"] != "ERROR" || !strings.Contains(text, "nil pointer") || !strings.Contains(fmt.Sprint(lines[0]["stack"]), "bridge") {
		t.Errorf("got log %s, want one ERROR line with the cause and the stack", text)
	}
}

func TestProbes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cold   bool
		ready  int
		status string
	}{"warm": {false, 200, "ready"}, "cold": {true, 503, "not ready"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *worldConfig) { c.cold = tc.cold })
			health := w.do(t, "GET", "/healthz", "", "Authorization:", "Accept: text/plain")
			if health.status != 200 || health.text != `{"status":"ok"}` || health.header.Get("Content-Type") != "application/json" {
				t.Errorf("/healthz: got %d %s, want 200 ok", health.status, health.text)
			}
			w.log.take(t)
			ready := w.do(t, "GET", "/readyz", "", "Authorization:")
			got := ready.object()
			if ready.status != tc.ready || got["status"] != tc.status {
				t.Errorf("/readyz: got %d %s, want %d %s", ready.status, ready.text, tc.ready, tc.status)
			}
			reasons, _ := got["reasons"].([]any)
			if (len(reasons) > 0) != tc.cold || strings.Contains(ready.text, "us-east-1") || strings.Contains(ready.text, "okta") {
				t.Errorf("/readyz: got %s, want reasons if not ready, without internals", ready.text)
			}
			if _, text := w.log.take(t); tc.cold && (!strings.Contains(text, "us-east-1_local") || !strings.Contains(text, `"WARN"`)) {
				t.Errorf("/readyz: got log %s, want a warning that names the pool", text)
			}
		})
	}
}

func TestHTTPServer(t *testing.T) {
	t.Parallel()
	s := server.HTTPServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	for name, got := range map[string]time.Duration{"ReadHeaderTimeout": s.ReadHeaderTimeout, "ReadTimeout": s.ReadTimeout, "IdleTimeout": s.IdleTimeout} {
		if got < 5*time.Second || got > 3*time.Minute {
			t.Errorf("got %s %v, want a limit within reason", name, got)
		}
	}
	if s.WriteTimeout < 60*time.Second {
		t.Errorf("got WriteTimeout %v, want more than the 55 s that a request may take", s.WriteTimeout)
	}
	if s.MaxHeaderBytes < 3*16<<10 || s.MaxHeaderBytes > 1<<20 {
		t.Errorf("got MaxHeaderBytes %d, want room for a filter and a limit", s.MaxHeaderBytes)
	}
	if s.ErrorLog == nil {
		t.Error("got no ErrorLog, want the logger")
	}
}

// TestSlowBody: a client that stops in the middle of its body is told so, and let go.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ts := httptest.NewUnstartedServer(w)
	ts.Config = server.HTTPServer(w, slog.New(slog.DiscardHandler))
	ts.Config.ReadTimeout = 50 * time.Millisecond
	ts.Start()
	defer ts.Close()
	conn, err := net.Dial("tcp", ts.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\n{", token); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestTimeout {
		t.Errorf("got %s, want 408", response.Status)
	}
}
