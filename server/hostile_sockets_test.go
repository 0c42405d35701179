package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/server"
)

// wire is what is sent through a socket, byte by byte, and what comes back.
type wire struct {
	name     string
	send     string // with the names of a fortress in braces
	status   []int  // of the answers, in order
	scimType string // of the last
	plain    bool   // the last is net/http's own error, in plain text: there was no request yet
	closes   bool   // the server ends the connection
	says     string // in the detail of the last
}

const (
	authorized = "Authorization: Bearer {token}\r\n"
	get        = "GET /scim/v2/ResourceTypes/User HTTP/1.1\r\nHost: scim.example.com\r\n" + authorized
	post       = "POST /scim/v2/Users HTTP/1.1\r\nHost: scim.example.com\r\n" + authorized
	chunked    = "Transfer-Encoding: chunked\r\n"
	smuggled   = "DELETE /scim/v2/Users/{ann} HTTP/1.1\r\nHost: x\r\n" + authorized + "\r\n"
)

// target is a request line for ann, to be deleted, that is not as it should be.
func target(line string) string { return line + "\r\nHost: x\r\n" + authorized + "\r\n" }

var wires = []wire{
	{"all options of the server, without a token", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", []int{401}, "", false, false, required},
	{"all options of the server", target("OPTIONS * HTTP/1.1"), []int{404}, "", false, false, nothing},
	{"a star", target("GET * HTTP/1.1"), []int{404}, "", false, false, nothing},
	{"a tunnel", target("CONNECT evil.example:443 HTTP/1.1"), []int{404}, "", false, false, nothing},
	{"a trace", target("TRACE /scim/v2/Users/{ann} HTTP/1.1"), []int{405}, "", false, false, notSupported},
	{"another machine", target("DELETE http://evil.example/scim/v2/Users/nobody HTTP/1.1"), []int{404}, "", false, false, "not found"},
	{"another machine with a password", target("DELETE https://a:b@evil.example/nowhere HTTP/1.1"), []int{404}, "", false, false, nothing},
	{"another scheme", target("GET file:///etc/passwd HTTP/1.1"), []int{404}, "", false, false, nothing},
	{"another machine by two slashes", target("GET //evil.example/scim/v2/Users HTTP/1.1"), []int{404}, "", false, false, nothing},
	{"a fragment", target("DELETE /scim/v2/Users#{ann} HTTP/1.1"), []int{404}, "", false, false, nothing},
	{"a line break, encoded", target("DELETE /scim/v2/Users/{ann}%0d%0aX-Evil:%20yes HTTP/1.1"), []int{404}, "", false, false, "not found"},
	{"bytes that are not UTF-8", target("DELETE /scim/v2/Users/\xff\xfe HTTP/1.1"), []int{404}, "", false, false, `\xff\xfe`},
	{"a space in the target", target("DELETE /scim/v2/Users/{ann} x HTTP/1.1"), []int{400}, "", true, true, ""},
	{"NUL in the target", target("DELETE /scim/v2/Users/{ann}\x00 HTTP/1.1"), []int{400}, "", true, true, ""},
	{"a bad escape", target("DELETE /scim/v2/Users/%zz HTTP/1.1"), []int{400}, "", true, true, ""},
	{"backslashes", target(`DELETE \scim\v2\Users HTTP/1.1`), []int{400}, "", true, true, ""},
	{"no slash", target("DELETE scim/v2/Users/{ann} HTTP/1.1"), []int{400}, "", true, true, ""},
	{"a method that is none", target("D@L /scim/v2/Users/{ann} HTTP/1.1"), []int{400}, "", true, true, ""},
	{"no version", "DELETE /scim/v2/Users/{ann}\r\n\r\n", []int{400}, "", true, true, ""},
	{"a version that is none", target("DELETE /scim/v2/Users/{ann} HTTP/x.y"), []int{400}, "", true, true, ""},
	{"a version to come", target("DELETE /scim/v2/Users/{ann} HTTP/3.0"), []int{505}, "", true, true, ""},
	{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{401}, "", false, true, required},
	{"the beginning of TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []int{400}, "", true, true, ""},
	{"an upgrade", get + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n\r\n", []int{200}, "", false, false, ""},
	{"no host", "GET /scim/v2/Users HTTP/1.1\r\n" + authorized + "\r\n", []int{400}, "", true, true, ""},
	{"two hosts", "GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\nHost: b\r\n" + authorized + "\r\n", []int{400}, "", true, true, ""},
	{"a host with markup", "GET /scim/v2/Users HTTP/1.1\r\nHost: a\"><script>\r\n" + authorized + "\r\n", []int{400}, "", true, true, ""},
	{"a host of nothing", "GET /scim/v2/ResourceTypes/User HTTP/1.1\r\nHost:\r\n" + authorized + "\r\n", []int{200}, "", false, false, ""},
	{"a header without colon", get + "foo\r\n\r\n", []int{400}, "", true, true, ""},
	{"a header with a space before its colon", get + "X : y\r\n\r\n", []int{400}, "", true, true, ""},
	{"a header with NUL", get + "X: a\x00b\r\n\r\n", []int{400}, "", true, true, ""},
	{"a header without name", get + ": x\r\n\r\n", []int{400}, "", true, true, ""},
	{"a token in two headers", get + authorized + "\r\n", []int{401}, "", false, false, required},
	{"a token in a folded line", "GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer\r\n {token}x\r\n\r\n", []int{401}, "", false, false, unknown},
	{"a header of 80 KiB", get + "X: " + strings.Repeat("a", 80<<10) + "\r\n\r\n", []int{431}, "", true, true, ""},
	{"a target of 80 KiB", target("GET /scim/v2/Users?filter=" + strings.Repeat("a", 80<<10) + " HTTP/1.1"), []int{431}, "", true, true, ""},
	{"20,000 headers", get + strings.Repeat("X: a\r\n", 20_000) + "\r\n", []int{431}, "", true, true, ""},
	{"5,000 headers", get + strings.Repeat("X: a\r\n", 5_000) + "\r\n", []int{200}, "", false, false, ""},

	{"a coding before chunks", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", []int{501}, "", true, true, ""},
	{"a coding that is none", post + "Transfer-Encoding: xchunked\r\n\r\n", []int{501}, "", true, true, ""},
	{"chunks in secret", post + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", []int{400}, "", true, true, ""},
	{"chunks twice", post + chunked + chunked + "\r\n0\r\n\r\n", []int{501}, "", true, true, ""},
	{"chunks and identity", post + chunked + "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", []int{501}, "", true, true, ""},
	{"chunks and a length: chunks count", post + chunked + "Content-Length: 4\r\n\r\n2\r\n{}\r\n0\r\n\r\n", []int{400}, value, false, false, "userName is required"},
	{"chunks that are none", post + chunked + "\r\nzz\r\n{}\r\n0\r\n\r\n", []int{400}, syntax, false, true, "could not be read"},
	{"a chunk below zero", post + chunked + "\r\n-2\r\n{}\r\n0\r\n\r\n", []int{400}, syntax, false, true, "could not be read"},
	{"a chunk of a number too large", post + chunked + "\r\n10000000000000000\r\n{}\r\n0\r\n\r\n", []int{400}, syntax, false, true, "could not be read"},
	{"a chunk without end", post + chunked + "\r\n2\r\n{}0\r\n\r\n", []int{400}, syntax, false, true, "could not be read"},
	{"chunks with long extensions", post + chunked + "\r\n" + strings.Repeat("1;"+strings.Repeat("a", 1000)+"\r\n \r\n", 40) + "0\r\n\r\n", []int{400}, syntax, false, true, "could not be read"},
	{"a megabyte in chunks", post + chunked + "\r\n" + strings.Repeat("10000\r\n"+strings.Repeat(" ", 1<<16)+"\r\n", 17) + "0\r\n\r\n", []int{413}, "", false, false, "longer than the 1048576 bytes"},
	{"ten megabytes in chunks", post + chunked + "\r\n" + strings.Repeat("10000\r\n"+strings.Repeat(" ", 1<<16)+"\r\n", 160) + "0\r\n\r\n", []int{413}, "", false, false, "longer than the 1048576 bytes"},
	{"ten megabytes", post + "Content-Length: 10485760\r\n\r\n" + strings.Repeat(" ", 10<<20), []int{413}, "", false, false, "longer than the 1048576 bytes"},
	{"too much, asked before", post + "Expect: 100-continue\r\nContent-Length: 10485760\r\n\r\n", []int{413}, "", false, true, "longer than the 1048576 bytes"},
	{"chunks for HTTP/1.0", "POST /scim/v2/Users HTTP/1.0\r\n" + authorized + chunked + "\r\n2\r\n{}\r\n0\r\n\r\n", []int{400}, syntax, false, true, "is empty"},
	{"two lengths", post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", []int{400}, "", true, true, ""},
	{"a list of lengths", post + "Content-Length: 2, 2\r\n\r\n{}", []int{400}, "", true, true, ""},
	{"a length below zero", post + "Content-Length: -2\r\n\r\n{}", []int{400}, "", true, true, ""},
	{"a length with a sign", post + "Content-Length: +2\r\n\r\n{}", []int{400}, "", true, true, ""},
	{"a length beyond numbers", post + "Content-Length: 99999999999999999999\r\n\r\n{}", []int{400}, "", true, true, ""},
	{"a length beyond disks", post + "Content-Length: 9223372036854775807\r\n\r\n{}", []int{413}, "", false, true, "longer than the 1048576 bytes"},
	{"an expectation that nobody has", post + "Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}", []int{417}, "", true, true, ""},
	{"an expectation without a token", "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", []int{401}, "", false, true, required},
	{"a request in a body that nobody reads", "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: " + lengthOf(smuggled) + "\r\n\r\n" + smuggled, []int{401}, "", false, false, required},
	{"a request in the body of a read", get + "Content-Length: " + lengthOf(smuggled) + "\r\n\r\n" + smuggled, []int{200}, "", false, false, ""},
	{"a request in a body of another type", post + "Content-Type: text/plain\r\nContent-Length: " + lengthOf(smuggled) + "\r\n\r\n" + smuggled, []int{415}, "", false, false, "Content-Type"},
	{"a body of half a megabyte that nobody reads", "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 524288\r\n\r\n" + strings.Repeat("x", 1<<19), []int{401}, "", false, true, required},
	{"two at once", target("DELETE /scim/v2/Users/nobody HTTP/1.1") + target("FOO /scim/v2/Users HTTP/1.1"), []int{404, 405}, "", false, false, ""},
	{"one good, one bad", target("GET /scim/v2/Users HTTP/1.1") + "\x00\r\n\r\n", []int{200, 400}, "", true, true, ""},
}

// lengthOf is the length of a text in which {ann} and {token} stand.
func lengthOf(text string) string {
	return fmt.Sprint(len(strings.NewReplacer("{ann}", strings.Repeat("x", 36), "{token}", token).Replace(text)))
}

// listening serves the fortress on a socket.
func (f *fortress) listening(t testing.TB, configure func(*http.Server)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server.HTTPServer(f.world, slog.New(slog.DiscardHandler))
	configure(s)
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serving: %v", err)
		}
	})
	return listener.Addr().String()
}

// dial opens a connection and sends what it is given from a goroutine, since the server may stop to listen in between.
func dial(t testing.TB, address, send string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	t.Cleanup(func() {
		_ = c.Close() // or the server has
		<-sent
	})
	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(sent)
		_, _ = io.WriteString(c, send) // fails when the server has had enough
	}()
	return c, bufio.NewReader(c)
}

// answer reads the next answer, as a reply.
func answer(t testing.TB, r *bufio.Reader) reply {
	t.Helper()
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("reading an answer: %v", err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("reading the body of an answer: %v", err)
	}
	return reply{t, "what was sent", response.StatusCode, response.Header, string(text)}
}

// ended checks that nothing more comes: the server has closed, or reset, the connection.
func ended(t testing.TB, r *bufio.Reader) {
	t.Helper()
	rest, err := io.ReadAll(r)
	if len(rest) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection: got %q, %v, want its end", rest, err)
	}
}

func TestHostileSockets(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	address := f.listening(t, func(*http.Server) {})
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			before := f.state(t)
			c, r := dial(t, address, f.names.Replace(w.send))
			for i, status := range w.status {
				got := answer(t, r)
				last := i == len(w.status)-1
				switch {
				case got.status != status:
					t.Fatalf("answer %d: got %d %s, want %d", i, got.status, got.text, status)
				case last && w.plain:
					if strings.Contains(got.text, "{") || len(got.text) > 100 {
						t.Errorf("got %q, want net/http's own short text", got.text)
					}
				case last && status >= 400:
					got.refused(status, w.scimType, w.says)
					f.discreet(t, got)
				}
			}
			if w.closes {
				ended(t, r)
			} else if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Errorf("the connection: got %v, want it open", err)
			} else if got := answer(t, r); got.status != 200 || got.text != `{"status":"ok"}` {
				t.Errorf("the next request: got %d %s, want 200 ok", got.status, got.text)
			}
			f.unchanged(t, before)
			f.calm(t)
		})
	}
}
