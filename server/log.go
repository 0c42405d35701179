package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/scim-cognito/scim-cognito/bridge"
)

// exchange is what becomes known about one request while it is served, for its line in the log.
type exchange struct {
	id         string             // X-Request-Id
	connection *bridge.Connection // nil: not authenticated
	token      string             // the name of the token
	failure    *failure           // what was answered instead
	stack      []byte             // of a panic
}

type exchangeKey struct{}

// exchangeOf returns the record of the request that ctx belongs to; observe put it there.
func exchangeOf(ctx context.Context) *exchange { return ctx.Value(exchangeKey{}).(*exchange) }

// observe gives every request its id, its deadline and its one line in the log, and turns panics into 500s.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := s.clock()
		x := &exchange{id: requestID(r.Header.Get("X-Request-Id"))}
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", x.id)

		ctx := context.WithValue(r.Context(), exchangeKey{}, x)
		ctx, cancel := context.WithTimeout(ctx, s.limits.Deadline)
		defer cancel()
		r = r.WithContext(ctx)

		aborted := contain(next, rec, r)
		route := chi.RouteContext(ctx)
		s.logger.LogAttrs(ctx, x.level(rec.status, route), "request", x.attributes(r, rec, route, s.clock().Sub(started))...)
		if aborted {
			panic(http.ErrAbortHandler)
		}
	})
}

// contain serves the request and answers 500 when that panics. It reports whether the connection has to be cut because
// part of an answer is already out: the client must not take it for the whole.
func contain(next http.Handler, rec *recorder, r *http.Request) (aborted bool) {
	defer func() {
		cause := recover()
		switch {
		case cause == nil:
		case cause == http.ErrAbortHandler:
			aborted = true
		default:
			x := exchangeOf(r.Context())
			x.stack = debug.Stack()
			aborted = rec.status != 0
			f := translate(fmt.Errorf("panic: %v", cause), x.id)
			x.failure = &f
			if !aborted {
				f.write(rec)
			}
		}
	}()
	next.ServeHTTP(rec, r)
	return false
}

// attributes of the line: what an operator asks for, and nothing about people. Neither the query (filters hold names)
// nor details (they quote values) are in it; the chain of causes is, for what is our fault.
func (x *exchange) attributes(r *http.Request, rec *recorder, route *chi.Context, took time.Duration) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("request_id", x.id),
		slog.String("method", r.Method),
		slog.String("route", route.RoutePattern()),
		slog.Int("status", rec.status),
		slog.Duration("duration", took),
		slog.Int64("bytes", rec.bytes),
	}
	if id := route.URLParam("id"); bridge.IDShaped(id) {
		attrs = append(attrs, slog.String("resource", id))
	}
	if x.connection != nil {
		attrs = append(attrs, slog.String("connection", x.connection.Name()), slog.String("token", x.token))
	}
	if f := x.failure; f != nil {
		attrs = append(attrs, slog.String("error_kind", f.kind))
		if f.status >= http.StatusInternalServerError {
			attrs = append(attrs, slog.Any("error", f.cause))
		}
	}
	if x.stack != nil {
		attrs = append(attrs, slog.String("stack", string(x.stack)))
	}
	return attrs
}

// level: ERROR is for the operator to look at, WARN for what passes if it does not last.
func (x *exchange) level(status int, route *chi.Context) slog.Level {
	if x.failure != nil {
		status = x.failure.status // an answer that was cut off began with 200
	}
	probing := isProbe(route.RoutePattern())
	switch {
	case probing && x.failure == nil:
		return slog.LevelDebug
	case status == http.StatusInternalServerError || status == http.StatusInsufficientStorage:
		return slog.LevelError
	case status == http.StatusUnauthorized || status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// requestID keeps the id that a proxy gave when it is harmless in a log, and draws one otherwise.
func requestID(given string) string {
	if len(given) < 8 || len(given) > 64 {
		return rand.Text()
	}
	for _, c := range []byte(given) {
		if !isAlphanumeric(c) && !strings.ContainsRune("-_.", rune(c)) {
			return rand.Text()
		}
	}
	return given
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader notes the status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts the body.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
