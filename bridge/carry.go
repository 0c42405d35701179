package bridge

import (
	"context"
	"errors"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/store"
)

// carry does work of more than one call: its desired state is in the journal from before the first call until after the
// last. The work goes on when the request has run out of time, which is then told to come back; it is told at once when
// the quotas say so from the start. What fails for a reason that may pass stays in the journal.
func (d *Directory) carry(ctx context.Context, op *operation, e *entry, h *hold, do func(context.Context) error) error {
	if d.base.Err() != nil {
		return errStopping
	}
	if d.running.count() >= d.cfg.AtOnce && op.plan.priority() != cognito.Deprovision {
		if err := d.journal(ctx, e, 0); err != nil {
			return err
		}
		return &Error{Kind: TooMany, RetryAfter: d.timeLeft(op.left()),
			Detail: "too much is being changed at once: the change is written down and will be made, and the same request repeated finds it done"}
	}
	if err := d.journal(ctx, e, lease); err != nil {
		return err
	}
	outlives, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(d.base, func() { stop(context.Canceled) })
	w := &work{op: op, stop: stop}
	h.share()
	finally := func() {
		unhook()
		stop(nil)
		h.end()
	}
	done := make(chan error, 1)
	if !d.running.begin(e.row.Key, w, func() {
		defer finally()
		err := do(outlives)
		told := d.running.end(e.row.Key)
		done <- d.settle(outlives, e, err, told)
	}) {
		finally()
		return errStopping
	}
	late, cancel := d.patience(ctx, op)
	defer cancel()
	select {
	case err := <-done:
		return err
	case <-late.Done():
	}
	if !d.running.outlive(w) {
		return <-done // it has just ended
	}
	return &Error{Kind: TooMany, RetryAfter: d.timeLeft(op.left()), Err: late.Err(),
		Detail: "the change takes longer than a request may: it goes on, and the same request repeated finds it done"}
}

// errStopping is the answer to work that cannot begin any more. What is in the journal of it the next process does.
var errStopping = &Error{Kind: Unavailable, RetryAfter: retryUnavailable, Detail: "the SCIM server is stopping; repeat the request"}

// patience is how long a request waits for its work: not at all when the quotas cannot carry it in time.
func (d *Directory) patience(ctx context.Context, op *operation) (context.Context, context.CancelFunc) {
	late, cancel := waitLimit(ctx)
	deadline, ok := late.Deadline()
	if ok && d.pool.Delay(op.plan.calls(), op.plan.priority()) > deadline.Sub(d.now()) {
		cancel()
	}
	return late, cancel
}

// uncertain writes work of one call into the journal when nobody knows whether the call was applied: the journal settles
// it, and a newer request does not trust the mirror about it. It returns err.
func (d *Directory) uncertain(ctx context.Context, e *entry, err error) error {
	var theirs *cognito.Error
	if !errors.As(err, &theirs) || !theirs.Sent || !passing(err) {
		return err
	}
	return errors.Join(err, d.journal(context.WithoutCancel(ctx), e, retryJournal(1)))
}

// once ends work of one call, which is in the journal only if its outcome is unknown. Done, it supersedes work for the
// same resource that is parked there: tried again, that would undo it. It returns err.
func (d *Directory) once(ctx context.Context, e *entry, err error) error {
	if err != nil {
		return d.uncertain(ctx, e, err)
	}
	parked, err := d.mirror.JournalByKey(context.WithoutCancel(ctx), e.key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return internal(err)
	}
	return d.drop(ctx, &entry{row: parked})
}

// carryUser carries out op's plan for a user and returns the row that the mirror then has. Its errors are Cognito's own.
// pending is what the journal holds for the user already: the plan takes its place.
func (d *Directory) carryUser(ctx context.Context, op *operation, key string, pending *entry, user cognito.User, h *hold) (store.Doc, error) {
	op.steps.Store(int64(len(op.plan)))
	e := newEntry(key, desired{User: desiredUserOf(op.plan)})
	e.want.User.UserName = op.renames
	if len(op.plan) == 1 && pending == nil {
		doc, err := d.applyUser(ctx, op, nil, user, h)
		return doc, d.once(ctx, e, err)
	}
	var doc store.Doc
	err := d.carry(ctx, op, e, h, func(ctx context.Context) error {
		made, err := d.applyUser(ctx, op, e, user, h)
		doc = made
		return err
	})
	if err != nil {
		return store.Doc{}, err // doc may still be written to
	}
	return doc, nil
}

// carryGroup is carryUser for a group.
func (d *Directory) carryGroup(ctx context.Context, op *operation, id, key string, pending *entry, group cognito.Group, m membership, h *hold) (store.Doc, error) {
	op.steps.Store(int64(len(op.plan)))
	e := newEntry(key, desired{Group: desiredGroupOf(group.Name, id, op.plan)})
	if len(op.plan) == 1 && pending == nil {
		doc, err := d.applyGroup(ctx, op, nil, id, group, m)
		return doc, d.once(ctx, e, err)
	}
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
