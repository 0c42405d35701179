package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
)

// Outcome is what became of a resync in one pool.
type Outcome string

// The outcomes.
const (
	Started Outcome = "started" // the whole pool is being read
	InStep  Outcome = "in step" // the resource was read, and the mirror has it as the pool has it
	Gone    Outcome = "gone"    // the pool has it no more, and neither has the mirror now
	Unknown Outcome = "unknown" // neither had it
	Failed  Outcome = "failed"  // Error says why
)

// Resynced is the outcome of a resync in one pool.
type Resynced struct {
	Pool    string  `json:"pool"`
	Outcome Outcome `json:"outcome"`
	Error   string  `json:"error,omitempty"`
}

// Work is an entry of one pool's journal.
type Work struct {
	Pool string `json:"pool"`
	bridge.Unfinished
}

// Guard is the state of one connection's deprovisioning guard.
type Guard struct {
	Pool string `json:"pool"`
	bridge.GuardStatus
	Dropped int `json:"dropped,omitempty"` // people whose held work has just been given up
}

// Record is one line of the activity.
type Record struct {
	Seq        int64     `json:"seq"` // ascending
	At         time.Time `json:"at"`
	Request    string    `json:"request,omitempty"`    // the id that the answer and the log carry
	Connection string    `json:"connection,omitempty"` // "" when nobody asked: found by a sweep, or the operator's
	Method     string    `json:"method"`
	Kind       string    `json:"kind,omitempty"` // User or Group
	ID         string    `json:"id,omitempty"`
	Plan       []string  `json:"plan,omitempty"` // the calls to Cognito
	Outcome    string    `json:"outcome"`
	Notes      []string  `json:"notes,omitempty"`
}

// The answers, and the requests that have bodies.
type (
	resyncRequest struct {
		Pool  string `json:"pool,omitempty"`
		User  string `json:"user,omitempty"`
		Group string `json:"group,omitempty"`
	}
	resyncAnswer struct {
		Pools []Resynced `json:"pools"`
	}
	workRequest struct {
		Key  string `json:"key"`
		Pool string `json:"pool,omitempty"`
	}
	workAnswer struct {
		Pool string `json:"pool"`
		Key  string `json:"key"`
	}
	journalAnswer struct {
		Work []Work `json:"work"`
	}
	inviteRequest struct {
		User string `json:"user"`
		By   string `json:"by"`
		Pool string `json:"pool,omitempty"`
	}
	inviteAnswer struct {
		Pool string `json:"pool"`
		User string `json:"user"`
	}
	guardRequest struct {
		Pool       string `json:"pool,omitempty"`
		Connection string `json:"connection,omitempty"`
	}
	guardAnswer struct {
		Held   int     `json:"held"` // by all of them: a number to watch
		Guards []Guard `json:"guards"`
	}
	activityAnswer struct {
		Activity []Record `json:"activity"`
	}
	errorAnswer struct {
		Error string `json:"error"`
	}
)

// maxBody bounds what is read of a request.
const maxBody = 64 << 10

// readBody reads a request's body, one JSON object of texts under some of the keys. It is strict: a misspelled or empty
// "user" must not have everything read again.
func readBody(r *http.Request, keys ...string) (map[string]string, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, refuse(http.StatusUnsupportedMediaType, "the body must be announced as Content-Type: application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body is longer than %d bytes", tooLong.Limit)
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the body could not be read: %v", err)
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, refuse(http.StatusBadRequest, "the body must be a JSON object, such as {}")
	}
	found := make(map[string]string)
	for d.More() {
		if err := readMember(d, keys, found); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, refuse(http.StatusBadRequest, "the body is not JSON: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse(http.StatusBadRequest, "something follows the JSON object; it must be all there is")
	}
	return found, nil
}

func readMember(d *json.Decoder, keys []string, found map[string]string) error {
	t, err := d.Token()
	if err != nil {
		return refuse(http.StatusBadRequest, "the body is not JSON: %v", err)
	}
	key := t.(string) // the tokenizer lets nothing else stand before a colon
	_, again := found[key]
	if t, err = d.Token(); err != nil {
		return refuse(http.StatusBadRequest, "the body is not JSON: %v", err)
	}
	value, text := t.(string)
	switch {
	case !slices.Contains(keys, key):
		return refuse(http.StatusBadRequest, "unknown key %q; the keys here are %s", key, strings.Join(keys, ", "))
	case again:
		return refuse(http.StatusBadRequest, "the key %q stands there twice", key)
	case !text || value == "":
		return refuse(http.StatusBadRequest, "%q must be a text that is not empty; leave it out if you do not mean one", key)
	}
	found[key] = value
	return nil
}

// readQuery is readBody for the query of a GET.
func readQuery(r *http.Request, keys ...string) (map[string]string, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the query could not be read: %v", err)
	}
	found := make(map[string]string)
	for key, all := range values {
		switch {
		case !slices.Contains(keys, key):
			return nil, refuse(http.StatusBadRequest, "unknown parameter %q; the parameters here are %s", key, strings.Join(keys, ", "))
		case len(all) > 1:
			return nil, refuse(http.StatusBadRequest, "the parameter %q stands there twice", key)
		case all[0] == "":
			return nil, refuse(http.StatusBadRequest, "the parameter %q is empty; leave it out if you do not mean one", key)
		}
		found[key] = all[0]
	}
	return found, nil
}

// send writes an answer. A client that has gone cannot be told so.
func send(w http.ResponseWriter, status int, answer any) {
	body, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		panic(fmt.Errorf("encoding an answer: %w", err)) // of structs that have nothing to fail on
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
