package patch

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// assignList applies a value to all of a multi-valued attribute.
func (d *document) assignList(kind Kind, attr *attribute.Attribute, v any) error {
	values, err := elements(attr, v)
	if err != nil {
		return err
	}
	switch {
	case kind == Remove && v != nil:
		return d.removeValues(attr, values)
	case kind == Remove || kind == Replace && len(values) == 0:
		return d.clear(kind, attr)
	case kind == Replace:
		d.lists[attr] = newList(attr, nil)
	}
	l := d.list(attr)
	primary := -1
	for _, value := range values {
		i, err := d.add(l, value)
		if err != nil {
			return err
		}
		if isPrimary(value) {
			primary = i // of several, the last
		}
	}
	return d.onlyPrimary(l, primary)
}

// clear takes a multi-valued attribute away.
func (d *document) clear(kind Kind, attr *attribute.Attribute) error {
	if err := removable(kind, attr); err != nil {
		return err
	}
	d.lists[attr] = newList(attr, nil)
	return nil
}

// removeValues takes the elements away that a value list names: by "value", and by "type" where the request and the
// element have one; elements without "value" by all the sub-attributes that the request names.
func (d *document) removeValues(attr *attribute.Attribute, requested []any) error {
	byValue := map[string][]map[string]any{} // nil for the values of a simple attribute
	var others []map[string]any
	for _, r := range requested {
		subs, _ := r.(map[string]any)
		if key, ok := valueKey(attr, r); ok {
			byValue[key] = append(byValue[key], subs)
		} else {
			others = append(others, subs)
		}
	}
	l := d.list(attr)
	if err := d.visit(len(l.items) * (1 + len(others))); err != nil {
		return err
	}
	for i, item := range l.items {
		key, _ := valueKey(attr, item)
		if err := d.visit(len(byValue[key])); err != nil {
			return err
		}
		covers := func(r map[string]any) bool { return covered(attr, item, r) }
		sameType := func(r map[string]any) bool { return agree(attr, item, r) }
		if item != nil && (slices.ContainsFunc(byValue[key], sameType) || slices.ContainsFunc(others, covers)) {
			l.set(i, nil)
		}
	}
	return d.filled(Remove, l)
}

// valueKey returns the key of an element's "value", or of the element of a simple attribute; ok is false without one.
func valueKey(attr *attribute.Attribute, element any) (key string, ok bool) {
	if attr.Type != attribute.Complex {
		return keyOf(attr, element), true
	}
	subs, _ := element.(map[string]any)
	if subs["value"] == nil {
		return "", false
	}
	return keyOf(attr.Lookup("value"), subs["value"]), true
}

// agree says whether an element of the same value has the type that the request asks for, if both have one.
func agree(attr *attribute.Attribute, item any, requested map[string]any) bool {
	subs, _ := item.(map[string]any)
	have, want := subs["type"], requested["type"]
	return have == nil || want == nil || keyOf(attr.Lookup("type"), have) == keyOf(attr.Lookup("type"), want)
}

// covered says whether an element has all the sub-attributes of the request.
func covered(attr *attribute.Attribute, item any, requested map[string]any) bool {
	subs, _ := item.(map[string]any)
	for name, v := range requested {
		if keyOf(attr.Lookup(name), v) != keyOf(attr.Lookup(name), subs[name]) {
			return false
		}
	}
	return true
}

// filled refuses to leave a required attribute without elements.
func (d *document) filled(kind Kind, l *list) error {
	if l.attr.Required && l.value() == nil {
		return removable(kind, l.attr)
	}
	return nil
}

// selected applies an operation to the elements that its path selects: those that match its value filter, or all.
func (d *document) selected(op Op, attr, sub *attribute.Attribute) error {
	match := func(any) bool { return true }
	if op.Path.Where != nil {
		matcher, err := filter.CompileValue(attr, op.Path.Where)
		if err != nil {
			return err
		}
		match = matcher.MatchValue
	}
	change, err := changeOf(op, attr, sub)
	if err != nil {
		return err
	}
	l := d.list(attr)
	if err := d.visit(len(l.items) * max(1, op.Path.Where.Terms())); err != nil {
		return err
	}
	hits, primary := 0, -1
	for i, item := range l.items {
		if item == nil || !match(item) {
			continue
		}
		hits++
		changed, err := change(item)
		if err != nil {
			return err
		}
		if isPrimary(changed) && !isPrimary(item) {
			primary = i
		}
		l.set(i, changed)
	}
	if hits == 0 {
		return d.create(op, l, sub, match)
	}
	if err := d.onlyPrimary(l, primary); err != nil {
		return err
	}
	return d.filled(op.Kind, l)
}

// changeOf returns what an operation makes of a selected element; nil when it takes the element away.
func changeOf(op Op, attr, sub *attribute.Attribute) (func(item any) (any, error), error) {
	if sub != nil {
		changes, err := subChange(op.Kind, sub, op.Value)
		return func(item any) (any, error) { return merged(op.Kind, attr, item, changes) }, err
	}
	if op.Kind == Remove || unassigned(op.Value) {
		return func(any) (any, error) { return nil, nil }, nil
	}
	v, err := onlyOne(attr, op.Value)
	if err != nil {
		return nil, err
	}
	if attr.Type != attribute.Complex {
		value, err := scalar(attr, v)
		return func(any) (any, error) { return value, nil }, err
	}
	changes, err := object(attr, v)
	if op.Kind == Add {
		return func(item any) (any, error) { return merged(op.Kind, attr, item, changes) }, err
	}
	described := map[string]any{}
	describedBy(attr, op.Path.Where, described)
	return func(item any) (any, error) { return replaced(attr, item, changes, described) }, err
}

// onlyOne takes the element out of a list of one, as some clients send it to a value path.
func onlyOne(attr *attribute.Attribute, v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return v, nil
	}
	if len(list) > 1 {
		return nil, refuse(scim.ScimTypeInvalidValue, "%s: a value path takes one element, got %d", attr.Path(), len(list))
	}
	return list[0], nil
}

func merged(kind Kind, attr *attribute.Attribute, item any, changes map[string]any) (any, error) {
	current, _ := item.(map[string]any)
	result, err := mergeSubs(kind, attr, current, changes)
	if err != nil || len(result) == 0 {
		return nil, err
	}
	return result, nil
}

// replaced returns the element that takes an element's place: the changes, with the sub-attributes of before that
// identify it (described), or that the client may not write.
func replaced(attr *attribute.Attribute, item any, changes, described map[string]any) (any, error) {
	current, _ := item.(map[string]any)
	kept := map[string]any{}
	for _, sub := range attr.Sub {
		v, had := current[sub.Name]
		_, identifies := described[sub.Name]
		fixed := sub.Mutability == attribute.ReadOnly || sub.Mutability == attribute.Immutable
		if had && (identifies || fixed) {
			kept[sub.Name] = v
		}
	}
	return merged(Replace, attr, kept, changes)
}

// create makes the element that a value path describes, when it selects none.
func (d *document) create(op Op, l *list, sub *attribute.Attribute, match func(any) bool) error {
	where := op.Path.Where
	if where != nil && (op.MustSelect || op.Kind != Remove && l.attr.Type != attribute.Complex) {
		return refuse(scim.ScimTypeNoTarget, "no element of %s matches [%s]", l.attr.Path(), where)
	}
	if op.Kind == Remove || unassigned(op.Value) {
		return nil // it is as asked
	}
	changes, err := changesOf(op, l.attr, sub)
	if err != nil {
		return err
	}
	element := map[string]any{}
	describedBy(l.attr, where, element)
	maps.Copy(element, changes)
	maps.DeleteFunc(element, func(_ string, v any) bool { return v == nil })
	if !match(element) {
		return refuse(scim.ScimTypeNoTarget, "no element of %s matches [%s], nor would a new one with this value", l.attr.Path(), where)
	}
	if len(element) == 0 {
		return nil
	}
	i, err := d.add(l, element)
	if err != nil || !isPrimary(l.items[i]) {
		return err
	}
	return d.onlyPrimary(l, i)
}

func changesOf(op Op, attr, sub *attribute.Attribute) (map[string]any, error) {
	if sub != nil {
		return subChange(op.Kind, sub, op.Value)
	}
	v, err := onlyOne(attr, op.Value)
	if err != nil {
		return nil, err
	}
	return object(attr, v)
}

// describedBy adds to element the sub-attributes that a value filter compares by "eq", joined by "and", as far as they
// can be written.
func describedBy(attr *attribute.Attribute, where *filter.Expr, element map[string]any) {
	switch {
	case where == nil:
	case where.Op == filter.And:
		describedBy(attr, where.Left, element)
		describedBy(attr, where.Right, element)
	case where.Op == filter.Eq:
		sub := attr.Lookup(where.Path.Name)
		if sub == nil || sub.MultiValued || sub.Mutability == attribute.ReadOnly {
			return
		}
		if v := literal(sub, where.Value); v != nil {
			element[sub.Name] = v
		}
	}
}

// literal returns a filter's literal as a value of an attribute; nil when it cannot be one.
func literal(attr *attribute.Attribute, v any) any {
	text, _ := v.(string)
	switch attr.Type {
	case attribute.Boolean:
		if strings.EqualFold(text, "true") || strings.EqualFold(text, "false") { // Entra: primary eq "True"
			return strings.EqualFold(text, "true")
		}
	case attribute.Decimal, attribute.Integer:
	default:
		if number, ok := v.(json.Number); ok {
			return number.String()
		}
	}
	if value, err := scalar(attr, v); err == nil {
		return value
	}
	return nil
}
