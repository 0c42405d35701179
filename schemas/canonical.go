package schemas

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// Decode turns the decoded JSON body (numbers as json.Number) of a POST or PUT into a canonical resource: dialects are
// translated, names take their canonical spelling, values are checked against the definitions, what only the server
// sets (RFC 7643 section 7, readOnly) is dropped. ignored names the attributes that are not defined here: they are left
// out and never an error, since an identity provider sends what its admin once mapped. Errors are scim.ScimError.
func (rt *ResourceType) Decode(body any) (r Resource, ignored []string, err error) {
	object, ok := body.(map[string]any)
	if !ok {
		return nil, nil, invalidSyntax("the request body must be a JSON object holding one %s, not %s", rt.Name, kindOf(body))
	}
	if err := rt.checkSchemas(object); err != nil {
		return nil, nil, err
	}
	r, ignored, err = rt.reading(whole).object(rt, object)
	if err != nil {
		return nil, ignored, err
	}
	return r, ignored, rt.check(r, nil)
}

// Settle brings what a PATCH has made of a resource, was, back into canonical form, what has become empty removed, and
// checks it as a whole.
func (rt *ResourceType) Settle(was, r Resource) (Resource, error) {
	settled, _, err := change.object(rt, r)
	if err != nil {
		return nil, err
	}
	settled, _ = prune(map[string]any(settled)).(map[string]any)
	return settled, rt.check(settled, was)
}

// prune removes what is null or empty, all the way down; nil when nothing is left.
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			if e = prune(e); e != nil {
				out[name] = e
			}
		}
		if len(out) > 0 {
			return out
		}
		return nil
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			if e = prune(e); e != nil {
				out = append(out, e)
			}
		}
		if len(out) > 0 {
			return out
		}
		return nil
	}
	return v
}

// reader canonicalises values. A whole resource leaves out what is unassigned and what only the server sets; a change
// keeps both, since null says "remove" (RFC 7644 section 3.5.2.3) and the rule about readOnly attributes is PATCH's.
type reader struct{ change, strict bool }

var whole, change = reader{}, reader{change: true}

// object canonicalises the top level of a resource, or of a PATCH operation's path-less value.
func (rd reader) object(rt *ResourceType, object map[string]any) (Resource, []string, error) {
	r := Resource{}
	var ignored []string
	for _, key := range slices.Sorted(maps.Keys(object)) {
		v := object[key]
		if urn, ok := rt.Tree.Extension(key); ok {
			extension, more, err := rd.extension(rt, urn, v)
			if err != nil {
				return nil, ignored, err
			}
			ignored = append(ignored, more...)
			rd.put(r, urn, extension)
			continue
		}
		if rt.Tree.Keeps(key) {
			if c, ok := rd.untyped(v); ok {
				rd.put(r, key, c)
				continue
			}
		}
		a := rt.Tree.Lookup("", key)
		if a == nil && !rd.speaks(UndefinedAttributes) {
			return nil, ignored, undefined(key)
		}
		if a == nil {
			ignored = append(ignored, key)
			continue
		}
		if err := rd.attribute(r, a, v); err != nil {
			return nil, ignored, err
		}
	}
	return r, ignored, nil
}

// extension canonicalises the object under an extension's URN.
func (rd reader) extension(rt *ResourceType, urn string, v any) (any, []string, error) {
	if v == nil {
		return nil, nil, nil
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, nil, invalidValue("%s must be a JSON object, not %s", urn, kindOf(v))
	}
	out := map[string]any{}
	var ignored []string
	for _, key := range slices.Sorted(maps.Keys(object)) {
		a := rt.Tree.Lookup(urn, key)
		if a == nil && !rd.speaks(UndefinedAttributes) {
			return nil, ignored, undefined(urn + ":" + key)
		}
		if a == nil {
			ignored = append(ignored, urn+":"+key)
			continue
		}
		if err := rd.attribute(out, a, object[key]); err != nil {
			return nil, ignored, err
		}
	}
	if len(out) == 0 {
		return nil, ignored, nil
	}
	return out, ignored, nil
}

// attribute puts one attribute's canonical value into out.
func (rd reader) attribute(out map[string]any, a *attribute.Attribute, v any) error {
	if a.Mutability == attribute.ReadOnly {
		if rd.change && !rd.speaks(ReadOnlyInPatch) {
			return scim.ScimError{Status: 400, ScimType: scim.ScimTypeMutability, Detail: a.Path() + " is readOnly"}
		}
		if rd.change {
			out[a.Name] = v
		}
		return nil
	}
	c, err := rd.value(a, v)
	if err != nil {
		return err
	}
	rd.put(out, a.Name, c)
	return nil
}

func (rd reader) put(out map[string]any, name string, v any) {
	if v != nil || rd.change {
		out[name] = v
	}
}

// value returns the canonical value of one attribute, nil when it is unassigned, or a scim.ScimError that names the
// attribute, the kind of value that came and the rule.
func (rd reader) value(a *attribute.Attribute, v any) (any, error) {
	for _, d := range valueDialects {
		if rd.speaks(d.name) {
			v = d.translate(a, v)
		}
	}
	if v == nil {
		return nil, nil
	}
	if !a.MultiValued {
		return rd.element(a, v)
	}
	list, ok := v.([]any)
	if !ok {
		return nil, invalidValue("%s must be a list, not %s", a.Path(), kindOf(v))
	}
	out := make([]any, 0, len(list))
	for _, e := range list {
		c, err := reader{strict: rd.strict}.element(a, e)
		if err != nil {
			return nil, err
		}
		if c != nil && !hollow(a, c) {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// hollow reports an element that says what kind of value it is but has none: {"type":"work"}.
func hollow(a *attribute.Attribute, v any) bool {
	m, ok := v.(map[string]any)
	if !ok || a.Lookup("value") == nil {
		return false
	}
	for name := range m {
		if name != "type" && name != "primary" {
			return false
		}
	}
	return true
}

// element canonicalises a single value, or one value of a multi-valued attribute.
func (rd reader) element(a *attribute.Attribute, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if a.Type != attribute.Complex {
		return simple(a, v)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, invalidValue("%s must be a JSON object, not %s", a.Path(), kindOf(v))
	}
	out := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		sub := a.Lookup(key)
		if sub == nil && !rd.speaks(UndefinedAttributes) {
			return nil, undefined(a.Path() + "." + key)
		}
		if sub == nil || sub.Mutability == attribute.ReadOnly {
			continue
		}
		c, err := rd.value(sub, object[key])
		if err != nil {
			return nil, err
		}
		rd.put(out, sub.Name, c)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// simple checks one value of a simple type (RFC 7643 section 2.3).
func simple(a *attribute.Attribute, v any) (any, error) {
	switch a.Type {
	case attribute.Boolean:
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case attribute.Decimal, attribute.Integer:
		if n, ok := v.(json.Number); ok && (a.Type == attribute.Decimal || !strings.ContainsAny(n.String(), ".eE")) {
			return n, nil
		}
	default:
		s, ok := v.(string)
		if !ok {
			break
		}
		if s == "" {
			return nil, nil
		}
		if rule := textRule(a.Type, s); rule != "" {
			return nil, invalidValue("%s %s", a.Path(), rule)
		}
		return s, nil
	}
	return nil, invalidValue("%s must be %s, not %s", a.Path(), article(a.Type), kindOf(v))
}

// textRule says which rule a string breaks, "" for none.
func textRule(t attribute.Type, s string) string {
	switch {
	case strings.ContainsRune(s, 0):
		return "must not contain the NUL character"
	case t == attribute.DateTime:
		if _, err := time.Parse(time.RFC3339Nano, s); err != nil {
			return "must be a date and time such as 2026-01-31T08:00:00Z (RFC 7643 section 2.3.5)"
		}
	case t == attribute.Binary:
		if _, err := base64.StdEncoding.DecodeString(s); err != nil {
			return "must be base64 (RFC 7643 section 2.3.6)"
		}
	}
	return ""
}

func article(t attribute.Type) string {
	switch t {
	case attribute.Boolean:
		return "true or false"
	case attribute.Integer:
		return "a whole number"
	case attribute.Decimal:
		return "a number"
	default:
		return "a string"
	}
}

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return fmt.Sprintf("%T", v)
	}
}

func invalidValue(format string, args ...any) error {
	return scim.ScimError{Status: 400, ScimType: scim.ScimTypeInvalidValue, Detail: fmt.Sprintf(format, args...)}
}

func invalidSyntax(format string, args ...any) error {
	return scim.ScimError{Status: 400, ScimType: scim.ScimTypeInvalidSyntax, Detail: fmt.Sprintf(format, args...)}
}
