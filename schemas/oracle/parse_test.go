package oracle_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// sentenceQ is a filter and the seed of its spelling.
type sentenceQ struct {
	e    *filter.Expr
	seed uint64
}

var parseLessons = []lesson[sentenceQ]{
	{
		sentence: `RFC 7644 §3.4.2.2: the compValue "is built on JSON Data Interchange format ABNF rules": \n and \u00e9 are escapes (RFC 8259 §7)`,
		teach: everyTerm(func(e filter.Expr) *filter.Expr {
			if s, ok := e.Value.(string); ok {
				e.Value = strings.Map(escapeless, s)
			}
			return &e
		}),
	},
	{
		sentence: `RFC 7644 §3.4.2.2: the same of numbers: -1.5e3 is one (RFC 8259 §6), also before a space or a parenthesis`,
		teach: everyTerm(func(e filter.Expr) *filter.Expr {
			if _, ok := e.Value.(json.Number); ok {
				e.Value = json.Number("15")
			}
			return &e
		}),
	},
	{
		sentence: `RFC 7643 §2.1: nameChar = "$" / "-" / "_" / DIGIT / ALPHA; "$ref" is a sub-attribute of many`,
		teach: everyTerm(func(e filter.Expr) *filter.Expr {
			e.Path.Name, e.Path.Sub = strings.ReplaceAll(e.Path.Name, "$", ""), strings.ReplaceAll(e.Path.Sub, "$", "")
			return &e
		}),
	},
	{
		sentence: `RFC 7644 §3.5.2, figure 7: valuePath [subAttr] is one path, of the elements that match`,
		teach:    everyTerm(sameElement),
	},
	{
		sentence: `RFC 7644 §3.4.2.2, figure 1: "not" needs a parenthesis: elsewhere it is an ATTRNAME like any other`,
		teach: everyTerm(func(e filter.Expr) *filter.Expr {
			if e.Path.Name == "not" {
				e.Path.Name = "note"
			}
			return &e
		}),
	},
}

// escapeless replaces what encoding/json or we write as an escape.
func escapeless(c rune) rune {
	if c < ' ' || c == '\\' || c == '<' {
		return 'x'
	}
	return c
}

// everyTerm makes a lesson about comparisons.
func everyTerm(of func(filter.Expr) *filter.Expr) func(sentenceQ) sentenceQ {
	return func(q sentenceQ) sentenceQ { return sentenceQ{rewritten(q.e, of), q.seed} }
}

// sameElement says a[x].b op v as a[x and b op v].
func sameElement(e filter.Expr) *filter.Expr {
	if e.Path.Where == nil || e.Path.Sub == "" {
		return &e
	}
	inner := e
	inner.Path = filter.Path{Name: e.Path.Sub}
	return &filter.Expr{Op: filter.Has, Path: filter.Path{URN: e.Path.URN, Name: e.Path.Name},
		Left: &filter.Expr{Op: filter.And, Left: e.Path.Where, Right: &inner}}
}

// randomFilter makes any tree that Parse can return.
func randomFilter(r *rand.Rand, depth int, bracket bool) *filter.Expr {
	if depth > 0 {
		switch r.IntN(6) {
		case 0, 1, 2:
			return &filter.Expr{Op: pick(r, filter.And, filter.Or), Left: randomFilter(r, depth-1, bracket), Right: randomFilter(r, depth-1, bracket)}
		case 3:
			return &filter.Expr{Op: filter.Not, Left: randomFilter(r, depth-1, bracket)}
		case 4:
			if !bracket {
				return &filter.Expr{Op: filter.Has, Path: filter.Path{Name: "emails"}, Left: randomFilter(r, depth-1, true)}
			}
		}
	}
	e := &filter.Expr{
		Op:   pick(r, filter.Present, filter.Eq, filter.Ne, filter.Co, filter.Sw, filter.Ew, filter.Gt, filter.Ge, filter.Lt, filter.Le),
		Path: filter.Path{URN: pick(r, "", "", "urn:x:2.0:User"), Name: pick(r, "userName", "emails", "and", "a-b_1", "x", "y", "z", pick(r, "$ref", "not"))},
	}
	if e.Path.Sub = pick(r, "", "", "value", "or"); e.Path.Sub != "" && depth > 0 && !bracket && r.IntN(6) == 0 {
		e.Path.Where = randomFilter(r, depth-1, true)
	}
	if e.Op != filter.Present {
		e.Value = pick[any](r, nil, true, false, json.Number("7"), json.Number("0"), "", "null", "a b", "[(]", `quoted "so"`, "é",
			pick[any](r, json.Number("-1.5e3"), json.Number("1E+2"), "line\nbreak", `back\slash`, "\x00", "<"))
	}
	return e
}

// TestParseAsOthersDo has the oracle read 2,500 well-formed filters.
func TestParseAsOthersDo(t *testing.T) {
	t.Parallel()
	const cases = 2500
	o, seed := newOracle(t), seedOf(t)
	r := rand.New(rand.NewPCG(seed, 0))
	l := lessons[sentenceQ]{table: parseLessons}
	for i := range cases {
		q := sentenceQ{randomFilter(r, 4, false), r.Uint64()}
		text := spell(q.e, q.seed)
		ours, err := filter.Parse(text)
		if err != nil {
			t.Fatalf("seed %d, case %d: Parse(%s): %v", seed, i, text, err)
		}
		if diff := cmp.Diff(flat(ourShape(q.e)), flat(ourShape(ours))); diff != "" {
			t.Fatalf("seed %d, case %d: Parse(%s) (-want +got):\n%s", seed, i, text, diff)
		}
		l.settle(t, q, func(q sentenceQ) string {
			text := spell(q.e, q.seed)
			a := o.ask(map[string]any{"parse": text})
			if a.Refused != "" {
				return fmt.Sprintf("seed %d, case %d: %s: refused: %s", seed, i, text, a.Refused)
			}
			if diff := cmp.Diff(flat(ourShape(q.e)), flat(theirShape(a.Tree))); diff != "" {
				return fmt.Sprintf("seed %d, case %d: %s (-ours +oracle's):\n%s", seed, i, text, diff)
			}
			return ""
		})
	}
	l.report(t, "filters parsed", cases)
}

// shape is a filter as both sides can say it: the operator, then the path and value, or the operands.
type shape []any

func ourShape(e *filter.Expr) shape {
	switch e.Op {
	case filter.And, filter.Or:
		return shape{e.Op.String(), ourShape(e.Left), ourShape(e.Right)}
	case filter.Not:
		return shape{"not", ourShape(e.Left)}
	case filter.Has:
		return shape{"[]", e.Path.String(), ourShape(e.Left)}
	case filter.Present:
		return shape{"pr", pathShape(e.Path)}
	}
	return shape{e.Op.String(), pathShape(e.Path), number(e.Value)}
}

func pathShape(p filter.Path) any {
	if p.Where == nil {
		return p.String()
	}
	where := p.Where
	p.Where = nil
	return shape{"path", p.String(), ourShape(where)}
}

func theirShape(tree any) shape {
	node, _ := tree.(map[string]any)
	op, _ := node["op"].(string)
	switch op {
	case "and", "or":
		s := shape{op}
		list, _ := node["filters"].([]any)
		for _, operand := range list {
			s = append(s, theirShape(operand))
		}
		return s
	case "not":
		return shape{op, theirShape(node["filter"])}
	case "[]":
		return shape{op, node["attrPath"], theirShape(node["valFilter"])}
	case "pr":
		return shape{op, node["attrPath"]}
	}
	return shape{op, node["attrPath"], number(node["compValue"])}
}

// number compares numbers by value: JavaScript writes 1E+2 as 100.
func number(v any) any {
	if n, ok := v.(json.Number); ok {
		if f, err := n.Float64(); err == nil {
			return f
		}
	}
	return v
}

// flat joins chains of and, and of or: (a and b) and c means a and (b and c).
func flat(s shape) shape {
	out := shape{s[0]}
	for _, part := range s[1:] {
		operand, ok := part.(shape)
		if !ok {
			out = append(out, part)
			continue
		}
		if operand = flat(operand); operand[0] == s[0] && (s[0] == "and" || s[0] == "or") {
			out = append(out, operand[1:]...)
		} else {
			out = append(out, operand)
		}
	}
	return out
}
