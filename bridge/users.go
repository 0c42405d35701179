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
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
	"github.com/scim-cognito/scim-cognito/store"
)

// CreateUser creates the user in the pool, without an invitation and without a password of the identity provider's
// choosing, and returns its row.
func (c *Connection) CreateUser(ctx context.Context, r schemas.Resource) (doc store.Doc, err error) {
	op := c.begin(ctx, "create", store.User)
	defer func() { op.end(ctx, doc.ID, err) }()
	userName := r.String("userName")
	if err := c.dir.style.wellFormed(userName); err != nil {
		return store.Doc{}, err
	}
	links, err := c.cfg.Federation.newcomer(r)
	if err != nil {
		return store.Doc{}, err
	}
	hold, err := c.dir.hold(ctx, userNameKey(userName))
	if err != nil {
		return store.Doc{}, err
	}
	defer hold.end()
	if err := c.recall(ctx, op, store.User, r); err != nil {
		return store.Doc{}, err
	}
	defer func() { err = c.kept(ctx, store.User, r, err) }()
	if err := c.dir.finish(ctx, userNameKey(userName), hold); err != nil {
		return store.Doc{}, err
	}
	if doc, err := c.taken(ctx, op, store.User, "userName", userName, r); err != nil {
		return doc, err
	} else if doc.ID != "" {
		return c.completeUser(ctx, op, doc, r, hold)
	}
	if err := c.dir.known(userName); err != nil {
		return store.Doc{}, err
	}
	if err := c.dir.notAnID(ctx, userName, ""); err != nil {
		return store.Doc{}, err
	}
	if err := c.dir.unprofiled(ctx, links); err != nil {
		return store.Doc{}, err
	}
	if doc, err := c.revive(ctx, op, r, links, hold); err != nil || doc.ID != "" {
		return doc, err
	}
	if err := c.promise(ctx, op, store.User, r); err != nil {
		return store.Doc{}, err
	}
	for n := 1; ; n++ {
		doc, err = c.createNth(ctx, op, n, r, links, hold)
		if err != errNameFreed {
			return doc, err
		}
		if n == maxNumbered {
			return store.Doc{}, &Error{Kind: Exists, Detail: "all Cognito usernames that could stand for this userName are taken"}
		}
	}
}

// errNameFreed says that the Username belongs to somebody whose userName is another by now.
var errNameFreed = errors.New("the Username is held by a user of another userName")

// maxNumbered bounds the search for a free Username or GroupName.
const maxNumbered = 20

// numbered is the nth name to try: name, name_2, name_3.
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	return fmt.Sprintf("%s_%d", name, n)
}

// createNth creates the user under the nth Username that can stand for the userName.
func (c *Connection) createNth(ctx context.Context, op *operation, n int, r schemas.Resource, links []link, hold *hold) (store.Doc, error) {
	d := c.dir
	attributes, _ := d.mapping.ToCognito(r, "")
	username, err := d.style.username(r.String("userName"), n, c.vouches.mark(attributes))
	if err != nil {
		return store.Doc{}, err
	}
	want, err := c.toCognito(op, r, username)
	if err != nil {
		return store.Doc{}, err
	}
	op.plan = append(planCreateUser(username, want, statusOf(r), c.vouches), c.passwordStep(username, r, true, nil)...)
	op.plan[0].invite = c.invitation(r)
	op.plan = op.plan.linking(username, linkChange{Link: links})
	switch name, holder, err := d.newRival(ctx, hold, username, op.plan[0].Set); {
	case err != nil:
		return store.Doc{}, err
	case name != "":
		return c.inTheWay(ctx, op, holder, r, hold, aliasTaken(name))
	}
	granted, err := d.regranted(ctx, op, store.Doc{}, nil, r, nil)
	if err != nil {
		return store.Doc{}, err
	}
	op.plan = op.plan.with(granted, username)
	doc, err := d.carryUser(ctx, op, userNameKey(r.String("userName")), nil, cognito.User{}, hold)
	if cognito.KindOf(err) != cognito.Exists {
		return doc, err
	}
	// Somebody has the name, and the mirror did not know.
	if len(d.style.logins) > 0 {
		holder, readErr := d.pool.User(ctx, username)
		if readErr != nil {
			return store.Doc{}, err
		}
		return c.inTheWay(ctx, op, holder, r, hold, aliasTaken(username))
	}
	if findErr := d.find(ctx, "username", username); findErr != nil {
		return store.Doc{}, findErr
	}
	holder, mirrorErr := d.mirror.ByPoolName(ctx, store.User, username)
	if mirrorErr == nil && holder.State == store.Hidden && n == 1 {
		return store.Doc{}, d.unlisted()
	}
	if mirrorErr == nil && holder.State == store.Hidden {
		return store.Doc{}, errNameFreed
	}
	if mirrorErr == nil && holder.State == store.Tombstone {
		if doc, err := c.revive(ctx, op, r, links, hold); err != nil || doc.ID != "" {
			return doc, err
		}
		return store.Doc{}, errNameFreed
	}
	if mirrorErr == nil && holder.State == store.Listed && !sameName(holder.Display, r.String("userName")) {
		return store.Doc{}, errNameFreed
	}
	return c.madeBefore(ctx, op, r, hold, err)
}

// inTheWay ends a creation for which a user in the pool has the sign-in name already.
func (c *Connection) inTheWay(ctx context.Context, op *operation, holder cognito.User, r schemas.Resource, hold *hold, taken error) (store.Doc, error) {
	if err := c.dir.meet(ctx, holder); err != nil {
		return store.Doc{}, err
	}
	if !schemas.Marked(holder.Attributes) {
		taken = c.dir.unlisted()
	}
	return c.madeBefore(ctx, op, r, hold, taken)
}

// madeBefore answers a creation that the pool refuses: with the user whom this very request has made before, else with
// the refusal.
func (c *Connection) madeBefore(ctx context.Context, op *operation, r schemas.Resource, hold *hold, refusal error) (store.Doc, error) {
	switch doc, err := c.taken(ctx, op, store.User, "userName", r.String("userName"), r); {
	case err != nil:
		return doc, err
	case doc.ID != "":
		return c.completeUser(ctx, op, doc, r, hold)
	}
	return store.Doc{}, refusal
}

// ReplaceUser makes the user what r says (PUT). Without active in r, it keeps its own.
func (c *Connection) ReplaceUser(ctx context.Context, id string, r schemas.Resource) (store.Doc, error) {
	return c.changeUser(ctx, id, "replace", func(is schemas.Resource) (schemas.Resource, status, error) {
		want, err := c.dir.cfg.Types.Users.Replace(is, r)
		said := statusOf(r)
		if err != nil && said == saysInactive {
			want, err = maps.Clone(is), nil
			want["active"] = false
		}
		if err != nil {
			return nil, unsaid, err
		}
		if said == unsaid {
			want["active"] = is["active"]
		}
		return want, said, nil
	})
}

// PatchUser applies canonical PATCH operations to the user. When they are refused and one of them deactivates, the
// deactivation alone is carried out.
func (c *Connection) PatchUser(ctx context.Context, id string, ops []patch.Op) (store.Doc, error) {
	return c.changeUser(ctx, id, "patch", func(is schemas.Resource) (schemas.Resource, status, error) {
		want, err := applyPatch(c.dir.cfg.Types.Users, is, ops)
		if err != nil && schemas.Deactivates(ops) {
			want, err = applyPatch(c.dir.cfg.Types.Users, is, []patch.Op{schemas.Deactivate()})
		}
		if err != nil {
			return nil, unsaid, err
		}
		said := statusOf(want)
		if said == saysInactive && !schemas.Deactivates(ops) || said == saysActive && !schemas.Activates(ops) {
			said = unsaid
		}
		if want["active"] == nil {
			want["active"] = is["active"] // removed: RFC 7643 gives it no default, so it stays as it is
		}
		return want, said, nil
	})
}

func applyPatch(rt *schemas.ResourceType, is schemas.Resource, ops []patch.Op) (schemas.Resource, error) {
	changed, err := patch.Apply(rt.Tree, is, ops)
	if err != nil {
		return nil, err
	}
	return rt.Settle(is, changed)
}

// changeUser carries out what change makes of the user, and returns its row. What an earlier request has left to do is
// part of what is: the new plan takes its place.
func (c *Connection) changeUser(ctx context.Context, id, method string, change func(is schemas.Resource) (schemas.Resource, status, error)) (doc store.Doc, err error) {
	d := c.dir
	op := c.begin(ctx, method, store.User)
	defer func() { op.end(ctx, id, err) }()
	hold, err := d.hold(ctx, userKey(id))
	if err != nil {
		return store.Doc{}, err
	}
	defer hold.end()
	doc, err = d.get(ctx, store.User, id)
	if err == nil {
		err = d.expected(ctx, doc)
	}
	if err != nil {
		return store.Doc{}, err
	}
	user, err := d.standing(ctx, doc)
	if cognito.KindOf(err) == cognito.NotFound {
		return store.Doc{}, errors.Join(notFound("User", id), d.forget(ctx, store.User, id)) // deleted by others
	}
	if err != nil {
		return store.Doc{}, fromCognito(err)
	}
	pending, err := d.pending(ctx, userKey(id))
	if err != nil {
		return store.Doc{}, err
	}
	is := d.promised(user, pending)
	want, said, err := change(is)
	if err != nil {
		return store.Doc{}, err
	}
	attributes, err := c.wanted(ctx, op, hold, user, is, want)
	plan := func(said status) Plan { return c.planChange(user, pending, attributes, want.String("userName"), said) }
	var granted memberships
	if err == nil {
		err = d.possible(ctx, hold, id, plan(said))
	}
	if err == nil {
		granted, err = d.regranted(ctx, op, doc, is, want, pending)
	}
	if err != nil && said != saysInactive {
		return store.Doc{}, err
	}
	var refused Op
	refusal := err
	if err != nil {
		op.note("only the deactivation was made: %s", outcome(err))
		if attributes = user.have; !user.adopt {
			attributes, _ = d.mapping.ToCognito(is, doc.PoolName)
		}
		if d.possible(ctx, hold, id, plan(said)) != nil {
			refused = UpdateUser // what an earlier request has left cannot be made either
		}
		granted = pending.grants()
	}
	held := c.guarded(ctx, op, doc, is, said)
	if held != nil && !isHeld(held) {
		return store.Doc{}, held
	}
	if said == unsaid || held != nil {
		said = pending.status()
	}
	op.plan = plan(said).without(refused)
	if user.adopt && schemas.Marked(attributes) {
		op.note("adopted: it was not made through SCIM")
	}
	op.plan = op.plan.withPassword(c.passwordStep(doc.PoolName, want, false, pending))
	if op.plan, err = c.withLinks(ctx, op, doc, user.User, pending, is, want, said, refusal); err != nil {
		return store.Doc{}, err
	}
	op.plan = op.plan.with(granted, doc.PoolName)
	return c.carryChange(ctx, op, doc, pending, user.User, hold, held)
}

// carryChange carries out op's plan for a user. held is what the guard says to the deactivation that the plan lacks for its
// sake: then the rest is made, and the answer is held.
func (c *Connection) carryChange(ctx context.Context, op *operation, doc store.Doc, pending *entry, user cognito.User, hold *hold, held error) (store.Doc, error) {
	d := c.dir
	if len(op.plan) == 0 {
		return doc, errors.Join(held, d.drop(ctx, pending))
	}
	id := doc.ID
	doc, err := d.carryUser(ctx, op, userKey(id), pending, user, hold)
	switch {
	case held != nil && err != nil:
		op.note("the rest of the change failed: %s", outcome(err))
		fallthrough
	case held != nil:
		return store.Doc{}, held
	case err == nil && op.plan.has(DisableUser):
		return doc, d.unhold(ctx, id)
	case cognito.KindOf(err) == cognito.NotFound:
		return store.Doc{}, errors.Join(notFound("User", id), d.forget(ctx, store.User, id)) // deleted by others
	}
	return doc, fromCognito(err)
}

// planChange plans what makes the user hold the attributes, and have the userName.
func (c *Connection) planChange(user standing, pending *entry, attributes map[string]string, userName string, said status) Plan {
	is := schemas.PoolUser{Username: user.Username, Enabled: user.Enabled, Attributes: user.have}
	plan := planUser(is, attributes, said, pending.doubt(), c.vouches)
	pending.unvouched(plan)
	if user.adopt && schemas.Marked(attributes) {
		return c.planAdoption(plan, user, attributes, userName)
	}
	return plan
}

// wanted is what the pool shall hold of a changed user.
func (c *Connection) wanted(ctx context.Context, op *operation, h *hold, user standing, is, want schemas.Resource) (map[string]string, error) {
	if err := c.rename(ctx, h, is.String("userName"), want.String("userName"), user.Sub); err != nil {
		return nil, err
	}
	if f := c.cfg.Federation; f.person(is) != nil && f.person(want) == nil {
		return nil, f.nobody()
	}
	if user.adopt {
		if err := c.refuses(ctx, h, user, is, want); err != nil {
			return nil, err
		}
	}
	attributes, err := c.toCognito(op, want, user.Username)
	if err != nil {
		return nil, err
	}
	return attributes, c.dir.style.allows(want.String("userName"), attributes)
}

// rename claims a new userName for the user as long as h lasts; the Username in the pool stays.
func (c *Connection) rename(ctx context.Context, h *hold, from, to, id string) error {
	d := c.dir
	if sameName(from, to) {
		return nil
	}
	if c.cfg.UserNameChange == RefuseUserName && d.style.fixed() {
		return &Error{Kind: Mutability, Detail: "userName: Cognito cannot change the Username with which people sign in to this user pool, and the SCIM server is " +
			"set to refuse a userName that differs from it (userNameChange: refuse)"}
	}
	if err := d.style.wellFormed(to); err != nil {
		return err
	}
	for _, name := range slices.Sorted(slices.Values([]string{fold(from), fold(to)})) {
		if err := h.add(ctx, d, userNameKey(name)); err != nil {
			return err
		}
	}
	if err := d.settled(ctx, from); err != nil {
		return err
	}
	if err := d.notAnID(ctx, to, id); err != nil {
		return err
	}
	return c.free(ctx, to, id)
}

// free reports an error if another user than id has the userName.
func (c *Connection) free(ctx context.Context, userName, id string) error {
	if !c.dir.warm.Load() {
		if err := c.dir.findUserName(ctx, userName); err != nil {
			return err
		}
	}
	docs, err := c.dir.mirror.Find(ctx, store.User, "userName", userName)
	if err != nil {
		return internal(err)
	}
	return c.dir.occupied(ctx, docs, id, "userName", userName)
}

// DeleteUser removes the user from the pool, whatever the mirror believes of it.
func (c *Connection) DeleteUser(ctx context.Context, id string) (err error) {
	d := c.dir
	op := c.begin(ctx, "delete", store.User)
	defer func() { op.end(ctx, id, err) }()
	hold, err := d.hold(ctx, userKey(id))
	if err != nil {
		return err
	}
	defer hold.end()
	doc, err := d.get(ctx, store.User, id)
	if err == nil {
		err = d.expected(ctx, doc)
	}
	if err != nil {
		return err
	}
	if err := c.admit(ctx, op, doc, true); err != nil {
		return err
	}
	if err := d.dropCreation(ctx, hold, doc.Display); err != nil {
		return err
	}
	deletion, err := c.farewell(ctx, doc)
	if err != nil {
		return err
	}
	stops := deletion.want.User.Stop
	if c.cfg.Deletion == DisableUsers {
		return c.entomb(ctx, op, doc, stops, hold)
	}
	op.plan = append(Plan{}.linking(doc.PoolName, linkChange{Stop: stops}), Step{Op: DeleteUser, User: doc.PoolName})
	op.steps.Store(int64(len(op.plan)))
	leaving := cognito.WithPriority(ctx, cognito.Deprovision)
	if err := d.carry(leaving, op, deletion, hold, func(ctx context.Context) error {
		if err := d.stopAll(ctx, op, stops); err != nil {
			return err
		}
		return d.deleteUser(ctx, doc)
	}); err != nil {
		return fromCognito(err)
	}
	return d.unhold(ctx, id)
}

// toCognito maps a user, and applies the connection's policy to what finds no room.
func (c *Connection) toCognito(op *operation, r schemas.Resource, username string) (map[string]string, error) {
	attributes, dropped := c.dir.mapping.ToCognito(r, username)
	if len(dropped) == 0 {
		return attributes, nil
	}
	list := strings.Join(dropped, ", ")
	if c.cfg.Overflow == RejectOverflow {
		return nil, &Error{Kind: Invalid, Detail: fmt.Sprintf("the user pool has no room for %s: Cognito keeps %d bytes of what has no attribute of its own; shorten a value or map one to a custom attribute",
			list, len(schemas.OverflowNames())*schemas.MaxValue)}
	}
	op.note("no room for %s", list)
	return attributes, nil
}

// checkUserName says which rule of Cognito's a userName breaks.
func checkUserName(userName string) error {
	if legalUsername(userName) {
		return nil
	}
	return &Error{Kind: Invalid, Detail: fmt.Sprintf("userName: Cognito takes 1 to %d letters, marks, numbers, symbols and punctuation, without spaces or control characters", maxGroupName)}
}

func exists(attribute, value string) error {
	return &Error{Kind: Exists, Detail: fmt.Sprintf("%s %q is taken by another resource", attribute, value)}
}

// occupied reports an error if one of docs, which carry the name that a request wants, is not the resource with the id. It
// passes while that one is being deleted.
func (d *Directory) occupied(ctx context.Context, docs []store.Doc, id, attribute, value string) error {
	i := slices.IndexFunc(docs, func(doc store.Doc) bool { return doc.ID != id })
	if i < 0 {
		return nil
	}
	wait, err := d.leaving(ctx, docs[i])
	if err != nil {
		return err
	}
	if wait > 0 {
		return &Error{Kind: TooMany, RetryAfter: wait,
			Detail: fmt.Sprintf("%s %q belongs to a resource whose deletion Amazon Cognito has not confirmed yet; repeat the request", attribute, value)}
	}
	return exists(attribute, value)
}

// fold is how userName and displayName compare (RFC 7643 section 4.1.1: not caseExact).
func fold(name string) string { return filter.Fold(name) }

func sameName(a, b string) bool { return fold(a) == fold(b) }
