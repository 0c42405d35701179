package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/store"
)

// What an operator can ask of a directory, beside what identity providers can.

// PoolID is the id of the directory's pool.
func (d *Directory) PoolID() string { return d.poolID }

// Resync begins a sweep of the whole pool now, or as soon as the one under way has ended.
func (d *Directory) Resync() {
	select {
	case d.sweepNow <- struct{}{}:
	default: // one is asked for already
	}
}

// ResyncUser reads one user from the pool, consistently (AdminGetUser, which makes the user a monthly active one), and
// returns whether the pool has it. The error of an id that mirror and pool do not know is of the kind NotFound.
func (d *Directory) ResyncUser(ctx context.Context, id string) (there bool, err error) {
	h, err := d.hold(ctx, userKey(id))
	if err != nil {
		return false, err
	}
	defer h.end()
	doc, err := d.userByID(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, notFound("User", id)
	}
	if err != nil {
		return false, internal(err)
	}
	requested := d.now()
	user, err := d.pool.User(ctx, doc.PoolName)
	if cognito.KindOf(err) == cognito.NotFound {
		d.drift(ctx, store.User, id, "gone from the pool, not through us")
		return false, d.forget(ctx, store.User, id)
	}
	if err != nil {
		return false, fromCognito(err)
	}
	return true, d.observeWithin(ctx, requested, 0, d.userDoc(user))
}

// ResyncGroup reads one group and its members from the pool, and returns whether the pool has it.
func (d *Directory) ResyncGroup(ctx context.Context, id string) (there bool, err error) {
	h, err := d.hold(ctx, groupKey(id))
	if err != nil {
		return false, err
	}
	defer h.end()
	doc, err := d.mirror.Get(ctx, store.Group, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, notFound("Group", id)
	}
	if err != nil {
		return false, internal(err)
	}
	requested := d.now()
	group, err := d.pool.Group(ctx, doc.PoolName)
	if cognito.KindOf(err) == cognito.GroupNotFound {
		d.drift(ctx, store.Group, id, "gone from the pool, not through us")
		return false, d.forget(ctx, store.Group, id)
	}
	if err != nil {
		return false, fromCognito(err)
	}
	if err := d.observe(ctx, requested, d.groupDoc(group)); err != nil {
		return false, err
	}
	return true, fromCognito(d.readMembers(ctx, doc))
}

// Unfinished is work that the journal holds.
type Unfinished struct {
	Key      string    `json:"key"`  // "user:<id>", "group:<id>", "userName:<name>" or "displayName:<name>" while it is being created, "held:<user id>" what the guard holds
	Work     string    `json:"work"` // create, change or delete
	Attempts int       `json:"attempts"`
	Created  time.Time `json:"created"`
	Next     time.Time `json:"next"`             // when it is tried again
	Parked   string    `json:"parked,omitempty"` // why it is not
}

// Journal returns what work is left, oldest first.
func (d *Directory) Journal(ctx context.Context) ([]Unfinished, error) {
	list, err := d.mirror.JournalList(ctx)
	if err != nil {
		return nil, internal(err)
	}
	work := make([]Unfinished, len(list))
	for i, e := range list {
		work[i] = Unfinished{Key: e.Key, Work: workOf(e), Attempts: e.Attempts, Created: e.Created, Next: e.Next, Parked: e.Parked}
	}
	return work, nil
}

// workOf says in a word what an entry is about.
func workOf(row store.Entry) string {
	e, err := read(row)
	switch {
	case err == nil && (e.deletes() || e.entombs() || e.want.Held != nil && e.want.Held.Delete):
		return "delete"
	case err == nil && e.creates():
		return "create"
	}
	return "change"
}

// RetryWork has the work under a key tried now, parked or not.
func (d *Directory) RetryWork(ctx context.Context, key string) error {
	return d.editWork(ctx, key, func(tx *store.Tx, e store.Entry) error {
		if h, err := readHeld(e); err == nil && d.guard.connection(h.want.Connection) == nil {
			return &Error{Kind: Invalid, Detail: fmt.Sprintf("the guard of the connection %q holds this, which is not configured any more, so that nobody does it: configure it again, or drop the work", h.want.Connection)}
		}
		e.Parked, e.Next = "", d.now()
		return tx.JournalUpdate(e)
	})
}

// DropWork gives the work under a key up. What it has done stays done; a sweep shows it.
func (d *Directory) DropWork(ctx context.Context, key string) error {
	return d.editWork(ctx, key, func(tx *store.Tx, e store.Entry) error { return tx.JournalDelete(e.ID) })
}

func (d *Directory) editWork(ctx context.Context, key string, edit func(*store.Tx, store.Entry) error) error {
	h, err := d.hold(ctx, lockOf(key)) // work that is under way gives way
	if err != nil {
		return err
	}
	defer h.end()
	e, err := d.mirror.JournalByKey(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return &Error{Kind: NotFound, Detail: "the journal holds no work under this key"}
	}
	if err != nil {
		return internal(err)
	}
	return d.write(ctx, func(tx *store.Tx) error { return edit(tx, e) })
}
