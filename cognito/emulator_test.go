package cognito_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// emulated opens a pool of an emulator without a network.
func emulated(t *testing.T, cfg emulator.Config, change func(*cognito.Config)) (*emulator.Emulator, *cognito.Pool) {
	t.Helper()
	e := emulator.New(cfg)
	if err := e.CreatePool(emulator.PoolConfig{ID: fakePool}); err != nil {
		t.Fatal(err)
	}
	return e, inProcess(t, e, change)
}

// TestKeepsQuotas: whatever is asked of the pool at once, Cognito never has to throttle.
func TestKeepsQuotas(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0.3, 0.8, 0.95} {
		t.Run(fmt.Sprint(share), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e, pool := emulated(t, emulator.Config{Quotas: emulator.AWSQuotas()}, func(cfg *cognito.Config) {
					cfg.Quotas, cfg.Share, cfg.Attempts = nil, share, 1
				})
				var done sync.WaitGroup
				do := func(what string, call func(context.Context) error) {
					done.Go(func() {
						if err := call(t.Context()); err != nil {
							t.Errorf("%s: %v", what, err)
						}
					})
				}
				for i := range 12 {
					group := fmt.Sprintf("g%d", i)
					do("create group", func(ctx context.Context) error { _, err := pool.CreateGroup(ctx, group, ""); return err })
				}
				for i := range 150 {
					name := fmt.Sprintf("u%d", i)
					do("create user", func(ctx context.Context) error { _, err := pool.CreateUser(ctx, name, nil); return err })
				}
				done.Wait()
				for i := range 150 {
					name, group := fmt.Sprintf("u%d", i), fmt.Sprintf("g%d", i%12)
					do("add", func(ctx context.Context) error { return pool.AddMember(ctx, group, name) })
					do("disable", func(ctx context.Context) error {
						return pool.DisableUser(cognito.WithPriority(ctx, cognito.Deprovision), name)
					})
					do("one user", func(ctx context.Context) error { return pool.EnableUser(ctx, "u0") })
					do("list", func(ctx context.Context) error { _, _, err := pool.UsersPage(ctx, ""); return err })
					do("sweep", func(ctx context.Context) error {
						_, _, err := pool.MembersPage(cognito.WithPriority(ctx, cognito.Sweep), group, "")
						return err
					})
				}
				for i := range 12 {
					group := fmt.Sprintf("g%d", i)
					do("update group", func(ctx context.Context) error { return pool.UpdateGroup(ctx, group, "x") })
					do("read group", func(ctx context.Context) error { _, err := pool.Group(ctx, group); return err })
				}
				done.Wait()
				if got := e.Throttled(); len(got) > 0 {
					t.Errorf("throttled: %v, want none", got)
				}
				if got := e.Calls()["AdminEnableUser"]; got != 150 {
					t.Errorf("got %d AdminEnableUser, want 150", got)
				}
			})
		})
	}
}

// TestUnknownOutcomes: what the pool holds and what the client says of it, when the
// connection, the answer or the time-out fails on the way.
func TestUnknownOutcomes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	operations := map[string]struct {
		op       string
		call     func(*cognito.Pool) error
		appliedE cognito.Kind // what a retry finds when the first attempt was applied
		fine     bool         // … which is success
	}{
		"create user": {op: "AdminCreateUser", appliedE: cognito.Exists, call: func(p *cognito.Pool) error {
			_, err := p.CreateUser(ctx, "new", nil)
			return err
		}},
		"create group": {op: "CreateGroup", appliedE: cognito.Exists, call: func(p *cognito.Pool) error {
			_, err := p.CreateGroup(ctx, "new", "")
			return err
		}},
		"delete user":   {op: "AdminDeleteUser", fine: true, call: func(p *cognito.Pool) error { return p.DeleteUser(ctx, "old") }},
		"delete group":  {op: "DeleteGroup", fine: true, call: func(p *cognito.Pool) error { return p.DeleteGroup(ctx, "old") }},
		"disable user":  {op: "AdminDisableUser", fine: true, call: func(p *cognito.Pool) error { return p.DisableUser(ctx, "old") }},
		"add member":    {op: "AdminAddUserToGroup", fine: true, call: func(p *cognito.Pool) error { return p.AddMember(ctx, "old", "old") }},
		"remove member": {op: "AdminRemoveUserFromGroup", fine: true, call: func(p *cognito.Pool) error { return p.RemoveMember(ctx, "old", "old") }},
	}
	faults := map[emulator.FaultKind]bool{ // applied?
		emulator.Throttle: false, emulator.ServerError: false, emulator.Unavailable: false, emulator.ResetBefore: false, emulator.ResetAfter: true,
		emulator.TimeoutBefore: false, emulator.TimeoutAfter: true, emulator.GarbageBody: true,
	}
	for name, o := range operations {
		for kind, applied := range faults {
			t.Run(name+", "+string(kind), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					e, pool := emulated(t, emulator.Config{}, nil)
					if _, err := pool.CreateUser(ctx, "old", nil); err != nil {
						t.Fatal(err)
					}
					if _, err := pool.CreateGroup(ctx, "old", ""); err != nil {
						t.Fatal(err)
					}
					if err := e.AddFault(emulator.Fault{Operation: o.op, Kind: kind, Count: 1}); err != nil {
						t.Fatal(err)
					}
					e.ResetCalls()
					err := o.call(pool)
					if got := e.Calls()[o.op]; got != 2 {
						t.Errorf("got %d attempts, want 2", got)
					}
					if !applied || o.fine {
						if err != nil {
							t.Errorf("got error %v, want none", err)
						}
						return
					}
					var ce *cognito.Error
					if !errors.As(err, &ce) || ce.Kind != o.appliedE || !ce.Sent {
						t.Errorf("got error %v, want kind %q with an unknown outcome", err, o.appliedE)
					}
				})
			})
		}
	}
}

// TestHangingTakesItsTime: each attempt ends with its time-out, and the whole with
// the caller's deadline.
func TestHangingTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, pool := emulated(t, emulator.Config{}, nil)
		if err := e.AddFault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.TimeoutAfter}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		err := createUser(t.Context(), pool)
		if got := time.Since(start).Round(time.Second); got != 40*time.Second {
			t.Errorf("without a deadline it took %s, want 4 time-outs of 10 s", got)
		}
		var ce *cognito.Error
		if !errors.As(err, &ce) || ce.Kind != cognito.Unavailable || !ce.Sent {
			t.Errorf("got %v, want unavailable with an unknown outcome", err)
		}
		start = time.Now()
		err = createUser(within(t, 15*time.Second), pool)
		if got := time.Since(start); got != 15*time.Second {
			t.Errorf("with a deadline of 15 s it took %s", got)
		}
		if !errors.As(err, &ce) || ce.Kind != cognito.Unavailable || !ce.Sent {
			t.Errorf("got %v, want unavailable with an unknown outcome", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		err = createUser(ctx, pool)
		if !errors.As(err, &ce) || ce.Kind != cognito.Canceled || !ce.Sent {
			t.Errorf("got %v, want canceled with an unknown outcome", err)
		}
		err = createUser(ctx, pool)
		if !errors.As(err, &ce) || ce.Kind != cognito.Canceled || ce.Sent {
			t.Errorf("got %v, want canceled and not sent", err)
		}
	})
}
