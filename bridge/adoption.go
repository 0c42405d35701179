package bridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// Users and groups that were in the pool before SCIM carry no marker of ours. Which of them are SCIM's to show and to
// change is said here; docs/adoption.md says what that means for security.

// Adoption says which of the users that SCIM did not make are its own to change. The first write marks one as managed.
// Profiles that Cognito made for an identity provider's users never are.
type Adoption uint8

// The policies. AdoptByPool is AdoptMatches where only administrators can create users, and AdoptNone where people can
// sign up themselves.
const (
	AdoptByPool  Adoption = iota
	AdoptNone             // only managed users exist for SCIM
	AdoptMatches          // another is found by userName, or by a verified e-mail address, if it is the only one
	AdoptAll              // everybody is listed
)

// EveryGroup in DirectoryConfig.AdoptGroups stands for every group without an IAM role. It is no group's name: Cognito
// allows it, but nobody could tell which is meant.
const EveryGroup = "*"

// adoption is the policy of a directory.
type adoption struct {
	users    Adoption // never AdoptByPool
	takeOver bool     // accounts may be their makers': see planAdoption
	groups   []string // GroupNames in order, EveryGroup among them
}

// adoptionOf reads the policy for a pool. Its error is for the operator.
func adoptionOf(info cognito.Info, cfg DirectoryConfig) (adoption, error) {
	a := adoption{users: cfg.Adoption, takeOver: info.SelfSignUp || cfg.AdoptSelfSignedUp, groups: slices.Clone(cfg.AdoptGroups)}
	slices.Sort(a.groups)
	a.groups = slices.Compact(a.groups)
	switch {
	case a.users == AdoptByPool && info.SelfSignUp:
		a.users = AdoptNone
	case a.users == AdoptByPool:
		a.users = AdoptMatches
	}
	switch {
	case a.users == AdoptNone:
		return a, nil
	case info.SelfSignUp && !cfg.AdoptSelfSignedUp:
		return a, fmt.Errorf("pool %s lets people sign up themselves, so that anybody can make the account which an identity provider then takes for somebody else's: "+
			`set adoption to "none", or set adoptSelfSignedUp to true, which has adoption replace the account's password and end its sessions`, info.ID)
	case a.takeOver && info.Passkeys:
		return a, fmt.Errorf("pool %s lets people sign in with passkeys, which adoption cannot take away from whoever made the account: "+
			`set adoption to "none", or turn passkeys off`, info.ID)
	}
	return a, nil
}

// policy is all of the configuration that decides which rows are listed, and what they show, as a text that compares.
func (d *Directory) policy() string {
	text := fmt.Sprintf("adoption=%d adoptGroups=%q", d.adoption.users, d.adoption.groups)
	if d.adoption.takeOver {
		text += fmt.Sprintf(" hides=%q", d.granting)
	}
	return text
}

// userState says who may see a user of the pool.
func (a adoption) userState(u cognito.User) store.State {
	_, deleted := schemas.TombstoneOf(u.Attributes)
	switch {
	case deleted:
		return store.Tombstone
	case schemas.Marked(u.Attributes) || a.users == AdoptAll && !federated(u):
		return store.Listed
	}
	return store.Hidden
}

// federated reports a profile that Cognito made when somebody first signed in through an identity provider.
func federated(u cognito.User) bool { return isProfile(u) && !schemas.Marked(u.Attributes) }

// groupState says who may see a group of the pool. Cognito's own groups of an identity provider's users are never SCIM's;
// those with an IAM role, membership in which hands out AWS permissions, only by name.
func (d *Directory) groupState(g cognito.Group, managed bool) store.State {
	named := slices.Contains(d.adoption.groups, g.Name) && g.Name != EveryGroup
	switch {
	case strings.HasPrefix(g.Name, d.poolID+"_"):
		return store.Hidden
	case named, g.RoleARN == "" && (managed || slices.Contains(d.adoption.groups, EveryGroup)):
		return store.Listed
	}
	return store.Hidden
}

// shown are the attributes of a user in the pool as far as SCIM sees them: the mapping's, and of a user who is not managed
// no e-mail address that nobody has verified. People give any address they like, and identity providers match by it. Where the
// account may be its maker's, what grants memberships is not shown either: an identity provider that sends it back would
// make it its own word.
func (d *Directory) shown(u cognito.User) map[string]string {
	attributes := map[string]string{}
	for _, name := range slices.Concat(d.mapping.Cognito(), schemas.OverflowNames()) {
		if v, ok := u.Attributes[name]; ok {
			attributes[name] = v
		}
	}
	if schemas.Marked(u.Attributes) {
		return attributes
	}
	if u.Attributes["email_verified"] != "true" {
		delete(attributes, "email")
	}
	if d.adoption.takeOver {
		for _, name := range slices.Concat(d.granting, schemas.OverflowNames()) {
			delete(attributes, name)
		}
	}
	return attributes
}

// offers reports whether adoption offers a user to identity providers that look for it.
func (d *Directory) offers(u cognito.User) bool {
	return d.adoption.users != AdoptNone && !schemas.Marked(u.Attributes) && !federated(u)
}

// mayOffer reports whether a look-up that the mirror answers with nobody may find somebody whom adoption offers. Who is in
// the pool under a Username, a mirror that was swept a moment ago knows.
func (d *Directory) mayOffer(ctx context.Context, attribute, value string) (bool, error) {
	if d.adoption.users == AdoptNone || attribute != "username" {
		return d.adoption.users != AdoptNone && attribute == "email", nil // of any type: nobody has said of which it is
	}
	doc, err := d.mirror.ByPoolName(ctx, store.User, value)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return doc.State == store.Hidden, internal(err)
}

// offered is the row of the one user among found, the pool's answer to a search, that adoption offers for a value; nil for
// none, or several. An e-mail address counts where it is verified, and whoever else has verified it makes it ambiguous, unless
// SCIM has deleted them.
func (d *Directory) offered(ctx context.Context, found []cognito.User, attribute, value string) (*store.Doc, error) {
	var hits []cognito.User
	var row store.Doc
	for _, u := range found {
		var same bool
		switch attribute {
		case "username":
			same = sameName(u.Username, value)
		case "email":
			same = sameName(u.Attributes["email"], value) && u.Attributes["email_verified"] == "true" && !federated(u)
		case "sub":
			same = u.Sub == value
		}
		if !same {
			continue
		}
		doc, err := d.mirror.Get(ctx, store.User, u.Sub)
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil && doc.State == store.Tombstone:
			continue // deleted by us, which the pool's lists may not show yet
		case err == nil && doc.Managed && doc.State == store.Listed && attribute != "sub" && !schemas.Marked(u.Attributes):
			continue // adopted, and called otherwise by now, which they do not show either
		case err != nil:
			return nil, internal(err)
		}
		hits, row = append(hits, u), doc
	}
	if len(hits) != 1 {
		return nil, nil
	}
	// Managed in the pool and hidden in the mirror is who is being adopted by a call whose reply was lost.
	adopted := row.State == store.Hidden && d.adoption.userState(hits[0]) == store.Listed
	if !adopted && !d.offers(hits[0]) {
		return nil, nil
	}
	return &row, nil
}

// standing is a user whom a request is about to change.
type standing struct {
	cognito.User
	have  map[string]string // the attributes as far as SCIM has shown them
	adopt bool              // the user is not managed yet
}

// standing returns the user behind a row. Where the row does not tell all that is in the pool, which is where adoption
// begins, a consistent read does: safety is never decided by the mirror.
func (d *Directory) standing(ctx context.Context, doc store.Doc) (standing, error) {
	if doc.Managed {
		user, err := d.poolUser(doc)
		return standing{User: user, have: user.Attributes}, err
	}
	user, err := d.pool.User(ctx, doc.PoolName)
	if err != nil {
		return standing{}, err
	}
	if _, deleted := schemas.TombstoneOf(user.Attributes); deleted || federated(user) || user.Sub != doc.ID {
		return standing{}, errors.Join(notFound("User", doc.ID), d.observeWithin(ctx, d.now(), 0, d.userDoc(user)))
	}
	return standing{User: user, have: d.shown(user), adopt: !schemas.Marked(user.Attributes)}, nil
}

// refuses says why a user cannot be adopted as want, whose userName becomes its own as long as h lasts; nil when it can.
func (c *Connection) refuses(ctx context.Context, h *hold, s standing, pending *entry, is, want schemas.Resource) error {
	d, to := c.dir, want.String("userName")
	ours := c.cfg.Federation.person(want)
	// Where links are not by subject, one by which somebody has signed in does not tell whose it is: it may be the maker's. One
	// that an adoption has made, which was not finished, is taken away if it is another than is wanted now.
	foreign := func(i cognito.Identity) bool {
		begun := slices.ContainsFunc(pending.links().Link, func(l link) bool { return l.shownAs(i) })
		return ours == nil || !ours.shownAs(i) && !begun
	}
	switch {
	case d.exposed.Load():
		return &Error{Kind: Exists, Detail: "the user was not made through SCIM, and the user pool lets people sign up themselves since the SCIM server was started: " +
			"its operator must acknowledge that (connections[].adoptSelfSignedUp) before accounts are adopted"}
	case d.adoption.takeOver && slices.ContainsFunc(s.Identities, foreign):
		return &Error{Kind: Exists, Detail: "the user was not made through SCIM and is linked to a sign-in at an identity provider, " +
			"which adoption would leave to whoever holds it: unlink it (AdminDisableProviderForUser), or delete the user"}
	case !sameName(is.String("userName"), to):
		return nil // claimed already, as a rename
	}
	if err := h.add(ctx, d, userNameKey(to)); err != nil {
		return err
	}
	return d.free(ctx, to, s.Sub)
}

// planAdoption makes the plan of a user's first write one that adopts. In a pool in which people make accounts themselves it
// takes the account over.
func (c *Connection) planAdoption(plan Plan, s standing, want map[string]string, userName string) Plan {
	if !c.dir.adoption.takeOver {
		return plan
	}
	u := desiredUserOf(plan)
	u.TakeOver, u.Set = true, c.takenOver(s.User, want)
	// The identity provider may only have sent back the address that the account's maker has verified, and could recover the
	// account by. As a userName it is its own word.
	if email := want["email"]; email != "" && sameName(email, s.Attributes["email"]) && !sameName(email, userName) {
		u.Set["email_verified"] = "false"
	}
	return u.steps()
}

// unvouched keeps an address unverified that the pending entry was to leave so, by an adoption: whether that was done is not
// known, and a newer request that only repeats the address sends it again.
func (e *entry) unvouched(plan Plan) {
	if e == nil || e.want.User == nil || e.entombs() || e.want.User.Set["email_verified"] != "false" {
		return
	}
	for _, s := range plan {
		if s.Op == UpdateUser && s.Set["email"] == e.want.User.Set["email"] && s.Set["email"] != "" {
			s.Set["email_verified"] = "false"
		}
	}
}

// takenOver are the attributes of an account that is taken over: all that SCIM maps, wanted or unset, so that nothing
// survives that somebody else has written or verified. The account's maker may still write while it is read, so that what
// does not seem to be there is unset, too, unless the pool demands it.
func (c *Connection) takenOver(user cognito.User, want map[string]string) map[string]string {
	set := map[string]string{}
	for _, name := range slices.Concat(c.dir.mapping.Cognito(), schemas.OverflowNames()) {
		if want[name] != "" || user.Attributes[name] != "" || !c.dir.pool.Info().Attributes[name].Required || name == "email" || name == "phone_number" {
			set[name] = want[name]
		}
	}
	if set["phone_number"] != "" {
		set["phone_number_verified"] = "false"
	}
	return c.vouches.mark(set)
}

// joining is the user with the id, who is about to become a member of a group. One who is not managed is adopted first:
// rights are given to nobody whose account may be another's. store.ErrNotFound when mirror and pool know none, or none that
// can be adopted.
func (c *Connection) joining(ctx context.Context, op *operation, id string) (store.Doc, error) {
	d := c.dir
	doc, err := d.userByID(ctx, id)
	missing := errors.Is(err, store.ErrNotFound)
	trusted := !d.adoption.takeOver && !d.exposed.Load() && !d.stale.Load()
	if err != nil && !missing || err == nil && (doc.Managed || trusted) || missing && d.adoption.users == AdoptNone {
		return doc, err
	}
	ctx = WithRequest(ctx, Request{ID: requestOf(ctx).ID}) // its precondition is the group's
	doc, err = c.changeUser(ctx, id, "adopt", func(is schemas.Resource) (schemas.Resource, status, error) {
		return maps.Clone(is), unsaid, nil
	})
	var mine *Error
	if !errors.As(err, &mine) || mine.Kind != NotFound && mine.Kind != Exists {
		return doc, err
	}
	if mine.Kind == Exists {
		op.note("user %s could not be adopted", id)
	}
	return store.Doc{}, store.ErrNotFound
}

// unlisted says why a new user's name is taken by somebody whom SCIM does not list.
func (d *Directory) unlisted() error {
	const detail = "the user pool has a user of this name, or with this sign-in name, that was not made through SCIM"
	if d.adoption.users == AdoptNone {
		return &Error{Kind: Exists, Detail: detail + ", and adoption is off for this pool: delete that user, choose another userName, or let the SCIM server adopt users (connections[].adoption)"}
	}
	return &Error{Kind: Exists, Detail: detail + ": look it up by its userName or address and change it (PUT or PATCH), which adopts it, unless it is a profile of an identity provider's user"}
}

// signUps notes what the pool says of itself now: one that was opened to everybody meanwhile has no accounts adopted from
// then on, unless that was acknowledged.
func (d *Directory) signUps(info cognito.Info) {
	exposed := info.SelfSignUp && !d.cfg.AdoptSelfSignedUp && d.adoption.users != AdoptNone
	if d.exposed.Swap(exposed) != exposed {
		d.log.Warn("whether people can sign up themselves has changed", "self_sign_up", info.SelfSignUp, "adopts", !exposed)
	}
}
