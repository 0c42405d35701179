package store

import (
	"context"
	"fmt"
	"iter"
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
