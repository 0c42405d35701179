package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/scim-cognito/scim-cognito/store"
)

// Guard is how many people a connection may deactivate or delete in a while: an identity provider that unassigns everybody
// by mistake stops there, until an operator has looked. It is the one exception to the rule that a deactivation is never
// refused. It belongs to the connection, not to the directory: another identity provider's leaver must not wait for this
// one's mishap. The zero value guards nothing.
//
// Memberships and groups are not counted: they take away rights but nobody's profile, and the same push brings them back.
type Guard struct {
	People  int           // at most so many in a window; 0: as many as there are
	Percent int           // at most so many of the people listed when the window began, rounded up to one person; 0: all
	Window  time.Duration // begins with the first person; required unless both are 0
}

func (g Guard) on() bool { return g.Window > 0 && (g.People > 0 || g.Percent > 0) }

// limit is how many people may go in a window that began with so many listed.
func (g Guard) limit(listed int) int {
	share := max(1, (listed*g.Percent+99)/100)
	switch {
	case g.Percent == 0:
		return g.People
	case g.People == 0:
		return share
	}
	return min(g.People, share)
}

// over reports whether a window has ended, or never begun. One that begins more than its length from now was written down by
// a clock that has been set back since: it would last until that time comes again.
func (g Guard) over(w store.GuardWindow, now time.Time) bool {
	return w.Began.IsZero() || !now.Before(w.Began.Add(g.Window)) || now.Before(w.Began.Add(-g.Window))
}

// room is how many more people a window lets pass.
func (g Guard) room(w store.GuardWindow, now time.Time) int {
	switch {
	case !g.on() || w.Released && !g.over(w, now):
		return everybody
	case g.over(w, now):
		return g.limit(w.People)
	}
	return max(0, g.limit(w.People)-w.Passed)
}

const everybody = int(^uint(0) >> 1)

// guardian is what the guards of a directory's connections keep in memory. What they count is in the store.
type guardian struct {
	mu          sync.Mutex
	connections map[string]*Connection
	holding     bool                 // the journal may have held work; so it may when a process starts
	alarmed     map[string]time.Time // the window for which the operator has been told, by connection
	pause       map[string]time.Time // when held work may be tried again that has failed, by connection
	failures    map[string]int       // in a row, by connection
}

// register makes a connection known to the guard: what it has held back is done in its name.
func (d *Directory) register(c *Connection) {
	d.guard.mu.Lock()
	defer d.guard.mu.Unlock()
	if d.guard.connections == nil {
		d.guard.connections = map[string]*Connection{}
		d.guard.alarmed, d.guard.pause, d.guard.failures = map[string]time.Time{}, map[string]time.Time{}, map[string]int{}
		d.guard.holding = true
	}
	d.guard.connections[c.cfg.Name] = c
}

// admit counts a person who is about to be deactivated or deleted. When the window has let as many pass as it may, the
// work is held in the journal instead, and the error says so. Whom the window has let pass once passes again. The caller
// has the person's lock.
func (c *Connection) admit(ctx context.Context, op *operation, doc store.Doc, deletion bool) error {
	d, g := c.dir, c.cfg.Guard
	if !g.on() || releasedByHand(ctx) {
		return nil
	}
	earlier, err := d.heldOf(ctx, doc.ID)
	if err != nil {
		return err
	}
	if earlier.released() && (earlier.want.Delete || !deletion) {
		return nil // the identity provider has come before the journal
	}
	work, err := newHeld(ctx, c, doc, deletion, earlier)
	if err != nil {
		return err
	}
	d.guard.mu.Lock() // until holding says what the journal has
	defer d.guard.mu.Unlock()
	var window store.GuardWindow
	var held bool
	now := d.now()
	err = d.mirror.Update(ctx, func(tx *store.Tx) (err error) {
		if window, err = c.window(tx, now); err != nil {
			return err
		}
		passed, err := tx.GuardPassed(c.cfg.Name, doc.ID)
		if held = err == nil && !passed && g.room(window, now) == 0; held {
			_, err = tx.JournalPut(work)
		} else if err == nil {
			err = errors.Join(tx.GuardPass(c.cfg.Name, doc.ID), tried(tx, earlier))
		}
		return err
	})
	if err != nil {
		return internal(err)
	}
	if !held {
		return nil
	}
	d.guard.holding = true
	c.alarm(ctx, window)
	op.note("held by the guard: %d people have been deactivated or deleted since %s", window.Passed, window.Began.UTC().Format(time.RFC3339))
	return c.heldError(window, now)
}

// guarded asks the guard about a change of a user: a deactivation of somebody who is in, as far as we know, and was to stay,
// may be held. Of anybody else it takes nothing away, and to hold it might let a reactivation go on that the journal still
// has to make. A reactivation gives up what is held.
func (c *Connection) guarded(ctx context.Context, op *operation, doc store.Doc, in bool, said status) error {
	switch {
	case said == saysActive:
		return c.dir.unhold(ctx, doc.ID)
	case said == saysInactive && in:
		return c.admit(ctx, op, doc, false)
	}
	return nil
}

func isHeld(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == Held
}

// window returns the connection's window, a new one if the last has ended.
func (c *Connection) window(tx *store.Tx, now time.Time) (store.GuardWindow, error) {
	w, err := tx.GuardWindow(c.cfg.Name)
	if err != nil || !c.cfg.Guard.over(w, now) {
		return w, err
	}
	return c.beginWindow(tx, now, false)
}

func (c *Connection) beginWindow(tx *store.Tx, now time.Time, released bool) (store.GuardWindow, error) {
	listed, err := tx.Listed(store.User)
	if err != nil {
		return store.GuardWindow{}, err
	}
	w := store.GuardWindow{Began: now.Truncate(time.Millisecond), People: c.dir.peopleOf(listed), Released: released}
	return w, tx.GuardBegin(c.cfg.Name, w)
}

// peopleOf is how many people there are when the mirror lists so many.
func (d *Directory) peopleOf(listed int) int {
	if d.warm.Load() {
		return listed
	}
	return max(listed, d.pool.Info().EstimatedUsers)
}

// heldError is what the identity provider's admin reads.
func (c *Connection) heldError(w store.GuardWindow, now time.Time) error {
	g := c.cfg.Guard
	ends := w.Began.Add(g.Window)
	return &Error{Kind: Held, RetryAfter: max(ends.Sub(now), time.Second), Detail: fmt.Sprintf(
		"the deprovisioning guard holds this back: %d of the %d people of the user pool have been deactivated or deleted since %s, and no more may be within %s. "+
			"It is not lost: it is done when an operator of the SCIM server releases it, or from %s on. If it is a mistake, assign the people again",
		w.Passed, w.People, w.Began.UTC().Format(time.RFC3339), g.Window, ends.UTC().Format(time.RFC3339))}
}

// remind is alarm for a window that has been used up by what was held before it.
func (c *Connection) remind(ctx context.Context, w store.GuardWindow) {
	c.dir.guard.mu.Lock()
	defer c.dir.guard.mu.Unlock()
	c.alarm(ctx, w)
}

// alarm tells the operator, once a window. The caller has the guard's lock.
func (c *Connection) alarm(ctx context.Context, w store.GuardWindow) {
	d := c.dir
	if d.guard.alarmed[c.cfg.Name].Equal(w.Began) {
		return
	}
	d.guard.alarmed[c.cfg.Name] = w.Began
	ends := w.Began.Add(c.cfg.Guard.Window)
	d.log.Error("deprovisioning is held by the guard: look at `scim-cognito guard`", "connection", c.cfg.Name, "passed", w.Passed,
		"people", w.People, "window", c.cfg.Guard.Window, "ends", ends)
	d.record(ctx, store.Activity{At: d.now(), Connection: c.cfg.Name, Method: "guard", Outcome: "holds",
		Notes: []string{fmt.Sprintf("%d of %d people were deactivated or deleted since %s; more is held until %s, or until released",
			w.Passed, w.People, w.Began.UTC().Format(time.RFC3339), ends.UTC().Format(time.RFC3339))}})
}

// GuardStatus is what a connection's guard has counted and holds.
type GuardStatus struct {
	Connection string    `json:"connection"`
	Held       int       `json:"held"`             // people whose deactivation or deletion waits: the number to watch
	Passed     int       `json:"passed"`           // people who were deactivated or deleted in the window
	Limit      int       `json:"limit"`            // how many may be; 0: the connection has no guard
	Listed     int       `json:"listed"`           // people when the window began
	Released   bool      `json:"released"`         // by an operator, until the window ends
	Gone       bool      `json:"gone,omitempty"`   // the connection is not configured any more: nobody does what it holds
	Window     string    `json:"window,omitempty"` // how long one lasts
	Began      time.Time `json:"began,omitzero"`   // zero: no window is running
	Ends       time.Time `json:"ends,omitzero"`
}

// Guards returns the state of each connection that has a guard, or work that one held, by name.
func (d *Directory) Guards(ctx context.Context) ([]GuardStatus, error) {
	work, err := d.heldWork(ctx)
	if err != nil {
		return nil, err
	}
	held := map[string]int{}
	for _, h := range work {
		held[h.want.Connection]++
	}
	var all []GuardStatus
	for _, name := range d.guard.names(held) {
		c := d.guard.connection(name)
		status := GuardStatus{Connection: name, Held: held[name], Gone: c == nil}
		if c != nil && c.cfg.Guard.on() {
			if err := c.describeWindow(ctx, &status); err != nil {
				return nil, err
			}
		}
		all = append(all, status)
	}
	return all, nil
}

func (c *Connection) describeWindow(ctx context.Context, s *GuardStatus) error {
	g := c.cfg.Guard
	w, err := c.dir.mirror.GuardWindow(ctx, c.cfg.Name)
	if err != nil {
		return internal(err)
	}
	if s.Window = g.Window.String(); g.over(w, c.dir.now()) {
		page, err := c.dir.mirror.List(ctx, store.Query{Kind: store.User, Start: 1})
		s.Limit = g.limit(c.dir.peopleOf(page.Total)) // of a window that would begin now
		return internal(err)
	}
	s.Limit, s.Passed, s.Listed, s.Released = g.limit(w.People), w.Passed, w.People, w.Released
	s.Began, s.Ends = w.Began.UTC(), w.Began.Add(g.Window).UTC()
	return nil
}

// ReleaseGuard opens a connection's guard for the length of a window from now on, whether it holds something or not, and
// has what it holds done. Without such a guard the error is of the kind NotFound.
func (d *Directory) ReleaseGuard(ctx context.Context, connection string) (GuardStatus, error) {
	c := d.guard.connection(connection)
	if c == nil || !c.cfg.Guard.on() {
		return GuardStatus{}, &Error{Kind: NotFound, Detail: "the connection has no guard"}
	}
	err := d.mirror.Update(ctx, func(tx *store.Tx) error {
		_, err := c.beginWindow(tx, d.now(), true)
		return err
	})
	if err != nil {
		return GuardStatus{}, internal(err)
	}
	d.guard.retry(connection)
	d.log.Info("the guard is released by the operator", "connection", connection, "until", d.now().Add(c.cfg.Guard.Window))
	return d.guardOf(ctx, connection)
}

// DropHeld gives up everything that a connection's guard holds: those people stay as they are. It returns how many, among
// them perhaps some whom a newer request has superseded at the same moment.
func (d *Directory) DropHeld(ctx context.Context, connection string) (n int, err error) {
	work, err := d.heldWork(ctx)
	if err != nil {
		return 0, err
	}
	err = d.write(ctx, func(tx *store.Tx) error {
		n = 0
		for _, h := range work {
			if h.want.Connection != connection {
				continue
			}
			if err := tx.JournalDelete(h.row.ID); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

func (d *Directory) guardOf(ctx context.Context, connection string) (GuardStatus, error) {
	all, err := d.Guards(ctx)
	for _, s := range all {
		if s.Connection == connection {
			return s, err
		}
	}
	return GuardStatus{Connection: connection}, err
}
