package schemas

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Overflow is the custom attribute that marks a user as managed and holds, as compact JSON, what has no Cognito
// attribute of its own. OverflowNames are all its parts: each holds up to MaxValue bytes of the one text.
const Overflow = "custom:scim"

// OverflowNames are the names of the overflow's parts, in order.
func OverflowNames() []string { return []string{Overflow, Overflow + "_2", Overflow + "_3"} }

// shortNames save room in the overflow.
var shortNames = map[string]string{EnterpriseURN: "enterprise"}

// pack writes rest into the overflow's parts. What does not fit is dropped, the largest attribute first, userName last,
// and named in dropped. Every part has an entry; "" means that it must be unset.
func pack(rest map[string]any) (parts map[string]string, dropped []string) {
	short := map[string]any{}
	for name, v := range rest {
		if s, ok := shortNames[name]; ok {
			name = s
		}
		short[name] = v
	}
	for {
		if chunks, ok := split(compact(short), len(OverflowNames())); ok {
			parts = map[string]string{}
			for i, name := range OverflowNames() {
				if chunks[i] != "" {
					parts[name] = chunks[i]
				}
			}
			slices.Sort(dropped)
			return parts, dropped
		}
		name := cmp.Or(largest(short), "userName")
		delete(short, name)
		dropped = append(dropped, long(name))
	}
}

func largest(object map[string]any) string {
	var name string
	size := -1
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if n := len(compact(object[key])); key != "userName" && n > size {
			name, size = key, n
		}
	}
	return name
}

// split cuts text into n parts of at most MaxValue bytes, between characters.
func split(text string, n int) ([]string, bool) {
	chunks := make([]string, n)
	for i := range chunks {
		end := min(len(text), MaxValue)
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end--
		}
		chunks[i], text = text[:end], text[end:]
	}
	return chunks, text == ""
}

// unpack reads the overflow. A text that is not ours to read (somebody edited it) is treated as empty: the typed
// attributes still tell who the user is, and the next write repairs it.
func unpack(attributes map[string]string) (rest map[string]any, managed bool) {
	var text strings.Builder
	for _, name := range OverflowNames() {
		text.WriteString(attributes[name])
	}
	short, ok := decodeObject(text.String())
	if !ok {
		return map[string]any{}, attributes[Overflow] != ""
	}
	for name, s := range shortNames {
		if v, ok := short[s]; ok {
			delete(short, s)
			short[name] = v
		}
	}
	return short, true
}

func long(name string) string {
	for urn, s := range shortNames {
		if s == name {
			return urn
		}
	}
	return name
}

// compact is JSON without spaces and without HTML's escapes, keys in order: equal values are equal texts.
func compact(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("schemas: a canonical value that JSON cannot hold: " + err.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func decodeObject(text string) (map[string]any, bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var object map[string]any
	if d.Decode(&object) != nil || object == nil || d.More() {
		return nil, false
	}
	return object, true
}

// JSON returns the resource as compact JSON, keys in order, as the store keeps it.
func (r Resource) JSON() []byte { return []byte(compact(map[string]any(r))) }

// ParseJSON reads what Resource.JSON wrote.
func ParseJSON(b []byte) (Resource, bool) {
	object, ok := decodeObject(string(b))
	return Resource(object), ok
}
