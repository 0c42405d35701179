package audit

import (
	"net/http"

	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// doer is Amazon's idea of an HTTP client: it calls the handler in this process.
type doer struct{ handler http.Handler }

// Do sends one request.
func (d doer) Do(r *http.Request) (*http.Response, error) {
	return pooltest.InProcess(d.handler).RoundTrip(r)
}
