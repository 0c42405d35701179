package bridge

import (
	"context"
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
		_, err := d.pool.Describe(ctx)
		if ctx.Err() != nil {
			return
		}
		was := d.unreachable.Load()
		switch {
		case err == nil:
			d.unreachable.Store(nil)
			if was != nil {
				d.log.Info("the pool can be reached again")
			}
		case cognito.KindOf(err) != cognito.Throttled:
			d.unreachable.Store(&err)
			d.log.Error("the pool cannot be reached", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchEvery):
		}
	}
}
