package cognito

import (
	"context"
	"errors"
	"sync"
	"time"
)

// PaceConfig says how much of an account's request quotas may be used.
type PaceConfig struct {
	// Quotas: nil = AWSQuotas(); &Quotas{} = no pacing.
	Quotas *Quotas
	// Share: the part of each quota that we use, in (0,1]; 0 = 0.8.
	Share float64
	// SweepShare: the part of our share that calls of priority Sweep may use, in
	// (0,1]; 0 = 0.25.
	SweepShare float64
}

// Pace keeps the request rates of one AWS account and region, in this process. Its
// pools may share it. It starts no goroutine that outlives its waiting calls.
//
// Each category has a queue, ordered by Priority; a call that waits for a limit of
// its own (its operation's, its user's) lets the others pass.
type Pace struct {
	quotas Quotas
	share  float64

	mu         sync.Mutex
	lanes      map[Category]*lane
	operations map[operationKey]*bucket
	users      map[userKey]*bucket
	sweepUsers int // len(users) at which the idle ones are dropped
}

type operationKey struct{ pool, operation string }

type userKey struct {
	pool, user string
	reads      bool
}

// minUsers is how many users' buckets are kept before idle ones are looked for.
const minUsers = 1024

// landing is the time that a call needs before its deadline: a call that was
// started later would probably be cut off with its outcome unknown.
const landing = 500 * time.Millisecond

// NewPace returns a pace with all its slots free. A share outside (0,1] is the default.
func NewPace(cfg PaceConfig) *Pace {
	if cfg.Quotas == nil {
		quotas := AWSQuotas()
		cfg.Quotas = &quotas
	}
	p := &Pace{
		quotas:     *cfg.Quotas,
		share:      shareOr(cfg.Share, 0.8),
		lanes:      make(map[Category]*lane),
		operations: make(map[operationKey]*bucket),
		users:      make(map[userKey]*bucket),
		sweepUsers: minUsers,
	}
	sweep := p.share * shareOr(cfg.SweepShare, 0.25)
	for category, quota := range cfg.Quotas.Category {
		p.lanes[category] = newLane(quota, p.share, sweep)
	}
	return p
}

func shareOr(share, fallback float64) float64 {
	if share > 0 && share <= 1 {
		return share
	}
	return fallback
}

// refusal says that a slot lies too late; after is the time until it.
type refusal struct{ after time.Duration }

// wait returns when the call may be made. It refuses at once, without taking
// anything, when the slot, counting all that waits at this or a higher priority,
// lies beyond ctx's deadline; and when the deadline comes although it did not,
// because calls of higher priority came in between. The error is ctx's.
func (p *Pace) wait(ctx context.Context, pool string, op operation, user string) (*refusal, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	now := time.Now()
	l := p.lane(op.category)
	l.adapt(now, false)
	t := p.ticket(l, priorityOf(ctx), pool, op, user, now)
	slot := l.slot(t, now)
	if deadline, ok := ctx.Deadline(); ok && slot.After(now) && slot.Add(landing).After(deadline) {
		p.mu.Unlock()
		return &refusal{slot.Sub(now)}, nil
	}
	l.enqueue(t)
	p.dispatch(l)
	p.mu.Unlock()

	select {
	case <-t.granted:
		return nil, nil
	default:
	}
	select {
	case <-t.granted:
		return nil, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l.leave(t)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		now := time.Now()
		return &refusal{l.slot(t, now).Sub(now)}, nil
	}
	return nil, ctx.Err()
}

// ticket gathers the buckets of a call.
func (p *Pace) ticket(l *lane, priority Priority, pool string, op operation, user string, now time.Time) *ticket {
	t := &ticket{priority: priority, buckets: []*bucket{&l.slots}, granted: make(chan struct{})}
	if priority <= Sweep {
		t.buckets = append(t.buckets, &l.sweep)
	}
	if op.paced {
		key := operationKey{pool, op.name}
		b := p.operations[key]
		if b == nil {
			b = new(newBucket(p.quotas.Operation, p.share))
			p.operations[key] = b
		}
		t.buckets = append(t.buckets, b)
	}
	if user != "" {
		t.buckets = append(t.buckets, p.user(userKey{pool, user, op.effect == reads}, now))
	}
	return t
}

// user is the bucket of the reads of, or the writes to, one user. Buckets that have filled up again
// are dropped now and then, so that they do not grow with the pool.
func (p *Pace) user(key userKey, now time.Time) *bucket {
	b := p.users[key]
	if b != nil {
		return b
	}
	if len(p.users) >= p.sweepUsers {
		for key, b := range p.users {
			if b.idle(now) {
				delete(p.users, key)
			}
		}
		p.sweepUsers = max(minUsers, 2*len(p.users))
	}
	b = new(newBucket(p.quotas.User, p.share))
	p.users[key] = b
	return b
}

// lane is the queue of a category; one without a quota has no limit.
func (p *Pace) lane(category Category) *lane {
	l := p.lanes[category]
	if l == nil {
		l = newLane(0, p.share, 0)
		p.lanes[category] = l
	}
	return l
}

// dispatch lets the calls go whose time has come, and wakes up for the next.
func (p *Pace) dispatch(l *lane) {
	now := time.Now()
	for {
		i, at := l.next(now)
		if i < 0 {
			if l.timer != nil {
				l.timer.Stop()
			}
			return
		}
		if at.After(now) {
			l.wake(at.Sub(now), func() {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.dispatch(l)
			})
			return
		}
		t := l.queue[i]
		l.leave(t)
		for _, b := range t.buckets {
			b.take(now)
		}
		close(t.granted)
	}
}

// report tells what became of a call: throttled lowers its category's rate.
func (p *Pace) report(category Category, throttled bool) (rate float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lane(category)
	l.adapt(time.Now(), throttled)
	return l.rate()
}

// delay says how long until the calls would all have been let go at a priority.
func (p *Pace) delay(calls map[Category]int, priority Priority) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	last := now
	for category, n := range calls {
		if n <= 0 {
			continue
		}
		l := p.lane(category)
		l.adapt(now, false)
		buckets := []*bucket{&l.slots}
		if priority <= Sweep {
			buckets = append(buckets, &l.sweep)
		}
		for _, b := range buckets {
			if at := b.at(now, l.ahead(b, priority)+n); at.After(last) {
				last = at
			}
		}
	}
	return last.Sub(now)
}
