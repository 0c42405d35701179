package emulator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
)

// FaultKind is what goes wrong.
type FaultKind string

// Fault makes calls fail on purpose. Of several faults that fit a call, the first one added acts.
type Fault struct {
	// Operation is the operation's name; empty means every operation.
	Operation string `json:"operation,omitempty"`
	// Pool restricts the fault to calls that name this pool; empty means all calls.
	Pool string `json:"pool,omitempty"`
	// Kind is what goes wrong. Required.
	Kind FaultKind `json:"kind"`
	// Count is the number of calls that fail before the fault is used up; 0 means that it stays until ClearFaults.
	Count int `json:"count,omitempty"`
	// After is the number of matching calls that pass before the first one fails.
	After int `json:"after,omitempty"`
	// Probability, between 0 and 1, is that of a matching call's failing, drawn from Config.Seed; 0 means 1: every call.
	Probability float64 `json:"probability,omitempty"`
}

func (f Fault) validate() error {
	switch {
	case f.Operation != "" && operations[f.Operation] == nil:
		return fmt.Errorf("operation %q is not emulated", f.Operation)
	case !slices.Contains(faultKinds, f.Kind):
		return fmt.Errorf("kind %q is none of %q", f.Kind, faultKinds)
	case f.Count < 0 || f.After < 0:
		return fmt.Errorf("count %d and after %d must not be negative", f.Count, f.After)
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("probability %v is not between 0 and 1", f.Probability)
	}
	return nil
}

// faultList holds the faults that are active, in the order in which they were added.
type faultList struct {
	mu     sync.Mutex
	active []*Fault
	draw   *rand.Rand
}

// AddFault makes calls fail from now on. The error says which field of f is wrong.
func (e *Emulator) AddFault(f Fault) error {
	if err := f.validate(); err != nil {
		return fmt.Errorf("adding a fault: %w", err)
	}
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	e.faults.active = append(e.faults.active, &f)
	return nil
}

// ClearFaults removes all faults.
func (e *Emulator) ClearFaults() {
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	e.faults.active = nil
}

// Faults returns the active faults; Count and After are what is left of them.
func (e *Emulator) Faults() []Fault {
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	list := make([]Fault, 0, len(e.faults.active))
	for _, f := range e.faults.active {
		list = append(list, *f)
	}
	return list
}

// match returns the kind of fault that a call meets, or "", and counts it down.
func (l *faultList) match(op, pool string) FaultKind {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, f := range l.active {
		if f.Operation != "" && f.Operation != op || f.Pool != "" && f.Pool != pool {
			continue
		}
		if f.After > 0 {
			f.After--
			continue
		}
		if f.Probability > 0 && l.draw.Float64() >= f.Probability {
			continue
		}
		if f.Count == 1 {
			l.active = slices.Delete(l.active, i, i+1)
		} else if f.Count > 1 {
			f.Count--
		}
		return f.Kind
	}
	return ""
}
