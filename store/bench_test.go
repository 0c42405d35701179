package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/scim-cognito/scim-cognito/store"
)

const benchUsers = 100_000

// person is a user with a document of about a kilobyte.
func person(i int) store.Doc {
	name := fmt.Sprintf("user%06d@example.com", i)
	return user(fmt.Sprintf("%08x-1111-4222-8333-444455556666", i), name, "externalId", number("00u", i), "displayName", number("User ", i),
		"name", map[string]any{"givenName": "Given", "familyName": number("Family", i), "formatted": number("Given Family", i)},
		"emails", emails("work", name, "home", number("home", i)+"@example.org"), "active", true, "title", "Senior Engineer of Things",
		"addresses", []any{map[string]any{"type": "work", "streetAddress": "100 Universal City Plaza", "locality": "Hollywood", "region": "CA", "postalCode": "91608", "country": "US"}},
		"phoneNumbers", []any{map[string]any{"type": "work", "value": "+15555550100"}, map[string]any{"type": "mobile", "value": "+15555550101"}},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", map[string]any{"employeeNumber": number("", i), "costCenter": "4130", "organization": "Universal Studios", "division": "Theme Park", "department": "Tour Operations"})
}

func fill(b *testing.B) (*fixture, store.Doc) {
	f := open(b)
	for i := 0; i < benchUsers; i += 1000 {
		f.update(func(tx *store.Tx) error {
			for j := range 1000 {
				if _, err := tx.Put(person(i + j)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g := f.put(group("g-1", "Everybody"))
	f.update(func(tx *store.Tx) error {
		for i := range 10_000 {
			if err := tx.AddMember(g.Seq, int64(i*7+1), f.now()); err != nil {
				return err
			}
		}
		return nil
	})
	return f, g
}

// BenchmarkRead measures reads on 100,000 users of a kilobyte.
func BenchmarkRead(b *testing.B) {
	f, g := fill(b)
	ctx := context.Background()
	byName, byEmail := where(b, `userName eq "USER054321@example.com"`), where(b, `emails[type eq "work"].value eq "user054321@example.com"`)
	scan := where(b, `title co "engineer" and name.familyName eq "family054321"`)
	member := where(b, fmt.Sprintf(`id eq "g-1" and members eq %q`, person(7).ID))
	id := person(54321).ID
	deep := store.Position{Key: "0user098000@example.com", Seq: 98_001}
	list := func(q store.Query, want int) func() error {
		return func() error {
			page, err := f.dir.List(ctx, q)
			n := 0
			if err == nil {
				for range page.Docs {
					n++
				}
			}
			if n != want {
				return fmt.Errorf("rows: got %d, want %d (%v)", n, want, err)
			}
			return err
		}
	}
	for _, tt := range []struct {
		name string
		do   func() error
	}{
		{"Get", func() error { _, err := f.dir.Get(ctx, store.User, id); return err }},
		{"Find", func() error { _, err := f.dir.Find(ctx, store.User, "externalId", "00u054321"); return err }},
		{"Filter/userName", list(store.Query{Kind: store.User, Where: byName, Count: 100}, 1)},
		{"Filter/workEmail", list(store.Query{Kind: store.User, Where: byEmail, Count: 100}, 1)},
		{"Filter/memberOf10000", list(store.Query{Kind: store.Group, Where: member, Count: 1}, 1)},
		{"Filter/startsWith", list(store.Query{Kind: store.User, Where: where(b, `userName sw "user0543"`), Count: 100}, 100)},
		{"Filter/sinceAll", list(store.Query{Kind: store.User, Where: where(b, `meta.lastModified ge "2030-01-02T03:04:05Z"`), Count: 100}, 100)},
		{"Filter/sinceNone", list(store.Query{Kind: store.User, Where: where(b, `meta.lastModified gt "2031-01-02T03:04:05Z"`), Count: 100}, 0)},
		{"Filter/scan", list(store.Query{Kind: store.User, Where: scan, Count: 100}, 1)},
		{"Total", list(store.Query{Kind: store.User}, 0)},
		{"Page/first", list(store.Query{Kind: store.User, Start: 1, Count: 100}, 100)},
		{"Page/deep", list(store.Query{Kind: store.User, Start: 98_001, Count: 100}, 100)},
		{"Sorted/userName", list(store.Query{Kind: store.User, Sort: path(b, "userName"), Start: 1, Count: 100}, 100)},
		{"Sorted/userName/deep", list(store.Query{Kind: store.User, Sort: path(b, "userName"), Start: 98_001, Count: 100}, 100)},
		{"Sorted/userName/cursor", list(store.Query{Kind: store.User, Sort: path(b, "userName"), After: &deep, Count: 100}, 100)},
		{"Sorted/lastModified/newest", list(store.Query{Kind: store.User, Sort: path(b, "meta.lastModified"), Desc: true, Count: 100}, 100)},
		{"Sorted/familyName", list(store.Query{Kind: store.User, Sort: path(b, "name.familyName"), Start: 1, Count: 100}, 100)},
		{"Sorted/filtered", list(store.Query{Kind: store.User, Sort: path(b, "userName"), Where: scan, Count: 100}, 1)},
		{"Cursor/deep", list(store.Query{Kind: store.User, After: &store.Position{Seq: 98_000}, Count: 100}, 100)},
		{"Members/10000", func() error {
			n := 0
			for _, err := range f.dir.Members(ctx, g.Seq) {
				if err != nil {
					return err
				}
				n++
			}
			if n != 10_000 {
				return fmt.Errorf("members: got %d, want 10000", n)
			}
			return nil
		}},
		{"MemberCount/10000", func() error { _, err := f.dir.MemberCount(ctx, g.Seq); return err }},
	} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := tt.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWrite measures writes: with a commit to the disk each, shared by concurrent callers, and within one.
func BenchmarkWrite(b *testing.B) {
	f := open(b)
	ctx := context.Background()
	next := 0
	put := func() error {
		next++
		doc := person(next)
		return f.dir.Update(ctx, func(tx *store.Tx) error { _, err := tx.Put(doc); return err })
	}
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			if err := put(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("concurrent", func(b *testing.B) {
		var n atomic.Int64
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				doc := person(int(1_000_000 + n.Add(1)))
				if err := f.dir.Update(ctx, func(tx *store.Tx) error { _, err := tx.Put(doc); return err }); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("inBatch", func(b *testing.B) {
		doc := person(0)
		b.ReportAllocs()
		err := f.dir.Update(ctx, func(tx *store.Tx) error {
			for i := 0; b.Loop(); i++ {
				doc.ID, doc.PoolName = number("u-", i), number("batch", i)
				if _, err := tx.Put(doc); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	})
}
