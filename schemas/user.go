package schemas

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// PoolUser is a user as the pool holds it, in Cognito's own terms.
type PoolUser struct {
	Username   string
	Sub        string
	Enabled    bool
	Attributes map[string]string // by full name, "custom:scim" included; an attribute that is not set is absent or ""
}

// ToCognito returns the attributes that hold r, by full Cognito name, and the SCIM attributes that found no room. An
// attribute missing from the result must be unset in the pool. username is the user's name in the pool, which may
// differ from r's userName. The overflow is always among the attributes: it is also our marker.
func (m *Mapping) ToCognito(r Resource, username string) (attributes map[string]string, dropped []string) {
	rest := deepCopy(map[string]any(r)).(map[string]any)
	for _, name := range unmapped {
		delete(rest, name)
	}
	attributes = map[string]string{}
	userName := r.String("userName")
	login := m.Login(userName)
	if login != "" {
		attributes[login] = userName
	}
	for _, row := range m.rows {
		if row.cognito == login {
			row.share(rest, userName)
			continue
		}
		if text, ok := row.take(rest, func(s string) bool { return m.accepts(row.cognito, s) }); ok {
			attributes[row.cognito] = text
		}
	}
	if userName != m.nameInPool(username, attributes) || userName != strings.ToLower(userName) {
		rest["userName"] = userName // a pool that is not case-sensitive returns its names in lower case
	}
	for _, name := range flattened {
		if text := attributes[name]; login != name && text != strings.ToLower(text) {
			rest[name] = text
		}
	}
	parts, dropped := pack(rest)
	for name, part := range parts {
		attributes[name] = part
	}
	return attributes, dropped
}

// FromCognito returns the user in SCIM form, and whether it carries our marker.
func (m *Mapping) FromCognito(u PoolUser) (r Resource, managed bool) {
	rest, managed := unpack(u.Attributes)
	sent := map[string]string{}
	for _, name := range flattened {
		sent[name], _ = rest[name].(string)
		delete(rest, name)
	}
	stored, _ := rest["userName"].(string)
	userName := m.userName(stored, u)
	login := m.Login(cmp.Or(stored, userName)) // as it was when it was written
	for _, row := range m.rows {
		text := u.Attributes[row.cognito]
		if row.cognito == login && flattens(userName, text) {
			row.unshare(rest, userName, managed)
			continue
		}
		if flattens(sent[row.cognito], text) {
			text = sent[row.cognito]
		}
		row.restore(rest, text, managed)
	}
	for _, row := range m.rows {
		row.forget(rest)
	}
	rest = m.users.conform(rest)
	rest["id"] = u.Sub
	rest["active"] = u.Enabled
	rest["userName"] = userName
	return Resource(rest), managed
}

// Wrote reports whether attributes, as the pool holds them, are just what ToCognito makes of r: nobody else's, and of no
// earlier mapping.
func (m *Mapping) Wrote(r Resource, username string, attributes map[string]string) bool {
	want, _ := m.ToCognito(r, username)
	for _, name := range append(m.Cognito(), OverflowNames()...) {
		if attributes[name] != want[name] && !(slices.Contains(flattened, name) && flattens(want[name], attributes[name])) {
			return false
		}
	}
	return true
}

// take moves the row's value out of rest when Cognito accepts it. Of a multi-valued attribute's element only the value
// moves: null stays in its place, to which restore returns it.
func (row mapped) take(rest map[string]any, accepts func(string) bool) (string, bool) {
	holder, name := row.holder(rest, false)
	if holder == nil {
		return "", false
	}
	if !row.top.MultiValued {
		text, ok := textOf(holder[name])
		if !ok || !accepts(text) {
			return "", false
		}
		delete(holder, name)
		row.tidy(rest)
		return text, true
	}
	elements, _ := holder[name].([]any)
	for _, object := range row.candidates(elements) {
		text, ok := textOf(object[row.sub.Name])
		if !ok || !accepts(text) {
			continue
		}
		object[row.sub.Name] = nil
		if len(elements) == 1 && len(object) == 1 && row.where == nil {
			delete(holder, name)
			row.tidy(rest)
		}
		return text, true
	}
	return "", false
}

// candidates are the elements whose value the row may take, the primary one first.
func (row mapped) candidates(elements []any) []map[string]any {
	var out []map[string]any
	for _, e := range elements {
		object, ok := e.(map[string]any)
		switch {
		case !ok || row.where != nil && !row.where.Match(object):
		case row.where == nil && object["primary"] == true:
			out = append([]map[string]any{object}, out...)
		default:
			out = append(out, object)
		}
	}
	return out
}

// restore is take's reverse. text "" means that the pool has no value.
func (row mapped) restore(rest map[string]any, text string, managed bool) {
	holder, name := row.holder(rest, text != "")
	if holder == nil {
		return
	}
	if !row.top.MultiValued {
		if text != "" {
			holder[name] = valueOf(row.leaf(), text)
		}
		return
	}
	elements, _ := holder[name].([]any)
	if text == "" {
		return
	}
	if object := row.waiting(elements); object != nil {
		object[row.sub.Name] = valueOf(row.sub, text)
		return
	}
	if row.where != nil {
		return
	}
	element := map[string]any{row.sub.Name: text}
	if !managed && row.top.Lookup("primary") != nil {
		element["primary"] = true // nobody said which is; there is no other
	}
	holder[name] = append(elements, element)
}

// waiting returns the element from which take has moved the value: of those without one, the first that the row's filter
// matches, since rows restore in the order in which they take.
func (row mapped) waiting(elements []any) map[string]any {
	for _, e := range elements {
		object, _ := e.(map[string]any)
		if v, waits := object[row.sub.Name]; waits && v == nil && (row.where == nil || row.where.Match(object)) {
			return object
		}
	}
	return nil
}

// forget removes the elements that still wait when all rows have restored: somebody has removed their values from the pool.
func (row mapped) forget(rest map[string]any) {
	holder, name := row.holder(rest, false)
	elements, ok := holder[name].([]any)
	if !row.top.MultiValued || !ok {
		return
	}
	elements = slices.DeleteFunc(elements, func(e any) bool {
		object, _ := e.(map[string]any)
		v, waits := object[row.sub.Name]
		return waits && v == nil
	})
	if holder[name] = elements; len(elements) == 0 {
		delete(holder, name)
	}
}

func (row mapped) leaf() *attribute.Attribute {
	if row.sub != nil {
		return row.sub
	}
	return row.top
}

// holder returns the object in which the row's leaf (of a multi-valued attribute: the list) stands, and its key. It is
// nil when there is no such object and make is false.
func (row mapped) holder(rest map[string]any, make bool) (map[string]any, string) {
	object := rest
	if urn := row.top.Extension(); urn != "" {
		if object = child(object, urn, make); object == nil {
			return nil, ""
		}
	}
	if row.sub == nil || row.top.MultiValued {
		return object, row.top.Name
	}
	return child(object, row.top.Name, make), row.sub.Name
}

func child(object map[string]any, name string, make bool) map[string]any {
	c, ok := object[name].(map[string]any)
	if !ok && make {
		c = map[string]any{}
		object[name] = c
	}
	return c
}

// tidy removes what take has emptied.
func (row mapped) tidy(rest map[string]any) {
	object := rest
	if urn := row.top.Extension(); urn != "" {
		defer func() {
			if len(object) == 0 {
				delete(rest, urn)
			}
		}()
		object, _ = rest[urn].(map[string]any)
	}
	if c, ok := object[row.top.Name].(map[string]any); ok && len(c) == 0 {
		delete(object, row.top.Name)
	}
}

func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}

// valueOf is textOf's reverse. A text that can be no value of the attribute stays a text, which conform leaves out.
func valueOf(a *attribute.Attribute, text string) any {
	number := a.Type == attribute.Decimal || a.Type == attribute.Integer
	switch {
	case a.Type == attribute.Boolean && (text == "true" || text == "false"):
		return text == "true"
	case number && json.Valid([]byte(text)) && strings.ContainsAny(text[:1], "-0123456789"):
		return json.Number(text)
	}
	return text
}

func deepCopy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			out[name] = deepCopy(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = deepCopy(e)
		}
		return out
	}
	return v
}
