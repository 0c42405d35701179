package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/store"
)

// record notes activity with these request ids.
func (f *fixture) record(requests ...string) {
	f.Helper()
	for _, r := range requests {
		if err := f.Record(f.Context(), store.Activity{RequestID: r}); err != nil {
			f.Fatalf("Record: got %v, want nil", err)
		}
	}
}

// requests returns the request ids that a query finds.
func (f *fixture) requests(q store.ActivityQuery) (ids []string) {
	f.Helper()
	for _, r := range must(f.Activities(f.Context(), q))(f) {
		ids = append(ids, r.RequestID)
	}
	return ids
}

func TestActivityKeepsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	f := open(t)
	want := store.Activity{At: epoch, RequestID: "r-1", Connection: "okta", Method: "PATCH", Kind: store.Group, ID: "g-1",
		Plan: []string{"AdminAddUserToGroup u-1", "AdminAddUserToGroup u-2"}, Outcome: "done", Notes: []string{"renamed to All-Staff"}}
	if err := f.Record(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	f.record("r-2")
	got := must(f.Activities(t.Context(), store.ActivityQuery{RequestID: "r-1"}))(t)
	if diff := cmp.Diff([]store.Recorded{{Seq: 1, Activity: want}}, got); diff != "" {
		t.Errorf("activity (-want +got):\n%s", diff)
	}
	if got := must(f.Activities(t.Context(), store.ActivityQuery{RequestID: "r-2"}))(t); len(got) != 1 || !got[0].At.Equal(epoch) {
		t.Errorf("without time: got %+v, want one at %v", got, epoch)
	}
}

func TestActivityQueries(t *testing.T) {
	t.Parallel()
	f := open(t)
	for i, a := range []store.Activity{
		{Connection: "okta", Kind: store.User, ID: "u-1"},
		{Connection: "entra", Kind: store.User, ID: "u-1"},
		{Connection: "okta", Kind: store.Group, ID: "g-1"},
		{Connection: "okta", Kind: store.User, ID: "u-2"},
	} {
		a.RequestID = fmt.Sprint("r-", i+1)
		if err := f.Record(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		q    store.ActivityQuery
		want []string
	}{
		{store.ActivityQuery{}, []string{"r-4", "r-3", "r-2", "r-1"}},
		{store.ActivityQuery{Limit: 2}, []string{"r-4", "r-3"}},
		{store.ActivityQuery{Limit: 2, Before: 3}, []string{"r-2", "r-1"}},
		{store.ActivityQuery{Connection: "okta"}, []string{"r-4", "r-3", "r-1"}},
		{store.ActivityQuery{Kind: store.User, ID: "u-1"}, []string{"r-2", "r-1"}},
		{store.ActivityQuery{RequestID: "r-3"}, []string{"r-3"}},
		{store.ActivityQuery{RequestID: "r-5"}, nil},
	} {
		if diff := cmp.Diff(tt.want, f.requests(tt.q)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.q, diff)
		}
	}
}

// TestActivityIsBounded by number and by age.
func TestActivityIsBounded(t *testing.T) {
	t.Parallel()
	f := open(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.cfg.ActivityCount, f.cfg.ActivityAge = 3, time.Hour
	f.openAgain()
	f.record("a", "b", "c", "d", "e")
	if diff := cmp.Diff([]string{"e", "d", "c"}, f.requests(store.ActivityQuery{})); diff != "" {
		t.Errorf("by number (-want +got):\n%s", diff)
	}
	f.advance(time.Hour + time.Second)
	f.record("f")
	if diff := cmp.Diff([]string{"f"}, f.requests(store.ActivityQuery{})); diff != "" {
		t.Errorf("by age (-want +got):\n%s", diff)
	}
}

// TestActivityIsWrittenByClose: what waits is not lost.
func TestActivityIsWrittenByClose(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.record("a", "b")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.openAgain()
	if diff := cmp.Diff([]string{"b", "a"}, f.requests(store.ActivityQuery{})); diff != "" {
		t.Errorf("after Close (-want +got):\n%s", diff)
	}
}

// TestActivityIsWrittenTogether: records wait for a second, unless there are many, and need nobody who asks for them.
func TestActivityIsWrittenTogether(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "store.db")
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{TB: t, clock: &clock{}, cfg: store.Config{URL: url, Trees: trees}}
		f.openAgain()
		stored := func() int { return must(f.Count(t.Context(), "activity"))(t) }
		f.record("a", "b")
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{999 * time.Millisecond, 0}, {2 * time.Millisecond, 2}} {
			time.Sleep(step.wait) // of the bubble
			synctest.Wait()
			if got := stored(); got != step.want {
				t.Errorf("%v later: got %d records, want %d", step.wait, got, step.want)
			}
		}
		for range 256 {
			f.record("many")
		}
		if got := stored(); got != 258 {
			t.Errorf("after 256 more: got %d records, want 258", got)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}
