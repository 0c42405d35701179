package store

import "database/sql"

// The counted tree. For each kind of a directory it holds how many listed rows there are per 64, 4,096 and 262,144
// consecutive seqs (levels 1 to 3). The sum of the top level is the exact total; the row at any position is found by
// going down, instead of by counting all rows before it.
const (
	tallyBits = 6 // log2 of how many buckets of a level make one of the next
	tallyTop  = 3
)

// tallyKey names a bucket of a directory.
type tallyKey struct {
	kind   Kind
	level  int
	bucket int64
}

// count adds a listed row to the tree, or with -1 takes one out.
func (t *Tx) count(kind Kind, seq int64, by int) {
	if t.tally == nil {
		t.tally = map[tallyKey]int{}
	}
	for level := 1; level <= tallyTop; level++ {
		t.tally[tallyKey{kind, level, seq >> (tallyBits * level)}] += by
	}
}

// writeTally brings the transaction's changes into the tree. Empty buckets go, or a directory with a long history
// would have to add up zeros.
func (t *Tx) writeTally() error {
	for k, by := range t.tally {
		if by == 0 {
			continue
		}
		err := t.c.exec("INSERT INTO tally (dir, kind, level, bucket, n) VALUES (?, ?, ?, ?, ?) ON CONFLICT (dir, kind, level, bucket) DO UPDATE SET n = tally.n + excluded.n",
			t.d.dir, k.kind, k.level, k.bucket, by)
		if err == nil && by < 0 {
			err = t.c.exec("DELETE FROM tally WHERE dir = ? AND kind = ? AND level = ? AND bucket = ? AND n = 0", t.d.dir, k.kind, k.level, k.bucket)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// total returns the number of listed rows.
func total(c *conn, dir int64, kind Kind) (n int, err error) {
	err = c.one("SELECT COALESCE(SUM(n), 0) FROM tally WHERE dir = ? AND kind = ? AND level = ?", one{dir, kind, tallyTop}, &n)
	return n, err
}

// shallow is up to where the database skips rows faster than the tree is walked.
const shallow = 512

// seek returns a seq such that the row at position skip (0-based) is the one at position rest (below 64, or shallow)
// among the listed rows from there on. ok is false when there is no such row.
func seek(c *conn, dir int64, kind Kind, skip int) (from int64, rest int, ok bool, err error) {
	if skip < shallow {
		return 0, skip, true, nil
	}
	low, high := int64(0), int64(1)<<62
	for level := tallyTop; level >= 1; level-- {
		bucket, before, found, err := bucketAt(c, dir, kind, level, low, high, skip)
		if err != nil || !found {
			return 0, 0, false, err
		}
		skip -= before
		from = bucket << (tallyBits * level)
		low, high = bucket<<tallyBits, (bucket+1)<<tallyBits
	}
	return from, skip, true, nil
}

// bucketAt returns which of a level's buckets in [low, high) holds the row at position skip, and how many rows are
// before that bucket.
func bucketAt(c *conn, dir int64, kind Kind, level int, low, high int64, skip int) (bucket int64, before int, found bool, err error) {
	var n int
	err = collect(c, func(rows *sql.Rows) error {
		if found {
			return nil
		}
		before += n
		if err := rows.Scan(&bucket, &n); err != nil {
			return err
		}
		found = skip < before+n
		return nil
	}, "SELECT bucket, n FROM tally WHERE dir = ? AND kind = ? AND level = ? AND bucket >= ? AND bucket < ? ORDER BY bucket",
		dir, kind, level, low, high)
	return bucket, before, found, err
}
