package store

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// plan is how the rows that match a filter are found without looking at all of them: a look-up, or two plans of which
// both or either must find a row. It finds every row that matches.
type plan struct {
	op          filter.Op // And, Or; otherwise probe says it all
	left, right *plan     // of And, left is the one that probably finds less; right may be nil: unknown
	probe       probe
}

// plan translates a filter on a kind; nil when it takes a scan.
func (ix indexes) plan(kind Kind, def *attribute.Tree, e *filter.Expr) *plan {
	switch e.Op {
	case filter.And:
		return both(ix.plan(kind, def, e.Left), ix.plan(kind, def, e.Right))
	case filter.Or:
		left, right := ix.plan(kind, def, e.Left), ix.plan(kind, def, e.Right)
		if left == nil || right == nil {
			return nil
		}
		return &plan{op: filter.Or, left: left, right: right}
	case filter.Has:
		top, _ := e.Path.Resolve(def)
		return both(ix.within(kind, top, e.Left), nil)
	}
	top, sub := e.Path.Resolve(def)
	p, ok := ix.probe(kind, top, sub, e)
	switch {
	case !ok:
		return nil
	case e.Path.Where != nil:
		return both(&plan{op: e.Op, probe: p}, nil)
	}
	return &plan{op: e.Op, probe: p}
}

// within is plan for a value filter on an attribute.
func (ix indexes) within(kind Kind, top *attribute.Attribute, e *filter.Expr) *plan {
	if top == nil {
		return nil
	}
	if e.Op == filter.And {
		return both(ix.within(kind, top, e.Left), ix.within(kind, top, e.Right))
	}
	sub := top.Lookup(e.Path.Name)
	if sub == nil || e.Path.Sub != "" || e.Path.URN != "" {
		return nil
	}
	if p, ok := ix.probe(kind, top, sub, e); ok {
		return &plan{op: e.Op, probe: p}
	}
	return nil
}

// both joins the plans of two conditions that must hold; nil: not known how.
func both(a, b *plan) *plan {
	switch {
	case a == nil && b == nil:
		return nil
	case a == nil || b != nil && b.cost() < a.cost():
		a, b = b, a
	}
	return &plan{op: filter.And, left: a, right: b}
}

// cost is a guess at how many rows a plan finds.
func (p *plan) cost() int {
	switch p.op {
	case filter.And:
		return p.left.cost()
	case filter.Or:
		return p.left.cost() + p.right.cost()
	}
	return p.probe.cost()
}

// find returns rows in the order of lists, among them all that match; exact: only such.
func (p *plan) find(c *conn, dir int64, kind Kind) (found []int64, exact bool, err error) {
	switch p.op {
	case filter.And:
		return p.findBoth(c, dir, kind)
	case filter.Or:
		left, exactLeft, err := p.left.find(c, dir, kind)
		if err != nil {
			return nil, false, err
		}
		right, exactRight, err := p.right.find(c, dir, kind)
		return ordered(append(left, right...)), exactLeft && exactRight, err
	}
	found, exact, err = p.probe.seqs(c, dir, kind)
	return ordered(found), exact, err
}

// findBoth looks at the right side only if the left one finds more than are soon looked at themselves.
func (p *plan) findBoth(c *conn, dir int64, kind Kind) (found []int64, exact bool, err error) {
	left, exactLeft, err := p.left.find(c, dir, kind)
	if err != nil || p.right == nil || len(left) <= scanRows {
		return left, false, err
	}
	right, exactRight, err := p.right.find(c, dir, kind)
	if err != nil {
		return nil, false, err
	}
	found = slices.DeleteFunc(left, func(seq int64) bool {
		_, there := slices.BinarySearch(right, seq)
		return !there
	})
	return found, exactLeft && exactRight, nil
}

// ordered puts rows into the order of lists, each once.
func ordered(seqs []int64) []int64 {
	slices.Sort(seqs)
	return slices.Compact(seqs)
}

// probe returns the look-up for a comparison with an attribute, or with its sub-attribute sub.
func (ix indexes) probe(kind Kind, top, sub *attribute.Attribute, e *filter.Expr) (probe, bool) {
	if top == nil || top.Extension() != "" {
		return probe{}, false
	}
	if sub == nil && top.Type == attribute.Complex {
		sub = top.Lookup("value") // as the matcher takes it
	}
	text, ok := comparand(e.Value)
	if !ok {
		return probe{}, false
	}
	attr := top
	if sub != nil {
		attr = sub
	}
	if p, ok := probeTimes(attr, e.Op, text); ok {
		return p, true
	}
	x, isTerm := ix.named(kind, attr.Path())
	switch {
	case e.Op == filter.Sw && isTerm:
		return probePrefix(x, text)
	case e.Op != filter.Eq:
		return probe{}, false
	case attr.Path() == "id":
		return probe{by: probeID, value: text, whole: true}, attr.CaseExact
	case attr.Path() == references(kind)+".value":
		if !attr.CaseExact {
			text = filter.Fold(text)
		}
		return probe{by: probeMember, value: text, whole: attr.CaseExact}, true
	}
	return probe{by: probeTerm, code: x.code, value: x.term(text)}, isTerm
}

// references is the attribute that holds a kind's memberships.
func references(kind Kind) string {
	if kind == Group {
		return "members"
	}
	return "groups"
}

// comparand returns the text that a comparison looks for; ok is false for null and the empty string, which no index
// holds.
func comparand(value any) (text string, ok bool) {
	switch v := value.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	case bool:
		text = fmt.Sprint(v)
	}
	return text, text != ""
}
