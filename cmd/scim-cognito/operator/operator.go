// Package operator is the private listener's side of the program: the HTTP API by which whoever runs the server looks
// into its unfinished work and its activity and has pools read again, and the client that the commands use for it. It
// asks for no credentials, so it belongs on loopback; guard.go keeps out the pages that a browser there may show.
//
//	POST /-/resync         {} or {"pool": "…"}: read everything again; {"user": "…"} or {"group": "…"}: only that, at once
//	GET  /-/journal        ?pool=…: the work that is left
//	POST /-/journal/retry  {"key": "…"}: try it now; {"pool": "…"} when several pools have work under the key
//	POST /-/journal/drop   {"key": "…"}: give it up
//	POST /-/invite         {"user": "…", "by": "email"}: send another invitation, by email or sms; {"pool": "…"} restricts it
//	GET  /-/guard          ?pool=…&connection=…: what the deprovisioning guards have counted and hold; "held" is all of it
//	POST /-/guard/release  {} or {"pool": "…", "connection": "…"}: have it done, and hold nothing for a window
//	POST /-/guard/drop     {} or {"pool": "…", "connection": "…"}: give it up
//	GET  /-/activity       ?request=…&id=…&connection=…&before=…&limit=…: what was asked and done, newest first
//
// Bodies and answers are JSON; what goes wrong is {"error": "a sentence"}.
package operator

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/store"
)

// Directory is what the operator reaches of a directory: *bridge.Directory. Errors are *bridge.Error, of the kind
// NotFound for an id or a key that is not known; whoever implements it retries what may pass and honours ctx.
type Directory interface {
	PoolID() string
	// Resync begins a sweep and returns at once.
	Resync()
	// ResyncUser and ResyncGroup read one resource, and say whether the pool still has it.
	ResyncUser(ctx context.Context, id string) (there bool, err error)
	ResyncGroup(ctx context.Context, id string) (there bool, err error)
	// Journal returns the work that is left, oldest first.
	Journal(ctx context.Context) ([]bridge.Unfinished, error)
	RetryWork(ctx context.Context, key string) error
	DropWork(ctx context.Context, key string) error
	// Invite sends a user another invitation.
	Invite(ctx context.Context, id string, by cognito.Courier) error
	// Guards returns the state of every connection's deprovisioning guard.
	Guards(ctx context.Context) ([]bridge.GuardStatus, error)
	ReleaseGuard(ctx context.Context, connection string) (bridge.GuardStatus, error)
	DropHeld(ctx context.Context, connection string) (dropped int, err error)
}

// Activity keeps what was asked and done: *store.Store.
type Activity interface {
	Activities(ctx context.Context, q store.ActivityQuery) ([]store.Recorded, error)
	Record(ctx context.Context, a store.Activity) error
}

// Config says what a private listener shows. All fields are required.
type Config struct {
	Directories []Directory
	Activity    Activity
	Health      http.Handler // answers /healthz and /readyz
	Logger      *slog.Logger // gets one line a request
}

// deadline is what a request may take: below the time-outs of server.HTTPServer and of Client. A group of 10,000 members
// takes seven seconds to read.
const deadline = 50 * time.Second

type operator struct{ Config }

// New returns the private listener's handler.
func New(cfg Config) http.Handler {
	o := operator{cfg}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cfg.Health)
	mux.Handle("GET /readyz", cfg.Health)
	known := []string{"/healthz", "/readyz"}
	for _, route := range []struct {
		method, path string
		run          handler
	}{
		{http.MethodPost, "/-/resync", o.resync},
		{http.MethodGet, "/-/journal", o.journal},
		{http.MethodPost, "/-/journal/retry", o.retry},
		{http.MethodPost, "/-/journal/drop", o.drop},
		{http.MethodPost, "/-/invite", o.invite},
		{http.MethodGet, "/-/guard", o.guards},
		{http.MethodPost, "/-/guard/release", o.releaseGuards},
		{http.MethodPost, "/-/guard/drop", o.dropHeld},
		{http.MethodGet, "/-/activity", o.activity},
	} {
		known = append(known, route.path)
		mux.Handle(route.method+" "+route.path, o.handle(route.run))
		mux.Handle(route.path, o.handle(func(r *http.Request) (int, any, error) {
			return 0, nil, refuse(http.StatusMethodNotAllowed, "%s takes %s, not %s", route.path, route.method, r.Method)
		}))
	}
	mux.Handle("/", o.handle(func(*http.Request) (int, any, error) {
		return 0, nil, refuse(http.StatusNotFound, "there is nothing here; the private listener has %s", strings.Join(known, ", "))
	}))
	return o.guard(mux)
}

// handler answers a request with a status and a value to encode, or fails.
type handler func(r *http.Request) (status int, answer any, err error)

// handle is the funnel: run within the deadline, encode, and one line in the log. The line names neither keys nor
// queries: they may hold people's names.
func (o operator) handle(run handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		ctx, cancel := context.WithTimeout(r.Context(), deadline)
		defer cancel()
		status, answer, err := run(r.WithContext(ctx))
		if err != nil {
			status, answer = fail(w, err)
		}
		send(w, status, answer)
		level, attributes := slog.LevelInfo, []slog.Attr{slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", status), slog.Duration("duration", time.Since(started))}
		if status >= http.StatusInternalServerError {
			level, attributes = slog.LevelError, append(attributes, slog.Any("error", err))
		}
		o.Logger.LogAttrs(ctx, level, "operator request", attributes...)
	})
}
