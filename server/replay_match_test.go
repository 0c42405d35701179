package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// comparison finds the differences between what a transcript expects and what there is.
type comparison struct {
	names map[string]string // what {name} stands for; {=name} adds to it
	found []string          // the differences, each with its path
}

// differences compares got with the JSON text of what is expected.
func differences(names map[string]string, want string, got any) ([]string, error) {
	expected, err := decodedJSON(expand(want))
	if err != nil {
		return nil, fmt.Errorf("the transcript is not JSON: %w", err)
	}
	c := comparison{names: names}
	c.compare("", expected, got)
	return c.found, nil
}

func decodedJSON(text string) (v any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err = d.Decode(&v); err == nil && d.More() {
		err = fmt.Errorf("something follows at byte %d", d.InputOffset())
	}
	return v, err
}

func (c *comparison) differ(path string, got any, want string) {
	if path == "" {
		path = "the whole"
	}
	c.found = append(c.found, fmt.Sprintf("%s: got %s, want %s", strings.TrimPrefix(path, "."), shown(got), want))
}

const longest = 400

// shown is a value as JSON, cut where it becomes unreadable.
func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(text) > longest {
		return string(text[:longest]) + "…"
	}
	return string(text)
}

func (c *comparison) compare(path string, want, got any) {
	switch want := want.(type) {
	case map[string]any:
		object, ok := objectOf(got)
		if !ok {
			c.differ(path, got, "an object")
			return
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			c.member(path+"."+key, want[key], object, key)
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			c.differ(path, got, fmt.Sprintf("a list of %d", len(want)))
			return
		}
		if strings.HasSuffix(path, ".members") || strings.HasSuffix(path, ".groups") {
			want, list = c.byValue(want), c.byValue(list)
		}
		for i := range want {
			c.compare(fmt.Sprintf("%s[%d]", path, i), want[i], list[i])
		}
	case string:
		filled, unknown := fillIn(want, c.names)
		if len(unknown) > 0 {
			c.differ(path, got, strings.Join(unknown, ", ")+", but nothing is called so")
			return
		}
		c.text(path, filled, got)
	default:
		if want != got {
			c.differ(path, got, shown(want))
		}
	}
}

// byValue returns members or groups in the order of what their "value" stands for: the RFC gives such lists no order, and
// a user's place in them depends on when the server heard of the user.
func (c *comparison) byValue(list []any) []any {
	value := func(v any) string {
		object, _ := v.(map[string]any)
		text, _ := object["value"].(string)
		text, _ = fillIn(text, c.names)
		return text
	}
	return slices.SortedStableFunc(slices.Values(list), func(a, b any) int { return strings.Compare(value(a), value(b)) })
}

// objectOf returns the object that v is, or that its text is the JSON of.
func objectOf(v any) (map[string]any, bool) {
	if text, ok := v.(string); ok {
		decoded, err := decodedJSON(text)
		if err != nil {
			return nil, false
		}
		v = decoded
	}
	object, ok := v.(map[string]any)
	return object, ok
}

func (c *comparison) member(path string, want any, object map[string]any, key string) {
	got, there := object[key]
	switch {
	case want == "(absent)" && there:
		c.differ(path, got, "it absent")
	case want == "(absent)":
	case !there:
		c.found = append(c.found, fmt.Sprintf("%s: got nothing, want %s", strings.TrimPrefix(path, "."), shown(want)))
	default:
		c.compare(path, want, got)
	}
}

// text compares with a string, which may be a pattern.
func (c *comparison) text(path, want string, got any) {
	text, isText := got.(string)
	switch {
	case want == "...":
	case want == "(integer)":
		if n, ok := got.(json.Number); !ok || strings.ContainsAny(n.String(), ".eE") {
			c.differ(path, got, "a whole number")
		}
	case strings.HasPrefix(want, "{=") && strings.HasSuffix(want, "}"):
		c.capture(path, want[2:len(want)-1], got)
	case !isText || !fits(want, text):
		c.differ(path, got, shown(want))
	}
}

// capture gives got a name. Ids are unique, so nothing may be called by two names.
func (c *comparison) capture(path, name string, got any) {
	text, ok := got.(string)
	if !ok || text == "" {
		c.differ(path, got, "a text to be called {"+name+"}")
		return
	}
	for other, v := range c.names {
		if v == text && other != name {
			c.differ(path, got, "a text of its own: this one is {"+other+"}")
		}
	}
	c.names[name] = text
}

// fits reports whether text is the pattern, in which "..." stands for any text.
func fits(pattern, text string) bool {
	if !strings.Contains(pattern, "...") {
		return pattern == text
	}
	quoted := strings.Split(pattern, "...")
	for i := range quoted {
		quoted[i] = regexp.QuoteMeta(quoted[i])
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(quoted, ".*") + `$`).MatchString(text)
}

// laidOver is a JSON merge patch (RFC 7396).
func laidOver(under, over any) any {
	patch, ok := over.(map[string]any)
	if !ok {
		return over
	}
	object, ok := under.(map[string]any)
	if !ok {
		object = nil
	}
	merged := map[string]any{}
	maps.Copy(merged, object)
	for name, v := range patch {
		if v == nil {
			delete(merged, name)
		} else {
			merged[name] = laidOver(merged[name], v)
		}
	}
	return merged
}
