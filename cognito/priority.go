package cognito

import "context"

// Priority decides which of the calls that wait for the same quota goes next: the
// higher one; among equals, the one that came first. The zero value is Write.
type Priority int8

const (
	Deprovision Priority = 1  // takes access away: deactivate, delete, remove a member
	Write       Priority = 0  // a request that somebody waits for
	Journal     Priority = -1 // work that goes on after its request was answered
	WarmUp      Priority = -2 // the first listing of a pool: the whole share of its category
	Sweep       Priority = -3 // listing in the background: PaceConfig.SweepShare of the share
)

type priorityKey struct{}

// WithPriority returns a context whose calls wait at priority p.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

func priorityOf(ctx context.Context) Priority {
	p, _ := ctx.Value(priorityKey{}).(Priority)
	return p
}
