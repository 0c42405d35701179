package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

// mediaType of everything under /scim/v2 (RFC 7644 section 3.1), errors included.
const mediaType = "application/scim+json; charset=utf-8"

// spill is the size from which an answer is streamed, so that a list of large groups does not fill the memory; below it
// the answer goes out in one write with its length.
const spill = 8 << 20

// keep is the largest buffer that is kept for the next request.
const keep = 1 << 20

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// answer collects the body of a 2xx answer. Its header is out only after the first spill or finish; until then a failure
// can still be answered properly.
type answer struct {
	w      http.ResponseWriter
	status int
	buf    []byte
	pooled *[]byte
	begun  bool
}

func newAnswer(w http.ResponseWriter, status int) *answer {
	pooled := buffers.Get().(*[]byte)
	return &answer{w: w, status: status, buf: (*pooled)[:0], pooled: pooled}
}

// release gives the buffer back; the answer is of no use after it.
func (a *answer) release() {
	if cap(a.buf) <= keep {
		*a.pooled = a.buf
	}
	buffers.Put(a.pooled)
}

// spillOver sends what there is when it has become too much to hold.
func (a *answer) spillOver() error {
	if len(a.buf) < spill {
		return nil
	}
	if !a.begun {
		setHeaders(a.w.Header())
		a.w.WriteHeader(a.status)
		a.begun = true
	}
	return a.flush()
}

// finish sends the rest, or all of it.
func (a *answer) finish() error {
	if a.begun {
		return a.flush()
	}
	send(a.w, a.status, a.buf)
	return nil
}

func (a *answer) flush() error {
	if _, err := a.w.Write(a.buf); err != nil {
		return fmt.Errorf("sending the answer: %w", err)
	}
	a.buf = a.buf[:0]
	return nil
}

// send writes a whole answer. A client that is gone cannot be told so: the error of the write is its own.
func send(w http.ResponseWriter, status int, body []byte) {
	setHeaders(w.Header())
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// sendJSON encodes v and sends it with 200.
func sendJSON(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	send(w, http.StatusOK, body)
	return nil
}

// setHeaders says what every body is: SCIM JSON about people, which no cache may keep and no browser may guess at.
func setHeaders(h http.Header) {
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", mediaType)
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}
