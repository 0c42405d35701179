package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
)

// watchEvery is how often the pool is asked whether it can be reached, for readiness.
const watchEvery = 20 * time.Second

// watchLoop notes whether the pool can be reached and used, until ctx ends. DescribeUserPool costs no one anything and has
// a quota that nothing else here needs.
func (d *Directory) watchLoop(ctx context.Context) {
	ctx = cognito.WithPriority(ctx, cognito.Sweep)
	for {
		info, err := d.pool.Describe(ctx)
		if ctx.Err() != nil {
			return
		}
		was := d.unreachable.Load()
		switch {
		case err == nil:
			d.unreachable.Store(nil)
			d.signUps(info)
			if was != nil {
				d.log.Info("the pool can be used again")
			}
		case cognito.KindOf(err) != cognito.Throttled:
			d.unreachable.Store(&err)
			if was == nil || (*was).Error() != err.Error() {
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

// unusable is the answer to whether the directory is ready when its pool is not.
func (d *Directory) unusable(err error) error {
	detail := "the user pool cannot be reached"
	var e *cognito.Error
	if errors.As(err, &e) && e.Fault() != cognito.None {
		detail = faultDetail(e.Fault())
	}
	return &Error{Kind: Unavailable, RetryAfter: retryUnavailable, Detail: detail, Err: fmt.Errorf("pool %s: %w", d.poolID, err)}
}
