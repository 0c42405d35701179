package store_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/store"
)

// ids returns the ids of documents.
func ids(docs []store.Doc) (list []string) {
	for _, d := range docs {
		list = append(list, d.ID)
	}
	return list
}

// TestDirectoriesAreSeparate: nothing is reached through another directory, not even by seq.
func TestDirectoriesAreSeparate(t *testing.T) {
	t.Parallel()
	f := open(t)
	u, g := f.put(user("u-1", "alice")), f.put(group("g-1", "G"))
	f.join(g.Seq, u.Seq)
	other := must(f.Directory(t.Context(), "eu-west-1_other", epoch))(t)
	mine := &fixture{TB: t, Store: f.Store, clock: f.clock, dir: other}
	mine.absent(store.User, "u-1")
	if got, total := mine.list(store.Query{Kind: store.User, Count: 10}); total != 0 {
		t.Errorf("list: got %q, want none", got)
	}
	if got := must(other.Find(t.Context(), store.User, "userName", "alice"))(t); len(got) != 0 {
		t.Errorf("Find: got %q, want none", ids(got))
	}
	if got := mine.memberIDs(g.Seq); got != nil {
		t.Errorf("Members: got %q, want none", got)
	}
	if n := must(other.MemberCount(t.Context(), g.Seq))(t); n != 0 {
		t.Errorf("MemberCount: got %d, want 0", n)
	}
	if got := must(other.Groups(t.Context(), f.get(store.User, "u-1")))(t); got != nil {
		t.Errorf("Groups: got %v, want none", got)
	}
	own := mine.put(user("u-1", "alice"))
	for name, do := range map[string]func(*store.Tx) error{
		"AddMember":     func(tx *store.Tx) error { return tx.AddMember(g.Seq, own.Seq, epoch) },
		"RemoveMember":  func(tx *store.Tx) error { return tx.RemoveMember(g.Seq, u.Seq, epoch) },
		"MissedMembers": func(tx *store.Tx) error { _, _, err := tx.MissedMembers(g.Seq, epoch, 0); return err },
	} {
		if err := other.Update(t.Context(), do); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	if got := f.memberIDs(g.Seq); !slices.Equal(got, []string{"u-1"}) {
		t.Errorf("members: got %q, want u-1", got)
	}
}

// TestAnotherPoolUnderTheSameID starts a new mirror and leaves nothing of the former.
func TestAnotherPoolUnderTheSameID(t *testing.T) {
	t.Parallel()
	f := open(t)
	u, g := f.put(user("u-1", "alice")), f.put(group("g-1", "G"))
	f.join(g.Seq, u.Seq)
	f.journal(store.Entry{Key: "User/1", Body: []byte("{}")})
	f.update(func(tx *store.Tx) error {
		return errors.Join(tx.SetSwept(epoch), tx.OwedPut(store.Owed{Connection: "okta", Key: "k", ID: "u-1", Until: epoch.Add(time.Hour)}),
			tx.GuardBegin("okta", store.GuardWindow{Began: epoch}), tx.GuardPass("okta", "u-1"))
	})
	f.update(func(tx *store.Tx) error {
		for i := range 2500 { // more than are removed at once
			if _, err := tx.Put(user(number("u-", i), number("name", i))); err != nil {
				return err
			}
		}
		return nil
	})
	former := f.dir
	f.dir = must(f.Directory(t.Context(), "eu-west-1_pool", epoch.Add(time.Millisecond)))(t)
	if err := former.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Put(user("u-9", "late")); return err }); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a write to the former directory: got %v, want ErrNotFound", err)
	}
	f.absent(store.User, "u-1")
	if _, total := f.list(store.Query{Kind: store.User}); total != 0 {
		t.Errorf("total: got %d, want 0", total)
	}
	if got := must(f.dir.Swept(t.Context()))(t); !got.IsZero() {
		t.Errorf("Swept: got %v, want the zero time", got)
	}
	if got := must(f.dir.JournalList(t.Context()))(t); len(got) != 0 {
		t.Errorf("journal: got %v, want none", got)
	}
	f.update(func(tx *store.Tx) error {
		if got, ok, err := tx.OwedTake("okta", "k"); ok || err != nil {
			t.Errorf("OwedTake: got %v, %v, want none", got, err)
		}
		return nil
	})
	for _, table := range []string{"directory", "resource", "term", "tally", "member", "journal", "owed", "guard", "guarded"} {
		n, want := must(f.Count(t.Context(), table))(t), 0
		if table == "directory" {
			want = 1
		}
		if n != want {
			t.Errorf("rows of %s: got %d, want %d", table, n, want)
		}
	}
	f.put(user("u-1", "alice"))
}

// TestPut follows one row through its life.
func TestPut(t *testing.T) {
	t.Parallel()
	f := open(t)
	at := func(d time.Duration) int64 { return epoch.Add(d).UnixMilli() }
	alice := user("u-1", "alice")
	alice.Created, alice.Modified = at(-time.Hour), at(-time.Minute)
	for _, tt := range []struct {
		name                              string
		after                             time.Duration
		change                            func(*store.Doc)
		created, modified, wrote, checked int64
	}{
		{"inserted", 0, func(*store.Doc) {}, at(-time.Hour), at(-time.Minute), at(0), at(0)},
		{"written without change", time.Second, func(d *store.Doc) { d.Created = 0 }, at(-time.Hour), at(-time.Minute), at(time.Second), at(time.Second)},
		{"another name in the pool", 2 * time.Second, func(d *store.Doc) { d.PoolName = "p" }, at(-time.Hour), at(-time.Minute), at(2 * time.Second), at(2 * time.Second)},
		{"another document", 3 * time.Second, func(d *store.Doc) { d.JSON = []byte(`{"userName":"alice","title":"x"}`) }, at(-time.Hour), at(3 * time.Second), at(3 * time.Second), at(3 * time.Second)},
		{"hidden", 4 * time.Second, func(d *store.Doc) { d.State = store.Hidden }, at(-time.Hour), at(4 * time.Second), at(4 * time.Second), at(4 * time.Second)},
		{"times given", 5 * time.Second, func(d *store.Doc) { d.Created, d.Wrote, d.Checked = at(1), at(2), at(3) }, at(1), at(4 * time.Second), at(2), at(3)},
	} {
		f.advance(epoch.Add(tt.after).Sub(f.now()))
		tt.change(&alice)
		want := f.put(alice)
		got := f.get(store.User, "u-1")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: Get and Put differ (-Put +Get):\n%s", tt.name, diff)
		}
		if got.Created != tt.created || got.Modified != tt.modified || got.Wrote != tt.wrote || got.Checked != tt.checked {
			t.Errorf("%s: created, modified, wrote, checked: got %d, %d, %d, %d, want %d, %d, %d, %d", tt.name,
				got.Created, got.Modified, got.Wrote, got.Checked, tt.created, tt.modified, tt.wrote, tt.checked)
		}
		alice.Wrote, alice.Checked = 0, 0
	}
}

// TestPutRefuses rows that could not be read back as what they are.
func TestPutRefuses(t *testing.T) {
	t.Parallel()
	f := open(t)
	for name, change := range map[string]func(*store.Doc){
		"no kind":            func(d *store.Doc) { d.Kind = 0 },
		"no state":           func(d *store.Doc) { d.State = 0 },
		"no id":              func(d *store.Doc) { d.ID = "" },
		"an id with a space": func(d *store.Doc) { d.ID = "a b" },
		"no name":            func(d *store.Doc) { d.PoolName = "" },
		"a list":             func(d *store.Doc) { d.JSON = []byte("[]") },
		"half an object":     func(d *store.Doc) { d.JSON = []byte(`{"userName":`) },
		"a number as name":   func(d *store.Doc) { d.JSON = []byte(`{"userName":5}`) },
	} {
		d := user("u-1", "alice")
		change(&d)
		if err := f.dir.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Put(d); return err }); err == nil {
			t.Errorf("%s: got nil, want an error", name)
		}
	}
	if _, total := f.list(store.Query{Kind: store.User}); total != 0 {
		t.Errorf("total: got %d, want 0", total)
	}
}

// TestPoolNameTaken: who writes a name has it; the row with another id is gone, and it is known when.
func TestPoolNameTaken(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.put(user("u-1", "alice"))
	f.advance(time.Second)
	f.put(user("u-2", "alice"))
	f.absent(store.User, "u-1")
	if got := must(f.dir.ByPoolName(t.Context(), store.User, "pool-alice"))(t).ID; got != "u-2" {
		t.Errorf("ByPoolName: got %q, want u-2", got)
	}
	if got := must(f.dir.Deleted(t.Context(), store.User, "u-1"))(t); !got.Equal(f.now()) {
		t.Errorf("Deleted: got %v, want %v", got, f.now())
	}
	f.put(user("u-3", "bob"))
	moved := user("u-3", "alice")
	f.put(moved)
	f.absent(store.User, "u-2")
	if _, err := f.dir.ByPoolName(t.Context(), store.User, "pool-bob"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("ByPoolName of the former name: got %v, want ErrNotFound", err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.put(
		user("u-1", "Alice", "externalId", "X-1", "displayName", "Alice A.", "emails", emails("work", "a@example.com", "home", "A@home.example")),
		user("u-2", "bob", "externalId", "x-1", "displayName", "ALICE A.", "emails", emails("work", "a@EXAMPLE.com")),
		group("g-1", "Alice", "externalId", "X-1"),
	)
	hidden := user("u-3", "hidden", "externalId", "X-1")
	hidden.State = store.Hidden
	f.put(hidden)
	for _, tt := range []struct {
		kind        store.Kind
		attr, value string
		want        []string
	}{
		{store.User, "userName", "aLICE", []string{"u-1"}},
		{store.User, "externalId", "X-1", []string{"u-1"}},
		{store.User, "externalId", "x-1", []string{"u-2"}},
		{store.User, "emails.value", "a@example.COM", []string{"u-1", "u-2"}},
		{store.User, "emails.value", "a@home.example", []string{"u-1"}},
		{store.User, "displayName", "alice a.", []string{"u-1", "u-2"}},
		{store.User, "userName", "hidden", nil},
		{store.User, "userName", "", nil},
		{store.Group, "displayName", "ALICE", []string{"g-1"}},
		{store.Group, "externalId", "X-1", []string{"g-1"}},
		{store.Group, "externalId", "x-1", nil},
	} {
		got := ids(must(f.dir.Find(t.Context(), tt.kind, tt.attr, tt.value))(t))
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s.%s = %q: got %q, want %q", tt.kind, tt.attr, tt.value, got, tt.want)
		}
	}
	if _, err := f.dir.Find(t.Context(), store.User, "title", "x"); err == nil {
		t.Error("an attribute without index: got nil, want an error")
	}
}

// TestTermsAreNotMistaken: a value that looks like what is stored for a long one is another value.
func TestTermsAreNotMistaken(t *testing.T) {
	t.Parallel()
	f := open(t)
	long := strings.Repeat("x", 600)
	alike := fmt.Sprintf("\x01%x", sha256.Sum256([]byte(long)))
	f.put(user("u-1", "a", "externalId", long), user("u-2", "b", "externalId", alike))
	for value, want := range map[string]string{long: "u-1", alike: "u-2"} {
		if got := ids(must(f.dir.Find(t.Context(), store.User, "externalId", value))(t)); !slices.Equal(got, []string{want}) {
			t.Errorf("externalId %.20q…: got %q, want %s", value, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	f := open(t)
	hidden := group("g-3", "Hidden")
	hidden.State = store.Hidden
	f.put(group("g-1", "One"), group("g-2", "Two"), hidden, user("u-1", "alice"))
	got := must(f.dir.Names(t.Context(), store.Group, []string{"g-1", "g-2", "g-3", "u-1", "g-1"}))(t)
	if diff := cmp.Diff(map[string]string{"g-1": "One", "g-2": "Two"}, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
