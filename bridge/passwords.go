package bridge

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// Passwords says what becomes of the passwords that an identity provider sends, and of those of new users.
type Passwords uint8

const (
	// IgnorePasswords drops what is sent. New users have a temporary password that nobody knows, and the status
	// FORCE_CHANGE_PASSWORD.
	IgnorePasswords Passwords = iota
	// SyncPasswords makes what is sent the permanent password, in a create and in a change.
	SyncPasswords
	// RandomPasswords drops what is sent and gives new users a permanent password that nobody knows: they are CONFIRMED,
	// so that nothing of theirs expires and they can reset it themselves.
	RandomPasswords
)

// SyncsPasswords reports whether passwords that are sent are set in the pool.
func (c *Connection) SyncsPasswords() bool { return c.cfg.Passwords == SyncPasswords }

// secret is a password on its way to the pool. It lives in memory only: a plan's text and the journal say that there is
// one, and a repetition of the request brings it again.
type secret struct {
	text    string
	random  bool // made when it is set; text is empty
	lenient bool // the pool's policy may refuse it without failing the request
	// temporary leaves the user FORCE_CHANGE_PASSWORD: without "forgot password", by which whoever has had the account could
	// get it back.
	temporary bool
}

// What the journal says of a password that is still to be set.
const (
	passwordGiven  = "given"
	passwordRandom = "random"
)

// passwordStep is what a request wants done about a user's password; none in most. One that a create brings may be refused
// by the pool's policy without failing the create: Okta sends a random one with every create, whatever the pool demands.
func (c *Connection) passwordStep(username string, r schemas.Resource, creating bool, pending *entry) Plan {
	given := r.String("password")
	switch {
	case c.cfg.Passwords == SyncPasswords && given != "":
		return Plan{{Op: SetPassword, User: username, secret: secret{text: given, lenient: creating}}}
	case c.cfg.Passwords == RandomPasswords && creating, pending != nil && pending.want.User != nil && pending.want.User.Password == passwordRandom:
		return Plan{randomPassword(username)}
	}
	return nil
}

// takenPassword is the step that takes an account away from whoever can sign in to it.
func takenPassword(username string) Step {
	s := randomPassword(username)
	s.secret.temporary = true
	return s
}

// randomPassword is the step that sets a password which nobody knows.
func randomPassword(username string) Step {
	return Step{Op: SetPassword, User: username, secret: secret{random: true}}
}

// unknowable is a password with every kind of character, and as many as any policy can demand. That would be 99; moto takes
// no more than 98.
func (d *Directory) unknowable() string {
	text := "Aa0!"
	length := max(98, d.pool.Info().MinPassword)
	for len(text) < length {
		text += rand.Text() + strings.ToLower(rand.Text())
	}
	return text[:length]
}

// afterLeaving puts steps behind those that take access away, and before all others: a password that is refused then
// leaves the profile as it was, and nobody is enabled again with the old one.
func (p Plan) afterLeaving(steps Plan) Plan {
	n := slices.IndexFunc(p, func(s Step) bool { return s.Op != DisableUser && s.Op != SignOut })
	if n < 0 {
		n = len(p)
	}
	return slices.Insert(p, n, steps...)
}

// withPassword puts steps about the password where they belong: behind those that take access away, or, where an account is
// taken over, behind the mark, which comes last of what that takes.
func (p Plan) withPassword(steps Plan) Plan {
	if !p.takesOver() {
		return p.afterLeaving(steps)
	}
	n := slices.IndexFunc(p, func(s Step) bool { return s.Op == UpdateUser })
	return slices.Insert(p, n+1, steps...)
}

// takesOver reports whether a plan takes an account away from whoever can sign in to it.
func (p Plan) takesOver() bool {
	return slices.ContainsFunc(p, func(s Step) bool { return s.secret.temporary })
}

// setPassword makes the call of a SetPassword step.
func (d *Directory) setPassword(ctx context.Context, op *operation, s Step) error {
	text := s.secret.text
	if s.secret.random {
		text = d.unknowable()
	}
	err := d.pool.SetPassword(ctx, s.User, text, !s.secret.temporary)
	var e *cognito.Error
	switch {
	case !errors.As(err, &e):
		return err
	case e.Sent && e.Code == "PasswordHistoryPolicyViolationException":
		return nil // set by an attempt whose answer was lost
	case s.secret.lenient && (e.Kind == cognito.Password || e.Kind == cognito.Invalid):
		op.note("the password was not set: %s", e.Message)
		return nil
	}
	return err
}

// lostPassword is what is left to do about a password when a create or a change goes on from the journal. One that was
// given is not there any more: the repetition of the request brings it.
func (d *Directory) lostPassword(ctx context.Context, id string, u desiredUser) Plan {
	switch u.Password {
	case passwordRandom:
		return Plan{randomPassword(u.Username)}
	case passwordGiven:
		d.record(ctx, store.Activity{At: d.now(), Method: "journal", Kind: store.User, ID: id, Outcome: "finished without the password",
			Notes: []string{"passwords are never written down: the request repeated sets it, and so does the next password that is sent"}})
	}
	return nil
}

// completeUser is complete for a user: the password of the repeated POST is set, since the journal had none.
func (c *Connection) completeUser(ctx context.Context, op *operation, doc store.Doc, r schemas.Resource, h *hold) (store.Doc, error) {
	doc, err := c.complete(ctx, doc, h)
	if err != nil || c.cfg.Passwords != SyncPasswords || r.String("password") == "" {
		return doc, err
	}
	own, err := c.dir.hold(ctx, userKey(doc.ID))
	if err != nil {
		return store.Doc{}, err
	}
	defer own.end()
	op.plan = c.passwordStep(doc.PoolName, r, true, nil)
	return doc, c.dir.setPassword(ctx, op, op.plan[0])
}
