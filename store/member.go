package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Memberships lie within a directory, so it is enough that one end does. If the other end's were compared, too, SQLite
// would take all of the directory's rows for the better start.
const (
	inDirectory = "(SELECT seq FROM resource WHERE seq = ? AND dir = ?)"
	memberRefs  = "SELECT usr, id, display FROM member WHERE listed = 1 AND grp = " + inDirectory + " ORDER BY usr"
	memberCount = "SELECT COUNT(*) FROM member WHERE listed = 1 AND grp = " + inDirectory
	groupRefs   = "SELECT r.seq, r.id, r.display FROM member m JOIN resource r ON r.seq = m.grp WHERE m.usr = " + inDirectory + " AND r.state = 1 ORDER BY m.grp"
)

// Members returns the listed members of a group, in the order of lists, all read at one moment, when the iteration
// begins. A group that does not exist has none.
func (d *Directory) Members(ctx context.Context, group int64) iter.Seq2[Ref, error] {
	return func(yield func(Ref, error) bool) {
		var found []Ref
		err := d.s.read(ctx, func(c *conn) (err error) {
			found, err = members(c, d.dir, group)
			return err
		})
		if err != nil {
			yield(Ref{}, fmt.Errorf("reading members: %w", err))
			return
		}
		for _, r := range found {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// members reads the listed members of a group.
func members(c *conn, dir, group int64) ([]Ref, error) {
	return refs(c, memberRefs, group, dir)
}

// refs reads references.
func refs(c *conn, query string, args ...any) ([]Ref, error) {
	var found []Ref
	err := collect(c, func(rows *sql.Rows) error {
		var r Ref
		err := rows.Scan(&r.Seq, &r.ID, &r.Display)
		found = append(found, r)
		return err
	}, query, args...)
	return found, err
}

// MemberCount returns the number of a group's listed members.
func (d *Directory) MemberCount(ctx context.Context, group int64) (n int, err error) {
	err = d.s.read(ctx, func(c *conn) error {
		return c.one(memberCount, one{group, d.dir}, &n)
	})
	return n, err
}

// MembersOf returns those of the given user ids that are members of the group, whatever their State, in the order
// given.
func (d *Directory) MembersOf(ctx context.Context, group int64, ids []string) ([]string, error) {
	var found []string
	err := d.s.snapshot(ctx, func(c *conn) error {
		for part := range slices.Chunk(ids, 256) {
			if err := ctx.Err(); err != nil {
				return err
			}
			for _, id := range part {
				var is int
				err := c.one("SELECT 1 FROM resource r JOIN member m ON m.grp = ? AND m.usr = r.seq WHERE r.dir = ? AND r.kind = ? AND r.id = ?",
					one{group, d.dir, User, id}, &is)
				if err == nil {
					found = append(found, id)
				} else if !errors.Is(err, ErrNotFound) {
					return err
				}
			}
		}
		return nil
	})
	return found, err
}

// Groups returns a user's listed groups as of now. It asks nothing for a user whose row names none.
func (d *Directory) Groups(ctx context.Context, user Doc) (found []Ref, err error) {
	if len(user.Refs) == 0 {
		return nil, nil
	}
	err = d.s.read(ctx, func(c *conn) error {
		found, err = groups(c, d.dir, user.Seq)
		return err
	})
	return found, err
}

// groups reads the listed groups of a user.
func groups(c *conn, dir, user int64) ([]Ref, error) {
	return refs(c, groupRefs, user, dir)
}

// end is one side of a membership.
type end struct {
	kind        Kind
	id, display string
	listed      bool
}

// end returns what a membership must know about the row with a seq; ErrNotFound when there is none of that kind.
func (t *Tx) end(kind Kind, seq int64) (end, error) {
	e, ok := t.ends[seq]
	if !ok {
		var state State
		if err := t.c.one("SELECT kind, id, display, state FROM resource WHERE seq = ? AND dir = ?", one{seq, t.d.dir}, &e.kind, &e.id, &e.display, &state); err != nil {
			return end{}, fmt.Errorf("%s with seq %d: %w", kind, seq, err)
		}
		e.listed = state == Listed
		if t.ends == nil {
			t.ends = map[int64]end{}
		}
		t.ends[seq] = e
	}
	if e.kind != kind {
		return end{}, fmt.Errorf("%s with seq %d: %w", kind, seq, ErrNotFound)
	}
	return e, nil
}

// AddMember makes a user a member of a group, both named by Seq, because we wrote that to the pool at the time wrote.
// ErrNotFound is in the chain when either is not there. To add a member again only notes the time.
func (t *Tx) AddMember(group, user int64, wrote time.Time) error {
	if _, err := t.join(group, user, ms(wrote), ms(wrote)); err != nil {
		return fmt.Errorf("adding a member: %w", err)
	}
	return t.c.exec("DELETE FROM departed WHERE grp = ? AND usr = ?", group, user)
}

// join adds or confirms a membership, and says whether it is new.
func (t *Tx) join(group, user, wrote, checked int64) (bool, error) {
	if err := t.ctx.Err(); err != nil {
		return false, err
	}
	g, err := t.end(Group, group)
	if err != nil {
		return false, err
	}
	u, err := t.end(User, user)
	if err != nil {
		return false, err
	}
	n, err := t.c.changed("UPDATE member SET wrote = max(wrote, ?), checked = max(checked, ?), missed = 0 WHERE grp = ? AND usr = ?", wrote, checked, group, user)
	if err != nil || n > 0 {
		return false, err
	}
	if err := t.c.exec("INSERT INTO member (grp, usr, id, display, listed, wrote, checked) VALUES (?, ?, ?, ?, ?, ?, ?)",
		group, user, u.id, u.display, u.listed, wrote, checked); err != nil {
		return false, err
	}
	return true, t.toggle(g, group, u, user, true)
}

// RemoveMember ends a membership because we wrote that to the pool at the time wrote, which is remembered, also when
// there was no such membership. ErrNotFound is in the chain when the group or the user is not there.
func (t *Tx) RemoveMember(group, user int64, wrote time.Time) error {
	if _, err := t.part(group, user); err != nil {
		return fmt.Errorf("removing a member: %w", err)
	}
	t.removed = true
	return t.c.exec("INSERT INTO departed (grp, usr, at) VALUES (?, ?, ?) ON CONFLICT (grp, usr) DO UPDATE SET at = max(departed.at, excluded.at)",
		group, user, ms(wrote))
}

// part removes a membership, and says whether there was one.
func (t *Tx) part(group, user int64) (bool, error) {
	if err := t.ctx.Err(); err != nil {
		return false, err
	}
	g, err := t.end(Group, group)
	if err != nil {
		return false, err
	}
	u, err := t.end(User, user)
	if err != nil {
		return false, err
	}
	n, err := t.c.changed("DELETE FROM member WHERE grp = ? AND usr = ?", group, user)
	if err != nil || n == 0 {
		return false, err
	}
	return true, t.toggle(g, group, u, user, false)
}

// SetMembersChecked notes that the pool confirmed the group's complete set of members at the time at; see
// Doc.MembersChecked. The zero time says that it is in doubt.
func (t *Tx) SetMembersChecked(group int64, at time.Time) error {
	return t.c.exec("UPDATE resource SET members_checked = ? WHERE seq = ? AND dir = ? AND kind = ?", ms(at), group, t.d.dir, Group)
}

// The database has no xor that SQLite and PostgreSQL spell alike; a^b = (a|b)-(a&b), which never overflows.
const (
	toggleVersion = "UPDATE resource SET version = (version | ?) - (version & ?), modified = max(modified, ?) WHERE seq = ?"
	addRef        = "UPDATE resource SET version = (version | ?) - (version & ?), modified = max(modified, ?), refs = trim(refs || ' ' || ?) WHERE seq = ?"
	dropRef       = "UPDATE resource SET version = (version | ?) - (version & ?), modified = max(modified, ?), refs = trim(replace(' ' || refs || ' ', ' ' || ? || ' ', ' ')) WHERE seq = ?"
)

// toggle brings a new or ended membership into the versions of its ends, and into the user's Refs. Only a listed row
// is part of the other's version.
func (t *Tx) toggle(g end, group int64, u end, user int64, is bool) error {
	if u.listed {
		if err := t.toggleMember(group, u.id); err != nil {
			return err
		}
	}
	if g.listed {
		return t.toggleRef(user, g.id, is)
	}
	return nil
}

func (t *Tx) toggleMember(group int64, userID string) error {
	h := int64(hash(userID))
	return t.c.exec(toggleVersion, h, h, t.now, group)
}

func (t *Tx) toggleRef(user int64, groupID string, is bool) error {
	h, query := int64(hash(groupID)), dropRef
	if is {
		query = addRef
	}
	return t.c.exec(query, h, h, t.now, groupID, user)
}

// toggleNeighbours is toggle for all memberships of a row that becomes listed or ceases to be.
func (t *Tx) toggleNeighbours(doc Doc, is bool) error {
	query := "SELECT grp FROM member WHERE usr = ?"
	if doc.Kind == Group {
		query = "SELECT usr FROM member WHERE grp = ?"
	}
	others, err := seqs(t.c, query, doc.Seq)
	if err != nil {
		return err
	}
	for _, seq := range others {
		if doc.Kind == Group {
			err = t.toggleRef(seq, doc.ID, is)
		} else {
			err = t.toggleMember(seq, doc.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
