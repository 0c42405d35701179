package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/bridge"
)

// failure is an error as the client reads it (RFC 7644 section 3.12) and as the log names it.
type failure struct {
	status     int
	scimType   scim.ScimType
	detail     string
	retryAfter time.Duration // 0: none is sent
	kind       string        // one word for the log
	cause      error         // for the operator, never for the client
}

// waitByDefault is the Retry-After when nobody knows better. Without one, Okta waits for five minutes.
const waitByDefault = 30 * time.Second

// translate is the one place where an error becomes a status, a scimType, a detail and a Retry-After. What nobody
// foresaw answers 500 with a fixed sentence that leads the operator to the log by the request's id.
func translate(err error, requestID string) failure {
	var (
		said    scim.ScimError
		refused *bridge.Error
		tooLong *http.MaxBytesError
	)
	switch {
	case errors.As(err, &refused):
		return translateBridge(refused, err, requestID)
	case errors.As(err, &said):
		return failure{status: said.Status, scimType: said.ScimType, detail: said.Detail, kind: kindOf(said), cause: err}
	case errors.As(err, &tooLong):
		return failure{status: http.StatusRequestEntityTooLarge, kind: "body_too_large", cause: err,
			detail: fmt.Sprintf("The request body is longer than the %d bytes that are accepted here.", tooLong.Limit)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return failure{status: http.StatusRequestTimeout, kind: "slow_body", cause: err,
			detail: "The request body did not arrive in time."}
	case errors.Is(err, context.DeadlineExceeded):
		return failure{status: http.StatusServiceUnavailable, kind: "timeout", cause: err, retryAfter: waitByDefault,
			detail: "The request could not be finished in time. Repeat it."}
	case errors.Is(err, context.Canceled):
		return failure{status: http.StatusServiceUnavailable, kind: "cancelled", cause: err, retryAfter: waitByDefault,
			detail: "The request was given up before it was finished. Repeat it."}
	}
	return unforeseen(err, requestID)
}

func translateBridge(e *bridge.Error, err error, requestID string) failure {
	f := failure{detail: e.Detail, kind: e.Kind.String(), cause: err}
	switch e.Kind {
	case bridge.NotFound:
		f.status = http.StatusNotFound
	case bridge.Exists:
		f.status, f.scimType = http.StatusConflict, scim.ScimTypeUniqueness
	case bridge.Invalid:
		f.status, f.scimType = http.StatusBadRequest, scim.ScimTypeInvalidValue
	case bridge.Mutability:
		f.status, f.scimType = http.StatusBadRequest, scim.ScimTypeMutability
	case bridge.Full:
		// A quota of the pool that waiting does not lift, such as its number of groups.
		f.status = http.StatusInsufficientStorage
	case bridge.TooMany, bridge.Held:
		f.status, f.retryAfter = http.StatusTooManyRequests, atLeast(e.RetryAfter)
	case bridge.Unavailable:
		f.status, f.retryAfter = http.StatusServiceUnavailable, atLeast(e.RetryAfter)
	case bridge.Denied:
		// Our own AWS credentials: a 401 or 403 would send the admin to look for a fault in the identity provider.
		f.status = http.StatusInternalServerError
		reason := e.Detail
		if reason == "" {
			reason = "its own AWS credentials or permissions were refused"
		}
		f.detail = "This service cannot use its user pool: " + reason + ". Its operator finds more in the log under request id " + requestID + "."
	default:
		return unforeseen(err, requestID)
	}
	if f.detail == "" {
		f.detail = http.StatusText(f.status) + "."
	}
	return f
}

func unforeseen(err error, requestID string) failure {
	return failure{status: http.StatusInternalServerError, kind: "internal", cause: err,
		detail: "Something failed that was not foreseen. The operator of this service finds the reason in the log under request id " +
			requestID + "."}
}

func atLeast(wait time.Duration) time.Duration {
	if wait <= 0 {
		return waitByDefault
	}
	return wait
}

// kindOf names an error that a lower layer worded for the client itself.
func kindOf(e scim.ScimError) string {
	if e.ScimType != "" {
		return string(e.ScimType)
	}
	return "http_" + strconv.Itoa(e.Status)
}

// maxDetail is the most bytes of a detail that are sent. Details quote ids, filters and paths as the client wrote them,
// which may be as long as the client likes.
const maxDetail = 1000

// clipped leaves out the middle of a detail that is too long: where something is wrong stands at its beginning, why at its
// end.
func clipped(detail string) string {
	if len(detail) <= maxDetail {
		return detail
	}
	return strings.ToValidUTF8(detail[:maxDetail/2], "") + "…" + strings.ToValidUTF8(detail[len(detail)-maxDetail/2:], "")
}

// write sends the failure. Retry-After is in whole seconds, rounded up: Okta ignores a date.
func (f failure) write(w http.ResponseWriter) {
	if f.retryAfter > 0 {
		seconds := (f.retryAfter + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	send(w, f.status, f.body())
}

// body is the failure in RFC 7644 section 3.12's form.
func (f failure) body() []byte {
	body, err := json.Marshal(struct {
		Schemas  []string      `json:"schemas"`
		Status   string        `json:"status"` // a string by RFC 7644 section 3.12
		ScimType scim.ScimType `json:"scimType,omitempty"`
		Detail   string        `json:"detail"`
	}{[]string{"urn:ietf:params:scim:api:messages:2.0:Error"}, strconv.Itoa(f.status), f.scimType, clipped(f.detail)})
	if err != nil {
		panic(fmt.Errorf("encoding an error: %w", err)) // strings only: cannot happen
	}
	return body
}

// fail answers a request with an error and notes it for the log. When part of the answer is out already, the connection
// is cut instead, so that the client does not take what it has for the whole.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r.Context())
	f := translate(err, x.id)
	x.failure = &f
	if rec, ok := w.(*recorder); ok && rec.status != 0 {
		panic(http.ErrAbortHandler)
	}
	f.write(w)
}

// handle adapts a handler that returns its error.
func (s *Server) handle(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}
