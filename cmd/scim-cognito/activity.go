package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/scim-cognito/scim-cognito/cmd/scim-cognito/operator"
)

type activityCommand struct {
	atServer
	Request    string `placeholder:"ID" help:"Only the request with this X-Request-Id, which logs and error answers name."`
	ID         string `placeholder:"ID" help:"Only what concerns this user or group, by SCIM id."`
	Connection string `placeholder:"NAME" help:"Only what this connection asked."`
	Limit      int    `placeholder:"N" default:"20" help:"At most so many (${default})."`
}

// Run prints what was asked and done, newest first; what was planned and noted follows each line, further in.
func (c activityCommand) Run(ctx context.Context, w world) error {
	records, err := c.client().Activity(ctx, operator.ActivityFilter{Request: c.Request, ID: c.ID, Connection: c.Connection, Limit: c.Limit})
	if err != nil {
		return fmt.Errorf("activity: %w", err)
	}
	if len(records) == 0 {
		_, err := fmt.Fprintln(w.Out, "Nothing is recorded.")
		return err
	}
	out := newTable(w.Out, "AT", "REQUEST", "CONNECTION", "METHOD", "RESOURCE", "OUTCOME")
	for _, r := range records {
		resource := strings.TrimSpace(r.Kind + " " + r.ID)
		out.row(r.At.UTC().Format(time.RFC3339), cmp.Or(r.Request, "-"), cmp.Or(r.Connection, "-"), r.Method, cmp.Or(resource, "-"), r.Outcome)
		for _, step := range r.Plan {
			out.under("planned " + step)
		}
		for _, note := range r.Notes {
			out.under("noted " + note)
		}
	}
	return out.end()
}
