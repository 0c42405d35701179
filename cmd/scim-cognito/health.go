package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// healthCommand is the container's health check: an image without a shell has no curl.
type healthCommand struct {
	URL string `arg:"" optional:"" default:"http://127.0.0.1:8080/healthz" help:"What to ask (${default}); /readyz tells whether it can work, too."`
}

// healthLimit is below the time that the Dockerfile gives the check.
const healthLimit = 4 * time.Second

// Run asks once. No answer, or another than 200, is an error.
func (c healthCommand) Run(ctx context.Context, w world) error {
	ctx, cancel := context.WithTimeout(ctx, healthLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return usageError{fmt.Errorf("health: %w", err)}
	}
	// No proxy of the environment stands between a program and its own port.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("not healthy: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if closeErr := answer.Body.Close(); err == nil {
		err = closeErr
	}
	switch {
	case err != nil:
		return fmt.Errorf("not healthy: reading the answer of %s: %w", c.URL, err)
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("not healthy: %s answers %s: %s", c.URL, answer.Status, body)
	}
	_, err = fmt.Fprintf(w.Out, "healthy: %s answers %s\n", c.URL, answer.Status)
	return err
}
