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
	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

// A grant makes a value of a user's attribute a membership: Okta Identity Governance assigns roles and entitlements, others
// write "Admin,Support" into department. While the user has the value the user is in the group. When the value goes, so
// does the membership; those of groups that no row names, and those that were pushed with a group whose value the user
// never had, are nobody's business here.

// Grant is one row of the table. Value and Group go together, or Prefix stands alone.
type Grant struct {
	// Attribute is the path of a text: "roles" and "entitlements" mean their value.
	Attribute string
	// Separator divides a text into several values. "": the whole text is one.
	Separator string
	// Value stands for the group with the GroupName Group; it is compared without case.
	Value, Group string
	// Prefix: every value stands for the group whose GroupName is the prefix and the value.
	Prefix string
	// Display and Description are what /Roles and /Entitlements say of Value. "": the group's displayName, and nothing.
	Display, Description string
}

// grant is a Grant joined with the definitions.
type grant struct {
	Grant
	top, sub *attribute.Attribute
}

func newGrants(users *schemas.ResourceType, rows []Grant) ([]grant, error) {
	var all []grant
	for _, row := range rows {
		g := grant{Grant: row}
		p, err := filter.ParsePath(row.Attribute)
		if err == nil && p.Where == nil {
			g.top, g.sub = p.Resolve(users.Tree)
		}
		if g.top != nil && g.top.Type == attribute.Complex && g.sub == nil {
			g.sub = g.top.Lookup("value")
		}
		leaf := g.sub
		if leaf == nil {
			leaf = g.top
		}
		if leaf == nil || leaf.Type != attribute.String || g.top.Mutability == attribute.ReadOnly || g.top.Returned == attribute.Never {
			return nil, fmt.Errorf("connections[].grants: %q is no attribute of users that holds texts: write roles, entitlements, department or another", row.Attribute)
		}
		all = append(all, g)
	}
	return all, nil
}

// values are the values that a user has of the grant's attribute.
func (g grant) values(r schemas.Resource) []string {
	object := map[string]any(r)
	if urn := g.top.Extension(); urn != "" {
		object, _ = r[urn].(map[string]any)
	}
	elements, several := object[g.top.Name].([]any)
	if !several {
		elements = []any{object[g.top.Name]}
	}
	var values []string
	for _, v := range elements {
		if g.sub != nil {
			complex, _ := v.(map[string]any)
			v = complex[g.sub.Name]
		}
		text, _ := v.(string)
		parts := []string{text}
		if g.Separator != "" {
			parts = strings.Split(text, g.Separator)
		}
		for _, part := range parts {
			if part = strings.TrimSpace(part); part != "" {
				values = append(values, part)
			}
		}
	}
	return values
}

// granting are the attributes in the pool, beside the overflow, whose values can grant a membership.
func granting(grants []grant, mapping *schemas.Mapping) []string {
	var names []string
	for _, g := range grants {
		names = append(names, mapping.Holding(g.top, g.sub)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// granted are the groups that a user's attributes grant, each with the attribute and value that does.
func (d *Directory) granted(r schemas.Resource) map[string]string {
	groups := map[string]string{}
	for _, g := range d.grants {
		for _, v := range g.values(r) {
			switch {
			case g.Prefix != "" && legalUsername(g.Prefix+v):
				groups[g.Prefix+v] = g.Attribute + " " + v
			case g.Prefix == "" && sameName(g.Value, v):
				groups[g.Group] = g.Attribute + " " + v
			}
		}
	}
	return groups
}

// memberships is which groups, by GroupName, a user leaves and joins.
type memberships struct{ leave, join []string }

// grants is what the pending entry has left to leave and to join.
func (e *entry) grants() memberships {
	if e == nil || e.want.User == nil {
		return memberships{}
	}
	return memberships{leave: e.want.User.Leave, join: e.want.User.Join}
}

// regranted is what becomes of a user's memberships when the attributes change from is to want. doc is the user's row, zero
// for one who is being created. A value that stands for a group which is not there is refused when it is new.
func (d *Directory) regranted(ctx context.Context, op *operation, doc store.Doc, is, want schemas.Resource, pending *entry) (m memberships, err error) {
	had, shall, left := d.granted(is), d.granted(want), pending.grants()
	in := set(slices.Collect(doc.Groups()))
	for _, name := range slices.Sorted(maps.Keys(shall)) {
		group, err := d.mirror.ByPoolName(ctx, store.Group, name)
		missing := errors.Is(err, store.ErrNotFound) || err == nil && group.State != store.Listed
		_, before := had[name]
		switch {
		case missing && before:
			op.note("%s stands for the group %s, which is not there", shall[name], name)
		case missing && !d.groupsKnown.Load():
			return m, d.warming()
		case missing:
			return m, &Error{Kind: Invalid, Detail: fmt.Sprintf("%s stands for the group %q, which the user pool does not have, or which is not SCIM's to fill: "+
				"create the group, or change grants in the configuration of the SCIM server", shall[name], name)}
		case err != nil:
			return m, internal(err)
		case !in[group.ID] || slices.Contains(left.join, name):
			m.join = append(m.join, name)
		}
	}
	for name := range had {
		left.leave = append(left.leave, name)
	}
	slices.Sort(left.leave)
	for _, name := range slices.Compact(left.leave) {
		if _, stays := shall[name]; !stays {
			m.leave = append(m.leave, name)
		}
	}
	return m, nil
}

// with adds memberships to a user's plan: who leaves goes before the profile changes, who joins comes before the
// reactivation.
func (p Plan) with(m memberships, username string) Plan {
	p = p.afterLeaving(memberSteps(RemoveMember, username, m.leave))
	at := len(p)
	if at > 0 && p[at-1].Op == EnableUser {
		at--
	}
	return slices.Insert(p, at, memberSteps(AddMember, username, m.join)...)
}

func memberSteps(op Op, username string, groups []string) Plan {
	var steps Plan
	for _, group := range groups {
		steps = append(steps, Step{Op: op, User: username, Group: group})
	}
	return steps
}

// stepMember makes one call about a user's membership and returns the row that the user then has. A membership that can
// never be is left out and noted: the rest of the user does not wait for it.
func (d *Directory) stepMember(ctx context.Context, op *operation, s Step, id string) (store.Doc, error) {
	group, err := d.mirror.ByPoolName(ctx, store.Group, s.Group)
	if errors.Is(err, store.ErrNotFound) {
		op.note("the group %s is not there", s.Group)
		return d.mirror.Get(ctx, store.User, id)
	}
	user, userErr := d.mirror.Get(ctx, store.User, id)
	if err = errors.Join(err, userErr); err != nil {
		return user, internal(err)
	}
	if s.Op == RemoveMember {
		err = d.leave(ctx, group, user)
	} else {
		err = d.join(ctx, group, user)
	}
	switch {
	case cognito.KindOf(err) == cognito.NotFound:
		return user, err // the user is gone, and so is the whole change
	case cognito.KindOf(err) == cognito.GroupNotFound || hopeless(err):
		op.note("the membership in %s was left out: %s", s.Group, outcome(err))
		return user, nil
	case err != nil:
		return user, err
	}
	user, err = d.mirror.Get(context.WithoutCancel(ctx), store.User, id)
	return user, internal(err)
}

// healGrants puts into the journal the memberships that users have lost although their attributes grant them: somebody
// took them away in the pool. It comes after the memberships have been read.
func (d *Directory) healGrants(ctx context.Context) error {
	if len(d.grants) == 0 {
		return nil
	}
	var lost []string
	for doc, err := range d.mirror.All(ctx, store.User) {
		if err != nil {
			return err
		}
		m, err := d.lostGrants(ctx, doc)
		if err != nil {
			return err
		}
		if len(m.join) > 0 {
			lost = append(lost, doc.ID)
		}
	}
	for _, id := range lost {
		if err := d.healUser(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (d *Directory) lostGrants(ctx context.Context, doc store.Doc) (memberships, error) {
	if doc.State != store.Listed {
		return memberships{}, nil
	}
	r, err := resource(doc)
	if err != nil {
		return memberships{}, err
	}
	return d.regranted(ctx, &operation{}, doc, r, r, nil)
}

// healUser writes the entry for one user, unless a request has left work for the same one: that covers it.
func (d *Directory) healUser(ctx context.Context, id string) error {
	h, err := d.hold(ctx, userKey(id))
	if err != nil {
		return err
	}
	defer h.end()
	doc, err := d.mirror.Get(ctx, store.User, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	pending, pendingErr := d.pending(ctx, userKey(id))
	if err = errors.Join(err, pendingErr); err != nil || pending != nil {
		return err
	}
	m, err := d.lostGrants(ctx, doc)
	if err != nil || len(m.join) == 0 {
		return err
	}
	if managed, err := d.marked(ctx, doc); err != nil || !managed {
		return err // SCIM has given it nothing: the values are somebody else's
	}
	d.drift(ctx, store.User, id, fmt.Sprintf("%d memberships that attributes grant were gone; they are made again", len(m.join)))
	return d.journal(ctx, newEntry(userKey(id), desired{User: &desiredUser{Username: doc.PoolName, Join: m.join}}), 0)
}

// marked reports whether the user of a row is managed, which a row of somebody whom others have changed does not tell.
func (d *Directory) marked(ctx context.Context, doc store.Doc) (bool, error) {
	if doc.Managed {
		return true, nil
	}
	users, err := d.pool.FindUsers(ctx, "sub", doc.ID)
	return slices.ContainsFunc(users, func(u cognito.User) bool { return u.Sub == doc.ID && schemas.Marked(u.Attributes) }), err
}

// Grantable is one value of an attribute that grants something, as Okta lists roles and entitlements.
type Grantable struct{ ID, Display, Description string }

// Grants reports whether a value of the attribute, "roles" or "entitlements", can grant anything.
func (c *Connection) Grants(name string) bool {
	return slices.ContainsFunc(c.dir.grants, func(g grant) bool { return g.top.Path() == name })
}

// Grantables are the values of the attribute that grant something, in the order of the table.
func (c *Connection) Grantables(ctx context.Context, name string) ([]Grantable, error) {
	var all []Grantable
	for _, g := range c.dir.grants {
		if g.top.Path() != name {
			continue
		}
		if g.Prefix == "" {
			one := Grantable{ID: g.Value, Display: g.Display, Description: g.Description}
			if one.Display == "" {
				one.Display = g.Group
			}
			all = append(all, one)
			continue
		}
		if !c.dir.groupsKnown.Load() {
			return nil, c.dir.warming()
		}
		for doc, err := range c.dir.mirror.All(ctx, store.Group) {
			if err != nil {
				return nil, internal(err)
			}
			if id, ok := strings.CutPrefix(doc.PoolName, g.Prefix); ok && id != "" && doc.State == store.Listed {
				all = append(all, Grantable{ID: id, Display: doc.Display, Description: g.Description})
			}
		}
	}
	return all, nil
}
