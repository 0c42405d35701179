package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// Beside a Username, people sign in with aliases: attributes that Cognito keeps unique, more or less. An update that marks
// an address as verified has been seen to take it from whoever had it (boto3 issue 3213), which hands out their account's
// name, so that we look first, with Cognito's one consistent read, and two changes of ours never look at the same time.

// claims are the names, beside Username, with which a user who has these attributes signs in.
func (s style) claims(attributes map[string]string) []string {
	var names []string
	for _, name := range s.logins {
		names = append(names, attributes[name])
	}
	for _, name := range s.aliases {
		if name == "preferred_username" || attributes[name+"_verified"] == "true" {
			names = append(names, attributes[name])
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// claimed makes sure, for as long as h lasts, that the aliases that a plan gives to a user are nobody else's.
func (d *Directory) claimed(ctx context.Context, h *hold, id string, plan Plan) error {
	for _, s := range plan {
		if s.Op != UpdateUser {
			continue
		}
		name, _, err := d.rival(ctx, h, id, d.style.claims(s.Set))
		if err != nil {
			return err
		}
		if name != "" {
			return aliasTaken(name)
		}
	}
	return nil
}

// unclaimed has a plan's changes of attributes ask for aliases once it is their turn.
func (p Plan) unclaimed() {
	for i := range p {
		p[i].unclaimed = p[i].Op == UpdateUser
	}
}

// possible reports why a change of a user, as the pool holds it, cannot be made although it is well-formed.
func (d *Directory) possible(ctx context.Context, h *hold, user cognito.User, plan Plan) error {
	if err := d.heldBack(plan, user.Attributes["email"]); err != nil {
		return err
	}
	return d.claimed(ctx, h, user.Sub, plan)
}

// rival locks the names until h ends, and returns the first that another user than id signs in with, and that user.
func (d *Directory) rival(ctx context.Context, h *hold, id string, names []string) (string, cognito.User, error) {
	// In order of their locks, so that nobody waits for who waits for them. Names that differ by case only may be two.
	names = slices.Clone(names)
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(strings.Compare(aliasKey(a), aliasKey(b)), strings.Compare(a, b)) })
	names = slices.Compact(names)
	if slices.ContainsFunc(names, func(name string) bool { return !legalUsername(name) }) {
		return "", cognito.User{}, &Error{Kind: Invalid, Detail: fmt.Sprintf("people sign in to this user pool with their addresses, or with what preferred_username holds: "+
			"these must have at most %d letters, marks, numbers, symbols and punctuation, without spaces or control characters", schemas.MaxLogin)}
	}
	for _, name := range names {
		if err := h.add(ctx, d, aliasKey(name)); err != nil {
			return "", cognito.User{}, err
		}
	}
	for _, name := range names {
		holder, err := d.pool.User(ctx, name)
		switch {
		case cognito.KindOf(err) == cognito.NotFound:
			if err := d.abandoned(ctx, name); err != nil {
				return "", holder, err
			}
		case err != nil:
			return "", holder, fromCognito(err)
		case holder.Sub != id:
			return name, holder, nil
		}
	}
	return "", cognito.User{}, nil
}

// abandoned has the mirror forget a user whose Username, as a consistent read has just shown, is nobody's any more. Once it is
// somebody's alias, a call about the one who is gone would be about that somebody.
func (d *Directory) abandoned(ctx context.Context, username string) error {
	doc, err := d.mirror.ByPoolName(ctx, store.User, d.style.fold(username))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return internal(err)
	}
	return d.forget(ctx, store.User, doc.ID)
}

// newRival is rival for a user who is about to be created as username. In a pool with UsernameAttributes Cognito itself
// watches over username. In one with preferred_username as an alias, username must not be anybody's.
func (d *Directory) newRival(ctx context.Context, h *hold, username string, set map[string]string) (string, cognito.User, error) {
	names := d.style.claims(set)
	if len(d.style.logins) > 0 {
		names = slices.DeleteFunc(names, func(name string) bool { return name == username })
	} else if slices.Contains(d.style.aliases, "preferred_username") {
		names = append(names, username)
	}
	name, holder, err := d.rival(ctx, h, "", names)
	if name == username && d.style.fold(holder.Username) == username {
		return "", cognito.User{}, err // the creation says so
	}
	return name, holder, err
}

// aliasTaken is the conflict over a sign-in name.
func aliasTaken(name string) error {
	return &Error{Kind: Exists, Detail: fmt.Sprintf("%q is what another user of the user pool signs in with; send another address or name, or free it there first", name)}
}

// meet notes in the mirror a user who stands in the way, as a consistent read has shown it.
func (d *Directory) meet(ctx context.Context, holder cognito.User) error {
	return d.observeWithin(ctx, d.now(), 0, d.userDoc(holder))
}

// aliasKey names the lock on a sign-in name. It is taken after those on resources and on userNames, several in order.
//
// How Cognito takes the case off a name is not documented (İ becomes i, or i with a dot above): names have one lock that
// are the same without case, marks and compatibility characters, which is more than it may take for one name.
func aliasKey(name string) string {
	unmarked := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.M, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(cases.Fold().String(norm.NFKD.String(name))))
	return "alias:" + unmarked
}

// settled refuses to rename a user while the journal may still create one under the present name or the new one. In a pool
// with UsernameAttributes the creation, not finding the former, would be made again; and finding somebody under the latter,
// take that one for whom it has created.
func (d *Directory) settled(ctx context.Context, userName string) error {
	pending, err := d.pending(ctx, userNameKey(userName))
	if err != nil || pending == nil {
		return err
	}
	return d.unsettledYet(ctx, pending.row.Key, "the creation of the user is not settled yet; repeat the request")
}

// dropCreation forgets what the journal may still have to create under the name of a user who is deleted.
func (d *Directory) dropCreation(ctx context.Context, h *hold, userName string) error {
	key := userNameKey(userName)
	pending, err := d.pending(ctx, key)
	if err != nil || pending == nil {
		return err
	}
	if err := h.add(ctx, d, key); err != nil {
		return err
	}
	if pending, err = d.pending(ctx, key); err != nil {
		return err
	}
	return d.drop(ctx, pending)
}
