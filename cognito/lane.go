package cognito

import (
	"slices"
	"time"
)

// lane is one category: its rate, as adapted, and its queue.
type lane struct {
	slots, sweep bucket
	full         [2]time.Duration // intervals of slots and sweep at the configured rate
	factor       float64          // of the configured rate, in [minFactor, 1]
	adapted      time.Time        // when factor was last changed
	lowered      time.Time        // when it was last lowered
	queue        []*ticket        // by priority, then arrival
	timer        *time.Timer
}

func newLane(quota, share, sweep float64) *lane {
	l := &lane{slots: newBucket(quota, share), factor: 1}
	if quota > 0 {
		l.sweep = newBucket(quota, sweep)
		l.sweep.burst = 1
	}
	l.full = [2]time.Duration{l.slots.interval, l.sweep.interval}
	return l
}

// enqueue puts a ticket behind those of its priority.
func (l *lane) enqueue(t *ticket) {
	i, _ := slices.BinarySearchFunc(l.queue, t.priority, behind)
	l.queue = slices.Insert(l.queue, i, t)
	for _, b := range t.buckets {
		b.waiting++
	}
}

// leave takes a ticket out of the queue, if it is there.
func (l *lane) leave(t *ticket) {
	i := slices.Index(l.queue, t)
	if i < 0 {
		return
	}
	l.queue = slices.Delete(l.queue, i, i+1)
	for _, b := range t.buckets {
		b.waiting--
	}
}

// next is the index of the first ticket that can go now, or of the one that can go
// soonest, and when; -1 when none waits.
func (l *lane) next(now time.Time) (int, time.Time) {
	soonest, at := -1, time.Time{}
	first := l.slots.at(now, 1)
	for i, t := range l.queue {
		free := t.at(now)
		if !free.After(first) {
			return i, free
		}
		if soonest < 0 || free.Before(at) {
			soonest, at = i, free
		}
	}
	return soonest, at
}

// ahead counts the queued calls that need a slot of b before one of this priority.
func (l *lane) ahead(b *bucket, priority Priority) int {
	if b.waiting == 0 {
		return 0
	}
	before, _ := slices.BinarySearchFunc(l.queue, priority, behind)
	if b == &l.slots {
		return before // every call of a category needs one of these
	}
	n := 0
	for _, t := range l.queue[:before] {
		if slices.Contains(t.buckets, b) {
			n++
		}
	}
	return n
}

// behind orders the queue for a search of the end of a priority's part of it.
func behind(t *ticket, priority Priority) int {
	if t.priority >= priority {
		return -1
	}
	return 1
}

// slot estimates when a ticket that is not queued would go.
func (l *lane) slot(t *ticket, now time.Time) time.Time {
	slot := now
	for _, b := range t.buckets {
		if at := b.at(now, l.ahead(b, t.priority)+1); at.After(slot) {
			slot = at
		}
	}
	return slot
}

func (l *lane) wake(after time.Duration, dispatch func()) {
	if l.timer == nil {
		l.timer = time.AfterFunc(after, dispatch)
		return
	}
	l.timer.Reset(after)
}

// ticket is a call that wants a slot of all its buckets.
type ticket struct {
	priority Priority
	buckets  []*bucket
	granted  chan struct{} // closed with the slots taken
}

// at says when all the ticket's limits would let it go, were it the next.
func (t *ticket) at(now time.Time) time.Time {
	free := now
	for _, b := range t.buckets {
		if at := b.at(now, 1); at.After(free) {
			free = at
		}
	}
	return free
}
