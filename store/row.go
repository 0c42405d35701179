package store

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
)

// docColumns is what docReader reads, of a resource called r.
const docColumns = "r.seq, r.id, r.pool_name, r.display, r.kind, r.state, r.managed, r.version, r.created, r.modified, r.wrote, r.checked, r.members_checked, r.refs, r.doc, r.links"

// docReader turns rows into documents. Their bytes lie in few buffers, each for many documents.
type docReader struct {
	docs  []Doc
	arena []byte
	cells [16]any // of one row: to scan into any is the only way that neither converts nor copies
	dest  [16]any
	odd   bool // a cell was of another type than its column
}

// arenaSize is the size of a buffer, in bytes, from the second on: the first is as large as the first document.
const arenaSize = 32 << 10

func (r *docReader) scan(rows *sql.Rows) error {
	if r.dest[0] == nil {
		for i := range r.cells {
			r.dest[i] = &r.cells[i]
		}
	}
	if err := rows.Scan(r.dest[:]...); err != nil {
		return translate(err)
	}
	d := Doc{
		Seq: r.number(0), ID: r.text(1), PoolName: r.text(2), Display: r.text(3),
		Kind: Kind(r.number(4)), State: State(r.number(5)), Managed: r.number(6) != 0, Version: uint64(r.number(7)),
		Created: r.number(8), Modified: r.number(9), Wrote: r.number(10), Checked: r.number(11), MembersChecked: r.number(12),
		Refs: keep(r, r.text(13)), JSON: keep(r, r.text(14)), Links: r.text(15),
	}
	if r.odd {
		return fmt.Errorf("%w: a row of types other than the schema's: %v", ErrCorrupt, r.cells[:13])
	}
	r.docs = append(r.docs, d)
	return nil
}

func (r *docReader) number(i int) int64 {
	n, ok := r.cells[i].(int64)
	r.odd = r.odd || !ok
	return n
}

func (r *docReader) text(i int) string {
	s, ok := r.cells[i].(string)
	r.odd = r.odd || !ok
	return s
}

// keep copies bytes into the reader's buffer.
func keep[T string | []byte](r *docReader, b T) []byte {
	if len(b) == 0 {
		return nil
	}
	if len(b) > cap(r.arena)-len(r.arena) {
		size := len(b)
		if r.docs != nil {
			size = max(size, arenaSize)
		}
		r.arena = make([]byte, 0, size)
	}
	start := len(r.arena)
	r.arena = append(r.arena, b...)
	return r.arena[start:len(r.arena):len(r.arena)]
}

// doc reads one document; ErrNotFound when the query finds none.
func (c *conn) doc(query string, args ...any) (Doc, error) {
	var r docReader
	if err := collect(c, r.scan, query, args...); err != nil {
		return Doc{}, err
	}
	if len(r.docs) == 0 {
		return Doc{}, ErrNotFound
	}
	return r.docs[0], nil
}

// How single rows are found.
const (
	byID       = "SELECT " + docColumns + " FROM resource r WHERE dir = ? AND kind = ? AND id = ?"
	byPoolName = "SELECT " + docColumns + " FROM resource r WHERE dir = ? AND kind = ? AND pool_name = ?"
	bySeq      = "SELECT " + docColumns + " FROM resource r WHERE seq = ? AND dir = ? AND kind = ? AND state = 1"
	byTerm     = "SELECT " + docColumns + " FROM term t JOIN resource r ON r.seq = t.seq WHERE t.dir = ? AND t.attr = ? AND t.value = ? ORDER BY t.seq"
)

// window is how many seqs are read at a time by what walks through all rows.
const window = 4096

// inWindow selects the rows of a kind in a window. That it names the states makes all four fit the index.
const inWindow = "SELECT " + docColumns + " FROM resource r WHERE dir = ? AND kind = ? AND state IN (1, 2, 3) AND seq > ? AND seq <= ?"

// All returns every row of a kind, in whatever State, in the order of lists. No connection is held while the caller
// works, so rows that change meanwhile may be seen as they were or as they are.
func (d *Directory) All(ctx context.Context, kind Kind) iter.Seq2[Doc, error] {
	return d.walk(ctx, inWindow+" ORDER BY seq", kind)
}

// walk returns the rows of a query that begins as inWindow does, with more variables.
func (d *Directory) walk(ctx context.Context, query string, kind Kind, args ...any) iter.Seq2[Doc, error] {
	return func(yield func(Doc, error) bool) {
		for low, last := int64(0), int64(1); low < last; low += window {
			var r docReader
			err := d.s.snapshot(ctx, func(c *conn) error {
				if err := c.one("SELECT COALESCE(MAX(seq), 0) FROM resource", nil, &last); err != nil {
					return err
				}
				return collect(c, r.scan, query, append([]any{d.dir, kind, low, low + window}, args...)...)
			})
			if err != nil {
				yield(Doc{}, fmt.Errorf("reading all %ss: %w", kind, err))
				return
			}
			for _, doc := range r.docs {
				if !yield(doc, nil) {
					return
				}
			}
		}
	}
}
