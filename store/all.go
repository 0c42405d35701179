package store

import (
	"context"
	"fmt"
	"iter"
)

// All returns every row of a kind in whatever State, in the order of lists, read a window at a time.
func (d *Directory) All(ctx context.Context, kind Kind) iter.Seq2[Doc, error] {
	return func(yield func(Doc, error) bool) {
		for low := int64(0); ; {
			var r docReader
			err := d.s.read(ctx, func(c *conn) error {
				return collect(c, r.scan, "SELECT "+docColumns+" FROM resource r WHERE dir = ? AND kind = ? AND seq > ? ORDER BY seq LIMIT 1000", d.dir, kind, low)
			})
			if err != nil {
				yield(Doc{}, fmt.Errorf("reading all %ss: %w", kind, err))
				return
			}
			for _, doc := range r.docs {
				if !yield(doc, nil) {
					return
				}
				low = doc.Seq
			}
			if len(r.docs) == 0 {
				return
			}
		}
	}
}
