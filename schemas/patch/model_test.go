package patch_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	scim "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/schema"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

// group is Members' model: what a group knows of its members, by id.
type group map[string]map[string]any

var membersDef = attribute.New(schema.CoreGroupSchema()).Lookup("", "members")

// carryOut applies an operation to the whole group.
func (g group) carryOut(t *testing.T, op patch.Op) {
	t.Helper()
	switch {
	case op.Path.Where != nil:
		g.removeWhere(t, op.Path.Where)
		return
	case op.Kind == patch.Replace || op.Kind == patch.Remove && op.Value == nil:
		clear(g)
	}
	list, _ := op.Value.([]any)
	for _, v := range list {
		id := v.(map[string]any)["value"].(string)
		if op.Kind == patch.Remove {
			delete(g, id)
		} else if g[id] == nil {
			g[id] = map[string]any{"value": id}
		}
	}
}

func (g group) removeWhere(t *testing.T, where *filter.Expr) {
	t.Helper()
	m, err := filter.CompileValue(membersDef, where)
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(g, func(_ string, member map[string]any) bool { return m.Match(member) })
}

func TestMembersAgainstModel(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	path := &filter.Path{Name: "members"}
	id := func() string { return fmt.Sprint("u", r.IntN(6)) }
	compared, refused := 0, 0
	for range 5000 {
		before, want := group{}, group{}
		for range r.IntN(5) {
			u := id()
			before[u] = map[string]any{"value": u, "display": oneOf(r, "A", "B")}
		}
		maps.Copy(want, before)
		var ops []patch.Op
		for range 1 + r.IntN(6) {
			op := patch.Op{Kind: oneOf(r, patch.Add, patch.Add, patch.Remove, patch.Remove, patch.Replace), Path: path, Value: []any{}}
			for range r.IntN(3) {
				op.Value = append(op.Value.([]any), map[string]any{"value": id()})
			}
			if op.Kind == patch.Remove && r.IntN(2) == 0 {
				where, err := filter.Parse(oneOf(r, `value eq "`+id()+`"`, `value eq "`+id()+`" or value eq "`+id()+`"`, `display eq "A"`))
				if err != nil {
					t.Fatal(err)
				}
				op.Path = &filter.Path{Name: "members", Where: where}
			} else if op.Kind == patch.Remove && r.IntN(5) == 0 {
				op.Value = nil
			}
			ops = append(ops, op)
			want.carryOut(t, op)
		}
		d, rest, err := patch.Members(ops)
		if err != nil {
			checkRefusal(t, err, scim.ScimTypeInvalidFilter, "must come before")
			refused++
			continue
		}
		compared++
		if rest != nil {
			t.Errorf("rest: got %v, want none", rest)
		}
		got := before
		if d.Replace {
			clear(got)
		}
		if d.Where != nil {
			got.removeWhere(t, d.Where)
		}
		for _, u := range d.Remove {
			delete(got, u)
		}
		for _, u := range d.Add {
			got[u] = map[string]any{"value": u}
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
			t.Fatalf("%v: members after %+v (-want +got):\n%s", ops, d, diff)
		}
	}
	if compared < 2000 || refused == 0 {
		t.Errorf("got %d compared, %d refused, want both to happen, and most compared", compared, refused)
	}
}
