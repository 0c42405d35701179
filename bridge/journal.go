package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/store"
)

// desired is the body of a journal entry: what shall be, from which work is planned again with what the pool then
// holds. It never holds a password. One of its fields is set.
type desired struct {
	User  *desiredUser  `json:"user,omitempty"`
	Group *desiredGroup `json:"group,omitempty"`
	Held  *desiredHeld  `json:"held,omitempty"`
}

type desiredUser struct {
	Username string            `json:"username"`
	Create   bool              `json:"create,omitempty"`   // it is not there yet
	Delete   bool              `json:"delete,omitempty"`   // it shall not be there; nothing else is set but Stop
	Set      map[string]string `json:"set,omitempty"`      // attributes; "" unsets one
	UserName string            `json:"userName,omitempty"` // that Set gives to a user who has another
	Enabled  *bool             `json:"enabled,omitempty"`
	Leave    []string          `json:"leave,omitempty"` // GroupNames
	Join     []string          `json:"join,omitempty"`
	Password string            `json:"password,omitempty"` // that one is to be set, and whose: passwordGiven or passwordRandom
	Invite   cognito.Courier   `json:"invite,omitempty"`   // of a create
	TakeOver bool              `json:"takeOver,omitempty"` // whoever can sign in now cannot afterwards
	Depart   bool              `json:"depart,omitempty"`   // it is in no group any more
	linkChange
}

type desiredGroup struct {
	Name     string   `json:"name"`
	ID       string   `json:"id"`
	Create   bool     `json:"create,omitempty"`
	Delete   bool     `json:"delete,omitempty"`   // it shall not be there; nothing else is set but, once it is being emptied, Remove
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
			u.Create, u.Set, u.Invite = true, s.Set, s.invite
		case UpdateUser:
			u.Set = s.Set
		case EnableUser:
			u.Enabled = &yes
		case DisableUser:
			u.Enabled = &no
		case RemoveMember:
			u.Leave = append(u.Leave, s.Group)
		case AddMember:
			u.Join = append(u.Join, s.Group)
		case LinkUser:
			u.Link = append(u.Link, *s.Link)
		case UnlinkUser:
			u.Unlink = append(u.Unlink, *s.Link)
		case StopProfile, StopProfiles:
			u.stop(*s.Link)
		case SetPassword:
			switch {
			case s.secret.temporary:
				u.TakeOver = true
			case s.secret.random:
				u.Password = passwordRandom
			default:
				u.Password = passwordGiven
			}
		case LeaveGroups:
			u.Depart = true
		}
	}
	return u
}

// steps is the plan of a user who is taken over or becomes a tombstone. Of an account that is taken over the marker tells that
// all is done: it comes last but for the reactivation. A tombstone's comes before the user loses links and groups: until then a
// newer request finds the user as it was, and from then on there is none and nobody puts it into a group.
func (u *desiredUser) steps() Plan {
	var plan Plan
	add := func(op Op) { plan = append(plan, Step{Op: op, User: u.Username}) }
	leaves := u.Enabled != nil && !*u.Enabled
	if leaves {
		add(DisableUser)
		add(SignOut)
	}
	if u.TakeOver {
		plan = append(plan, takenPassword(u.Username))
	}
	if u.TakeOver && !leaves {
		add(SignOut)
	}
	if u.Depart && u.TakeOver {
		add(LeaveGroups)
	}
	plan = append(plan, Step{Op: UpdateUser, User: u.Username, Set: u.Set})
	if u.Depart && !u.TakeOver {
		add(LeaveGroups)
	}
	if u.Enabled != nil && !leaves {
		add(EnableUser)
	}
	return plan
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

// userID is the id of the user whom an entry is about, "" while nobody knows it.
func (e *entry) userID() string {
	id, ok := strings.CutPrefix(e.row.Key, userKey(""))
	if !ok {
		return ""
	}
	return id
}

// lease is for how long the journal leaves an entry to whoever wrote it down. Entries whose resource is locked by work of
// this process wait for it anyway.
const lease = time.Minute

// journal writes an entry down, to be looked at after a while.
func (d *Directory) journal(ctx context.Context, e *entry, after time.Duration) error {
	body, err := json.Marshal(e.want)
	if err != nil {
		return internal(err)
	}
	row := store.Entry{Key: e.key, Body: body, Next: d.now().Add(after)}
	err = d.mirror.Update(ctx, func(tx *store.Tx) (err error) {
		e.row, err = tx.JournalPut(row)
		return err
	})
	if err == nil {
		d.promises.note(e)
	}
	return internal(err)
}

// amend writes down what work that is being done has found out about itself.
func (d *Directory) amend(ctx context.Context, e *entry) (err error) {
	if e.row.Body, err = json.Marshal(e.want); err != nil {
		return internal(err)
	}
	return internal(d.mirror.Update(ctx, func(tx *store.Tx) error { return tx.JournalUpdate(e.row) }))
}

// adopt makes the work due that an earlier process has left: only one process at a time has the store, so what that one
// had in hand, or was waiting for, binds nobody any more.
func (d *Directory) adopt(ctx context.Context) error {
	left, err := d.mirror.JournalList(ctx)
	if err != nil || len(left) == 0 {
		return err
	}
	return d.mirror.Update(ctx, func(tx *store.Tx) error {
		for _, row := range left {
			if e, err := read(row); err == nil {
				d.promises.note(e)
			}
			row.Next = d.now()
			if err := tx.JournalUpdate(row); err != nil {
				return err
			}
		}
		return nil
	})
}

// rekey moves an entry, as it has become, to the key of the resource that the work has created, so that later changes of
// that resource find it.
func (d *Directory) rekey(ctx context.Context, e *entry, key string) error {
	row := e.row
	row.Key = key
	var err error
	if row.Body, err = json.Marshal(e.want); err != nil {
		return internal(err)
	}
	err = d.write(ctx, func(tx *store.Tx) (err error) {
		if err = tx.JournalDelete(e.row.ID); err != nil {
			return err
		}
		row, err = tx.JournalPut(row)
		return err
	})
	if err != nil {
		return err
	}
	d.running.rekey(e.row.Key, key)
	e.row = row
	return nil
}

// retryJournal is when to try again after the nth failure.
func retryJournal(n int) time.Duration {
	return min(time.Second<<min(n, 8), 5*time.Minute)
}

// settle brings the journal up to date with how work has ended, and returns that end. What may pass is tried again. What
// cannot succeed is parked with its reason, unless somebody waits to be told.
func (d *Directory) settle(ctx context.Context, e *entry, err error, told bool) error {
	superseded := errors.Is(context.Cause(ctx), errSuperseded)
	over := err == nil || told && !passing(err) || gone(err) || errors.Is(err, errUndone)
	writeErr := d.write(ctx, func(tx *store.Tx) error {
		switch {
		case over:
			return tx.JournalDelete(e.row.ID)
		case superseded:
			e.row.Next = d.now().Add(retryJournal(0)) // the newer request writes over it, unless it is refused
		case passing(err):
			e.row.Attempts++
			e.row.Next = d.now().Add(retryJournal(e.row.Attempts))
		default:
			e.row.Parked = outcome(err)
		}
		if err := tx.JournalUpdate(e.row); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return nil // written over
	})
	if over && writeErr == nil {
		d.promises.forget(e)
	}
	if err != nil && !told && !superseded {
		reason := any(err)
		mine := (*Error)(nil)
		if errors.As(err, &mine) && mine.Kind == Exists || cognito.KindOf(err) == cognito.Lambda {
			reason = outcome(err) // a conflict's detail names whose it is, and a trigger's words are anything
		}
		d.log.Warn("work in the journal failed", "key", withoutName(e.row.Key), "attempts", e.row.Attempts, "parked", e.row.Parked, "error", reason)
	}
	if err == nil {
		return writeErr
	}
	return err
}

// gone reports that what work is about has been deleted meanwhile: there is nothing left to do.
func gone(err error) bool {
	return cognito.KindOf(err) == cognito.NotFound || cognito.KindOf(err) == cognito.GroupNotFound
}

// pending is what the journal holds for a resource, nil for nothing. It stays so as long as the caller has its lock.
func (d *Directory) pending(ctx context.Context, key string) (*entry, error) {
	row, err := d.mirror.JournalByKey(ctx, key)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Parked != "" {
		return nil, nil
	}
	if err != nil {
		return nil, internal(err)
	}
	return read(row)
}

// read is an entry as it was written down.
func read(row store.Entry) (*entry, error) {
	e := &entry{key: row.Key, row: row}
	if err := json.Unmarshal(row.Body, &e.want); err != nil {
		return nil, internal(fmt.Errorf("reading the journal entry of %s: %w", row.Key, err))
	}
	return e, nil
}

// hurry has work that waits to be tried again tried within seconds, because somebody waits for what becomes of it; "" is all.
func (d *Directory) hurry(ctx context.Context, key string) error {
	return d.write(ctx, func(tx *store.Tx) error { return tx.JournalHurry(key, d.now()) })
}

// unsettledYet has work tried within seconds, and is the answer to who must wait for what becomes of it.
func (d *Directory) unsettledYet(ctx context.Context, key, detail string) error {
	if err := d.hurry(ctx, key); err != nil {
		return err
	}
	return &Error{Kind: TooMany, RetryAfter: 2 * journalEvery, Detail: detail}
}

// drop removes an entry that a newer request has made pointless; nil does nothing.
func (d *Directory) drop(ctx context.Context, e *entry) error {
	if e == nil {
		return nil
	}
	err := d.write(ctx, func(tx *store.Tx) error { return tx.JournalDelete(e.row.ID) })
	if err == nil {
		d.promises.forget(e)
	}
	return err
}

// withoutName is a key as a log may hold it: ids are nobody's business to hide, names are.
func withoutName(key string) string {
	if kind, _, _ := strings.Cut(key, ":"); kind == "userName" || kind == "displayName" {
		return kind
	}
	return key
}
