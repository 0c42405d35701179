package store

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// Query asks for a page of listed rows.
type Query struct {
	Kind  Kind
	Where *filter.Expr // nil: all
	// Sort is the attribute that the rows are sorted by, as RFC 7644 §3.4.2.3 says: of several values by the primary or
	// else the first one, without one last. nil, or an attribute that the kind does not have: by insertion, an order that
	// never changes. Rows of equal values are in the order of insertion, too. Texts compare by their first 511 bytes.
	Sort *filter.Path
	Desc bool // with Sort: the exact reverse, rows without a value first
	// Start is the position of the first row, from 1 on (RFC 7644 §3.4.2.4); less than 1 means 1.
	Start int
	// After asks for the rows behind a position instead, however many have come or gone before it: Page.Next of the page
	// before, or the zero Position for the first page. The rest of the Query must be the same.
	After *Position
	Count int // at most so many; 0 or less: only the total
}

// Page is the answer to a Query.
type Page struct {
	Total int                   // how many rows there are, exactly, on all pages
	Len   int                   // how many are on this one
	Docs  iter.Seq2[Doc, error] // those of this page; may be ranged over again
	Next  *Position             // to a Query with After: for the next page; nil: there is none
}

// List returns a page and the exact total, both of one moment. A filter that compares an indexed attribute by eq or sw,
// the id or a membership by eq, meta.created or meta.lastModified, alone or and-ed with others, is answered by the index,
// and so is an or of such filters; any other is evaluated on every row, which takes ten to twenty microseconds each, and
// looks at ctx. An error of the filter is a scim.ScimError; that Sort is no attribute which
// rows can be sorted by is the caller's mistake.
//
// Sorted by userName or displayName, meta.created or meta.lastModified, and without a filter, a page is read from an
// index, too. Any other order takes reading every row that matches; of these only key and seq are kept, at most 550
// bytes each, and of no more than twice Start and Count.
//
// What filters see of meta is resourceType, created and lastModified; location and version depend on how the resource
// is served.
func (d *Directory) List(ctx context.Context, q Query) (Page, error) {
	l := &lister{d: d, q: q, skip: min(max(q.Start, 1)-1, maxRows), count: min(max(q.Count, 0), maxRows)}
	if q.After != nil {
		l.skip = 0
		if q.After.Seq != 0 {
			l.after = q.After
		}
	}
	if err := l.run(ctx); err != nil {
		return Page{}, err
	}
	return Page{Total: l.total, Len: len(l.page.docs), Next: l.next, Docs: func(yield func(Doc, error) bool) {
		for _, doc := range l.page.docs {
			if !yield(doc, nil) {
				return
			}
		}
	}}, nil
}

// maxRows bounds what clients ask for, so that sums do not overflow; no directory has as many.
const maxRows = 1 << 30

// lister is a List under way.
type lister struct {
	d           *Directory
	q           Query
	after       *Position // the page is behind it; nil: from the beginning on
	skip, count int
	order       *order // nil: that of insertion
	match       *match // nil: everything that is looked at matches
	total       int
	picked      picker
	page        docReader
	next        *Position
}

func (l *lister) run(ctx context.Context) (err error) {
	if l.order, err = newOrder(l.d, l.q); err != nil {
		return err
	}
	l.picked = picker{desc: l.order != nil && l.order.desc, after: l.after, limit: l.wanted() + l.skip}
	if l.q.Where == nil {
		return l.everything(ctx)
	}
	def := l.d.s.indexes.trees[l.q.Kind]
	if def == nil {
		return fmt.Errorf("store: listing %s", l.q.Kind)
	}
	if l.match, err = newMatch(l.d, l.q.Kind, def, l.q.Where); err != nil {
		return err
	}
	p := l.d.s.indexes.plan(l.q.Kind, def, l.q.Where)
	if p == nil {
		return l.slowly(ctx, l.scan)
	}
	if p.op == filter.Eq && p.probe.by == probeTerm && l.order == nil {
		if done, err := l.few(ctx, p.probe); done || err != nil {
			return err
		}
	}
	if p.cost() >= wide {
		return l.slowly(ctx, func(ctx context.Context, c *conn) error { return l.candidates(ctx, c, p) })
	}
	return l.d.s.snapshot(ctx, func(c *conn) error { return l.candidates(ctx, c, p) })
}

// wide is the cost from which on a plan is expected to take long.
const wide = 10_000

// wanted is how many rows are read: with After one more than the page has, to know whether another page follows.
func (l *lister) wanted() int {
	if l.q.After != nil && l.count > 0 {
		return l.count + 1
	}
	return l.count
}

// everything lists without a filter.
func (l *lister) everything(ctx context.Context) error {
	switch {
	case l.order == nil:
		return l.d.s.snapshot(ctx, l.inserted)
	case l.order.indexed():
		return l.d.s.snapshot(ctx, l.sorted)
	}
	return l.slowly(ctx, l.scan)
}

// inserted lists in the order of insertion.
func (l *lister) inserted(c *conn) (err error) {
	if l.total, err = total(c, l.d.dir, l.q.Kind); err != nil || l.count == 0 || l.skip >= l.total {
		return err
	}
	from, rest, found := int64(0), 0, true
	if l.after != nil {
		from = l.after.Seq + 1
	} else if from, rest, found, err = seek(c, l.d.dir, l.q.Kind, l.skip); err != nil || !found {
		return err
	}
	err = collect(c, l.page.scan, "SELECT "+docColumns+" FROM resource r WHERE dir = ? AND kind = ? AND state = 1 AND seq >= ? ORDER BY seq LIMIT ? + 0 OFFSET ?",
		l.d.dir, l.q.Kind, from, l.wanted(), rest)
	if err == nil && len(l.page.docs) > l.count {
		l.page.docs = l.page.docs[:l.count]
		l.next = &Position{Seq: l.page.docs[l.count-1].Seq}
	}
	return err
}

// sorted lists in the order of an index.
func (l *lister) sorted(c *conn) (err error) {
	if l.total, err = total(c, l.d.dir, l.q.Kind); err != nil || l.count == 0 || l.skip >= l.total {
		return err
	}
	found, err := l.order.walk(c, l.after, l.skip, l.wanted())
	if err != nil {
		return err
	}
	return l.fetch(c, found)
}

// fewRows is how many rows are read at once in the hope that there are no more.
const fewRows = 32

// few answers a filter that is a single term, in the order of insertion, unless it finds many rows.
func (l *lister) few(ctx context.Context, p probe) (done bool, err error) {
	var found docReader
	err = l.d.s.read(ctx, func(c *conn) error {
		return collect(c, found.scan, byTerm+" LIMIT ? + 0", l.d.dir, p.code, p.value, fewRows+1)
	})
	if err != nil || len(found.docs) > fewRows {
		return false, err
	}
	l.total = len(found.docs)
	for _, doc := range found.docs {
		l.picked.offer(Position{Seq: doc.Seq})
	}
	page := l.cut(l.best())
	l.page.docs = slices.DeleteFunc(found.docs, func(d Doc) bool {
		return !slices.Contains(page, Position{Seq: d.Seq})
	})
	return true, nil
}

// candidates lists those of the rows found by a plan that match.
func (l *lister) candidates(ctx context.Context, c *conn, p *plan) error {
	found, exact, err := p.find(c, l.d.dir, l.q.Kind)
	if err != nil {
		return err
	}
	if exact {
		l.match = nil
	}
	if l.match == nil && l.order == nil {
		l.total = len(found)
		for _, seq := range found {
			l.picked.offer(Position{Seq: seq})
		}
		return l.fetch(c, l.best())
	}
	for part := range slices.Chunk(found, scanRows) {
		if err := ctx.Err(); err != nil {
			return err
		}
		var r docReader
		for _, seq := range part {
			if err := collect(c, r.scan, bySeq, seq, l.d.dir, l.q.Kind); err != nil {
				return err
			}
		}
		if err := l.take(c, r.docs); err != nil {
			return err
		}
	}
	return l.fetch(c, l.best())
}

// slowly lists by what occupies a reader for long.
func (l *lister) slowly(ctx context.Context, list func(context.Context, *conn) error) error {
	done, err := l.d.s.slow(ctx)
	if err != nil {
		return err
	}
	defer done()
	return l.d.s.snapshot(ctx, func(c *conn) error { return list(ctx, c) })
}

// scanRows is how many rows a scan reads at a time.
const scanRows = 256

// scan lists by looking at every listed row.
func (l *lister) scan(ctx context.Context, c *conn) error {
	var last int64
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var r docReader
		err := collect(c, r.scan, "SELECT "+docColumns+" FROM resource r WHERE dir = ? AND kind = ? AND state = 1 AND seq > ? ORDER BY seq LIMIT ? + 0",
			l.d.dir, l.q.Kind, last, scanRows)
		if err != nil {
			return err
		}
		if len(r.docs) == 0 {
			return l.fetch(c, l.best())
		}
		last = r.docs[len(r.docs)-1].Seq
		if err := l.take(c, r.docs); err != nil {
			return err
		}
	}
}

// take counts the matching rows among docs and offers them for the page.
func (l *lister) take(c *conn, docs []Doc) error {
	for _, doc := range docs {
		if l.match != nil {
			ok, err := l.match.match(c, doc)
			if err != nil {
				return fmt.Errorf("matching %s %s: %w", doc.Kind, doc.ID, err)
			}
			if !ok {
				continue
			}
		}
		at := Position{Seq: doc.Seq}
		if l.order != nil {
			var err error
			if at.Key, err = l.order.key(c, doc); err != nil {
				return fmt.Errorf("sorting %s %s: %w", doc.Kind, doc.ID, err)
			}
		}
		l.picked.offer(at)
		l.total++
	}
	return nil
}

// best returns the positions picked for the page.
func (l *lister) best() []Position {
	first := l.picked.first()
	return first[min(l.skip, len(first)):]
}

// cut takes off what is behind the page, and notes that the next one begins there.
func (l *lister) cut(page []Position) []Position {
	if len(page) > l.count {
		page = page[:l.count]
		last := page[l.count-1]
		l.next = &last
	}
	return page
}

// fetch reads the rows of the page.
func (l *lister) fetch(c *conn, page []Position) error {
	for _, at := range l.cut(page) {
		if err := collect(c, l.page.scan, bySeq, at.Seq, l.d.dir, l.q.Kind); err != nil {
			return err
		}
	}
	return nil
}
