package filter

import (
	"fmt"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// Matcher is a filter joined with definitions. It is safe for concurrent use.
type Matcher struct{ match predicate }

// predicate tests a resource, an element or a single value.
type predicate func(v any) bool

// Match says whether a resource matches, or for CompileValue an element of a complex attribute.
func (m *Matcher) Match(res map[string]any) bool { return m.match(res) }

// MatchValue says whether an element of a multi-valued attribute matches: a map[string]any, or the bare value of a
// simple attribute, which the filter calls "value".
func (m *Matcher) MatchValue(element any) bool { return m.match(element) }

// Compile joins a filter with the definitions of the resources it will meet. Errors are scim.ScimError, 400
// invalidFilter: a comparison that the attribute's type does not have, or a filter on an attribute that is never
// returned, which would let a client guess it.
//
// The meaning is that of RFC 7644 §3.4.2.2, and where that leaves a choice:
//   - An attribute that the resource type does not define has no value (§3.4.2.1).
//   - A comparison with a multi-valued attribute is true when it is true for one of the values. A complex attribute
//     without sub-attribute is compared by its "value" (RFC 7643 §2.4): `emails eq "a@b.c"`, Entra's `manager eq "…"`.
//   - So is ne, which is true without a value, too.
//   - eq null is true without a value, ne null with one. An empty string is no value to pr.
//   - Numbers, booleans and texts may be written as each other where the attribute's type makes it clear: Entra quotes
//     "True".
func Compile(def *attribute.Tree, e *Expr) (*Matcher, error) {
	return compile(scope{def: def}, e)
}

// CompileValue joins a value filter, the part in brackets, with the definition of the attribute before the brackets.
// Its names are the sub-attributes of parent, or "value" for the values of a simple attribute. Errors as for Compile.
func CompileValue(parent *attribute.Attribute, e *Expr) (*Matcher, error) {
	return compile(scope{parent: parent}, e)
}

func compile(s scope, e *Expr) (*Matcher, error) {
	match, err := s.compile(e)
	if err != nil {
		return nil, err
	}
	return &Matcher{match}, nil
}

// scope is what names in a filter refer to: def at the top, parent inside a value filter.
type scope struct {
	def    *attribute.Tree
	parent *attribute.Attribute
}

func (s scope) compile(e *Expr) (predicate, error) {
	switch e.Op {
	case And, Or, Not:
		return s.logical(e)
	case Has:
		r, attr, err := s.target(e)
		if err != nil || attr == nil {
			return never, err
		}
		match, err := elements(attr, e.Left)
		if err != nil {
			return nil, err
		}
		return func(v any) bool { return r.any(v, match) }, nil
	default:
		return s.term(e)
	}
}

func (s scope) logical(e *Expr) (predicate, error) {
	left, err := s.compile(e.Left)
	if err != nil {
		return nil, err
	}
	if e.Op == Not {
		return func(v any) bool { return !left(v) }, nil
	}
	right, err := s.compile(e.Right)
	if err != nil {
		return nil, err
	}
	if e.Op == And {
		return func(v any) bool { return left(v) && right(v) }, nil
	}
	return func(v any) bool { return left(v) || right(v) }, nil
}

// target resolves the path of a term, with its value filter. The attribute is nil when it is not defined.
func (s scope) target(e *Expr) (reader, *attribute.Attribute, error) {
	r, attr := s.reader(e.Path)
	if attr == nil {
		return r, nil, nil
	}
	for a := attr; a != nil; a = a.Parent {
		if a.Returned == attribute.Never {
			return r, nil, refuse(e, "%s is never returned, so no filter may read it", a.Path())
		}
	}
	if e.Path.Where == nil {
		return r, attr, nil
	}
	top := attr
	if e.Path.Sub != "" {
		top = attr.Parent
	}
	where, err := elements(top, e.Path.Where)
	r.where = where
	return r, attr, err
}

func (s scope) term(e *Expr) (predicate, error) {
	r, attr, err := s.target(e)
	if err != nil {
		return nil, err
	}
	if e.Op == Present || e.Op == Ne && e.Value == nil {
		return func(v any) bool { return r.any(v, nonEmpty) }, nil
	}
	if e.Op == Eq && e.Value == nil {
		return func(v any) bool { return !r.any(v, nonEmpty) }, nil
	}
	if e.Value == nil {
		return nil, refuse(e, "null goes with eq and ne only")
	}
	if attr != nil && attr.Type == attribute.Complex {
		value := attr.Lookup("value")
		if value == nil {
			return nil, refuse(e, "%s is complex: name a sub-attribute, such as %s.%s", attr.Path(), attr.Path(), example(attr))
		}
		r.sub, attr = value.Name, value
	}
	if attr == nil {
		if _, ok := s.extension(e.Path); ok {
			return nil, refuse(e, "%s is a schema: name one of its attributes", e.Path)
		}
		if e.Op == Ne {
			return always, nil
		}
		return never, nil
	}
	test, err := comparison(attr, e)
	if err != nil {
		return nil, err
	}
	if e.Op == Ne {
		differs := func(v any) bool { return !test(v) }
		return func(v any) bool { return r.any(v, differs) || !r.any(v, always) }, nil
	}
	return func(v any) bool { return r.any(v, test) }, nil
}

func never(any) bool { return false }

func always(any) bool { return true }

// elements compiles the value filter of an attribute that has elements to choose from.
func elements(attr *attribute.Attribute, where *Expr) (predicate, error) {
	if attr.Type != attribute.Complex && !attr.MultiValued {
		return nil, refuse(where, "%s has a single value, which no filter in brackets can select", attr.Path())
	}
	return scope{parent: attr}.compile(where)
}

func example(attr *attribute.Attribute) string {
	if len(attr.Sub) == 0 {
		return "value"
	}
	return attr.Sub[0].Name
}

func refuse(e *Expr, format string, args ...any) error {
	detail := fmt.Sprintf(format, args...)
	return scim.ScimError{Status: 400, ScimType: scim.ScimTypeInvalidFilter, Detail: fmt.Sprintf("filter: in %q: %s", e, detail)}
}
