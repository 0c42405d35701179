package store

import (
	"cmp"
	"slices"
)

// Position is a place in the order of a Query: a page that is asked for by it begins behind it, wherever that now is.
// The zero Position is before everything.
type Position struct {
	Key string // of the attribute that the list is sorted by, at most 512 bytes; "" in the order of insertion
	Seq int64
}

// picker finds the positions of a page among those offered, in whatever order, while it holds few more than the page
// and what is before it.
type picker struct {
	desc  bool
	after *Position // only what is behind it; nil: all
	limit int       // so many, the first
	list  []Position
	full  bool // list[:limit] is sorted: what is not before its last is not needed
}

func (p *picker) compare(a, b Position) int {
	if p.desc {
		a, b = b, a
	}
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Seq, b.Seq))
}

// offer considers a row.
func (p *picker) offer(x Position) {
	switch {
	case p.limit == 0 || p.after != nil && p.compare(*p.after, x) >= 0:
		return
	case p.full && p.compare(x, p.list[p.limit-1]) > 0:
		return
	}
	p.list = append(p.list, x)
	if len(p.list) >= 2*p.limit+256 {
		p.first()
	}
}

// first returns the first of what was offered, in order.
func (p *picker) first() []Position {
	slices.SortFunc(p.list, p.compare)
	if len(p.list) >= p.limit {
		p.list, p.full = p.list[:p.limit], true
	}
	return p.list
}
