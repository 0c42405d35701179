package patch

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// list is a multi-valued attribute being changed. Elements are replaced, never changed in place.
type list struct {
	attr  *attribute.Attribute
	items []any          // nil: removed
	index map[string]int // identity to position, nil until the next add needs it
}

func newList(attr *attribute.Attribute, v any) *list {
	l := &list{attr: attr}
	switch v := v.(type) {
	case nil:
	case []any:
		l.items = slices.Clone(v)
	default:
		l.items = []any{v}
	}
	return l
}

// value returns the elements, nil when there are none.
func (l *list) value() any {
	left := slices.DeleteFunc(slices.Clone(l.items), func(element any) bool { return element == nil })
	if len(left) == 0 {
		return nil
	}
	return left
}

// set replaces an element, or removes it when it is nil.
func (l *list) set(i int, element any) {
	l.items[i] = element
	l.index = nil
}

// add appends an element, or merges it into the one with the same identity, and returns its position.
func (d *document) add(l *list, element any) (int, error) {
	if l.index == nil {
		if err := d.visit(len(l.items)); err != nil {
			return 0, err
		}
		l.index = make(map[string]int, len(l.items)+1)
		for i, item := range slices.Backward(l.items) { // the first of several stays
			if item != nil {
				l.index[identity(l.attr, item)] = i
			}
		}
	}
	key := identity(l.attr, element)
	i, found := l.index[key]
	if !found {
		l.items = append(l.items, element)
		l.index[key] = len(l.items) - 1
		return len(l.items) - 1, nil
	}
	given, ok := element.(map[string]any)
	current, isMap := l.items[i].(map[string]any)
	if !ok || !isMap {
		return i, nil
	}
	changes := maps.Clone(given)
	for _, sub := range l.attr.Sub {
		if sub.Mutability == attribute.Immutable && current[sub.Name] != nil {
			delete(changes, sub.Name) // what is there already is added, not changed: Okta's "display" of a member
		}
	}
	merged, err := mergeSubs(Add, l.attr, current, changes)
	if err != nil {
		return 0, err
	}
	l.items[i] = merged // its identity is still the same
	return i, nil
}

// identity is equal for elements that are one: those with the same "value" and "type" (RFC 7643 §2.4), each compared by
// its definition, or without "value" those that are wholly equal.
func identity(attr *attribute.Attribute, element any) string {
	subs, ok := element.(map[string]any)
	if !ok {
		return keyOf(attr, element)
	}
	value, kind := subs["value"], subs["type"]
	if value == nil {
		return keyOf(attr, subs)
	}
	return keyOf(attr.Lookup("value"), value) + keyOf(attr.Lookup("type"), kind)
}

// keyOf returns a text that is equal for values that are equal by attr's definition; attr may be nil.
func keyOf(attr *attribute.Attribute, v any) string {
	if s, ok := v.(string); ok {
		if attr != nil && !attr.CaseExact {
			s = filter.Fold(s)
		}
		return strconv.Quote(s)
	}
	text, err := json.Marshal(v) // sorts keys
	if err != nil {
		return fmt.Sprintf("%#v", v) // no JSON value, so nothing that the request could repeat
	}
	return string(text)
}

// union appends to the values of a multi-valued sub-attribute those that it lacks.
func union(sub *attribute.Attribute, current, added any) any {
	had, _ := current.([]any)
	more, _ := added.([]any)
	result := slices.Clone(had)
	seen := make(map[string]bool, len(had)+len(more))
	for _, v := range had {
		seen[keyOf(sub, v)] = true
	}
	for _, v := range more {
		if key := keyOf(sub, v); !seen[key] {
			seen[key] = true
			result = append(result, v)
		}
	}
	return result
}

// onlyPrimary makes every other element not primary, after the one at i newly became it (RFC 7644 §3.5.2).
func (d *document) onlyPrimary(l *list, i int) error {
	if i < 0 {
		return nil
	}
	if err := d.visit(len(l.items)); err != nil {
		return err
	}
	for j, item := range l.items {
		if j == i || !isPrimary(item) {
			continue
		}
		demoted := map[string]any{}
		maps.Copy(demoted, item.(map[string]any))
		demoted["primary"] = false
		l.items[j] = demoted // identity does not depend on it
	}
	return nil
}

func isPrimary(element any) bool {
	subs, _ := element.(map[string]any)
	return subs["primary"] == true
}
