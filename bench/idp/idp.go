// Package idp is the other side of a connection: an identity provider that pushes over SCIM and repeats what was not
// answered for good, as Okta does. The proofs of reliability, the soak and the load programs push with it.
package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Config says where to push and with how much patience. URL and Token are required.
type Config struct {
	// URL is everything before /Users and /Groups, such as "http://127.0.0.1:8080/scim/v2".
	URL string
	// Token is sent as a bearer token.
	Token string
	// Transport carries the requests. nil: http.DefaultTransport.
	Transport http.RoundTripper
	// Deadline is when one attempt is given up. 0: 60 s, as Okta and Entra ID do.
	Deadline time.Duration
	// Attempts is how often a request is sent before it has failed for good. 0: 10, as Okta does.
	Attempts int
	// Wait chooses the wait before another attempt. nil: Doubling.
	Wait Wait
}

// Wait says how long to wait after a reply that was not for good. Nothing came back when r.Status is 0; previous is the
// wait before, 0 the first time.
type Wait func(r Reply, previous time.Duration) time.Duration

// Doubling is Okta's rule (its documentation of 2026): the integer seconds of Retry-After, five minutes without one, and
// each further wait at least twice the one before.
func Doubling(r Reply, previous time.Duration) time.Duration {
	wait := r.RetryAfter()
	if wait == 0 {
		wait = 5 * time.Minute
	}
	return max(wait, 2*previous)
}

// Hasty returns a Wait that honours Retry-After up to limit, for tests in real time.
func Hasty(limit time.Duration) Wait {
	return func(r Reply, _ time.Duration) time.Duration { return min(max(r.RetryAfter(), limit/4), limit) }
}

// Provider is an identity provider. It is safe for concurrent use.
type Provider struct {
	cfg    Config
	client *http.Client

	mu  sync.Mutex
	url string
}

// New returns a provider; nothing is sent yet.
func New(cfg Config) *Provider {
	if cfg.Deadline == 0 {
		cfg.Deadline = 60 * time.Second
	}
	if cfg.Attempts == 0 {
		cfg.Attempts = 10
	}
	if cfg.Wait == nil {
		cfg.Wait = Doubling
	}
	return &Provider{cfg: cfg, client: &http.Client{Transport: cfg.Transport}, url: cfg.URL}
}

// Move has the provider push elsewhere from its next attempt on: a server that was started again has another port.
func (p *Provider) Move(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.url = url
}

func (p *Provider) base() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.url
}

// Reply is what came back. Status 0: nothing did.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	Took   time.Duration
}

// RetryAfter is the header's integer seconds, the only form that Okta reads; 0 when there are none.
func (r Reply) RetryAfter() time.Duration {
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// Definite reports whether the request is not to be repeated: it was answered, and neither 429 nor 5xx. 501 and 507 say
// that repeating does not help.
func (r Reply) Definite() bool {
	switch r.Status {
	case 0, http.StatusTooManyRequests:
		return false
	case http.StatusNotImplemented, http.StatusInsufficientStorage:
		return true
	}
	return r.Status < http.StatusInternalServerError
}

// Object is the body as a JSON object, nil when it is none.
func (r Reply) Object() map[string]any {
	var object map[string]any
	if json.Unmarshal(r.Body, &object) != nil {
		return nil
	}
	return object
}

// ID is the id of the resource in the body.
func (r Reply) ID() string {
	id, _ := r.Object()["id"].(string)
	return id
}

// Send makes one attempt. The error says why nothing came back.
func (p *Provider) Send(ctx context.Context, method, path, body string) (Reply, error) {
	started := time.Now()
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Deadline)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, p.base()+path, strings.NewReader(body))
	if err != nil {
		return Reply{}, err
	}
	request.Header.Set("Authorization", "Bearer "+p.cfg.Token)
	request.Header.Set("Accept", "application/scim+json")
	if body != "" {
		request.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	}
	response, err := p.client.Do(request)
	if err != nil {
		return Reply{Took: time.Since(started)}, err
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return Reply{Took: time.Since(started)}, fmt.Errorf("reading the answer: %w", err)
	}
	return Reply{Status: response.StatusCode, Header: response.Header, Body: text, Took: time.Since(started)}, nil
}

// Outcome is what became of a request with all its repetitions: the last reply, and those before it.
type Outcome struct {
	Reply
	Before []Reply
}

// Count is how many of the replies before the last one satisfy the condition.
func (o Outcome) Count(is func(Reply) bool) int {
	n := 0
	for _, r := range o.Before {
		if is(r) {
			n++
		}
	}
	return n
}

// Unanswered says of a reply that nothing came back; Busy that it was 429, Failed that it was 5xx.
func Unanswered(r Reply) bool { return r.Status == 0 }

// Busy: see Unanswered.
func Busy(r Reply) bool { return r.Status == http.StatusTooManyRequests }

// Failed: see Unanswered.
func Failed(r Reply) bool { return r.Status >= http.StatusInternalServerError }

// Push sends a request until it is answered for good. The error says that it never was: ctx ended, or no attempt is left.
func (p *Provider) Push(ctx context.Context, method, path, body string) (Outcome, error) {
	return p.PushLatest(ctx, method, path, func() string { return body })
}

// PushLatest is Push with a body that is made anew for each attempt: what is to be pushed may have changed meanwhile.
func (p *Provider) PushLatest(ctx context.Context, method, path string, body func() string) (Outcome, error) {
	var out Outcome
	wait := time.Duration(0)
	for {
		reply, err := p.Send(ctx, method, path, body())
		out.Reply = reply
		switch {
		case reply.Definite():
			return out, nil
		case ctx.Err() != nil:
			return out, fmt.Errorf("%s %s: %w", method, path, context.Cause(ctx))
		case len(out.Before)+1 == p.cfg.Attempts:
			return out, fmt.Errorf("%s %s: no answer for good after %d attempts, the last %d %s: %w",
				method, path, p.cfg.Attempts, reply.Status, reply.Body, errors.Join(err, ErrGaveUp))
		}
		out.Before = append(out.Before, reply)
		wait = p.cfg.Wait(reply, wait)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return out, fmt.Errorf("%s %s: %w", method, path, context.Cause(ctx))
		}
	}
}

// ErrGaveUp says that a request has failed for good: people must have it repeated.
var ErrGaveUp = errors.New("the identity provider has given up")
