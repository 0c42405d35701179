package emulator

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// The kinds of faults. Connections break by panic(http.ErrAbortHandler): net/http closes the connection; a RoundTripper that calls
// ServeHTTP itself must recover it and report a broken connection.
const (
	// Throttle answers TooManyRequestsException; nothing is applied.
	Throttle FaultKind = "throttle"
	// ServerError answers InternalErrorException (500); nothing is applied.
	ServerError FaultKind = "500"
	// Unavailable answers 503 with an empty body, as a load balancer does; nothing is applied.
	Unavailable FaultKind = "503"
	// AccessDenied answers IAM's AccessDeniedException; nothing is applied.
	AccessDenied FaultKind = "access-denied"
	// ExpiredCredentials answers ExpiredTokenException; nothing is applied.
	ExpiredCredentials FaultKind = "expired-credentials"
	// ResetBefore breaks the connection; nothing is applied.
	ResetBefore FaultKind = "reset-before"
	// ResetAfter applies the call and breaks the connection instead of answering.
	ResetAfter FaultKind = "reset-after"
	// TimeoutBefore hangs until the client gives up; nothing is applied.
	TimeoutBefore FaultKind = "timeout-before"
	// TimeoutAfter applies the call and hangs until the client gives up.
	TimeoutAfter FaultKind = "timeout-after"
	// GarbageBody applies the call and answers 200 with a body that is not JSON.
	GarbageBody FaultKind = "garbage-body"
)

var faultKinds = []FaultKind{
	Throttle, ServerError, Unavailable, AccessDenied, ExpiredCredentials, ResetBefore, ResetAfter, TimeoutBefore, TimeoutAfter, GarbageBody,
}

// failBefore acts out a fault that strikes before the call is applied; done says that the answer has been given.
func (e *Emulator) failBefore(w http.ResponseWriter, r *http.Request, op *operation, pool string, kind FaultKind) (done bool) {
	switch kind {
	case Throttle:
		writeError(w, e.tooManyRequests())
	case ServerError:
		writeError(w, internalError())
	case Unavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
	case AccessDenied:
		writeError(w, e.accessDenied(op, pool))
	case ExpiredCredentials:
		writeError(w, clientError("ExpiredTokenException", "The security token included in the request is expired"))
	case ResetBefore:
		panic(http.ErrAbortHandler)
	case TimeoutBefore:
		hang(r)
	default:
		return false
	}
	return true
}

// failAfter acts out a fault that strikes once the call is applied; done says that the answer has been given.
func failAfter(w http.ResponseWriter, r *http.Request, kind FaultKind) (done bool) {
	switch kind {
	case ResetAfter:
		panic(http.ErrAbortHandler)
	case TimeoutAfter:
		hang(r)
	case GarbageBody:
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, `{"User": {"Usern`) // the client has gone: nobody is left to tell
		return true
	}
	return false
}

// hang waits until the client gives up, and breaks the connection.
func hang(r *http.Request) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// delay lets the latency pass; a client that gives up meanwhile has not been heard.
func (e *Emulator) delay(r *http.Request) {
	if e.cfg.Latency <= 0 {
		return
	}
	timer := time.NewTimer(e.cfg.Latency)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

// accessDenied is IAM's denial: with a namespace in __type, and a capital Message.
func (e *Emulator) accessDenied(op *operation, pool string) error {
	return &apiError{
		Status: http.StatusBadRequest, Code: "AccessDeniedException", Coral: true,
		Message: fmt.Sprintf("User: arn:aws:iam::%s:user/scim is not authorized to perform: cognito-idp:%s on resource: "+
			"arn:aws:cognito-idp:%s:%s:userpool/%s because no identity-based policy allows the cognito-idp:%s action",
			e.cfg.Account, op.name, e.cfg.Region, e.cfg.Account, pool, op.name),
	}
}
