package store

import (
	"context"
	"errors"
	"time"
)

// Owed is an answer that a client has not got: its POST was answered 429 or 5xx, the journal has created the resource
// since, and when the client repeats the POST until then, it is answered with that resource.
type Owed struct {
	Connection string    // whose POST it was
	Key        string    // a hash of what identifies the POST
	ID         string    // SCIM id of what was created
	Until      time.Time // to the millisecond
}

// OwedPut notes an answer, in place of one for the same POST, and forgets those whose time is over.
func (t *Tx) OwedPut(o Owed) error {
	if err := t.c.exec("DELETE FROM owed WHERE until < ?", t.now); err != nil {
		return err
	}
	return t.c.exec("INSERT INTO owed (dir, connection, key, id, until) VALUES (?, ?, ?, ?, ?) ON CONFLICT (dir, connection, key) DO UPDATE SET id = excluded.id, until = excluded.until",
		t.d.dir, o.Connection, o.Key, o.ID, ms(o.Until))
}

// Owed reports whether an answer is owed to a POST at the time now.
func (d *Directory) Owed(ctx context.Context, connection, key string, now time.Time) (owed bool, err error) {
	err = d.s.read(ctx, func(c *conn) error {
		return c.one("SELECT EXISTS (SELECT 1 FROM owed WHERE dir = ? AND connection = ? AND key = ? AND until >= ?)",
			one{d.dir, connection, key, ms(now)}, &owed)
	})
	return owed, err
}

// OwedTake returns the answer owed to a POST and removes it; ok is false when there is none, or its time is over.
func (t *Tx) OwedTake(connection, key string) (o Owed, ok bool, err error) {
	var until int64
	o = Owed{Connection: connection, Key: key}
	err = t.c.one("DELETE FROM owed WHERE dir = ? AND connection = ? AND key = ? RETURNING id, until", one{t.d.dir, connection, key}, &o.ID, &until)
	if errors.Is(err, ErrNotFound) || err == nil && until < t.now {
		return Owed{}, false, nil
	}
	if err != nil {
		return Owed{}, false, err
	}
	o.Until = fromMS(until)
	return o, true, nil
}
