package schemas_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas"
)

func TestTombstone(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.FixedZone("CET", 3600))
	got := schemas.Tombstone(`00u"1`, at)
	want := map[string]string{"custom:scim": `{"deleted":"2026-11-22T02:00:00Z","externalId":"00u\"1"}`, "custom:scim_2": "", "custom:scim_3": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("overflow (-want +got):\n%s", diff)
	}
	for name, externalID := range map[string]string{
		"plain": "00u1", "none": "", "quoted": `"deleted"`, "in two parts": strings.Repeat("ä", 1500), "umlauts": "Größe",
	} {
		if id, ok := schemas.TombstoneOf(schemas.Tombstone(externalID, at)); !ok || id != externalID {
			t.Errorf("%s: read back %q, %v; want %q", name, id, ok, externalID)
		}
	}
	if id, ok := schemas.TombstoneOf(schemas.Tombstone(strings.Repeat("x", 7000), at)); !ok || id != "" {
		t.Errorf("an externalId without room: read back %d bytes, %v; want a tombstone without one", len(id), ok)
	}
}

func TestWhatIsNoTombstone(t *testing.T) {
	t.Parallel()
	for _, overflow := range []string{
		"", "{}", `{"externalId":"deleted"}`, `{"title":"deleted"}`, `{"deleted":7}`, `deleted`, `{"deleted":`, `{"name":{"deleted":"x"}}`,
	} {
		attributes := map[string]string{"custom:scim": overflow}
		if _, ok := schemas.TombstoneOf(attributes); ok {
			t.Errorf("%s: taken for a tombstone", overflow)
		}
		if got := schemas.Marked(attributes); got != (overflow != "") {
			t.Errorf("%q: marked %v", overflow, got)
		}
	}
}
