package server_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/scim-cognito/scim-cognito/server"
)

// filled is a world whose room is taken but for what is kept for leavers, by POSTs that hang, and two users in it.
func filled(t *testing.T, room int, posts int, body string) (w *world, ids []string, release func()) {
	t.Helper()
	w = newWorld(t, func(c *worldConfig) { c.Limits = server.Limits{InProgress: room} })
	ids = []string{w.user(t, "ann"), w.user(t, "bob")}
	w.okta.hang(true)
	var posted sync.WaitGroup
	for i := range posts {
		posted.Go(func() {
			if r := w.do(t, "POST", users, fmt.Sprintf(`{"userName":"new%d"%s}`, i, body)); r.status != http.StatusCreated {
				t.Errorf("%s: got %d %s, want 201", r.what, r.status, r.text)
			}
		})
	}
	until(t, "the room is taken", func() bool {
		return w.do(t, "GET", "/scim/v2/ServiceProviderConfig", "").status == http.StatusTooManyRequests
	})
	release = sync.OnceFunc(func() { w.okta.hang(false); posted.Wait() })
	t.Cleanup(release)
	return w, ids, release
}

func TestNoRoom(t *testing.T) {
	t.Parallel()
	w, ids, release := filled(t, 8, 6, "")
	for _, refused := range [][3]string{
		{"GET", users + "/" + ids[0], ""},
		{"POST", users, `{"userName":"cid"}`},
		{"POST", "/scim/v2/Bulk", `{"Operations":[{"method":"DELETE","path":"/Users/` + ids[0] + `"}]}`},
		{"PATCH", "/scim/v2/Groups/nobody", patchOf(`{"op":"replace","path":"displayName","value":"x"}`)},
		{"GET", "/scim/v2/nothing", ""},
	} {
		r := w.do(t, refused[0], refused[1], refused[2]).refused(429, "", "as many requests in progress as it can hold")
		if got := r.header.Get("Retry-After"); got != "5" {
			t.Errorf("%s: got Retry-After %q, want 5", r.what, got)
		}
	}
	w.do(t, "GET", users, "", "Authorization:").refused(401, "", "") // strangers learn nothing about it
	for _, probe := range []string{"/healthz", "/readyz"} {
		if r := w.do(t, "GET", probe, "", "Authorization:"); r.status != http.StatusOK {
			t.Errorf("%s: got %d %s, want 200", probe, r.status, r.text)
		}
	}
	var leaving sync.WaitGroup
	for method, id := range map[string]string{"PATCH": ids[0], "DELETE": ids[1]} {
		leaving.Go(func() {
			r := reply{status: http.StatusTooManyRequests}
			for r.status == http.StatusTooManyRequests { // while the question below takes the place
				r = w.do(t, method, users+"/"+id, patchOf(`{"op":"replace","value":{"active":false}}`))
			}
			if r.status >= 300 {
				t.Errorf("%s: got %d %s, want success", r.what, r.status, r.text)
			}
		})
	}
	until(t, "even leavers find no room", func() bool {
		return w.do(t, "PATCH", users+"/nobody", patchOf(`{"op":"replace","value":{"active":false}}`)).status == http.StatusTooManyRequests
	})
	release()
	leaving.Wait()
	w.do(t, "GET", users, "").want(200)
}

// TestLargeBodiesTakeRoom: what a body holds in memory counts.
func TestLargeBodiesTakeRoom(t *testing.T) {
	t.Parallel()
	w, ids, release := filled(t, 40, 1, `,"title":"`+strings.Repeat("x", 30*16<<10)+`"`) // 30 and its own: all but what is kept
	w.do(t, "POST", users, `{"userName":"cid","title":"`+strings.Repeat("x", 64<<10)+`"}`).refused(429, "", "as many requests")
	// Nobody reads it, so it takes none.
	release()
	w.do(t, "POST", users, `{"userName":"cid","title":"`+strings.Repeat("x", 17<<20)+`"}`).refused(413, "", "longer than")
	// What is larger than all the room passes when it is alone.
	w.do(t, "PUT", users+"/"+ids[0], `{"userName":"ann","title":"`+strings.Repeat("x", 1000<<10)+`"}`).want(200)
}

// TestRefusedBodyIsReadPast: a client that sends everything before it looks for the answer gets to see it.
func TestRefusedBodyIsReadPast(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	address := f.listening(t, func(*http.Server) {})
	body := strings.Repeat(" ", 8<<20)
	for name, c := range map[string]struct{ head, body string }{
		"length": {fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)), body},
		"chunks": {chunked + "\r\n", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)},
	} {
		conn, r := dial(t, address, "")
		if _, err := io.WriteString(conn, f.names.Replace(post+c.head)+c.body); err != nil {
			t.Errorf("%s: sending: %v, want it taken to its end", name, err)
			continue
		}
		answer(t, r).refused(413, "", "longer than the 1048576 bytes")
	}
}
