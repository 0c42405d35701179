package server

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
)

// served runs a handler under the log of a server, over a socket.
func served(t *testing.T, h func(http.ResponseWriter, *http.Request) error) (*httptest.Server, func() string) {
	t.Helper()
	var mu sync.Mutex
	var log bytes.Buffer
	s := &Server{limits: Limits{}.withDefaults(), clock: time.Now, logger: slog.New(slog.NewJSONHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(p)
	}), nil))}
	router := chi.NewRouter()
	router.Use(s.observe)
	router.Get("/", s.handle(h))
	ts := httptest.NewUnstartedServer(router)
	ts.Config = HTTPServer(router, slog.New(slog.DiscardHandler))
	ts.Start()
	t.Cleanup(ts.Close)
	return ts, func() string {
		ts.Close() // waits for the request to end
		mu.Lock()
		defer mu.Unlock()
		return log.String()
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// fill appends n MiB, a resource's worth at a time.
func fill(a *answer, n int) error {
	for range n {
		a.buf = append(a.buf, bytes.Repeat([]byte("x"), 1<<20)...)
		if err := a.spillOver(); err != nil {
			return err
		}
	}
	return nil
}

func TestAnswerIsStreamedWhenLong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		size   int // MiB
		length int64
	}{"short": {7, 7 << 20}, "long": {20, -1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ts, _ := served(t, func(w http.ResponseWriter, r *http.Request) error {
				a := newAnswer(w, http.StatusOK)
				defer a.release()
				if err := fill(a, tc.size); err != nil {
					return err
				}
				if cap(a.buf) > 2*spill {
					t.Errorf("got a buffer of %d bytes, want at most about %d", cap(a.buf), spill)
				}
				return a.finish()
			})
			response, err := http.Get(ts.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			n, err := io.Copy(io.Discard, response.Body)
			if err != nil || n != int64(tc.size)<<20 {
				t.Errorf("got %d bytes, %v, want %d", n, err, tc.size<<20)
			}
			if response.ContentLength != tc.length || response.Header.Get("Content-Type") != mediaType {
				t.Errorf("got Content-Length %d, %s, want %d, %s", response.ContentLength, response.Header.Get("Content-Type"), tc.length, mediaType)
			}
		})
	}
}

// TestAnswerIsCut: an error in the middle of a streamed answer must not look like its end.
func TestAnswerIsCut(t *testing.T) {
	t.Parallel()
	ts, log := served(t, func(w http.ResponseWriter, r *http.Request) error {
		a := newAnswer(w, http.StatusOK)
		defer a.release()
		if err := fill(a, 10); err != nil {
			return err
		}
		return errors.New("disk on fire")
	})
	response, err := http.Get(ts.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if n, err := io.Copy(io.Discard, response.Body); err == nil {
		t.Errorf("got %d bytes and no error, want a broken answer", n)
	}
	if text := log(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "disk on fire") || !strings.Contains(text, `"level":"ERROR"`) {
		t.Errorf("got log %s, want one ERROR line with the cause", text)
	}
}

// TestAnswerFailsBefore: nothing is out yet, so that the error is answered properly.
func TestAnswerFailsBefore(t *testing.T) {
	t.Parallel()
	ts, _ := served(t, func(w http.ResponseWriter, r *http.Request) error {
		a := newAnswer(w, http.StatusOK)
		defer a.release()
		if err := fill(a, 1); err != nil {
			return err
		}
		return errors.New("disk on fire")
	})
	response, err := http.Get(ts.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusInternalServerError {
		t.Errorf("got %s, want 500", response.Status)
	}
}

// TestPanicInTheMiddle: the same for a bug.
func TestPanicInTheMiddle(t *testing.T) {
	t.Parallel()
	ts, log := served(t, func(w http.ResponseWriter, r *http.Request) error {
		w.WriteHeader(http.StatusOK)
		panic("a bug")
	})
	if response, err := http.Get(ts.URL); err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if err == nil {
			t.Error("got a whole answer, want a broken one")
		}
	}
	if text := log(); !strings.Contains(text, "a bug") || !strings.Contains(text, `"level":"ERROR"`) {
		t.Errorf("got log %s, want an ERROR line with the cause", text)
	}
}
