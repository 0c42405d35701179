package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/store"
)

// journal notes an entry and returns it as stored.
func (f *fixture) journal(e store.Entry) (stored store.Entry) {
	f.Helper()
	f.update(func(tx *store.Tx) (err error) {
		stored, err = tx.JournalPut(e)
		return err
	})
	return stored
}

// claim tries to claim an entry for a minute.
func (f *fixture) claim(id, owner string) (e store.Entry, ok bool) {
	f.Helper()
	f.update(func(tx *store.Tx) (err error) {
		e, ok, err = tx.JournalClaim(id, owner, f.now(), f.now().Add(time.Minute))
		return err
	})
	return e, ok
}

func (f *fixture) due() (keys []string) {
	f.Helper()
	for _, e := range must(f.dir.JournalDue(context.Background(), f.now(), 10))(f) {
		keys = append(keys, e.Key)
	}
	return keys
}

func TestJournalKeepsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	f := open(t)
	want := f.journal(store.Entry{Key: "User/1", Body: []byte(`{"active":false}`), Attempts: 2, Next: epoch.Add(time.Minute), Created: epoch.Add(-time.Hour), Owner: "me", Lease: epoch.Add(time.Second)})
	if want.ID == "" {
		t.Error("ID: got none, want one")
	}
	got := must(f.dir.JournalByKey(t.Context(), "User/1"))(t)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	want.Attempts, want.Next, want.Parked, want.Owner, want.Lease = 3, epoch.Add(time.Hour), "User/1 has no such email", "", time.Time{}
	f.update(func(tx *store.Tx) error { return tx.JournalUpdate(want) })
	if diff := cmp.Diff([]store.Entry{want}, must(f.dir.JournalList(t.Context()))(t)); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	f.update(func(tx *store.Tx) error { return tx.JournalDelete(want.ID) })
	if _, err := f.dir.JournalByKey(t.Context(), "User/1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after its end: got %v, want ErrNotFound", err)
	}
}

// TestJournalSupersedes: a newer entry with the same key takes the place of the old one, whose worker can neither
// change nor end it.
func TestJournalSupersedes(t *testing.T) {
	t.Parallel()
	f := open(t)
	old := f.journal(store.Entry{Key: "Group/1", Body: []byte(`{"members":["a"]}`)})
	newer := f.journal(store.Entry{Key: "Group/1", Body: []byte(`{"members":["b"]}`)})
	err := f.dir.Update(t.Context(), func(tx *store.Tx) error { return tx.JournalUpdate(old) })
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("JournalUpdate of the old one: got %v, want ErrNotFound", err)
	}
	if _, ok := f.claim(old.ID, "me"); ok {
		t.Error("JournalClaim of the old one: got it, want none")
	}
	f.update(func(tx *store.Tx) error { return tx.JournalDelete(old.ID) })
	if diff := cmp.Diff([]store.Entry{newer}, must(f.dir.JournalList(t.Context()))(t)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

// TestJournalLease: who has claimed an entry is alone with it until the lease ends.
func TestJournalLease(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := f.journal(store.Entry{Key: "User/1", Body: []byte("{}")})
	got, ok := f.claim(e.ID, "first")
	if !ok || got.Attempts != 1 || got.Owner != "first" || !got.Lease.Equal(epoch.Add(time.Minute)) {
		t.Errorf("first claim: got %+v, %v", got, ok)
	}
	for _, tt := range []struct {
		after time.Duration
		owner string
		want  bool
	}{{0, "second", false}, {0, "first", true}, {59 * time.Second, "second", false}, {time.Second, "second", true}, {0, "first", false}} {
		f.advance(tt.after)
		if _, ok := f.claim(e.ID, tt.owner); ok != tt.want {
			t.Errorf("%v later, claim by %s: got %v, want %v", tt.after, tt.owner, ok, tt.want)
		}
	}
}

// TestJournalDue: what is due comes in order, without what is parked, claimed or of another directory.
func TestJournalDue(t *testing.T) {
	t.Parallel()
	f := open(t)
	for i, next := range []int{3, 1, 2, 60} {
		f.journal(store.Entry{Key: fmt.Sprint("User/", i), Body: []byte("{}"), Next: epoch.Add(time.Duration(next) * time.Second)})
	}
	f.journal(store.Entry{Key: "User/parked", Body: []byte("{}"), Parked: "refused"})
	claimed := f.journal(store.Entry{Key: "User/claimed", Body: []byte("{}")})
	f.claim(claimed.ID, "somebody")
	other := must(f.Directory(t.Context(), "eu-west-1_other", epoch))(t)
	if err := other.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.JournalPut(store.Entry{Key: "User/other", Body: []byte("{}")})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		after time.Duration
		want  []string
	}{
		{time.Second, []string{"User/1"}},
		{2 * time.Second, []string{"User/1", "User/2", "User/0"}},
		{57 * time.Second, []string{"User/claimed", "User/1", "User/2", "User/0", "User/3"}},
	} {
		f.advance(tt.after)
		if diff := cmp.Diff(tt.want, f.due()); diff != "" {
			t.Errorf("%v later (-want +got):\n%s", tt.after, diff)
		}
	}
}

// TestJournalHurry: what has failed and waits is due at once, of one key or of all; what was never tried keeps its time, and
// what is parked stays so.
func TestJournalHurry(t *testing.T) {
	t.Parallel()
	f := open(t)
	for key, attempts := range map[string]int{"User/a": 3, "User/b": 1, "User/new": 0} {
		f.journal(store.Entry{Key: key, Body: []byte("{}"), Attempts: attempts, Next: epoch.Add(time.Hour)})
	}
	f.journal(store.Entry{Key: "User/parked", Body: []byte("{}"), Attempts: 2, Next: epoch.Add(time.Hour), Parked: "refused"})
	for _, tt := range []struct {
		key  string
		want []string
	}{{"User/none", nil}, {"User/b", []string{"User/b"}}, {"", []string{"User/a", "User/b"}}} {
		f.update(func(tx *store.Tx) error { return tx.JournalHurry(tt.key, epoch) })
		got := f.due()
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("hurrying %q (-want +got):\n%s", tt.key, diff)
		}
	}
}

func TestJournalNeedsKey(t *testing.T) {
	t.Parallel()
	f := open(t)
	err := f.dir.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.JournalPut(store.Entry{Body: []byte("{}")})
		return err
	})
	if err == nil {
		t.Error("without key: got nil, want an error")
	}
}

// TestOwed: an answer is given once, to the connection that asked, before its time is over.
func TestOwed(t *testing.T) {
	t.Parallel()
	f := open(t)
	owe := func(o store.Owed) { f.update(func(tx *store.Tx) error { return tx.OwedPut(o) }) }
	want := store.Owed{Connection: "okta", Key: "k", ID: "u-2", Until: epoch.Add(24 * time.Hour)}
	owe(store.Owed{Connection: "okta", Key: "k", ID: "u-1", Until: epoch.Add(time.Hour)})
	owe(want)
	owe(store.Owed{Connection: "okta", Key: "late", ID: "u-3", Until: epoch.Add(time.Minute)})
	f.advance(time.Hour)
	for _, tt := range []struct {
		connection, key string
		want            store.Owed
		ok              bool
	}{
		{"entra", "k", store.Owed{}, false},
		{"okta", "other", store.Owed{}, false},
		{"okta", "late", store.Owed{}, false},
		{"okta", "k", want, true},
		{"okta", "k", store.Owed{}, false},
	} {
		f.update(func(tx *store.Tx) error {
			got, ok, err := tx.OwedTake(tt.connection, tt.key)
			if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.ok {
				t.Errorf("OwedTake(%q, %q): got %v, want %v (-want +got):\n%s", tt.connection, tt.key, ok, tt.ok, diff)
			}
			return err
		})
	}
}
