package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"
)

// A sweep reads the pool's lists, page by page, and heals the mirror. Those lists are eventually consistent, so a page
// says nothing about what we wrote or removed after it was requested, or within the lag allowance before; and what is
// absent goes only when two sweeps did not find it.

// Observe brings what a page of the pool's lists says of a user or a group into the mirror, and says whether that
// changed anything but Checked and Links. The page was requested at the time requested; lag is how old its contents may have
// been then. A row that we wrote, or removed, within that time is not touched. Another id under a known name in the
// pool means that the old row is gone.
//
// Wrote and Checked of doc are ignored, and the rest is as for Put. A consistent read is observed with lag 0.
func (t *Tx) Observe(doc Doc, requested time.Time, lag time.Duration) (changed bool, err error) {
	since, err := protected(requested, lag)
	if err != nil {
		return false, err
	}
	if err := t.ready(doc); err != nil {
		return false, err
	}
	old, err := t.Get(doc.Kind, doc.ID)
	known := err == nil
	if errors.Is(err, ErrNotFound) {
		removed, err := t.removedSince(doc, since)
		if err != nil || removed {
			return false, err
		}
	} else if err != nil || old.Wrote >= since {
		return false, err
	}
	if !known || old.PoolName != doc.PoolName {
		kept, err := t.evict(doc, ms(requested), func(other Doc) bool { return other.Wrote >= since })
		if err != nil || kept {
			return false, err
		}
	}
	doc.Wrote, doc.Checked = old.Wrote, max(old.Checked, ms(requested))
	switch {
	case !known:
		_, err = t.insert(doc)
		return true, err
	case same(old, doc):
		return false, t.c.exec("UPDATE resource SET checked = ?, missed = 0, links = ? WHERE seq = ?", doc.Checked, doc.Links, old.Seq)
	}
	_, err = t.change(old, doc)
	return true, err
}

// protected returns from when on (Unix milliseconds) what we wrote outweighs a page.
func protected(requested time.Time, lag time.Duration) (int64, error) {
	if lag < 0 || lag > Remembered {
		return 0, fmt.Errorf("store: a lag allowance of %v: it must lie between 0 and %v, for which removals are remembered", lag, Remembered)
	}
	return ms(requested.Add(-lag)), nil
}

// removedSince says whether an unknown row is one that was removed since; if not, an older removal is forgotten, for
// the pool has it again.
func (t *Tx) removedSince(doc Doc, since int64) (bool, error) {
	var at int64
	err := t.c.one("SELECT at FROM gone WHERE dir = ? AND kind = ? AND id = ?", one{t.d.dir, doc.Kind, doc.ID}, &at)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil || at >= since {
		return true, err
	}
	return false, t.c.exec("DELETE FROM gone WHERE dir = ? AND kind = ? AND id = ?", t.d.dir, doc.Kind, doc.ID)
}

// same says whether a page confirms the row.
func same(old, doc Doc) bool {
	return bytes.Equal(old.JSON, doc.JSON) && old.PoolName == doc.PoolName && old.Display == doc.Display &&
		old.State == doc.State && old.Managed == doc.Managed && (doc.Created == 0 || doc.Created == old.Created)
}

// ObserveMembers brings what a page of the pool's list of a group's members says into the mirror, and returns how many
// memberships are new. The page names users by Seq. A membership that we removed within the time that Observe
// describes is not touched.
func (t *Tx) ObserveMembers(group int64, users []int64, requested time.Time, lag time.Duration) (added int, err error) {
	since, err := protected(requested, lag)
	if err != nil {
		return 0, err
	}
	for _, user := range users {
		var at int64
		err := t.c.one("SELECT at FROM departed WHERE grp = ? AND usr = ?", one{group, user}, &at)
		if err == nil && at >= since {
			continue
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return added, err
		}
		isNew, err := t.join(group, user, 0, ms(requested))
		if err != nil {
			return added, fmt.Errorf("observing a member: %w", err)
		}
		if isNew {
			added++
		}
	}
	return added, nil
}

// Unseen returns the rows of a kind, in whatever State, that no page requested since started has shown and that we did
// not write since then or within lag before. After a complete sweep that began at started they are missing from the
// pool's list: see Tx.Missed, which may be called while iterating.
func (d *Directory) Unseen(ctx context.Context, kind Kind, started time.Time, lag time.Duration) iter.Seq2[Doc, error] {
	since, err := protected(started, lag)
	if err != nil {
		return func(yield func(Doc, error) bool) { yield(Doc{}, err) }
	}
	return d.walk(ctx, inWindow+" AND checked < ? AND wrote < ? ORDER BY seq", kind, ms(started), since)
}

// Missed says that the complete sweep that began at started did not find a row. It goes when an earlier sweep had
// missed it, too; otherwise that is noted. Nothing happens to a row that was seen, or that we wrote, since then or
// within lag before.
func (t *Tx) Missed(kind Kind, id string, started time.Time, lag time.Duration) (gone bool, err error) {
	since, err := protected(started, lag)
	if err != nil {
		return false, err
	}
	if err := t.ctx.Err(); err != nil {
		return false, err
	}
	doc, err := t.Get(kind, id)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil || doc.Checked >= ms(started) || doc.Wrote >= since {
		return false, err
	}
	var missed int64
	if err := t.c.one("SELECT missed FROM resource WHERE seq = ?", one{doc.Seq}, &missed); err != nil {
		return false, err
	}
	if missed != 0 && missed < ms(started) {
		return true, t.forget(doc)
	}
	return false, t.c.exec("UPDATE resource SET missed = ? WHERE seq = ?", ms(started), doc.Seq)
}

// MissedMembers says that the pool's list of a group's members, read completely since started, has shown all that
// there are. Of the others, those go that an earlier such reading had missed, too (removed); the rest stay in doubt
// (doubtful), in which case the set should not be called verified. What we wrote since started, or within lag before,
// is not touched.
func (t *Tx) MissedMembers(group int64, started time.Time, lag time.Duration) (removed, doubtful int, err error) {
	since, err := protected(started, lag)
	if err != nil {
		return 0, 0, err
	}
	if _, err := t.end(Group, group); err != nil {
		return 0, 0, err
	}
	var gone []int64
	err = collect(t.c, func(rows *sql.Rows) error {
		var user, missed int64
		err := rows.Scan(&user, &missed)
		if missed != 0 && missed < ms(started) {
			gone = append(gone, user)
		} else {
			doubtful++
		}
		return err
	}, "SELECT usr, missed FROM member WHERE grp = ? AND checked < ? AND wrote < ?", group, ms(started), since)
	if err != nil {
		return 0, 0, err
	}
	for _, user := range gone {
		if _, err := t.part(group, user); err != nil {
			return removed, doubtful, err
		}
		removed++
	}
	return removed, doubtful, t.c.exec("UPDATE member SET missed = ? WHERE grp = ? AND checked < ? AND wrote < ? AND missed = 0",
		ms(started), group, ms(started), since)
}
