package config

import (
	"fmt"
	"regexp"
	"strings"
)

// Schema is a schema extension of users (RFC 7643 section 3.3), in the words of section 7: what stands at an identity
// provider's /Schemas can be copied.
type Schema struct {
	// ID is the extension's URN, such as urn:ietf:params:scim:schemas:extension:acme:2.0:User: the External namespace of an
	// attribute in Okta, what stands before the attribute's name in Entra ID's target attributes. No two schemas share one.
	ID string `json:"id" validate:"extension"`

	// Name is what people call it.
	Name string `json:"name" validate:"omitempty,max=256"`

	// Description is for people, too.
	Description string `json:"description" validate:"omitempty,max=1000"`

	// ResourceType says what is extended. Only users have room for more attributes in Cognito.
	ResourceType string `json:"resourceType" default:"User" validate:"oneof=User"`

	// Attributes are the extension's, at least one.
	Attributes []SchemaAttribute `json:"attributes" validate:"min=1,dive"`
}

// SchemaAttribute is one attribute of a Schema, or a sub-attribute.
type SchemaAttribute struct {
	// Name is a letter and then letters, digits, dashes or underscores. Names are without case.
	Name string `json:"name" validate:"attrname"`

	// Type is the type of one value; complex is an object of SubAttributes.
	Type string `json:"type" default:"string" validate:"oneof=string boolean decimal integer dateTime reference binary complex"`

	// MultiValued makes it a list.
	MultiValued bool `json:"multiValued" default:"false"`

	// Required refuses a user who has the extension without it.
	Required bool `json:"required" default:"false"`

	// CanonicalValues are suggestions for a string, for people and for identity providers; others are accepted.
	CanonicalValues []string `json:"canonicalValues" validate:"dive,required"`

	// CaseExact says that strings which differ in case are different ones to filters.
	CaseExact bool `json:"caseExact" default:"false"`

	// Mutability: an immutable attribute can be set once, a writeOnly one is never returned. Nobody could set a readOnly one.
	Mutability string `json:"mutability" default:"readWrite" validate:"oneof=readWrite immutable writeOnly"`

	// Returned says when answers hold it: always, never, unless they are restricted, or only on request.
	Returned string `json:"returned" default:"default" validate:"oneof=default always never request"`

	// Uniqueness is not enforced, so that nothing else may be promised.
	Uniqueness string `json:"uniqueness" default:"none" validate:"oneof=none"`

	// ReferenceTypes say what a reference may name: resource types, external or uri.
	ReferenceTypes []string `json:"referenceTypes" validate:"dive,required"`

	// Description is for people.
	Description string `json:"description" validate:"omitempty,max=1000"`

	// SubAttributes are those of a complex attribute, at least one; they have none themselves.
	SubAttributes []SchemaAttribute `json:"subAttributes" validate:"dive"`
}

var (
	extensionForm = regexp.MustCompile(`^[Uu][Rr][Nn]:[A-Za-z0-9][A-Za-z0-9-]{0,31}(:[A-Za-z0-9._~+=@$!*'-]+)+$`)
	attributeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`) // RFC 7643 section 2.1
)

// reserved are the URNs of which every schema that RFC 7643, RFC 7644 or Okta define is made.
var reserved = []string{
	"urn:ietf:params:scim:api:", "urn:ietf:params:scim:schemas:core:", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user",
	"urn:okta:scim:schemas:core:",
}

func isExtension(s string) bool {
	for _, prefix := range reserved {
		if strings.HasPrefix(strings.ToLower(s), prefix) {
			return false
		}
	}
	return len(s) <= 256 && extensionForm.MatchString(s)
}

// schemaProblems are what no single key of the schemas shows.
func (c *Config) schemaProblems(report reporter) {
	ids := make([]string, len(c.Schemas))
	for i, s := range c.Schemas {
		ids[i] = strings.ToLower(s.ID)
		for j, other := range ids[:i] {
			switch {
			case ids[i] == "" || other == "":
			case ids[i] == other:
				report("schemas[%d].id: %q is the id of schemas[%d], too", i, s.ID, j)
			case strings.HasPrefix(ids[i]+":", other+":") || strings.HasPrefix(other+":", ids[i]+":"):
				report("schemas[%d].id: %q and the id of schemas[%d], %q, begin alike, so that one could be an attribute of the other", i, s.ID, j, c.Schemas[j].ID)
			}
		}
		attributeProblems(fmt.Sprintf("schemas[%d].attributes", i), s.Attributes, report)
	}
}

func attributeProblems(here string, all []SchemaAttribute, report reporter) {
	for i, first := range repeats(len(all), func(i int) string { return strings.ToLower(all[i].Name) }) {
		report("%s[%d].name: %q is the name of %s[%d], too; names are without case", here, i, all[i].Name, here, first)
	}
	for i, a := range all {
		at := fmt.Sprintf("%s[%d]", here, i)
		a.problems(at, report)
		for j, sub := range a.SubAttributes {
			at := fmt.Sprintf("%s.subAttributes[%d]", at, j)
			if sub.Type == "complex" || len(sub.SubAttributes) > 0 {
				report("%s.type: a sub-attribute cannot be complex (RFC 7643 section 2.3.8)", at)
			}
			if sub.Mutability != "readWrite" {
				report("%s.mutability: only whole attributes can be %s", at, sub.Mutability)
			}
		}
		attributeProblems(at+".subAttributes", a.SubAttributes, report)
	}
}

// problems are what the keys of one attribute say in contradiction.
func (a SchemaAttribute) problems(at string, report reporter) {
	if a.Type == "complex" && len(a.SubAttributes) == 0 {
		report("%s.subAttributes: is empty; a complex attribute has at least one", at)
	}
	if a.Type != "complex" && len(a.SubAttributes) > 0 {
		report("%s.subAttributes: only a complex attribute has them; the type here is %s", at, a.Type)
	}
	if a.Type != "string" && len(a.CanonicalValues) > 0 {
		report("%s.canonicalValues: only strings have them; the type here is %s", at, a.Type)
	}
	if a.Type != "string" && a.CaseExact {
		report("%s.caseExact: is said of strings only; the type here is %s", at, a.Type)
	}
	if a.Type != "reference" && len(a.ReferenceTypes) > 0 {
		report("%s.referenceTypes: only a reference has them; the type here is %s", at, a.Type)
	}
	if a.Mutability == "writeOnly" && a.Returned != "never" {
		report(`%s.returned: is %q; a writeOnly attribute is returned "never" (RFC 7643 section 7)`, at, a.Returned)
	}
}
