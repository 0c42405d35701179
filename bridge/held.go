package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
	"github.com/scim-cognito/scim-cognito/store"
)

// A deactivation or deletion that the guard holds is an entry of the journal beside the resource's own: later changes of
// the profile go on, and only what says something about the same access supersedes it. It is parked, so that nothing but
// a release has it done, in the name of the connection that asked and as if it asked again.

// desiredHeld is the body of a held entry.
type desiredHeld struct {
	Connection string `json:"connection"`
	ID         string `json:"id"`
	Delete     bool   `json:"delete,omitempty"` // otherwise a deactivation
	Request    string `json:"request,omitempty"`
}

// heldEntry is a held entry, read.
type heldEntry struct {
	row  store.Entry
	want desiredHeld
}

const (
	heldPrefix = "held:"
	// parkedHeld is why a held entry is not tried: an operator reads it in the journal.
	parkedHeld = "held by the deprovisioning guard"
)

func heldKey(id string) string { return heldPrefix + id }

// lockOf is the lock under which work of a key is done.
func lockOf(key string) string {
	if id, held := strings.CutPrefix(key, heldPrefix); held {
		return userKey(id)
	}
	return key
}

// newHeld is the entry for work that is about to be held. It keeps the place of earlier, which it replaces.
func newHeld(ctx context.Context, c *Connection, doc store.Doc, deletion bool, earlier *heldEntry) (store.Entry, error) {
	body, err := json.Marshal(desired{Held: &desiredHeld{Connection: c.cfg.Name, ID: doc.ID, Delete: deletion, Request: requestOf(ctx).ID}})
	if err != nil {
		return store.Entry{}, internal(err)
	}
	e := store.Entry{Key: heldKey(doc.ID), Body: body, Parked: parkedHeld, Next: c.dir.now()}
	if earlier != nil {
		e.Created = earlier.row.Created
	}
	return e, nil
}

func readHeld(row store.Entry) (*heldEntry, error) {
	h := &heldEntry{row: row}
	var want desired
	if err := json.Unmarshal(row.Body, &want); err != nil || want.Held == nil {
		return nil, internal(fmt.Errorf("reading the held entry %s: %w", row.Key, cmp.Or(err, errors.New("it holds nothing"))))
	}
	h.want = *want.Held
	return h, nil
}

// released reports whether an operator has let this very work go (journal retry).
func (h *heldEntry) released() bool { return h != nil && h.row.Parked == "" }

// tried notes that the work of a held entry, if there is one, is about to be done: its person has taken the room that the
// window had, and needs none when it fails and is tried again.
func tried(tx *store.Tx, h *heldEntry) error {
	if h == nil {
		return nil
	}
	row := h.row
	row.Attempts++
	if err := tx.JournalUpdate(row); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil // given up at this moment
}

// heldOf is what is held for a user; nil for nothing.
func (d *Directory) heldOf(ctx context.Context, id string) (*heldEntry, error) {
	if !d.guard.mayHold() {
		return nil, nil
	}
	row, err := d.mirror.JournalByKey(ctx, heldKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, internal(err)
	}
	return readHeld(row)
}

// heldWork is everything that is held, oldest first.
func (d *Directory) heldWork(ctx context.Context) ([]*heldEntry, error) {
	d.guard.mu.Lock()
	defer d.guard.mu.Unlock()
	if !d.guard.holding {
		return nil, nil
	}
	rows, err := d.mirror.JournalList(ctx)
	if err != nil {
		return nil, internal(err)
	}
	var work []*heldEntry
	d.guard.holding = false
	for _, row := range rows {
		if !strings.HasPrefix(row.Key, heldPrefix) {
			continue
		}
		d.guard.holding = true
		if row.Parked != parkedHeld {
			continue // released by hand, or failed for good
		}
		h, err := readHeld(row)
		if err != nil {
			return nil, err
		}
		work = append(work, h)
	}
	return work, nil
}

// unhold gives up what is held for a user because a newer request has superseded or done it. The caller has the user's
// lock.
func (d *Directory) unhold(ctx context.Context, id string) error {
	h, err := d.heldOf(ctx, id)
	if err != nil || h == nil {
		return err
	}
	return d.write(ctx, func(tx *store.Tx) error { return tx.JournalDelete(h.row.ID) })
}

// guardLoop does what a release or the end of a window has let pass, until ctx ends.
func (d *Directory) guardLoop(ctx context.Context) {
	for {
		if err := d.guardRound(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("doing what the guard had held", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(journalEvery):
		}
	}
}

// guardRound does as much of the held work as may pass now, the oldest first.
func (d *Directory) guardRound(ctx context.Context) error {
	work, err := d.heldWork(ctx)
	if err != nil || len(work) == 0 {
		return err
	}
	rooms := map[string]int{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, h := range work {
		c := d.guard.ready(h.want.Connection, d.now())
		if c == nil {
			continue
		}
		if _, known := rooms[c.cfg.Name]; !known {
			w, err := d.mirror.GuardWindow(ctx, c.cfg.Name)
			if err != nil {
				return errors.Join(internal(err), g.Wait())
			}
			if rooms[c.cfg.Name] = c.cfg.Guard.room(w, d.now()); rooms[c.cfg.Name] == 0 {
				c.remind(ctx, w)
			}
		}
		switch {
		case rooms[c.cfg.Name] > 0:
			rooms[c.cfg.Name]--
		case h.row.Attempts == 0:
			continue
		}
		g.Go(func() error { return d.release(gctx, c, h) })
	}
	return g.Wait()
}

// release asks again, in the connection's name, for what was held. Whether it may pass is decided as for any request.
func (d *Directory) release(ctx context.Context, c *Connection, h *heldEntry) error {
	err := c.repeat(ctx, h)
	var e *Error
	switch {
	case err == nil || errors.Is(err, errSuperseded):
		d.guard.fine(c.cfg.Name)
		return nil
	case ctx.Err() != nil:
		return nil // the next process finds it
	case errors.As(err, &e) && e.Kind == Held:
		return nil // others have taken the room
	case errors.As(err, &e) && e.Kind == NotFound:
		return d.write(ctx, func(tx *store.Tx) error { return tx.JournalDelete(h.row.ID) })
	case passing(err) || errors.As(err, &e) && (e.Kind == TooMany || e.Kind == Unavailable):
		d.guard.failed(c.cfg.Name, d.now())
		h.row.Attempts++
	default:
		h.row.Parked = outcome(err)
	}
	d.log.Warn("work that the guard had held failed", "key", h.row.Key, "attempts", h.row.Attempts, "error", err)
	return d.write(ctx, func(tx *store.Tx) error {
		if err := tx.JournalUpdate(h.row); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return nil // superseded meanwhile
	})
}

// repeat carries the held request out, unless a newer one has superseded it meanwhile.
func (c *Connection) repeat(ctx context.Context, h *heldEntry) error {
	ctx = WithRequest(ctx, Request{ID: h.want.Request, Ignored: []string{"released by the guard"}, Precondition: func(store.Doc) error {
		now, err := c.dir.heldOf(ctx, h.want.ID)
		if err == nil && (now == nil || now.row.ID != h.row.ID) {
			err = errSuperseded
		}
		return err
	}})
	if h.want.Delete {
		return c.DeleteUser(ctx, h.want.ID)
	}
	_, err := c.PatchUser(ctx, h.want.ID, []patch.Op{schemas.Deactivate()})
	return err
}

type byHandKey struct{}

// releasedByHand reports whether an operator has had this very work tried (journal retry), whatever the guard counts.
func releasedByHand(ctx context.Context) bool { return ctx.Value(byHandKey{}) != nil }

// resumeHeld does one held entry that an operator has had tried.
func (d *Directory) resumeHeld(ctx context.Context, key string) error {
	row, err := d.mirror.JournalByKey(ctx, key)
	if errors.Is(err, store.ErrNotFound) || err == nil && (row.Parked != "" || row.Next.After(d.now())) {
		return nil
	}
	if err != nil {
		return internal(err)
	}
	h, err := readHeld(row)
	if err != nil {
		return err
	}
	c := d.guard.connection(h.want.Connection)
	if c == nil { // since the operator has asked
		h.row.Parked = parkedHeld
		return d.write(ctx, func(tx *store.Tx) error { return tx.JournalUpdate(h.row) })
	}
	h.row.Next = d.now().Add(retryJournal(h.row.Attempts + 1)) // if it fails
	return d.release(context.WithValue(cognito.WithPriority(ctx, cognito.Deprovision), byHandKey{}, true), c, h)
}

// mayHold reports whether the journal may have held work.
func (g *guardian) mayHold() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.holding
}

func (g *guardian) connection(name string) *Connection {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.connections[name]
}

// names are the connections that have a guard, or something held.
func (g *guardian) names(held map[string]int) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := maps.Clone(held)
	for name, c := range g.connections {
		if c.cfg.Guard.on() {
			all[name] += 0
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// ready returns a connection whose held work may be tried now, else nil.
func (g *guardian) ready(name string, now time.Time) *Connection {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.pause[name]) {
		return nil
	}
	return g.connections[name]
}

// failed has a connection's held work wait, longer with each failure, when Cognito does not do its part.
func (g *guardian) failed(name string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failures[name]++
	g.pause[name] = now.Add(retryJournal(g.failures[name]))
}

func (g *guardian) fine(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.failures, name)
}

// retry has a connection's held work tried without waiting on.
func (g *guardian) retry(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.pause, name)
	delete(g.failures, name)
}
