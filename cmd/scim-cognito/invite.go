package main

import (
	"context"
	"fmt"
)

type inviteCommand struct {
	atServer
	User string  `arg:"" name:"user-id" help:"The user, by SCIM id."`
	By   string  `enum:"email,sms" default:"email" help:"How Cognito brings the invitation: email or sms (${default})."`
	Pool *string `placeholder:"ID" help:"Only in this pool (all)."`
}

// Run has another invitation sent.
func (c inviteCommand) Run(ctx context.Context, w world) error {
	pool, err := c.client().Invite(ctx, given(c.Pool, ""), c.User, c.By)
	if err != nil {
		return fmt.Errorf("invite: %w", err)
	}
	_, err = fmt.Fprintf(w.Out, "Cognito sends %s in pool %s another invitation by %s; a temporary password of before is void.\n", printable(c.User), pool, c.By)
	return err
}
