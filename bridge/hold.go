package bridge

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/store"
)

// userKey and its siblings name locks and journal entries. Locks are taken in this order, so that nobody waits for who waits
// for them:
//
//   - a group's, before those of the users whom it adopts as its members
//   - a resource's own
//   - of the userNames or displayNames it wants, several in order
//   - of the aliases it wants (aliasKey), several in order
//   - that of a user who is being created, when nobody else can know of it
//   - of a subject or a membership (lockSubject, membershipKey), one at a time, and nothing else is waited for with it
//
// There are two exceptions. To bring somebody back, and to settle a creation that the journal has, a user's lock is waited for
// with a userName's in hand: of those who have them the other way round a request has a deadline, and the journal gives way.
func userKey(id string) string  { return "user:" + id }
func groupKey(id string) string { return "group:" + id }
func keyOf(kind store.Kind, id string) string {
	if kind == store.Group {
		return groupKey(id)
	}
	return userKey(id)
}
func userNameKey(name string) string  { return "userName:" + fold(name) }
func groupNameKey(name string) string { return "displayName:" + fold(name) }

// hold is the locks on a resource, and on a name it wants, while an operation works on it. They last as long as the
// request or the work that outlives it, whichever is longer.
type hold struct {
	mu      sync.Mutex
	holders int
	unlock  map[string]func() // by key
}

func newHold(key string, unlock func()) *hold {
	return &hold{holders: 1, unlock: map[string]func(){key: unlock}}
}

// hold takes the lock called key, waiting no longer than ctx. Work on the same resource that has outlived its request
// gives way.
func (d *Directory) hold(ctx context.Context, key string) (*hold, error) {
	unlock, err := d.lock(ctx, key)
	if err != nil {
		return nil, err
	}
	return newHold(key, unlock), nil
}

// longestWait bounds how long work that outlives its request, and so has no deadline, waits for a lock.
const longestWait = time.Minute

func (d *Directory) lock(ctx context.Context, key string) (func(), error) {
	defer d.running.want(key)()
	late, cancel := waitLimit(ctx)
	defer cancel()
	if _, bounded := late.Deadline(); !bounded {
		late, cancel = context.WithTimeout(late, longestWait)
		defer cancel()
	}
	unlock, err := d.mirror.Lock(late, key)
	switch {
	case err == nil:
		return unlock, nil
	case ctx.Err() != nil || late.Err() == nil:
		return nil, internal(err)
	}
	return nil, &Error{Kind: TooMany, RetryAfter: d.timeLeft(d.running.left(key)), Err: err,
		Detail: "an earlier change of the same resource is still being made; repeat the request"}
}

// add takes another lock; one that h has, it keeps.
func (h *hold) add(ctx context.Context, d *Directory, key string) error {
	if h.has(key) {
		return nil
	}
	unlock, err := d.lock(ctx, key)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unlock[key] = unlock
	return nil
}

func (h *hold) has(key string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.unlock[key] != nil
}

// share adds a holder, who must call end as well.
func (h *hold) share() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holders++
}

// end gives the locks back when the last holder calls it.
func (h *hold) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.holders--; h.holders == 0 {
		for _, unlock := range h.unlock {
			unlock()
		}
	}
}

// answerBefore is how long before its deadline a request stops waiting, so that there is time for an answer.
const answerBefore = time.Second

// waitLimit ends a little before ctx does.
func waitLimit(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, deadline.Add(-answerBefore))
	}
	return context.WithCancel(ctx)
}

// timeLeft is how long n more calls take, for Retry-After.
func (d *Directory) timeLeft(n int) time.Duration {
	return max(d.pool.Delay(map[cognito.Category]int{cognito.UserUpdate: n}, cognito.Write), 2*time.Second)
}

// errSuperseded stops work that has outlived its request because a newer request is there for the same resource. The
// newer one takes over what is left of it.
var errSuperseded = errors.New("superseded by a newer request")

// running knows the work in the journal that is being done, by key.
type running struct {
	mu     sync.Mutex
	work   map[string]*work
	wanted map[string]int // requests that wait for the key

	closed bool
	begun  sync.WaitGroup // by begin
}

// work is one entry of the journal being done.
type work struct {
	op    *operation
	stop  context.CancelCauseFunc
	late  bool // nobody waits for it: it gives way
	ended bool
}

// start registers work until end is called.
func (r *running) start(key string, w *work) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.register(key, w)
}

// begin is start for work of its own, do, which close waits for. It reports false when close has been called: nothing begins
// any more.
func (r *running) begin(key string, w *work, do func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.register(key, w)
	r.begun.Go(do)
	return true
}

// close waits until what has begun has ended.
func (r *running) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.begun.Wait()
}

// register does the work of start and begin, which have the lock.
func (r *running) register(key string, w *work) {
	if r.work == nil {
		r.work = map[string]*work{}
	}
	r.work[key] = w
	r.giveWay(key)
}

// count is how much work is being done.
func (r *running) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.work)
}

// has reports whether work under a key is being done.
func (r *running) has(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.work[key] != nil
}

// end notes that the work under a key has ended, and reports whether its request waits to be told.
func (r *running) end(key string) (told bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.work[key]
	delete(r.work, key)
	w.ended = true
	return !w.late
}

// rekey follows work to the resource that it has created.
func (r *running) rekey(from, to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.work[from]; w != nil {
		delete(r.work, from)
		r.work[to] = w
	}
}

// outlive notes that the work's request is answered; false if the work has ended just before.
func (r *running) outlive(w *work) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w.ended {
		return false
	}
	w.late = true
	for key, each := range r.work {
		if each == w {
			r.giveWay(key)
		}
	}
	return true
}

// want notes that a request waits for the key, until the function it returns is called.
func (r *running) want(key string) func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wanted == nil {
		r.wanted = map[string]int{}
	}
	r.wanted[key]++
	r.giveWay(key)
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.wanted[key]--; r.wanted[key] == 0 {
			delete(r.wanted, key)
		}
	}
}

func (r *running) giveWay(key string) {
	if w := r.work[key]; w != nil && w.late && r.wanted[key] > 0 {
		w.stop(errSuperseded)
	}
}

// left is how many calls the work on a key has before it.
func (r *running) left(key string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.work[key]; w != nil {
		return w.op.left()
	}
	return 1
}
