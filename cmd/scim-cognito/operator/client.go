package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// Client asks a server's private listener. Its errors are sentences for whoever typed the command.
type Client struct {
	address string
	http    http.Client
}

// NewClient returns a client of the private listener at an address, host:port.
func NewClient(address string) *Client {
	// No proxy of the environment stands between a program and another one's port on the same machine.
	return &Client{address: address, http: http.Client{Timeout: deadline + 10*time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
}

// Resync has pools read again: all, or the one that is named; as a whole, or one user or group.
func (c *Client) Resync(ctx context.Context, pool, user, group string) ([]Resynced, error) {
	answer := new(resyncAnswer)
	err := c.ask(ctx, http.MethodPost, "/-/resync", resyncRequest{Pool: pool, User: user, Group: group}, answer)
	return answer.Pools, err
}

// Journal returns the work that is left, oldest first by pool; pool "" means all.
func (c *Client) Journal(ctx context.Context, pool string) ([]Work, error) {
	answer := new(journalAnswer)
	err := c.ask(ctx, http.MethodGet, "/-/journal"+query("pool", pool), nil, answer)
	return answer.Work, err
}

// Retry has the work under a key tried at once and returns its pool. pool "" means the one that has such work.
func (c *Client) Retry(ctx context.Context, pool, key string) (string, error) {
	answer := new(workAnswer)
	err := c.ask(ctx, http.MethodPost, "/-/journal/retry", workRequest{Key: key, Pool: pool}, answer)
	return answer.Pool, err
}

// Drop gives the work under a key up and returns its pool.
func (c *Client) Drop(ctx context.Context, pool, key string) (string, error) {
	answer := new(workAnswer)
	err := c.ask(ctx, http.MethodPost, "/-/journal/drop", workRequest{Key: key, Pool: pool}, answer)
	return answer.Pool, err
}

// Invite has Cognito send a user another invitation, by "email" or "sms", and returns the user's pool. pool "" means the one
// that has the user.
func (c *Client) Invite(ctx context.Context, pool, user, by string) (string, error) {
	answer := new(inviteAnswer)
	err := c.ask(ctx, http.MethodPost, "/-/invite", inviteRequest{User: user, By: by, Pool: pool}, answer)
	return answer.Pool, err
}

// Guards returns the deprovisioning guards; pool and connection "" mean all.
func (c *Client) Guards(ctx context.Context, pool, connection string) ([]Guard, error) {
	answer := new(guardAnswer)
	err := c.ask(ctx, http.MethodGet, "/-/guard"+query("pool", pool, "connection", connection), nil, answer)
	return answer.Guards, err
}

// ReleaseGuard has what guards hold done and opens them for a window; pool and connection "" mean all.
func (c *Client) ReleaseGuard(ctx context.Context, pool, connection string) ([]Guard, error) {
	answer := new(guardAnswer)
	err := c.ask(ctx, http.MethodPost, "/-/guard/release", guardRequest{Pool: pool, Connection: connection}, answer)
	return answer.Guards, err
}

// DropHeld gives up what guards hold; pool and connection "" mean all.
func (c *Client) DropHeld(ctx context.Context, pool, connection string) ([]Guard, error) {
	answer := new(guardAnswer)
	err := c.ask(ctx, http.MethodPost, "/-/guard/drop", guardRequest{Pool: pool, Connection: connection}, answer)
	return answer.Guards, err
}

// ActivityFilter restricts what Activity returns; empty fields do not. Limit is required.
type ActivityFilter struct {
	Request, ID, Connection string
	Limit                   int
}

// Activity returns what was asked and done, newest first.
func (c *Client) Activity(ctx context.Context, f ActivityFilter) ([]Record, error) {
	answer := new(activityAnswer)
	err := c.ask(ctx, http.MethodGet, "/-/activity"+query("request", f.Request, "id", f.ID, "connection", f.Connection, "limit", strconv.Itoa(f.Limit)), nil, answer)
	return answer.Activity, err
}

// query writes pairs of name and value, without those whose value is empty.
func query(pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// ask sends one request and decodes the answer.
func (c *Client) ask(ctx context.Context, method, path string, body, answer any) error {
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			return fmt.Errorf("encoding the request: %w", err)
		}
	}
	if _, _, err := net.SplitHostPort(c.address); err != nil {
		return fmt.Errorf("%q is not the address of a private listener, such as 127.0.0.1:8081: %w", c.address, err)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+c.address+path, &sent)
	if err != nil {
		return fmt.Errorf("%q is not the address of a private listener, such as 127.0.0.1:8081: %w", c.address, err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no server answers on %s: start it, or give the address of its private listener with --private", c.address)
	case err != nil:
		return fmt.Errorf("asking the server on %s: %w", c.address, err)
	}
	got, err := io.ReadAll(response.Body)
	if closeErr := response.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", c.address, err)
	}
	return c.decode(response, got, answer)
}

func (c *Client) decode(response *http.Response, body []byte, answer any) error {
	if response.StatusCode >= http.StatusBadRequest {
		var said errorAnswer
		if err := json.Unmarshal(body, &said); err == nil && said.Error != "" {
			return errors.New(said.Error + again(response.Header.Get("Retry-After")))
		}
	} else if err := json.Unmarshal(body, answer); err == nil {
		return nil
	}
	return fmt.Errorf("%s answers (%s), but not as the private listener of a server does; give that one's address with --private", c.address, response.Status)
}

func again(seconds string) string {
	if seconds == "" {
		return ""
	}
	return " (again in " + seconds + " s)"
}
