package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elimity-com/scim/schema"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

var (
	trees = map[store.Kind]*attribute.Tree{
		store.User:  attribute.New(schema.CoreUserSchema(), schema.ExtensionEnterpriseUser()),
		store.Group: attribute.New(schema.CoreGroupSchema()),
	}
	// epoch is when tests begin, and when their pools were created.
	epoch = time.Date(2030, time.January, 2, 3, 4, 5, 0, time.UTC)
)

// clock is a clock that tests move.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time                    { return epoch.Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) time.Time { c.ahead.Add(int64(d)); return c.now() }

// fixture is an open store with one directory.
type fixture struct {
	testing.TB
	*store.Store
	*clock
	dir *store.Directory
	cfg store.Config
}

// open opens a store in a temporary folder, and checks and closes it when the test ends.
func open(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{TB: t, clock: &clock{}}
	f.cfg = store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "store.db"), Trees: trees, Clock: f.now}
	f.openAgain()
	t.Cleanup(func() {
		if err := f.Check(context.Background()); err != nil {
			t.Errorf("consistency: got %v, want none", err)
		}
		if err := f.Close(); err != nil {
			t.Errorf("Close: got %v, want nil", err)
		}
	})
	return f
}

func (f *fixture) openAgain() {
	f.Helper()
	var err error
	if f.Store, err = store.Open(context.Background(), f.cfg); err != nil {
		f.Fatalf("Open: got %v, want nil", err)
	}
	f.dir = must(f.Directory(context.Background(), "eu-west-1_pool", epoch))(f)
}

// must is for what a test needs but is not about.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatalf("got error %v, want nil", err)
		}
		return v
	}
}

// update is Directory.Update that must succeed.
func (f *fixture) update(do func(*store.Tx) error) {
	f.Helper()
	if err := f.dir.Update(context.Background(), do); err != nil {
		f.Fatalf("Update: got %v, want nil", err)
	}
}

// put stores documents and returns the last as stored.
func (f *fixture) put(docs ...store.Doc) (stored store.Doc) {
	f.Helper()
	f.update(func(tx *store.Tx) (err error) {
		for _, d := range docs {
			if stored, err = tx.Put(d); err != nil {
				return err
			}
		}
		return nil
	})
	return stored
}

// join makes users members of a group, by seq.
func (f *fixture) join(group int64, users ...int64) {
	f.Helper()
	f.update(func(tx *store.Tx) error {
		for _, u := range users {
			if err := tx.AddMember(group, u, f.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// get returns a row that must be there.
func (f *fixture) get(kind store.Kind, id string) store.Doc {
	f.Helper()
	return must(f.dir.Get(context.Background(), kind, id))(f)
}

// absent checks that a row is not there.
func (f *fixture) absent(kind store.Kind, id string) {
	f.Helper()
	if doc, err := f.dir.Get(context.Background(), kind, id); !errors.Is(err, store.ErrNotFound) {
		f.Errorf("%s %s: got %+v, %v, want ErrNotFound", kind, id, doc, err)
	}
}

// where parses a filter.
func where(t testing.TB, s string) *filter.Expr {
	t.Helper()
	return must(filter.Parse(s))(t)
}

// list returns the ids on a page and the total.
func (f *fixture) list(q store.Query) (ids []string, total int) {
	f.Helper()
	page := must(f.dir.List(context.Background(), q))(f)
	for doc, err := range page.Docs {
		if err != nil {
			f.Fatalf("Docs: got %v, want nil", err)
		}
		ids = append(ids, doc.ID)
	}
	return ids, page.Total
}

// user is a listed user; extra are attributes that its document has besides userName.
func user(id, userName string, extra ...any) store.Doc {
	return resource(store.User, id, userName, append([]any{"userName", userName}, extra...))
}

// group is a listed group.
func group(id, displayName string, extra ...any) store.Doc {
	return resource(store.Group, id, displayName, append([]any{"displayName", displayName}, extra...))
}

func resource(kind store.Kind, id, name string, pairs []any) store.Doc {
	attrs := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		attrs[pairs[i].(string)] = pairs[i+1]
	}
	doc, err := json.Marshal(attrs)
	if err != nil {
		panic(err)
	}
	return store.Doc{Kind: kind, ID: id, PoolName: "pool-" + name, Display: name, State: store.Listed, Managed: true, JSON: doc}
}

// emails is the value of the attribute: pairs of type and value.
func emails(pairs ...string) []any {
	var list []any
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, map[string]any{"type": pairs[i], "value": pairs[i+1]})
	}
	return list
}

// number names the i-th of many.
func number(prefix string, i int) string { return fmt.Sprintf("%s%06d", prefix, i) }
