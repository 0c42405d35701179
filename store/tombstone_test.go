package store_test

import (
	"slices"
	"testing"

	"github.com/scim-cognito/scim-cognito/store"
)

// TestTombstonesAreFoundByExternalIDAlone: no list, look-up or count shows one.
func TestTombstonesAreFoundByExternalIDAlone(t *testing.T) {
	t.Parallel()
	f := open(t)
	one, two := user("u-1", "ada", "externalId", "00u1"), user("u-2", "ada2", "externalId", "00u1")
	f.put(one)
	found := func(externalID string) []string {
		t.Helper()
		return ids(must(f.dir.Tombstones(t.Context(), externalID))(t))
	}
	if got := found("00u1"); got != nil {
		t.Errorf("tombstones beside a listed user: got %q, want none", got)
	}
	one.State, two.State = store.Tombstone, store.Tombstone
	f.put(one)
	f.put(two)
	if got := found("00u1"); !slices.Equal(got, []string{"u-1", "u-2"}) {
		t.Errorf("tombstones: got %q, want both, in the order of their creation", got)
	}
	if got := found("00U1"); got != nil {
		t.Errorf("tombstones by an externalId in other case: got %q, want none", got)
	}
	for _, attr := range []string{"externalId", "userName"} {
		value := map[string]string{"externalId": "00u1", "userName": "ada"}[attr]
		if got := must(f.dir.Find(t.Context(), store.User, attr, value))(t); len(got) != 0 {
			t.Errorf("Find by %s: got %q, want none", attr, ids(got))
		}
	}
	if _, total := f.list(store.Query{Kind: store.User, Count: 10}); total != 0 {
		t.Errorf("list: got %d rows, want none", total)
	}
	one.State = store.Hidden
	f.put(one)
	if got := found("00u1"); !slices.Equal(got, []string{"u-2"}) {
		t.Errorf("tombstones after one was hidden: got %q, want u-2", got)
	}
	f.update(func(tx *store.Tx) error { return tx.Delete(store.User, "u-2", epoch) })
	if got := found("00u1"); got != nil {
		t.Errorf("tombstones after the last was removed: got %q, want none", got)
	}
}

func TestPolicyIsKept(t *testing.T) {
	t.Parallel()
	f := open(t)
	if got := must(f.dir.Policy(t.Context()))(t); got != "" {
		t.Errorf("at first: got %q, want nothing", got)
	}
	f.update(func(tx *store.Tx) error { return tx.SetPolicy("all") })
	if got := must(f.dir.Policy(t.Context()))(t); got != "all" {
		t.Errorf("got %q, want all", got)
	}
	if got := must(must(f.Directory(t.Context(), "eu-west-1_other", epoch))(t).Policy(t.Context()))(t); got != "" {
		t.Errorf("of another directory: got %q, want nothing", got)
	}
}
