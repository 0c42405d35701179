package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
)

// watchEvery is how often the pool is asked whether it can be reached, for readiness, and for how long: two attempts that
// nobody answers.
const watchEvery = 20 * time.Second

// watchLoop notes whether the pool can be reached and used, until ctx ends. DescribeUserPool costs no one anything and has
// a quota that nothing else here needs.
func (d *Directory) watchLoop(ctx context.Context) {
	ctx = cognito.WithPriority(ctx, cognito.Sweep)
	for {
		err := d.look(ctx)
		if ctx.Err() != nil {
			return
		}
		was := d.unreachable.Load()
		switch {
		case err == nil:
			d.unreachable.Store(nil)
			if was != nil {
				d.log.Info("the pool can be used again")
				if err := d.hurry(ctx, ""); err != nil {
					d.log.Error("having the journal tried again", "error", err)
				}
			}
		case cognito.KindOf(err) != cognito.Throttled:
			d.unreachable.Store(&err)
			if was == nil || outcome(*was) != outcome(err) { // texts hold times and ports, and are new each time
				d.log.Error("the pool cannot be used", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchEvery):
		}
	}
}

// look asks the pool what it is.
func (d *Directory) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, watchEvery)
	defer cancel()
	info, err := d.pool.Describe(ctx)
	if err != nil {
		return err
	}
	if was := d.pool.Info().Created; !info.Created.Equal(was) {
		return &Error{Kind: Unavailable, Detail: "the user pool is not the one with which the SCIM server was started",
			Err: fmt.Errorf("another pool has the id of the one that was made at %s: start the server again, with which it gets a mirror of its own", was)}
	}
	d.signUps(info)
	return nil
}

// unusable is the answer to whether the directory is ready when its pool is not.
func (d *Directory) unusable(err error) error {
	detail := "the user pool cannot be reached"
	var mine *Error
	var e *cognito.Error
	switch {
	case errors.As(err, &mine):
		detail = mine.Detail
	case errors.As(err, &e) && e.Fault() != cognito.None:
		detail = faultDetail(e.Fault())
	}
	return &Error{Kind: Unavailable, RetryAfter: retryUnavailable, Detail: detail, Err: fmt.Errorf("pool %s: %w", d.poolID, err)}
}
