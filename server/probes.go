package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
)

const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// isProbe reports whether a path is asked by machines, every few seconds and without a token.
func isProbe(path string) bool { return path == healthPath || path == readyPath }

// probe is what a probe answers. It needs no token, so reasons name no pool, no connection and no cause.
type probe struct {
	Status  string   `json:"status"`
	Reasons []string `json:"reasons,omitempty"`
	Trouble []string `json:"trouble,omitempty"` // what else does not work; alone it does not keep the server from being ready
}

// healthz answers as long as the process can.
func healthz(w http.ResponseWriter, _ *http.Request) error {
	return sendProbe(w, http.StatusOK, probe{Status: "ok"})
}

// readyz answers 503 until every connection can serve everything: its mirror is warm and its pool can be reached.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	var reasons, trouble []string
	var causes []error
	for _, c := range s.connections {
		for _, t := range c.Troubles() {
			if !slices.Contains(trouble, t) {
				trouble = append(trouble, t)
			}
		}
		err := c.Ready()
		if err == nil {
			continue
		}
		causes = append(causes, fmt.Errorf("connection %q: %w", c.Name(), err))
		if reason := publicReason(err); !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	trouble = slices.DeleteFunc(trouble, func(t string) bool { return slices.Contains(reasons, t) })
	if len(causes) == 0 {
		return sendProbe(w, http.StatusOK, probe{Status: "ready", Trouble: trouble})
	}
	exchangeOf(r.Context()).failure = &failure{kind: "not ready", status: http.StatusServiceUnavailable, cause: errors.Join(causes...)}
	w.Header().Set("Retry-After", fmt.Sprint(int(waitByDefault/time.Second)))
	return sendProbe(w, http.StatusServiceUnavailable, probe{Status: "not ready", Reasons: reasons, Trouble: trouble})
}

// publicReason is what strangers may read of an error: what the bridge wrote for clients, or next to nothing.
func publicReason(err error) string {
	var e *bridge.Error
	if errors.As(err, &e) && e.Detail != "" {
		return e.Detail
	}
	return "a user pool cannot be reached, or its mirror is still being filled"
}

func sendProbe(w http.ResponseWriter, status int, p probe) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encoding the probe's answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	send(w, status, body)
	return nil
}
