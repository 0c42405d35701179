package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// Tx is a write transaction of a directory; see Directory.Update.
type Tx struct {
	d       *Directory
	ctx     context.Context
	c       *conn
	now     int64
	tally   map[tallyKey]int
	ends    map[int64]end // what is known of memberships' ends
	removed bool          // something was removed that is to be remembered for a while
}

// Update runs f within a write transaction and returns when it is on the disk. When f fails, its changes are undone
// and the error is returned as it is. f must be quick, for others wait; it sees its own changes through tx alone, and
// must not call Update or keep tx.
//
// ErrNotFound is in the chain when another pool has taken the directory's place. Concurrent callers run one after the other, in the order of their arrival, and share a commit.
func (d *Directory) Update(ctx context.Context, f func(*Tx) error) error {
	return d.s.writer.do(ctx, func(c *conn) error {
		if d.replaced.Load() {
			return fmt.Errorf("%w: directory %s: another pool has taken its place", ErrNotFound, d.name)
		}
		tx := &Tx{d: d, ctx: ctx, c: c, now: d.s.now()}
		if err := f(tx); err != nil {
			return err
		}
		return tx.finish()
	})
}

// finish writes what is gathered for the end.
func (t *Tx) finish() error {
	if err := t.writeTally(); err != nil {
		return fmt.Errorf("counting rows: %w", err)
	}
	if t.removed {
		return t.prune()
	}
	return nil
}

// Get returns the row with the SCIM id as this transaction sees it; ErrNotFound when there is none.
func (t *Tx) Get(kind Kind, id string) (Doc, error) {
	return t.c.doc(byID, t.d.dir, kind, id)
}

// ByPoolName returns the row with the pool's name as this transaction sees it; ErrNotFound when there is none.
func (t *Tx) ByPoolName(kind Kind, name string) (Doc, error) {
	return t.c.doc(byPoolName, t.d.dir, kind, name)
}

// Put stores what we have written to the pool, as read back: it inserts the row or updates the one with the same kind
// and id, and returns it as stored. A row with another id but the same name in the pool is gone.
//
// Seq, Version, MembersChecked and Refs are the store's: what doc says of them is ignored. Wrote 0 means now, Checked 0
// the same as Wrote, Created 0 leaves what is there (now, for a new row); Modified moves to now when JSON or State
// change, and is taken from doc for a new row, unless it is 0.
func (t *Tx) Put(doc Doc) (Doc, error) {
	if doc.Wrote == 0 {
		doc.Wrote = t.now
	}
	if doc.Checked == 0 {
		doc.Checked = doc.Wrote
	}
	if err := t.ready(doc); err != nil {
		return Doc{}, err
	}
	old, err := t.Get(doc.Kind, doc.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		err = t.c.exec("DELETE FROM gone WHERE dir = ? AND kind = ? AND id = ?", t.d.dir, doc.Kind, doc.ID)
	case err == nil && old.PoolName == doc.PoolName:
		return t.change(old, doc)
	}
	if err != nil {
		return Doc{}, err
	}
	if _, err := t.evict(doc, t.now, nil); err != nil {
		return Doc{}, err
	}
	if old.Seq != 0 {
		return t.change(old, doc)
	}
	return t.insert(doc)
}

// ready is checked before each write.
func (t *Tx) ready(doc Doc) error {
	if err := t.ctx.Err(); err != nil {
		return err
	}
	return doc.check()
}

// evict removes the row that has doc's name in the pool but another id, remembering when. If there is one and keep
// says to keep it, evict returns true.
func (t *Tx) evict(doc Doc, at int64, keep func(Doc) bool) (kept bool, err error) {
	other, err := t.ByPoolName(doc.Kind, doc.PoolName)
	switch {
	case errors.Is(err, ErrNotFound) || err == nil && other.ID == doc.ID:
		return false, nil
	case err != nil:
		return false, err
	case keep != nil && keep(other):
		return true, nil
	}
	if err := t.forget(other); err != nil {
		return false, err
	}
	return false, t.remember(other.Kind, other.ID, at)
}

// insert adds a row.
func (t *Tx) insert(doc Doc) (Doc, error) {
	doc.Version, doc.Refs, doc.MembersChecked = hash(doc.JSON), nil, 0
	if doc.Created == 0 {
		doc.Created = t.now
	}
	if doc.Modified == 0 {
		doc.Modified = max(t.now, doc.Created)
	}
	const query = `INSERT INTO resource (dir, kind, id, pool_name, display, state, managed, version, created, modified, wrote, checked, doc, links)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`
	err := t.c.one(query, one{t.d.dir, doc.Kind, doc.ID, doc.PoolName, doc.Display, doc.State, doc.Managed, int64(doc.Version),
		doc.Created, doc.Modified, doc.Wrote, doc.Checked, string(doc.JSON), doc.Links}, &doc.Seq)
	if err != nil {
		return Doc{}, fmt.Errorf("inserting %s %s: %w", doc.Kind, doc.ID, err)
	}
	if doc.State == Listed {
		t.count(doc.Kind, doc.Seq, 1)
	}
	return doc, t.writeTerms(Doc{}, doc)
}

// change makes the row old that of doc.
func (t *Tx) change(old, doc Doc) (Doc, error) {
	edited := !bytes.Equal(old.JSON, doc.JSON)
	doc.Seq, doc.Refs, doc.MembersChecked, doc.Version = old.Seq, old.Refs, old.MembersChecked, old.Version
	if doc.Created == 0 {
		doc.Created = old.Created
	}
	doc.Modified = old.Modified
	if edited || old.State != doc.State {
		doc.Modified = max(t.now, old.Modified)
	}
	if edited {
		doc.Version ^= hash(old.JSON) ^ hash(doc.JSON)
	}
	if err := t.update(doc); err != nil {
		return Doc{}, err
	}
	was, is := old.State == Listed, doc.State == Listed
	if doc.Kind == User && (was != is || old.Display != doc.Display) {
		delete(t.ends, doc.Seq)
		if err := t.c.exec("UPDATE member SET display = ?, listed = ? WHERE usr = ?", doc.Display, is, doc.Seq); err != nil {
			return Doc{}, err
		}
	}
	if was != is {
		if err := t.list(doc, is); err != nil {
			return Doc{}, err
		}
	}
	if old.State == doc.State && !edited {
		return doc, nil
	}
	return doc, t.writeTerms(old, doc)
}

// update writes a row's columns.
func (t *Tx) update(doc Doc) error {
	const query = `UPDATE resource SET pool_name = ?, display = ?, state = ?, managed = ?, version = ?, created = ?, modified = ?, wrote = ?,
		checked = ?, missed = 0, doc = ?, links = ? WHERE seq = ?`
	err := t.c.exec(query, doc.PoolName, doc.Display, doc.State, doc.Managed, int64(doc.Version), doc.Created, doc.Modified, doc.Wrote,
		doc.Checked, string(doc.JSON), doc.Links, doc.Seq)
	if err != nil {
		return fmt.Errorf("updating %s %s: %w", doc.Kind, doc.ID, err)
	}
	return nil
}

// list brings a row into the listed ones, or out of them: into the count, and into what refers to it.
func (t *Tx) list(doc Doc, listed bool) error {
	by := -1
	if listed {
		by = 1
	}
	t.count(doc.Kind, doc.Seq, by)
	delete(t.ends, doc.Seq)
	return t.toggleNeighbours(doc, listed)
}

// Delete removes a row with its memberships because we have deleted it from the pool at the time at, which is
// remembered, also when there is no such row: for a while the pool's lists may still show it.
func (t *Tx) Delete(kind Kind, id string, at time.Time) error {
	if err := t.ctx.Err(); err != nil {
		return err
	}
	doc, err := t.Get(kind, id)
	if err == nil {
		err = t.forget(doc)
	} else if errors.Is(err, ErrNotFound) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("deleting %s %s: %w", kind, id, err)
	}
	return t.remember(kind, id, ms(at))
}

// forget removes a row and all that hangs on it.
func (t *Tx) forget(doc Doc) error {
	if doc.State == Listed {
		if err := t.list(doc, false); err != nil {
			return err
		}
	}
	if err := t.writeTerms(doc, Doc{}); err != nil {
		return err
	}
	delete(t.ends, doc.Seq)
	for _, query := range []string{
		"DELETE FROM member WHERE grp = ?",
		"DELETE FROM member WHERE usr = ?",
		"DELETE FROM resource WHERE seq = ?",
	} {
		if err := t.c.exec(query, doc.Seq); err != nil {
			return err
		}
	}
	return nil
}

// Remembered is how long the store knows what was deleted and which memberships were removed. The lag allowance of a
// sweep must not be longer.
const Remembered = time.Hour

// remember notes when a row was removed.
func (t *Tx) remember(kind Kind, id string, at int64) error {
	t.removed = true
	return t.c.exec("INSERT INTO gone (dir, kind, id, at) VALUES (?, ?, ?, ?) ON CONFLICT (dir, kind, id) DO UPDATE SET at = max(gone.at, excluded.at)",
		t.d.dir, kind, id, at)
}

// prune forgets removals that are Remembered no longer.
func (t *Tx) prune() error {
	before := t.now - Remembered.Milliseconds()
	if err := t.c.exec("DELETE FROM gone WHERE at < ?", before); err != nil {
		return err
	}
	return t.c.exec("DELETE FROM departed WHERE at < ?", before)
}

// SetSwept notes that a complete sweep ended at the time at; see Directory.Swept. The zero time says that the mirror
// is not complete any more.
func (t *Tx) SetSwept(at time.Time) error {
	return t.c.exec("UPDATE directory SET swept = ? WHERE dir = ?", ms(at), t.d.dir)
}

// SetPolicy notes by which rules the states of rows have been decided; see Directory.Policy.
func (t *Tx) SetPolicy(policy string) error {
	return t.c.exec("UPDATE directory SET policy = ? WHERE dir = ?", policy, t.d.dir)
}
