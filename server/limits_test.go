package server

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	want := Limits{Body: 1 << 20, GroupBody: 16 << 20, InProgress: 2000, Deadline: 55 * time.Second, PageDefault: 100, PageMax: 1000, PatchMembers: 500,
		BulkOperations: 1000, BulkBody: 1 << 20}
	if diff := cmp.Diff(want, Limits{}.withDefaults()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	set := Limits{Body: 1, GroupBody: 2, InProgress: 9, Deadline: 3, PageDefault: 4, PageMax: 5, PatchMembers: 6, BulkOperations: 7, BulkBody: 8}
	if diff := cmp.Diff(set, set.withDefaults()); diff != "" {
		t.Errorf("what is set: (-want +got)\n%s", diff)
	}
}
