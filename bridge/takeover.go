package bridge

import (
	"context"
	"maps"
	"slices"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
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

// promised is the user as it will be when the pending entry is done.
func (d *Directory) promised(user cognito.User, pending *entry) schemas.Resource {
	attributes := maps.Clone(user.Attributes)
	if pending != nil && pending.want.User != nil {
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

// takeOver adds to m the memberships that the pending entry has left to change, but those about which m says otherwise.
func (d *Directory) takeOver(ctx context.Context, pending *entry, group store.Doc, m *membership) error {
	if pending == nil || pending.want.Group == nil {
		return nil
	}
	remove, err := d.people(ctx, pending.want.Group.Remove)
	if err != nil {
		return err
	}
	add, err := d.people(ctx, pending.want.Group.Add)
	if err != nil {
		return err
	}
	there, err := d.mirror.MembersOf(ctx, group.Seq, add.ids())
	if err != nil {
		return internal(err)
	}
	done := map[string]bool{}
	for _, doc := range slices.Concat(m.remove, m.add) {
		done[doc.ID] = true
	}
	m.remove = append(m.remove, remove.without(done)...)
	for _, id := range there {
		done[id] = true
	}
	m.add = append(m.add, add.without(done)...)
	return nil
}
