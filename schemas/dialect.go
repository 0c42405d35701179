package schemas

import (
	"strings"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// valueDialects are the ways in which identity providers write a value differently from RFC 7643, each translated into
// the canonical form before the value is checked. A new quirk is one function here and one transcript.
var valueDialects = []struct {
	name      Dialect
	translate func(*attribute.Attribute, any) any
}{
	{ListForSingle, listForSingle},
	{WordForBoolean, wordForBoolean},
	{SingleForList, singleForList},
	{TextForReference, textForReference},
}

// wordForBoolean: Entra ID sends "True" and "False" as strings unless its aadOptscim062020 flag is set.
func wordForBoolean(a *attribute.Attribute, v any) any {
	s, ok := v.(string)
	if a.Type != attribute.Boolean || !ok {
		return v
	}
	switch {
	case strings.EqualFold(s, "true"):
		return true
	case strings.EqualFold(s, "false"):
		return false
	case s == "":
		return nil
	}
	return v
}

// listForSingle: Entra ID sends manager as [{"$ref":"…","value":"…"}].
func listForSingle(a *attribute.Attribute, v any) any {
	list, ok := v.([]any)
	if a.MultiValued || !ok {
		return v
	}
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return v
}

// singleForList: a lone value stands for a list of one.
func singleForList(a *attribute.Attribute, v any) any {
	if !a.MultiValued || v == nil {
		return v
	}
	if _, ok := v.([]any); ok {
		return v
	}
	return []any{v}
}

// textForReference: Entra ID sends manager as "271" and others members as bare ids: the string is the `value`
// sub-attribute, which is what RFC 7643 section 2.4 makes the default. Of a single value it is all there is: "" is none,
// and a $ref that went with another value does not stay.
func textForReference(a *attribute.Attribute, v any) any {
	if a.Type != attribute.Complex || a.Lookup("value") == nil {
		return v
	}
	if !a.MultiValued {
		return onlyValue(a, v)
	}
	list, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]any, len(list))
	for i, e := range list {
		out[i] = wrapped(e)
	}
	return out
}

func onlyValue(a *attribute.Attribute, v any) any {
	s, ok := v.(string)
	switch {
	case !ok:
		return v
	case s == "":
		return nil
	}
	object := map[string]any{}
	for _, sub := range a.Sub {
		object[sub.Name] = nil
	}
	object["value"] = s
	return object
}

func wrapped(v any) any {
	if s, ok := v.(string); ok {
		return map[string]any{"value": s}
	}
	return v
}
