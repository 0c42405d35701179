// Package patch gives PATCH operations their meaning (RFC 7644 §3.5.2), on operations in canonical form: what identity
// providers write otherwise is put right before.
//
// Apply works on a whole resource. Members works on none: it reduces what operations say about a group's members to the
// ids to add and to remove, so that a large group never has to be loaded.
package patch

import (
	"errors"
	"fmt"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// Kind is what an operation does.
type Kind uint8

// The operations of RFC 7644 §3.5.2.
const (
	Add Kind = iota
	Replace
	Remove
)

var kindNames = [...]string{"add", "replace", "remove"}

// String returns the "op" of RFC 7644 §3.5.2, such as "add".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Op is one operation in canonical form.
type Op struct {
	Kind Kind
	// Path is the target. Without one the target is the resource, and Value an object of its attributes.
	Path *filter.Path
	// Value is a string, bool, json.Number, map[string]any, []any or nil. Null and no value are both nil, and mean
	// unassigned (RFC 7643 §2.5).
	Value any
	// MustSelect: a value path that selects nothing is refused with noTarget (RFC 7644 §3.5.2.3, §3.12) instead of creating the
	// element that it describes, or of having nothing to remove.
	MustSelect bool
}

// at says which operation an error is about. The client's own words help whoever sees only the detail.
func at(i int, op Op, err error) error {
	where := fmt.Sprintf("Operations[%d] (%s)", i, op.Kind)
	if op.Path != nil {
		where = fmt.Sprintf("Operations[%d] (%s %s)", i, op.Kind, op.Path)
	}
	var refusal scim.ScimError
	if !errors.As(err, &refusal) {
		return fmt.Errorf("%s: %w", where, err)
	}
	refusal.Detail = where + ": " + refusal.Detail
	return refusal
}

func refuse(kind scim.ScimType, format string, args ...any) error {
	return scim.ScimError{Status: 400, ScimType: kind, Detail: fmt.Sprintf(format, args...)}
}
