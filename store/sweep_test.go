package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/store"
)

const lag = time.Minute

// observe is Tx.Observe in a transaction of its own.
func (f *fixture) observe(doc store.Doc, requested time.Time) (changed bool) {
	f.Helper()
	f.update(func(tx *store.Tx) (err error) {
		changed, err = tx.Observe(doc, requested, lag)
		return err
	})
	return changed
}

// TestObserve tells short stories of what we did, what a page said, and what the mirror must hold then.
func TestObserve(t *testing.T) {
	t.Parallel()
	alice, renamed := user("u-1", "alice", "title", "old"), user("u-1", "alice", "title", "new")
	successor := user("u-2", "alice", "title", "other sub")
	for _, tt := range []struct {
		name  string
		did   func(f *fixture) // at the epoch
		after time.Duration    // from then to when the page was requested
		page  store.Doc
		want  map[string]string // id → JSON
		moved bool
	}{
		{"new", func(*fixture) {}, 0, alice, map[string]string{"u-1": string(alice.JSON)}, true},
		{"confirmed", func(f *fixture) { f.put(alice) }, 2 * lag, alice, map[string]string{"u-1": string(alice.JSON)}, false},
		{"changed by others", func(f *fixture) { f.put(alice) }, 2 * lag, renamed, map[string]string{"u-1": string(renamed.JSON)}, true},
		{"written within the lag", func(f *fixture) { f.put(alice) }, lag, renamed, map[string]string{"u-1": string(alice.JSON)}, false},
		{"written after the request", func(f *fixture) { f.put(alice) }, -time.Second, renamed, map[string]string{"u-1": string(alice.JSON)}, false},
		{"written just before the lag", func(f *fixture) { f.put(alice) }, lag + time.Millisecond, renamed, map[string]string{"u-1": string(renamed.JSON)}, true},
		{"deleted within the lag", func(f *fixture) { f.put(alice); f.delete(store.User, "u-1") }, lag, alice, nil, false},
		{"deleted though never known", func(f *fixture) { f.delete(store.User, "u-1") }, lag, alice, nil, false},
		{"deleted before the lag", func(f *fixture) { f.put(alice); f.delete(store.User, "u-1") }, 2 * lag, alice, map[string]string{"u-1": string(alice.JSON)}, true},
		{"deleted and created again by us", func(f *fixture) { f.put(alice); f.delete(store.User, "u-1"); f.put(renamed) }, 0, alice, map[string]string{"u-1": string(renamed.JSON)}, false},
		{"another id under a known name", func(f *fixture) { f.put(alice) }, 2 * lag, successor, map[string]string{"u-2": string(successor.JSON)}, true},
		{"another id under a name written within the lag", func(f *fixture) { f.put(successor) }, lag, alice, map[string]string{"u-2": string(successor.JSON)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			tt.did(f)
			requested := f.advance(tt.after)
			before, errBefore := f.dir.Get(t.Context(), store.User, tt.page.ID)
			f.advance(time.Hour)
			if got := f.observe(tt.page, requested); got != tt.moved {
				t.Errorf("changed: got %v, want %v", got, tt.moved)
			}
			for _, id := range []string{"u-1", "u-2"} {
				want, there := tt.want[id]
				if !there {
					f.absent(store.User, id)
				} else if got := string(f.get(store.User, id).JSON); got != want {
					t.Errorf("%s: got %s, want %s", id, got, want)
				}
			}
			if tt.moved || errBefore != nil {
				return
			}
			after := f.get(store.User, tt.page.ID)
			if after.Modified != before.Modified || after.Version != before.Version || after.Wrote != before.Wrote {
				t.Errorf("not changed, but got %+v, want %+v", after, before)
			}
			if confirmed := string(tt.page.JSON) == string(before.JSON); confirmed && after.Checked != requested.UnixMilli() {
				t.Errorf("Checked: got %d, want %d", after.Checked, requested.UnixMilli())
			}
		})
	}
}

// delete removes a row now.
func (f *fixture) delete(kind store.Kind, id string) {
	f.Helper()
	f.update(func(tx *store.Tx) error { return tx.Delete(kind, id, f.now()) })
}

// TestObserveAgainstStalePage: once another id has taken a name, an older page does not bring the former one back.
func TestObserveAgainstStalePage(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.observe(user("u-1", "alice"), epoch)
	f.observe(user("u-2", "alice"), f.advance(time.Hour))
	if f.observe(user("u-1", "alice"), f.advance(time.Second)) {
		t.Error("the page with the former id: got a change, want none")
	}
	f.absent(store.User, "u-1")
	if got := f.get(store.User, "u-2").PoolName; got != "pool-alice" {
		t.Errorf("pool name of u-2: got %q, want pool-alice", got)
	}
}

func TestObserveRefusesLongLag(t *testing.T) {
	t.Parallel()
	f := open(t)
	for _, lag := range []time.Duration{-1, store.Remembered + 1} {
		err := f.dir.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Observe(user("u-1", "alice"), epoch, lag)
			return err
		})
		if err == nil {
			t.Errorf("lag %v: got nil, want an error", lag)
		}
	}
	f.absent(store.User, "u-1")
}

// sweep tells the store that a complete sweep begun at started saw only these rows, and returns the ids of those gone.
func (f *fixture) sweep(started time.Time, seen ...store.Doc) (gone []string) {
	f.Helper()
	for _, doc := range seen {
		f.observe(doc, started)
	}
	for doc, err := range f.dir.Unseen(f.Context(), store.User, started, lag) {
		if err != nil {
			f.Fatalf("Unseen: got %v, want nil", err)
		}
		f.update(func(tx *store.Tx) error {
			left, err := tx.Missed(store.User, doc.ID, started, lag)
			if left {
				gone = append(gone, doc.ID)
			}
			return err
		})
	}
	return gone
}

// TestAbsenceNeedsTwoSweeps: one sweep that misses a row is not enough, nor is the same one twice, and a row that was
// seen or written in between starts anew.
func TestAbsenceNeedsTwoSweeps(t *testing.T) {
	t.Parallel()
	hour := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Hour) }
	alice, bob := user("u-1", "alice"), user("u-2", "bob")
	hidden := user("u-3", "carol")
	hidden.State = store.Hidden
	type step struct {
		do   func(f *fixture) []string
		want []string
	}
	miss := func(n int, seen ...store.Doc) func(*fixture) []string {
		return func(f *fixture) []string { return f.sweep(hour(n), seen...) }
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"twice in a row", []step{{miss(1, bob), nil}, {miss(2, bob), []string{"u-1", "u-3"}}}},
		{"one sweep reported twice", []step{{miss(1, bob, hidden), nil}, {miss(1, bob, hidden), nil}, {miss(2, bob, hidden), []string{"u-1"}}}},
		{"seen in between", []step{{miss(1, bob, hidden), nil}, {miss(2, alice, bob, hidden), nil}, {miss(3, bob, hidden), nil}, {miss(4, bob, hidden), []string{"u-1"}}}},
		{"written in between", []step{
			{miss(1, bob, hidden), nil},
			{func(f *fixture) []string { f.putAt(alice, hour(2)); return nil }, nil},
			{miss(2, bob, hidden), nil},
			{miss(3, bob, hidden), nil},
			{miss(4, bob, hidden), []string{"u-1"}},
		}},
		{"written within the lag before", []step{
			{func(f *fixture) []string { f.putAt(alice, hour(1).Add(-lag)); return nil }, nil},
			{miss(1, bob, hidden), nil},
			{miss(2, bob, hidden), nil},
			{miss(3, bob, hidden), []string{"u-1"}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			f.put(alice, bob, hidden)
			for i, s := range tt.steps {
				if got := s.do(f); !slices.Equal(got, s.want) {
					t.Fatalf("step %d: gone: got %q, want %q", i, got, s.want)
				}
			}
		})
	}
}

func (f *fixture) putAt(doc store.Doc, at time.Time) {
	f.Helper()
	doc.Wrote = at.UnixMilli()
	f.put(doc)
}

// TestGoneIsNotRemembered: a row that went because sweeps did not find it comes back at once when a page shows it.
func TestGoneIsNotRemembered(t *testing.T) {
	t.Parallel()
	f := open(t)
	alice := user("u-1", "alice")
	f.put(alice)
	f.sweep(f.advance(time.Hour))
	if got := f.sweep(f.advance(time.Hour)); !slices.Equal(got, []string{"u-1"}) {
		t.Fatalf("gone: got %q, want u-1", got)
	}
	if !f.observe(alice, f.advance(time.Second)) {
		t.Error("observed again: got no change, want one")
	}
}

// TestUnseenAcrossWindows reads rows whose seqs lie in several windows, some of them empty.
func TestUnseenAcrossWindows(t *testing.T) {
	t.Parallel()
	f := open(t)
	for i, seq := range []int64{0, 4090, 50_000} {
		if err := f.JumpTo(seq); err != nil {
			t.Fatal(err)
		}
		for j := range 10 {
			f.put(user(number("u-", 10*i+j), number("name", 10*i+j)))
		}
	}
	f.delete(store.User, number("u-", 29))
	started, got := f.advance(time.Hour), []string(nil)
	f.observe(user(number("u-", 15), number("name", 15)), started)
	for doc, err := range f.dir.Unseen(t.Context(), store.User, started, lag) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, doc.ID)
	}
	var want []string
	for i := range 29 {
		if i != 15 {
			want = append(want, number("u-", i))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("unseen: got %q, want %q", got, want)
	}
}

// memberIDs returns the ids of a group's members.
func (f *fixture) memberIDs(group int64) (ids []string) {
	f.Helper()
	for r, err := range f.dir.Members(f.Context(), group) {
		if err != nil {
			f.Fatalf("Members: got %v, want nil", err)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

// TestObserveMembers: a page adds members, but not those that we removed within the lag.
func TestObserveMembers(t *testing.T) {
	t.Parallel()
	f := open(t)
	a, b, g := f.put(user("u-a", "a")), f.put(user("u-b", "b")), f.put(group("g", "G"))
	f.join(g.Seq, a.Seq)
	f.update(func(tx *store.Tx) error { return tx.RemoveMember(g.Seq, a.Seq, f.now()) })
	page := func(requested time.Time) (added int) {
		f.update(func(tx *store.Tx) (err error) {
			added, err = tx.ObserveMembers(g.Seq, []int64{a.Seq, b.Seq}, requested, lag)
			return err
		})
		return added
	}
	for _, tt := range []struct {
		after time.Duration
		added int
		want  []string
	}{
		{lag, 1, []string{"u-b"}},
		{lag + time.Millisecond, 1, []string{"u-a", "u-b"}},
		{2 * lag, 0, []string{"u-a", "u-b"}},
	} {
		if got := page(epoch.Add(tt.after)); got != tt.added {
			t.Errorf("after %v: added: got %d, want %d", tt.after, got, tt.added)
		}
		if got := f.memberIDs(g.Seq); !slices.Equal(got, tt.want) {
			t.Errorf("after %v: members: got %q, want %q", tt.after, got, tt.want)
		}
	}
}

// TestMissedMembers: a membership goes when two readings of the group's list lack it, and not while it is younger
// than the lag; meanwhile it is in doubt.
func TestMissedMembers(t *testing.T) {
	t.Parallel()
	f := open(t)
	a, b, g := f.put(user("u-a", "a")), f.put(user("u-b", "b")), f.put(group("g", "G"))
	f.join(g.Seq, a.Seq, b.Seq)
	version := f.get(store.Group, "g").Version
	reading := func(started time.Time, seen ...int64) (removed, doubtful int) {
		f.update(func(tx *store.Tx) (err error) {
			if _, err := tx.ObserveMembers(g.Seq, seen, started, lag); err != nil {
				return err
			}
			removed, doubtful, err = tx.MissedMembers(g.Seq, started, lag)
			return err
		})
		return removed, doubtful
	}
	for _, tt := range []struct {
		after             time.Duration
		seen              []int64
		removed, doubtful int
		want              []string
	}{
		{lag, nil, 0, 0, []string{"u-a", "u-b"}}, // written within the lag
		{1 * time.Hour, []int64{a.Seq}, 0, 1, []string{"u-a", "u-b"}},
		{1 * time.Hour, []int64{a.Seq}, 0, 1, []string{"u-a", "u-b"}}, // the same reading again
		{2 * time.Hour, []int64{a.Seq, b.Seq}, 0, 0, []string{"u-a", "u-b"}},
		{3 * time.Hour, []int64{a.Seq}, 0, 1, []string{"u-a", "u-b"}},
		{4 * time.Hour, []int64{a.Seq}, 1, 0, []string{"u-a"}},
	} {
		removed, doubtful := reading(epoch.Add(tt.after), tt.seen...)
		if removed != tt.removed || doubtful != tt.doubtful {
			t.Errorf("after %v: removed, doubtful: got %d, %d, want %d, %d", tt.after, removed, doubtful, tt.removed, tt.doubtful)
		}
		if got := f.memberIDs(g.Seq); !slices.Equal(got, tt.want) {
			t.Errorf("after %v: members: got %q, want %q", tt.after, got, tt.want)
		}
	}
	if f.get(store.Group, "g").Version == version {
		t.Error("version after a member went: got the same, want another")
	}
}

func TestSwept(t *testing.T) {
	t.Parallel()
	f := open(t)
	if got := must(f.dir.Swept(t.Context()))(t); !got.IsZero() {
		t.Errorf("new: got %v, want the zero time", got)
	}
	f.update(func(tx *store.Tx) error { return tx.SetSwept(epoch) })
	if got := must(f.dir.Swept(t.Context()))(t); !got.Equal(epoch) {
		t.Errorf("after SetSwept: got %v, want %v", got, epoch)
	}
}

// TestRemovalsAreForgotten: what was removed is known for Remembered, and pruned by a later removal.
func TestRemovalsAreForgotten(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.delete(store.User, "u-1")
	if got := must(f.dir.Deleted(t.Context(), store.User, "u-1"))(t); !got.Equal(epoch) {
		t.Errorf("Deleted: got %v, want %v", got, epoch)
	}
	f.advance(store.Remembered + time.Second)
	f.delete(store.User, "u-2")
	if got := must(f.dir.Deleted(t.Context(), store.User, "u-1"))(t); !got.IsZero() {
		t.Errorf("Deleted, an hour later: got %v, want the zero time", got)
	}
	if _, err := f.dir.Get(t.Context(), store.User, "u-1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get: got %v, want ErrNotFound", err)
	}
}

// TestLinks: what a page says of a user's sign-ins is kept, but is no change of the resource; within the lag allowance
// after a write of ours it is not believed.
func TestLinks(t *testing.T) {
	t.Parallel()
	f := open(t)
	linked := func(links string) store.Doc {
		doc := user("u-1", "alice")
		doc.Links = links
		return doc
	}
	f.observe(linked(""), epoch)
	before := f.get(store.User, "u-1")
	if f.observe(linked("okta 1"), f.advance(time.Hour)) {
		t.Error("a page with another link: got a change, want none")
	}
	after := f.get(store.User, "u-1")
	if after.Links != "okta 1" || after.Modified != before.Modified || after.Version != before.Version {
		t.Errorf("after the page: got %+v, want %+v with the link", after, before)
	}
	f.update(func(tx *store.Tx) error { _, err := tx.Put(linked("okta 2")); return err })
	f.observe(linked("okta 1"), f.now())
	if got := f.get(store.User, "u-1").Links; got != "okta 2" {
		t.Errorf("after a page as old as our write: got links %q, want ours", got)
	}
}
