package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Directory is the mirror of one pool, with its journal and the answers owed for it. Nothing of another directory can
// be reached through it. It is safe for concurrent use.
type Directory struct {
	s       *Store
	dir     int64
	name    string
	created int64
	locks   locks

	replaced atomic.Bool // another pool has taken the name: see Store.Directory
}

// Directory returns the directory of the pool that has the id name and was created at created (which is read to the
// millisecond), making an empty one if there is none. Another creation date means another pool: what is stored of the
// former one is removed, and its Directory takes no more writes. Every call with the same pool returns the same Directory.
func (s *Store) Directory(ctx context.Context, name string, created time.Time) (*Directory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.directories[name]; d != nil && d.created == ms(created) {
		return d, nil
	}
	d := &Directory{s: s, name: name, created: ms(created)}
	err := s.writer.do(ctx, func(c *conn) error {
		if err := c.exec("INSERT INTO directory (name, created) VALUES (?, ?) ON CONFLICT DO NOTHING", name, d.created); err != nil {
			return err
		}
		return c.one("SELECT dir FROM directory WHERE name = ? AND created = ?", one{name, d.created}, &d.dir)
	})
	if err != nil {
		return nil, fmt.Errorf("opening directory %s: %w", name, err)
	}
	if former := s.directories[name]; former != nil {
		former.replaced.Store(true)
	}
	if err := d.dropFormer(ctx); err != nil {
		return nil, fmt.Errorf("removing the former directory %s: %w", name, err)
	}
	s.directories[name] = d
	return d, nil
}

// dropFormer removes other pools' directories of the same name, a few thousand rows a transaction.
func (d *Directory) dropFormer(ctx context.Context) error {
	for {
		var former int64
		err := d.s.read(ctx, func(c *conn) error {
			return c.one("SELECT dir FROM directory WHERE name = ? AND dir <> ?", one{d.name, d.dir}, &former)
		})
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		for err == nil {
			var n int64
			err = d.s.writer.do(ctx, func(c *conn) (err error) {
				n, err = dropSome(c, former)
				return err
			})
			if n == 0 {
				break
			}
		}
		if err != nil {
			return err
		}
	}
}

// dropSome removes some rows of a directory; when there are none left, it removes the directory and returns 0.
func dropSome(c *conn, dir int64) (int64, error) {
	const some = "(SELECT seq FROM resource WHERE dir = ? ORDER BY kind, id LIMIT 2000)"
	n, err := c.changed("DELETE FROM term WHERE (dir, attr, value, seq) IN (SELECT dir, attr, value, seq FROM term WHERE dir = ? LIMIT 8000)", dir)
	if err != nil || n > 0 {
		return n, err
	}
	for _, query := range []string{
		"DELETE FROM member WHERE grp IN " + some,
		"DELETE FROM member WHERE usr IN " + some,
		"DELETE FROM departed WHERE grp IN " + some,
		"DELETE FROM resource WHERE seq IN " + some,
	} {
		if n, err = c.changed(query, dir); err != nil {
			return 0, err
		}
	}
	if n > 0 {
		return n, nil
	}
	for _, table := range []string{"tally", "gone", "journal", "owed", "guard", "guarded", "directory"} {
		if err := c.exec("DELETE FROM "+table+" WHERE dir = ?", dir); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// Lock takes the lock called key, for work on one resource that spans reads, calls and writes. It belongs to this
// process, goes to callers in the order of their arrival, and waits no longer than ctx. unlock may be called more than
// once.
func (d *Directory) Lock(ctx context.Context, key string) (unlock func(), err error) {
	return d.locks.lock(ctx, key)
}

// Swept returns when the last complete sweep ended; the zero time if there was none yet, so that the mirror may lack
// rows.
func (d *Directory) Swept(ctx context.Context) (time.Time, error) {
	var at int64
	err := d.s.read(ctx, func(c *conn) error {
		return c.one("SELECT swept FROM directory WHERE dir = ?", one{d.dir}, &at)
	})
	return fromMS(at), err
}

// Policy returns what Tx.SetPolicy noted last, "" when nothing was. It is the caller's text: the store only keeps it.
func (d *Directory) Policy(ctx context.Context) (policy string, err error) {
	err = d.s.read(ctx, func(c *conn) error {
		return c.one("SELECT policy FROM directory WHERE dir = ?", one{d.dir}, &policy)
	})
	return policy, err
}

// Tombstones returns the tombstones of users that hold the externalId, byte for byte, in the order of their creation.
func (d *Directory) Tombstones(ctx context.Context, externalID string) ([]Doc, error) {
	var r docReader
	err := d.s.read(ctx, func(c *conn) error {
		return collect(c, r.scan, byTerm, d.dir, tombstoned.code, tombstoned.term(externalID))
	})
	return r.docs, err
}

// Get returns the row with the SCIM id, byte for byte, in whatever State it is; ErrNotFound when there is none.
func (d *Directory) Get(ctx context.Context, kind Kind, id string) (doc Doc, err error) {
	err = d.s.read(ctx, func(c *conn) error {
		doc, err = c.doc(byID, d.dir, kind, id)
		return err
	})
	return doc, err
}

// ByPoolName returns the row with the pool's Username or GroupName, byte for byte, in whatever State it is;
// ErrNotFound when there is none.
func (d *Directory) ByPoolName(ctx context.Context, kind Kind, name string) (doc Doc, err error) {
	err = d.s.read(ctx, func(c *conn) error {
		doc, err = c.doc(byPoolName, d.dir, kind, name)
		return err
	})
	return doc, err
}

// Find returns the listed rows that hold value in an indexed attribute, in the order of lists: "userName",
// "externalId", "emails.value" and "displayName" of users, "displayName" and "externalId" of groups. Values compare as
// in a filter. Any other attribute is an error.
func (d *Directory) Find(ctx context.Context, kind Kind, attr, value string) ([]Doc, error) {
	ix, ok := d.s.indexes.named(kind, attr)
	if !ok {
		return nil, fmt.Errorf("store: %s.%s is not indexed", kind, attr)
	}
	var r docReader
	err := d.s.read(ctx, func(c *conn) error {
		return collect(c, r.scan, byTerm, d.dir, ix.code, ix.term(value))
	})
	return r.docs, err
}

// Deleted returns when the row with this id was removed by us, the zero time if it was not or if that is longer ago
// than Remembered.
func (d *Directory) Deleted(ctx context.Context, kind Kind, id string) (time.Time, error) {
	var at int64
	err := d.s.read(ctx, func(c *conn) error {
		return c.one("SELECT at FROM gone WHERE dir = ? AND kind = ? AND id = ?", one{d.dir, kind, id}, &at)
	})
	if errors.Is(err, ErrNotFound) {
		return time.Time{}, nil
	}
	return fromMS(at), err
}

// Names returns the display of those ids that are listed, by id. It is how the groups of a page of users are
// rendered: see Doc.Groups.
func (d *Directory) Names(ctx context.Context, kind Kind, ids []string) (map[string]string, error) {
	names := make(map[string]string, len(ids))
	err := d.s.snapshot(ctx, func(c *conn) error {
		for part := range slices.Chunk(ids, 256) {
			if err := ctx.Err(); err != nil {
				return err
			}
			for _, id := range part {
				var display string
				err := c.one("SELECT display FROM resource WHERE dir = ? AND kind = ? AND id = ? AND state = 1", one{d.dir, kind, id}, &display)
				switch {
				case err == nil:
					names[strings.Clone(id)] = display
				case !errors.Is(err, ErrNotFound):
					return err
				}
			}
		}
		return nil
	})
	return names, err
}
