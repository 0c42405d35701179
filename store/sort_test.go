package store_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// path parses the name of an attribute.
func path(t testing.TB, s string) *filter.Path {
	t.Helper()
	return must(filter.ParsePath(s))(t)
}

// sortBy names something to sort a kind by: with an index and without, of each place that attributes come from.
func (g gen) sortBy(kind store.Kind) *filter.Path {
	paths := []string{"id", "displayName", "DISPLAYNAME", "externalId", "meta.created", "meta.lastModified", "meta.location", "meta.resourceType",
		"meta.version", "schemas", "nonsense", "urn:ietf:params:scim:schemas:core:2.0:" + kind.String() + ":displayName", "members", "members.display"}
	if kind == store.User {
		paths = append(paths, "userName", "username", "emails", "emails.value", "emails.type", "active", "emails.primary", "groups", "groups.value",
			"groups.display", "name.familyName", enterprise+":employeeNumber", "employeeNumber", "manager", "title")
	}
	p, err := filter.ParsePath(pick(g, paths...))
	if err != nil {
		panic(err)
	}
	return p
}

// sort is the order of lists in the most naive way.
func (m *model) sort(t *testing.T, q store.Query, rows []store.Doc) {
	t.Helper()
	if q.Sort == nil {
		return
	}
	top, sub := q.Sort.Resolve(trees[q.Kind])
	if top == nil {
		return
	}
	if sub == nil {
		sub = top.Lookup("value")
	}
	attr := top
	if sub != nil {
		attr = sub
	}
	value := func(d store.Doc) any {
		res := m.resource(t, d)
		meta := res["meta"].(map[string]any)
		meta["location"], meta["version"] = d.ID, fmt.Sprintf("%016x", d.Version)
		if top.Extension() != "" {
			res, _ = res[top.Extension()].(map[string]any)
		}
		var values []any
		list, ok := res[top.Name].([]any)
		if !ok {
			list = []any{res[top.Name]}
		}
		for _, e := range list {
			v := e
			if object, ok := e.(map[string]any); ok {
				if v = object[sub.Name]; object["primary"] == true && v != nil && v != "" {
					return v
				}
			}
			if v != nil && v != "" {
				values = append(values, v)
			}
		}
		if values == nil {
			return nil
		}
		return values[0]
	}
	slices.SortStableFunc(rows, func(a, b store.Doc) int {
		if a.Kind != q.Kind || b.Kind != q.Kind {
			return cmp.Compare(a.Kind, b.Kind)
		}
		return compareValues(value(a), value(b), attr.CaseExact)
	})
	if q.Desc {
		slices.Reverse(rows)
	}
}

func compareValues(a, b any, exact bool) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	if a, ok := a.(bool); ok {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	}
	fold := func(v any) string {
		s := strings.ReplaceAll(v.(string), "\x00", "\x01")
		if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return at.Format("2006-01-02T15:04:05.000")
		}
		if !exact {
			s = filter.Fold(s)
		}
		return s[:min(len(s), 511)] // the long ones are ASCII
	}
	return strings.Compare(fold(a), fold(b))
}

// follow pages through a list by its positions, doing something between the pages, and returns the ids seen.
func (f *fixture) follow(q store.Query, count int, between func()) (ids []string) {
	f.Helper()
	q.Count, q.After = count, &store.Position{}
	for q.After != nil {
		page := must(f.dir.List(f.Context(), q))(f)
		n := 0
		for d, err := range page.Docs {
			if err != nil {
				f.Fatalf("Docs: got %v, want nil", err)
			}
			ids = append(ids, d.ID)
			n++
		}
		if n != page.Len || n > count || page.Next != nil && n != count {
			f.Fatalf("a page of at most %d with next %v: got %d rows, Len %d", count, page.Next, n, page.Len)
		}
		q.After = page.Next
		between()
	}
	return ids
}

// TestCursorWhileOthersChange: who is there all the time, with the same value, is seen once, whatever is created, changed
// and deleted meanwhile; and nobody is seen twice whose value stays.
func TestCursorWhileOthersChange(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"", "userName", "displayName", "title", "emails", "meta.created", "meta.lastModified"} {
		for _, desc := range []bool{false, true} {
			for _, s := range []string{"", "userName pr"} {
				t.Run(fmt.Sprint(by, desc, s), func(t *testing.T) {
					t.Parallel()
					f, g := open(t), gen{rand.New(rand.NewPCG(7, 7))}
					q := store.Query{Kind: store.User, Desc: desc}
					if by != "" {
						q.Sort = path(t, by)
					}
					if s != "" {
						q.Where = where(t, s)
					}
					f.peopled(t, g, q)
				})
			}
		}
	}
}

// TestIndexWhileOthersChange: in the order of insertion, pages by index meet everybody once while others are created and
// changed, and so does one page of everybody.
func TestIndexWhileOthersChange(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "userName pr", `userName sw "name"`, `meta.created gt "2000-01-01T00:00:00Z"`} {
		f := open(t)
		listed, next := f.fill(500), 0
		q := store.Query{Kind: store.User, Start: 1, Count: 37}
		if s != "" {
			q.Where = where(t, s)
		}
		whole, _ := f.list(store.Query{Kind: store.User, Where: q.Where, Count: 1000})
		var got []string
		for len(got) < len(listed) {
			page, total := f.list(q)
			if want := len(listed) + next; total != want || len(page) == 0 {
				t.Fatalf("%s: got %d rows of %d, want some of %d", s, len(page), total, want)
			}
			got, q.Start = append(got, page...), q.Start+len(page)
			f.advance(time.Second)
			f.put(user(number("v-", next), number("name-v", next)), user(listed[next], "name-renamed "+listed[next]))
			next++
		}
		if got = got[:len(listed)]; !slices.Equal(got, listed) || !slices.Equal(whole, listed) {
			t.Errorf("%s: got %d rows by index and %d in one piece, want the same %d", s, len(got), len(whole), len(listed))
		}
	}
}

func (f *fixture) peopled(t *testing.T, g gen, q store.Query) {
	t.Helper()
	someone := func(prefix string, i int) store.Doc {
		d := user(fmt.Sprint(prefix, i), fmt.Sprint(prefix, g.IntN(1000), "-", i), "displayName", fmt.Sprint("shared ", i%3), "title", fmt.Sprint(g.IntN(20)),
			"emails", emails("work", fmt.Sprint(g.IntN(50))))
		d.Created = f.advance(time.Millisecond).UnixMilli()
		d.Modified = d.Created
		return d
	}
	var all []store.Doc
	for i := range 25 {
		all = append(all, someone("stays", i), someone("leaves", i), someone("changes", i))
	}
	f.put(all...)
	seen, next := map[string]int{}, 0
	ids := f.follow(q, 4, func() {
		next++
		f.update(func(tx *store.Tx) error {
			_, created := tx.Put(someone("new", next))
			_, changed := tx.Put(someone("changes", g.IntN(25)))
			return errors.Join(created, changed, tx.Delete(store.User, fmt.Sprint("leaves", g.IntN(25)), f.now()),
				tx.Delete(store.User, fmt.Sprint("new", g.IntN(next+1)), f.now()))
		})
	})
	for _, id := range ids {
		seen[id]++
	}
	for i := range 25 {
		if n := seen[fmt.Sprint("stays", i)]; n != 1 {
			t.Errorf("stays%d: seen %d times, want once", i, n)
		}
	}
	for id, n := range seen {
		if n > 1 && !strings.HasPrefix(id, "changes") {
			t.Errorf("%s: seen %d times, want at most once", id, n)
		}
	}
}
