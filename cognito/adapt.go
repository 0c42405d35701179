package cognito

import (
	"math"
	"time"
)

// How a category's rate follows TooManyRequestsException, which says that somebody
// else uses the account's quota, too, or that AWS has set it lower: multiplied down,
// at most once a second (the calls of that second were all under way), and added up
// again with the time: from half to full in 25 s.
const (
	lowerBy      = 0.6
	lowerEvery   = time.Second
	raisePerSec  = 0.02
	minFactor    = 0.05
	nanosPerSec  = float64(time.Second)
	neverLowered = 1.0
)

// adapt settles the rate after a call.
func (l *lane) adapt(now time.Time, throttled bool) {
	if l.slots.interval == 0 {
		return
	}
	if l.factor < neverLowered {
		l.factor = min(1, l.factor+raisePerSec*now.Sub(l.adapted).Seconds())
	}
	l.adapted = now
	if throttled && (l.lowered.IsZero() || now.Sub(l.lowered) >= lowerEvery) {
		l.factor = max(minFactor, l.factor*lowerBy)
		l.lowered = now
	}
	l.slots.interval = stretched(l.full[0], l.factor)
	l.sweep.interval = stretched(l.full[1], l.factor)
	if throttled {
		l.slots.drain(now)
	}
}

func stretched(interval time.Duration, factor float64) time.Duration {
	return time.Duration(math.Ceil(float64(interval) / factor))
}

// rate is the current one, in requests a second; 0 is no limit.
func (l *lane) rate() float64 {
	if l.slots.interval == 0 {
		return 0
	}
	return nanosPerSec / float64(l.slots.interval)
}
