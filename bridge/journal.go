package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// desired is the body of a journal entry: what shall be, from which work is planned again with what the pool then
// holds. It never holds a password. One of its fields is set.
type desired struct {
	User  *desiredUser  `json:"user,omitempty"`
	Group *desiredGroup `json:"group,omitempty"`
}

type desiredUser struct {
	Username string            `json:"username"`
	Create   bool              `json:"create,omitempty"` // it is not there yet
	Set      map[string]string `json:"set,omitempty"`    // attributes; "" unsets one
	Enabled  *bool             `json:"enabled,omitempty"`
}

type desiredGroup struct {
	Name     string   `json:"name"`
	ID       string   `json:"id"`
	Create   bool     `json:"create,omitempty"`
	Describe string   `json:"describe,omitempty"` // the Description; "" leaves it
	Remove   []string `json:"remove,omitempty"`   // Usernames
	Add      []string `json:"add,omitempty"`
}

func desiredUserOf(plan Plan) *desiredUser {
	u := &desiredUser{Username: plan[0].User}
	yes, no := true, false
	for _, s := range plan {
		switch s.Op {
		case CreateUser:
			u.Create, u.Set = true, s.Set
		case UpdateUser:
			u.Set = s.Set
		case EnableUser:
			u.Enabled = &yes
		case DisableUser:
			u.Enabled = &no
		}
	}
	return u
}

func desiredGroupOf(name, id string, plan Plan) *desiredGroup {
	g := &desiredGroup{Name: name, ID: id}
	for _, s := range plan {
		switch s.Op {
		case CreateGroup, UpdateGroup:
			g.Create, g.Describe = s.Op == CreateGroup, s.Set[description]
		case RemoveMember:
			g.Remove = append(g.Remove, s.User)
		case AddMember:
			g.Add = append(g.Add, s.User)
		}
	}
	return g
}

// entry is work in the journal.
type entry struct {
	key  string
	want desired
	row  store.Entry
}

func newEntry(key string, want desired) *entry { return &entry{key: key, want: want} }

// lease is for how long the journal leaves an entry to whoever wrote it down. Entries whose resource is locked by work of
// this process wait for it anyway.
const lease = time.Minute

// journal writes an entry down.
func (d *Directory) journal(ctx context.Context, e *entry) error {
	body, err := json.Marshal(e.want)
	if err != nil {
		return internal(err)
	}
	row := store.Entry{Key: e.key, Body: body, Next: d.now().Add(lease)}
	return internal(d.mirror.Update(ctx, func(tx *store.Tx) (err error) {
		e.row, err = tx.JournalPut(row)
		return err
	}))
}

// rekey moves an entry to the key of the resource that the work has created, so that later changes of that resource
// find it.
func (d *Directory) rekey(ctx context.Context, e *entry, key string) error {
	return d.write(ctx, func(tx *store.Tx) (err error) {
		if err = tx.JournalDelete(e.row.ID); err != nil {
			return err
		}
		row := e.row
		row.Key = key
		e.row, err = tx.JournalPut(row)
		return err
	})
}

// retryJournal is when to try again after the nth failure.
func retryJournal(n int) time.Duration {
	return min(time.Second<<min(n, 8), 5*time.Minute)
}

// settle brings the journal up to date with how work has ended, and returns that end. What may pass is tried again. What
// cannot succeed is parked with its reason, unless the client is there to be told.
func (d *Directory) settle(ctx context.Context, e *entry, err error, told bool) error {
	writeErr := d.write(ctx, func(tx *store.Tx) error {
		switch {
		case err == nil || told && !passing(err):
			return tx.JournalDelete(e.row.ID)
		case passing(err):
			e.row.Attempts++
			e.row.Next = d.now().Add(retryJournal(e.row.Attempts))
		default:
			e.row.Parked = outcome(err)
		}
		if err := tx.JournalUpdate(e.row); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return nil // superseded
	})
	if err != nil && !told {
		d.log.Warn("work in the journal failed", "key", e.row.Key, "attempts", e.row.Attempts, "parked", e.row.Parked, "error", err)
	}
	if err == nil {
		return writeErr
	}
	return err
}

// finish does what the journal still holds for a resource before it is changed again. The caller has its lock.
func (d *Directory) finish(ctx context.Context, key string) error {
	row, err := d.mirror.JournalByKey(ctx, key)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Parked != "" {
		return nil
	}
	if err != nil {
		return internal(err)
	}
	if err := d.replay(ctx, row); err != nil && passing(err) {
		return fromCognito(err)
	}
	return nil
}

// dropEntry removes what the journal holds for a resource that is gone.
func (d *Directory) dropEntry(ctx context.Context, key string) error {
	row, err := d.mirror.JournalByKey(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return internal(err)
	}
	return d.write(ctx, func(tx *store.Tx) error { return tx.JournalDelete(row.ID) })
}

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

func (d *Directory) journalRound(ctx context.Context) error {
	due, err := d.mirror.JournalDue(ctx, d.now(), 100)
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(cognito.WithPriority(ctx, cognito.Journal))
	g.SetLimit(4)
	for _, row := range due {
		g.Go(func() error {
			unlock, err := d.mirror.Lock(gctx, row.Key)
			if err != nil {
				return err
			}
			defer unlock()
			row, err := d.mirror.JournalByKey(gctx, row.Key)
			if errors.Is(err, store.ErrNotFound) || err == nil && (row.Parked != "" || row.Next.After(d.now())) {
				return nil // done, or taken up, while we waited for the lock
			}
			if err != nil {
				return err
			}
			return ignorePassing(d.replay(gctx, row))
		})
	}
	return g.Wait()
}

// ignorePassing: replay has noted the failure with the entry.
func ignorePassing(err error) error {
	var e *cognito.Error
	if errors.As(err, &e) {
		return nil
	}
	return err
}

// replay plans an entry's work again from what the pool holds and does it. The caller has the lock of its key.
func (d *Directory) replay(ctx context.Context, row store.Entry) error {
	e := &entry{key: row.Key, row: row}
	err := json.Unmarshal(row.Body, &e.want)
	switch {
	case err != nil:
		err = fmt.Errorf("reading the journal entry of %s: %w", row.Key, err)
	case e.want.User != nil:
		err = d.replayUser(ctx, e, *e.want.User)
	case e.want.Group != nil:
		err = d.replayGroup(ctx, e, *e.want.Group)
	}
	return d.settle(ctx, e, err, false)
}

func (d *Directory) replayUser(ctx context.Context, e *entry, u desiredUser) error {
	op := &operation{}
	said := unsaid
	if u.Enabled != nil && *u.Enabled {
		said = saysActive
	} else if u.Enabled != nil {
		said = saysInactive
	}
	user, err := d.pool.User(ctx, u.Username)
	switch {
	case cognito.KindOf(err) == cognito.NotFound && u.Create:
		op.plan = planCreateUser(u.Username, u.Set, said)
	case cognito.KindOf(err) == cognito.NotFound:
		return nil // deleted: there is nothing left to do
	case err != nil:
		return err
	case u.Create && user.Attributes[schemas.Overflow] != u.Set[schemas.Overflow]:
		return fmt.Errorf("the Username %q has been given to somebody else", u.Username)
	default:
		op.plan = d.remaining(user, u, said)
	}
	_, err = d.applyUser(ctx, op, e, user)
	return err
}

// remaining is what is left of a user's desired state.
func (d *Directory) remaining(user cognito.User, u desiredUser, said status) Plan {
	var plan Plan
	if said == saysInactive {
		plan = append(plan, Step{Op: DisableUser, User: user.Username}, Step{Op: SignOut, User: user.Username})
	}
	set := map[string]string{}
	for name, v := range u.Set {
		if user.Attributes[name] != v {
			set[name] = v
		}
	}
	if len(set) > 0 {
		plan = append(plan, Step{Op: UpdateUser, User: user.Username, Set: verified(set)})
	}
	if said == saysActive && !user.Enabled {
		plan = append(plan, Step{Op: EnableUser, User: user.Username})
	}
	return plan
}

func (d *Directory) replayGroup(ctx context.Context, e *entry, g desiredGroup) error {
	group, err := d.pool.Group(ctx, g.Name)
	exists := err == nil
	switch {
	case exists:
	case cognito.KindOf(err) != cognito.GroupNotFound:
		return err
	case !g.Create:
		return nil // deleted: there is nothing left to do
	default:
		group = cognito.Group{Name: g.Name}
	}
	m := membership{}
	if m.remove, err = d.people(ctx, g.Remove); err != nil {
		return err
	}
	if m.add, err = d.people(ctx, g.Add); err != nil {
		return err
	}
	op := &operation{plan: planGroup(groupChange{
		Name: g.Name, Create: !exists, Description: g.Describe, Remove: m.remove.names(), Add: m.add.names(),
	})}
	if exists {
		if _, err := d.rememberGroup(ctx, group, false); err != nil {
			return err
		}
	}
	_, err = d.applyGroup(ctx, op, e, g.ID, group, m)
	return err
}

// people are the rows of users by their Usernames; those who are gone are left out.
func (d *Directory) people(ctx context.Context, usernames []string) (people, error) {
	var found people
	for _, name := range usernames {
		doc, err := d.mirror.ByPoolName(ctx, store.User, name)
		if errors.Is(err, store.ErrNotFound) {
			if err := d.find(ctx, "username", name); err != nil {
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
		found = append(found, doc)
	}
	return found, nil
}
