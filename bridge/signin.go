package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/store"
)

// maxLinks is Cognito's quota of links a user.
const maxLinks = 5

// linkUser makes a link. Cognito refuses one that is there, one that is another user's, and one whose person has a
// federated profile, in the same misleading words, so that reads settle which: it is never taken from another user.
func (d *Directory) linkUser(ctx context.Context, op *operation, s Step, user cognito.User) (cognito.User, error) {
	l := *s.Link
	unlock, err := d.lockSubject(ctx, l.External)
	if err != nil {
		return user, err
	}
	defer unlock()
	if l.Seen {
		there, err := d.pool.User(ctx, s.User)
		if err != nil {
			return user, err
		}
		if user.Identities = there.Identities; l.among(user.Identities) {
			return user, nil
		}
	}
	err = d.pool.LinkUser(ctx, s.User, l.External)
	switch {
	case err == nil:
		op.linked = append(op.linked, l)
		user.Identities = append(slices.Clone(user.Identities), cognito.Identity{Provider: l.Provider, Subject: l.Value})
		return user, nil
	case passing(err):
		return user, err
	}
	mine := unknown(err) // else a link that is there was so before
	there, made, err := d.whyNot(ctx, op, s, err)
	switch {
	case err == nil:
		if mine || made {
			op.linked = append(op.linked, l)
		}
		user.Identities = there.Identities
	case !l.Must && !passing(err) && cognito.KindOf(err) != cognito.NotFound:
		var mine *Error
		reason := outcome(err)
		if errors.As(err, &mine) {
			reason = cmp.Or(mine.Detail, reason)
		}
		op.note("not linked to %s: %s", l.Provider, reason)
		err = nil
	}
	return user, err
}

// whyNot settles a refused link: it returns the user who has it all the same, or says why there is none. When a federated
// profile is in the way that may be replaced, it is, and the link made.
func (d *Directory) whyNot(ctx context.Context, op *operation, s Step, refused error) (there cognito.User, made bool, err error) {
	l := *s.Link
	for again := l.Replace; ; again = false {
		if there, err = d.pool.User(ctx, s.User); err != nil {
			return there, false, unsettled(refused, err)
		}
		if l.among(there.Identities) {
			return there, made, nil
		}
		profiles, err := d.profiles(ctx, l)
		switch {
		case err != nil:
			return there, false, unsettled(refused, err)
		case len(there.Identities) >= maxLinks:
			return there, false, &Error{Kind: Full, Err: asText(refused), Detail: fmt.Sprintf("the user has %d links to identity providers, more than which Amazon Cognito does not allow", maxLinks)}
		case len(profiles) == 0 && takenElsewhere(refused):
			if wait := d.linkLeaves(ctx, l, refused); wait != nil {
				return there, false, wait
			}
			return there, false, &Error{Kind: Exists, Err: asText(refused), Detail: fmt.Sprintf("%s of %s is linked to another user of the user pool already: unlink it there "+
				"(aws cognito-idp admin-disable-provider-for-user), or correct what says who this user is", l.Attribute, l.Provider)}
		case len(profiles) == 0:
			return there, false, refused
		case !again:
			return there, false, inTheWay(l, profiles[0].Username, refused)
		}
		if err := d.replace(ctx, op, profiles); err != nil {
			return there, false, err
		}
		if refused = d.pool.LinkUser(ctx, s.User, l.External); refused == nil || passing(refused) {
			there.Identities = append(there.Identities, cognito.Identity{Provider: l.Provider, Subject: l.Value})
			return there, true, refused
		}
		made = unknown(refused)
	}
}

// lockSubject keeps others from linking or unlinking somebody until unlock is called. Cognito unlinks a person from whomever
// it finds linked: a call that is made again, because its reply was lost, would take the link that another user has got since.
// Nobody who has the lock waits with it for another.
func (d *Directory) lockSubject(ctx context.Context, e cognito.External) (unlock func(), err error) {
	return d.mirror.Lock(ctx, "subject:"+e.Provider+":"+e.Value)
}

// linkLeaves reports, as an error that passes, that a link may be that of a user whose deletion the journal has not finished.
func (d *Directory) linkLeaves(ctx context.Context, l link, refused error) error {
	work, err := d.mirror.JournalList(ctx)
	if err != nil {
		return internal(err)
	}
	for _, row := range work {
		e, err := read(row)
		if err != nil {
			return err
		}
		if row.Parked != "" || e.want.User == nil || !e.deletes() && !e.entombs() {
			continue
		}
		doc, err := d.mirror.Get(ctx, store.User, e.userID())
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		identities, textErr := textIdentities(doc.Links)
		if err = errors.Join(internal(err), textErr); err != nil {
			return err
		}
		if slices.ContainsFunc(identities, func(i cognito.Identity) bool { return i.Provider == l.Provider }) {
			return errors.Join(&cognito.Error{Op: string(LinkUser), Kind: cognito.Unavailable, Err: refused,
				Message: "the person may be linked to a user whose deletion is not finished"}, d.hurry(ctx, row.Key))
		}
	}
	return nil
}

// asText is what Cognito said, for the operator: what it meant is another matter. nil stays nil.
func asText(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(err.Error())
}

// takenElsewhere reports the words in which Cognito refuses a person who is linked, or has a profile.
func takenElsewhere(err error) bool {
	var e *cognito.Error
	return errors.As(err, &e) && (e.Kind == cognito.Exists || e.Kind == cognito.Invalid && strings.Contains(e.Message, "SourceUser"))
}

// unsettled keeps work for later whose outcome could not be read.
func unsettled(refused, err error) error {
	if !passing(err) {
		return err
	}
	return &cognito.Error{Op: string(LinkUser), Kind: cognito.Unavailable, Sent: true, Err: errors.Join(refused, err),
		Message: "the person may be linked already, perhaps by this very call"}
}

// unlinkUser takes all links of a provider from a user but the one that stays, and ends the sessions that began by them:
// also when no link is left, which an earlier attempt may have taken, or somebody else. Only the user's own identities are
// unlinked: the former subject may be another user's by now.
//
// A link that is not by subject shows its value until the first sign-in. One by which somebody has signed in since it was
// made, moments ago, goes too; the user's next change makes it again.
func (d *Directory) unlinkUser(ctx context.Context, s Step, user cognito.User) (cognito.User, error) {
	ctx = cognito.WithPriority(ctx, cognito.Deprovision)
	stays := *s.Link
	there, err := d.pool.User(ctx, s.User)
	if err != nil {
		return user, err
	}
	user.Identities = nil
	for _, i := range there.Identities {
		if i.Provider != stays.Provider || i.Subject == stays.Value {
			user.Identities = append(user.Identities, i)
			continue
		}
		if err := d.unlink(ctx, s.User, i); err != nil {
			return user, err
		}
	}
	return user, d.pool.SignOut(ctx, s.User)
}

// unlink takes one identity of a user's away: by subject or, before anybody has signed in by it, by what it was made with,
// which is one of the attributes that connections link people by.
func (d *Directory) unlink(ctx context.Context, username string, i cognito.Identity) error {
	unlock, err := d.lockSubject(ctx, cognito.External{Provider: i.Provider, Value: i.Subject})
	if err != nil {
		return err
	}
	defer unlock()
	attributes := slices.Insert(d.federations.attributes(i.Provider), 0, cognito.Subject)
	for n, attribute := range attributes {
		err := d.pool.Unlink(ctx, cognito.External{Provider: i.Provider, Attribute: attribute, Value: i.Subject})
		switch kind := cognito.KindOf(err); {
		case kind == cognito.NotFound:
			continue
		case kind == cognito.ProviderNotFound:
			return nil // nobody comes from there any more
		case err != nil || n == len(attributes)-1:
			return err
		}
		// What is a subject may be an attribute's value as well: Cognito has then disabled a federated profile instead.
		there, err := d.pool.User(ctx, username)
		if err != nil || !slices.Contains(there.Identities, i) {
			return err
		}
	}
	return nil
}

// errUndone is in the error of a creation that was taken back, so that nothing of it is left to do.
var errUndone = errors.New("the creation was taken back")

// undo takes back what a plan has made before a step failed for good, as far as that must not be left without the rest: a
// user who was created and cannot be linked, and links to a user who could not be changed with them; but only links that
// this plan has made, which a refused one is not: it may be another user's. It returns the error that the request ends
// with.
func (d *Directory) undo(ctx context.Context, op *operation, e *entry, failed Step, user cognito.User, err error) error {
	creates := e != nil && e.want.User.Create
	if passing(err) || creates && failed.Op != LinkUser {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if creates {
		gone := d.pool.DeleteUser(ctx, user.Username)
		if gone != nil && cognito.KindOf(gone) != cognito.NotFound {
			return &cognito.Error{Op: string(DeleteUser), Kind: cognito.Unavailable, Sent: true, Err: gone,
				Message: "a user who cannot be linked is still to be removed"}
		}
		op.note("the user was created, could not be linked, and was removed again")
		return errors.Join(err, errUndone, d.forget(ctx, store.User, user.Sub))
	}
	for _, l := range op.linked {
		unlock, back := d.lockSubject(ctx, l.External)
		if back == nil {
			back = d.pool.Unlink(ctx, l.External)
			unlock()
		}
		if back != nil && cognito.KindOf(back) != cognito.NotFound {
			op.note("the new link to %s stays, although the rest of the change was refused: %s", l.Provider, outcome(back))
			continue
		}
		user.Identities = slices.DeleteFunc(slices.Clone(user.Identities), func(i cognito.Identity) bool {
			return i.Provider == l.Provider && i.Subject == l.Value
		})
	}
	if len(op.linked) > 0 {
		_, forgotten := d.remember(ctx, d.userDoc(user))
		return errors.Join(err, forgotten)
	}
	return err
}
