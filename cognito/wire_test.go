package cognito

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// tracked is a body that remembers what was done to it.
type tracked struct {
	io.Reader
	closed bool
}

func (b *tracked) Close() error { b.closed = true; return nil }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestWireReadsWhole: when the SDK gets an answer, nothing of it is still on the
// connection, so that its closing of the request's body can cut nothing off.
func TestWireReadsWhole(t *testing.T) {
	t.Parallel()
	page := `{"Users":[` + strings.Repeat(" ", 100_000) + `]}`
	sent := &tracked{Reader: strings.NewReader(`{"Limit":60}`)}
	answered := &tracked{Reader: strings.NewReader(page)}
	var received *http.Request
	w := wire{roundTrip(func(r *http.Request) (*http.Response, error) {
		received = r
		return &http.Response{StatusCode: 200, Body: answered}, nil
	})}
	f := new(flight)
	request, err := http.NewRequestWithContext(context.WithValue(t.Context(), flightKey{}, f), http.MethodPost, "http://127.0.0.1:1", sent)
	if err != nil {
		t.Fatal(err)
	}
	response, err := w.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	if !sent.closed || !answered.closed {
		t.Errorf("got request's body closed %v, answer's body closed %v, want both", sent.closed, answered.closed)
	}
	if got, err := io.ReadAll(response.Body); err != nil || string(got) != page {
		t.Errorf("got an answer of %d bytes and error %v, want %d", len(got), err, len(page))
	}
	for range 2 { // net/http may need it again
		body, err := received.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(body); err != nil || string(got) != `{"Limit":60}` {
			t.Errorf("got body %q and error %v, want that of the request", got, err)
		}
	}
	if received.ContentLength != 12 {
		t.Errorf("got Content-Length %d, want 12", received.ContentLength)
	}
	if !f.mayHaveLanded() {
		t.Error("a request that was handed to a transport that tells nothing may have landed")
	}
}

// TestOnlyTheFunnelSends: a call that did not come through the funnel has no flight
// and is not sent.
func TestOnlyTheFunnelSends(t *testing.T) {
	t.Parallel()
	w := wire{roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("sent") })}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:1", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.RoundTrip(request); err == nil || err.Error() == "sent" {
		t.Errorf("got %v, want a refusal", err)
	}
}

// TestBucket holds the numbers of the limits: rate + burst = quota.
func TestBucket(t *testing.T) {
	t.Parallel()
	cases := []struct {
		quota, share float64
		interval     time.Duration
		burst        int
	}{
		{25, 0.8, 50 * time.Millisecond, 5},
		{15, 0.8, 83333334 * time.Nanosecond, 3},
		{120, 0.8, 10416667 * time.Nanosecond, 24},
		{5, 0.8, 250 * time.Millisecond, 1},
		{25, 1, 40 * time.Millisecond, 1},
		{25, 0.5, 80 * time.Millisecond, 12},
		{1, 0.8, 1250 * time.Millisecond, 1},
		{0, 0.8, 0, 0},
	}
	for _, c := range cases {
		got := newBucket(c.quota, c.share)
		if got.interval != c.interval || got.burst != c.burst {
			t.Errorf("newBucket(%v, %v): got one each %s, %d at once, want one each %s, %d at once",
				c.quota, c.share, got.interval, got.burst, c.interval, c.burst)
		}
	}
}

// TestUsersAreForgotten: the limits of single users do not grow with the pool, and
// one that is in use is never dropped.
func TestUsersAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPace(PaceConfig{Quotas: &Quotas{User: 10}})
		largest := 0
		for i := range 100_000 {
			if i%100 == 0 {
				time.Sleep(100 * time.Millisecond)
			}
			user := string(rune('a' + i%26))
			if i%26 != 0 {
				user = time.Duration(i).String()
			}
			if refused, err := p.wait(t.Context(), "pool", adminEnableUser, user); refused != nil || err != nil {
				t.Fatalf("got %v, %v", refused, err)
			}
			largest = max(largest, len(p.users))
		}
		if largest > 2*minUsers {
			t.Errorf("got up to %d users remembered, want no more than %d", largest, 2*minUsers)
		}
	})
}
