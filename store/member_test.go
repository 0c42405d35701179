package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/store"
)

// state puts a row into another State.
func (f *fixture) state(d store.Doc, s store.State) {
	f.Helper()
	d.State = s
	f.put(d)
}

// groupsOf returns the ids of a user's groups, and checks that the row and the memberships agree.
func (f *fixture) groupsOf(user string) (ids []string) {
	f.Helper()
	d := f.get(store.User, user)
	for _, r := range must(f.dir.Groups(f.Context(), d))(f) {
		ids = append(ids, r.ID)
	}
	if got := slices.Sorted(d.Groups()); !slices.Equal(got, slices.Sorted(slices.Values(ids))) {
		f.Errorf("groups of %s: the row names %q, memberships %q", user, got, ids)
	}
	return ids
}

// TestMembership follows a user and two groups; each step must show on both sides, and change versions and Modified of
// exactly those rows whose answers it changes.
func TestMembership(t *testing.T) {
	t.Parallel()
	f := open(t)
	a, g, h := user("u-a", "a"), group("g", "G"), group("h", "H")
	as, gs, hs := f.put(a).Seq, f.put(g).Seq, f.put(h).Seq
	b := f.put(user("u-b", "b")).Seq
	f.join(gs, b)
	add := func(group, user int64) func() { return func() { f.join(group, user) } }
	for _, tt := range []struct {
		name     string
		do       func()
		members  []string // of g
		groups   []string // of a
		versions []string // of these rows change
	}{
		{"join", add(gs, as), []string{"u-a", "u-b"}, []string{"g"}, []string{"u-a", "g"}},
		{"join again", add(gs, as), []string{"u-a", "u-b"}, []string{"g"}, nil},
		{"join another", add(hs, as), []string{"u-a", "u-b"}, []string{"g", "h"}, []string{"u-a", "h"}},
		{"hide the user", func() { f.state(a, store.Hidden) }, []string{"u-b"}, []string{"g", "h"}, []string{"g", "h"}},
		{"hide a group", func() { f.state(h, store.Hidden) }, []string{"u-b"}, []string{"g"}, []string{"u-a"}},
		{"show the user", func() { f.state(a, store.Listed) }, []string{"u-a", "u-b"}, []string{"g"}, []string{"g", "h"}},
		{"show the group", func() { f.state(h, store.Listed) }, []string{"u-a", "u-b"}, []string{"g", "h"}, []string{"u-a"}},
		{"leave", func() { f.update(func(tx *store.Tx) error { return tx.RemoveMember(gs, as, f.now()) }) }, []string{"u-b"}, []string{"h"}, []string{"u-a", "g"}},
		{"leave again", func() { f.update(func(tx *store.Tx) error { return tx.RemoveMember(gs, as, f.now()) }) }, []string{"u-b"}, []string{"h"}, nil},
		{"delete a group", func() { f.delete(store.Group, "h") }, []string{"u-b"}, nil, []string{"u-a"}},
		{"return", add(gs, as), []string{"u-a", "u-b"}, []string{"g"}, []string{"u-a", "g"}},
		{"delete another user", func() { f.delete(store.User, "u-b") }, []string{"u-a"}, []string{"g"}, []string{"g"}},
	} {
		before := f.snapshot()
		f.advance(time.Second)
		tt.do()
		if got := f.memberIDs(gs); !slices.Equal(got, tt.members) {
			t.Errorf("%s: members of g: got %q, want %q", tt.name, got, tt.members)
		}
		if n := must(f.dir.MemberCount(t.Context(), gs))(t); n != len(tt.members) {
			t.Errorf("%s: MemberCount: got %d, want %d", tt.name, n, len(tt.members))
		}
		if got := f.groupsOf("u-a"); !slices.Equal(got, tt.groups) {
			t.Errorf("%s: groups of a: got %q, want %q", tt.name, got, tt.groups)
		}
		for id, now := range f.snapshot() {
			changed := slices.Contains(tt.versions, id)
			if got := now.Version != before[id].Version; got != changed {
				t.Errorf("%s: version of %s changed: got %v, want %v", tt.name, id, got, changed)
			}
			if changed && now.Modified != f.now().UnixMilli() {
				t.Errorf("%s: modified of %s: got %d, want %d", tt.name, id, now.Modified, f.now().UnixMilli())
			}
		}
		if err := f.Check(t.Context()); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
	}
}

// snapshot returns all rows by id.
func (f *fixture) snapshot() map[string]store.Doc {
	f.Helper()
	rows := map[string]store.Doc{}
	for _, kind := range []store.Kind{store.User, store.Group} {
		for d, err := range f.dir.All(f.Context(), kind) {
			if err != nil {
				f.Fatalf("All: got %v, want nil", err)
			}
			rows[d.ID] = d
		}
	}
	return rows
}

// TestRenameShowsInReferences, which rewrites no document and changes no other version.
func TestRenameShowsInReferences(t *testing.T) {
	t.Parallel()
	f := open(t)
	u, g := f.put(user("u-1", "alice")), f.put(group("g-1", "Old"))
	f.join(g.Seq, u.Seq)
	before := f.snapshot()
	renamed := group("g-1", "New")
	renamed.PoolName = g.PoolName
	f.put(user("u-1", "alicia"), renamed)
	if got := must(f.dir.Groups(t.Context(), f.get(store.User, "u-1")))(t); len(got) != 1 || got[0] != (store.Ref{Seq: g.Seq, ID: "g-1", Display: "New"}) {
		t.Errorf("groups: got %+v, want g-1 called New", got)
	}
	for r, err := range f.dir.Members(t.Context(), g.Seq) {
		if err != nil || r != (store.Ref{Seq: u.Seq, ID: "u-1", Display: "alicia"}) {
			t.Errorf("members: got %+v, %v, want u-1 called alicia", r, err)
		}
	}
	again := group("g-1", "Old")
	again.PoolName = g.PoolName
	f.put(user("u-1", "alice"), again)
	for id, d := range f.snapshot() {
		if d.Version != before[id].Version {
			t.Errorf("version of %s, when all is as before: got %x, want %x", id, d.Version, before[id].Version)
		}
	}
}

func TestMembersOf(t *testing.T) {
	t.Parallel()
	f := open(t)
	g := f.put(group("g", "G"))
	hidden := user("u-hidden", "hidden")
	hidden.State = store.Hidden
	f.join(g.Seq, f.put(user("u-1", "alice")).Seq, f.put(hidden).Seq)
	f.put(user("u-2", "bob"))
	got := must(f.dir.MembersOf(t.Context(), g.Seq, []string{"u-hidden", "u-2", "nobody", "u-1", "g"}))(t)
	if want := []string{"u-hidden", "u-1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMembersChecked(t *testing.T) {
	t.Parallel()
	f := open(t)
	g := f.put(group("g", "G"))
	if g.MembersChecked != 0 {
		t.Errorf("new: got %d, want 0", g.MembersChecked)
	}
	f.update(func(tx *store.Tx) error { return tx.SetMembersChecked(g.Seq, epoch) })
	f.put(group("g", "G")) // to write the group says nothing about its members
	if got := f.get(store.Group, "g").MembersChecked; got != epoch.UnixMilli() {
		t.Errorf("got %d, want %d", got, epoch.UnixMilli())
	}
	f.update(func(tx *store.Tx) error { return tx.SetMembersChecked(g.Seq, time.Time{}) })
	if got := f.get(store.Group, "g").MembersChecked; got != 0 {
		t.Errorf("in doubt: got %d, want 0", got)
	}
}

// TestMembershipEnds: both ends must be there and be what they are taken for, also within one transaction.
func TestMembershipEnds(t *testing.T) {
	t.Parallel()
	f := open(t)
	hidden := user("h", "h")
	hidden.State = store.Hidden
	u, h, g := f.put(user("u", "u")), f.put(hidden), f.put(group("g", "G"))
	for name, do := range map[string]func(*store.Tx) error{
		"no such user":  func(tx *store.Tx) error { return tx.AddMember(g.Seq, 99, epoch) },
		"no such group": func(tx *store.Tx) error { return tx.AddMember(99, u.Seq, epoch) },
		"a user as group": func(tx *store.Tx) error {
			return tx.AddMember(u.Seq, u.Seq, epoch)
		},
		"a group as user": func(tx *store.Tx) error { return tx.RemoveMember(g.Seq, g.Seq, epoch) },
		"hidden, deleted just now": func(tx *store.Tx) error {
			return errors.Join(tx.AddMember(g.Seq, h.Seq, epoch), tx.Delete(store.User, "h", epoch), tx.AddMember(g.Seq, h.Seq, epoch))
		},
		"deleted just now": func(tx *store.Tx) error {
			return errors.Join(tx.AddMember(g.Seq, u.Seq, epoch), tx.Delete(store.User, "u", epoch), tx.AddMember(g.Seq, u.Seq, epoch))
		},
	} {
		if err := f.dir.Update(t.Context(), do); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	if got := f.memberIDs(g.Seq); got != nil {
		t.Errorf("members: got %q, want none", got)
	}
}
