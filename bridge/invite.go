package bridge

import (
	"context"
	"errors"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// invitation is who brings a new user, who holds want in the pool, Cognito's invitation; "" for nobody. Who is created inactive
// gets none: it could not be used. An operator sends one later, when the person may sign in. Neither does who cannot be
// reached: by its reference, Cognito may refuse the user altogether.
func (c *Connection) invitation(op *operation, r schemas.Resource, want map[string]string) cognito.Courier {
	by := c.cfg.Invite
	switch {
	case by == "" || statusOf(r) == saysInactive:
		return ""
	case want[by.Attribute()] == "":
		op.note("no invitation was sent: the user has no %s in the user pool", by.Attribute())
		return ""
	}
	return by
}

// undelivered notes that an invitation did not go out, if that is the error: the user is there all the same.
func (d *Directory) undelivered(ctx context.Context, id string, e *cognito.Error) bool {
	if e.Code != "CodeDeliveryFailureException" {
		return false
	}
	d.log.Warn("an invitation was not delivered: look at the pool's settings for messages", "user", id, "error", e)
	d.record(ctx, store.Activity{At: d.now(), Method: "invite", Kind: store.User, ID: id, Outcome: "not delivered", Notes: []string{e.Message}})
	return true
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
	user, err := d.poolUser(doc)
	if err != nil {
		return err
	}
	switch {
	case !user.Enabled:
		return &Error{Kind: Invalid, Detail: "the user is inactive: an invitation could not be used"}
	case doc.Managed && user.Attributes[by.Attribute()] == "":
		return &Error{Kind: Invalid, Detail: "the user has no " + by.Attribute() + " in the user pool, by which an invitation could come"}
	}
	err = d.pool.InviteAgain(ctx, doc.PoolName, by)
	var theirs *cognito.Error
	switch {
	case cognito.KindOf(err) == cognito.State:
		return &Error{Kind: Invalid, Err: err, Detail: "the user has signed in already, or has a permanent password: there is nothing to invite to"}
	case errors.As(err, &theirs) && d.undelivered(ctx, id, theirs):
		return &Error{Kind: Unavailable, RetryAfter: retryUnavailable, Err: err, Detail: "Amazon Cognito could not deliver the invitation: look at the pool's settings for messages"}
	}
	return fromCognito(err)
}
