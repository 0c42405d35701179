package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scim-cognito/scim-cognito/store"
)

func lock(t *testing.T, dir *store.Directory, key string) (unlock func()) {
	t.Helper()
	return must(dir.Lock(context.Background(), key))(t)
}

// TestLockIsFIFO lets ten callers wait for a lock, of which some give up, and looks at the order in which the others
// get it.
func TestLockIsFIFO(t *testing.T) {
	t.Parallel()
	f := open(t)
	synctest.Test(t, func(t *testing.T) {
		unlock := lock(t, f.dir, "k")
		var order []int
		for i := range 10 {
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
				defer cancel()
				if i%3 == 1 {
					ctx, cancel = context.WithTimeout(ctx, time.Second)
					defer cancel()
				}
				release, err := f.dir.Lock(ctx, "k")
				if gaveUp := i%3 == 1; gaveUp != errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("caller %d: got %v, want a deadline: %v", i, err, gaveUp)
				}
				if err == nil {
					order = append(order, i)
					release()
				}
			}()
			synctest.Wait()
		}
		time.Sleep(time.Minute) // of the bubble: those with a second give up
		unlock()
		synctest.Wait()
		if want := []int{0, 2, 3, 5, 6, 8, 9}; !slices.Equal(order, want) {
			t.Errorf("order: got %v, want %v", order, want)
		}
	})
}

// TestLockPassesOn: who gives up in the moment in which its turn comes does not take the lock with it.
func TestLockPassesOn(t *testing.T) {
	t.Parallel()
	f := open(t)
	synctest.Test(t, func(t *testing.T) {
		for range 100 {
			unlock := lock(t, f.dir, "k")
			ctx, cancel := context.WithCancel(context.Background())
			go func() {
				if release, err := f.dir.Lock(ctx, "k"); err == nil {
					release()
				}
			}()
			synctest.Wait()
			cancel()
			unlock() // before the other runs again, as a rule
			synctest.Wait()
			lock(t, f.dir, "k")()
		}
	})
}

func TestLocksAreIndependent(t *testing.T) {
	t.Parallel()
	f := open(t)
	other := must(f.Directory(t.Context(), "eu-west-1_other", epoch))(t)
	defer lock(t, f.dir, "a")()
	lock(t, f.dir, "b")()
	lock(t, other, "a")()
}

// TestUnlockTwice: a second unlock does not take the lock from the next holder.
func TestUnlockTwice(t *testing.T) {
	t.Parallel()
	f := open(t)
	first := lock(t, f.dir, "k")
	first()
	second := lock(t, f.dir, "k")
	first()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := f.dir.Lock(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while it is held: got %v, want a deadline", err)
	}
	second()
	lock(t, f.dir, "k")()
}

// TestLockOfSameDirectory: two connections on one pool share its locks.
func TestLockOfSameDirectory(t *testing.T) {
	t.Parallel()
	f := open(t)
	again := must(f.Directory(t.Context(), "eu-west-1_pool", epoch))(t)
	defer lock(t, f.dir, "k")()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := again.Lock(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("through another handle: got %v, want a deadline", err)
	}
}
