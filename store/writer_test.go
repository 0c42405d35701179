package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scim-cognito/scim-cognito/store"
)

// TestUpdateUndoesOnlyItsOwn: a failing part leaves nothing behind, and does not harm those that share its commit.
func TestUpdateUndoesOnlyItsOwn(t *testing.T) {
	t.Parallel()
	f := open(t)
	refused := errors.New("refused")
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			err := f.dir.Update(context.Background(), func(tx *store.Tx) error {
				if _, err := tx.Put(user(number("u-", i), number("name", i))); err != nil {
					return err
				}
				if i%4 == 0 {
					return refused
				}
				return nil
			})
			if want := i%4 == 0; errors.Is(err, refused) != want || (err != nil) != want {
				t.Errorf("caller %d: got %v, want refused: %v", i, err, want)
			}
		})
	}
	wg.Wait()
	var want []string
	for i := range 40 {
		if i%4 != 0 {
			want = append(want, number("u-", i))
		}
	}
	got, total := f.list(store.Query{Kind: store.User, Count: 100})
	slices.Sort(got)
	if !slices.Equal(got, want) || total != len(want) {
		t.Errorf("rows: got %d %q, want %d %q", total, got, len(want), want)
	}
}

// TestUpdatePanics: a panic comes out at the caller, undoes its part, and leaves the store usable.
func TestUpdatePanics(t *testing.T) {
	t.Parallel()
	f := open(t)
	func() {
		defer func() {
			if got := recover(); got != "oops" {
				t.Errorf("recovered: got %v, want oops", got)
			}
		}()
		f.update(func(tx *store.Tx) error {
			if _, err := tx.Put(user("u-1", "alice")); err != nil {
				return err
			}
			panic("oops")
		})
	}()
	f.absent(store.User, "u-1")
	f.put(user("u-2", "bob"))
}

// TestFullDisk: a write that does not fit fails and leaves no trace, together with those that shared its transaction
// when SQLite had to undo that as a whole; reads go on, and so do writes once there is space.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.put(user("u-0", "alice"))
	if err := f.LimitPages(1); err != nil { // that is, no more than there are
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			big := user(number("u-", i), number("name", i), "title", strings.Repeat("x", 1<<20))
			if err := f.dir.Update(context.Background(), func(tx *store.Tx) error { _, err := tx.Put(big); return err }); err == nil {
				t.Errorf("caller %d: got nil, want an error", i)
			}
		})
	}
	wg.Wait()
	if got, total := f.list(store.Query{Kind: store.User, Count: 10}); total != 1 {
		t.Errorf("rows: got %q, want u-0", got)
	}
	if err := f.LimitPages(0); err != nil {
		t.Fatal(err)
	}
	f.put(user("u-1", "bob"))
}

// TestUpdateReadsItsOwnWrites within the transaction, and others do not see them before it ends.
func TestUpdateReadsItsOwnWrites(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.update(func(tx *store.Tx) error {
		if _, err := tx.Put(user("u-1", "alice")); err != nil {
			return err
		}
		if got, err := tx.Get(store.User, "u-1"); err != nil || got.Display != "alice" {
			t.Errorf("Tx.Get: got %q, %v, want alice", got.Display, err)
		}
		if got, err := tx.ByPoolName(store.User, "pool-alice"); err != nil || got.ID != "u-1" {
			t.Errorf("Tx.ByPoolName: got %q, %v, want u-1", got.ID, err)
		}
		f.absent(store.User, "u-1")
		return nil
	})
	if got := f.get(store.User, "u-1").Display; got != "alice" {
		t.Errorf("afterwards: got %q, want alice", got)
	}
}

// TestContextsEnd: no call begins after its context has ended, and a part's writes stop with it.
func TestContextsEnd(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.put(user("u-1", "alice"))
	ctx, cancel := context.WithCancel(t.Context())
	err := f.dir.Update(ctx, func(tx *store.Tx) error {
		cancel()
		_, err := tx.Put(user("u-2", "bob"))
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Put after its end: got %v, want canceled", err)
	}
	f.absent(store.User, "u-2")
	for name, do := range map[string]func() error{
		"Update": func() error { return f.dir.Update(ctx, func(*store.Tx) error { return nil }) },
		"Get":    func() error { _, err := f.dir.Get(ctx, store.User, "u-1"); return err },
		"List":   func() error { _, err := f.dir.List(ctx, store.Query{Kind: store.User, Count: 1}); return err },
		"scan": func() error {
			_, err := f.dir.List(ctx, store.Query{Kind: store.User, Where: where(t, "title pr"), Count: 1})
			return err
		},
		"Lock": func() error { _, err := f.dir.Lock(ctx, "k"); return err },
	} {
		if err := do(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want canceled", name, err)
		}
	}
}

// TestClosed: after Close nothing works, and everything says why.
func TestClosed(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.put(user("u-1", "alice"))
	if err := f.Close(); err != nil {
		t.Fatalf("Close: got %v, want nil", err)
	}
	ctx := t.Context()
	for name, do := range map[string]func() error{
		"Update": func() error { return f.dir.Update(ctx, func(*store.Tx) error { return nil }) },
		"Get":    func() error { _, err := f.dir.Get(ctx, store.User, "u-1"); return err },
		"Record": func() error { return f.Record(ctx, store.Activity{}) },
		"Close":  f.Close,
	} {
		if err := do(); !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s: got %v, want ErrClosed", name, err)
		}
	}
	f.openAgain()
	if got := f.get(store.User, "u-1").Display; got != "alice" {
		t.Errorf("opened again: got %q, want alice", got)
	}
}

// TestConcurrency lets fifty goroutines write, read and list at once. Every page must be of one moment: a transaction
// keeps the number of users even, so no total may be odd, and a first page that is not full holds exactly the total.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	f := open(t)
	g := f.put(group("g", "G"))
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	var wg sync.WaitGroup
	for w := range 20 {
		wg.Go(func() { writePairs(f, g.Seq, w, rounds) })
	}
	for range 20 {
		wg.Go(func() {
			for range rounds {
				readTotals(f)
			}
		})
	}
	for w := range 10 {
		wg.Go(func() {
			for range rounds {
				f.readPairs(g.Seq, w)
			}
		})
	}
	wg.Wait()
	if n := must(f.dir.MemberCount(t.Context(), g.Seq))(t); n != 20 {
		t.Errorf("members at the end: got %d, want 20", n)
	}
}

// writePairs adds two users a round, the second of them a member, and takes those of the round before away.
func writePairs(f *fixture, group int64, w, rounds int) {
	for i := range rounds {
		err := f.dir.Update(context.Background(), func(tx *store.Tx) error {
			for _, side := range []string{"left", "right"} {
				if i > 0 {
					if err := tx.Delete(store.User, fmt.Sprintf("%s-%d-%d", side, w, i-1), f.now()); err != nil {
						return err
					}
				}
				name := fmt.Sprintf("%s-%d-%d", side, w, i)
				doc, err := tx.Put(user(name, name, "externalId", fmt.Sprint("worker-", w), "title", "T"))
				if err != nil {
					return err
				}
				if side == "right" {
					if err := tx.AddMember(group, doc.Seq, f.now()); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			f.Errorf("writer %d: got %v, want nil", w, err)
		}
	}
}

func readTotals(f *fixture) {
	for _, q := range []store.Query{
		{Kind: store.User, Count: 100},
		{Kind: store.User, Count: 100, Where: where(f, `title eq "t"`)},
		{Kind: store.User, Count: 100, Where: where(f, `userName sw "LEFT" or externalId sw "worker-" and userName sw "right"`)},
	} {
		page, err := f.dir.List(context.Background(), q)
		if err != nil {
			f.Errorf("List: got %v, want nil", err)
			return
		}
		n := 0
		for _, err := range page.Docs {
			if err != nil {
				f.Errorf("Docs: got %v, want nil", err)
			}
			n++
		}
		if page.Total%2 != 0 || n != min(page.Total, 100) {
			f.Errorf("where %v: got a total of %d and %d rows, want an even one and as many", q.Where, page.Total, n)
		}
	}
}

// readPairs looks at one worker's rows through an index, and at all members.
func (f *fixture) readPairs(group int64, w int) {
	docs, err := f.dir.Find(context.Background(), store.User, "externalId", fmt.Sprint("worker-", w))
	if err != nil || len(docs) != 0 && len(docs) != 2 {
		f.Errorf("Find: got %d rows, %v, want 0 or 2", len(docs), err)
	}
	for r, err := range f.dir.Members(context.Background(), group) {
		if err != nil || r.Display != r.ID {
			f.Errorf("Members: got %+v, %v", r, err)
		}
	}
}
