package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
)

// refusal is an error of the request's, with its status.
type refusal struct {
	status int
	text   string
}

func (e *refusal) Error() string { return e.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// statuses are those of the bridge's errors, as seen from the pool's operator: Cognito stands behind us as a gateway's
// server does.
var statuses = map[bridge.Kind]int{
	bridge.NotFound:    http.StatusNotFound,
	bridge.Exists:      http.StatusConflict,
	bridge.Invalid:     http.StatusBadRequest,
	bridge.Mutability:  http.StatusBadRequest,
	bridge.TooMany:     http.StatusTooManyRequests,
	bridge.Held:        http.StatusTooManyRequests,
	bridge.Unavailable: http.StatusServiceUnavailable,
	bridge.Denied:      http.StatusBadGateway,
	bridge.Full:        http.StatusInsufficientStorage,
}

// translate is the one place where an error becomes a status, and a time after which to come back; 0 says nothing.
func translate(err error) (status int, after time.Duration) {
	if mine, ok := errors.AsType[*refusal](err); ok {
		return mine.status, 0
	}
	if theirs, ok := errors.AsType[*bridge.Error](err); ok {
		if status, known := statuses[theirs.Kind]; known {
			return status, theirs.RetryAfter
		}
		return http.StatusInternalServerError, 0
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return http.StatusServiceUnavailable, time.Second
	}
	return http.StatusInternalServerError, 0
}

// fail turns an error into an answer and, by a header, a time to come back at. The operator reads the whole chain.
func fail(w http.ResponseWriter, err error) (status int, answer any) {
	status, after := translate(err)
	if after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
	}
	return status, errorAnswer{err.Error()}
}
