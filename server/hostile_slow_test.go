package server_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scim-cognito/scim-cognito/server"
)

// TestStalls: whoever stops in the middle is not waited for.
func TestStalls(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	address := f.listening(t, func(s *http.Server) {
		s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	})
	for name, c := range map[string]struct {
		send   string
		status int // 0: the connection ends without an answer
	}{
		"says nothing":                  {"", 0},
		"stops in the request line":     {"DELETE /scim/v2/Us", 400},
		"stops in a header":             {"DELETE /scim/v2/Users/{ann} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer", 0},
		"stops after the headers":       {"DELETE /scim/v2/Users/{ann} HTTP/1.1\r\nHost: x\r\n" + authorized, 0},
		"stops before the body":         {post + "Content-Length: 20\r\n\r\n", 408},
		"stops in the body":             {post + "Content-Length: 20\r\n\r\n" + `{"userName":"x"}`, 408},
		"stops between chunks":          {post + chunked + "\r\n10\r\n" + `{"userName":"x"}` + "\r\n", 408},
		"stops in a chunk":              {post + chunked + "\r\nffffffffffffffff\r\n" + `{"userName":"x"}`, 408},
		"stops before it was continued": {post + "Expect: 100-continue\r\nContent-Length: 20\r\n\r\n", 408},
	} {
		t.Run(name, func(t *testing.T) {
			before := f.state(t)
			_, r := dial(t, address, f.names.Replace(c.send))
			if c.status != 0 {
				got := answer(t, r)
				if got.status == http.StatusContinue {
					got = answer(t, r)
				}
				if got.status != c.status {
					t.Errorf("got %d %s, want %d", got.status, got.text, c.status)
				}
				if c.status == 408 {
					got.refused(408, "", "did not arrive in time")
				}
			}
			ended(t, r)
			f.unchanged(t, before)
			f.calm(t)
		})
	}
}

// TestLeavesEarly: a client that has gone before its body was there has asked for nothing.
func TestLeavesEarly(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	address := f.listening(t, func(*http.Server) {})
	for name, send := range map[string]string{
		"after the headers": post + "Content-Length: 16\r\n\r\n",
		"in the body":       post + "Content-Length: 17\r\n\r\n" + `{"userName":"x"}`,
		"between chunks":    post + chunked + "\r\n10\r\n" + `{"userName":"x"}` + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			before := f.state(t)
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, f.names.Replace(send)); err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			var lines []map[string]any
			until(t, "the request is in the log", func() bool {
				lines, _ = f.log.take(t)
				return len(lines) > 0
			})
			if len(lines) != 1 || lines[0]["status"] != 400.0 || lines[0]["level"] != slog.LevelInfo.String() {
				t.Errorf("the log: got %v, want one request answered 400", lines)
			}
			f.unchanged(t, before)
		})
	}
}

// TestPipeline: requests that come at once are answered one by one, in order.
func TestPipeline(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	address := f.listening(t, func(*http.Server) {})
	const n = 100
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "GET /scim/v2/Users/pipe-%d HTTP/1.1\r\nHost: x\r\nX-Request-Id: request-%d\r\n%s\r\n", i, i, authorized)
	}
	before := f.state(t)
	_, r := dial(t, address, f.names.Replace(all.String()))
	for i := range n {
		got := answer(t, r).refused(404, "", fmt.Sprintf(`User "pipe-%d" not found`, i))
		if id := got.header.Get("X-Request-Id"); id != fmt.Sprint("request-", i) {
			t.Errorf("answer %d: got X-Request-Id %s, want its own", i, id)
		}
	}
	f.unchanged(t, before)
}

// pipes is a listener of connections in memory, whose time is that of a synctest bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.IPAddr{} }

// TestTrickle sends a byte a second, for as long as the server takes that.
func TestTrickle(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	for name, c := range map[string]struct {
		at   string // sent at once
		send string // what is repeated, a byte a second
		want time.Duration
		says string // of the answer
	}{
		"headers":   {"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\n", "X: y\r\n", 10 * time.Second, ""},
		"a body":    {post + "Content-Length: 1000\r\n\r\n", " ", 55 * time.Second, "408 Request Timeout"},
		"in chunks": {post + chunked + "\r\n", "1\r\n \r\n", 55 * time.Second, "408 Request Timeout"},
		"idle":      {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "", 120 * time.Second, "200 OK"},
	} {
		t.Run(name, func(t *testing.T) {
			send := f.names.Replace(c.at)
			synctest.Test(t, func(t *testing.T) {
				listener := pipes{make(chan net.Conn), make(chan struct{})}
				s := server.HTTPServer(f.world, slog.New(slog.DiscardHandler))
				served := make(chan error, 1)
				go func() { served <- s.Serve(listener) }()
				client, theirs := net.Pipe()
				listener.conns <- theirs
				begun, sent := time.Now(), make(chan struct{})
				go func() {
					defer close(sent)
					_, err := io.WriteString(client, send)
					for i := 0; err == nil && c.send != ""; i++ {
						time.Sleep(time.Second)
						_, err = io.WriteString(client, c.send[i%len(c.send):][:1])
					}
				}()
				said, err := io.ReadAll(client)
				if err != nil || !strings.Contains(string(said), c.says) || c.says == "" && len(said) > 0 {
					t.Errorf("got %q, %v, want %q", said, err, c.says)
				}
				if took := time.Since(begun); took < c.want || took > c.want+2*time.Second {
					t.Errorf("the connection: got its end after %s, want it after %s", took, c.want)
				}
				if err := errors.Join(s.Close(), client.Close()); err != nil {
					t.Error(err)
				}
				<-sent
				if err := <-served; !errors.Is(err, http.ErrServerClosed) {
					t.Error(err)
				}
			})
		})
	}
}
