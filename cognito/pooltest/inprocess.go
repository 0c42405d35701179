package pooltest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
)

// errReset is what a client sees of a connection that the server closed.
var errReset = errors.New("connection reset by the handler")

// InProcess is a transport that calls h instead of a network: for tests in simulated
// time, where no socket may be waited for. As in net/http's server, a handler that
// panics with http.ErrAbortHandler closes the connection, and one that waits for its
// request's context waits until the client gives up.
func InProcess(h http.Handler) http.RoundTripper { return inProcess{h} }

type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	received := request.Clone(ctx)
	received.RemoteAddr = "127.0.0.1:1"
	received.RequestURI = request.URL.RequestURI()
	if received.Body == nil {
		received.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	err := serve(t.handler, recorder, received)
	if _, drained := io.Copy(io.Discard, received.Body); err == nil {
		err = drained
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	response := recorder.Result()
	response.Request = request
	return response, nil
}

// serve calls the handler as net/http's server does.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = errReset
		default:
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}
