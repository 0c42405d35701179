package bridge

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
	"github.com/scim-cognito/scim-cognito/store"
)

// atOnce bounds how many calls of one group's change are under way: enough to fill the quota of 25 a second at
// Cognito's usual latency, few enough for two groups side by side.
const atOnce = 16

// people are rows of users.
type people []store.Doc

func (p people) names() []string {
	names := make([]string, len(p))
	for i, doc := range p {
		names[i] = doc.PoolName
	}
	return names
}

func (p people) ids() []string {
	ids := make([]string, len(p))
	for i, doc := range p {
		ids[i] = doc.ID
	}
	return ids
}

// without is p less those with the ids.
func (p people) without(ids map[string]bool) people {
	var rest people
	for _, doc := range p {
		if !ids[doc.ID] {
			rest = append(rest, doc)
		}
	}
	return rest
}

// membership is whom a group loses and gains.
type membership struct{ remove, add people }

// membershipOf finds the people whom a delta is about. Only additions are compared with the mirror: a removal always goes
// to the pool. left is what an earlier request has left to change.
func (c *Connection) membershipOf(ctx context.Context, op *operation, group store.Doc, delta patch.Delta, left membership) (m membership, err error) {
	if delta.Empty() {
		return m, nil
	}
	if delta.Replace {
		if err := c.dir.verifyMembers(ctx, group); err != nil {
			return m, err
		}
	}
	is, err := c.dir.memberIDs(ctx, group, delta)
	if err != nil {
		return m, err
	}
	left.doubtful(is, delta)
	if m.add, err = c.members(ctx, op, delta, is); err != nil {
		return m, err
	}
	for _, id := range c.leaving(delta, is) {
		doc, err := c.dir.userByID(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			continue // nobody, hence no member
		}
		if err != nil {
			return m, err
		}
		m.remove = append(m.remove, doc)
	}
	return m, c.where(ctx, group, delta, &m)
}

// memberIDs are the members that matter to a delta: all of them to a replacement, else those it would add.
func (d *Directory) memberIDs(ctx context.Context, group store.Doc, delta patch.Delta) (map[string]bool, error) {
	is := map[string]bool{}
	if !delta.Replace {
		ids, err := d.mirror.MembersOf(ctx, group.Seq, delta.Add)
		for _, id := range ids {
			is[id] = true
		}
		return is, internal(err)
	}
	for ref, err := range d.mirror.Members(ctx, group.Seq) {
		if err != nil {
			return nil, internal(err)
		}
		is[ref.ID] = true
	}
	return is, nil
}

// leaving are the ids that a delta removes.
func (c *Connection) leaving(delta patch.Delta, is map[string]bool) []string {
	if !delta.Replace {
		return delta.Remove
	}
	stay := set(delta.Add)
	var ids []string
	for id := range is {
		if !stay[id] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func set(ids []string) map[string]bool {
	in := make(map[string]bool, len(ids))
	for _, id := range ids {
		in[id] = true
	}
	return in
}

// where adds to m the members whom a filter removes (members[display eq "…"]), the one form that must look at them.
// Whom the same request adds stays.
func (c *Connection) where(ctx context.Context, group store.Doc, delta patch.Delta, m *membership) error {
	if delta.Where == nil {
		return nil
	}
	match, err := filter.CompileValue(c.dir.cfg.Types.Groups.Tree.Lookup("", "members"), delta.Where)
	if err != nil {
		return err
	}
	stay := set(delta.Add)
	for ref, err := range c.Members(ctx, group) {
		if err != nil {
			return err
		}
		if stay[ref.ID] || !match.Match(map[string]any{"value": ref.ID, "display": ref.Display, "type": "User"}) {
			continue
		}
		doc, err := c.dir.userByID(ctx, ref.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		} else if err == nil {
			m.remove = append(m.remove, doc)
		}
	}
	return nil
}

// members finds the people whom a delta adds and who are not members yet. Whom neither mirror nor pool know is left out
// and noted, or makes the request fail, as the connection says.
func (c *Connection) members(ctx context.Context, op *operation, delta patch.Delta, is map[string]bool) (people, error) {
	var ids []string
	for _, id := range delta.Add {
		if !is[id] {
			ids = append(ids, id)
		}
	}
	found := make([]store.Doc, len(ids))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, id := range ids {
		g.Go(func() (err error) {
			if found[i], err = c.joining(gctx, op, id); errors.Is(err, store.ErrNotFound) {
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, internal(err)
	}
	var known people
	var unknown []string
	for i, doc := range found {
		if doc.ID == "" {
			unknown = append(unknown, ids[i])
		} else {
			known = append(known, doc)
		}
	}
	if len(unknown) == 0 {
		return known, nil
	}
	some := slices.Clone(unknown[:min(len(unknown), 10)])
	for i, id := range some {
		some[i] = clip(id)
	}
	list := strings.Join(some, ", ")
	if c.cfg.UnknownMembers == RejectUnknown {
		return nil, &Error{Kind: Invalid, Detail: fmt.Sprintf("members: %d values name no user, among them %s", len(unknown), list)}
	}
	op.note("%d members are no users and were left out: %s", len(unknown), list)
	return known, nil
}

// userByID is the listed user with the id; store.ErrNotFound when mirror and pool know none. Unlike a look-up it asks the
// pool however fresh the mirror is: a wrong no would leave somebody out of the group.
func (d *Directory) userByID(ctx context.Context, id string) (store.Doc, error) {
	doc, err := d.mirror.Get(ctx, store.User, id)
	if errors.Is(err, store.ErrNotFound) && IDShaped(id) {
		if err := d.find(ctx, "sub", id); err != nil {
			return store.Doc{}, err
		}
		doc, err = d.mirror.Get(ctx, store.User, id)
	}
	if err == nil && doc.State != store.Listed {
		return store.Doc{}, store.ErrNotFound
	}
	return doc, err
}

// Members are the listed members of a group. Those of a group that the mirror has not read yet are read first.
func (c *Connection) Members(ctx context.Context, group store.Doc) iter.Seq2[store.Ref, error] {
	return func(yield func(store.Ref, error) bool) {
		if err := c.dir.ensureMembers(ctx, group); err != nil {
			yield(store.Ref{}, err)
			return
		}
		for ref, err := range c.dir.mirror.Members(ctx, group.Seq) {
			if !yield(ref, internal(err)) {
				return
			}
		}
	}
}

// MemberCount is the number of a group's listed members.
func (c *Connection) MemberCount(ctx context.Context, group store.Doc) (int, error) {
	if err := c.dir.ensureMembers(ctx, group); err != nil {
		return 0, err
	}
	n, err := c.dir.mirror.MemberCount(ctx, group.Seq)
	return n, internal(err)
}

// Groups are the listed groups of a user.
func (c *Connection) Groups(ctx context.Context, user store.Doc) ([]store.Ref, error) {
	refs, err := c.dir.mirror.Groups(ctx, user)
	return refs, internal(err)
}

// join makes a user a member of a group, in the pool and then in the mirror. A request about the user and one about the group
// may want the same membership otherwise at the same time: one comes after the other, for else the mirror could remember last
// what the pool has done first. Who has become a tombstone meanwhile leaves again: a membership that the mirror has learnt of
// before the marker is taken away by the deletion itself.
func (d *Directory) join(ctx context.Context, group, user store.Doc) error {
	unlock, err := d.mirror.Lock(ctx, membershipKey(group, user))
	if err != nil {
		return err
	}
	defer unlock()
	if err := d.pool.AddMember(ctx, group.PoolName, user.PoolName); err != nil {
		return err
	}
	late := false
	err = d.write(ctx, func(tx *store.Tx) error {
		is, err := tx.Get(store.User, user.ID)
		if late = err == nil && is.State == store.Tombstone; late || err != nil {
			return err
		}
		return tx.AddMember(group.Seq, user.Seq, d.now())
	})
	if err != nil || !late {
		return err
	}
	return d.pool.RemoveMember(cognito.WithPriority(ctx, cognito.Deprovision), group.PoolName, user.PoolName)
}

// leave is join's reverse.
func (d *Directory) leave(ctx context.Context, group, user store.Doc) error {
	unlock, err := d.mirror.Lock(ctx, membershipKey(group, user))
	if err != nil {
		return err
	}
	defer unlock()
	if err := d.pool.RemoveMember(cognito.WithPriority(ctx, cognito.Deprovision), group.PoolName, user.PoolName); err != nil {
		return err
	}
	return d.write(ctx, func(tx *store.Tx) error { return tx.RemoveMember(group.Seq, user.Seq, d.now()) })
}

// membershipKey names the lock on a membership, which nobody who has it waits with for another.
func membershipKey(group, user store.Doc) string { return "member:" + group.ID + ":" + user.ID }
