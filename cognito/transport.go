package cognito

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// maxAnswer bounds an answer's body, in bytes. The longest that Cognito can send is
// a page of 60 users with 70 attributes of 2,048 bytes: 8.6 MB.
const maxAnswer = 16 << 20

// newTransport returns a transport for 25 to 120 calls a second to one host: the
// SDK's, which knows AWS_CA_BUNDLE and the proxies of the environment, with
// connections enough.
func newTransport(loaded aws.Config) *http.Transport {
	client, ok := loaded.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		client = awshttp.NewBuildableClient()
	}
	transport := client.GetTransport()
	transport.MaxIdleConns = 64
	transport.MaxIdleConnsPerHost = 64
	// Shorter than what load balancers and NATs allow: a connection that the other
	// side has given up makes a POST's outcome unknown.
	transport.IdleConnTimeout = 30 * time.Second
	return transport
}

// flight is what became of one attempt on the wire.
type flight struct {
	expired   bool        // the attempt's own time-out ended it
	given     bool        // the request reached our transport
	traced    bool        // the transport tells about connections
	connected atomic.Bool // a connection was there to write to
}

// mayHaveLanded reports whether Cognito may have seen the request. Before there is
// a connection nothing was written.
func (f *flight) mayHaveLanded() bool {
	return f.given && (f.connected.Load() || !f.traced)
}

type flightKey struct{}

// wire is the round-tripper below the SDK. It keeps the flight of each attempt, and
// reads the whole answer before it returns: smithy-go closes the request's body as
// soon as RoundTrip returns, and net/http then may tear down a connection whose
// answer (from about 4 KB) is still being read: "use of closed network connection".
type wire struct {
	next http.RoundTripper
}

func (w wire) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	f, _ := ctx.Value(flightKey{}).(*flight)
	if f == nil {
		return nil, errors.New("cognito: a request that did not come through the funnel")
	}
	f.given = true
	if _, ok := w.next.(*http.Transport); ok {
		f.traced = true
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn: func(httptrace.GotConnInfo) { f.connected.Store(true) },
		})
	}
	own, err := withOwnBody(ctx, request)
	if err != nil {
		return nil, err
	}
	response, err := w.next.RoundTrip(own)
	if err != nil {
		return nil, err
	}
	return readWhole(response)
}

// withOwnBody copies a request so that its body is not the SDK's.
func withOwnBody(ctx context.Context, request *http.Request) (*http.Request, error) {
	own := request.Clone(ctx)
	if request.Body == nil || request.Body == http.NoBody {
		return own, nil
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, errors.Join(err, request.Body.Close())
	}
	if err := request.Body.Close(); err != nil {
		return nil, err
	}
	own.ContentLength = int64(len(body))
	own.Body = io.NopCloser(bytes.NewReader(body))
	// With GetBody, net/http repeats a request of which nothing was written because
	// an idle connection had gone.
	own.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return own, nil
}

func readWhole(response *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, fmt.Errorf("reading the answer (HTTP %d): %w", response.StatusCode, err)
	}
	// The SDK does not look at the body of an operation without output, but a page
	// of some proxy's is no sign that a user was disabled.
	if response.StatusCode < 300 && len(bytes.TrimSpace(body)) > 0 && !json.Valid(body) {
		return nil, fmt.Errorf("the answer (HTTP %d) cannot be read: it is not JSON", response.StatusCode)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
