package patch_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	scim "github.com/elimity-com/scim/errors"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

// target is a path of one form to an attribute.
type target struct {
	path     string
	attr     *attribute.Attribute // at the top
	sub      *attribute.Attribute // nil: all of attr, or of the selected element
	selected bool                 // in brackets
}

// targets are all forms in which RFC 7644 figure 7 can name an attribute and its parts.
func targets(a *attribute.Attribute) []target {
	urn := a.Schema
	if urn == "" {
		urn = users.Schema()
	}
	all := []target{{path: a.Path(), attr: a}, {path: urn + ":" + a.Name, attr: a}}
	where := `[value eq "` + text(a, 1) + `"]`
	if a.Lookup("type") != nil {
		where = `[type eq "work"]`
	} else if a.Lookup("rank") != nil {
		where = `[rank eq 1]`
	}
	if a.MultiValued || a.Type == attribute.Complex {
		all = append(all, target{path: a.Path() + where, attr: a, selected: true}, target{path: urn + ":" + a.Name + where, attr: a, selected: true})
	}
	for _, sub := range a.Sub {
		if a.MultiValued {
			all = append(all, target{path: a.Path() + where + "." + sub.Name, attr: a, sub: sub, selected: true})
		}
		all = append(all, target{path: a.Path() + "." + sub.Name, attr: a, sub: sub}, target{path: urn + ":" + a.Name + "." + sub.Name, attr: a, sub: sub})
	}
	return all
}

func text(a *attribute.Attribute, n int) string { return fmt.Sprint(a.Name, n) }

// single is the nth value of an attribute's type; for n of 1 and 2 they differ, but for that by which elements are selected.
func single(a *attribute.Attribute, n int) any {
	switch a.Type {
	case attribute.Boolean:
		return n == 1
	case attribute.Integer, attribute.Decimal:
		if a.Name == "rank" {
			n = 1
		}
		return json.Number(fmt.Sprint(n))
	case attribute.Complex:
		m := map[string]any{}
		for _, sub := range a.Sub {
			if m[sub.Name] = single(sub, n); sub.MultiValued {
				m[sub.Name] = []any{single(sub, n)}
			}
		}
		return m
	}
	if a.Name == "type" {
		return "work"
	}
	return text(a, n)
}

func whole(a *attribute.Attribute, n int) any {
	if a.MultiValued {
		return []any{single(a, n)}
	}
	return single(a, n)
}

// value is what is sent to a target.
func (x target) value(n int) any {
	switch {
	case x.sub != nil:
		return whole(x.sub, n)
	case x.selected:
		return single(x.attr, n)
	}
	return whole(x.attr, n)
}

// refusal says why an operation must be refused, "" if it must not; present says whether the attribute has its first value,
// and the operation brings the second.
func (x target) refusal(kind patch.Kind, present bool) scim.ScimType {
	last := x.attr
	if x.sub != nil {
		last = x.sub
	}
	takes := kind == patch.Remove && present
	switch {
	case x.attr.Mutability == attribute.ReadOnly || last.Mutability == attribute.ReadOnly:
		return scim.ScimTypeMutability // RFC 7644 section 3.5.2
	case x.selected && !x.attr.MultiValued:
		return scim.ScimTypeInvalidPath // RFC 7644 figure 7: only a multi-valued attribute has values to select
	case x.selected && kind == patch.Remove && !present:
		return "" // there is nothing to remove
	case x.selected && !present && x.attr.Type != attribute.Complex:
		return scim.ScimTypeNoTarget // there is no element to describe
	case kind == patch.Remove && last.Required && (present || x.sub == nil):
		return scim.ScimTypeMutability // RFC 7644 section 3.5.2.2
	case takes && x.attr.Required && x.selected && x.sub == nil:
		return scim.ScimTypeMutability // the last element goes
	case present && x.sub != nil && x.sub.Mutability == attribute.Immutable:
		return scim.ScimTypeMutability // RFC 7643 section 7
	case present && x.attr.Mutability == attribute.Immutable:
		return scim.ScimTypeMutability
	case present && kind != patch.Remove && x.sub == nil && x.selected && immutableParts(x.attr):
		return scim.ScimTypeMutability
	}
	return ""
}

func immutableParts(a *attribute.Attribute) bool {
	return slices.ContainsFunc(a.Sub, func(sub *attribute.Attribute) bool { return sub.Mutability == attribute.Immutable })
}

// read returns what a target holds, nil for nothing; of several elements it is that of the last.
func (x target) read(res map[string]any) any {
	if urn := x.attr.Extension(); urn != "" {
		res, _ = res[urn].(map[string]any)
	}
	v := res[x.attr.Name]
	if list, ok := v.([]any); ok && (x.sub != nil || x.selected) {
		v = list[len(list)-1]
	}
	if x.sub != nil {
		m, _ := v.(map[string]any)
		return m[x.sub.Name]
	}
	return v
}

// written is a value without what a client cannot write.
func written(a *attribute.Attribute, v any) any {
	switch v := v.(type) {
	case []any:
		out := slices.Clone(v)
		for i := range out {
			out[i] = written(a, out[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, e := range v {
			if a.Lookup(name).Mutability != attribute.ReadOnly {
				out[name] = e
			}
		}
		return out
	}
	return v
}

// TestEveryPathOfEveryAttribute makes each operation on each attribute of the definitions by each form of path, where there
// is a value and where there is none, and holds the outcome against the attribute's characteristics.
func TestEveryPathOfEveryAttribute(t *testing.T) {
	t.Parallel()
	count := 0
	for _, urn := range append([]string{""}, users.Extensions()...) {
		for _, a := range users.Attributes(urn) {
			for _, x := range targets(a) {
				for _, kind := range []patch.Kind{patch.Add, patch.Replace, patch.Remove} {
					for _, present := range []bool{true, false} {
						count++
						x.try(t, kind, present)
					}
				}
			}
		}
	}
	if count < 1000 {
		t.Errorf("got %d cases, want a thousand", count)
	}
}

func (x target) try(t *testing.T, kind patch.Kind, present bool) {
	t.Helper()
	res := map[string]any{}
	if present {
		into := res
		if urn := x.attr.Extension(); urn != "" {
			into = map[string]any{}
			res[urn] = into
		}
		if into[x.attr.Name] = whole(x.attr, 1); x.attr.Mutability != attribute.ReadOnly {
			into[x.attr.Name] = written(x.attr, into[x.attr.Name])
		}
	}
	p, err := filter.ParsePath(x.path)
	if err != nil {
		t.Fatalf("ParsePath(%s): %v", x.path, err)
	}
	op := patch.Op{Kind: kind, Path: p}
	if kind != patch.Remove {
		op.Value = x.value(2)
	}
	what := fmt.Sprintf("%s %s, value there: %v", kind, x.path, present)
	got, err := patch.Apply(users, res, []patch.Op{op})
	if want := x.refusal(kind, present); want != "" || err != nil {
		refusal, _ := err.(scim.ScimError)
		if refusal.ScimType != want || refusal.Status != 400 && want != "" {
			t.Errorf("%s: got %v, want %q", what, err, want)
		}
		return
	}
	last := x.attr
	if x.sub != nil {
		last = x.sub
	}
	want := written(last, op.Value)
	added, isList := want.([]any)
	switch {
	case kind == patch.Remove:
		want = nil
	case kind == patch.Add && isList && present: // beside what is there
		want = append(written(last, whole(last, 1)).([]any), added...)
	case kind == patch.Add && last.Type == attribute.Complex && present:
		for _, sub := range last.Sub {
			if m := want.(map[string]any); sub.MultiValued {
				m[sub.Name] = append(whole(sub, 1).([]any), m[sub.Name].([]any)...)
			}
		}
	}
	if diff := cmp.Diff(want, x.read(got), cmp.Comparer(demoted)); diff != "" {
		t.Errorf("%s: (-want +got)\n%s", what, diff)
	}
}

// demoted takes elements for equal of which one is no longer primary, since another is.
func demoted(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if name != "primary" && !cmp.Equal(a[name], b[name]) {
			return false
		}
	}
	return true
}
