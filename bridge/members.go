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
	"github.com/scim-cognito/scim-cognito/schemas"
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

// membership is whom a group loses and gains.
type membership struct{ remove, add people }

// membershipOf finds the people whom a delta is about. Only additions are compared with the mirror: a removal always goes
// to the pool.
func (c *Connection) membershipOf(ctx context.Context, op *operation, group store.Doc, delta patch.Delta) (m membership, err error) {
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
	return m, c.where(ctx, group, delta.Where, &m)
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
	stay := map[string]bool{}
	for _, id := range delta.Add {
		stay[id] = true
	}
	var ids []string
	for id := range is {
		if !stay[id] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// where adds to m the members whom a filter removes (members[display eq "…"]), the one form that must look at them.
func (c *Connection) where(ctx context.Context, group store.Doc, e *filter.Expr, m *membership) error {
	if e == nil {
		return nil
	}
	match, err := filter.CompileValue(schemas.Groups.Tree.Lookup("", "members"), e)
	if err != nil {
		return err
	}
	for ref, err := range c.Members(ctx, group) {
		if err != nil {
			return err
		}
		if !match.Match(map[string]any{"value": ref.ID, "display": ref.Display, "type": "User"}) {
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
			if found[i], err = c.dir.userByID(gctx, id); errors.Is(err, store.ErrNotFound) {
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
	list := strings.Join(unknown[:min(len(unknown), 10)], ", ")
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
	if errors.Is(err, store.ErrNotFound) && uuidShaped.MatchString(id) {
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

// carryGroup carries out op's plan for a group and returns the row that the mirror then has. Its errors are Cognito's own.
func (d *Directory) carryGroup(ctx context.Context, op *operation, id, key string, group cognito.Group, m membership, h *hold) (store.Doc, error) {
	op.steps.Store(int64(len(op.plan)))
	if len(op.plan) == 1 {
		return d.applyGroup(ctx, op, nil, id, group, m)
	}
	e := newEntry(key, desired{Group: desiredGroupOf(group.Name, id, op.plan)})
	var doc store.Doc
	err := d.carry(ctx, op, e, h, func(ctx context.Context) error {
		made, err := d.applyGroup(ctx, op, e, id, group, m)
		doc = made
		return err
	})
	if err != nil {
		return store.Doc{}, err // doc may still be written to
	}
	return doc, nil
}

// applyGroup makes the calls of op's plan: first those about the group itself, then the memberships, several at once.
// The mirror follows each.
func (d *Directory) applyGroup(ctx context.Context, op *operation, e *entry, id string, group cognito.Group, m membership) (doc store.Doc, err error) {
	plan := op.plan
	for len(plan) > 0 && plan[0].User == "" {
		if group, err = d.stepGroup(ctx, plan[0], group); err != nil {
			return doc, err
		}
		created := plan[0].Op == CreateGroup
		if doc, err = d.rememberGroup(ctx, group, created); err != nil {
			return doc, err
		}
		if created && e != nil {
			if err := d.rekey(ctx, e, groupKey(id)); err != nil {
				return doc, err
			}
		}
		op.steps.Add(-1)
		plan = plan[1:]
	}
	if doc.ID == "" {
		if doc, err = d.mirror.Get(ctx, store.Group, id); err != nil {
			return doc, internal(err)
		}
	}
	if err := d.applyMembers(ctx, op, doc, m); err != nil {
		return doc, err
	}
	doc, err = d.mirror.Get(context.WithoutCancel(ctx), store.Group, id)
	return doc, internal(err)
}

// stepGroup makes one call about a group and returns the group as the pool then holds it.
func (d *Directory) stepGroup(ctx context.Context, s Step, group cognito.Group) (cognito.Group, error) {
	switch s.Op {
	case CreateGroup:
		made, err := d.pool.CreateGroup(ctx, s.Group, s.Set[description])
		var e *cognito.Error
		if errors.As(err, &e) && e.Sent {
			// The Description holds an id that nobody else can have.
			if there, readErr := d.pool.Group(ctx, s.Group); readErr == nil && there.Description == s.Set[description] {
				return there, nil
			}
		}
		return made, err
	case UpdateGroup:
		if err := d.pool.UpdateGroup(ctx, s.Group, s.Set[description]); err != nil {
			return group, err
		}
		group.Description, group.Modified = s.Set[description], d.now()
		return group, nil
	}
	return group, errors.New("not a step for a group: " + s.String())
}

// applyMembers removes, then adds: leaving takes rights away, and makes room under Cognito's limit of groups a user.
func (d *Directory) applyMembers(ctx context.Context, op *operation, group store.Doc, m membership) error {
	leaving := cognito.WithPriority(ctx, cognito.Deprovision)
	err := d.each(leaving, op, m.remove, func(ctx context.Context, user store.Doc) error {
		if err := d.pool.RemoveMember(ctx, group.PoolName, user.PoolName); err != nil {
			return err
		}
		return d.write(ctx, func(tx *store.Tx) error { return tx.RemoveMember(group.Seq, user.Seq, d.now()) })
	})
	if err != nil {
		return err
	}
	return d.each(ctx, op, m.add, func(ctx context.Context, user store.Doc) error {
		if err := d.pool.AddMember(ctx, group.PoolName, user.PoolName); err != nil {
			return err
		}
		return d.write(ctx, func(tx *store.Tx) error { return tx.AddMember(group.Seq, user.Seq, d.now()) })
	})
}

// each makes a membership call for everybody, several at once. Somebody for whom it can never work (deleted meanwhile, or
// in as many groups as Cognito allows) is left out and noted, so that one does not stop the others.
func (d *Directory) each(ctx context.Context, op *operation, who people, call func(context.Context, store.Doc) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, user := range who {
		g.Go(func() error {
			err := call(gctx, user)
			if err == nil || hopeless(err) {
				op.steps.Add(-1)
			}
			if hopeless(err) {
				op.note("user %s was left out: %s", user.ID, outcome(err))
				return nil
			}
			return err
		})
	}
	return g.Wait()
}

// hopeless reports an error about one user that does not concern the others.
func hopeless(err error) bool {
	switch cognito.KindOf(err) {
	case cognito.NotFound, cognito.Limit, cognito.Invalid:
		return true
	}
	return errors.Is(err, store.ErrNotFound) // left the mirror meanwhile
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
