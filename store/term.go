package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// index is an attribute whose values are stored as terms, so that rows are found by them.
type index struct {
	code int // in the term table: never given another meaning
	kind Kind
	attr string // canonical name of a top-level core attribute
	sub  string // of its sub-attribute, or ""

	exact bool // values compare byte for byte; otherwise folded
	def   *attribute.Attribute
}

// indexed is built in: it is what identity providers look up by. A change needs a migration that rebuilds the terms.
var indexed = []index{
	{code: 1, kind: User, attr: "userName"},
	{code: 2, kind: User, attr: "externalId"},
	{code: 3, kind: User, attr: "emails", sub: "value"},
	{code: 4, kind: User, attr: "displayName"},
	{code: 5, kind: Group, attr: "displayName"},
	{code: 6, kind: Group, attr: "externalId"},
}

// sorted are the attributes by which lists are sorted without reading all rows: every listed row has one term for each,
// its key. A change needs a migration, as with indexed.
var sorted = []index{
	{code: 9, kind: User, attr: "userName"},
	{code: 10, kind: User, attr: "displayName"},
	{code: 11, kind: Group, attr: "displayName"},
}

// idCode is the code of terms for the folded ids of a kind: only ids that are not their own folding have one.
func idCode(kind Kind) int { return 6 + int(kind) }

// indexes are the built-in ones, with what the definitions say about them.
type indexes struct {
	list  []index
	sorts []index
	trees map[Kind]*attribute.Tree
}

func newIndexes(trees map[Kind]*attribute.Tree) (indexes, error) {
	ix := indexes{list: slices.Clone(indexed), sorts: slices.Clone(sorted), trees: maps.Clone(trees)}
	for _, list := range [][]index{ix.list, ix.sorts} {
		for i := range list {
			if err := list[i].define(trees[list[i].kind]); err != nil {
				return ix, err
			}
		}
	}
	return ix, nil
}

// define looks up what the definitions say about the attribute.
func (ix *index) define(def *attribute.Tree) error {
	if def == nil {
		return fmt.Errorf("store: no definitions of %ss", ix.kind)
	}
	top, sub := filter.Path{Name: ix.attr, Sub: ix.sub}.Resolve(def)
	if ix.def = top; sub != nil {
		ix.def = sub
	}
	if ix.def == nil {
		return fmt.Errorf("store: the definitions of %ss lack %s", ix.kind, ix.name())
	}
	ix.exact = ix.def.CaseExact
	return nil
}

func (ix index) name() string {
	if ix.sub == "" {
		return ix.attr
	}
	return ix.attr + "." + ix.sub
}

// named returns the index on an attribute of a kind, by its canonical name.
func (ix indexes) named(kind Kind, name string) (index, bool) {
	for _, x := range ix.list {
		if x.kind == kind && x.name() == name {
			return x, true
		}
	}
	return index{}, false
}

// sort returns the index of sort keys of an attribute of a kind, by its canonical name.
func (ix indexes) sort(kind Kind, name string) (index, bool) {
	for _, x := range ix.sorts {
		if x.kind == kind && x.name() == name {
			return x, true
		}
	}
	return index{}, false
}

const (
	termLimit = 512    // bytes; PostgreSQL refuses index entries from about 2,700
	termHash  = "\x01" // begins a term that stands for a value; values that begin so themselves are hashed, too
)

// term returns how a value is stored: two values have the same term if and only if a filter's eq takes them for equal.
func (ix index) term(value string) string {
	if !ix.exact {
		value = filter.Fold(value)
	}
	if len(value) <= termLimit && !strings.Contains(value, "\x00") && !strings.HasPrefix(value, termHash) {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return termHash + hex.EncodeToString(sum[:])
}

// term is a row of the term table.
type term struct {
	code  int
	value string
}

// tombstoned finds the tombstones of users by their externalId: see Directory.Tombstones.
var tombstoned = index{code: 12, kind: User, attr: "externalId", exact: true}

// terms returns the terms of a row, without duplicates: a listed one has them all, a tombstone its externalId, a hidden one
// (and the zero Doc) none. An empty value is none.
func (ix indexes) terms(d Doc) (found []term, err error) {
	list := ix.list
	switch d.State {
	case Listed:
		if found, err = ix.sortTerms(d.Kind, d.JSON); err != nil {
			return nil, err
		}
		if folded := filter.Fold(d.ID); folded != d.ID {
			found = append(found, term{idCode(d.Kind), (index{}).term(d.ID)})
		}
	case Tombstone:
		list = []index{tombstoned}
	default:
		return nil, nil
	}
	for name, raw := range fields(d.JSON) {
		for _, x := range list {
			if x.kind != d.Kind || x.attr != name {
				continue
			}
			v, err := decode(raw)
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", name, err)
			}
			values, ok := x.values(v)
			if !ok {
				return nil, fmt.Errorf("%s is %s, which cannot be indexed", x.name(), raw)
			}
			for _, v := range values {
				if t := (term{x.code, x.term(v)}); v != "" && !slices.Contains(found, t) {
					found = append(found, t)
				}
			}
		}
	}
	return found, nil
}

// sortTerms returns the sort keys of a row, one for each attribute.
func (ix indexes) sortTerms(kind Kind, doc []byte) (found []term, err error) {
	for _, x := range ix.sorts {
		if x.kind != kind {
			continue
		}
		key, err := (&order{kind: kind, top: x.def}).keyOfStored(doc)
		if err != nil {
			return nil, err
		}
		found = append(found, term{x.code, key})
	}
	return found, nil
}

// values returns what a simple attribute holds, or the sub-attribute of each element of a multi-valued one; ok is
// false when that is not text.
func (ix index) values(v any) (values []string, ok bool) {
	if ix.sub == "" {
		s, ok := v.(string)
		return []string{s}, ok
	}
	elements, ok := v.([]any)
	if !ok {
		return nil, false
	}
	for _, e := range elements {
		attrs, isObject := e.(map[string]any)
		if !isObject {
			return nil, false
		}
		if v, has := attrs[ix.sub]; has {
			s, isText := v.(string)
			if !isText {
				return nil, false
			}
			values = append(values, s)
		}
	}
	return values, true
}

// writeTerms changes the terms of a row from those of before, as it was, to those of after; the zero Doc stands for no row.
func (t *Tx) writeTerms(before, after Doc) error {
	had, err := t.d.s.indexes.terms(before)
	var want []term
	if err == nil {
		want, err = t.d.s.indexes.terms(after)
	}
	d := after
	if d.Seq == 0 {
		d = before
	}
	if err != nil {
		return fmt.Errorf("indexing %s %s: %w", d.Kind, d.ID, err)
	}
	for _, x := range had {
		if !slices.Contains(want, x) {
			if err := t.c.exec("DELETE FROM term WHERE dir = ? AND attr = ? AND value = ? AND seq = ?", t.d.dir, x.code, x.value, d.Seq); err != nil {
				return err
			}
		}
	}
	for _, x := range want {
		if !slices.Contains(had, x) {
			if err := t.c.exec("INSERT INTO term (dir, attr, value, seq) VALUES (?, ?, ?, ?)", t.d.dir, x.code, x.value, d.Seq); err != nil {
				return err
			}
		}
	}
	return nil
}
