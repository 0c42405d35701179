package schemas

import (
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
)

// Extension is a schema extension of users that the configuration defines (RFC 7643 section 3.3), in the words of
// section 7.
type Extension struct {
	ID          string // its URN
	Name        string
	Description string
	Attributes  []Definition
}

// Definition is one attribute of an Extension. Its names must be as RFC 7643 section 2.1 has them, and no two of one
// object the same; only a complex attribute has sub-attributes, and these have none. Whoever reads the configuration sees
// to all of that.
type Definition struct {
	Name            string
	Type            string // of RFC 7643 section 2.3, such as "dateTime"; "" is "string"
	MultiValued     bool
	Required        bool // where the extension is there at all
	CaseExact       bool // of strings; references and binary values are anyway
	CanonicalValues []string
	Mutability      string // "" is "readWrite"
	Returned        string // "" is "default"
	ReferenceTypes  []string
	Description     string
	SubAttributes   []Definition
}

// schema is the extension in the form in which elimity has RFC 7643's own.
func (e Extension) schema() schema.Schema {
	s := schema.Schema{ID: e.ID, Name: optional.NewString(e.Name), Description: optional.NewString(e.Description)}
	for _, d := range e.Attributes {
		s.Attributes = append(s.Attributes, d.attribute())
	}
	return s
}

func (d Definition) attribute() schema.CoreAttribute {
	if d.Type != "complex" {
		return schema.SimpleCoreAttribute(d.simple())
	}
	params := schema.ComplexParams{
		Name: d.Name, Description: optional.NewString(d.Description), MultiValued: d.MultiValued, Required: d.Required,
		Mutability: mutability[d.Mutability], Returned: returned[d.Returned],
	}
	for _, sub := range d.SubAttributes {
		params.SubAttributes = append(params.SubAttributes, sub.simple())
	}
	return schema.ComplexCoreAttribute(params)
}

func (d Definition) simple() schema.SimpleParams {
	description, m, r := optional.NewString(d.Description), mutability[d.Mutability], returned[d.Returned]
	switch d.Type {
	case "boolean":
		return schema.SimpleBooleanParams(schema.BooleanParams{Name: d.Name, Description: description, MultiValued: d.MultiValued,
			Required: d.Required, Mutability: m, Returned: r})
	case "decimal", "integer":
		kind := schema.AttributeTypeDecimal()
		if d.Type == "integer" {
			kind = schema.AttributeTypeInteger()
		}
		return schema.SimpleNumberParams(schema.NumberParams{Name: d.Name, Description: description, MultiValued: d.MultiValued,
			Required: d.Required, Mutability: m, Returned: r, Type: kind})
	case "dateTime":
		return schema.SimpleDateTimeParams(schema.DateTimeParams{Name: d.Name, Description: description, MultiValued: d.MultiValued,
			Required: d.Required, Mutability: m, Returned: r})
	case "binary":
		return schema.SimpleBinaryParams(schema.BinaryParams{Name: d.Name, Description: description, MultiValued: d.MultiValued,
			Required: d.Required, Mutability: m, Returned: r})
	case "reference":
		params := schema.ReferenceParams{Name: d.Name, Description: description, MultiValued: d.MultiValued,
			Required: d.Required, Mutability: m, Returned: r}
		for _, t := range d.ReferenceTypes {
			params.ReferenceTypes = append(params.ReferenceTypes, schema.AttributeReferenceType(t))
		}
		return schema.SimpleReferenceParams(params)
	}
	return schema.SimpleStringParams(schema.StringParams{Name: d.Name, Description: description, MultiValued: d.MultiValued,
		Required: d.Required, CaseExact: d.CaseExact, CanonicalValues: d.CanonicalValues, Mutability: m, Returned: r})
}

var mutability = map[string]schema.AttributeMutability{
	"immutable": schema.AttributeMutabilityImmutable(), "writeOnly": schema.AttributeMutabilityWriteOnly(),
}

var returned = map[string]schema.AttributeReturned{
	"always": schema.AttributeReturnedAlways(), "never": schema.AttributeReturnedNever(), "request": schema.AttributeReturnedRequest(),
}
