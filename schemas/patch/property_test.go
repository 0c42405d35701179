package patch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	scim "github.com/elimity-com/scim/errors"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

// oneOf picks one; randomness comes from a fixed seed, so that a failure repeats.
func oneOf[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// randomUser is a valid user: at most one primary element in a list, and no two of the same value and type.
func randomUser(r *rand.Rand) map[string]any {
	res := map[string]any{"id": "1", "userName": "a@b.c"}
	for _, a := range users.Attributes("") {
		if v := randomValue(r, a); v != nil && a.Mutability != attribute.ReadOnly {
			res[a.Name] = v
		}
	}
	section := map[string]any{}
	for _, a := range users.Attributes(enterprise) {
		if v := randomValue(r, a); v != nil {
			section[a.Name] = v
		}
	}
	if len(section) > 0 {
		res[enterprise] = section
	}
	return res
}

func randomValue(r *rand.Rand, a *attribute.Attribute) any {
	switch {
	case r.IntN(2) == 0:
		return nil
	case !a.MultiValued:
		return randomSingle(r, a, r.IntN(100))
	}
	var list []any
	for i := range r.IntN(4) {
		if v := randomSingle(r, a, i); v != nil {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

func randomSingle(r *rand.Rand, a *attribute.Attribute, i int) any {
	switch a.Type {
	case attribute.Boolean:
		return i == 0
	case attribute.Integer, attribute.Decimal:
		return json.Number(fmt.Sprint(i))
	case attribute.Complex:
		subs := map[string]any{}
		for _, sub := range a.Sub {
			v := randomSingle(r, sub, i)
			if sub.Name == "type" {
				v = oneOf(r, "work", "home", "other")
			}
			if r.IntN(2) == 0 || sub.Name == "value" {
				subs[sub.Name] = v
			}
		}
		if len(subs) == 0 {
			return nil
		}
		return subs
	default:
		return fmt.Sprint(a.Name, i)
	}
}

func randomOp(r *rand.Rand, t *testing.T) patch.Op {
	t.Helper()
	op := patch.Op{Kind: oneOf(r, patch.Add, patch.Replace, patch.Remove)}
	a := oneOf(r, slices.Concat(users.Attributes(""), users.Attributes(enterprise))...)
	p := &filter.Path{URN: a.Extension(), Name: a.Name}
	op.Value = randomValue(r, a)
	switch r.IntN(4) {
	case 0:
		other := oneOf(r, users.Attributes("")...)
		op.Value = map[string]any{other.Name: randomValue(r, other), "unknown": "x", enterprise: map[string]any{"department": "d"}}
		return op
	case 1:
		if a.MultiValued && a.Type == attribute.Complex {
			where, err := filter.Parse(oneOf(r, `type eq "work"`, `primary eq true`, `value pr`, `type eq "home" and primary eq true`, `type eq "x" or display pr`))
			if err != nil {
				t.Fatal(err)
			}
			p.Where = where
			op.Value = randomSingle(r, a, 5)
		}
	}
	if a.Type == attribute.Complex && r.IntN(2) == 0 {
		sub := oneOf(r, a.Sub...)
		p.Sub = sub.Name
		op.Value = randomSingle(r, sub, r.IntN(3))
	}
	op.Path = p
	return op
}

func clone(t testing.TB, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, string(text))
}

// checkResult holds for whatever Apply returns.
func checkResult(t testing.TB, res map[string]any) {
	t.Helper()
	for name, v := range res {
		switch v := v.(type) {
		case nil:
			t.Errorf("%s: got null in the result, want it left out", name)
		case []any:
			primaries := 0
			for _, element := range v {
				if element == nil {
					t.Errorf("%s: got a null element", name)
				}
				if subs, ok := element.(map[string]any); ok && subs["primary"] == true {
					primaries++
				}
			}
			if len(v) == 0 || primaries > 1 {
				t.Errorf("%s: got %d elements, %d of them primary, want at least one and at most one", name, len(v), primaries)
			}
		case map[string]any:
			if len(v) == 0 {
				t.Errorf("%s: got an empty object", name)
			}
			checkResult(t, v)
		}
	}
}

func TestApplyProperties(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	accepted := 0
	for range 3000 {
		res := randomUser(r)
		var ops []patch.Op
		for range 1 + r.IntN(4) {
			ops = append(ops, randomOp(r, t))
		}
		before, opsBefore := clone(t, res), clone(t, ops)
		got, err := patch.Apply(users, res, ops)
		if diff := cmp.Diff(before, any(res)); diff != "" {
			t.Fatalf("%v changed the resource (-want +got):\n%s", ops, diff)
		}
		if diff := cmp.Diff(opsBefore, clone(t, ops)); diff != "" {
			t.Fatalf("%v were changed (-want +got):\n%s", ops, diff)
		}
		if err != nil {
			if !isRefusal(err) {
				t.Fatalf("%v: got error %v, want a ScimError", ops, err)
			}
			continue
		}
		accepted++
		checkResult(t, got)
		last := ops[len(ops)-1]
		if last.Kind == patch.Remove {
			continue
		}
		again, err := patch.Apply(users, got, []patch.Op{last})
		if isRefusal(err) {
			continue // it selects by what it changes
		}
		if diff := cmp.Diff(got, again); diff != "" && !(last.Path != nil && last.Path.Where != nil) {
			t.Fatalf("%s %s %v repeated (-want +got):\n%s", last.Kind, last.Path, last.Value, diff)
		}
	}
	if accepted < 1000 {
		t.Errorf("operations accepted: got %d of 3000, want at least 1000 or the test says little", accepted)
	}
}

// Adding or replacing what is there, each attribute by its path and all of them without, changes nothing.
func TestApplyWhatIsThere(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		res := randomUser(r)
		for _, kind := range []patch.Kind{patch.Add, patch.Replace} {
			ops := []patch.Op{{Kind: kind, Value: res}}
			for _, name := range slices.Sorted(maps.Keys(res)) {
				if a := users.Lookup("", name); a != nil && a.Mutability != attribute.ReadOnly {
					ops = append(ops, patch.Op{Kind: kind, Path: &filter.Path{Name: name}, Value: res[name]})
				}
			}
			if section := res[enterprise]; section != nil {
				p, err := filter.ParsePath(enterprise)
				if err != nil {
					t.Fatal(err)
				}
				ops = append(ops, patch.Op{Kind: kind, Path: p, Value: section})
			}
			got, err := patch.Apply(users, res, ops)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if diff := cmp.Diff(res, got); diff != "" {
				t.Fatalf("%s of what is there (-want +got):\n%s", kind, diff)
			}
		}
	}
}

func isRefusal(err error) bool {
	var refusal scim.ScimError
	return errors.As(err, &refusal) && refusal.Status == 400 && refusal.ScimType != "" && refusal.Detail != ""
}
