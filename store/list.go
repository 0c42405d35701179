package store

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// Query asks for a page of listed rows, in the order of their insertion, which never changes.
type Query struct {
	Kind  Kind
	Where *filter.Expr // nil: all
	Start int          // position of the first, from 1 on (RFC 7644 §3.4.2.4); less than 1 means 1
	Count int          // at most so many; 0 or less: only the total
}

// Page is the answer to a Query.
type Page struct {
	Total int                   // how many rows there are, exactly, on all pages
	Docs  iter.Seq2[Doc, error] // those of this page; may be ranged over again
}

// List returns a page and the exact total, both of one moment. A filter that compares an indexed attribute or the id
// by eq, alone or and-ed with others, is answered by the index; any other is evaluated on every row, which takes ten to
// twenty microseconds each, and looks at ctx. An error of the filter is a scim.ScimError.
//
// What filters see of meta is resourceType, created and lastModified; location and version depend on how the resource
// is served.
func (d *Directory) List(ctx context.Context, q Query) (Page, error) {
	l := &lister{d: d, q: q, skip: min(max(q.Start, 1)-1, maxRows), count: min(max(q.Count, 0), maxRows)}
	if err := l.run(ctx); err != nil {
		return Page{}, err
	}
	return Page{Total: l.total, Docs: func(yield func(Doc, error) bool) {
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
	skip, count int
	total       int
	page        docReader
}

func (l *lister) run(ctx context.Context) error {
	if l.q.Where == nil {
		return l.d.s.snapshot(ctx, l.all)
	}
	def := l.d.s.indexes.trees[l.q.Kind]
	if def == nil {
		return fmt.Errorf("store: listing %s", l.q.Kind)
	}
	m, err := newMatch(l.d, l.q.Kind, def, l.q.Where)
	if err != nil {
		return err
	}
	probes, exact := l.d.s.indexes.probes(l.q.Kind, def, l.q.Where)
	if exact {
		if done, err := l.few(ctx, probes[0]); done || err != nil {
			return err
		}
		m = nil
	}
	if probes != nil {
		return l.d.s.snapshot(ctx, func(c *conn) error { return l.candidates(ctx, c, probes, m) })
	}
	done, err := l.d.s.slow(ctx)
	if err != nil {
		return err
	}
	defer done()
	return l.d.s.snapshot(ctx, func(c *conn) error { return l.scan(ctx, c, m) })
}

// all lists without a filter.
func (l *lister) all(c *conn) (err error) {
	if l.total, err = total(c, l.d.dir, l.q.Kind); err != nil || l.count == 0 || l.skip >= l.total {
		return err
	}
	from, rest, found, err := seek(c, l.d.dir, l.q.Kind, l.skip)
	if err != nil || !found {
		return err
	}
	return collect(c, l.page.scan, "SELECT "+docColumns+" FROM resource r WHERE dir = ? AND kind = ? AND state = 1 AND seq >= ? ORDER BY seq LIMIT ? + 0 OFFSET ?",
		l.d.dir, l.q.Kind, from, l.count, rest)
}

// fewRows is how many rows are read at once in the hope that there are no more.
const fewRows = 32

// few answers a filter that is a single term, unless it finds many rows.
func (l *lister) few(ctx context.Context, p probe) (done bool, err error) {
	var found docReader
	err = l.d.s.read(ctx, func(c *conn) error {
		return collect(c, found.scan, byTerm+" LIMIT ? + 0", l.d.dir, p.code, p.value, fewRows+1)
	})
	if err != nil || len(found.docs) > fewRows {
		return false, err
	}
	l.total = len(found.docs)
	l.page.docs = found.docs[min(l.skip, l.total):min(l.skip+l.count, l.total)]
	return true, nil
}

// candidates lists those of the rows found by any of the probes that match; m nil: all.
func (l *lister) candidates(ctx context.Context, c *conn, probes []probe, m *match) error {
	found, err := union(c, l.d.dir, l.q.Kind, probes)
	if err != nil {
		return err
	}
	if m == nil {
		l.total = len(found)
		found = found[min(l.skip, l.total):min(l.skip+l.count, l.total)]
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
		if m == nil {
			l.page.docs = append(l.page.docs, r.docs...)
		} else if err := l.take(c, m, r.docs); err != nil {
			return err
		}
	}
	return nil
}

// scanRows is how many rows a scan reads at a time.
const scanRows = 256

// scan evaluates the filter on every listed row.
func (l *lister) scan(ctx context.Context, c *conn, m *match) error {
	var last int64
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var r docReader
		err := collect(c, r.scan, "SELECT "+docColumns+" FROM resource r WHERE dir = ? AND kind = ? AND state = 1 AND seq > ? ORDER BY seq LIMIT ? + 0",
			l.d.dir, l.q.Kind, last, scanRows)
		if err != nil || len(r.docs) == 0 {
			return err
		}
		last = r.docs[len(r.docs)-1].Seq
		if err := l.take(c, m, r.docs); err != nil {
			return err
		}
	}
}

// take counts the matching rows among docs and keeps those of the page.
func (l *lister) take(c *conn, m *match, docs []Doc) error {
	for _, doc := range docs {
		ok, err := m.match(c, doc)
		if err != nil {
			return fmt.Errorf("matching %s %s: %w", doc.Kind, doc.ID, err)
		}
		if !ok {
			continue
		}
		if l.total >= l.skip && l.total < l.skip+l.count {
			l.page.keepDoc(doc)
		}
		l.total++
	}
	return nil
}
