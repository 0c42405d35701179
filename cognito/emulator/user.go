package emulator

import (
	"cmp"
	"strings"
	"time"
)

// UserStatus values of the model that occur without self-service sign-up.
const (
	confirmed           = "CONFIRMED"
	externalProvider    = "EXTERNAL_PROVIDER"
	resetRequired       = "RESET_REQUIRED"
	forceChangePassword = "FORCE_CHANGE_PASSWORD"
)

// record is one version of a user's profile. It is never changed: a write makes a new one, so that searches can go on seeing the old.
type record struct {
	attrs    attrs
	status   string
	enabled  bool
	modified epoch
}

// user is one profile of a pool.
type user struct {
	seq      uint64 // by order of creation
	username string // as the pool returns it
	sub      string
	created  epoch
	now      *record       // what administrative calls see
	seen     *record       // what searches see: the same, or what it was one Lag ago; nil before the first and after the last sight
	secret   *credentials  // nil when the user cannot sign in by password
	member   []*membership // by group name
	sessions []*session
	links    []*link
	profile  *identity // of a federated profile: who it is at its provider
}

// view is a version of a user, picked under the pool's lock and rendered after it.
type view struct {
	*user
	*record
}

// userOutput is the model's UserType.
type userOutput struct {
	Username             string
	Attributes           []attributeInput
	UserCreateDate       epoch
	UserLastModifiedDate epoch
	Enabled              bool
	UserStatus           string
}

func (v view) output() userOutput {
	return userOutput{v.username, v.attributes(), v.created, v.modified, v.enabled, v.status}
}

func (v view) attributes() []attributeInput {
	list := make([]attributeInput, 0, len(v.attrs)+1)
	list = append(list, attributeInput{"sub", v.sub})
	for _, a := range v.attrs {
		list = append(list, attributeInput{a.name, a.value})
	}
	return list
}

func outputs(views []view) []userOutput {
	list := make([]userOutput, len(views))
	for i, v := range views {
		list[i] = v.output()
	}
	return list
}

// newUser adds a user to the pool; the caller has made sure that no name of it is taken.
func (p *pool) newUser(username, sub string, r *record, now time.Time) *user {
	p.nextSeq++
	u := &user{seq: p.nextSeq, username: username, sub: sub, created: r.modified}
	p.users[username] = u
	p.subs[sub] = u
	p.change(u, r, now)
	return u
}

// change makes r the user's current version, moves its aliases, and lets searches see it when the lag has passed.
func (p *pool) change(u *user, r *record, now time.Time) {
	old := p.claims(u.now)
	u.now = r
	claims := p.claims(r)
	for _, key := range old {
		if p.aliases[key] == u {
			delete(p.aliases, key)
		}
	}
	for _, key := range claims {
		if p.aliases[key] == nil { // callers have looked for conflicts; whoever holds an alias keeps it
			p.aliases[key] = u
		}
	}
	p.later(now, func() { p.search.show(u, r) })
}

// dropUser removes a user with its memberships and names.
func (p *pool) dropUser(u *user, now time.Time) {
	for _, m := range u.member {
		if m.live {
			p.leave(m, now)
		}
	}
	p.change(u, nil, now)
	delete(p.users, u.username)
	delete(p.subs, u.sub)
	for _, s := range u.sessions {
		p.forget(s)
	}
	for _, l := range u.links {
		p.untieLink(l)
	}
}

// find resolves what admin operations take as a username: the username, the sub or an active alias, in this order.
func (p *pool) find(name string) (*user, error) {
	name = p.fold(name)
	for _, u := range []*user{p.users[name], p.subs[name]} {
		if u != nil {
			return u, nil
		}
	}
	for _, attribute := range p.signIn {
		if u := p.aliases[claim{attribute, name}]; u != nil {
			return u, nil
		}
	}
	return nil, userNotFound()
}

// claim is an alias in use: an attribute that people sign in with, and a value folded as the pool's case sensitivity asks.
type claim struct{ attribute, value string }

// claims lists the aliases that a version of a user holds. In pools that use e-mail or phone as username these count from the start;
// as alias attributes they count once verified, and preferred_username at once. Federated profiles hold none: nobody signs in to
// them by name.
func (p *pool) claims(r *record) []claim {
	if r == nil || r.status == externalProvider {
		return nil
	}
	var list []claim
	for _, name := range p.signIn {
		value, ok := r.attrs.find(name)
		if !ok {
			continue
		}
		if !p.usernameIsAlias() && name != "preferred_username" && r.attrs.get(name+"_verified") != "true" {
			continue
		}
		list = append(list, claim{name, p.fold(value)})
	}
	return list
}

// conflict is an alias that somebody else holds.
type conflict struct {
	claim
	holder *user
}

// conflicts lists the aliases of r that somebody other than u holds. A preferred_username must not be another user's username either.
func (p *pool) conflicts(u *user, r *record) []conflict {
	var list []conflict
	for _, key := range p.claims(r) {
		if other := p.aliases[key]; other != nil && other != u {
			list = append(list, conflict{key, other})
		} else if other := p.users[key.value]; key.attribute == "preferred_username" && other != nil && other != u {
			list = append(list, conflict{key, other})
		}
	}
	return list
}

// makeRoom lets u, who may be new, have the aliases of r. Others keep theirs, which is an error of this code, unless they are forced to
// give up a verified e-mail or phone number; their value stays, unverified.
func (p *pool) makeRoom(u *user, r *record, force bool, code string, now time.Time) error {
	list := p.conflicts(u, r)
	for _, c := range list {
		if !force || p.usernameIsAlias() || c.attribute == "preferred_username" {
			return clientError(code, "An account with the given %s already exists.", c.attribute)
		}
	}
	for _, c := range list {
		lost := *c.holder.now
		lost.attrs, lost.modified = lost.attrs.with(p.schema.byName[c.attribute+"_verified"], "false"), epochOf(now)
		p.change(c.holder, &lost, now)
	}
	return nil
}

// setStatus changes a user's status.
func (p *pool) setStatus(u *user, status string, now time.Time) {
	r := *u.now
	r.status, r.modified = status, epochOf(now)
	p.change(u, &r, now)
}

// fold gives a name or alias the form in which the pool keeps it: lower case, if it is not case-sensitive.
func (p *pool) fold(s string) string {
	if p.caseSensitive {
		return s
	}
	return strings.ToLower(s)
}

func byGroupName(m *membership, name string) int { return cmp.Compare(m.group.name, name) }
