package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// probe is a look-up that finds every listed row for which some part of a filter holds.
type probe struct {
	by    probeKind
	code  int    // of the index, for probeTerm
	value string // an id, a term, or the id at the other end of a membership
	exact bool   // of ids: compared byte for byte; otherwise value is folded
}

type probeKind uint8

const (
	probeID     probeKind = iota // the row with an id
	probeTerm                    // the rows with a term
	probeMember                  // the groups of a user, or the users of a group
)

// probes returns look-ups that together find every row of a kind that matches e, nil when it takes a scan. exact: what
// they find matches, and nothing else does.
func (ix indexes) probes(kind Kind, def *attribute.Tree, e *filter.Expr) (probes []probe, exact bool) {
	switch e.Op {
	case filter.And:
		left, _ := ix.probes(kind, def, e.Left)
		right, _ := ix.probes(kind, def, e.Right)
		return narrower(left, right), false
	case filter.Or:
		left, _ := ix.probes(kind, def, e.Left)
		right, _ := ix.probes(kind, def, e.Right)
		if left == nil || right == nil {
			return nil, false
		}
		return append(left, right...), false
	case filter.Eq:
		top, sub := e.Path.Resolve(def)
		p, ok := ix.probe(kind, top, sub, e.Value)
		if !ok {
			return nil, false
		}
		return []probe{p}, e.Path.Where == nil && p.by == probeTerm
	case filter.Has:
		top, _ := e.Path.Resolve(def)
		return ix.within(kind, top, e.Left), false
	}
	return nil, false
}

// within is probes for a value filter on an attribute.
func (ix indexes) within(kind Kind, top *attribute.Attribute, e *filter.Expr) []probe {
	if top == nil {
		return nil
	}
	switch e.Op {
	case filter.And:
		return narrower(ix.within(kind, top, e.Left), ix.within(kind, top, e.Right))
	case filter.Eq:
		sub := top.Lookup(e.Path.Name)
		if sub == nil || e.Path.Sub != "" || e.Path.URN != "" {
			return nil
		}
		if p, ok := ix.probe(kind, top, sub, e.Value); ok {
			return []probe{p}
		}
	}
	return nil
}

// narrower chooses between look-ups of which one is enough: that by id, else that with fewer parts.
func narrower(a, b []probe) []probe {
	switch {
	case a == nil || b == nil:
		return append(a, b...)
	case len(b) < len(a) || len(b) == 1 && b[0].by == probeID:
		return b
	}
	return a
}

// probe returns the look-up for an attribute that is equal to a value.
func (ix indexes) probe(kind Kind, top, sub *attribute.Attribute, value any) (probe, bool) {
	if top == nil || top.Extension() != "" {
		return probe{}, false
	}
	if sub == nil && top.Type == attribute.Complex {
		sub = top.Lookup("value") // as the matcher takes it
	}
	text, ok := comparand(value)
	if !ok {
		return probe{}, false
	}
	attr := top
	if sub != nil {
		attr = sub
	}
	if attr.Path() == "id" {
		return probe{by: probeID, value: text, exact: true}, attr.CaseExact
	}
	if attr.Path() == references(kind)+".value" {
		if !attr.CaseExact {
			text = filter.Fold(text)
		}
		return probe{by: probeMember, value: text, exact: attr.CaseExact}, true
	}
	x, ok := ix.named(kind, attr.Path())
	return probe{by: probeTerm, code: x.code, value: x.term(text)}, ok
}

// references is the attribute that holds a kind's memberships.
func references(kind Kind) string {
	if kind == Group {
		return "members"
	}
	return "groups"
}

// comparand returns the text that a comparison with a string attribute looks for; ok is false for null and the empty
// string, which no index holds.
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

// seqs returns the rows that the probe finds.
func (p probe) seqs(c *conn, dir int64, kind Kind) ([]int64, error) {
	switch p.by {
	case probeID:
		return idSeqs(c, dir, kind, p.value, p.exact)
	case probeTerm:
		return seqs(c, "SELECT seq FROM term WHERE dir = ? AND attr = ? AND value = ? ORDER BY seq", dir, p.code, p.value)
	}
	query, other := "SELECT grp FROM member WHERE usr = ?", User
	if kind == User {
		query, other = "SELECT usr FROM member WHERE grp = ?", Group
	}
	ends, err := idSeqs(c, dir, other, p.value, p.exact)
	if err != nil {
		return nil, err
	}
	var found []int64
	for _, end := range ends {
		some, err := seqs(c, query, end)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found, nil
}

// idSeqs returns the listed rows with an id, which is folded unless exact. Ids that are not their own folding, which is
// rare, have a term.
func idSeqs(c *conn, dir int64, kind Kind, id string, exact bool) ([]int64, error) {
	found, err := seqs(c, "SELECT seq FROM resource WHERE dir = ? AND kind = ? AND id = ? AND state = 1", dir, kind, id)
	if err != nil || exact {
		return found, err
	}
	folded, err := seqs(c, "SELECT seq FROM term WHERE dir = ? AND attr = ? AND value = ?", dir, idCode(kind), (index{}).term(id))
	return append(found, folded...), err
}

// seqs reads a column of seqs.
func seqs(c *conn, query string, args ...any) ([]int64, error) {
	var found []int64
	err := collect(c, func(rows *sql.Rows) error {
		var seq int64
		err := rows.Scan(&seq)
		found = append(found, seq)
		return err
	}, query, args...)
	return found, err
}

// union returns the rows that any of the probes finds, in the order of lists.
func union(c *conn, dir int64, kind Kind, probes []probe) ([]int64, error) {
	var all []int64
	for _, p := range probes {
		found, err := p.seqs(c, dir, kind)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
