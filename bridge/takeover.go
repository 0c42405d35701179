package bridge

import (
	"context"
	"maps"
	"slices"

	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
	"github.com/scim-cognito/scim-cognito/store"
)

// A newer request takes over what an earlier one has left in the journal for the same resource: it changes the state
// that was promised, and its plan, which covers both, takes the entry's place.

// status is what a pending entry has left to say about a user's active.
func (e *entry) status() status {
	switch {
	case e == nil || e.want.User == nil || e.want.User.Enabled == nil:
		return unsaid
	case *e.want.User.Enabled:
		return saysActive
	}
	return saysInactive
}

// doubt is what of a user the pending entry has left uncertain.
func (e *entry) doubt() doubt {
	switch {
	case e == nil || e.want.User == nil:
		return doubt{}
	case e.deletes():
		return doubt{attributes: []string{schemas.Overflow}} // any call tells whether the user is there
	}
	return doubt{attributes: slices.Sorted(maps.Keys(e.want.User.Set)), enabled: e.want.User.Enabled != nil}
}

// promised is the user as it will be when the pending entry is done.
func (d *Directory) promised(user standing, pending *entry) schemas.Resource {
	attributes := maps.Clone(user.have)
	if pending != nil && pending.want.User != nil && !pending.entombs() {
		maps.Copy(attributes, pending.want.User.Set)
	}
	enabled := user.Enabled
	if s := pending.status(); s != unsaid {
		enabled = s == saysActive
	}
	r, _ := d.mapping.FromCognito(schemas.PoolUser{Username: user.Username, Sub: user.Sub, Enabled: enabled, Attributes: attributes})
	return r
}

// relabelled is the group as it will be when the pending entry is done, apart from its members.
func (e *entry) relabelled(is schemas.Resource) schemas.Resource {
	if e == nil || e.want.Group == nil || e.want.Group.Describe == "" {
		return is
	}
	promised := schemas.PoolGroup{Name: e.want.Group.Name, Description: e.want.Group.Describe}
	r, _ := schemas.GroupFromCognito(promised, func(string) string { return is.String("id") })
	return r
}

// left is the memberships that the pending entry has left to change. Whether it has, the mirror does not know.
func (d *Directory) left(ctx context.Context, pending *entry) (m membership, err error) {
	if pending == nil || pending.want.Group == nil {
		return m, nil
	}
	if m.remove, err = d.people(ctx, pending.want.Group.Remove); err != nil {
		return m, err
	}
	m.add, err = d.people(ctx, pending.want.Group.Add)
	return m, err
}

// takeOver adds to m what is left to change, but those about whom the new request, asked, says something itself.
func (d *Directory) takeOver(ctx context.Context, left membership, group store.Doc, asked patch.Delta, m *membership) error {
	there, err := d.mirror.MembersOf(ctx, group.Seq, left.add.ids())
	if err != nil {
		return internal(err)
	}
	done := set(slices.Concat(asked.Add, asked.Remove, m.remove.ids()))
	m.remove = append(m.remove, left.remove.without(done)...)
	for _, id := range there {
		done[id] = true // noted after it was made
	}
	m.add = append(m.add, left.add.without(done)...)
	return nil
}

// doubtful makes is, what the mirror says of a group's members, such that a request sends what is uncertain again. Whom
// the mirror has in the group was put there since: else a large push that is repeated would begin anew.
func (m membership) doubtful(is map[string]bool, asked patch.Delta) {
	stay := set(asked.Add)
	for _, id := range m.remove.ids() {
		if asked.Replace && !stay[id] {
			is[id] = true
		} else {
			delete(is, id)
		}
	}
	for _, id := range m.add.ids() {
		if asked.Replace && !stay[id] {
			is[id] = true
		}
	}
}
