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
	pending, err := d.pending(ctx, userKey(id))
	if err == nil && pending.entombs() {
		err = d.unmarked(ctx, doc)
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
	is := d.promised(user, pending)
	want, said, err := change(is)
	if err != nil {
		return store.Doc{}, err
	}
	attributes, err := c.wanted(ctx, op, hold, user, pending, is, want)
	plan := func(said status) Plan { return c.planChange(user, pending, attributes, want.String("userName"), said) }
	var granted memberships
	if err == nil {
		err = d.possible(ctx, hold, user.User, plan(said))
	}
	if err == nil {
		granted, err = d.regranted(ctx, op, doc, is, want, pending)
	}
	if err != nil && said != saysInactive {
		return store.Doc{}, err
	}
	refusal := err
	var left error
	if err != nil {
		op.note("all but the deactivation was refused: %s", outcome(err))
		if attributes = user.have; !user.adopt {
			attributes, _ = d.mapping.ToCognito(is, doc.PoolName)
		}
		left = d.possible(ctx, hold, user.User, plan(said))
		granted = pending.grants()
	}
	held := c.guarded(ctx, op, doc, user.Enabled && is["active"] == true, said)
	if held != nil && !isHeld(held) {
		return store.Doc{}, held
	}
	if said == unsaid || held != nil {
		said = pending.status()
	}
	switch op.plan = plan(said); {
	case repeated(left):
		op.plan.unclaimed()
	case left != nil: // what an earlier request has left cannot be made either
		op.plan = op.plan.without(UpdateUser)
	}
	if held != nil && op.plan.takesOver() {
		op.plan = nil
		return store.Doc{}, held // whoever has the account would be locked out by the adoption alone
	}
	if user.adopt && schemas.Marked(attributes) {
		op.note("adopted: it was not made through SCIM")
	}
	op.plan = op.plan.withPassword(c.passwordStep(doc.PoolName, want, false, pending))
	if op.plan, err = c.withLinks(ctx, op, doc, user, pending, is, want, said, refusal); err != nil {
		return store.Doc{}, err
	}
	op.plan = op.plan.with(granted, doc.PoolName)
	switch {
	case refusal == nil:
		op.renaming(doc, want.String("userName"))
	case !user.adopt && (left == nil || repeated(left)):
		op.renaming(doc, is.String("userName"))
	}
	doc, err = c.carryChange(ctx, op, doc, pending, user.User, hold, held)
	if refusal = fromCognito(refusal); err == nil && repeated(refusal) {
		return store.Doc{}, refusal // the rest is made when the request is repeated
	}
	return doc, err
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
func (c *Connection) wanted(ctx context.Context, op *operation, h *hold, user standing, pending *entry, is, want schemas.Resource) (map[string]string, error) {
	if err := c.rename(ctx, h, is.String("userName"), want.String("userName"), user.Sub); err != nil {
		return nil, err
	}
	if f := c.cfg.Federation; f.person(is) != nil && f.person(want) == nil {
		return nil, f.nobody()
	}
	if user.adopt {
		if err := c.refuses(ctx, h, user, pending, is, want); err != nil {
			return nil, err
		}
	}
	attributes, err := c.toCognito(op, want, user.Username)
	if err != nil {
		return nil, err
	}
	return attributes, c.dir.style.allows(user.Username, want.String("userName"), user.have, attributes, c.vouches)
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
	for _, name := range []string{from, to} {
		if err := d.settled(ctx, name); err != nil {
			return err
		}
	}
	if err := d.notAnID(ctx, to, id); err != nil {
		return err
	}
	return d.free(ctx, to, id)
}

// free reports an error if another user than id has the userName, or may be getting it. The caller has the name's lock.
func (d *Directory) free(ctx context.Context, userName, id string) error {
	if !d.warm.Load() {
		return d.warming() // as for a creation
	}
	if err := d.unpromised(ctx, userName, id); err != nil {
		return err
	}
	docs, err := d.mirror.Find(ctx, store.User, "userName", userName)
	if err != nil {
		return internal(err)
	}
	return d.occupied(ctx, docs, id, "userName", userName)
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
		return d.finishDeletion(ctx, id, hold, err)
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
