package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// link is a way to sign in as a user. It is in plans and in the journal.
type link struct {
	cognito.External
	Search  string `json:",omitempty"` // the pool attribute that federated profiles hold Value in; "": Value is in their Username
	Must    bool   `json:",omitempty"` // the change fails without it; otherwise that is noted
	Moved   bool   `json:",omitempty"` // the user is linked to the same provider otherwise
	Replace bool   `json:",omitempty"` // a federated profile in its way is deleted
	Seen    bool   `json:",omitempty"` // the mirror shows it: it is only made when the pool does not
}

// same reports whether two links recognise the same person; nil is nobody.
func (l *link) same(other *link) bool {
	if l == nil || other == nil {
		return l == other
	}
	return l.External == other.External
}

// among reports whether the link is one of a user's identities. A link that is not by subject shows the subject of whoever
// has signed in by it, so that any of the provider's may be it.
func (l link) among(identities []cognito.Identity) bool {
	return slices.ContainsFunc(identities, func(i cognito.Identity) bool {
		return l.shownAs(i) || i.Provider == l.Provider && l.Attribute != cognito.Subject && !l.Moved
	})
}

// outdated reports identities at the link's provider that are another subject's: another connection has changed the subject,
// or another attribute held it. Whether Cognito keeps the case of a subject in a pool that folds names is not known.
func (l link) outdated(identities []cognito.Identity) bool {
	return l.Attribute == cognito.Subject && slices.ContainsFunc(identities, func(i cognito.Identity) bool {
		return i.Provider == l.Provider && !sameName(i.Subject, l.Value)
	})
}

// shownAs reports whether an identity shows the very person that the link names.
func (l link) shownAs(i cognito.Identity) bool {
	return i.Provider == l.Provider && i.Subject == l.Value
}

// profileName is the Username of the federated profile that Cognito makes of somebody who is not linked.
func (l link) profileName() string { return l.Provider + "_" + l.Value }

// linkChange is what a change does about the ways to sign in as a user.
type linkChange struct {
	Link   []link `json:"link,omitempty"`   // to make
	Unlink []link `json:"unlink,omitempty"` // the user's only links at their providers: all others there go, with their sessions
	Stop   []link `json:"stop,omitempty"`   // whose federated profiles are disabled and signed out
}

// linksOf is what a change from is to want does about the user's links, given the pool's identities of the user and what
// the journal still holds for it.
func (f *Federation) linksOf(user cognito.User, is, want schemas.Resource, said status, pending *entry) linkChange {
	left := pending.links()
	left.Stop = slices.Clone(left.Stop)
	if f == nil {
		return left
	}
	others := func(l link) bool { return l.Provider == f.provider }
	was, wants := f.person(is), f.person(want)
	moved := was != nil && !was.same(wants)
	change := linkChange{
		Link: slices.DeleteFunc(slices.Clone(left.Link), others), Unlink: slices.DeleteFunc(slices.Clone(left.Unlink), others),
		Stop: left.Stop,
	}
	if wants == nil {
		return change
	}
	l := *wants
	l.Moved = moved
	switch known := l.among(user.Identities); {
	case known && said == saysInactive:
		// Others may have taken it away: the leaver's next sign-in would make a new profile, which nobody stops.
		l.Seen = true
		change.Link = append(change.Link, l)
	case !known:
		letIn := said == saysActive && !user.Enabled
		// A change of subject that is repeated, the first attempt being still in the journal, can be a conflict all the same.
		repeats := slices.ContainsFunc(left.Link, func(each link) bool { return each.Must && each.same(wants) }) && !pending.creates()
		l.Must = said != saysInactive && (moved || letIn || repeats)
		change.Link = append(change.Link, l)
	}
	unsure := func(l link) bool { return others(l) && !l.same(wants) }
	if moved || l.outdated(user.Identities) || slices.ContainsFunc(left.Link, unsure) || slices.ContainsFunc(left.Unlink, others) {
		change.Unlink = append(change.Unlink, *wants)
	}
	if moved {
		change.stop(*was)
	}
	return change
}

// follow has the user's links at the provider of another connection follow a change of who the user is there: by the former
// subject somebody else may come one day, and that connection need not push the change itself.
func (c *linkChange) follow(f *Federation, user cognito.User, is, want schemas.Resource) {
	at := func(l link) bool { return l.Provider == f.provider }
	was, wants := f.person(is), f.person(want)
	linked := slices.ContainsFunc(user.Identities, func(i cognito.Identity) bool { return i.Provider == f.provider })
	if was == nil || was.same(wants) || !linked && !slices.ContainsFunc(c.Link, at) {
		return
	}
	c.Link, c.Unlink = slices.DeleteFunc(slices.Clone(c.Link), at), slices.DeleteFunc(slices.Clone(c.Unlink), at)
	stays := f.form // nobody's
	if wants != nil {
		stays = *wants
		stays.Moved = true
		if !stays.among(user.Identities) {
			c.Link = append(c.Link, stays)
		}
	}
	c.Unlink = append(c.Unlink, stays)
	c.stop(*was)
}

func (c *linkChange) stop(links ...link) {
	for _, l := range links {
		if !slices.ContainsFunc(c.Stop, func(each link) bool { return each.same(&l) }) {
			c.Stop = append(c.Stop, l)
		}
	}
}

// links is what a pending entry has left to do about links.
func (e *entry) links() linkChange {
	if e == nil || e.want.User == nil {
		return linkChange{}
	}
	return e.want.User.linkChange
}

// withLinks adds to a planned change what it does about the user's links. A change that was refused, but for the
// deactivation, leaves them as they are, and makes none to an account that it has not adopted.
func (c *Connection) withLinks(ctx context.Context, op *operation, doc store.Doc, user standing, pending *entry, is, want schemas.Resource, said status, refused error) (Plan, error) {
	if refused != nil {
		want = is
	}
	change := c.cfg.Federation.linksOf(user.User, is, want, said, pending)
	for _, f := range c.dir.federations.each() {
		if own := c.cfg.Federation; own == nil || f.provider != own.provider {
			change.follow(f, user.User, is, want)
		}
	}
	if user.adopt && refused != nil {
		change = linkChange{Stop: slices.Clone(change.Stop)}
	}
	if said == saysInactive {
		change.stop(c.dir.beside(want)...)
	}
	var err error
	if change.Link, err = c.dir.worthwhile(ctx, op, change.Link); err != nil {
		return nil, err
	}
	return op.plan.linking(doc.PoolName, change), nil
}

// left is what remains to be done about the links of a user whom the pool shows like this.
func (u *desiredUser) left(user cognito.User) linkChange {
	c := u.linkChange
	if u.Depart && u.unfinished(user) {
		return c // to be made when all others are taken away
	}
	c.Link = slices.DeleteFunc(slices.Clone(c.Link), func(l link) bool { return l.among(user.Identities) })
	return c
}

// linking adds what c does to a plan for a user. Who leaves is stopped with all federated profiles first; links are made before
// the profile changes, so that a conflict changes nothing, and after a creation, or what takes former links away; what must not
// lead to the user any more is unlinked, and stopped, before the user is let in.
func (p Plan) linking(username string, c linkChange) Plan {
	var plan, stops Plan
	leaving := len(p) > 0 && p[0].Op == DisableUser
	for len(p) > 0 && (p[0].leads() || len(c.Link) > 0 && p.has(LeaveGroups)) {
		plan, p = append(plan, p[0]), p[1:]
	}
	for _, l := range c.Stop {
		if s, possible := stopStep(username, l); possible {
			stops = append(stops, s)
		}
	}
	if leaving {
		plan, stops = append(plan, stops...), nil
	}
	for _, l := range c.Link {
		plan = append(plan, Step{Op: LinkUser, User: username, Link: &l})
	}
	last := len(p)
	if last > 0 && p[last-1].Op == EnableUser {
		last--
	}
	plan = append(plan, p[:last]...)
	for _, l := range c.Unlink {
		plan = append(plan, Step{Op: UnlinkUser, User: username, Link: &l})
	}
	plan = append(plan, stops...)
	return append(plan, p[last:]...)
}

// leads reports a step that comes before all about links: until it is made nobody can be linked, or the user is still in, or
// the account is still its maker's.
func (s Step) leads() bool {
	return s.Op == CreateUser || s.Op == DisableUser || s.Op == SignOut || s.secret.temporary
}

// stopStep looks for federated profiles and stops them; impossible when Cognito could not have one, or cannot look for it.
func stopStep(username string, l link) (Step, bool) {
	switch {
	case l.Search == "":
		return Step{Op: StopProfile, User: username, Link: &l}, legalUsername(l.profileName())
	case slices.Contains(listable, l.Search):
		return Step{Op: StopProfiles, User: username, Link: &l}, true
	}
	return Step{}, false
}

// listable are the attributes, of those that a provider can map, by which Cognito searches (reference of ListUsers).
var listable = []string{"email", "phone_number", "name", "given_name", "family_name", "preferred_username"}

// identitiesText is how the mirror keeps a user's identities, and textIdentities reads it.
func identitiesText(identities []cognito.Identity) string {
	if len(identities) == 0 {
		return ""
	}
	text, err := json.Marshal(identities)
	if err != nil {
		panic(fmt.Errorf("encoding identities: %w", err)) // texts only: cannot happen
	}
	return string(text)
}

func textIdentities(text string) ([]cognito.Identity, error) {
	var identities []cognito.Identity
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &identities); err != nil {
		return nil, internal(fmt.Errorf("the mirror's links of a user cannot be read: %w", err))
	}
	return identities, nil
}
