package patch

import (
	"maps"
	"reflect"
	"strings"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// document is a resource being changed. It copies what it changes: the root at once, an extension's map at the first
// write, a complex value at every write (they are small), the elements of a list when they change.
type document struct {
	def    *attribute.Tree
	root   map[string]any
	owned  map[string]bool // extensions whose maps are copies
	lists  map[*attribute.Attribute]*list
	visits int
}

// get returns the attribute's value as it is now, nil when unassigned.
func (d *document) get(attr *attribute.Attribute) any {
	if l := d.lists[attr]; l != nil {
		return l.value()
	}
	if urn := attr.Extension(); urn != "" {
		section, _ := d.root[urn].(map[string]any)
		return section[attr.Name]
	}
	return d.root[attr.Name]
}

// put stores a value in the maps, or takes it away when it is nil.
func (d *document) put(attr *attribute.Attribute, v any) {
	section := d.root
	urn := attr.Extension()
	if urn != "" {
		section, _ = d.root[urn].(map[string]any)
		if section == nil && v == nil {
			return
		}
		if !d.owned[urn] {
			copied := map[string]any{}
			maps.Copy(copied, section)
			section = copied
			d.owned[urn] = true
		}
		d.root[urn] = section
	}
	if v != nil {
		section[attr.Name] = v
		return
	}
	delete(section, attr.Name)
	if urn != "" && len(section) == 0 {
		delete(d.root, urn)
		d.owned[urn] = false
	}
}

// list returns the elements of a multi-valued attribute for change.
func (d *document) list(attr *attribute.Attribute) *list {
	l := d.lists[attr]
	if l == nil {
		l = newList(attr, d.get(attr))
		d.lists[attr] = l
	}
	return l
}

// visit counts the elements that an operation is about to look at.
func (d *document) visit(n int) error {
	if d.visits += n; d.visits > MaxVisits {
		return refuse(scim.ScimTypeTooMany, "the operations look at more than %d elements: send fewer in a request", MaxVisits)
	}
	return nil
}

// unassign takes a single-valued attribute away.
func (d *document) unassign(kind Kind, attr *attribute.Attribute) error {
	if err := removable(kind, attr); err != nil {
		return err
	}
	d.put(attr, nil)
	return nil
}

// removable refuses to leave a required attribute without value: by remove with mutability (RFC 7644 §3.5.2.2), by an
// empty value with invalidValue (§3.12, table 9: "a required value was missing").
func removable(kind Kind, attr *attribute.Attribute) error {
	if !attr.Required {
		return nil
	}
	if kind == Remove {
		return refuse(scim.ScimTypeMutability, "%s is required and cannot be removed", attr.Path())
	}
	return refuse(scim.ScimTypeInvalidValue, "%s is required and needs a value", attr.Path())
}

// guarded carries out a change of attr and refuses it afterwards if attr is immutable and had another value.
func (d *document) guarded(attr *attribute.Attribute, change func() error) error {
	if attr.Mutability != attribute.Immutable {
		return change()
	}
	before := d.get(attr)
	if err := change(); err != nil || before == nil {
		return err
	}
	return unchanged(attr, before, d.get(attr))
}

// unchanged refuses another value for an immutable attribute that has one (RFC 7643 §7).
func unchanged(attr *attribute.Attribute, before, after any) error {
	if attr.Mutability != attribute.Immutable || before == nil || same(attr, before, after) {
		return nil
	}
	return refuse(scim.ScimTypeMutability, "%s is immutable: the value that it has can be neither changed nor removed", attr.Path())
}

// same compares two values of an attribute by its definition.
func same(attr *attribute.Attribute, a, b any) bool {
	s, isString := a.(string)
	t, bothStrings := b.(string)
	if isString && bothStrings && !attr.CaseExact {
		return strings.EqualFold(s, t)
	}
	return reflect.DeepEqual(a, b)
}

// assignComplex merges sub-attributes into a single-valued complex attribute, for replace too (RFC 7644 §3.5.2.3: "a
// set of sub-attributes … that replaces any existing values or adds where an attribute did not previously exist").
func (d *document) assignComplex(kind Kind, attr *attribute.Attribute, v any) error {
	changes, err := object(attr, v)
	if err != nil {
		return err
	}
	return d.mergeComplex(kind, attr, changes)
}

// assignSub changes one sub-attribute of a single-valued complex attribute.
func (d *document) assignSub(kind Kind, attr, sub *attribute.Attribute, v any) error {
	changes, err := subChange(kind, sub, v)
	if err != nil {
		return err
	}
	return d.mergeComplex(kind, attr, changes)
}

func (d *document) mergeComplex(kind Kind, attr *attribute.Attribute, changes map[string]any) error {
	current, _ := d.get(attr).(map[string]any)
	merged, err := mergeSubs(kind, attr, current, changes)
	if err != nil {
		return err
	}
	if len(merged) == 0 {
		if current == nil {
			return nil
		}
		return d.unassign(kind, attr)
	}
	d.put(attr, merged)
	return nil
}

// mergeSubs returns a copy of a complex value with changes, in which nil takes a sub-attribute away.
func mergeSubs(kind Kind, attr *attribute.Attribute, current, changes map[string]any) (map[string]any, error) {
	merged := map[string]any{}
	maps.Copy(merged, current)
	for _, sub := range attr.Sub {
		v, changed := changes[sub.Name]
		if !changed {
			continue
		}
		if err := unchanged(sub, current[sub.Name], v); err != nil {
			return nil, err
		}
		switch {
		case v == nil:
			if err := removable(kind, sub); err != nil {
				return nil, err
			}
			delete(merged, sub.Name)
		case sub.Mutability == attribute.Immutable && current[sub.Name] != nil:
			// the same value in another spelling
		case sub.MultiValued && kind == Add:
			merged[sub.Name] = union(sub, current[sub.Name], v)
		default:
			merged[sub.Name] = v
		}
	}
	return merged, nil
}
