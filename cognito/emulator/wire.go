package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	targetPrefix = "AWSCognitoIdentityProviderService."
	contentType  = "application/x-amz-json-1.1"
	// maxBody bounds request bodies, in bytes; no request of the model comes near it.
	maxBody = 1 << 20
)

func (e *Emulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", e.serveWire)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "Amazon Cognito user pools, emulated: POST / with X-Amz-Target, control endpoints under /-/.\n")
	})
	e.controlRoutes(mux)
	return mux
}

// serveWire is the one funnel of the protocol: it authenticates, decodes, throttles, injects faults, runs and encodes.
func (e *Emulator) serveWire(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", e.uuid())
	op, err := findOperation(r)
	if err != nil {
		writeError(w, err)
		return
	}
	e.calls.count(op.name, func(c *counts) *map[string]int64 { return &c.Operations })
	input, err := e.receive(w, r, op)
	if err != nil {
		writeError(w, err)
		return
	}
	e.delay(r)
	fault := e.faults.match(op.name, poolOf(input))
	if fault != "" {
		e.calls.count(op.name, func(c *counts) *map[string]int64 { return &c.Faulted })
		if e.failBefore(w, r, op, poolOf(input), fault) {
			return
		}
	}
	if !e.quotas.take(op, input, e.Now()) {
		e.calls.count(op.name, func(c *counts) *map[string]int64 { return &c.Throttled })
		writeError(w, e.tooManyRequests())
		return
	}
	output, err := op.run(e, input)
	switch {
	case failAfter(w, r, fault):
	case err != nil:
		writeError(w, err)
	case op.empty:
		writeBody(w, http.StatusOK, nil)
	default:
		writeJSON(w, output)
	}
}

// findOperation reads the target header. What is not emulated fails loudly, with its name.
func findOperation(r *http.Request) (*operation, error) {
	target := r.Header.Get("X-Amz-Target")
	name, ok := strings.CutPrefix(target, targetPrefix)
	if !ok {
		return nil, clientError("UnknownOperationException", "X-Amz-Target %q does not name an operation of %s", target, strings.TrimSuffix(targetPrefix, "."))
	}
	op := operations[name]
	if op == nil {
		return nil, clientError("UnknownOperationException", "operation %q is not emulated", name)
	}
	if ct, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); ct != contentType {
		return nil, clientError("UnknownOperationException", "Content-Type %q is not %s", ct, contentType)
	}
	return op, nil
}

// receive reads, authenticates and decodes a request. Signatures are not verified, but an unsigned request is refused where AWS
// would: that is how a client without credentials shows.
func (e *Emulator) receive(w http.ResponseWriter, r *http.Request, op *operation) (any, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &apiError{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLargeException",
			Message: fmt.Sprintf("the body is larger than %d bytes", maxBody)}
	case err != nil:
		return nil, serialization("the body could not be read: %v", err)
	}
	if !op.public && r.Header.Get("Authorization") == "" {
		return nil, clientError("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	return op.decode(body)
}

// writeError is the only place that puts an error on the wire.
func writeError(w http.ResponseWriter, err error) {
	var ae *apiError
	if !errors.As(err, &ae) {
		ae = &apiError{Status: http.StatusInternalServerError, Code: "InternalErrorException", Message: err.Error()}
	}
	code, member := ae.Code, "message"
	if ae.Coral {
		code, member = "com.amazon.coral.service#"+code, "Message"
	}
	w.Header().Set("X-Amzn-Errortype", ae.Code+":")
	w.Header().Set("X-Amzn-Errormessage", headerText(ae.Message))
	body, err := json.Marshal(map[string]string{"__type": code, member: ae.Message})
	if err != nil {
		panic(fmt.Sprintf("emulator: encoding two strings: %v", err))
	}
	writeBody(w, ae.Status, body)
}

// headerText makes s fit for a header: printable ASCII on one line.
func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return ' '
		case r < ' ' || r > '~':
			return '?'
		}
		return r
	}, s)
}

func writeJSON(w http.ResponseWriter, output any) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(output); err != nil {
		writeError(w, fmt.Errorf("encoding %T: %w", output, err))
		return
	}
	writeBody(w, http.StatusOK, bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone: nobody is left to tell
}

// epoch is a date of the protocol, kept in Unix milliseconds and written as seconds with a fraction: 1477662772.246.
type epoch int64

func epochOf(t time.Time) epoch { return epoch(t.UnixMilli()) }

// MarshalJSON writes seconds with three decimals.
func (t epoch) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(t)/1000, 'f', 3, 64), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *epoch) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("reading a date in epoch seconds: %w", err)
	}
	*t = epoch(f*1000 + 0.5)
	return nil
}
