package cognito_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
)

// TestAdaptation: TooManyRequestsException lowers the rate of its category, which
// then recovers.
func TestAdaptation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answers: []answer{throttles, ok("{}")}}
		pool := paced(t, f, func(cfg *cognito.Config) { cfg.MaxBackoff = time.Nanosecond })
		calls := map[cognito.Category]int{cognito.UserUpdate: 21}
		if err := pool.EnableUser(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		// One slot of 1/(20·0.6) s was waited for and used: no burst is left.
		check := func(when string, want time.Duration) {
			t.Helper()
			got := pool.Delay(calls, cognito.Write)
			if off := (got - want).Abs(); off > want/100 {
				t.Errorf("%s, 21 calls take %s, want %s, give or take 1 %%", when, got, want)
			}
		}
		check("after a throttle", 1750*time.Millisecond)
		if got := pool.Delay(map[cognito.Category]int{cognito.UserList: 6}, cognito.Write); got != 0 {
			t.Errorf("another category is delayed by %s, want 0", got)
		}
		time.Sleep(10 * time.Second) // +0.2: 16 a second
		if err := pool.EnableUser(t.Context(), "bob"); err != nil {
			t.Fatal(err)
		}
		check("10 s later", 17*time.Second/16)
		time.Sleep(time.Minute)
		if err := pool.EnableUser(t.Context(), "carol"); err != nil {
			t.Fatal(err)
		}
		check("recovered", 17*time.Second/20)
	})
}

// TestThrottledTogether: calls that were under way together and are all throttled
// lower the rate once.
func TestThrottledTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answers: []answer{takes(100*time.Millisecond, throttles)}}
		pool := paced(t, f, func(cfg *cognito.Config) { cfg.Attempts = 1 })
		var done sync.WaitGroup
		for i := range 5 {
			done.Go(func() {
				err := pool.EnableUser(t.Context(), fmt.Sprint(i))
				var e *cognito.Error
				if !errors.As(err, &e) || e.Kind != cognito.Throttled || e.RetryAfter <= 0 {
					t.Errorf("got %v, want throttled with a time to wait", err)
				}
			})
		}
		done.Wait()
		got := pool.Delay(map[cognito.Category]int{cognito.UserUpdate: 13}, cognito.Write).Round(time.Millisecond)
		if want := 1083 * time.Millisecond; got != want { // 13 slots of 1/12 s
			t.Errorf("13 calls take %s, want %s", got, want)
		}
	})
}
