package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
	"github.com/scim-cognito/scim-cognito/store"
)

// CreateGroup creates the group in the pool, with the members that r names, and returns its row.
func (c *Connection) CreateGroup(ctx context.Context, r schemas.Resource) (doc store.Doc, err error) {
	d := c.dir
	op := c.begin(ctx, "create", store.Group)
	defer func() { op.end(ctx, doc.ID, err) }()
	display, id := r.String("displayName"), uuid.NewString()
	describe, err := schemas.GroupToCognito(groupAttributes(r, id))
	if err != nil {
		return store.Doc{}, err
	}
	hold, err := d.hold(ctx, groupNameKey(display))
	if err != nil {
		return store.Doc{}, err
	}
	defer hold.end()
	if !d.groupsKnown.Load() {
		return store.Doc{}, d.warming() // who else carries the name is not known yet
	}
	if err := c.recall(ctx, op, store.Group, r); err != nil {
		return store.Doc{}, err
	}
	defer func() { err = c.kept(ctx, store.Group, r, err) }()
	if err := d.finishEarlier(ctx, groupNameKey(display), hold); err != nil {
		return store.Doc{}, err
	}
	if doc, err := c.taken(ctx, op, store.Group, "displayName", display, r); err != nil {
		return doc, err
	} else if doc.ID != "" {
		return c.complete(ctx, doc, hold)
	}
	add, err := c.members(ctx, op, patch.Delta{Replace: true, Add: memberIDs(r)}, nil)
	if err != nil {
		return store.Doc{}, err
	}
	if err := hold.add(ctx, d, groupKey(id)); err != nil {
		return store.Doc{}, err
	}
	for {
		name, err := c.freeGroupName(ctx, op, display)
		if err == nil {
			err = c.promise(ctx, op, store.Group, r)
		}
		if err == nil {
			op.plan = planGroup(groupChange{Name: name, Create: true, Description: describe, Add: add.names()})
			doc, err = d.carryGroup(ctx, op, id, groupNameKey(display), nil, cognito.Group{Name: name}, membership{add: add}, hold)
			if cognito.KindOf(err) != cognito.Exists {
				return doc, err
			}
			// The pool has a group of this name that the mirror did not know: now it does.
			err = d.observeTaken(ctx, name)
		}
		if err != nil && err != errNameKnown {
			return store.Doc{}, err
		}
		if doc, err := c.taken(ctx, op, store.Group, "displayName", display, r); err != nil { // it may be this very POST's
			return doc, err
		} else if doc.ID != "" {
			return c.complete(ctx, doc, hold)
		}
	}
}

// freeGroupName returns the GroupName for a new group. A name that differs only in case or in compatibility characters
// from that of a group which is not ours is refused: an application might take one for the other. A name that only our
// own renamed group still carries gets a number.
func (c *Connection) freeGroupName(ctx context.Context, op *operation, display string) (string, error) {
	d := c.dir
	if strings.HasPrefix(groupName(display, ""), d.poolID+"_") {
		return "", &Error{Kind: Exists, Detail: fmt.Sprintf("Amazon Cognito keeps names that begin with %s_ for the groups that it makes itself", d.poolID)}
	}
	for n := 1; n <= maxNumbered; n++ {
		name := groupName(display, numbered("", n))
		holder, err := d.sameRights(ctx, name)
		switch {
		case errors.Is(err, store.ErrNotFound):
			if n > 1 {
				op.note("the group is called %s in Cognito: %s still belongs to a renamed group", name, groupName(display, ""))
			}
			return name, nil
		case err != nil:
			return "", internal(err)
		case holder.Managed && holder.State == store.Listed && sameName(holder.Display, display):
			return "", errNameKnown
		case !holder.Managed || holder.State != store.Listed:
			return "", &Error{Kind: Exists, Detail: fmt.Sprintf("the user pool has a group %q that was not made through SCIM and whose name is, or looks like, the one for %q: rename one of them, or let the SCIM server adopt that group (connections[].adoptGroups)", holder.PoolName, display)}
		}
	}
	return "", &Error{Kind: Exists, Detail: fmt.Sprintf("all Cognito group names that could stand for %q are taken", display)}
}

// ReplaceGroup makes the group what r says (PUT): a group without members in r is empty afterwards, since Okta and the
// RFC mean it so.
func (c *Connection) ReplaceGroup(ctx context.Context, id string, r schemas.Resource) (store.Doc, error) {
	return c.changeGroup(ctx, id, "replace", func(schemas.Resource) (schemas.Resource, patch.Delta, error) {
		return r, patch.Delta{Replace: true, Add: memberIDs(r)}, nil
	})
}

// PatchGroup applies canonical PATCH operations to the group. Membership changes never read the members there are.
func (c *Connection) PatchGroup(ctx context.Context, id string, ops []patch.Op) (store.Doc, error) {
	return c.changeGroup(ctx, id, "patch", func(is schemas.Resource) (schemas.Resource, patch.Delta, error) {
		delta, rest, err := patch.Members(ops)
		if err != nil {
			return nil, delta, err
		}
		want, err := applyPatch(c.dir.cfg.Types.Groups, is, rest)
		return want, delta, err
	})
}

// changeGroup carries out what change makes of the group, and returns its row. What an earlier request has left to do is
// taken over, as far as the new one does not say otherwise.
func (c *Connection) changeGroup(ctx context.Context, id, method string, change func(is schemas.Resource) (schemas.Resource, patch.Delta, error)) (doc store.Doc, err error) {
	d := c.dir
	op := c.begin(ctx, method, store.Group)
	defer func() { op.end(ctx, id, err) }()
	hold, err := d.hold(ctx, groupKey(id))
	if err != nil {
		return store.Doc{}, err
	}
	defer hold.end()
	if doc, err = d.get(ctx, store.Group, id); err == nil {
		err = d.expected(ctx, doc)
	}
	if err != nil {
		return store.Doc{}, err
	}
	is, err := resource(doc)
	if err != nil {
		return store.Doc{}, err
	}
	pending, err := d.pending(ctx, groupKey(id))
	if err != nil {
		return store.Doc{}, err
	}
	want, delta, err := change(pending.relabelled(is))
	if err == nil {
		_, err = schemas.GroupToCognito(groupAttributes(want, id)) // before its length costs anything
	}
	if err != nil {
		return store.Doc{}, err
	}
	if err := c.relabel(ctx, hold, is.String("displayName"), want.String("displayName"), id); err != nil {
		return store.Doc{}, err
	}
	describe, err := d.describe(ctx, op, doc, is, want, pending)
	if err != nil {
		return store.Doc{}, err
	}
	left, err := d.left(ctx, pending)
	if err != nil {
		return store.Doc{}, err
	}
	m, err := c.membershipOf(ctx, op, doc, delta, left)
	if err == nil && !delta.Replace && !pending.deletes() { // whom a deletion has not removed yet stays
		err = d.takeOver(ctx, left, doc, delta, &m)
	}
	if err != nil {
		return store.Doc{}, err
	}
	op.plan = planGroup(groupChange{Name: doc.PoolName, Description: describe, Remove: m.remove.names(), Add: m.add.names()})
	if len(op.plan) == 0 {
		return doc, d.drop(ctx, pending)
	}
	doc, err = d.carryGroup(ctx, op, id, groupKey(id), pending, d.poolGroup(doc), m, hold)
	if cognito.KindOf(err) == cognito.GroupNotFound {
		return store.Doc{}, errors.Join(notFound("Group", id), d.forget(ctx, store.Group, id)) // deleted by others
	}
	return doc, fromCognito(err)
}

// describe returns the Description that want asks for, "" when it is the one there is. People's own words in that of a
// group which is not managed yet are written over: the activity keeps them. A Description that an earlier request has left
// uncertain is sent in any case; after a deletion of unknown outcome any is, since it tells whether the group is there.
func (d *Directory) describe(ctx context.Context, op *operation, doc store.Doc, is, want schemas.Resource, pending *entry) (string, error) {
	wanted := groupAttributes(want, doc.ID)
	unsure := !doc.Managed || pending.deletes() || pending != nil && pending.want.Group != nil && pending.want.Group.Describe != ""
	if !unsure && sameAttributes(groupAttributes(is, doc.ID), wanted) {
		return "", nil
	}
	if !doc.Managed { // the first write adopts it
		there, err := d.pool.Group(ctx, doc.PoolName)
		if err != nil {
			return "", fromCognito(err)
		}
		if there.Description != "" {
			op.note("the group's Description was %q", there.Description)
		}
	}
	return schemas.GroupToCognito(wanted)
}

// relabel claims a new displayName for the group as long as h lasts; the GroupName in the pool, and so the claim that
// applications see, stays.
func (c *Connection) relabel(ctx context.Context, h *hold, from, to, id string) error {
	if sameName(from, to) {
		return nil
	}
	if err := h.add(ctx, c.dir, groupNameKey(to)); err != nil {
		return err
	}
	docs, err := c.dir.mirror.Find(ctx, store.Group, "displayName", to)
	if err != nil {
		return internal(err)
	}
	return c.dir.occupied(ctx, docs, id, "displayName", to)
}

// DeleteGroup removes the group from the pool, whatever the mirror believes of it.
func (c *Connection) DeleteGroup(ctx context.Context, id string) (err error) {
	d := c.dir
	op := c.begin(ctx, "delete", store.Group)
	defer func() { op.end(ctx, id, err) }()
	hold, err := d.hold(ctx, groupKey(id))
	if err != nil {
		return err
	}
	defer hold.end()
	doc, err := d.get(ctx, store.Group, id)
	if err == nil {
		err = d.expected(ctx, doc)
	}
	if err != nil {
		return err
	}
	op.plan = Plan{{Op: DeleteGroup, Group: doc.PoolName}}
	op.steps.Store(1)
	leaving := cognito.WithPriority(ctx, cognito.Deprovision)
	e := deletionOf(doc)
	return fromCognito(d.carry(leaving, op, e, hold, func(ctx context.Context) error { return d.deleteGroup(ctx, op, e, doc) }))
}

// groupAttributes are the attributes of a group that its Description holds.
func groupAttributes(r schemas.Resource, id string) schemas.Resource {
	out := schemas.Resource{"id": id, "displayName": r.String("displayName")}
	if externalID := r.String("externalId"); externalID != "" {
		out["externalId"] = externalID
	}
	return out
}

func sameAttributes(a, b schemas.Resource) bool { return string(a.JSON()) == string(b.JSON()) }

// memberIDs are the ids that a group's members attribute names, each once.
func memberIDs(r schemas.Resource) []string {
	list, _ := r["members"].([]any)
	ids := make([]string, 0, len(list))
	seen := make(map[string]bool, len(list))
	for _, e := range list {
		m, _ := e.(map[string]any)
		if id, ok := m["value"].(string); ok && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}
