package store

import (
	"context"
	"errors"
	"fmt"
)

// writer runs write transactions, one at a time, in the order of the callers' arrival, and lets those that queue
// share a commit, whose cost is the disk's.
//
// A caller that has done its part passes the open transaction on. Whoever waits for its turn takes it and adds its own
// part; when nobody does, one of those that wait for the commit takes it back and commits for all.
type writer struct {
	c      *conn
	baton  chan *batch // holds the transaction while nobody works on it; nil: none is open
	closed <-chan struct{}
}

// batch is one transaction with the parts of several callers.
type batch struct {
	parts int
	done  chan struct{} // closed when err is final
	err   error
}

// batchParts bounds how long the first of a batch waits for the others.
const batchParts = 64

func newWriter(c *conn, closed <-chan struct{}) *writer {
	w := &writer{c: c, baton: make(chan *batch, 1), closed: closed}
	w.baton <- nil
	return w
}

// close waits for the transaction under way. The baton is not given back, so that none follows.
func (w *writer) close() {
	if b := <-w.baton; b != nil {
		w.commit(b)
	}
}

// do runs part within a transaction and returns when that is committed. An error of part undoes only part. Only the
// wait for the turn ends with ctx. A panic in part undoes it and goes on.
func (w *writer) do(ctx context.Context, part func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var b *batch
	select {
	case b = <-w.baton:
	case <-w.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	b, err := w.join(b, part)
	if err != nil {
		return err
	}
	return w.finish(b)
}

// join begins a transaction unless b is one, and adds part. The baton is given back, unless part is to be finished.
func (w *writer) join(b *batch, part func(*conn) error) (_ *batch, err error) {
	if b == nil {
		if err := w.c.exec("BEGIN IMMEDIATE"); err != nil {
			w.baton <- nil
			return nil, fmt.Errorf("beginning a transaction: %w", err)
		}
		b = &batch{done: make(chan struct{})}
	}
	kept := false
	defer func() {
		if kept {
			return
		}
		// part failed or panicked. If it cannot be undone by itself, SQLite has undone everything.
		if undo := errors.Join(w.c.exec("ROLLBACK TO part"), w.c.exec("RELEASE part")); undo != nil {
			w.abandon(b, undo)
		} else {
			w.pass(b)
		}
	}()
	if err := w.c.exec("SAVEPOINT part"); err != nil {
		return nil, err
	}
	if err := part(w.c); err != nil {
		return nil, err
	}
	if err := w.c.exec("RELEASE part"); err != nil {
		return nil, err
	}
	kept = true
	b.parts++
	return b, nil
}

// finish waits until b is committed, by somebody else or by this caller.
func (w *writer) finish(b *batch) error {
	if b.parts >= batchParts {
		w.commit(b)
		w.baton <- nil
		return b.err
	}
	w.baton <- b
	select {
	case <-b.done:
	case held := <-w.baton:
		if held == b {
			w.commit(b)
			held = nil
		}
		w.baton <- held
		<-b.done
	}
	return b.err
}

// pass gives the baton back after a part that failed. If others wait for the batch, one of them will take it and
// commit; if there are none, nothing is to be committed.
func (w *writer) pass(b *batch) {
	if b.parts == 0 {
		w.abandon(b, nil)
		return
	}
	w.baton <- b
}

// commit ends the transaction and tells everybody who has a part in it.
func (w *writer) commit(b *batch) {
	if err := w.c.exec("COMMIT"); err != nil {
		b.err = fmt.Errorf("committing: %w", err)
		if undo := w.c.exec("ROLLBACK"); undo != nil {
			b.err = errors.Join(b.err, undo)
		}
	}
	close(b.done)
}

// abandon ends the transaction without effect, tells everybody who has a part in it why, and gives the baton back.
func (w *writer) abandon(b *batch, why error) {
	undo := w.c.exec("ROLLBACK")
	b.err = fmt.Errorf("a transaction shared with others was rolled back: %w", errors.Join(why, undo))
	close(b.done)
	w.baton <- nil
}
