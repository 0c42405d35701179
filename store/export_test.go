package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Fields is what scans read documents by.
var Fields = fields

// KeyOf is what lists are sorted by.
var KeyOf = keyOf

// Check reads the whole store and returns the first thing in it that contradicts the rest.
func (s *Store) Check(ctx context.Context) error {
	return s.snapshot(ctx, func(c *conn) error {
		var answer string
		if err := c.one("PRAGMA integrity_check", nil, &answer); err != nil || answer != "ok" {
			return fmt.Errorf("integrity_check: %q, %w", answer, err)
		}
		dirs, err := seqs(c, "SELECT dir FROM directory")
		if err != nil {
			return err
		}
		for _, dir := range dirs {
			for _, kind := range []Kind{User, Group} {
				if err := s.checkKind(c, dir, kind); err != nil {
					return fmt.Errorf("directory %d, %ss: %w", dir, kind, err)
				}
			}
		}
		return checkOrphans(c)
	})
}

// checkKind compares what is derived from a kind's rows with the rows.
func (s *Store) checkKind(c *conn, dir int64, kind Kind) error {
	var all docReader
	if err := collect(c, all.scan, "SELECT "+docColumns+" FROM resource r WHERE dir = ? AND kind = ? ORDER BY seq", dir, kind); err != nil {
		return err
	}
	counts := map[tallyKey]int{}
	var want []string
	for _, d := range all.docs {
		version, ids, err := rebuilt(c, d)
		if err != nil {
			return err
		}
		if d.Version != version {
			return fmt.Errorf("%s: version is %x, its parts make %x", d.ID, d.Version, version)
		}
		if got := slices.Sorted(d.Groups()); kind == User && !slices.Equal(got, ids) {
			return fmt.Errorf("%s: refs are %q, memberships say %q", d.ID, got, ids)
		}
		terms, err := s.indexes.terms(d)
		if err != nil {
			return err
		}
		for _, t := range terms {
			want = append(want, fmt.Sprint(t.code, t.value, d.Seq))
		}
		if d.State != Listed {
			continue
		}
		for level := 1; level <= tallyTop; level++ {
			counts[tallyKey{kind, level, d.Seq >> (tallyBits * level)}]++
		}
	}
	if err := checkTally(c, dir, kind, counts); err != nil {
		return err
	}
	return s.checkTerms(c, dir, kind, want)
}

// rebuilt computes a row's version and the ids of its listed references from the memberships.
func rebuilt(c *conn, d Doc) (version uint64, ids []string, err error) {
	query := "SELECT r.seq, r.id, r.display FROM member m JOIN resource r ON r.seq = m.usr WHERE m.grp = ? AND r.state = 1"
	if d.Kind == User {
		query = "SELECT r.seq, r.id, r.display FROM member m JOIN resource r ON r.seq = m.grp WHERE m.usr = ? AND r.state = 1"
	}
	list, err := refs(c, query, d.Seq)
	version = hash(d.JSON)
	for _, r := range list {
		version ^= hash(r.ID)
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return version, ids, err
}

func checkTally(c *conn, dir int64, kind Kind, want map[tallyKey]int) error {
	got := map[tallyKey]int{}
	err := collect(c, func(rows *sql.Rows) error {
		k, n := tallyKey{kind: kind}, 0
		err := rows.Scan(&k.level, &k.bucket, &n)
		got[k] = n
		return err
	}, "SELECT level, bucket, n FROM tally WHERE dir = ? AND kind = ?", dir, kind)
	if err != nil {
		return err
	}
	for k, n := range want {
		if got[k] != n {
			return fmt.Errorf("tally %+v is %d, rows say %d", k, got[k], n)
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("tally has %d buckets, rows need %d", len(got), len(want))
	}
	return nil
}

func (s *Store) checkTerms(c *conn, dir int64, kind Kind, want []string) error {
	codes := map[int]bool{idCode(kind): true, tombstoned.code: kind == tombstoned.kind}
	for _, x := range slices.Concat(s.indexes.list, s.indexes.sorts) {
		codes[x.code] = codes[x.code] || x.kind == kind
	}
	var got []string
	err := collect(c, func(rows *sql.Rows) error {
		var t term
		var seq int64
		err := rows.Scan(&t.code, &t.value, &seq)
		if codes[t.code] {
			got = append(got, fmt.Sprint(t.code, t.value, seq))
		}
		return err
	}, "SELECT attr, value, seq FROM term WHERE dir = ?", dir)
	slices.Sort(got)
	slices.Sort(want)
	if err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("terms are %q, documents say %q", got, want)
	}
	return err
}

// checkOrphans looks for what hangs on rows that are not there, or are of the wrong kind.
func checkOrphans(c *conn) error {
	for what, query := range map[string]string{
		"members without group": "SELECT COUNT(*) FROM member m WHERE NOT EXISTS (SELECT 1 FROM resource r WHERE r.seq = m.grp AND r.kind = 2)",
		"members without user":  "SELECT COUNT(*) FROM member m WHERE NOT EXISTS (SELECT 1 FROM resource r WHERE r.seq = m.usr AND r.kind = 1)",
		"terms too long":        "SELECT COUNT(*) FROM term WHERE LENGTH(CAST(value AS BLOB)) > 512",
		"terms without row":     "SELECT COUNT(*) FROM term t WHERE NOT EXISTS (SELECT 1 FROM resource r WHERE r.seq = t.seq AND r.dir = t.dir AND r.state = CASE t.attr WHEN 12 THEN 3 ELSE 1 END)",
		"rows of no directory":  "SELECT COUNT(*) FROM resource r WHERE NOT EXISTS (SELECT 1 FROM directory d WHERE d.dir = r.dir)",
		"counts of none":        "SELECT COUNT(*) FROM tally t WHERE NOT EXISTS (SELECT 1 FROM directory d WHERE d.dir = t.dir)",
		"members out of date":   "SELECT COUNT(*) FROM member m JOIN resource u ON u.seq = m.usr WHERE m.id <> u.id OR m.display <> u.display OR m.listed <> (u.state = 1)",
		"members across":        "SELECT COUNT(*) FROM member m JOIN resource g ON g.seq = m.grp JOIN resource u ON u.seq = m.usr WHERE g.dir <> u.dir",
	} {
		var n int
		if err := c.one(query, nil, &n); err != nil {
			return err
		}
		if n != 0 {
			return fmt.Errorf("%s: got %d, want 0", what, n)
		}
	}
	return nil
}

// Explain returns SQLite's plan for a query, one line a step.
func (s *Store) Explain(ctx context.Context, query string) (plan []string, err error) {
	args := make([]any, strings.Count(query, "?"))
	err = s.read(ctx, func(c *conn) error {
		return collect(c, func(rows *sql.Rows) error {
			var id, parent, unused int
			var step string
			err := rows.Scan(&id, &parent, &unused, &step)
			plan = append(plan, step)
			return err
		}, "EXPLAIN QUERY PLAN "+query, args...)
	})
	return plan, err
}

// Count returns the number of a table's rows.
func (s *Store) Count(ctx context.Context, table string) (n int, err error) {
	err = s.read(ctx, func(c *conn) error { return c.one("SELECT COUNT(*) FROM "+table, nil, &n) })
	return n, err
}

// LimitPages makes the file as full as a disk may be: it may not grow beyond so many pages. 0: no limit.
func (s *Store) LimitPages(n int) error {
	if n == 0 {
		n = 1 << 30
	}
	return s.writer.do(context.Background(), func(c *conn) error {
		var limit int
		return c.one(fmt.Sprintf("PRAGMA max_page_count = %d", n), nil, &limit)
	})
}

// JumpTo makes the next row's seq the one after this.
func (s *Store) JumpTo(seq int64) error {
	return s.writer.do(context.Background(), func(c *conn) error {
		if seq == 0 {
			return nil
		}
		return c.exec("UPDATE sqlite_sequence SET seq = ? WHERE name = 'resource'", seq)
	})
}

// Statements returns what has been prepared on any connection. Nobody may use the store meanwhile.
func (s *Store) Statements() []string {
	all := map[string]bool{}
	for _, c := range append(slices.Clone(s.file.readers), s.file.writer) {
		for query := range c.stmts {
			if !slices.Contains([]string{"BEGIN", "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT part", "RELEASE part", "ROLLBACK TO part"}, query) {
				all[query] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}
