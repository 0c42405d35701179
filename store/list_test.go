package store_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/store"
)

// fill adds n users, u-000000 on, of which every tenth is hidden and every seventh is removed again, and so is a
// quarter in the middle. It returns the ids of those left that are listed.
func (f *fixture) fill(n int) (listed []string) { return f.fillFrom(0, n) }

// fillFrom is fill for the users from a number on.
func (f *fixture) fillFrom(from, n int) (listed []string) {
	f.Helper()
	f.update(func(tx *store.Tx) error {
		for i := from; i < from+n; i++ {
			d := user(number("u-", i), number("name", i), "displayName", fmt.Sprint("shared ", i%3), "title", fmt.Sprint(i%100))
			if i%10 == 9 {
				d.State = store.Hidden
			}
			if _, err := tx.Put(d); err != nil {
				return err
			}
			if i%1000 == 0 { // seqs are shared with groups
				if _, err := tx.Put(group(number("g-", i), number("G", i))); err != nil {
					return err
				}
			}
		}
		return nil
	})
	f.update(func(tx *store.Tx) error {
		for i := from; i < from+n; i++ {
			if i%7 == 6 || i >= from+n/2 && i < from+n/2+n/4 {
				if err := tx.Delete(store.User, number("u-", i), f.now()); err != nil {
					return err
				}
			} else if i%10 != 9 {
				listed = append(listed, number("u-", i))
			}
		}
		return nil
	})
	return listed
}

// TestListPages looks at pages all over a directory whose rows lie in many buckets of each level of the counted tree,
// with gaps within and between them.
func TestListPages(t *testing.T) {
	t.Parallel()
	f := open(t)
	var all []string
	for i, seq := range []int64{0, 5*4096 - 50, 1<<18 - 300, 3<<18 + 17} {
		if err := f.JumpTo(seq); err != nil {
			t.Fatal(err)
		}
		all = append(all, f.fillFrom(i*1000, 1000)...)
	}
	var starts []int
	for _, near := range []int{1, 64, 512, len(all) / 4, len(all) / 2, 3 * len(all) / 4, len(all) - 99, len(all)} {
		starts = append(starts, near-1, near, near+1)
	}
	for _, start := range append(starts, -5, 3*len(all)) {
		for _, count := range []int{-1, 0, 1, 100, 150} {
			got, total := f.list(store.Query{Kind: store.User, Start: start, Count: count})
			from := min(max(start, 1)-1, len(all))
			want := all[from:min(from+max(count, 0), len(all))]
			if !slices.Equal(got, want) || total != len(all) {
				t.Errorf("start %d, count %d: got %d rows from %q of %d, want %d from %q of %d", start, count,
					len(got), first(got), total, len(want), first(want), len(all))
			}
		}
	}
	for _, s := range []string{``, `displayName eq "shared 1"`, `displayName eq "shared 1" and userName pr`, `userName pr`} {
		q := store.Query{Kind: store.User, Start: 2, Count: math.MaxInt}
		if s != "" {
			q.Where = where(t, s)
		}
		if got, total := f.list(q); len(got) != total-1 || total == 0 {
			t.Errorf("all but the first where %q: got %d rows, want %d", s, len(got), total-1)
		}
		q.Start = math.MaxInt
		if got, _ := f.list(q); len(got) != 0 {
			t.Errorf("past the end where %q: got %d rows, want none", s, len(got))
		}
	}
	if got, total := f.list(store.Query{Kind: store.Group, Start: 4, Count: 5}); total != 4 || len(got) != 1 {
		t.Errorf("groups: got %d rows of %d, want 1 of 4", len(got), total)
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// TestListManyFound: a term that thousands of rows share is paged as exactly as everything else.
func TestListManyFound(t *testing.T) {
	t.Parallel()
	f := open(t)
	all := f.fill(2000)
	for _, tt := range []struct {
		filter string
		match  func(i int) bool
	}{
		{`displayName eq "SHARED 1"`, func(i int) bool { return i%3 == 1 }},
		{`displayName eq "shared 1" and title eq "7"`, func(i int) bool { return i%3 == 1 && i%100 == 7 }},
		{`title eq "7" and displayName eq "shared 1"`, func(i int) bool { return i%3 == 1 && i%100 == 7 }},
		{`displayName eq "shared 1" or userName eq "name000003"`, func(i int) bool { return i%3 == 1 || i == 3 }},
		{`title eq "7" or userName eq "name000003"`, func(i int) bool { return i%100 == 7 || i == 3 }},
		{`displayName sw "SHARED" and not (title eq "7")`, func(i int) bool { return i%100 != 7 }},
		{`displayName sw "shared 1" and userName sw "name000"`, func(i int) bool { return i%3 == 1 && i < 1000 }},
		{`userName sw "name0000" or displayName eq "shared 2"`, func(i int) bool { return i < 100 || i%3 == 2 }},
		{`displayName eq "shared 1" and meta.created ge "2030-01-02T03:04:05Z"`, func(i int) bool { return i%3 == 1 }},
		{`displayName eq "shared 1" and meta.created lt "2030-01-02T03:04:05Z"`, func(int) bool { return false }},
		{`not (displayName eq "shared 1")`, func(i int) bool { return i%3 != 1 }},
		{`id eq "u-000004" and displayName eq "shared 1"`, func(i int) bool { return i == 4 }},
		{`id eq "U-000004"`, func(int) bool { return false }},
		{`userName eq "nobody"`, func(int) bool { return false }},
	} {
		var want []string
		for _, id := range all {
			var i int
			if _, err := fmt.Sscanf(id, "u-%d", &i); err != nil {
				t.Fatal(err)
			}
			if tt.match(i) {
				want = append(want, id)
			}
		}
		for _, start := range []int{1, 2, 100, 400} {
			got, total := f.list(store.Query{Kind: store.User, Where: where(t, tt.filter), Start: start, Count: 50})
			from := min(start-1, len(want))
			if page := want[from:min(from+50, len(want))]; !slices.Equal(got, page) || total != len(want) {
				t.Errorf("%s from %d: got %q of %d, want %q of %d", tt.filter, start, got, total, page, len(want))
			}
		}
	}
}

// TestListRefuses filters that have no meaning, as the client's mistake, even if an index could answer a part.
func TestListRefuses(t *testing.T) {
	t.Parallel()
	f := open(t)
	for _, s := range []string{`active gt true`, `userName eq "a" and name eq "b"`} {
		_, err := f.dir.List(t.Context(), store.Query{Kind: store.User, Where: where(t, s)})
		var refused scim.ScimError
		if !errors.As(err, &refused) || refused.ScimType != scim.ScimTypeInvalidFilter {
			t.Errorf("%s: got %v, want invalidFilter", s, err)
		}
	}
	if _, err := f.dir.List(t.Context(), store.Query{Kind: 7, Where: where(t, `id eq "x"`)}); err == nil {
		t.Error("kind 7: got nil, want an error")
	}
}

// TestDocsTwice: a page may be ranged over again, and left early.
func TestDocsTwice(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.put(user("u-1", "alice"), user("u-2", "bob"))
	page := must(f.dir.List(t.Context(), store.Query{Kind: store.User, Count: 10}))(t)
	for range page.Docs {
		break
	}
	var got []string
	for d, err := range page.Docs {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d.ID)
	}
	if want := []string{"u-1", "u-2"}; !slices.Equal(got, want) {
		t.Errorf("second time: got %q, want %q", got, want)
	}
}

// TestEveryStatementUsesAnIndex runs a bit of everything and then asks SQLite how it carries each statement out. One
// that goes through a whole table, or sorts, is slow for the whole directory.
func TestEveryStatementUsesAnIndex(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.everything()
	allowed := []string{
		"seq <= ?",         // sorts a window of rows at most
		"ORDER BY created", // all of the journal, for people to look at
		"FROM activity",    // newest first, until there are enough; bounded by Config.ActivityCount
		"DELETE FROM gone WHERE dir", "DELETE FROM journal WHERE dir", "DELETE FROM owed WHERE dir",
	}
	n := 0
	for _, query := range f.Statements() {
		if strings.HasPrefix(query, "PRAGMA") || slices.ContainsFunc(allowed, func(s string) bool { return strings.Contains(query, s) }) {
			continue
		}
		n++
		if strings.HasSuffix(query, "LIMIT ?") || strings.Contains(query, "LIMIT ? OFFSET") {
			t.Errorf("%s\nhas a bare LIMIT ?, for which SQLite prepares the statement anew each time", query)
		}
		for _, step := range must(f.Explain(t.Context(), query))(t) {
			if strings.HasPrefix(step, "SCAN") || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s\n%s", query, step)
			}
		}
	}
	if n < 65 {
		t.Errorf("statements: got %d, want at least 65", n)
	}
}

// everything uses each method of the store once.
func (f *fixture) everything() {
	f.Helper()
	ctx := f.Context()
	f.fill(3000)
	u, g := f.put(user("u-x", "x")), f.put(group("g-x", "X"))
	z := f.put(user("u-z", "z"))
	f.join(g.Seq, u.Seq, z.Seq)
	f.put(user("u-x", "renamed", "externalId", "E"))
	f.put(user("u-y", "renamed"))
	hidden := user("u-y", "renamed")
	hidden.State = store.Hidden
	f.put(hidden)
	for _, s := range []string{`id eq "x"`, `displayName eq "x"`, `displayName eq "shared 1"`, `title pr`, `groups eq "x"`, `groups pr`,
		`userName sw "name0"`, `meta.created gt "2030-01-01T00:00:00Z"`, `meta.lastModified le "2030-01-01T00:00:00Z"`, `emails sw "x" and displayName sw "shared"`} {
		f.list(store.Query{Kind: store.User, Where: where(f, s), Count: 2, Start: 2})
	}
	for _, s := range []string{`members eq "u-x"`, `displayName sw "g" and members eq "u-x"`, `members.display pr`} {
		f.list(store.Query{Kind: store.Group, Where: where(f, s), Count: 2})
	}
	f.list(store.Query{Kind: store.User, Count: 2, Start: 1000})
	for _, by := range []string{"", "userName", "displayName", "title", "groups", "meta.created", "meta.lastModified"} {
		for _, desc := range []bool{false, true} {
			q := store.Query{Kind: store.User, Desc: desc, Where: where(f, `displayName eq "shared 1" or userName eq "name000002"`)}
			if by != "" {
				q.Sort = path(f, by)
			}
			f.follow(q, 700, func() {})
			q.Where = nil
			f.follow(q, 700, func() {})
		}
	}
	f.list(store.Query{Kind: store.Group, Count: 2, Sort: path(f, "members")})
	f.sweep(f.now(), user("u-x", "x"))
	f.delete(store.User, "u-unknown")
	for range f.dir.All(ctx, store.User) {
	}
	must(f.dir.Groups(ctx, f.get(store.User, "u-z")))(f)
	f.update(func(tx *store.Tx) error { return tx.RemoveMember(g.Seq, z.Seq, f.now()) })
	entry := f.journal(store.Entry{Key: "k", Body: []byte("{}")})
	f.claim(entry.ID, "me")
	f.record("r")
	f.update(func(tx *store.Tx) error {
		_, err := tx.ObserveMembers(g.Seq, nil, f.now(), 0)
		_, _, missed := tx.MissedMembers(g.Seq, f.now(), 0)
		_, _, owed := tx.OwedTake("c", "k")
		return errors.Join(err, missed, owed, tx.OwedPut(store.Owed{Connection: "c", Key: "k"}), tx.JournalUpdate(entry), tx.JournalDelete(entry.ID),
			tx.SetSwept(epoch), tx.SetMembersChecked(g.Seq, epoch), tx.Delete(store.Group, "g-x", epoch))
	})
	must(f.Activities(ctx, store.ActivityQuery{}))(f)
	must(f.dir.Swept(ctx))(f)
	must(f.dir.Deleted(ctx, store.User, "x"))(f)
	must(f.dir.Names(ctx, store.Group, []string{"x"}))(f)
	must(f.dir.JournalList(ctx))(f)
	must(f.dir.JournalDue(ctx, f.now(), 1))(f)
	must(f.dir.MemberCount(ctx, g.Seq))(f)
	must(f.dir.MembersOf(ctx, g.Seq, []string{"x"}))(f)
	f.memberIDs(g.Seq)
	f.dir = must(f.Directory(ctx, "eu-west-1_pool", f.now()))(f)
}
