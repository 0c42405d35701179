// Package attribute is the tree of attribute definitions of a resource type (RFC 7643 §2 and §7): what every
// attribute is called, which type it has, who may write it. It is made from the definitions in elimity's schema
// package and read by filters, PATCH and validation.
//
// A resource in this module is a map[string]any with canonical attribute names; its values are string, bool,
// json.Number, map[string]any (complex) and []any (multi-valued). The attributes of an extension live in a map under
// the extension's URN.
package attribute

import (
	"fmt"
	"strings"
)

// Type is the data type of an attribute's single value (RFC 7643 §2.3).
type Type uint8

// The data types, as Go values: String, DateTime, Binary and Reference are string; Boolean is bool; Decimal and
// Integer are json.Number; Complex is map[string]any.
const (
	String Type = iota
	Boolean
	Decimal
	Integer
	DateTime
	Binary
	Reference
	Complex
)

var typeNames = [...]string{"string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"}

// String returns the name that RFC 7643 §2.3 gives the type, such as "dateTime".
func (t Type) String() string { return nameOf(typeNames[:], int(t), "type") }

// Mutability says who may write an attribute and when (RFC 7643 §2.2 and §7).
type Mutability uint8

// ReadWrite is the default; an Immutable attribute may be set once; a WriteOnly one is never returned.
const (
	ReadWrite Mutability = iota
	ReadOnly
	Immutable
	WriteOnly
)

var mutabilityNames = [...]string{"readWrite", "readOnly", "immutable", "writeOnly"}

// String returns the keyword of RFC 7643 §7, such as "readOnly".
func (m Mutability) String() string { return nameOf(mutabilityNames[:], int(m), "mutability") }

// Returned says when a response holds an attribute (RFC 7643 §2.2 and §7).
type Returned uint8

// Default attributes are returned unless excluded, Request ones only when asked for.
const (
	Default Returned = iota
	Always
	Never
	Request
)

var returnedNames = [...]string{"default", "always", "never", "request"}

// String returns the keyword of RFC 7643 §7, such as "always".
func (r Returned) String() string { return nameOf(returnedNames[:], int(r), "returned") }

func nameOf(names []string, i int, what string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", what, i)
}

// Attribute is one definition. It belongs to its Tree and must not be changed.
type Attribute struct {
	Schema      string     // URN of the schema that defines it; "" for the common attributes (schemas, id, externalId, meta)
	Name        string     // canonical spelling
	Parent      *Attribute // nil at the top
	Type        Type       // of one value
	MultiValued bool       // values come as []any
	Required    bool       // a resource without it is invalid
	CaseExact   bool       // strings compare byte for byte; otherwise folded
	Mutability  Mutability
	Returned    Returned
	Uniqueness  string   // "none", "server" or "global" (RFC 7643 §7)
	Canonical   []string // suggested values, such as "work"; others are allowed
	References  []string // resource types that a reference may name, or "external", "uri"
	Description string
	Sub         []*Attribute // of a complex attribute, in the schema's order

	extension bool // Schema is an extension's: values live under its URN
}

// Lookup returns the sub-attribute called name, in any case (RFC 7643 §2.1), or nil when there is none. It does not
// allocate.
func (a *Attribute) Lookup(name string) *Attribute {
	for _, sub := range a.Sub {
		if sameName(sub.Name, name) {
			return sub
		}
	}
	return nil
}

// Extension returns the key under which a resource holds the attribute: the URN of the extension that defines it, or
// "" for core and common attributes, which stand at the top of the resource.
func (a *Attribute) Extension() string {
	if a.extension {
		return a.Schema
	}
	return ""
}

// Path returns the attribute as clients write it and as error details name it: "name.givenName" or
// "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department".
func (a *Attribute) Path() string {
	switch {
	case a.Parent != nil:
		return a.Parent.Path() + "." + a.Name
	case a.extension:
		return a.Schema + ":" + a.Name
	default:
		return a.Name
	}
}

// Member returns what an object of a request holds under a name, in any case (RFC 7643 §2.1); nil when there is nothing.
// The exact spelling comes first, then the first in the order of bytes.
func Member(object map[string]any, name string) any {
	if v, ok := object[name]; ok {
		return v
	}
	found := ""
	for key := range object {
		if sameName(name, key) && (found == "" || key < found) {
			found = key
		}
	}
	if found == "" {
		return nil
	}
	return object[found]
}

// sameName compares a canonical, hence ASCII, name with what a client wrote. Equal lengths keep the characters out
// that fold to ASCII from beyond it, such as the Kelvin sign.
func sameName(canonical, name string) bool {
	return len(canonical) == len(name) && (canonical == name || strings.EqualFold(canonical, name))
}
