package cognito

import (
	"math"
	"time"
)

// bucket is a rate limit by the generic cell rate algorithm: one slot every
// interval, and up to burst slots at once after a pause. A window of length w
// holds at most burst + w/interval slots. Interval 0 is no limit.
type bucket struct {
	interval time.Duration
	burst    int
	spent    time.Time // the theoretical arrival time: slots are used up to here
	waiting  int       // tickets that hold it in a queue
}

// newBucket returns a bucket for share of quota requests a second, whose burst is
// the part of the quota that the share leaves: rate + burst = quota, so that no
// window of one second holds more than the quota.
func newBucket(quota, share float64) bucket {
	rate := quota * share
	if rate <= 0 {
		return bucket{}
	}
	const rounding = 1e-9 // (1-0.8)*25 is 4.999…
	return bucket{
		interval: time.Duration(math.Ceil(float64(time.Second)/rate - rounding)),
		burst:    max(1, int(math.Floor(quota-rate+rounding))),
	}
}

// at says when the nth slot from now (1: the next) is free, if all are taken as
// soon as they can be.
func (b *bucket) at(now time.Time, n int) time.Time {
	if b.interval == 0 {
		return now
	}
	base := b.spent
	if base.Before(now) {
		base = now
	}
	free := base.Add(time.Duration(n-b.burst) * b.interval)
	if free.Before(now) {
		return now
	}
	return free
}

// take uses the next slot.
func (b *bucket) take(now time.Time) {
	if b.spent.Before(now) {
		b.spent = now
	}
	b.spent = b.spent.Add(b.interval)
}

// drain gives up the burst: the next slot is one interval away.
func (b *bucket) drain(now time.Time) {
	full := now.Add(time.Duration(b.burst) * b.interval)
	if b.spent.Before(full) {
		b.spent = full
	}
}

// idle reports that the bucket is as good as new.
func (b *bucket) idle(now time.Time) bool {
	return b.waiting == 0 && !b.spent.After(now)
}
