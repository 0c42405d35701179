package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// controlRoutes adds the endpoints by which tests and people steer the emulator; the package documentation has their bodies.
func (e *Emulator) controlRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /-/calls", control(func(*struct{}) (any, error) { return e.calls.snapshot(), nil }))
	mux.HandleFunc("DELETE /-/calls", control(func(*struct{}) (any, error) {
		e.ResetCalls()
		return e.calls.snapshot(), nil
	}))
	mux.HandleFunc("GET /-/faults", control(func(*struct{}) (any, error) { return e.faultsAnswer(), nil }))
	mux.HandleFunc("POST /-/faults", control(func(f *Fault) (any, error) {
		if err := e.AddFault(*f); err != nil {
			return nil, err
		}
		return e.faultsAnswer(), nil
	}))
	mux.HandleFunc("DELETE /-/faults", control(func(*struct{}) (any, error) {
		e.ClearFaults()
		return e.faultsAnswer(), nil
	}))
	mux.HandleFunc("POST /-/federated-sign-in", control(func(s *FederatedSignIn) (any, error) { return e.SignInFederated(*s) }))
	mux.HandleFunc("POST /-/seed", control(e.seed))
	mux.HandleFunc("GET /-/clock", control(func(*struct{}) (any, error) { return e.clockAnswer(), nil }))
	mux.HandleFunc("POST /-/clock", control(e.moveClock))
}

func (e *Emulator) faultsAnswer() any {
	return map[string][]Fault{"faults": e.Faults()}
}

func (e *Emulator) clockAnswer() any {
	return map[string]string{"now": e.Now().UTC().Format(time.RFC3339Nano), "offset": time.Duration(e.offset.Load()).String()}
}

// clockMove is the body of POST /-/clock: exactly one of the two.
type clockMove struct {
	Advance string `json:"advance"` // a Go duration: 24h, 90s; negative ones turn the clock back
	Set     string `json:"set"`     // RFC 3339
}

func (e *Emulator) moveClock(m *clockMove) (any, error) {
	switch {
	case (m.Advance == "") == (m.Set == ""):
		return nil, errors.New(`exactly one of "advance" and "set" is needed`)
	case m.Advance != "":
		d, err := time.ParseDuration(m.Advance)
		if err != nil {
			return nil, fmt.Errorf("advance: %w", err)
		}
		e.Advance(d)
	default:
		t, err := time.Parse(time.RFC3339, m.Set)
		if err != nil {
			return nil, fmt.Errorf("set: %w", err)
		}
		e.setTime(t)
	}
	return e.clockAnswer(), nil
}

// control wraps a control function: JSON in, unknown keys refused, JSON out, and 400 with {"error": …} for what is wrong.
func control[In any](run func(*In) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in := new(In)
		output, err := any(nil), decodeControl(w, r, in)
		if err == nil {
			output, err = run(in)
		}
		status := http.StatusOK
		if err != nil {
			status, output = http.StatusBadRequest, map[string]string{"error": err.Error()}
		}
		body, err := json.MarshalIndent(output, "", "  ")
		if err != nil {
			status, body = http.StatusInternalServerError, []byte(`{"error": "the answer could not be encoded"}`)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(append(body, '\n')) // the client has gone: nobody is left to tell
	}
}

// decodeControl reads a control endpoint's body; GET and DELETE take none.
func decodeControl(w http.ResponseWriter, r *http.Request, in any) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	err := dec.Decode(in)
	if r.Method != http.MethodPost && errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	if dec.More() {
		return errors.New("reading the body: more than one JSON value")
	}
	return nil
}
