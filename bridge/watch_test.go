package bridge_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// weather is a way to the pool on which something can go wrong with every request.
type weather struct {
	next  http.RoundTripper
	storm atomic.Pointer[func(*http.Request) (*http.Response, error)]
}

func (w *weather) RoundTrip(r *http.Request) (*http.Response, error) {
	if storm := w.storm.Load(); storm != nil {
		return (*storm)(r)
	}
	return w.next.RoundTrip(r)
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// TestWatch: readiness says soon what is wrong, and soon that it is over; the log says each once, however long it lasts and
// whatever is new in each message; and nobody has to start the server again.
func TestWatch(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	for name, c := range map[string]struct {
		storm func(*http.Request) (*http.Response, error)
		soon  time.Duration
		ready string
		swept bool // sweeps work all the same
	}{
		"clock": {
			storm: func(*http.Request) (*http.Response, error) {
				return reply(400, fmt.Sprintf(`{"__type":"InvalidSignatureException","message":"Signature expired: %d is now earlier"}`, n.Add(1))), nil
			},
			soon: 20 * time.Second, ready: "its clock may be wrong",
		},
		"policy gone": {
			storm: func(*http.Request) (*http.Response, error) {
				return reply(400, `{"__type":"AccessDeniedException","message":"not authorized"}`), nil
			},
			soon: 20 * time.Second, ready: "lacks a permission in AWS",
		},
		"connections break": {
			storm: func(*http.Request) (*http.Response, error) {
				return nil, &net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{Port: int(n.Add(1))}, Err: fmt.Errorf("connection reset by peer")}
			},
			soon: 40 * time.Second, ready: "the user pool cannot be reached",
		},
		"nobody answers": {
			storm: func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() },
			soon:  40 * time.Second, ready: "the user pool cannot be reached",
		},
		"another pool": {
			storm: func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeUserPool") {
					return reply(200, `{"UserPool":{"CreationDate":1477662772.246}}`), nil
				}
				return reply(200, `{}`), nil
			},
			soon: 20 * time.Second, ready: "not the one with which the SCIM server was started", swept: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := must(stack.NewEmulator(emulator.Config{Seed: 1}))
				w := &weather{next: pooltest.InProcess(e)}
				log := new(lockedLog)
				s := must(stack.Open(t.Context(), stack.Config{
					File: filepath.Join(t.TempDir(), "scim.db"), Emulator: e, Logger: slog.New(slog.NewTextHandler(log, nil)),
					Cognito:   cognito.Config{Endpoint: "http://127.0.0.1:1", Transport: w},
					Directory: bridge.DirectoryConfig{SweepEvery: time.Minute},
				}))
				t.Cleanup(func() {
					if err := s.Close(); err != nil {
						t.Errorf("closing the stack: %v", err)
					}
				})
				within := func(d time.Duration, what string, condition func() bool) {
					t.Helper()
					for began := time.Now(); !condition(); time.Sleep(time.Second) {
						if time.Since(began) > d {
							t.Fatalf("after %s: got %v, want it %s; log:\n%s", d, s.Directory.Ready(), what, log)
						}
					}
				}
				ready := func() bool { return s.Directory.Ready() == nil }
				within(10*time.Second, "ready", ready)
				push := func(method, path, body string) *httptest.ResponseRecorder {
					r := httptest.NewRequestWithContext(t.Context(), method, stack.Path+path, strings.NewReader(body))
					r.Header.Set("Authorization", "Bearer "+stack.Token)
					r.Header.Set("Content-Type", "application/scim+json")
					answer := httptest.NewRecorder()
					s.ServeHTTP(answer, r)
					return answer
				}
				ada := idp.Reply{Body: push("POST", "/Users", adaBody()).Body.Bytes()}.ID()

				w.storm.Store(&c.storm)
				push("DELETE", "/Users/"+ada, "")
				within(c.soon, "not ready", func() bool { return !ready() })
				if err := s.Directory.Ready(); !strings.Contains(err.Error(), c.ready) {
					t.Errorf("got %v, want %q", err, c.ready)
				}
				time.Sleep(30 * time.Minute)
				if ready() {
					t.Error("got it ready in the middle of it")
				}
				w.storm.Store(nil)
				within(20*time.Second, "ready again", ready)
				within(5*time.Second, "done with what was left", func() bool {
					work, err := s.Directory.Journal(t.Context())
					return err == nil && len(work) == 0
				})
				time.Sleep(2 * time.Minute)
				sweeps := 1
				if c.swept {
					sweeps = 0
				}
				for line, want := range map[string]int{"the pool cannot be used": 1, "the pool can be used again": 1, "sweeping the pool": sweeps, "the pool can be swept again": sweeps} {
					if got := strings.Count(log.String(), `msg="`+line+`"`); got != want {
						t.Errorf("log: got %d lines %q, want %d", got, line, want)
					}
				}
			})
		})
	}
}
