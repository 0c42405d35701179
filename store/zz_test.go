package store

import (
	"database/sql"
	"testing"
	"context"
	"path/filepath"
	"fmt"
	"strings"
)

func BenchmarkCols(b *testing.B) {
	db, _ := sql.Open("sqlite", dsn(filepath.Join(b.TempDir(), "x.db"), pragmas...))
	db.SetMaxOpenConns(1)
	if err := migrate(context.Background(), db); err != nil { b.Fatal(err) }
	c, _ := newConn(context.Background(), db)
	c.exec("INSERT INTO resource (dir, kind, id, pool_name, display, state, managed, version, created, modified, wrote, checked, doc) VALUES (1,1,'00000005-1111-4222-8333-444455556666','00000005-1111-4222-8333-444455556666','user000005@example.com',1,1,123456789012345678,1234567890123,1234567890123,1234567890123,1234567890123,?)", strings.Repeat("x", 1000))
	all := strings.Split(docColumns, ", ")
	packed := "r.id, r.doc, printf('%d %d %d %d %d %d %d %d %d %d %d', r.seq, r.kind, r.state, r.managed, r.version, r.created, r.modified, r.wrote, r.checked, r.members_checked, 1)"
	packed2 := "r.id, r.doc, r.seq||' '||r.kind||' '||r.state||' '||r.managed||' '||r.version||' '||r.created||' '||r.modified||' '||r.wrote||' '||r.checked||' '||r.members_checked"
	for name, cols := range map[string]string{"15": docColumns, "1": "r.seq", "5int": strings.Join(all[7:12], ","), "4text": "r.id, r.pool_name,r.display,r.refs", "doc": "r.doc", "printf": packed, "concat": packed2, "blob":"CAST(r.doc AS BLOB)"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := strings.Count(cols, ",")+1
			if strings.HasPrefix(name, "pri") { n = 3}
			dest := make([]any, n)
			for i := range dest { dest[i] = new(sql.RawBytes) }
			if n==15 { for i := range dest {  if i < 1 || i > 3 && i < 13 {dest[i] = new(int64)} else if i < 13 { dest[i] = new(string)} } }
			t0 := cpuTime()
			for b.Loop() {
				err := collect(c, func(r *sql.Rows) error { return r.Scan(dest...) }, "SELECT "+cols+" FROM resource r WHERE dir = ? AND kind = ? AND id = ?", 1, 1, "00000005-1111-4222-8333-444455556666")
				if err != nil { b.Fatal(err) }
			}
			b.ReportMetric(float64(cpuTime()-t0)/float64(b.N), "cpu-ns/op")
		})
	}
	_ = fmt.Sprint
}
