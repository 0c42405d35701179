package filter

import (
	"strings"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// reader finds the values that a path names.
type reader struct {
	extension string // key of the map to look in, "" for the resource itself
	name      string // key there; "" reads nothing
	where     predicate
	sub       string
}

// reader resolves a path. The attribute is nil when there is no such definition; the reader then reads nothing, or the
// extension that the path names.
func (s scope) reader(p Path) (reader, *attribute.Attribute) {
	if s.parent != nil {
		return s.element(p)
	}
	top, sub := p.Resolve(s.def)
	switch {
	case top == nil:
		urn, _ := s.extension(p)
		return reader{name: urn}, nil
	case sub != nil:
		return reader{extension: top.Extension(), name: top.Name, sub: sub.Name}, sub
	default:
		return reader{extension: top.Extension(), name: top.Name}, top
	}
}

// extension returns the canonical URN of the extension that a path names as a whole (RFC 7644 §3.10).
func (s scope) extension(p Path) (string, bool) {
	urn, ok := p.Schema()
	if !ok || s.def == nil {
		return "", false
	}
	return s.def.Extension(urn)
}

func (s scope) element(p Path) (reader, *attribute.Attribute) {
	if p.URN != "" || p.Sub != "" {
		return reader{}, nil
	}
	if s.parent.Type != attribute.Complex && strings.EqualFold(p.Name, "value") {
		return reader{name: "value"}, s.parent
	}
	if sub := s.parent.Lookup(p.Name); sub != nil {
		return reader{name: sub.Name}, sub
	}
	return reader{}, nil
}

// any says whether one of the values passes the test.
func (r *reader) any(v any, test predicate) bool {
	m, ok := v.(map[string]any)
	if !ok {
		return r.name == "value" && v != nil && test(v) // the element of a simple attribute
	}
	if r.extension != "" {
		m, _ = m[r.extension].(map[string]any)
	}
	list, ok := m[r.name].([]any)
	if !ok {
		return r.one(m[r.name], test)
	}
	for _, element := range list {
		if r.one(element, test) {
			return true
		}
	}
	return false
}

func (r *reader) one(element any, test predicate) bool {
	if element == nil || r.where != nil && !r.where(element) {
		return false
	}
	if r.sub == "" {
		return test(element)
	}
	m, _ := element.(map[string]any)
	list, ok := m[r.sub].([]any)
	if !ok {
		return m[r.sub] != nil && test(m[r.sub])
	}
	for _, v := range list {
		if test(v) {
			return true
		}
	}
	return false
}

// nonEmpty is the meaning of pr (RFC 7644 §3.4.2.2, table 3).
func nonEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		for _, element := range v {
			if nonEmpty(element) {
				return true
			}
		}
		return false
	case map[string]any:
		for _, sub := range v {
			if nonEmpty(sub) {
				return true
			}
		}
		return false
	default:
		return true
	}
}
