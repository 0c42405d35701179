package bridge

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// Somebody who signs in through an identity provider without being linked gets a federated profile of their own from
// Cognito, <provider>_<subject>. It is not SCIM's to show, but it stands in the way of links, and whoever must not sign in
// must not do so by it, either.

// inTheWay is the conflict of a link with a federated profile.
func inTheWay(l link, profile string, err error) error {
	return &Error{Kind: Exists, Err: asText(err), Detail: fmt.Sprintf("this person has signed in through %s before, and Amazon Cognito keeps a federated profile of them, "+
		"%s, which cannot be linked any more: delete it (aws cognito-idp admin-delete-user --user-pool-id POOL_ID --username %s), or have federation.replaceProfile set, "+
		"and repeat the request; what applications keep under the profile's sub is lost", l.Provider, profile, shellWord(profile))}
}

// shellWord is a text as one word of a shell's command. People may choose their names at the identity provider, and
// operators paste commands.
func shellWord(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

var plainWord = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// replace deletes federated profiles that are in the way of a link.
func (d *Directory) replace(ctx context.Context, op *operation, profiles []cognito.User) error {
	for _, p := range profiles {
		if err := d.pool.DeleteUser(ctx, p.Username); err != nil && cognito.KindOf(err) != cognito.NotFound {
			return err
		}
		op.note("the federated profile %s, sub %s, was deleted: federation.replaceProfile", p.Username, p.Sub)
		if err := d.forget(ctx, store.User, p.Sub); err != nil {
			return err
		}
	}
	return nil
}

// profiles reads the federated profiles that the person of a link has, consistently if the link is by subject. What else
// bears such a name is left alone.
func (d *Directory) profiles(ctx context.Context, l link) ([]cognito.User, error) {
	var found []cognito.User
	var err error
	requested, lag := d.now(), time.Duration(0)
	name := d.style.fold(l.profileName())
	switch {
	case l.Search == "" && legalUsername(name):
		var u cognito.User
		if u, err = d.pool.User(ctx, name); err == nil && u.Username == name {
			found = append(found, u)
		}
	case slices.Contains(listable, l.Search):
		lag = d.cfg.Lag
		found, err = d.pool.FindUsers(ctx, l.Search, l.Value)
		found = slices.DeleteFunc(found, func(u cognito.User) bool { return u.Attributes[l.Search] != l.Value })
	}
	if kind := cognito.KindOf(err); err != nil && kind != cognito.NotFound && kind != cognito.Invalid { // Invalid: Cognito cannot have it
		return nil, err
	}
	found = slices.DeleteFunc(found, func(u cognito.User) bool {
		return !isProfile(u) || !strings.HasPrefix(fold(u.Username), fold(l.Provider+"_"))
	})
	docs := make([]store.Doc, len(found))
	for i, u := range found {
		docs[i] = d.userDoc(u)
	}
	return found, d.observeWithin(ctx, requested, lag, docs...)
}

// isProfile reports a federated profile, which Cognito has made of somebody who signed in without being linked: it is
// named after its provider and subject. A user of the pool whom a linked person's sign-in has turned external is none.
func isProfile(u cognito.User) bool {
	return u.Status == "EXTERNAL_PROVIDER" && (len(u.Identities) == 0 || slices.ContainsFunc(u.Identities, func(i cognito.Identity) bool {
		return sameName(u.Username, i.Provider+"_"+i.Subject)
	}))
}

// profileKnown reports whether the mirror has the federated profile that would be in the way of a link by subject.
func (d *Directory) profileKnown(ctx context.Context, l link) (bool, error) {
	if l.Search != "" || l.Replace {
		return false, nil
	}
	doc, err := d.mirror.ByPoolName(ctx, store.User, d.style.fold(l.profileName()))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && doc.State == store.Hidden, internal(err)
}

// unprofiled refuses links that a federated profile is in the way of, before anything is created. One that the mirror
// knows is read again: somebody may have followed the advice to delete it.
func (d *Directory) unprofiled(ctx context.Context, links []link) error {
	for _, l := range links {
		known, err := d.profileKnown(ctx, l)
		if err != nil || !known {
			return err
		}
		profiles, err := d.profiles(ctx, l)
		if err != nil {
			return fromCognito(err)
		}
		if len(profiles) > 0 {
			return inTheWay(l, profiles[0].Username, nil)
		}
	}
	return nil
}

// worthwhile leaves links out that need not be and cannot, as the mirror knows: a change that is about something else makes
// no call for them.
func (d *Directory) worthwhile(ctx context.Context, op *operation, links []link) ([]link, error) {
	var kept []link
	for _, l := range links {
		known, err := d.profileKnown(ctx, l)
		switch {
		case err != nil:
			return nil, err
		case known && !l.Must:
			op.note("not linked to %s: the federated profile %s is in the way", l.Provider, l.profileName())
		default:
			kept = append(kept, l)
		}
	}
	return kept, nil
}

// beside are the links of the federated profiles that the person behind r may have beside the user, at each provider:
// whoever leaves is to be out by all of them, whichever connection says so.
func (d *Directory) beside(r schemas.Resource) []link {
	var links []link
	for _, f := range d.federations.each() {
		if l := f.person(r); l != nil {
			links = append(links, *l)
		}
	}
	return links
}

// stopProfiles keeps people from signing in by the federated profiles that they have beside the user.
func (d *Directory) stopProfiles(ctx context.Context, op *operation, l link) error {
	ctx = cognito.WithPriority(ctx, cognito.Deprovision)
	profiles, err := d.profiles(ctx, l)
	if err != nil {
		return err
	}
	for _, p := range profiles {
		if err := errors.Join(d.pool.DisableUser(ctx, p.Username), d.pool.SignOut(ctx, p.Username)); err != nil && cognito.KindOf(err) != cognito.NotFound {
			return err
		}
		p.Enabled = false
		if _, err := d.remember(ctx, d.userDoc(p)); err != nil {
			return err
		}
		op.note("the federated profile %s was disabled and signed out", p.Username)
	}
	return nil
}

// stopAll is stopProfiles for several links.
func (d *Directory) stopAll(ctx context.Context, op *operation, links []link) error {
	for _, l := range links {
		if err := d.stopProfiles(ctx, op, l); err != nil {
			return err
		}
	}
	return nil
}

// farewell is the journal's entry of a user's deletion, before which the federated profiles that people have beside the
// user are stopped. The user's own links go with the user.
func (c *Connection) farewell(ctx context.Context, doc store.Doc) (*entry, error) {
	r, err := resource(doc)
	if err != nil {
		return nil, err
	}
	pending, err := c.dir.pending(ctx, userKey(doc.ID))
	if err != nil {
		return nil, err
	}
	e := deletionOf(doc)
	e.want.User.Stop = pending.links().Stop
	e.want.User.stop(c.dir.beside(r)...)
	return e, nil
}
