package emulator

import (
	"fmt"
	"testing"
	"time"
)

// TestLimiterForgets checks that buckets which say no more than none are dropped, and only those.
func TestLimiterForgets(t *testing.T) {
	t.Parallel()
	l := limiter{quotas: Quotas{UserWrites: 0.5}}
	op := operations["AdminDisableUser"]
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range maxBuckets + 5 {
		l.take(op, &ofUser{Username: fmt.Sprint(i)}, now)
	}
	for _, tc := range []struct {
		wait time.Duration
		want int
	}{
		{time.Second, maxBuckets + 6}, // half full, and one more
		{1500 * time.Millisecond, 2},  // the last two
	} {
		now = now.Add(tc.wait)
		l.take(op, &ofUser{Username: "after " + tc.wait.String()}, now)
		if got := len(l.used); got != tc.want {
			t.Errorf("after %s: got %d buckets, want %d", tc.wait, got, tc.want)
		}
	}
}
