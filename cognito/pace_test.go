package cognito_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito"
)

// paced opens a pool with AWS's quotas on a server that answers at once.
func paced(t *testing.T, f *fake, change func(*cognito.Config)) *cognito.Pool {
	t.Helper()
	if f.answers == nil {
		f.answers = []answer{ok("{}")}
	}
	return inProcess(t, f, func(cfg *cognito.Config) {
		cfg.Quotas = nil
		if change != nil {
			change(cfg)
		}
	})
}

// burst makes n calls at once and returns when each reached the server, from start.
func burst(t *testing.T, f *fake, n int, call func(i int) error) []time.Duration {
	t.Helper()
	start := time.Now()
	before := len(f.calls())
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			if err := call(i); err != nil {
				t.Errorf("call %d: %v", i, err)
			}
		})
	}
	done.Wait()
	var at []time.Duration
	for _, a := range f.calls()[before:] {
		at = append(at, a.at.Sub(start))
	}
	slices.Sort(at)
	return at
}

// most is the largest number of arrivals in any second, both ends counted.
func most(at []time.Duration) int {
	n := 0
	for i, from := range at {
		j := i
		for j < len(at) && at[j] <= from+time.Second {
			j++
		}
		n = max(n, j-i)
	}
	return n
}

// TestRates: a burst of the part of the quota that is not ours, then our share, and
// never more than the quota in a second.
func TestRates(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		share float64
		n     int
		call  func(ctx context.Context, p *cognito.Pool, i int) error
		last  time.Duration // when the last of n calls is let go
		most  int           // in any second
	}{
		"UserUpdate, 25/s": {
			n: 125, last: 6 * time.Second, most: 25,
			call: func(ctx context.Context, p *cognito.Pool, i int) error { return p.EnableUser(ctx, fmt.Sprint(i)) },
		},
		"UserUpdate, half of 25/s": {
			share: 0.5, n: 112, last: 8 * time.Second, most: 24,
			call: func(ctx context.Context, p *cognito.Pool, i int) error { return p.EnableUser(ctx, fmt.Sprint(i)) },
		},
		"UserUpdate, all of 25/s": {
			share: 1, n: 101, last: 4 * time.Second, most: 26, // 25 in [t, t+1s)
			call: func(ctx context.Context, p *cognito.Pool, i int) error { return p.EnableUser(ctx, fmt.Sprint(i)) },
		},
		"memberships are UserUpdate": {
			n: 45, last: 2 * time.Second, most: 25,
			call: func(ctx context.Context, p *cognito.Pool, i int) error { return p.AddMember(ctx, "g", fmt.Sprint(i)) },
		},
		"UserList, 30/s": {
			n: 54, last: 2 * time.Second, most: 29, // 24/s: the 24th comes 8 ns after the second
			call: func(ctx context.Context, p *cognito.Pool, _ int) error { _, _, err := p.UsersPage(ctx, ""); return err },
		},
		"one group operation, 5/s": {
			n: 21, last: 5 * time.Second, most: 5,
			call: func(ctx context.Context, p *cognito.Pool, i int) error { return p.DeleteGroup(ctx, fmt.Sprint(i)) },
		},
		"two group operations do not wait for each other": {
			n: 22, last: 2500 * time.Millisecond, most: 10,
			call: func(ctx context.Context, p *cognito.Pool, i int) error {
				if i%2 == 0 {
					return p.DeleteGroup(ctx, fmt.Sprint(i))
				}
				return p.UpdateGroup(ctx, fmt.Sprint(i), "")
			},
		},
		"writes to one user, 10/s": {
			n: 34, last: 4 * time.Second, most: 10,
			call: func(ctx context.Context, p *cognito.Pool, _ int) error { return p.SignOut(ctx, "alice") },
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := new(fake)
				pool := paced(t, f, func(cfg *cognito.Config) { cfg.Share = c.share })
				at := burst(t, f, c.n, func(i int) error { return c.call(t.Context(), pool, i) })
				if len(at) != c.n {
					t.Fatalf("got %d calls, want %d", len(at), c.n)
				}
				if last := at[c.n-1]; last < c.last-time.Millisecond || last > c.last+time.Millisecond {
					t.Errorf("the last of %d calls came after %s, want %s", c.n, last, c.last)
				}
				if got := most(at); got != c.most {
					t.Errorf("got %d calls in one second, want %d", got, c.most)
				}
			})
		})
	}
}

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
