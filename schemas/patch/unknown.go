package patch

import (
	"maps"
	"strings"
)

// unknown merges an object into an extension of which there are no definitions: attribute by attribute, and for add a list
// into a list. Null takes the extension, or one attribute, away.
func (d *document) unknown(kind Kind, urn string, v any) {
	for name := range d.root {
		if strings.EqualFold(name, urn) {
			urn = name
		}
	}
	current, _ := d.root[urn].(map[string]any)
	given, isObject := v.(map[string]any)
	if !isObject {
		if v == nil {
			delete(d.root, urn)
		}
		return
	}
	merged := map[string]any{}
	maps.Copy(merged, current)
	for name, v := range given {
		there := name
		for other := range merged {
			if strings.EqualFold(other, name) {
				there = other
			}
		}
		had, _ := merged[there].([]any)
		added, isList := v.([]any)
		switch {
		case v == nil:
			delete(merged, there)
		case kind == Add && isList && len(had) > 0:
			merged[there] = union(nil, had, added)
		default:
			merged[there] = v
		}
	}
	if d.root[urn] = merged; len(merged) == 0 {
		delete(d.root, urn)
	}
}
