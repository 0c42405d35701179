package cognito_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito"
)

// TestOneUserDelaysNobodyElse: the limit of a user keeps back that user's calls only.
func TestOneUserDelaysNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := new(fake)
		pool := paced(t, f, nil)
		go burst(t, f, 20, func(int) error { return pool.EnableUser(t.Context(), "alice") })
		synctest.Wait()
		start := time.Now()
		if err := pool.EnableUser(t.Context(), "bob"); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got != 0 {
			t.Errorf("another user's call waited for %s, want 0", got)
		}
		time.Sleep(time.Minute)
	})
}

// TestPriorities: of what waits, the higher priority goes first, and within one
// priority the first to come.
func TestPriorities(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := new(fake)
		pool := paced(t, f, nil)
		burst(t, f, 5, func(i int) error { return pool.EnableUser(t.Context(), fmt.Sprint(i)) })
		var mu sync.Mutex
		var order []string
		start := func(name string, p cognito.Priority) {
			go func() {
				if err := pool.EnableUser(cognito.WithPriority(t.Context(), p), name); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
			}()
			synctest.Wait()
		}
		start("sweep", cognito.Sweep)
		start("warm-up", cognito.WarmUp)
		start("journal", cognito.Journal)
		start("write 1", cognito.Write)
		start("deprovision 1", cognito.Deprovision)
		start("write 2", cognito.Write)
		start("deprovision 2", cognito.Deprovision)
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []string{"deprovision 1", "deprovision 2", "write 1", "write 2", "journal", "warm-up", "sweep"}
		if diff := cmp.Diff(want, order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

// TestSweepShare: a sweep gets a quarter of the share, a warm-up all of it.
func TestSweepShare(t *testing.T) {
	t.Parallel()
	for priority, want := range map[cognito.Priority]time.Duration{
		cognito.Sweep:  10 * time.Second, // 6 a second, no burst
		cognito.WarmUp: 2292 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			f := new(fake)
			pool := paced(t, f, nil)
			ctx := cognito.WithPriority(t.Context(), priority)
			at := burst(t, f, 61, func(int) error { _, _, err := pool.UsersPage(ctx, ""); return err })
			if got := at[60].Round(time.Millisecond); got != want {
				t.Errorf("priority %d: the 61st page came after %s, want %s", priority, got, want)
			}
		})
	}
}

// TestDeadline: what cannot be started in time is refused at once, with the time it
// would need, and nothing is sent.
func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := new(fake)
		pool := paced(t, f, nil)
		ctx, cancel := context.WithCancel(t.Context())
		// 205 calls: 5 go, 200 wait for 10 s.
		for i := range 205 {
			go pool.EnableUser(ctx, fmt.Sprint(i))
		}
		synctest.Wait()
		start := time.Now()
		err := pool.DisableUser(within(t, 10*time.Second), "alice")
		var e *cognito.Error
		if !errors.As(err, &e) || e.Kind != cognito.Throttled || e.Sent {
			t.Fatalf("got %v, want throttled and not sent", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the refusal took %s, want none", waited)
		}
		if want := 10050 * time.Millisecond; e.RetryAfter != want {
			t.Errorf("got RetryAfter %s, want %s", e.RetryAfter, want)
		}
		urgent := cognito.WithPriority(within(t, time.Second), cognito.Deprovision)
		if err := pool.DisableUser(urgent, "alice"); err != nil {
			t.Errorf("a deprovision goes before the writes that wait: got %v", err)
		}
		if waited, want := time.Since(start), 50*time.Millisecond; waited != want {
			t.Errorf("the deprovision took %s, want %s", waited, want)
		}
		cancel()
		synctest.Wait()
		if got, want := len(f.calls()), 6; got != want {
			t.Errorf("got %d calls, want %d: refused and canceled ones are not made", got, want)
		}
		if got := pool.Delay(map[cognito.Category]int{cognito.UserUpdate: 1}, cognito.Write); got != 50*time.Millisecond {
			t.Errorf("got a delay of %s after the queue was canceled, want 50ms", got)
		}
	})
}

// TestOvertaken: a call that had room when it came, and was overtaken until its
// deadline, was throttled, not lost.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := new(fake)
		pool := paced(t, f, nil)
		burst(t, f, 25, func(i int) error { return pool.EnableUser(t.Context(), fmt.Sprint(i)) })
		failed := make(chan error, 1)
		go func() {
			failed <- pool.EnableUser(cognito.WithPriority(within(t, time.Second), cognito.Sweep), "sweep")
		}()
		synctest.Wait()
		for i := range 100 {
			go pool.EnableUser(t.Context(), fmt.Sprint(i))
		}
		err := <-failed
		var e *cognito.Error
		if !errors.As(err, &e) || e.Kind != cognito.Throttled || e.Sent || e.RetryAfter < 3*time.Second {
			t.Errorf("got %v, want throttled, not sent, and some 4 s to wait", err)
		}
		time.Sleep(time.Minute)
	})
}

// TestDelay: the time until calls could be made, by what waits at which priority.
func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := new(fake)
		pool := paced(t, f, nil)
		check := func(want time.Duration, p cognito.Priority, calls map[cognito.Category]int) {
			t.Helper()
			if got := pool.Delay(calls, p).Round(time.Microsecond); got != want {
				t.Errorf("Delay(%v, %d) = %s, want %s", calls, p, got, want)
			}
		}
		check(0, cognito.Write, nil)
		check(0, cognito.Write, map[cognito.Category]int{cognito.UserUpdate: 5})
		check(10*time.Second, cognito.Write, map[cognito.Category]int{cognito.UserUpdate: 205})
		check(10*time.Second, cognito.Write, map[cognito.Category]int{cognito.UserUpdate: 205, cognito.UserCreation: 50, cognito.UserRead: 0})
		check(0, cognito.Write, map[cognito.Category]int{"Unheard-of": 1000})
		check(500*time.Millisecond, cognito.Sweep, map[cognito.Category]int{cognito.UserList: 4})

		ctx, cancel := context.WithCancel(t.Context())
		for i := range 25 { // 5 go, 20 wait
			go pool.EnableUser(ctx, fmt.Sprint(i))
		}
		synctest.Wait()
		one := map[cognito.Category]int{cognito.UserUpdate: 1}
		check(1050*time.Millisecond, cognito.Write, one)
		check(1050*time.Millisecond, cognito.Journal, one)
		check(50*time.Millisecond, cognito.Deprovision, one)
		cancel()
	})
}

// TestSharedPace: pools of one account share its quotas; the limits of one operation
// and of one user are each pool's own.
func TestSharedPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := new(fake)
		pace := cognito.NewPace(cognito.PaceConfig{})
		change := func(cfg *cognito.Config) { cfg.Pace = pace }
		one := paced(t, f, change)
		two := paced(t, f, func(cfg *cognito.Config) { change(cfg); cfg.PoolID = "eu-west-1_Other" })
		at := burst(t, f, 45, func(i int) error {
			if i%2 == 0 {
				return one.EnableUser(t.Context(), fmt.Sprint(i))
			}
			return two.EnableUser(t.Context(), fmt.Sprint(i))
		})
		if got, want := at[44], 2*time.Second; got != want {
			t.Errorf("45 updates over two pools took %s, want %s", got, want)
		}
		at = burst(t, f, 2, func(i int) error {
			return []*cognito.Pool{one, two}[i].DeleteGroup(t.Context(), "g")
		})
		if at[1] != 0 {
			t.Errorf("another pool's group operation waited for %s, want 0", at[1])
		}
	})
}

// TestRetriesArePaced: every attempt takes a slot, and a retry that gets none in time
// leaves the first attempt's outcome standing.
func TestRetriesArePaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answers: []answer{internal}}
		pool := paced(t, f, func(cfg *cognito.Config) {
			cfg.Quotas = &cognito.Quotas{Category: map[cognito.Category]float64{cognito.UserCreation: 0.1}}
		})
		start := time.Now()
		err := createUser(within(t, 10*time.Second), pool)
		var e *cognito.Error
		if !errors.As(err, &e) || e.Kind != cognito.Unavailable || !e.Sent || e.Code != "InternalErrorException" {
			t.Fatalf("got %v, want the first attempt's 500, sent", err)
		}
		if e.RetryAfter < 12*time.Second || e.RetryAfter > 13*time.Second {
			t.Errorf("got RetryAfter %s, want some 12.5 s", e.RetryAfter)
		}
		if got := len(f.calls()); got != 1 || time.Since(start) > time.Second {
			t.Errorf("got %d attempts in %s, want 1 and no wait", got, time.Since(start))
		}
	})
}

// TestLanding: a call that could start only just before its deadline is refused, as
// its outcome would probably be unknown; one that can start at once is not.
func TestLanding(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := new(fake)
		pool := paced(t, f, nil)
		soon := within(t, 400*time.Millisecond)
		if err := pool.EnableUser(soon, "alice"); err != nil {
			t.Errorf("with a free slot: got error %v, want none", err)
		}
		burst(t, f, 4, func(i int) error { return pool.EnableUser(t.Context(), fmt.Sprint(i)) })
		if err := pool.EnableUser(soon, "bob"); cognito.KindOf(err) != cognito.Throttled {
			t.Errorf("50 ms before a slot and 400 ms before the deadline: got %v, want throttled", err)
		}
		if err := pool.EnableUser(within(t, 600*time.Millisecond), "carol"); err != nil {
			t.Errorf("50 ms before a slot and 600 ms before the deadline: got error %v, want none", err)
		}
	})
}

// TestLongQueue: thousands of waiting calls cost each other little.
func TestLongQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 2000
		f := new(fake)
		pool := paced(t, f, nil)
		at := burst(t, f, n, func(i int) error { return pool.EnableUser(t.Context(), fmt.Sprint(i)) })
		if got, want := at[n-1], (n-5)*50*time.Millisecond; got != want {
			t.Errorf("the last of %d calls came after %s, want %s", n, got, want)
		}
	})
}
