package patch

import (
	"maps"
	"slices"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// MaxVisits bounds the work of one Apply: the elements of multi-valued attributes that its operations look at, each
// counted every time, and once for every comparison that it takes. It allows 10,000 operations on a list of 200, and
// takes less than a second.
const MaxVisits = 2_000_000

// Apply carries out operations in order and returns the resource they make of res. It carries out all or none, and
// changes neither res nor the operations; the result shares with res what no operation touched.
//
// Where the RFC leaves a choice, or identity providers need another one:
//   - An attribute or sub-attribute that is not defined is ignored, in a path and as a key: Entra sends mappings that
//     the provider does not know along with a deactivation, which must not be lost.
//   - An extension that is not defined, as a key, is merged without types if the tree keeps it; null takes it, or its
//     attribute, away.
//   - A readOnly attribute is ignored as a key (Okta repeats "id") and refused as a path.
//   - A value path that selects nothing creates the element that its filter describes by "eq", for add and replace
//     (Entra: `emails[type eq "work"].value`). The RFC has noTarget, which remains when the new element would not match
//     the filter, and for operations that say MustSelect. For remove there is nothing to do: a request that is repeated
//     because its answer was lost would else be told that it has failed.
//   - replace of a selected element keeps the sub-attributes that its filter compares by "eq", unless the value sets them.
//   - remove with a value takes only the equal elements away from a multi-valued attribute (Entra), and none for an
//     empty list. On a single-valued attribute the value does not matter.
//   - Elements with the same "value" and "type" are one (RFC 7643 §2.4): adding one again merges it.
//   - Null and an empty list mean unassigned (RFC 7643 §2.5). An empty string is a value.
//
// Errors are scim.ScimError, 400, whose detail begins with the operation's index and path: noTarget, mutability,
// invalidValue, invalidPath, invalidFilter, or tooMany beyond MaxVisits.
func Apply(def *attribute.Tree, res map[string]any, ops []Op) (map[string]any, error) {
	d := &document{
		def:   def,
		root:  map[string]any{},
		owned: map[string]bool{},
		lists: map[*attribute.Attribute]*list{},
	}
	maps.Copy(d.root, res)
	for i, op := range ops {
		if err := d.apply(op); err != nil {
			return nil, at(i, op, err)
		}
	}
	for attr, l := range d.lists {
		d.put(attr, l.value())
	}
	return d.root, nil
}

func (d *document) apply(op Op) error {
	if op.Path == nil {
		if op.Kind == Remove {
			return refuse(scim.ScimTypeNoTarget, "remove needs a path")
		}
		return d.merge(op.Kind, "", op.Value)
	}
	if urn, ok := op.Path.Schema(); ok {
		if canonical, ok := d.def.Extension(urn); ok {
			return d.extension(op.Kind, canonical, op.Value)
		}
	}
	attr, sub := op.Path.Resolve(d.def)
	if attr == nil {
		return nil
	}
	target := attr
	if sub != nil {
		target = sub
	}
	if attr.Mutability == attribute.ReadOnly || target.Mutability == attribute.ReadOnly {
		return refuse(scim.ScimTypeMutability, "%s is readOnly", target.Path())
	}
	if op.Path.Where != nil && !attr.MultiValued {
		return refuse(scim.ScimTypeInvalidPath, "%s has a single value, which no filter in brackets can select", attr.Path())
	}
	switch {
	case attr.MultiValued && (sub != nil || op.Path.Where != nil):
		return d.guarded(attr, func() error { return d.selected(op, attr, sub) })
	case sub != nil:
		return d.guarded(attr, func() error { return d.assignSub(op.Kind, attr, sub, op.Value) })
	default:
		return d.assign(op.Kind, attr, op.Value)
	}
}

// merge applies an object of attributes: of the core schema (urn is "") or of an extension.
func (d *document) merge(kind Kind, urn string, v any) error {
	object, ok := v.(map[string]any)
	if !ok {
		return refuse(scim.ScimTypeInvalidValue, "the value must be an object of attributes, got %s", describe(v))
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if canonical, ok := d.def.Extension(key); ok && urn == "" {
			if err := d.extension(kind, canonical, object[key]); err != nil {
				return err
			}
			continue
		}
		attr := d.def.Lookup(urn, key)
		if urn == "" && d.def.Keeps(key) {
			d.unknown(kind, key, object[key])
			continue
		}
		if attr == nil || attr.Mutability == attribute.ReadOnly {
			continue
		}
		if err := d.assign(kind, attr, object[key]); err != nil {
			return err
		}
	}
	return nil
}

// extension applies a value to all of an extension: each attribute that it names, or every one when it is unassigned.
func (d *document) extension(kind Kind, urn string, v any) error {
	if kind != Remove && !unassigned(v) {
		return d.merge(kind, urn, v)
	}
	for _, attr := range d.def.Attributes(urn) {
		if attr.Mutability == attribute.ReadOnly || d.get(attr) == nil {
			continue
		}
		if err := d.assign(kind, attr, nil); err != nil {
			return err
		}
	}
	return nil
}

// assign applies a value to all of an attribute.
func (d *document) assign(kind Kind, attr *attribute.Attribute, v any) error {
	return d.guarded(attr, func() error {
		switch {
		case attr.MultiValued:
			return d.assignList(kind, attr, v)
		case kind == Remove || unassigned(v):
			return d.unassign(kind, attr)
		case attr.Type == attribute.Complex:
			return d.assignComplex(kind, attr, v)
		default:
			value, err := scalar(attr, v)
			if err != nil {
				return err
			}
			d.put(attr, value)
			return nil
		}
	})
}
