package cognito_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

const fakePool = "eu-west-1_Fake"

// testCredentials sign requests to servers that do not check.
var testCredentials aws.CredentialsProvider = credentials.NewStaticCredentialsProvider("test", "test", "")

// answer plays Cognito for one attempt of a call.
type answer func(http.ResponseWriter, *http.Request)

// fake is a server that answers DescribeUserPool and, to all other operations, plays
// its answers in turn, the last one for ever.
type fake struct {
	answers []answer

	mu       sync.Mutex
	arrivals []arrival
}

type arrival struct {
	op string
	at time.Time
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Read: net/http watches for the client's leaving only after that.
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		panic(err)
	}
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if op == "DescribeUserPool" {
		ok(`{"UserPool":{"Id":"`+fakePool+`","Name":"fake"}}`)(w, r)
		return
	}
	f.mu.Lock()
	n := len(f.arrivals)
	f.arrivals = append(f.arrivals, arrival{op, time.Now()})
	f.mu.Unlock()
	f.answers[min(n, len(f.answers)-1)](w, r)
}

func (f *fake) calls() []arrival {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]arrival(nil), f.arrivals...)
}

func ok(body string) answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fmt.Fprint(w, body)
	}
}

func fails(status int, code, message string) answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-RequestId", "request-1")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":%q,"message":%q}`, code, message)
	}
}

func raw(status int, body string) answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// resets closes the connection without an answer.
func resets(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cuts closes the connection within the answer.
func cuts(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, `{"User":`)
	if err := http.NewResponseController(w).Flush(); err != nil {
		panic(err)
	}
	panic(http.ErrAbortHandler)
}

// hangs answers nothing until the client has gone.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func takes(d time.Duration, then answer) answer {
	return func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(d) // in simulated time only
		then(w, r)
	}
}

// inProcess opens a pool on a handler without a network.
func inProcess(t *testing.T, h http.Handler, change func(*cognito.Config)) *cognito.Pool {
	t.Helper()
	return open(t, "http://127.0.0.1:1", func(cfg *cognito.Config) {
		cfg.Transport = pooltest.InProcess(h)
		if change != nil {
			change(cfg)
		}
	})
}

// open opens the fake pool at an endpoint, without pacing and with hardly any back-off.
func open(t *testing.T, endpoint string, change func(*cognito.Config)) *cognito.Pool {
	t.Helper()
	cfg := cognito.Config{
		PoolID: fakePool, Endpoint: endpoint, Credentials: testCredentials,
		Quotas: &cognito.Quotas{}, MaxBackoff: time.Millisecond, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if change != nil {
		change(&cfg)
	}
	pool, err := cognito.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("opening the pool: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// within is a context with a deadline, from now.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
