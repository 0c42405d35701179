package bridge

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/store"
)

// hold is the locks on a resource, and on a name it wants, while an operation works on it. They last as long as the
// request or the work that outlives it, whichever is longer.
type hold struct {
	mu      sync.Mutex
	holders int
	unlock  []func()
}

func newHold(unlock func()) *hold { return &hold{holders: 1, unlock: []func(){unlock}} }

// with adds a lock.
func (h *hold) with(unlock func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unlock = append(h.unlock, unlock)
}

// share adds a holder, who must call end as well.
func (h *hold) share() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holders++
}

// end gives the locks back when the last holder calls it.
func (h *hold) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.holders--; h.holders == 0 {
		for _, unlock := range h.unlock {
			unlock()
		}
	}
}

// answerBefore is how long before its deadline a request stops waiting for work that goes on without it.
const answerBefore = time.Second

// carry does work of more than one call: its desired state is in the journal from before the first call until after the
// last. The work goes on when ctx ends: the request is then told to come back. What fails for a reason that may pass
// stays in the journal.
func (d *Directory) carry(ctx context.Context, op *operation, e *entry, h *hold, work func(context.Context) error) error {
	if err := d.journal(ctx, e); err != nil {
		return err
	}
	if d.base.Err() != nil {
		return &Error{Kind: Unavailable, RetryAfter: retryUnavailable, Detail: "the SCIM server is stopping; repeat the request"}
	}
	h.share()
	outlives, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(d.base, cancel)
	var awaited atomic.Bool
	awaited.Store(true)
	done := make(chan error, 1)
	d.work.Go(func() {
		defer h.end()
		defer cancel()
		defer stop()
		err := work(outlives)
		done <- d.settle(outlives, e, err, awaited.Load())
	})
	late, cancelLate := waitLimit(ctx)
	defer cancelLate()
	select {
	case err := <-done:
		return err
	case <-late.Done():
		awaited.Store(false)
		left := d.pool.Delay(map[cognito.Category]int{cognito.UserUpdate: op.left()}, cognito.Write)
		return &Error{Kind: TooMany, RetryAfter: max(left, retryBusy), Err: late.Err(),
			Detail: "the change takes longer than a request may: it goes on, and the same request repeated finds it done"}
	}
}

// waitLimit ends a little before ctx does, so that there is time for an answer.
func waitLimit(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, deadline.Add(-answerBefore))
	}
	return context.WithCancel(ctx)
}

// carryUser carries out op's plan for a user and returns the row that the mirror then has. Its errors are Cognito's own.
func (d *Directory) carryUser(ctx context.Context, op *operation, key string, user cognito.User, h *hold) (store.Doc, error) {
	op.steps.Store(int64(len(op.plan)))
	if len(op.plan) == 1 {
		return d.applyUser(ctx, op, nil, user)
	}
	e := newEntry(key, desired{User: desiredUserOf(op.plan)})
	var doc store.Doc
	err := d.carry(ctx, op, e, h, func(ctx context.Context) error {
		made, err := d.applyUser(ctx, op, e, user)
		doc = made
		return err
	})
	if err != nil {
		return store.Doc{}, err // doc may still be written to
	}
	return doc, nil
}

// applyUser makes the calls of op's plan one after another, the mirror following each. e is the plan's journal entry, nil
// for a plan of one call.
func (d *Directory) applyUser(ctx context.Context, op *operation, e *entry, user cognito.User) (doc store.Doc, err error) {
	for _, s := range op.plan {
		if user, err = d.stepUser(ctx, s, user); err != nil {
			return doc, err
		}
		if s.Op == SignOut {
			op.steps.Add(-1)
			continue // changes nothing that the mirror knows
		}
		if s.Op != CreateUser {
			user.Modified = d.now()
		}
		if doc, err = d.remember(ctx, d.userDoc(user)); err != nil {
			return doc, err
		}
		if s.Op == CreateUser && e != nil {
			if err := d.rekey(ctx, e, userKey(user.Sub)); err != nil {
				return doc, err
			}
		}
		op.steps.Add(-1)
	}
	return doc, nil
}

// stepUser makes one call about a user and returns the user as the pool then holds it.
func (d *Directory) stepUser(ctx context.Context, s Step, user cognito.User) (cognito.User, error) {
	leaving := cognito.WithPriority(ctx, cognito.Deprovision)
	switch s.Op {
	case CreateUser:
		return d.createUser(ctx, s)
	case UpdateUser:
		if err := d.pool.UpdateUser(ctx, s.User, s.Set); err != nil {
			return user, err
		}
		user.Attributes = maps.Clone(user.Attributes)
		maps.Copy(user.Attributes, s.Set)
		return user, nil
	case DisableUser:
		if err := d.pool.DisableUser(leaving, s.User); err != nil {
			return user, err
		}
		user.Enabled = false
		return user, nil
	case SignOut:
		return user, d.pool.SignOut(leaving, s.User)
	case EnableUser:
		if err := d.pool.EnableUser(ctx, s.User); err != nil {
			return user, err
		}
		user.Enabled = true
		return user, nil
	}
	return user, errors.New("not a step for a user: " + s.String())
}

// createUser creates a user, and settles with a consistent read what became of a call whose outcome is unknown.
func (d *Directory) createUser(ctx context.Context, s Step) (cognito.User, error) {
	user, err := d.pool.CreateUser(ctx, s.User, s.Set)
	var e *cognito.Error
	if !errors.As(err, &e) || !e.Sent {
		return user, err
	}
	there, readErr := d.pool.User(ctx, s.User)
	if readErr != nil {
		return user, err
	}
	for name, v := range s.Set {
		if there.Attributes[name] != v {
			return user, err // somebody else's
		}
	}
	return there, nil
}
