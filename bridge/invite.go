package bridge

import (
	"context"
	"errors"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// invitation is who brings a new user Cognito's invitation; "" for nobody. Who is created inactive gets none: it could not
// be used. An operator sends one later, when the person may sign in.
func (c *Connection) invitation(r schemas.Resource) cognito.Courier {
	if statusOf(r) == saysInactive {
		return ""
	}
	return c.cfg.Invite
}

// undelivered notes a user who is there although the invitation did not go out.
func (d *Directory) undelivered(ctx context.Context, u cognito.User, e *cognito.Error) {
	if e.Code != "CodeDeliveryFailureException" {
		return
	}
	d.log.Warn("an invitation was not delivered: look at the pool's settings for messages", "user", u.Sub, "error", e)
	d.record(ctx, store.Activity{At: d.now(), Method: "invite", Kind: store.User, ID: u.Sub, Outcome: "not delivered", Notes: []string{e.Message}})
}

// Invite sends a user another invitation with another temporary password, which ends the validity of the one before. The
// error is of the kind NotFound for an unknown id, and Invalid for who cannot be invited.
func (d *Directory) Invite(ctx context.Context, id string, by cognito.Courier) error {
	h, err := d.hold(ctx, userKey(id))
	if err != nil {
		return err
	}
	defer h.end()
	doc, err := d.userByID(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return notFound("User", id)
	}
	if err != nil {
		return internal(err)
	}
	r, err := resource(doc)
	if err != nil {
		return err
	}
	if r["active"] != true {
		return &Error{Kind: Invalid, Detail: "the user is inactive: an invitation could not be used"}
	}
	err = d.pool.InviteAgain(ctx, doc.PoolName, by)
	if cognito.KindOf(err) == cognito.State {
		return &Error{Kind: Invalid, Err: err, Detail: "the user has signed in already, or has a permanent password: there is nothing to invite to"}
	}
	return fromCognito(err)
}
