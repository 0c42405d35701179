package schemas

import (
	"maps"
	"reflect"
	"slices"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// check reports what a whole resource must have whatever request made it: required attributes, and at most one primary
// element in each multi-valued attribute (RFC 7643 section 2.4). An extension need not be there, but with it must be what
// it requires (section 6) unless the resource, was before, lacked just that: definitions change, and nobody could change
// anything else about such a resource.
func (rt *ResourceType) check(r, was Resource) error {
	for _, a := range rt.Tree.Attributes("") {
		v, present := r[a.Name]
		if !present {
			if (a.Required && a.Schema != "") || slices.Contains(rt.required, a.Name) {
				return invalidValue("%s is required and must not be empty", a.Path())
			}
			continue
		}
		if err := onePrimary(a, v); err != nil {
			return err
		}
	}
	for _, urn := range rt.Tree.Extensions() {
		extension, present := r[urn].(map[string]any)
		before, had := was[urn].(map[string]any)
		for _, a := range rt.Tree.Attributes(urn) {
			if err := onePrimary(a, extension[a.Name]); err != nil {
				return err
			}
			if !present || had && reflect.DeepEqual(extension[a.Name], before[a.Name]) {
				continue
			}
			if err := complete(a, extension[a.Name]); err != nil {
				return err
			}
		}
	}
	return nil
}

// complete reports a required attribute, or sub-attribute of one, that has no value.
func complete(a *attribute.Attribute, v any) error {
	switch {
	case v == nil && a.Required:
		return invalidValue("%s is required and must not be empty", a.Path())
	case v == nil:
		return nil
	}
	elements, several := v.([]any)
	if !several {
		elements = []any{v}
	}
	for _, sub := range a.Sub {
		for _, e := range elements {
			object, _ := e.(map[string]any)
			if err := complete(sub, object[sub.Name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func onePrimary(a *attribute.Attribute, v any) error {
	elements, ok := v.([]any)
	if !ok {
		return nil
	}
	n := 0
	for _, e := range elements {
		if m, ok := e.(map[string]any); ok && m["primary"] == true {
			n++
		}
	}
	if n > 1 {
		return invalidValue("%s: %d values have primary true; at most one may (RFC 7643 section 2.4)", a.Path(), n)
	}
	return nil
}

// Replace returns what a PUT of want makes of a resource, is (RFC 7644 section 3.5.1): an immutable attribute that has a
// value keeps it when want has none, and another value is a scim.ScimError.
func (rt *ResourceType) Replace(is, want Resource) (Resource, error) {
	out := maps.Clone(want)
	for _, urn := range append([]string{""}, rt.Tree.Extensions()...) {
		for _, a := range rt.Tree.Attributes(urn) {
			if a.Mutability != attribute.Immutable {
				continue
			}
			had, given := valueIn(is, a), valueIn(want, a)
			switch {
			case had == nil || same(a, had, given):
			case given != nil:
				return nil, scim.ScimError{Status: 400, ScimType: scim.ScimTypeMutability,
					Detail: a.Path() + " is immutable: the value that it has can be neither changed nor removed"}
			case urn == "":
				out[a.Name] = had
			default:
				extension, _ := out[urn].(map[string]any)
				if extension = maps.Clone(extension); extension == nil {
					extension = map[string]any{}
				}
				extension[a.Name] = had
				out[urn] = extension
			}
		}
	}
	return out, nil
}

// valueIn is what a resource holds of a top-level attribute.
func valueIn(r Resource, a *attribute.Attribute) any {
	if urn := a.Extension(); urn != "" {
		extension, _ := r[urn].(map[string]any)
		return extension[a.Name]
	}
	return r[a.Name]
}

func same(a *attribute.Attribute, had, given any) bool {
	x, isText := had.(string)
	y, bothText := given.(string)
	if isText && bothText && !a.CaseExact {
		return filter.Fold(x) == filter.Fold(y)
	}
	return reflect.DeepEqual(had, given)
}
