package bridge

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/store"
)

// sweepLoop fills the mirror, then compares it with the pool every now and then, until ctx ends.
func (d *Directory) sweepLoop(ctx context.Context) {
	wait := time.Second
	said := "" // of the last failure; "": there was none
	for ctx.Err() == nil {
		pause := d.cfg.SweepEvery
		if err := d.sweep(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			if what := outcome(err); what != said || cognito.KindOf(err) == cognito.Unexpected { // an outage is told once
				said = what
				d.log.Error("sweeping the pool", "error", err, "again_in", wait)
			}
			pause, wait = wait, min(2*wait, time.Minute)
		} else {
			if said != "" {
				d.log.Info("the pool can be swept again")
			}
			wait, said = time.Second, ""
			if pause < 0 {
				pause = math.MaxInt64
			}
		}
		select {
		case <-ctx.Done():
		case <-d.sweepNow:
		case <-time.After(pause):
		}
	}
}

// sweep reads the whole pool and heals the mirror: groups first, since nobody can create one before all are known, then
// users, then who is in which group.
func (d *Directory) sweep(ctx context.Context) error {
	started := d.now()
	priority := cognito.Sweep
	if !d.warm.Load() {
		priority = cognito.WarmUp
	}
	ctx = cognito.WithPriority(ctx, priority)
	if err := d.sweepGroups(ctx); err != nil {
		return err
	}
	d.groupsKnown.Store(true)
	if err := d.sweepUsers(ctx); err != nil {
		return err
	}
	if err := d.sweepMembers(ctx, started); err != nil {
		return err
	}
	if err := d.healGrants(ctx); err != nil {
		return err
	}
	for _, kind := range []store.Kind{store.User, store.Group} {
		if err := d.missing(ctx, kind, started); err != nil {
			return err
		}
	}
	ended := d.now()
	err := d.mirror.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.SetSwept(ended), tx.SetPolicy(d.policy()))
	})
	if err != nil {
		return err
	}
	d.stale.Store(false)
	first := d.swept.Swap(ended.UnixMilli()) == 0
	if !d.warm.Swap(true) {
		d.log.Info("the mirror is complete", "seconds", ended.Sub(started).Seconds())
	}
	if first {
		return d.nameMissingGroups(ctx)
	}
	return nil
}

// nameMissingGroups tells the operator of groups that the configuration names and the pool does not have: they may be misspelt.
func (d *Directory) nameMissingGroups(ctx context.Context) error {
	names := slices.Clone(d.adoption.groups)
	for _, g := range d.grants {
		names = append(names, g.Group)
	}
	slices.Sort(names)
	var missing []string
	for _, name := range slices.Compact(names) {
		if name == "" || name == EveryGroup {
			continue
		}
		switch _, err := d.mirror.ByPoolName(ctx, store.Group, name); {
		case errors.Is(err, store.ErrNotFound):
			missing = append(missing, name)
		case err != nil:
			return internal(err)
		}
	}
	if len(missing) > 0 {
		d.log.Warn("groups that adoptGroups or grants name are not in the pool", "groups", missing)
	}
	return nil
}

func (d *Directory) sweepGroups(ctx context.Context) error {
	for token := ""; ; {
		requested := d.now()
		groups, next, err := d.pool.GroupsPage(ctx, token)
		if err != nil {
			return err
		}
		docs := make([]store.Doc, len(groups))
		for i, g := range groups {
			docs[i] = d.groupDoc(g)
		}
		if err := d.observe(ctx, requested, docs...); err != nil || next == "" {
			return err
		}
		token = next
	}
}

func (d *Directory) sweepUsers(ctx context.Context) error {
	for token := ""; ; {
		requested := d.now()
		users, next, err := d.pool.UsersPage(ctx, token)
		if err != nil {
			return err
		}
		docs := make([]store.Doc, len(users))
		for i, u := range users {
			docs[i] = d.userDoc(u)
		}
		if err := d.observe(ctx, requested, docs...); err != nil || next == "" {
			return err
		}
		token = next
	}
}

// sweepMembers reads the members of every group that has not been verified since the sweep began.
func (d *Directory) sweepMembers(ctx context.Context, started time.Time) error {
	const page = 500
	for start := 1; ; start += page {
		groups, err := d.mirror.List(ctx, store.Query{Kind: store.Group, Start: start, Count: page})
		if err != nil {
			return err
		}
		if start > groups.Total {
			return nil
		}
		for group, err := range groups.Docs {
			if err != nil {
				return err
			}
			if group.MembersChecked >= started.UnixMilli() {
				continue
			}
			if err := d.readMembers(ctx, group); err != nil && cognito.KindOf(err) != cognito.GroupNotFound {
				return err
			}
		}
	}
}

// readMembers reads the members of a group from the pool into the mirror.
func (d *Directory) readMembers(ctx context.Context, group store.Doc) error {
	started := d.now()
	drifted := 0
	for token := ""; ; {
		requested := d.now()
		users, next, err := d.pool.MembersPage(ctx, group.PoolName, token)
		if err != nil {
			return err
		}
		n, err := d.observeMembers(ctx, group, users, requested)
		if err != nil {
			return err
		}
		drifted += n
		if next == "" {
			break
		}
		token = next
	}
	err := d.mirror.Update(ctx, func(tx *store.Tx) error {
		removed, doubtful, err := tx.MissedMembers(group.Seq, started, d.cfg.Lag)
		drifted += removed
		if err != nil || doubtful > 0 && d.warm.Load() {
			return err
		}
		return tx.SetMembersChecked(group.Seq, started)
	})
	if err == nil && drifted > 0 {
		d.drift(ctx, store.Group, group.ID, fmt.Sprintf("%d memberships changed in the pool, not by us", drifted))
	}
	return err
}

// observeMembers writes one page of a group's members, and returns how many of them are new.
func (d *Directory) observeMembers(ctx context.Context, group store.Doc, users []cognito.User, requested time.Time) (added int, err error) {
	err = d.mirror.Update(ctx, func(tx *store.Tx) error {
		seqs := make([]int64, 0, len(users))
		for _, u := range users {
			if _, err := tx.Observe(d.userDoc(u), requested, d.cfg.Lag); err != nil {
				return err
			}
			doc, err := tx.Get(store.User, u.Sub)
			if errors.Is(err, store.ErrNotFound) {
				continue // deleted by us meanwhile
			}
			if err != nil {
				return err
			}
			seqs = append(seqs, doc.Seq)
		}
		added, err = tx.ObserveMembers(group.Seq, seqs, requested, d.cfg.Lag)
		return err
	})
	return added, err
}

// verifyMembers makes sure that the mirror's members of a group were read from the pool within the sweep interval: a
// replacement decides by them whom to remove.
func (d *Directory) verifyMembers(ctx context.Context, group store.Doc) error {
	verified := time.UnixMilli(group.MembersChecked)
	if group.MembersChecked != 0 && (d.cfg.SweepEvery < 0 || d.now().Sub(verified) < d.cfg.SweepEvery) {
		return nil
	}
	return fromCognito(d.readMembers(ctx, group))
}

// ensureMembers reads a group's members before they are shown for the first time, if the sweep has not come to it yet.
func (d *Directory) ensureMembers(ctx context.Context, group store.Doc) error {
	if group.MembersChecked != 0 {
		return nil
	}
	return fromCognito(d.readMembers(ctx, group))
}

// missing notes which rows the sweep has not seen, and removes those that the sweep before did not see either.
func (d *Directory) missing(ctx context.Context, kind store.Kind, started time.Time) error {
	for doc, err := range d.mirror.Unseen(ctx, kind, started, d.cfg.Lag) {
		if err != nil {
			return err
		}
		var gone bool
		err = d.mirror.Update(ctx, func(tx *store.Tx) (err error) {
			gone, err = tx.Missed(kind, doc.ID, started, d.cfg.Lag)
			return err
		})
		if err != nil {
			return err
		}
		if gone {
			d.drift(ctx, kind, doc.ID, "gone from the pool, not through us")
		}
	}
	return nil
}
