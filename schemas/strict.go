package schemas

import (
	"fmt"
	"slices"
	"strings"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

// Dialect is one way to say something that the RFCs refuse and identity providers say all the same. A strict connection
// refuses all of them; docs/divergences.md names for each the section and who forces it.
type Dialect string

// The dialects: all there are.
const (
	BareToken              Dialect = "bareToken"
	LooseSchemas           Dialect = "looseSchemas"
	UndefinedAttributes    Dialect = "undefinedAttributes"
	UndefinedPaths         Dialect = "undefinedPaths"
	WordForBoolean         Dialect = "wordForBoolean"
	ListForSingle          Dialect = "listForSingle"
	SingleForList          Dialect = "singleForList"
	TextForReference       Dialect = "textForReference"
	OpInAnyCase            Dialect = "opInAnyCase"
	PathsAsKeys            Dialect = "pathsAsKeys"
	ReadOnlyInPatch        Dialect = "readOnlyInPatch"
	ValuePathCreates       Dialect = "valuePathCreates"
	RemoveWithValue        Dialect = "removeWithValue"
	RemoveOfNothing        Dialect = "removeOfNothing"
	BareExtensionAttribute Dialect = "bareExtensionAttribute"
	UnquotedText           Dialect = "unquotedText"
	QuotedBoolean          Dialect = "quotedBoolean"
	SubAfterValueFilter    Dialect = "subAfterValueFilter"
	TimeWithoutZone        Dialect = "timeWithoutZone"
)

// Dialects are all dialects.
var Dialects = []Dialect{
	BareToken, LooseSchemas, UndefinedAttributes, UndefinedPaths, WordForBoolean, ListForSingle, SingleForList, TextForReference,
	OpInAnyCase, PathsAsKeys, ReadOnlyInPatch, ValuePathCreates, RemoveWithValue, RemoveOfNothing, BareExtensionAttribute,
	UnquotedText, QuotedBoolean, SubAfterValueFilter, TimeWithoutZone,
}

// Strict returns the resource type whose Decode and DecodePatch refuse every dialect.
func (rt *ResourceType) Strict() *ResourceType {
	strict := *rt
	strict.strict = true
	return &strict
}

// speaks reports whether a dialect is understood. That it is any or none is so in one place.
func (rt *ResourceType) speaks(Dialect) bool { return !rt.strict }

func (rd reader) speaks(Dialect) bool { return !rd.strict }

// reading is the reader of a request's body.
func (rt *ResourceType) reading(rd reader) reader {
	rd.strict = rt.strict
	return rd
}

func undefined(name string) error {
	return invalidSyntax("%.128q is not defined here; /Schemas says what is", name)
}

// checkSchemas holds the schemas of a request's body to RFC 7643 section 3: the base schema, and only such as there are.
func (rt *ResourceType) checkSchemas(object map[string]any) error {
	if rt.speaks(LooseSchemas) {
		return nil
	}
	list, _ := attribute.Member(object, "schemas").([]any)
	var urns []string
	for _, e := range list {
		urn, ok := e.(string)
		_, extension := rt.Tree.Extension(urn)
		if !ok || !extension && !strings.EqualFold(urn, rt.Tree.Schema()) && !rt.Tree.Keeps(urn) {
			return invalidSyntax("schemas holds %.128q, which no %s has (RFC 7643 section 3)", fmt.Sprint(e), rt.Name)
		}
		urns = append(urns, strings.ToLower(urn))
	}
	if !slices.Contains(urns, strings.ToLower(rt.Tree.Schema())) {
		return invalidSyntax("schemas must hold %s (RFC 7643 section 3)", rt.Tree.Schema())
	}
	return nil
}

const patchURN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// checkPatchSchemas is checkSchemas for a PATCH (RFC 7644 section 3.5.2).
func (rt *ResourceType) checkPatchSchemas(object map[string]any) error {
	list, _ := attribute.Member(object, "schemas").([]any)
	if !rt.speaks(LooseSchemas) && !(len(list) == 1 && list[0] == patchURN) {
		return invalidSyntax("schemas must be [%q] (RFC 7644 section 3.5.2)", patchURN)
	}
	return nil
}

// mustSelect reports whether an operation is refused when its value path selects nothing.
func (rt *ResourceType) mustSelect(kind patch.Kind) bool {
	switch kind {
	case patch.Replace:
		return !rt.speaks(ValuePathCreates)
	case patch.Remove:
		return !rt.speaks(RemoveOfNothing)
	}
	return false
}

// checkPath refuses in a PATCH's path what RFC 7644 section 3.5.2 does not know.
func (rt *ResourceType) checkPath(kind patch.Kind, p *filter.Path, a *attribute.Attribute, value any) error {
	switch {
	case a == nil && !rt.speaks(UndefinedPaths):
		return scim.ScimError{Status: 400, ScimType: scim.ScimTypeNoTarget, Detail: fmt.Sprintf("%.128q is not defined here; /Schemas says what is", p)}
	case a == nil:
		return nil
	case p.URN == "" && a.Extension() != "" && !rt.speaks(BareExtensionAttribute):
		return scim.ScimError{Status: 400, ScimType: scim.ScimTypeNoTarget,
			Detail: fmt.Sprintf("%q is an attribute of an extension: write %s (RFC 7644 section 3.10)", p, a.Path())}
	case kind == patch.Remove && value != nil && !rt.speaks(RemoveWithValue):
		return invalidValue("remove takes no value: select values by a filter in the path, such as %s[value eq \"…\"]", a.Name)
	}
	return nil
}
