package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Entry is the desired state of work that takes more than one call to the pool, noted before the first call and
// removed after the last. It never holds a password.
type Entry struct {
	ID       string    // given by JournalPut: another one each time, so that a superseded worker cannot end its successor
	Key      string    // the resource it is about; there is one entry a key
	Body     []byte    // JSON, meaningful to the caller
	Attempts int       // how often it was tried
	Next     time.Time // when to try it (again); to the millisecond, like the others
	Created  time.Time // when the work was asked for
	Parked   string    // why it is not tried any more, "" while it is
	Owner    string    // who works on it, until Lease
	Lease    time.Time
}

const entryColumns = "id, key, body, attempts, next, created, parked, owner, lease"

func entries(c *conn, query string, args ...any) ([]Entry, error) {
	var list []Entry
	err := collect(c, func(rows *sql.Rows) error {
		var e Entry
		var next, created, lease int64
		err := rows.Scan(&e.ID, &e.Key, &e.Body, &e.Attempts, &next, &created, &e.Parked, &e.Owner, &lease)
		e.Next, e.Created, e.Lease = fromMS(next), fromMS(created), fromMS(lease)
		list = append(list, e)
		return err
	}, query, args...)
	return list, err
}

// JournalPut notes work under a new ID and returns it as stored. It takes the place of an entry with the same key,
// whose worker then finds it gone. Created zero means now.
func (t *Tx) JournalPut(e Entry) (Entry, error) {
	if err := t.ctx.Err(); err != nil {
		return Entry{}, err
	}
	if e.Key == "" {
		return Entry{}, errors.New("store: a journal entry without key")
	}
	e.ID = rand.Text()
	if e.Created.IsZero() {
		e.Created = fromMS(t.now)
	}
	if err := t.c.exec("DELETE FROM journal WHERE dir = ? AND key = ?", t.d.dir, e.Key); err != nil {
		return Entry{}, fmt.Errorf("replacing %s in the journal: %w", e.Key, err)
	}
	err := t.c.exec("INSERT INTO journal (dir, "+entryColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", t.d.dir, e.ID, e.Key, string(e.Body),
		e.Attempts, ms(e.Next), ms(e.Created), e.Parked, e.Owner, ms(e.Lease))
	if err != nil {
		return Entry{}, fmt.Errorf("writing %s to the journal: %w", e.Key, err)
	}
	return e, nil
}

// JournalUpdate changes Body, Attempts, Next, Parked, Owner and Lease of the entry with e.ID. ErrNotFound is in the
// chain when it is done or superseded.
func (t *Tx) JournalUpdate(e Entry) error {
	n, err := t.c.changed("UPDATE journal SET body = ?, attempts = ?, next = ?, parked = ?, owner = ?, lease = ? WHERE id = ? AND dir = ?",
		string(e.Body), e.Attempts, ms(e.Next), e.Parked, e.Owner, ms(e.Lease), e.ID, t.d.dir)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("changing %s in the journal: %w", e.Key, err)
	}
	return nil
}

// JournalClaim gives an entry to owner until the lease ends and returns it, counting the attempt. ok is false when it
// is done, superseded or parked, or when somebody else's lease has not ended at the time now.
func (t *Tx) JournalClaim(id, owner string, now, lease time.Time) (e Entry, ok bool, err error) {
	n, err := t.c.changed("UPDATE journal SET owner = ?, lease = ?, attempts = attempts + 1 WHERE id = ? AND dir = ? AND parked = '' AND (lease <= ? OR owner = ?)",
		owner, ms(lease), id, t.d.dir, ms(now), owner)
	if err != nil || n == 0 {
		return Entry{}, false, err
	}
	list, err := entries(t.c, "SELECT "+entryColumns+" FROM journal WHERE id = ?", id)
	if err != nil {
		return Entry{}, false, fmt.Errorf("claiming work: %w", err)
	}
	return list[0], true, nil
}

// JournalHurry makes work due now that has failed before and waits to be tried again: that under a key, or all for "".
func (t *Tx) JournalHurry(key string, now time.Time) error {
	err := t.c.exec("UPDATE journal SET next = ? WHERE dir = ? AND next > ? AND attempts > 0 AND parked = '' AND (key = ? OR ? = '')",
		ms(now), t.d.dir, ms(now), key, key)
	if err != nil {
		return fmt.Errorf("hurrying the journal: %w", err)
	}
	return nil
}

// JournalDelete removes an entry whose work is done. To remove one that is not there (superseded) does nothing.
func (t *Tx) JournalDelete(id string) error {
	return t.c.exec("DELETE FROM journal WHERE id = ? AND dir = ?", id, t.d.dir)
}

// JournalDue returns at most limit entries whose time has come and which nobody has claimed, the most urgent first.
func (d *Directory) JournalDue(ctx context.Context, now time.Time, limit int) (list []Entry, err error) {
	err = d.s.read(ctx, func(c *conn) error {
		list, err = entries(c, "SELECT "+entryColumns+" FROM journal WHERE dir = ? AND next <= ? AND lease <= ? AND parked = '' ORDER BY next, id LIMIT ? + 0",
			d.dir, ms(now), ms(now), limit)
		return err
	})
	return list, err
}

// JournalList returns all entries, parked and claimed ones too, oldest first.
func (d *Directory) JournalList(ctx context.Context) (list []Entry, err error) {
	err = d.s.read(ctx, func(c *conn) error {
		list, err = entries(c, "SELECT "+entryColumns+" FROM journal WHERE dir = ? ORDER BY created, id", d.dir)
		return err
	})
	return list, err
}

// JournalByKey returns the entry about a resource; ErrNotFound when no work is left there.
func (d *Directory) JournalByKey(ctx context.Context, key string) (Entry, error) {
	var list []Entry
	err := d.s.read(ctx, func(c *conn) (err error) {
		list, err = entries(c, "SELECT "+entryColumns+" FROM journal WHERE dir = ? AND key = ?", d.dir, key)
		return err
	})
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Entry{}, err
	}
	return list[0], nil
}
