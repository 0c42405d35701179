package operator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cmd/scim-cognito/operator"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/store"
)

// directory is a directory that answers as it is told to and remembers what it was asked.
type directory struct {
	pool   string
	work   []bridge.Unfinished
	guards []bridge.GuardStatus
	here   map[string]bool // whether the pool still has an id that the directory knows
	err    error           // of everything

	mu    sync.Mutex
	asked []string
}

func (d *directory) note(what string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, what)
	return d.err
}

func (d *directory) PoolID() string { return d.pool }
func (d *directory) Resync()        { _ = d.note("resync") }

func (d *directory) ResyncUser(_ context.Context, id string) (bool, error) {
	return d.one("user " + id)
}

func (d *directory) ResyncGroup(_ context.Context, id string) (bool, error) {
	return d.one("group " + id)
}

func (d *directory) one(what string) (bool, error) {
	if err := d.note(what); err != nil {
		return false, err
	}
	there, known := d.here[what]
	if !known {
		return false, &bridge.Error{Kind: bridge.NotFound, Detail: what + " not found"}
	}
	return there, nil
}

func (d *directory) Journal(context.Context) ([]bridge.Unfinished, error) { return d.work, d.err }

func (d *directory) RetryWork(_ context.Context, key string) error { return d.note("retry " + key) }
func (d *directory) DropWork(_ context.Context, key string) error  { return d.note("drop " + key) }

func (d *directory) Invite(_ context.Context, id string, by cognito.Courier) error {
	_, err := d.one("invite " + id + " by " + string(by))
	return err
}

func (d *directory) Guards(context.Context) ([]bridge.GuardStatus, error) { return d.guards, d.err }

func (d *directory) ReleaseGuard(_ context.Context, connection string) (bridge.GuardStatus, error) {
	return bridge.GuardStatus{Connection: connection, Released: true, Limit: 5}, d.note("release " + connection)
}

func (d *directory) DropHeld(_ context.Context, connection string) (int, error) {
	return 2, d.note("give up " + connection)
}

// activity remembers what is recorded, and returns what it has.
type activity struct {
	has      []store.Recorded
	recorded []store.Activity
	query    store.ActivityQuery
	err      error
}

func (a *activity) Activities(_ context.Context, q store.ActivityQuery) ([]store.Recorded, error) {
	a.query = q
	return a.has, a.err
}

func (a *activity) Record(_ context.Context, r store.Activity) error {
	a.recorded = append(a.recorded, r)
	return a.err
}

// listener is a private listener over directories that a test has made.
type listener struct {
	http.Handler
	activity *activity
	log      *bytes.Buffer
}

func listen(directories ...*directory) listener {
	l := listener{activity: new(activity), log: new(bytes.Buffer)}
	var all []operator.Directory
	for _, d := range directories {
		all = append(all, d)
	}
	health := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	l.Handler = operator.New(operator.Config{Directories: all, Activity: l.activity, Health: health, Logger: slog.New(slog.NewTextHandler(l.log, nil))})
	return l
}

// ask sends one request from this machine, and decodes the answer into a new T.
func ask[T any](t *testing.T, h http.Handler, method, path, body string, header ...string) (status int, answer T, headers http.Header) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:8081"
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s %s: the answer %q is not the JSON that was expected: %v", method, path, w.Body, err)
		}
	}
	return w.Code, answer, w.Header()
}

// problem is the answer to what goes wrong.
type problem struct{ Error string }
