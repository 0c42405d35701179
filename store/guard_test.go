package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/store"
)

// TestGuard follows the windows of two connections: each counts for itself, everybody once, and what is counted lasts.
func TestGuard(t *testing.T) {
	t.Parallel()
	f := open(t)
	window := func(connection string) store.GuardWindow {
		t.Helper()
		return must(f.dir.GuardWindow(t.Context(), connection))(t)
	}
	pass := func(connection, id string) {
		t.Helper()
		f.update(func(tx *store.Tx) error { return tx.GuardPass(connection, id) })
	}
	if got := window("okta"); got != (store.GuardWindow{}) {
		t.Errorf("before the first window: got %+v, want the zero value", got)
	}
	f.put(user("u-1", "alice"), user("u-2", "bob"))
	f.update(func(tx *store.Tx) error {
		n, err := tx.Listed(store.User)
		if err != nil || n != 2 {
			t.Errorf("Listed: got %d, %v, want 2", n, err)
		}
		if err := tx.GuardBegin("okta", store.GuardWindow{Began: epoch, People: n}); err != nil {
			return err
		}
		return tx.GuardBegin("entra", store.GuardWindow{Began: epoch.Add(time.Minute), People: n, Released: true})
	})
	pass("okta", "u-1")
	pass("okta", "u-2")
	pass("okta", "u-1")
	pass("entra", "u-2")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.openAgain()
	want := store.GuardWindow{Began: epoch, People: 2, Passed: 2}
	if diff := cmp.Diff(want, window("okta")); diff != "" {
		t.Errorf("okta (-want +got):\n%s", diff)
	}
	want = store.GuardWindow{Began: epoch.Add(time.Minute), People: 2, Released: true, Passed: 1}
	if diff := cmp.Diff(want, window("entra")); diff != "" {
		t.Errorf("entra (-want +got):\n%s", diff)
	}
	f.update(func(tx *store.Tx) error {
		for id, want := range map[string]bool{"u-1": false, "u-2": true} {
			if got, err := tx.GuardPassed("entra", id); err != nil || got != want {
				t.Errorf("entra has let %s pass: got %v, %v, want %v", id, got, err, want)
			}
		}
		if err := tx.GuardBegin("okta", store.GuardWindow{Began: epoch.Add(time.Hour), People: 1}); err != nil {
			return err
		}
		got, err := tx.GuardWindow("okta")
		if err != nil || got != (store.GuardWindow{Began: epoch.Add(time.Hour), People: 1}) {
			t.Errorf("a new window: got %+v, %v, want one that has let nobody pass", got, err)
		}
		return nil
	})
	if got := window("entra").Passed; got != 1 {
		t.Errorf("entra after okta's new window: got %d passed, want 1", got)
	}
}
