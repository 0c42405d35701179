// Package filter reads SCIM filters and PATCH paths (RFC 7644 §3.4.2.2 and §3.5.2) into one small tree, writes them
// back in canonical form, and matches them against resources by the attributes' definitions.
//
// The tree is also what the store translates into SQL: Path.Resolve says which attribute a term reads, and Fold and
// Instant say how its values compare.
package filter

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// Op is what an expression does.
type Op uint8

// And and Or join Left and Right; Not negates Left; Has asks whether an element of the attribute matches Left
// ("emails[…]"); the rest compare the attribute with Value (RFC 7644 §3.4.2.2, tables 3 to 5).
const (
	And Op = iota
	Or
	Not
	Present
	Eq
	Ne
	Co
	Sw
	Ew
	Gt
	Ge
	Lt
	Le
	Has
)

var opNames = [...]string{"and", "or", "not", "pr", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "has"}

// String returns the operator as filters spell it, such as "eq"; Has, which has no word of its own, is "has".
func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return fmt.Sprintf("op(%d)", uint8(o))
}

// Path names an attribute, as the client wrote it: names are not yet matched with definitions.
type Path struct {
	// URN is the text before the last ':' that precedes the name, "" when there is none. A path that is an extension's
	// URN and nothing else is split like any other: Resolve and Schema tell.
	URN  string
	Name string
	Sub  string // sub-attribute, "" when none is named
	// Where selects elements of a multi-valued attribute, nil for all of them: in "emails[type eq "work"].value", in PATCH
	// paths and in the filter terms that Entra sends. Its own paths are sub-attributes.
	Where *Expr
}

// Schema returns the path read as the URN of a schema; ok is false when the path can only be an attribute's.
func (p Path) Schema() (urn string, ok bool) {
	if p.URN == "" || p.Sub != "" || p.Where != nil {
		return "", false
	}
	return p.URN + ":" + p.Name, true
}

// Resolve finds the definitions that a path names: the top-level attribute, and its sub-attribute when the path names
// one. Both are nil when the resource type has no such attribute. A name without a URN that the core schema does not have
// may be an extension's: Entra ID filters by `manager` and sets it by that path.
func (p Path) Resolve(def *attribute.Tree) (top, sub *attribute.Attribute) {
	top = def.Lookup(p.URN, p.Name)
	if top == nil && p.URN == "" {
		for _, urn := range def.Extensions() {
			if top = def.Lookup(urn, p.Name); top != nil {
				break
			}
		}
	}
	if top == nil || p.Sub == "" {
		return top, nil
	}
	if sub = top.Lookup(p.Sub); sub == nil {
		return nil, nil
	}
	return top, sub
}

// Expr is a filter.
type Expr struct {
	Op    Op
	Path  Path // of Present, the comparisons and Has
	Value any  // of a comparison: nil (null), bool, string or json.Number
	Left  *Expr
	Right *Expr
}

// Terms counts the comparisons in a filter, those of value filters included: what it costs to match it once.
func (e *Expr) Terms() int {
	if e == nil {
		return 0
	}
	n := e.Left.Terms() + e.Right.Terms() + e.Path.Where.Terms()
	if e.Left == nil {
		n++
	}
	return n
}

// String returns the filter in canonical form: operators and literals in lower case, single spaces, strings quoted,
// parentheses only where the tree needs them. Parse(e.String()) is equal to e, for every e that Parse returns.
func (e *Expr) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

// String returns the path in canonical form; ParsePath(p.String()) is equal to p.
func (p Path) String() string {
	var b strings.Builder
	p.write(&b)
	return b.String()
}

func (p Path) write(b *strings.Builder) {
	if p.URN != "" {
		b.WriteString(p.URN)
		b.WriteByte(':')
	}
	b.WriteString(p.Name)
	if p.Where != nil {
		b.WriteByte('[')
		p.Where.write(b)
		b.WriteByte(']')
	}
	if p.Sub != "" {
		b.WriteByte('.')
		b.WriteString(p.Sub)
	}
}

func (e *Expr) write(b *strings.Builder) {
	switch e.Op {
	case And, Or:
		e.operand(b, e.Left, e.Left.Op == Or && e.Op == And)
		b.WriteByte(' ')
		b.WriteString(e.Op.String())
		b.WriteByte(' ')
		// The parser reads chains from the left, so a chain on the right was in parentheses.
		e.operand(b, e.Right, e.Right.Op == Or || e.Right.Op == e.Op)
	case Not:
		b.WriteString("not ")
		e.operand(b, e.Left, true)
	case Has:
		e.Path.write(b)
		b.WriteByte('[')
		e.Left.write(b)
		b.WriteByte(']')
	case Present:
		e.Path.write(b)
		b.WriteString(" pr")
	default:
		e.Path.write(b)
		b.WriteByte(' ')
		b.WriteString(e.Op.String())
		b.WriteByte(' ')
		writeValue(b, e.Value)
	}
}

func (e *Expr) operand(b *strings.Builder, x *Expr, parentheses bool) {
	if !parentheses {
		x.write(b)
		return
	}
	b.WriteByte('(')
	x.write(b)
	b.WriteByte(')')
}

func writeValue(b *strings.Builder, v any) {
	switch v := v.(type) {
	case string:
		writeString(b, v)
	case json.Number:
		b.WriteString(v.String())
	case bool:
		fmt.Fprint(b, v)
	default:
		b.WriteString("null")
	}
}

// writeString quotes s as JSON does, without the HTML escapes of package json, which admins would have to decipher.
func writeString(b *strings.Builder, s string) {
	b.WriteByte('"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b.WriteString(s[start:i])
		start = i + 1
		if c < 0x20 {
			fmt.Fprintf(b, `\u%04x`, c)
			continue
		}
		b.WriteByte('\\')
		b.WriteByte(c)
	}
	b.WriteString(s[start:])
	b.WriteByte('"')
}
