package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// GuardWindow is the time in which a connection's deprovisioning guard counts people, and what it has counted.
type GuardWindow struct {
	Began    time.Time // to the millisecond; zero: no window has begun yet
	People   int       // users who were listed when it began
	Released bool      // an operator has opened it: until its end nobody is held
	Passed   int       // people whom it has let pass, each once
}

// GuardWindow returns a connection's latest window, as this transaction sees it.
func (t *Tx) GuardWindow(connection string) (GuardWindow, error) {
	return guardWindow(t.c, t.d.dir, connection)
}

// GuardWindow returns a connection's latest window.
func (d *Directory) GuardWindow(ctx context.Context, connection string) (w GuardWindow, err error) {
	err = d.s.read(ctx, func(c *conn) error {
		w, err = guardWindow(c, d.dir, connection)
		return err
	})
	return w, err
}

func guardWindow(c *conn, dir int64, connection string) (w GuardWindow, err error) {
	var began int64
	err = c.one("SELECT began, people, released FROM guard WHERE dir = ? AND connection = ?", one{dir, connection}, &began, &w.People, &w.Released)
	if errors.Is(err, ErrNotFound) {
		return GuardWindow{}, nil
	}
	if err == nil {
		err = c.one("SELECT COUNT(*) FROM guarded WHERE dir = ? AND connection = ?", one{dir, connection}, &w.Passed)
	}
	if err != nil {
		return GuardWindow{}, fmt.Errorf("reading the guard of connection %s: %w", connection, err)
	}
	w.Began = fromMS(began)
	return w, nil
}

// GuardBegin begins a window in place of a connection's former one, and forgets whom that one has let pass.
func (t *Tx) GuardBegin(connection string, w GuardWindow) error {
	if err := t.c.exec("DELETE FROM guarded WHERE dir = ? AND connection = ?", t.d.dir, connection); err != nil {
		return err
	}
	return t.c.exec("INSERT INTO guard (dir, connection, began, people, released) VALUES (?, ?, ?, ?, ?) ON CONFLICT (dir, connection) DO UPDATE SET began = excluded.began, people = excluded.people, released = excluded.released",
		t.d.dir, connection, ms(w.Began), w.People, w.Released)
}

// GuardPassed reports whether the window has let a user pass already.
func (t *Tx) GuardPassed(connection, id string) (bool, error) {
	var n int
	err := t.c.one("SELECT COUNT(*) FROM guarded WHERE dir = ? AND connection = ? AND id = ?", one{t.d.dir, connection, id}, &n)
	return n > 0, err
}

// GuardPass notes that the window lets a user pass. To note it again does nothing.
func (t *Tx) GuardPass(connection, id string) error {
	return t.c.exec("INSERT INTO guarded (dir, connection, id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", t.d.dir, connection, id)
}

// Listed returns how many rows of a kind are listed, without this transaction's own changes.
func (t *Tx) Listed(kind Kind) (int, error) {
	return total(t.c, t.d.dir, kind)
}
