package cognito_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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
		"reads of one user, 10/s": {
			n: 34, last: 4 * time.Second, most: 10,
			call: func(ctx context.Context, p *cognito.Pool, _ int) error {
				_, _, err := p.UserGroupsPage(ctx, "alice", "")
				return err
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
