package store

import (
	"context"
	"slices"
	"sync"
)

// locks are named locks of this process, taken in the order of arrival.
type locks struct {
	mu   sync.Mutex
	held map[string][]chan struct{} // who waits; the key is there while the lock is held
}

// lock waits for the lock called key; unlock may be called more than once.
func (l *locks) lock(ctx context.Context, key string) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	release := sync.OnceFunc(func() { l.release(key) })
	l.mu.Lock()
	if _, busy := l.held[key]; !busy {
		if l.held == nil {
			l.held = map[string][]chan struct{}{}
		}
		l.held[key] = nil
		l.mu.Unlock()
		return release, nil
	}
	turn := make(chan struct{})
	l.held[key] = append(l.held[key], turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return release, nil
	case <-ctx.Done():
		l.leave(key, turn)
		return nil, ctx.Err()
	}
}

// leave takes a caller out of the queue, or passes its turn on when that has just come.
func (l *locks) leave(key string, turn chan struct{}) {
	l.mu.Lock()
	queue := l.held[key]
	i := slices.Index(queue, turn)
	if i >= 0 {
		l.held[key] = slices.Delete(queue, i, i+1)
	}
	l.mu.Unlock()
	if i < 0 {
		l.release(key)
	}
}

// release gives the lock to the first in the queue.
func (l *locks) release(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.held[key]
	if len(queue) == 0 {
		delete(l.held, key)
		return
	}
	l.held[key] = queue[1:]
	close(queue[0])
}
