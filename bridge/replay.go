package bridge

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
	"github.com/scim-cognito/scim-cognito/store"
)

// journalEvery is how often the journal is looked through.
const journalEvery = 2 * time.Second

// journalLoop does the work that a killed process or a failing Cognito has left, until ctx ends.
func (d *Directory) journalLoop(ctx context.Context) {
	for {
		if err := d.journalRound(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("reading the journal", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(journalEvery):
		}
	}
}

// journalRound does what is due. Each piece of work gives way to a request for the same resource. What is being done already,
// for longer than its lease, is left to who does it: to wait for that would stop the whole journal.
func (d *Directory) journalRound(ctx context.Context) error {
	due, err := d.mirror.JournalDue(ctx, d.now(), 100+d.running.count())
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(cognito.WithPriority(ctx, cognito.Journal))
	g.SetLimit(4)
	for _, row := range due {
		if d.running.has(row.Key) {
			continue
		}
		g.Go(func() error { return d.resume(gctx, row.Key) })
	}
	return g.Wait()
}

// resume does the work that is due under a key, unless somebody has meanwhile.
func (d *Directory) resume(ctx context.Context, key string) error {
	if strings.HasPrefix(key, heldPrefix) {
		return d.resumeHeld(ctx, key)
	}
	unlock, err := d.mirror.Lock(ctx, key)
	if err != nil {
		return err
	}
	h := newHold(key, unlock)
	defer h.end()
	pending, err := d.pending(ctx, key)
	if err != nil || pending == nil || pending.row.Next.After(d.now()) {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	d.running.start(key, &work{op: &operation{}, stop: stop, late: true})
	defer func() { d.running.end(pending.row.Key) }()
	if err := d.replay(ctx, pending, h); err != nil && !passing(err) && pending.row.Parked == "" {
		return err
	}
	return nil // noted with the entry
}

// finish does what the journal still holds under a key. The caller has its lock, h.
func (d *Directory) finish(ctx context.Context, key string, h *hold) error {
	pending, err := d.pending(ctx, key)
	if err != nil || pending == nil {
		return err
	}
	if err := d.replay(ctx, pending, h); !gone(err) {
		return fromCognito(err)
	}
	return nil
}

// finishEarlier is finish for the name of a resource that is about to be created. That the earlier request for the name cannot
// have what it asked for is not the newer one's affair.
func (d *Directory) finishEarlier(ctx context.Context, key string, h *hold) error {
	if err := d.finish(ctx, key, h); repeated(err) {
		return err
	}
	return nil
}

// replay plans an entry's work again from what the pool holds and does it. The caller has the lock of its key, h.
func (d *Directory) replay(ctx context.Context, e *entry, h *hold) error {
	var err error
	op := &operation{}
	switch {
	case e.deletes() && e.want.User != nil:
		if err = d.stopAll(ctx, op, e.want.User.Stop); err == nil {
			err = d.replayUserDeletion(ctx, e.userID(), e.want.User.Username)
		}
	case e.deletes():
		err = d.replayGroupDeletion(ctx, e)
	case e.want.User != nil:
		err = d.replayUser(ctx, op, e, *e.want.User, h)
	case e.want.Group != nil:
		err = d.replayGroup(ctx, e, *e.want.Group, h)
	}
	d.told(ctx, e, op, err)
	return d.settle(ctx, e, err, false)
}

// told records what is to be known of work on a user beside its end, err: its request has been recorded before.
func (d *Directory) told(ctx context.Context, e *entry, op *operation, err error) {
	if len(op.notes) == 0 {
		return
	}
	a := store.Activity{At: d.now(), Method: "journal", Kind: store.User, ID: e.userID(), Outcome: "done", Notes: op.notes}
	if err != nil {
		a.Outcome = outcome(err)
	}
	d.record(ctx, a)
}

func (d *Directory) replayUser(ctx context.Context, op *operation, e *entry, u desiredUser, h *hold) error {
	id := e.userID() // "": it is not known yet whether the user was created
	asBefore := vouch(func(string) bool { return u.Set["email_verified"] != "false" })
	read := d.pool.User
	if id == "" {
		read = d.userCalled
	}
	requested := d.now()
	user, err := read(ctx, u.Username)
	switch {
	case cognito.KindOf(err) == cognito.NotFound && id == "":
		op.plan = append(planCreateUser(u.Username, u.Set, e.status(), asBefore), d.lostPassword(ctx, "", u)...)
		op.plan[0].invite = u.Invite
		op.plan = op.plan.linking(u.Username, u.linkChange).with(e.grants(), u.Username)
		if name, _, err := d.newRival(ctx, h, u.Username, op.plan[0].Set); err != nil || name != "" {
			return cmp.Or(err, aliasTaken(name))
		}
		_, err = d.applyUser(ctx, op, e, user, h)
		return err
	case cognito.KindOf(err) == cognito.NotFound || err == nil && id != "" && id != user.Sub:
		return d.forget(ctx, store.User, id) // deleted, and the Username may be another's: there is nothing left to do
	case err != nil:
		return err
	case id == "" && user.Attributes[schemas.Overflow] != u.Set[schemas.Overflow] && u.Enabled == nil && len(u.Join) == 0:
		return nil // changed since, or somebody else's: the creation was all there was to do
	case id == "" && user.Attributes[schemas.Overflow] != u.Set[schemas.Overflow]:
		return &Error{Kind: Exists, Detail: "the Username has been given to somebody else"}
	case id == "":
		// It was created with all of Set, so that what is different now is newer.
		e.want.User.Username, e.want.User.Set = user.Username, nil
		known := func() error {
			return d.write(ctx, func(tx *store.Tx) error {
				_, err := tx.Observe(d.userDoc(user), requested, 0)
				return err
			})
		}
		if superseded, err := d.created(ctx, e, userKey(user.Sub), known, h); err != nil || superseded {
			return err
		}
		return d.replayUser(ctx, op, e, *e.want.User, h) // as the user is by now: its lock was waited for
	}
	if _, err := d.remember(ctx, d.userDoc(user)); err != nil {
		return err
	}
	switch {
	case u.unfinished(user):
		op.plan = u.steps().withPassword(d.lostPassword(ctx, user.Sub, u)).linking(user.Username, u.left(user)).with(e.grants(), user.Username)
		if taken := d.attainable(ctx, h, user, u, op.plan); taken != nil {
			return taken
		}
		_, err = d.applyUser(ctx, op, e, user, h)
		return err
	case e.entombs():
		_, err = d.depart(cognito.WithPriority(ctx, cognito.Deprovision), user)
		return err
	}
	is := map[string]string{} // of what the entry is about
	for name := range u.Set {
		is[name] = user.Attributes[name]
	}
	op.plan = planUser(schemas.PoolUser{Username: user.Username, Enabled: user.Enabled, Attributes: is}, u.Set, e.status(), doubt{}, asBefore)
	op.plan = op.plan.afterLeaving(d.lostPassword(ctx, user.Sub, u)).linking(user.Username, u.left(user)).with(e.grants(), user.Username)
	if taken := d.attainable(ctx, h, user, u, op.plan); taken != nil {
		op.plan = op.plan.without(UpdateUser)
		_, err = d.applyUser(ctx, op, e, user, h)
		return cmp.Or(err, taken)
	}
	_, err = d.applyUser(ctx, op, e, user, h)
	return err
}

// attainable reports that a user cannot have the names any more that the journal has promised.
func (d *Directory) attainable(ctx context.Context, h *hold, user cognito.User, u desiredUser, plan Plan) error {
	if err := d.renameable(ctx, h, user, u.UserName); err != nil {
		return err
	}
	return d.claimed(ctx, h, user.Sub, plan)
}

// created moves work to the key of the resource that it turns out to have created, once known has told the mirror of that: who
// asks for the same name finds the one or the other. A newer request may have left work there: that supersedes it.
func (d *Directory) created(ctx context.Context, e *entry, key string, known func() error, h *hold) (superseded bool, err error) {
	if err := h.add(ctx, d, key); err != nil {
		return false, err
	}
	if err := known(); err != nil {
		return false, err
	}
	newer, err := d.pending(ctx, key)
	if err != nil || newer != nil {
		return newer != nil, err
	}
	return false, d.rekey(ctx, e, key)
}

func (d *Directory) replayGroup(ctx context.Context, e *entry, g desiredGroup, h *hold) error {
	requested := d.now()
	group, err := d.readGroup(ctx, g.Name)
	unsure := e.row.Key != groupKey(g.ID) // it is not known yet whether the group was created
	change := groupChange{Name: g.Name, Description: g.Describe}
	var doc store.Doc
	switch {
	case cognito.KindOf(err) == cognito.GroupNotFound && unsure:
		change.Create, group = true, cognito.Group{Name: g.Name}
		err = h.add(ctx, d, groupKey(g.ID))
	case cognito.KindOf(err) == cognito.GroupNotFound:
		return d.absent(ctx, g.ID, err) // deleted: there is nothing left to do
	case err == nil && unsure && group.Description != g.Describe && len(g.Add) == 0:
		return nil // as for users
	case err == nil && unsure && group.Description != g.Describe:
		return &Error{Kind: Exists, Detail: "the group name has been given to another group"}
	case err == nil && unsure:
		known := func() error {
			doc, err = d.noted(ctx, group, requested)
			return err
		}
		if superseded, err := d.created(ctx, e, groupKey(g.ID), known, h); err != nil || superseded {
			return err
		}
	case err == nil:
		doc, err = d.noted(ctx, group, requested)
	}
	if err != nil {
		return err
	}
	if !change.Create && doc.ID != g.ID {
		return nil // deleted, and the name is another's
	}
	m := membership{}
	left, err := d.left(ctx, e)
	if err == nil {
		err = d.takeOver(ctx, left, doc, patch.Delta{}, &m)
	}
	if err != nil {
		return err
	}
	change.Remove, change.Add = m.remove.names(), m.add.names()
	_, err = d.applyGroup(ctx, &operation{plan: planGroup(change)}, e, g.ID, group, m)
	return err
}

// noted is the row of a group that was read from the pool. It is not remembered: the read may be older than what the
// mirror has.
func (d *Directory) noted(ctx context.Context, group cognito.Group, requested time.Time) (doc store.Doc, err error) {
	err = d.write(ctx, func(tx *store.Tx) (err error) {
		if _, err = tx.Observe(d.groupDoc(group), requested, d.cfg.Lag); err == nil {
			doc, err = tx.ByPoolName(store.Group, group.Name)
		}
		return err
	})
	return doc, err
}

// people are the rows of users by their Usernames; those who are gone are left out.
func (d *Directory) people(ctx context.Context, usernames []string) (people, error) {
	var found people
	for _, name := range usernames {
		doc, err := d.mirror.ByPoolName(ctx, store.User, name)
		if errors.Is(err, store.ErrNotFound) {
			if err := d.find(ctx, "username", name); err != nil { // a Username, as the pool returns it
				return nil, err
			}
			doc, err = d.mirror.ByPoolName(ctx, store.User, name)
		}
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, internal(err)
		}
		if doc.State == store.Tombstone {
			continue // in no group any more, and not to come into one
		}
		found = append(found, doc)
	}
	return found, nil
}
