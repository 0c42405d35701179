package oracle_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

// patchLessons stand in the order in which they are taught: what an operation means, whether it is allowed, what it does.
var patchLessons = []lesson[patchQ]{
	{
		sentence: `docs/divergences.md, 3.5.2: an id in a value is ignored (Okta)`,
		teach: everyOp(func(_ patchQ, op patch.Op) []patch.Op {
			if v, ok := op.Value.(map[string]any); ok && op.Path == nil && v["id"] != nil {
				v = maps.Clone(v)
				delete(v, "id")
				op.Value = v
			}
			return []patch.Op{op}
		}),
	},
	{
		sentence: `RFC 7644 §3.5.2.1 and §3.5.2.3: "If "path" is omitted, … the "value" parameter SHALL contain a set of attributes": each as if by its path`,
		teach:    everyOp(byPath),
	},
	{
		sentence: `RFC 7644 §3.10: a URN followed by nothing names the schema: an extension's attributes, each`,
		teach:    eachOp(wholeExtension),
	},
	{
		sentence: `RFC 7643 §2.1: attribute names are case insensitive`,
		teach: eachOp(func(_ patchQ, op patch.Op) []patch.Op {
			top, sub := op.Path.Resolve(users)
			if top == nil {
				return []patch.Op{op}
			}
			p := *op.Path
			p.Name = top.Name
			if sub != nil {
				p.Sub = sub.Name
			}
			op.Path = &p
			return []patch.Op{op}
		}),
	},
	{
		sentence: `RFC 7643 §2.2: caseExact is false unless a schema says otherwise: value eq "ADA" selects "ada"`,
		teach: eachOp(func(q patchQ, op patch.Op) []patch.Op {
			if op.Path.Where == nil {
				return []patch.Op{op}
			}
			p := *op.Path
			p.Where = rewritten(p.Where, func(e filter.Expr) *filter.Expr {
				if found := selected(q, op.Path); len(found) > 0 {
					e.Value = found[0][e.Path.Name] // in its own spelling
				}
				return &e
			})
			op.Path = &p
			return []patch.Op{op}
		}),
	},
	{
		sentence: `docs/divergences.md, 2.1: attributes that no schema defines are ignored (Entra ID)`,
		teach: eachOp(func(_ patchQ, op patch.Op) []patch.Op {
			if definedBy(op.Path) == nil && !isExtension(op.Path) {
				return nil
			}
			return []patch.Op{op}
		}),
	},
	{
		sentence: `RFC 7644 §3.5.2: "A client MUST NOT … modify … an attribute with mutability readOnly": mutability`,
		teach: refuses(scim.ScimTypeMutability, func(_ patchQ, op patch.Op, a *attribute.Attribute) bool {
			return a.Mutability == attribute.ReadOnly
		}),
	},
	{
		sentence: `RFC 7644 §3.5.2.2: "If an attribute is removed … and is defined as a required attribute …, the server SHALL return … a "scimType" error code of "mutability""`,
		teach: refuses(scim.ScimTypeMutability, func(_ patchQ, op patch.Op, a *attribute.Attribute) bool {
			return op.Kind == patch.Remove && a.Required
		}),
	},
	{
		sentence: `RFC 7644 §3.12, table 9: invalidValue: "the value specified was not compatible with the operation or attribute type"`,
		teach: refuses(scim.ScimTypeInvalidValue, func(_ patchQ, op patch.Op, a *attribute.Attribute) bool {
			_, isList := op.Value.([]any)
			return isList && !a.MultiValued
		}),
	},
	{
		sentence: `RFC 7643 §2.5: "Unassigned" and null are one: replace by null removes`,
		teach: eachOp(func(q patchQ, op patch.Op) []patch.Op {
			if op.Value != nil || op.Kind != patch.Replace {
				return []patch.Op{op}
			}
			if op.Path.Where != nil && len(selected(q, op.Path)) == 0 {
				return nil // it is as asked
			}
			op.Kind = patch.Remove
			return []patch.Op{op}
		}),
	},
	{
		sentence: `docs/divergences.md, removeOfNothing: remove with a value path that matches nothing succeeds`,
		teach: eachOp(func(q patchQ, op patch.Op) []patch.Op {
			if op.Kind == patch.Remove && op.Path.Where != nil && len(selected(q, op.Path)) == 0 {
				return nil
			}
			return []patch.Op{op}
		}),
	},
	{
		sentence: `docs/divergences.md, 3.5.2.2: remove with a value removes the elements with this "value" (Entra ID)`,
		teach: eachOp(func(q patchQ, op patch.Op) []patch.Op {
			values, ok := op.Value.([]any)
			if op.Kind != patch.Remove || !ok {
				return []patch.Op{op}
			}
			var ops []patch.Op
			for _, v := range values {
				p := path(fmt.Sprintf("%s[value eq %s]", op.Path, indented(v.(map[string]any)["value"])))
				for _, e := range selected(q, p) { // in the element's own spelling
					ops = append(ops, patch.Op{Kind: patch.Remove, Path: path(fmt.Sprintf("%s[value eq %s]", op.Path, indented(e["value"])))})
				}
			}
			return ops
		}),
	},
	{
		sentence: `docs/divergences.md, 3.5.2.1 and 3.5.2.3: a value path that matches nothing creates the element that its eq terms describe (Entra ID)`,
		teach: eachOp(func(q patchQ, op patch.Op) []patch.Op {
			if op.Kind == patch.Remove || op.Path.Where == nil || len(selected(q, op.Path)) > 0 {
				return []patch.Op{op}
			}
			element := described(op.Path.Where)
			if op.Path.Sub != "" {
				element[op.Path.Sub] = op.Value
			} else {
				maps.Copy(element, op.Value.(map[string]any))
			}
			return []patch.Op{{Kind: patch.Add, Path: &filter.Path{Name: op.Path.Name}, Value: []any{element}}}
		}),
	},
	{
		sentence: `RFC 7644 §3.5.2.3: "all matching record values SHALL be replaced", not merged; what the filter compares by eq stays (docs/divergences.md)`,
		teach: eachOp(func(q patchQ, op patch.Op) []patch.Op {
			if op.Kind != patch.Replace || op.Path.Where == nil || op.Path.Sub != "" || len(selected(q, op.Path)) == 0 {
				return []patch.Op{op}
			}
			var ops []patch.Op
			for _, sub := range users.Lookup("", op.Path.Name).Sub {
				if _, stays := described(op.Path.Where)[sub.Name]; !stays {
					ops = append(ops, patch.Op{Kind: patch.Remove, Path: &filter.Path{Name: op.Path.Name, Where: op.Path.Where, Sub: sub.Name}})
				}
			}
			return append(ops, op)
		}),
	},
	{
		sentence: `RFC 7643 §2.4: no two elements have the same "value" and "type": adding one again merges it`,
		teach:    eachOp(merged),
	},
	{
		sentence: `RFC 7644 §3.5.2: "the server SHALL set the value of the existing attribute to "false"" when another becomes primary`,
		teach: func(q patchQ) patchQ {
			q.settle = append(slices.Clone(q.settle), func(after map[string]any) map[string]any { return onePrimary(q.user, after) })
			return q
		},
	},
	{
		sentence: `RFC 7643 §2.5: an empty list is unassigned; RFC 7644 §3.5.2.2: so is what has nothing left`,
		teach: func(q patchQ) patchQ {
			q.settle = append(slices.Clone(q.settle), func(after map[string]any) map[string]any {
				pruned, _ := prune(after).(map[string]any)
				return pruned
			})
			return q
		},
	},
}

// everyOp makes a lesson that replaces operations, none of which has an effect on the next.
func everyOp(of func(patchQ, patch.Op) []patch.Op) func(patchQ) patchQ {
	return func(q patchQ) patchQ {
		var ops []patch.Op
		for _, op := range q.ops {
			ops = append(ops, of(q, op)...)
		}
		q.ops = ops
		return q
	}
}

// eachOp is everyOp for those that have a path.
func eachOp(of func(patchQ, patch.Op) []patch.Op) func(patchQ) patchQ {
	return everyOp(func(q patchQ, op patch.Op) []patch.Op {
		if op.Path == nil {
			return []patch.Op{op}
		}
		return of(q, op)
	})
}

// refuses makes a lesson about what must not be.
func refuses(why scim.ScimType, is func(patchQ, patch.Op, *attribute.Attribute) bool) func(patchQ) patchQ {
	return func(q patchQ) patchQ {
		for _, op := range q.ops {
			if op.Path == nil {
				continue
			}
			if a := definedBy(op.Path); a != nil && is(q, op, a) {
				q.refusal = why
			}
		}
		return q
	}
}

func definedBy(p *filter.Path) *attribute.Attribute {
	top, sub := p.Resolve(users)
	if sub != nil {
		return sub
	}
	return top
}

func isExtension(p *filter.Path) bool {
	urn, ok := p.Schema()
	if ok {
		_, ok = users.Extension(urn)
	}
	return ok
}

func wholeExtension(q patchQ, op patch.Op) []patch.Op {
	if !isExtension(op.Path) {
		return []patch.Op{op}
	}
	urn, _ := op.Path.Schema()
	var ops []patch.Op
	if op.Kind == patch.Remove {
		for _, name := range attrs(q.user[urn]) {
			ops = append(ops, patch.Op{Kind: patch.Remove, Path: &filter.Path{URN: urn, Name: name}})
		}
		return ops
	}
	for _, name := range attrs(op.Value) {
		ops = append(ops, patch.Op{Kind: op.Kind, Path: &filter.Path{URN: urn, Name: name}, Value: op.Value.(map[string]any)[name]})
	}
	return ops
}

func byPath(_ patchQ, op patch.Op) []patch.Op {
	if op.Path != nil {
		return []patch.Op{op}
	}
	var ops []patch.Op
	for _, name := range attrs(op.Value) {
		ops = append(ops, patch.Op{Kind: op.Kind, Path: path(name), Value: op.Value.(map[string]any)[name]})
	}
	return ops
}

// elementsOf returns the elements of a multi-valued complex attribute of the core schema.
func elementsOf(u map[string]any, name string) []map[string]any {
	list, _ := u[name].([]any)
	var out []map[string]any
	for _, e := range list {
		out = append(out, e.(map[string]any))
	}
	return out
}

// selected returns the elements that a value path selects, as TestMatchAsOthersDo has shown to be right.
func selected(q patchQ, p *filter.Path) []map[string]any {
	m, err := filter.CompileValue(users.Lookup("", p.Name), p.Where)
	if err != nil {
		panic(err) // of filters that this package makes
	}
	return slices.DeleteFunc(elementsOf(q.user, p.Name), func(e map[string]any) bool { return !m.MatchValue(e) })
}

// described are the sub-attributes that a filter compares by eq.
func described(e *filter.Expr) map[string]any {
	if e.Op == filter.And {
		m := described(e.Left)
		maps.Copy(m, described(e.Right))
		return m
	}
	return map[string]any{e.Path.Name: e.Value}
}

// merged adds elements that are there already to themselves, and only the others to the list.
func merged(q patchQ, op patch.Op) []patch.Op {
	list, ok := op.Value.([]any)
	if op.Kind != patch.Add || !ok || op.Path.Where != nil || op.Path.Name == "tags" {
		return []patch.Op{op}
	}
	var ops []patch.Op
	var rest []any
	for _, v := range list {
		given := v.(map[string]any)
		i := slices.IndexFunc(elementsOf(q.user, op.Path.Name), func(e map[string]any) bool { return identity(e) == identity(given) })
		if i < 0 {
			rest = append(rest, v)
			continue
		}
		there := elementsOf(q.user, op.Path.Name)[i]
		where := "value eq " + indented(there["value"])
		if there["type"] != nil {
			where += " and type eq " + indented(there["type"])
		} else {
			where += " and not (type pr)"
		}
		ops = append(ops, patch.Op{Kind: patch.Add, Path: path(op.Path.Name + "[" + where + "]"), Value: v})
	}
	if rest != nil {
		op.Value = rest
		ops = append(ops, op)
	}
	return ops
}

func identity(e map[string]any) string {
	value, ok := e["value"].(string)
	if !ok {
		return indented(e)
	}
	return strings.ToLower(fmt.Sprint(value, "\x00", e["type"]))
}

// onePrimary demotes the elements that were primary, where others have become it.
func onePrimary(before, after map[string]any) map[string]any {
	for name := range after {
		was, is := elementsIf(before[name]), elementsIf(after[name])
		newly := -1
		for i, e := range is {
			if e["primary"] == true && (i >= len(was) || was[i]["primary"] != true) {
				newly = i
			}
		}
		for i, e := range is {
			if newly >= 0 && i != newly && e["primary"] == true {
				e["primary"] = false
			}
		}
	}
	return after
}

func elementsIf(v any) []map[string]any {
	list, _ := v.([]any)
	var out []map[string]any
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// prune takes away what is empty.
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
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
		var out []any
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
