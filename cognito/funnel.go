package cognito

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

// send is one of the SDK client's methods.
type send[In, Out any] func(*cip.Client, context.Context, *In, ...func(*cip.Options)) (*Out, error)

// call is the funnel: every call to Cognito goes through it, and nothing else uses
// the SDK's client. It waits for the pace, makes an attempt, reports it to the pace,
// and repeats or translates. user is the user that the call is about, if any.
//
// The error is an *Error. What an earlier attempt may have done is never forgotten:
// Sent stays set whatever a later one answers, and a deletion that finds nothing
// after an attempt of unknown outcome has succeeded.
func call[In, Out any](ctx context.Context, p *Pool, op operation, user string, do send[In, Out], in *In) (*Out, error) {
	var last *Error
	for attempt := 1; ; attempt++ {
		if err := p.await(ctx, op, user, last); err != nil {
			return nil, err
		}
		f := new(flight)
		out, err := once(ctx, p, f, do, in)
		if err == nil {
			p.pace.report(op.category, false)
			p.worked(ctx, op.name)
			return out, nil
		}
		e := translate(ctx, op, f, err)
		rate := p.pace.report(op.category, e.Kind == Throttled)
		if last != nil && last.Sent {
			if op.effect == deletes && (e.Kind == NotFound || e.Kind == GroupNotFound) {
				return new(Out), nil
			}
			e.Sent = true
		}
		if attempt == p.attempts || ctx.Err() != nil || !p.repeatable(e, f) {
			if e.Kind == Throttled {
				e.RetryAfter = p.pace.delay(map[Category]int{op.category: 1}, priorityOf(ctx))
			}
			p.failed(ctx, e)
			return nil, e
		}
		if err := p.backOff(ctx, e, attempt, rate); err != nil {
			return nil, err
		}
		last = e
	}
}

// once makes one attempt with a time-out of its own.
func once[In, Out any](ctx context.Context, p *Pool, f *flight, do send[In, Out], in *In) (*Out, error) {
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, flightKey{}, f), p.timeout)
	defer cancel()
	out, err := do(p.client, ctx, in)
	f.expired = err != nil && ctx.Err() != nil
	return out, err
}

// await waits for the pace. When a later attempt gets no slot in time, the error is
// the last attempt's: that one may have been applied, a refusal never is.
func (p *Pool) await(ctx context.Context, op operation, user string, last *Error) error {
	refused, err := p.pace.wait(ctx, p.id, op, user)
	switch {
	case err != nil:
		return stopped(op.name, err, last)
	case refused == nil:
		return nil
	case last != nil:
		last.RetryAfter = refused.after
		return last
	}
	return &Error{Op: op.name, Kind: Throttled, RetryAfter: refused.after,
		Message: fmt.Sprintf("our share of the quota %s has no room before the deadline, only in %s", op.category, refused.after.Round(time.Millisecond))}
}

// repeatable says whether another attempt is worth making. The SDK's rules decide,
// but for what they do not know of: LimitExceededException, elsewhere a throttle, is
// a hard quota here; a time-out of our own looks to them like a cancellation; and an
// answer that is not Cognito's is as good as none.
func (p *Pool) repeatable(e *Error, f *flight) bool {
	switch {
	case e.Kind == Limit:
		return false
	case e.Kind == Throttled, f.expired, f.given && foreign(e.Err):
		return true
	}
	return p.retry.IsErrorRetryable(e.Err)
}

// backOff waits before the next attempt: a random time that grows. It returns e at
// once when the wait would outlast the deadline.
func (p *Pool) backOff(ctx context.Context, e *Error, attempt int, rate float64) error {
	wait, err := p.retry.RetryDelay(attempt, e.Err)
	if err != nil {
		return fmt.Errorf("choosing a random wait: %w", errors.Join(err, e))
	}
	if deadline, ok := ctx.Deadline(); ok && time.Now().Add(wait).After(deadline) {
		e.RetryAfter = wait
		return e
	}
	p.log.LogAttrs(ctx, slog.LevelWarn, "cognito call failed, trying again",
		slog.String("op", e.Op), slog.Int("attempt", attempt), slog.String("kind", e.Kind.String()), slog.String("code", e.Code),
		slog.String("request_id", e.RequestID), slog.Duration("wait", wait), slog.Float64("rate", rate))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return stopped(e.Op, ctx.Err(), e)
	}
}

// stopped is the error of a call whose context ended between attempts.
func stopped(op string, err error, last *Error) *Error {
	e := &Error{Op: op, Kind: Canceled, Message: "the caller gave up", Err: err, Sent: last != nil && last.Sent}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Kind, e.Message = Unavailable, "the deadline has passed"
	}
	return e
}
