package bridge

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/store"
)

// A deletion is in the journal from before its call until the mirror knows, although the call is but one: a user who was
// deleted by a process that was killed, or without an answer, would else go on to be shown. Replayed, it deletes only what
// was asked to be deleted: by then the name may be another's.

// deletionOf is the journal's entry of a deletion.
func deletionOf(doc store.Doc) *entry {
	if doc.Kind == store.Group {
		return newEntry(groupKey(doc.ID), desired{Group: &desiredGroup{Name: doc.PoolName, ID: doc.ID, Delete: true}})
	}
	return newEntry(userKey(doc.ID), desired{User: &desiredUser{Username: doc.PoolName, Delete: true}})
}

// deletes reports whether a pending entry is a deletion.
func (e *entry) deletes() bool {
	return e != nil && (e.want.User != nil && e.want.User.Delete || e.want.Group != nil && e.want.Group.Delete)
}

// creates is deletes for a creation.
func (e *entry) creates() bool {
	return e.want.User != nil && e.want.User.Create || e.want.Group != nil && e.want.Group.Create
}

// finishDeletion does what a deletion has left to do of a user who is a tombstone already. Where there is nothing the repeated
// request ends with err.
func (d *Directory) finishDeletion(ctx context.Context, id string, h *hold, err error) error {
	var mine *Error
	if !errors.As(err, &mine) || mine.Kind != NotFound {
		return err
	}
	pending, pendingErr := d.pending(ctx, userKey(id))
	if pendingErr != nil || !pending.entombs() {
		return cmp.Or(pendingErr, err)
	}
	if err := d.finish(ctx, userKey(id), h); err != nil {
		return err
	}
	return d.unhold(ctx, id)
}

// leaving is how long it may take until it is clear whether a resource, whose lock the caller need not have, is deleted;
// 0 when it is not being deleted. The mirror forgets before the journal does, so they are asked the other way round.
func (d *Directory) leaving(ctx context.Context, doc store.Doc) (time.Duration, error) {
	pending, err := d.pending(ctx, keyOf(doc.Kind, doc.ID))
	if err != nil {
		return 0, err
	}
	if pending.deletes() || pending.entombs() {
		return 2 * journalEvery, d.hurry(ctx, pending.row.Key)
	}
	doc, err = d.mirror.Get(ctx, doc.Kind, doc.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && doc.State == store.Tombstone {
		return time.Second, nil // it has just been deleted
	}
	return 0, internal(err)
}

// deleteUser deletes a user. Gone already or not: the user was there as far as we said, and now is not.
func (d *Directory) deleteUser(ctx context.Context, doc store.Doc) error {
	err := d.pool.DeleteUser(ctx, doc.PoolName)
	if err != nil && cognito.KindOf(err) != cognito.NotFound && !d.userGone(ctx, doc, err) {
		return err
	}
	return d.forget(ctx, store.User, doc.ID)
}

// userGone settles with a consistent read whether a deletion of unknown outcome was made.
func (d *Directory) userGone(ctx context.Context, doc store.Doc, err error) bool {
	if !unknown(err) {
		return false
	}
	there, err := d.pool.User(ctx, doc.PoolName)
	return cognito.KindOf(err) == cognito.NotFound || err == nil && there.Sub != doc.ID
}

// groupGone is userGone for a group.
func (d *Directory) groupGone(ctx context.Context, doc store.Doc, err error) bool {
	if !unknown(err) {
		return false
	}
	_, err = d.pool.Group(ctx, doc.PoolName)
	return cognito.KindOf(err) == cognito.GroupNotFound && d.believable(doc)
}

// unknown reports an error of a call that may have been applied.
func unknown(err error) bool {
	var e *cognito.Error
	return errors.As(err, &e) && e.Sent
}

// believable reports whether a read that does not show the group is to be believed: such reads may be old, and right
// after we have made the group they do not know it yet.
func (d *Directory) believable(doc store.Doc) bool {
	return d.now().Sub(time.UnixMilli(doc.Wrote)) > d.cfg.Lag
}

// absent is what a read that does not show the group with an id comes down to: the mirror forgets the group, or, if the
// read may be too old, it is to be made again.
func (d *Directory) absent(ctx context.Context, id string, err error) error {
	doc, mirrorErr := d.mirror.Get(ctx, store.Group, id)
	switch {
	case errors.Is(mirrorErr, store.ErrNotFound):
		return nil
	case mirrorErr != nil:
		return internal(mirrorErr)
	case !d.believable(doc):
		return &cognito.Error{Kind: cognito.Unavailable, Op: "GetGroup", Err: err, Message: "the user pool may not show the group yet"}
	}
	return d.forget(ctx, store.Group, id)
}

// replayUserDeletion deletes a user if the Username is still theirs.
func (d *Directory) replayUserDeletion(ctx context.Context, id, username string) error {
	user, err := d.pool.User(ctx, username)
	switch {
	case cognito.KindOf(err) == cognito.NotFound || err == nil && user.Sub != id:
		return d.forget(ctx, store.User, id)
	case err != nil:
		return err
	}
	return d.deleteUser(ctx, store.Doc{Kind: store.User, ID: id, PoolName: username})
}

// replayGroupDeletion deletes a group if the name is still its own.
func (d *Directory) replayGroupDeletion(ctx context.Context, e *entry) error {
	g := *e.want.Group
	group, err := d.readGroup(ctx, g.Name)
	switch {
	case cognito.KindOf(err) == cognito.GroupNotFound:
		return d.absent(ctx, g.ID, err)
	case err != nil:
		return err
	}
	if d.groupDoc(group).ID != g.ID {
		return d.forget(ctx, store.Group, g.ID)
	}
	doc, err := d.mirror.Get(ctx, store.Group, g.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil // somebody has noticed that it is gone
	}
	if err != nil {
		return internal(err)
	}
	return d.deleteGroup(ctx, &operation{}, e, doc)
}

// deleteGroup deletes a group, after emptying it if Cognito wants it so: AWS's guide says that only empty groups can be
// deleted, its API reference does not. e is the deletion's entry.
func (d *Directory) deleteGroup(ctx context.Context, op *operation, e *entry, doc store.Doc) error {
	err := d.pool.DeleteGroup(ctx, doc.PoolName)
	if cognito.KindOf(err) == cognito.Invalid {
		if err = d.empty(ctx, op, e, doc); err == nil {
			err = d.pool.DeleteGroup(ctx, doc.PoolName)
		}
		if cognito.KindOf(err) == cognito.Invalid {
			return &cognito.Error{Kind: cognito.Unavailable, Op: "DeleteGroup", Err: err, Message: "the user pool may not know yet that the group is empty"}
		}
	}
	if err != nil && cognito.KindOf(err) != cognito.GroupNotFound && !d.groupGone(ctx, doc, err) {
		return err
	}
	return d.forget(ctx, store.Group, doc.ID)
}

// empty removes every member from a group, whether SCIM shows them or not. The mirror follows. Its entry, e, tells a newer
// request, which may cut it off, whom.
func (d *Directory) empty(ctx context.Context, op *operation, e *entry, group store.Doc) error {
	var all people
	for token := ""; ; {
		requested := d.now()
		users, next, err := d.pool.MembersPage(ctx, group.PoolName, token)
		if err != nil {
			return err
		}
		if _, err := d.observeMembers(ctx, group, users, requested); err != nil {
			return internal(err)
		}
		for _, u := range users {
			doc, err := d.mirror.Get(ctx, store.User, u.Sub)
			switch {
			case err == nil:
				all = append(all, doc)
			case !errors.Is(err, store.ErrNotFound): // else deleted by us meanwhile
				return internal(err)
			}
		}
		if next == "" {
			break
		}
		token = next
	}
	op.steps.Store(int64(len(all) + 1))
	e.want.Group.Remove = all.names()
	if err := d.amend(ctx, e); err != nil {
		return err
	}
	return d.applyMembers(ctx, op, group, membership{remove: all})
}
