package schemas

import (
	"strings"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

// An unknown extension is an object under a URN that the resource type does not have. It is never an error, for identity
// providers send what their admin once mapped: it is kept as it came, without types, or left out, as the configuration
// says.

// untyped is the value of an unknown extension as it is kept: null and what is empty are none, as everywhere (RFC 7643
// section 2.5); a change keeps them. ok is false for what is no extension's.
func (rd reader) untyped(v any) (extension any, ok bool) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, v == nil
	}
	out := map[string]any{}
	for name, v := range object {
		rd.put(out, name, bare(v))
	}
	if len(out) == 0 {
		return nil, true
	}
	return out, true
}

// bare is an untyped value, nil when it is empty.
func bare(v any) any {
	if v = prune(v); v == "" {
		return nil
	}
	return v
}

// onUnknown is an operation on an unknown extension, or on one of its attributes, as one without a path, in which null
// takes away. Below that there is nothing to go by.
func (rt *ResourceType) onUnknown(kind patch.Kind, p *filter.Path, value any) (patch.Op, bool) {
	if !rt.Tree.IsOpen() {
		return patch.Op{}, false
	}
	name, ok := p.Schema()
	if !ok || !rt.Tree.Keeps(name) {
		return patch.Op{}, false
	}
	if kind == patch.Remove {
		kind, value = patch.Replace, nil
	}
	urn := name
	if !rt.isWhole(name, value) {
		urn, value = p.URN, map[string]any{p.Name: bare(value)}
	}
	if _, isObject := value.(map[string]any); !isObject && value != nil {
		return patch.Op{}, false
	}
	return patch.Op{Kind: kind, Value: map[string]any{urn: value}}, true
}

// conform is what of a resource, as the pool has it, the definitions allow: they may have changed since it was written, or
// somebody has written there who knows none. What is left out goes from the pool with the next change of the resource.
func (rt *ResourceType) conform(rest map[string]any) map[string]any {
	out := make(map[string]any, len(rest))
	for name, v := range rest {
		if urn, ok := rt.Tree.Extension(name); ok {
			if extension := rt.conforming(urn, v); len(extension) > 0 {
				out[urn] = extension
			}
			continue
		}
		if a := rt.Tree.Lookup("", name); a != nil {
			if c, err := whole.value(a, v); err == nil && c != nil {
				out[a.Name] = c
			}
			continue
		}
		if c, ok := whole.untyped(v); rt.Tree.Keeps(name) && ok && c != nil {
			out[name] = c
		}
	}
	return out
}

func (rt *ResourceType) conforming(urn string, v any) map[string]any {
	out := map[string]any{}
	object, _ := v.(map[string]any)
	for name, v := range object {
		a := rt.Tree.Lookup(urn, name)
		if a == nil {
			continue
		}
		if c, err := whole.value(a, v); err == nil && c != nil {
			out[a.Name] = c
		}
	}
	return out
}

// isWhole reports whether a URN with this value stands for an unknown extension as a whole, rather than for one of its
// attributes: it ends like those of all extensions, or else its value is an object.
func (rt *ResourceType) isWhole(urn string, v any) bool {
	last := urn[strings.LastIndexByte(urn, ':')+1:]
	_, isObject := v.(map[string]any)
	return strings.EqualFold(last, rt.Name) || isObject && !strings.EqualFold(parent(urn), rt.Name)
}

// parent is the last but one part of a URN.
func parent(urn string) string {
	urn = urn[:max(0, strings.LastIndexByte(urn, ':'))]
	return urn[strings.LastIndexByte(urn, ':')+1:]
}
