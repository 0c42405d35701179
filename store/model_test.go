package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

// model is a directory as plain Go: rows in the order of their insertion, and pairs of seqs.
type model struct {
	rows    []store.Doc
	members map[[2]int64]bool // group, user
}

func (m *model) find(kind store.Kind, id string) int {
	return slices.IndexFunc(m.rows, func(d store.Doc) bool { return d.Kind == kind && d.ID == id })
}

func (m *model) remove(i int) {
	seq := m.rows[i].Seq
	m.rows = slices.Delete(m.rows, i, i+1)
	maps.DeleteFunc(m.members, func(pair [2]int64, _ bool) bool { return pair[0] == seq || pair[1] == seq })
}

func (m *model) put(d store.Doc) {
	if i := slices.IndexFunc(m.rows, func(o store.Doc) bool {
		return o.Kind == d.Kind && o.PoolName == d.PoolName && o.ID != d.ID
	}); i >= 0 {
		m.remove(i)
	}
	if i := m.find(d.Kind, d.ID); i >= 0 {
		m.rows[i] = d
		return
	}
	m.rows = append(m.rows, d)
}

// refs returns what refers from or to a row: a group's listed members, or a user's listed groups.
func (m *model) refs(of store.Doc) []store.Ref {
	var refs []store.Ref
	for _, d := range m.rows {
		pair := [2]int64{of.Seq, d.Seq}
		if of.Kind == store.User {
			pair = [2]int64{d.Seq, of.Seq}
		}
		if d.State == store.Listed && m.members[pair] {
			refs = append(refs, store.Ref{Seq: d.Seq, ID: d.ID, Display: d.Display})
		}
	}
	return refs
}

// resource renders a row as filters see it.
func (m *model) resource(t *testing.T, d store.Doc) map[string]any {
	res := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(d.JSON))
	dec.UseNumber()
	if err := dec.Decode(&res); err != nil {
		t.Fatalf("decoding %s: %v", d.JSON, err)
	}
	res["id"] = d.ID
	res["schemas"] = []any{trees[d.Kind].Schema()}
	res["meta"] = map[string]any{"resourceType": d.Kind.String(), "created": time.UnixMilli(d.Created).UTC().Format(time.RFC3339Nano), "lastModified": time.UnixMilli(d.Modified).UTC().Format(time.RFC3339Nano)}
	name, typ := "groups", "direct"
	if d.Kind == store.Group {
		name, typ = "members", "User"
	}
	var list []any
	for _, r := range m.refs(d) {
		list = append(list, map[string]any{"value": r.ID, "display": r.Display, "type": typ})
	}
	if list != nil {
		res[name] = list
	}
	return res
}

// list is List in the most naive way.
func (m *model) list(t *testing.T, q store.Query) (ids []string, total int) {
	rows, found := slices.Clone(m.rows), []string{}
	m.sort(t, q, rows)
	for _, d := range rows {
		if d.Kind != q.Kind || d.State != store.Listed {
			continue
		}
		if q.Where != nil {
			matcher, err := filter.Compile(trees[q.Kind], q.Where)
			if err != nil {
				t.Fatalf("Compile(%s): %v", q.Where, err)
			}
			if !matcher.Match(m.resource(t, d)) {
				continue
			}
		}
		found = append(found, d.ID)
	}
	from := min(max(q.Start, 1)-1, len(found))
	return found[from:min(from+q.Count, len(found))], len(found)
}

// gen makes what tests do at random.
type gen struct{ *rand.Rand }

func pick[T any](g gen, list ...T) T { return list[g.IntN(len(list))] }

// texts are values that indexes may get wrong: case, folding beyond ASCII, what is stored as a hash or looks like one.
var texts = []string{
	"alice", "ALICE", "bob", "Kelvin", "\u212Aelvin", "straße", "STRASSE", "ΣΊΣΥΦΟΣ", "σίσυφος", "x y", "a\"b\\c", "null", "5", "true", "%", "_", "'; --",
	"nul\x00byte", "nul", "\x01hashlike", strings.Repeat("long", 200), strings.Repeat("LONG", 200), strings.Repeat("l", 512), strings.Repeat("l", 513),
	"\U0010FFFFz", "\U0010FFFF", "\uD7FFz", "\uE000",
}

func (g gen) id(kind store.Kind) string {
	i := g.IntN(30)
	if kind == store.Group {
		return pick(g, fmt.Sprintf("group-%d", i%8), fmt.Sprintf("GROUP-%d", i%4))
	}
	return pick(g, fmt.Sprintf("user-%d", i), fmt.Sprintf("USER-%d", i%5), fmt.Sprintf("Kser-%d", i%5))
}

func (g gen) doc() store.Doc {
	kind := pick(g, store.User, store.User, store.Group)
	name := pick(g, texts...)
	attrs := map[string]any{"displayName": pick(g, texts...)}
	if kind == store.User {
		if g.IntN(4) == 0 {
			delete(attrs, "displayName")
		}
		attrs["userName"] = name
		if g.IntN(3) > 0 {
			list := emails(pick(g, "work", "home"), pick(g, texts...), pick(g, "work", "home"), pick(g, texts...))
			if i := g.IntN(4); i < 2 {
				list[i].(map[string]any)["primary"] = true
			}
			attrs["emails"] = list
		}
		if g.IntN(3) > 0 {
			attrs["active"] = g.IntN(2) == 0
		}
		if g.IntN(3) > 0 {
			attrs[enterprise] = map[string]any{"employeeNumber": pick(g, texts...)}
		}
	}
	if g.IntN(3) > 0 {
		attrs["externalId"] = pick(g, texts...)
	}
	doc, err := json.Marshal(attrs)
	if err != nil {
		panic(err)
	}
	return store.Doc{Kind: kind, ID: g.id(kind), PoolName: fmt.Sprintf("pool-%d", g.IntN(40)), Display: name, Managed: g.IntN(2) == 0,
		State: pick(g, store.Listed, store.Listed, store.Listed, store.Hidden, store.Tombstone), JSON: doc}
}

// where makes a filter of which each term may or may not have an index.
func (g gen) where(kind store.Kind, depth int) *filter.Expr {
	if depth > 0 && g.IntN(2) == 0 {
		switch op := pick(g, filter.And, filter.And, filter.Or, filter.Not); op {
		case filter.Not:
			return &filter.Expr{Op: op, Left: g.where(kind, depth-1)}
		default:
			return &filter.Expr{Op: op, Left: g.where(kind, depth-1), Right: g.where(kind, depth-1)}
		}
	}
	return g.term(kind)
}

func (g gen) term(kind store.Kind) *filter.Expr {
	paths := []string{"id", "ID", "externalId", "displayName", "urn:ietf:params:scim:schemas:core:2.0:" + kind.String() + ":displayName", "nonsense"}
	refs := "members"
	if kind == store.User {
		refs = "groups"
		paths = append(paths, "userName", "username", "emails", "emails.value", "emails.type", `emails[type eq "work"].value`)
	}
	value := fmt.Sprintf("%q", pick(g, texts...))
	if raw, err := json.Marshal(pick(g, texts...)); err == nil {
		value = string(raw)
	}
	id := fmt.Sprintf("%q", pick(g, g.id(store.User), g.id(store.Group)))
	op := pick(g, "eq", "eq", "eq", "eq", "ne", "co", "sw", "gt")
	s := pick(g,
		pick(g, paths...)+" "+op+" "+value,
		pick(g, paths...)+" "+op+" "+value,
		"id eq "+id,
		refs+" "+pick(g, "eq", "eq", "ne")+" "+id,
		refs+".value "+op+" "+id,
		refs+".display "+op+" "+value,
		fmt.Sprintf("%s[value eq %s and display pr]", refs, id),
		fmt.Sprintf("%s[not (value eq %s)]", refs, id),
		fmt.Sprintf(`%s[value eq %s or type eq "nothing"]`, refs, id),
		refs+" pr",
		pick(g, paths...)+" eq "+pick(g, "null", "5", "true", `""`),
		g.times(),
		g.times(),
		pick(g, paths...)+" sw "+g.prefix(),
		fmt.Sprintf("emails[value sw %s]", g.prefix()),
		fmt.Sprintf("schemas eq %q", trees[kind].Schema()),
	)
	e, err := filter.Parse(s)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", s, err))
	}
	return e
}

// times compares a time with one near those that rows have.
func (g gen) times() string {
	at := epoch.Add(time.Duration(g.IntN(70)) * time.Second).Add(pick(g, 0, time.Millisecond, time.Nanosecond, -time.Nanosecond))
	if g.IntN(3) == 0 {
		at = at.In(time.FixedZone("", 3600))
	}
	return fmt.Sprintf("meta.%s %s %q", pick(g, "created", "lastModified"), pick(g, "eq", "ne", "gt", "ge", "lt", "le"), at.Format(time.RFC3339Nano))
}

// prefix is the beginning of a text.
func (g gen) prefix() string {
	runes := []rune(pick(g, append(texts, "\U0010FFFFz", "\uD7FFz")...))
	raw, err := json.Marshal(string(runes[:1+g.IntN(min(len(runes), 3))]))
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// TestModel does at random what callers do, to a store and to a model, and compares all answers.
func TestModel(t *testing.T) {
	t.Parallel()
	seeds := uint64(6)
	if testing.Short() { // as with -race, under which SQLite is some thirty times slower
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			f, g, m := open(t), gen{rand.New(rand.NewPCG(seed, 0))}, &model{members: map[[2]int64]bool{}}
			for range 60 {
				f.advance(time.Second)
				if err := f.dir.Update(t.Context(), func(tx *store.Tx) error { return m.write(g, tx, f.now()) }); err != nil {
					t.Fatalf("Update: %v", err)
				}
				m.compare(t, g, f)
			}
			if err := f.Check(t.Context()); err != nil {
				t.Error(err)
			}
			m.rebuild(t, g, f)
		})
	}
}

// write makes some changes, or tries to, within one transaction.
func (m *model) write(g gen, tx *store.Tx, now time.Time) error {
	for range 1 + g.IntN(6) {
		switch g.IntN(5) {
		case 0, 1:
			stored, err := tx.Put(g.doc())
			if err != nil {
				return err
			}
			m.put(stored)
		case 2:
			kind := pick(g, store.User, store.Group)
			id := g.id(kind)
			if err := tx.Delete(kind, id, now); err != nil {
				return err
			}
			if i := m.find(kind, id); i >= 0 {
				m.remove(i)
			}
		default:
			i, j := m.find(store.Group, g.id(store.Group)), m.find(store.User, g.id(store.User))
			if i < 0 || j < 0 {
				continue
			}
			pair := [2]int64{m.rows[i].Seq, m.rows[j].Seq}
			if g.IntN(4) > 0 {
				m.members[pair] = true
				if err := tx.AddMember(pair[0], pair[1], now); err != nil {
					return err
				}
				continue
			}
			delete(m.members, pair)
			if err := tx.RemoveMember(pair[0], pair[1], now); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare asks the store and the model the same.
func (m *model) compare(t *testing.T, g gen, f *fixture) {
	t.Helper()
	ctx := t.Context()
	for i, d := range m.rows {
		got, err := f.dir.Get(ctx, d.Kind, d.ID)
		if err != nil {
			t.Fatalf("Get %s: %v", d.ID, err)
		}
		// Memberships change these after Put.
		m.rows[i].Version, m.rows[i].Modified, m.rows[i].Refs = got.Version, got.Modified, got.Refs
		if diff := cmp.Diff(m.rows[i], got); diff != "" {
			t.Fatalf("Get %s (-want +got):\n%s", d.ID, diff)
		}
		m.compareRefs(t, f, got)
	}
	for range 12 {
		q := store.Query{Kind: pick(g, store.User, store.Group), Start: g.IntN(5), Count: pick(g, 0, 1, 2, 100)}
		if g.IntN(6) > 0 {
			q.Where = g.where(q.Kind, 2)
		}
		if g.IntN(2) == 0 {
			q.Sort, q.Desc = g.sortBy(q.Kind), g.IntN(2) == 0
		}
		wantIDs, wantTotal := m.list(t, q)
		gotIDs, gotTotal := f.list(q)
		if !slices.Equal(gotIDs, wantIDs) || gotTotal != wantTotal {
			t.Fatalf("List %+v where %v by %v:\ngot  %d %q\nwant %d %q", q, q.Where, q.Sort, gotTotal, gotIDs, wantTotal, wantIDs)
		}
		q.Start, q.Count = 1, 1000
		if want, _ := m.list(t, q); g.IntN(2) == 0 {
			if got := f.follow(q, 1+g.IntN(5), func() {}); !slices.Equal(got, want) {
				t.Fatalf("by cursor, %+v where %v by %v:\ngot  %q\nwant %q", q, q.Where, q.Sort, got, want)
			}
		}
	}
	kind := pick(g, store.User, store.Group)
	if id := g.id(kind); m.find(kind, id) < 0 {
		f.absent(kind, id)
	}
}

func (m *model) compareRefs(t *testing.T, f *fixture, d store.Doc) {
	t.Helper()
	ctx, want := context.Background(), m.refs(d)
	var got []store.Ref
	if d.Kind == store.User {
		got = must(f.dir.Groups(ctx, d))(t)
	} else {
		for r, err := range f.dir.Members(ctx, d.Seq) {
			if err != nil {
				t.Fatalf("Members: %v", err)
			}
			got = append(got, r)
		}
		if n := must(f.dir.MemberCount(ctx, d.Seq))(t); n != len(want) {
			t.Fatalf("MemberCount of %s: got %d, want %d", d.ID, n, len(want))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("references of %s (-want +got):\n%s", d.ID, diff)
	}
}

// rebuild fills another store with the same rows in another order: versions must come out equal, and another document
// or membership must not.
func (m *model) rebuild(t *testing.T, g gen, f *fixture) {
	t.Helper()
	other, seqs := open(t), map[int64]int64{}
	for _, i := range g.Perm(len(m.rows)) {
		d := m.rows[i]
		seqs[d.Seq] = other.put(d).Seq
	}
	for pair := range m.members {
		other.join(seqs[pair[0]], seqs[pair[1]])
	}
	for _, d := range m.rows {
		got, want := other.get(d.Kind, d.ID).Version, f.get(d.Kind, d.ID).Version
		if got != want {
			t.Errorf("version of %s after a rebuild: got %x, want %x", d.ID, got, want)
		}
	}
	if _, err := other.dir.Get(t.Context(), store.User, "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get nobody: got %v, want ErrNotFound", err)
	}
}
