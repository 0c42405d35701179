package schemas

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

// DecodePatch turns the decoded JSON body of a PATCH (RFC 7644 section 3.5.2) into canonical operations: dialects are
// translated, values are checked against the attribute that the path names. Operations on attributes that are not
// defined here are left out and named in ignored (Entra ID sends every mapped attribute, and refusing one would lose the
// deactivation beside it). For the same reason an operation that is refused does not take `active: false` with it: then
// only the deactivation is returned, and ignored says why the rest is not.
func (rt *ResourceType) DecodePatch(body any) (ops []patch.Op, ignored []string, err error) {
	object, ok := body.(map[string]any)
	if !ok {
		return nil, nil, invalidSyntax("the request body must be a PatchOp object, not %s", kindOf(body))
	}
	list, ok := attribute.Member(object, "Operations").([]any)
	if !ok || len(list) == 0 {
		return nil, nil, invalidSyntax("Operations must be a list of at least one operation (RFC 7644 section 3.5.2)")
	}
	if err := rt.checkPatchSchemas(object); err != nil {
		return nil, nil, err
	}
	for i, raw := range list {
		more, left, opErr := rt.decodeOp(raw)
		ignored = append(ignored, left...)
		if opErr != nil && err == nil {
			err = atOperation(i, opErr)
		}
		ops = append(ops, more...)
	}
	if err == nil {
		return ops, ignored, nil
	}
	if rt.Tree.Lookup("", active.Name) != nil && Deactivates(ops) {
		return []patch.Op{Deactivate()}, append(ignored, err.Error()), nil
	}
	return nil, ignored, err
}

// atOperation says which operation an error is about.
func atOperation(i int, err error) error {
	if e, ok := err.(scim.ScimError); ok {
		e.Detail = fmt.Sprintf("Operations[%d]: %s", i, e.Detail)
		return e
	}
	return err
}

var kinds = map[string]patch.Kind{"add": patch.Add, "replace": patch.Replace, "remove": patch.Remove}

func (rt *ResourceType) decodeOp(raw any) ([]patch.Op, []string, error) {
	object, ok := raw.(map[string]any)
	if !ok {
		return nil, nil, invalidSyntax("an operation must be an object with op, path and value, not %s", kindOf(raw))
	}
	name, _ := attribute.Member(object, "op").(string)
	if rt.speaks(OpInAnyCase) {
		name = strings.ToLower(name)
	}
	kind, ok := kinds[name]
	if !ok {
		return nil, nil, invalidSyntax("op must be add, replace or remove, not %.40q", name)
	}
	value := attribute.Member(object, "value")
	switch path := attribute.Member(object, "path").(type) {
	case nil:
		return rt.pathlessOr(kind, value)
	case string:
		if strings.TrimSpace(path) == "" {
			return rt.pathlessOr(kind, value)
		}
		p, err := filter.ParsePath(path)
		if err != nil {
			return nil, nil, err
		}
		return rt.atPath(kind, p, value)
	default:
		return nil, nil, scim.ScimError{Status: 400, ScimType: scim.ScimTypeInvalidPath,
			Detail: "path must be a string, not " + kindOf(path)}
	}
}

// pathlessOr is pathless, but returns the deactivation in a value that is refused along with the error.
func (rt *ResourceType) pathlessOr(kind patch.Kind, value any) ([]patch.Op, []string, error) {
	ops, ignored, err := rt.pathless(kind, value)
	if err != nil && kind != patch.Remove && rt.SaysInactive(value) {
		ops = []patch.Op{Deactivate()}
	}
	return ops, ignored, err
}

// pathless canonicalises an operation without a path. Okta's catalogue apps send nothing else; Entra ID with its
// aadOptscim062020 flag writes paths as keys ("name.givenName", "urn:…:User:department"), which become operations of
// their own.
func (rt *ResourceType) pathless(kind patch.Kind, value any) ([]patch.Op, []string, error) {
	if kind == patch.Remove {
		return nil, nil, scim.ScimError{Status: 400, ScimType: scim.ScimTypeNoTarget,
			Detail: "remove needs a path (RFC 7644 section 3.5.2.2)"}
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, nil, invalidValue("value must be an object of attributes when there is no path, not %s", kindOf(value))
	}
	plain := map[string]any{}
	var ops []patch.Op
	var ignored []string
	for _, key := range slices.Sorted(maps.Keys(object)) {
		_, extension := rt.Tree.Extension(key)
		if extension || rt.Tree.Lookup("", key) != nil || rt.Tree.Keeps(key) && rt.isWhole(key, object[key]) || !rt.speaks(PathsAsKeys) {
			plain[key] = object[key]
			continue
		}
		p, err := filter.ParsePath(key)
		if err != nil {
			ignored = append(ignored, key)
			continue
		}
		more, left, err := rt.atPath(kind, p, object[key])
		if err != nil {
			return nil, nil, err
		}
		ops, ignored = append(ops, more...), append(ignored, left...)
	}
	if len(plain) == 0 {
		return ops, ignored, nil
	}
	r, left, err := rt.reading(change).object(rt, plain)
	if err != nil {
		return nil, nil, err
	}
	return append([]patch.Op{{Kind: kind, Value: map[string]any(r)}}, ops...), append(ignored, left...), nil
}

// atPath canonicalises an operation's value by the attribute that its path names.
func (rt *ResourceType) atPath(kind patch.Kind, p *filter.Path, value any) ([]patch.Op, []string, error) {
	if urn, ok := rt.extensionAt(p); ok {
		extension, ignored, err := rt.reading(change).extension(rt, urn, value)
		return []patch.Op{{Kind: kind, Path: p, Value: extension}}, ignored, err
	}
	a, sub := p.Resolve(rt.Tree)
	if sub != nil {
		a = sub
	}
	if op, ok := rt.onUnknown(kind, p, value); ok && a == nil {
		return []patch.Op{op}, nil, nil
	}
	if err := rt.checkPath(kind, p, a, value); err != nil {
		return nil, nil, err
	}
	if a == nil {
		return nil, []string{p.String()}, nil
	}
	v, err := rt.atAttribute(kind, p, a, value)
	if err != nil {
		return nil, nil, err
	}
	return []patch.Op{{Kind: kind, Path: p, Value: v, MustSelect: rt.mustSelect(kind)}}, nil, nil
}

// extensionAt reads a path as an extension as a whole.
func (rt *ResourceType) extensionAt(p *filter.Path) (string, bool) {
	urn, ok := p.Schema()
	if !ok {
		return "", false
	}
	return rt.Tree.Extension(urn)
}

func (rt *ResourceType) atAttribute(kind patch.Kind, p *filter.Path, a *attribute.Attribute, value any) (any, error) {
	rd := rt.reading(change)
	_, isList := value.([]any)
	if kind == patch.Add && a.MultiValued && p.Where == nil && !isList && value != nil {
		value = []any{value} // RFC 7644 section 3.5.2.1: a new value is added
	}
	switch {
	case kind == patch.Remove && (value == nil || p.Where != nil || p.Sub != "" || !a.MultiValued):
		return nil, nil
	case kind == patch.Remove:
		// Entra ID's old way to remove some values. A list of none removes none: without a value at all, it would be everything.
		v, err := rd.value(a, value)
		if v == nil {
			v = []any{}
		}
		return v, err
	case a.Mutability == attribute.ReadOnly, p.Where != nil && p.Sub == "" && !a.MultiValued:
		return value, nil // patch refuses it
	case p.Where != nil && p.Sub == "":
		if list, ok := value.([]any); ok && len(list) == 1 && rt.speaks(ListForSingle) {
			value = list[0]
		}
		if rt.speaks(TextForReference) {
			value = wrapped(value)
		}
		return rd.element(a, value)
	default:
		return rd.value(a, value)
	}
}
