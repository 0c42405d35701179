package filter

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// comparison compiles the test of one value of a simple attribute against e.Value, which is not null. For Ne it is
// the test for Eq: the caller negates it.
func comparison(attr *attribute.Attribute, e *Expr) (predicate, error) {
	switch attr.Type {
	case attribute.Boolean:
		return booleans(attr, e)
	case attribute.Decimal, attribute.Integer:
		return numbers(attr, e)
	case attribute.DateTime:
		return instants(attr, e)
	default:
		return texts(attr, e)
	}
}

// texts compares strings, references and binary values: byte for byte, or folded when not caseExact.
func texts(attr *attribute.Attribute, e *Expr) (predicate, error) {
	want, fold := text(e.Value), func(s string) string { return s }
	if !attr.CaseExact {
		want, fold = Fold(text(e.Value)), Fold
	}
	var test func(got string) bool
	switch e.Op {
	case Eq, Ne:
		test = func(got string) bool { return got == want }
		if !attr.CaseExact {
			test = func(got string) bool { return strings.EqualFold(got, want) } // as Fold, without a copy
		}
	case Co:
		test = func(got string) bool { return strings.Contains(fold(got), want) }
	case Sw:
		test = func(got string) bool { return strings.HasPrefix(fold(got), want) }
	case Ew:
		test = func(got string) bool { return strings.HasSuffix(fold(got), want) }
	default:
		if attr.Type == attribute.Binary { // RFC 7644 §3.4.2.2, table 3
			return nil, refuse(e, "%s is binary, which has no order: use eq, ne, co, sw, ew or pr", attr.Path())
		}
		test = func(got string) bool { return ordered(e.Op, strings.Compare(fold(got), want)) }
	}
	return func(v any) bool {
		got, ok := v.(string)
		return ok && test(got)
	}, nil
}

func booleans(attr *attribute.Attribute, e *Expr) (predicate, error) {
	if e.Op != Eq && e.Op != Ne { // RFC 7644 §3.4.2.2, table 3
		return nil, refuse(e, "%s is boolean: use eq, ne or pr", attr.Path())
	}
	want, ok := e.Value.(bool)
	if !ok {
		word := text(e.Value)
		want = strings.EqualFold(word, "true")
		if !want && !strings.EqualFold(word, "false") {
			return nil, refuse(e, "%s is boolean: compare it with true or false", attr.Path())
		}
	}
	return func(v any) bool { return v == want }, nil
}

func numbers(attr *attribute.Attribute, e *Expr) (predicate, error) {
	if e.Op == Co || e.Op == Sw || e.Op == Ew {
		return nil, refuse(e, "%s is %s: use eq, ne, gt, ge, lt, le or pr", attr.Path(), attr.Type)
	}
	literal := text(e.Value)
	if !isNumber(literal) {
		return nil, refuse(e, "%s is %s: compare it with a number", attr.Path(), attr.Type)
	}
	want := parseNumber(literal)
	return func(v any) bool {
		got, ok := v.(json.Number)
		return ok && isNumber(got.String()) && ordered(e.Op, compareNumbers(parseNumber(got.String()), want))
	}, nil
}

func instants(attr *attribute.Attribute, e *Expr) (predicate, error) {
	if e.Op == Co || e.Op == Sw || e.Op == Ew {
		return nil, refuse(e, "%s is dateTime: use eq, ne, gt, ge, lt, le or pr", attr.Path())
	}
	want, err := Instant(text(e.Value))
	if err != nil {
		return nil, refuse(e, "%s is dateTime: %s", attr.Path(), err)
	}
	return func(v any) bool {
		s, ok := v.(string)
		if !ok {
			return false
		}
		got, err := Instant(s)
		return err == nil && ordered(e.Op, got.Compare(want)) // a value that is no dateTime compares with none
	}, nil
}

// ordered says what an operator makes of a three-way comparison.
func ordered(op Op, c int) bool {
	switch op {
	case Gt:
		return c > 0
	case Ge:
		return c >= 0
	case Lt:
		return c < 0
	case Le:
		return c <= 0
	default:
		return c == 0
	}
}

// number is exact for 64-bit integers and a float64 beyond; anything wider would let "1e999999999" cost memory.
type number struct {
	exact   bool
	integer int64
	float   float64
}

// parseNumber reads what isNumber accepts. The only error left is a range error, which comes with the ±Inf or 0 that
// compares right.
func parseNumber(s string) number {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return number{exact: true, integer: i, float: float64(i)}
	}
	f, _ := strconv.ParseFloat(s, 64)
	return number{float: f}
}

func compareNumbers(a, b number) int {
	if a.exact && b.exact {
		return cmp.Compare(a.integer, b.integer)
	}
	return cmp.Compare(a.float, b.float)
}

// text returns a comparison's value as a text.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}
