package oracle_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// matchQ asks whether a user matches.
type matchQ struct {
	e    *filter.Expr
	user map[string]any
}

var matchLessons = []lesson[matchQ]{
	{
		sentence: `RFC 7644 §3.10: a path may begin with the URN of the core schema, whose attributes stand at the top`,
		teach: terms(func(e filter.Expr, _ *attribute.Attribute) *filter.Expr {
			if strings.EqualFold(e.Path.URN, core) {
				e.Path.URN = ""
			}
			return &e
		}),
	},
	{
		sentence: `RFC 7643 §2.5: "Unassigned" and null are one: eq null is not pr`,
		teach: terms(func(e filter.Expr, _ *attribute.Attribute) *filter.Expr {
			if e.Value != nil || e.Op != filter.Eq && e.Op != filter.Ne {
				return &e
			}
			present := filter.Expr{Op: filter.Present, Path: e.Path}
			if e.Op == filter.Ne {
				return &present
			}
			return &filter.Expr{Op: filter.Not, Left: &present}
		}),
	},
	{
		sentence: `RFC 7644 §3.4.2.2, table 3: ne: "The attribute and operator values are not identical": no value is not identical to any`,
		teach: terms(func(e filter.Expr, _ *attribute.Attribute) *filter.Expr {
			if e.Op != filter.Ne || e.Value == nil {
				return &e
			}
			return &filter.Expr{Op: filter.Or, Left: &e, Right: &filter.Expr{Op: filter.Not, Left: &filter.Expr{Op: filter.Present, Path: e.Path}}}
		}),
	},
	{
		sentence: `RFC 7644 §3.5.2, figure 7: valuePath [subAttr] is one path, of the elements that match`,
		teach:    terms(func(e filter.Expr, _ *attribute.Attribute) *filter.Expr { return sameElement(e) }),
	},
	{
		sentence: `docs/divergences.md, 3.4.2.2: a complex attribute is compared by its "value" (RFC 7643 §2.4: "The attribute's significant value")`,
		teach: terms(func(e filter.Expr, a *attribute.Attribute) *filter.Expr {
			if a != nil && a.Type == attribute.Complex && e.Op != filter.Present && e.Op != filter.Has {
				e.Path.Sub = "value"
			}
			return &e
		}),
	},
	{
		sentence: `RFC 7643 §2.2: caseExact is false unless a schema says otherwise`,
		teach: func(q matchQ) matchQ {
			q.user, _ = mapped(q.user, nil, func(a *attribute.Attribute, v any) any {
				if s, ok := v.(string); ok && !a.CaseExact && a.Type == attribute.String {
					return filter.Fold(s)
				}
				return v
			}).(map[string]any)
			return terms(func(e filter.Expr, a *attribute.Attribute) *filter.Expr {
				if s, ok := e.Value.(string); ok && (a == nil || !a.CaseExact) && (a == nil || a.Type == attribute.String || a.Type == attribute.Complex) {
					e.Value = filter.Fold(s)
				}
				return &e
			})(q)
		},
	},
	{
		sentence: `RFC 7644 §3.4.2.2, table 3: "For DateTime types, it is a chronological comparison"`,
		teach: func(q matchQ) matchQ {
			q.user, _ = mapped(q.user, nil, func(a *attribute.Attribute, v any) any {
				if a.Type == attribute.DateTime {
					return zulu(v)
				}
				return v
			}).(map[string]any)
			return terms(func(e filter.Expr, a *attribute.Attribute) *filter.Expr {
				if a != nil && a.Type == attribute.DateTime {
					e.Value = zulu(e.Value)
				}
				return &e
			})(q)
		},
	},
	{
		sentence: `RFC 7644 §3.4.2.2: "If the specified attribute in a filter expression is a multi-valued attribute, the filter matches if any of the values of the specified attribute match": also of a simple one`,
		teach: func(q matchQ) matchQ {
			q.user = maps.Clone(q.user)
			if section, ok := q.user[custom].(map[string]any); ok && section["tags"] != nil {
				section = maps.Clone(section)
				var values []any
				for _, v := range section["tags"].([]any) {
					values = append(values, map[string]any{"value": v})
				}
				section["tags"], q.user[custom] = values, section
			}
			return terms(func(e filter.Expr, a *attribute.Attribute) *filter.Expr {
				if a != nil && a.Name == "tags" {
					e.Path.Sub = "value"
				}
				return &e
			})(q)
		},
	},
	{
		sentence: `RFC 7644 §3.4.2.2, table 5: "[ ]": "expressions MUST be applied to the same value of a parent attribute"`,
		teach:    elementByElement,
	},
}

// elementByElement makes an attribute of every element, and of emails[f]: emails0[f] or emails1[f].
func elementByElement(q matchQ) matchQ {
	split := maps.Clone(q.user)
	for name, v := range q.user {
		values, _ := v.([]any)
		for i := range values {
			split[fmt.Sprint(name, i)] = values[i]
		}
	}
	return matchQ{rewritten(q.e, func(e filter.Expr) *filter.Expr {
		if e.Op != filter.Has {
			return &e
		}
		some := &filter.Expr{Op: filter.Present, Path: filter.Path{Name: "nothing"}}
		values, _ := q.user[e.Path.Name].([]any)
		for i := range values {
			some = &filter.Expr{Op: filter.Or, Left: some, Right: &filter.Expr{Op: filter.Has, Path: filter.Path{Name: fmt.Sprint(e.Path.Name, i)}, Left: e.Left}}
		}
		return some
	}), split}
}

// terms makes a lesson about comparisons, given what their paths name; inside brackets these are sub-attributes.
func terms(of func(filter.Expr, *attribute.Attribute) *filter.Expr) func(matchQ) matchQ {
	return func(q matchQ) matchQ {
		return matchQ{rewritten(q.e, func(e filter.Expr) *filter.Expr {
			top, sub := e.Path.Resolve(users)
			if sub != nil {
				top = sub
			}
			if top == nil { // of an element
				top = users.Lookup("", "emails").Lookup(e.Path.Name)
			}
			return of(e, top)
		}), q.user}
	}
}

// mapped returns a copy of a resource in which change has seen every simple value of a defined attribute.
func mapped(v any, a *attribute.Attribute, change func(*attribute.Attribute, any) any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, sub := range v {
			out[name] = mapped(sub, definition(a, name), change)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = mapped(v[i], a, change)
		}
		return out
	}
	if a == nil {
		return v
	}
	return change(a, v)
}

// definition finds an attribute by its name at the top, in a complex one, or in an extension.
func definition(parent *attribute.Attribute, name string) *attribute.Attribute {
	if parent != nil {
		return parent.Lookup(name)
	}
	for _, urn := range append([]string{""}, users.Extensions()...) {
		if a := users.Lookup(urn, name); a != nil {
			return a
		}
	}
	return nil
}

// zulu writes a dateTime so that texts compare as instants do.
func zulu(v any) any {
	s, _ := v.(string)
	at, err := filter.Instant(s)
	if err != nil {
		return v
	}
	return at.UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// term makes a comparison that the attribute's type has.
func term(r *rand.Rand, bracket bool) *filter.Expr {
	name := pick(r, "userName", "displayName", "title", "name.givenName", "NAME.familyname", "emails.value", "emails.type", "roles.value", "emails", "externalId", "profileUrl",
		"active", "emails.primary", "meta.lastModified", custom+":since", custom+":age", custom+":tags", core+":userName", core+":name.givenName", enterprise+":department",
		enterprise+":manager.value", enterprise+":manager", "unknown", "name.unknown", `emails[type eq "work"].value`, `emails[primary eq true].type`)
	if bracket {
		name = pick(r, "value", "type", "primary", "display", "TYPE", "unknown")
	}
	path, err := filter.ParsePath(name)
	if err != nil {
		panic(err)
	}
	e := &filter.Expr{Path: *path, Op: pick(r, filter.Eq, filter.Eq, filter.Ne, filter.Co, filter.Sw, filter.Ew, filter.Gt, filter.Ge, filter.Lt, filter.Le)}
	if r.IntN(8) == 0 {
		e.Op = filter.Present
		return e
	}
	order := pick(r, filter.Eq, filter.Ne, filter.Gt, filter.Ge, filter.Lt, filter.Le)
	switch last := strings.ToLower(name[strings.LastIndexAny(name, ".:")+1:]); last {
	case "active", "primary":
		e.Op, e.Value = pick(r, filter.Eq, filter.Ne), r.IntN(2) == 0
	case "lastmodified", "since":
		e.Op, e.Value = order, pick(r, moments...)
	case "age":
		e.Op, e.Value = order, pick(r, ages...)
	case "type":
		e.Value = pick(r, kinds...)
	case "externalid", "profileurl":
		e.Value = pick(r, exact...)
	case "tags":
		e.Value = pick(r, "tag0", "tag1", "TAG1")
	default:
		e.Value = pick(r, append([]string{"ada0", "lovelace1", "a"}, texts...)...)
	}
	if r.IntN(12) == 0 {
		e.Op, e.Value = pick(r, filter.Eq, filter.Ne), nil
	}
	return e
}

func randomMatch(r *rand.Rand, depth int, bracket bool) *filter.Expr {
	if depth == 0 || r.IntN(3) == 0 {
		return term(r, bracket)
	}
	switch r.IntN(5) {
	case 0:
		return &filter.Expr{Op: filter.Not, Left: randomMatch(r, depth-1, bracket)}
	case 1:
		if !bracket {
			return &filter.Expr{Op: filter.Has, Path: filter.Path{Name: pick(r, "emails", "roles")}, Left: randomMatch(r, depth-1, true)}
		}
	}
	return &filter.Expr{Op: pick(r, filter.And, filter.Or), Left: randomMatch(r, depth-1, bracket), Right: randomMatch(r, depth-1, bracket)}
}

// TestMatchAsOthersDo holds 2,500 users against filters.
func TestMatchAsOthersDo(t *testing.T) {
	t.Parallel()
	const cases = 2500
	o, seed := newOracle(t), seedOf(t)
	r := rand.New(rand.NewPCG(seed, 0))
	l := lessons[matchQ]{table: matchLessons}
	matched := 0
	for i := range cases {
		q := matchQ{randomMatch(r, 2, false), user(r)}
		m, err := filter.Compile(users, q.e)
		if err != nil {
			t.Fatalf("seed %d, case %d: Compile(%s): %v", seed, i, q.e, err)
		}
		ours := m.Match(q.user)
		if ours {
			matched++
		}
		l.settle(t, q, func(q matchQ) string {
			a := o.ask(map[string]any{"match": q.e.String(), "resource": q.user})
			if a.Matches == nil || *a.Matches != ours {
				return fmt.Sprintf("seed %d, case %d: %s on %s: got %v, the oracle says %s", seed, i, q.e, indented(q.user), ours, indented(a))
			}
			return ""
		})
	}
	l.report(t, "filters matched", cases)
	if matched < cases/4 || matched > cases*3/4 {
		t.Errorf("matched: got %d of %d, want between a quarter and three quarters, or the test says little", matched, cases)
	}
}
