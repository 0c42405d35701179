package patch

import (
	"encoding/json"
	"maps"
	"slices"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// unassigned says whether a value means that there is none (RFC 7643 §2.5).
func unassigned(v any) bool {
	list, ok := v.([]any)
	return v == nil || ok && len(list) == 0
}

// scalar checks one value of a simple attribute.
func scalar(attr *attribute.Attribute, v any) (any, error) {
	ok, want := false, "a string"
	switch attr.Type {
	case attribute.Boolean:
		_, ok = v.(bool)
		want = "true or false"
	case attribute.Decimal, attribute.Integer:
		_, ok = v.(json.Number)
		want = "a number"
	default:
		_, ok = v.(string)
	}
	if !ok {
		return nil, refuse(scim.ScimTypeInvalidValue, "%s must be %s, got %s", attr.Path(), want, describe(v))
	}
	return v, nil
}

// object brings one value of a complex attribute into canonical form, in new maps and lists: canonical names, without
// sub-attributes that are readOnly or not defined. Those to be unassigned are nil. A bare value stands for "value"
// (RFC 7643 §2.4).
func object(attr *attribute.Attribute, v any) (map[string]any, error) {
	value := attr.Lookup("value")
	given, ok := v.(map[string]any)
	_, isList := v.([]any)
	switch {
	case !ok && (value == nil || isList):
		return nil, refuse(scim.ScimTypeInvalidValue, "%s must be an object of sub-attributes, got %s", attr.Path(), describe(v))
	case !ok:
		given = map[string]any{value.Name: v}
	}
	result := make(map[string]any, len(given))
	for _, key := range slices.Sorted(maps.Keys(given)) {
		sub := attr.Lookup(key)
		if sub == nil || sub.Mutability == attribute.ReadOnly {
			continue
		}
		canonical, err := subValue(sub, given[key])
		if err != nil {
			return nil, err
		}
		result[sub.Name] = canonical
	}
	return result, nil
}

// subValue brings the value of a sub-attribute, which is always simple (RFC 7643 §2.3.8), into canonical form; nil when
// it is unassigned.
func subValue(sub *attribute.Attribute, v any) (any, error) {
	if unassigned(v) {
		return nil, nil
	}
	if !sub.MultiValued {
		return scalar(sub, v)
	}
	values, err := elements(sub, v)
	if err != nil || len(values) == 0 {
		return nil, err
	}
	return values, nil
}

// subChange is the change that an operation on one sub-attribute asks for.
func subChange(kind Kind, sub *attribute.Attribute, v any) (map[string]any, error) {
	if kind == Remove {
		v = nil
	}
	canonical, err := subValue(sub, v)
	return map[string]any{sub.Name: canonical}, err
}

// elements brings a value of a multi-valued attribute into canonical form: the elements, without those that hold
// nothing. A value that is no list stands for a list of one.
func elements(attr *attribute.Attribute, v any) ([]any, error) {
	given, ok := v.([]any)
	if !ok {
		given = []any{v}
	}
	result := make([]any, 0, len(given))
	for _, v := range given {
		if v == nil {
			continue
		}
		if attr.Type != attribute.Complex {
			value, err := scalar(attr, v)
			if err != nil {
				return nil, err
			}
			result = append(result, value)
			continue
		}
		subs, err := object(attr, v)
		if err != nil {
			return nil, err
		}
		maps.DeleteFunc(subs, func(_ string, v any) bool { return v == nil })
		if len(subs) > 0 {
			result = append(result, subs)
		}
	}
	return result, nil
}

// describe names the kind of a JSON value for error details, never the value, which may be a password.
func describe(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	default:
		return "an unknown kind of value"
	}
}
