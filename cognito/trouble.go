package cognito

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// troubles are the operations that have failed for a Fault and have not worked since. The operator is told when one begins
// and when it ends, not for every call.
type troubles struct {
	some atomic.Bool // spares the lock while all is well
	mu   sync.Mutex
	byOp map[string]trouble
}

type trouble struct {
	err  *Error
	last time.Time // that it was met
	over bool      // a call has worked since; told once it has lasted
}

const (
	// forgotten is how long after its last failure a trouble counts: nobody may repeat the call that would end it.
	forgotten = 15 * time.Minute
	// settled is how long after its last failure its end is told. One that comes back before is the same: a trigger may fail
	// for some people only, a quota be reached by some.
	settled = time.Minute
)

// Troubles are the faults that calls have met lately, by operation. When a call has worked since, those under which none
// could are over.
func (p *Pool) Troubles() []*Error {
	if !p.troubles.some.Load() {
		return nil
	}
	p.troubles.mu.Lock()
	defer p.troubles.mu.Unlock()
	var all []*Error
	for op, t := range p.troubles.byOp {
		if time.Since(t.last) > forgotten {
			delete(p.troubles.byOp, op)
		} else if !t.over {
			all = append(all, t.err)
		}
	}
	slices.SortFunc(all, func(a, b *Error) int { return strings.Compare(a.Op, b.Op) })
	return all
}

// worked notes that a call was answered, as it should be or with an error about what was asked.
func (p *Pool) worked(ctx context.Context, op string) {
	if !p.troubles.some.Load() {
		return
	}
	p.troubles.mu.Lock()
	defer p.troubles.mu.Unlock()
	for other, t := range p.troubles.byOp {
		if other == op || t.err.Fault().Everything() {
			t.over = true
			p.troubles.byOp[other] = t
		}
	}
	p.settle(ctx)
}

// settle tells which troubles are over for good. The caller has the lock.
func (p *Pool) settle(ctx context.Context) {
	for op, t := range p.troubles.byOp {
		if t.over && time.Since(t.last) >= settled {
			delete(p.troubles.byOp, op)
			p.log.LogAttrs(ctx, slog.LevelInfo, "cognito takes calls again", slog.String("op", op), slog.String("code", t.err.Code))
		}
	}
	p.troubles.some.Store(len(p.troubles.byOp) > 0)
}

// failed notes a final error.
func (p *Pool) failed(ctx context.Context, e *Error) {
	switch {
	case e.Fault() == None && e.Code != "" && e.Kind != Unavailable && e.Kind != Throttled:
		p.worked(ctx, e.Op)
		return
	case e.Fault() == None:
		return
	}
	p.troubles.mu.Lock()
	defer p.troubles.mu.Unlock()
	p.settle(ctx)
	was, there := p.troubles.byOp[e.Op]
	if p.troubles.byOp == nil {
		p.troubles.byOp = map[string]trouble{}
	}
	p.troubles.byOp[e.Op] = trouble{err: e, last: time.Now()}
	p.troubles.some.Store(true)
	if there && was.err.Fault() == e.Fault() && time.Since(was.last) <= forgotten {
		return
	}
	said := slog.Any("error", e)
	if e.Op == adminSetUserPassword.name {
		said = slog.Attr{} // its text may hold the password
	}
	p.log.LogAttrs(ctx, slog.LevelError, "cognito refuses calls", slog.String("op", e.Op), slog.String("remedy", e.Remedy()), slog.String("kind", e.Kind.String()),
		slog.String("code", e.Code), slog.String("request_id", e.RequestID), said)
}
