package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/scim-cognito/scim-cognito/cmd/scim-cognito/operator"
)

// atServer says which server a command is for.
type atServer struct {
	Private string `placeholder:"ADDR" default:"127.0.0.1:8081" help:"The private listener of the server (${default})."`
}

func (a atServer) client() *operator.Client { return operator.NewClient(a.Private) }

type resyncCommand struct {
	atServer
	User  *string `placeholder:"ID" xor:"one" help:"Read only this user, by SCIM id; Cognito counts the user as active this month."`
	Group *string `placeholder:"ID" xor:"one" help:"Read only this group and its members, by SCIM id."`
	Pool  *string `placeholder:"ID" help:"Ask only this pool (all)."`
}

// Run asks the server and prints what became of it in each pool. It is a failure if it failed in any.
func (c resyncCommand) Run(ctx context.Context, w world) error {
	for flag, value := range map[string]*string{"--user": c.User, "--group": c.Group, "--pool": c.Pool} {
		if value != nil && *value == "" { // a script's unset variable must not have everything read
			return usageError{fmt.Errorf("resync: %s is empty; leave it out if you do not mean one", flag)}
		}
	}
	pools, err := c.client().Resync(ctx, given(c.Pool, ""), given(c.User, ""), given(c.Group, ""))
	if err != nil {
		return fmt.Errorf("resync: %w", err)
	}
	meaning := map[operator.Outcome]string{
		operator.Started: "the whole pool is being read; `scim-cognito activity` shows what had drifted",
		operator.InStep:  "read from the pool: the mirror is in step",
		operator.Gone:    "the pool has it no more: removed from the mirror",
		operator.Unknown: "not in this pool",
	}
	out := newTable(w.Out, "POOL", "OUTCOME")
	var failed []error
	for _, p := range pools {
		if p.Outcome == operator.Failed {
			failed = append(failed, fmt.Errorf("resync: pool %s: %s", p.Pool, p.Error))
			continue
		}
		out.row(p.Pool, meaning[p.Outcome])
	}
	return errors.Join(append(failed, out.end())...)
}
