package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/store"
)

// operation is one change that a request asks for, as the activity keeps it.
type operation struct {
	c      *Connection
	method string
	kind   store.Kind
	plan   Plan
	steps  atomic.Int64 // calls that are still to be made
	owed   bool         // the POST has been made before, and was not answered, or with an error
	linked []link       // the links made so far, as long as a refusal of the rest has to take them back

	renames string // the userName that the plan gives to a user who has another; ""

	mu    sync.Mutex
	notes []string
}

func (c *Connection) begin(ctx context.Context, method string, kind store.Kind) *operation {
	op := &operation{c: c, method: method, kind: kind}
	for _, name := range requestOf(ctx).Ignored {
		op.notes = append(op.notes, clip(name))
	}
	return op
}

// note adds what an admin would want to know about an operation that went well all the same.
func (o *operation) note(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes = append(o.notes, fmt.Sprintf(format, args...))
}

func (o *operation) left() int { return int(o.steps.Load()) }

// What the activity keeps of one operation: a hundred thousand of them are kept, and what a client writes into a path or
// into the name of an attribute may be as long as a body.
const (
	maxSteps = 50  // of a plan
	maxNotes = 50  // beside it
	maxText  = 256 // bytes of a text that the client chose
)

func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

// end records the operation. It holds names in the pool and ids, never attribute values.
func (o *operation) end(ctx context.Context, id string, err error) {
	a := store.Activity{
		At: o.c.dir.now(), RequestID: requestOf(ctx).ID, Connection: o.c.cfg.Name, Method: o.method, Kind: o.kind, ID: clip(id), Outcome: "done",
	}
	for i, s := range o.plan {
		if i == maxSteps {
			a.Plan = append(a.Plan, fmt.Sprintf("and %d more", len(o.plan)-maxSteps))
			break
		}
		a.Plan = append(a.Plan, s.String())
	}
	if err != nil {
		a.Outcome = outcome(err)
	}
	o.mu.Lock()
	a.Notes = append(a.Notes, o.notes[:min(len(o.notes), maxNotes)]...)
	if more := len(o.notes) - maxNotes; more > 0 {
		a.Notes = append(a.Notes, fmt.Sprintf("and %d more", more))
	}
	o.mu.Unlock()
	o.c.dir.record(ctx, a)
}

func (d *Directory) record(ctx context.Context, a store.Activity) {
	if err := d.cfg.Store.Record(context.WithoutCancel(ctx), a); err != nil {
		d.log.Error("recording activity", "error", err)
	}
}

// outcome names an error without the values that its text may hold.
func outcome(err error) string {
	var mine *Error
	var refused scim.ScimError
	var theirs *cognito.Error
	switch {
	case errors.As(err, &theirs):
		return fmt.Sprintf("%s: %s", theirs.Kind, theirs.Code)
	case errors.As(err, &mine):
		return mine.Kind.String()
	case errors.As(err, &refused):
		return string(refused.ScimType)
	case errors.Is(err, errSuperseded):
		return "superseded"
	}
	return "internal"
}
