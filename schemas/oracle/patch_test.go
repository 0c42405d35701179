package oracle_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	scim "github.com/elimity-com/scim/errors"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

// patchQ asks what operations make of a user.
type patchQ struct {
	user    map[string]any
	ops     []patch.Op
	refusal scim.ScimType                               // that the lessons demand, "" for none
	settle  []func(after map[string]any) map[string]any // what the lessons make of the oracle's answer
}

// outcome is what came of it; one field is set.
type outcome struct {
	user    map[string]any
	refused scim.ScimType
}

func ours(t *testing.T, q patchQ) outcome {
	t.Helper()
	after, err := patch.Apply(users, q.user, q.ops)
	var refusal scim.ScimError
	if errors.As(err, &refusal) {
		return outcome{refused: refusal.ScimType}
	} else if err != nil {
		t.Fatalf("Apply %v: %v", q.ops, err)
	}
	return outcome{user: after}
}

// theirs asks the oracle. It says in few cases why it refuses something, so every refusal of its own is "refused".
func theirs(o *oracle, q patchQ) outcome {
	if q.refusal != "" {
		return outcome{refused: q.refusal}
	}
	wire := []any{}
	for _, op := range q.ops {
		m := map[string]any{"op": op.Kind.String()}
		if op.Path != nil {
			m["path"] = op.Path.String()
		}
		if op.Kind != patch.Remove || op.Value != nil {
			m["value"] = op.Value
		}
		wire = append(wire, m)
	}
	a := o.ask(map[string]any{"patch": wire, "resource": q.user})
	if a.Refused != "" {
		return outcome{refused: "refused"}
	}
	for _, settle := range q.settle {
		a.Resource = settle(a.Resource)
	}
	return outcome{user: a.Resource}
}

// agree compares by meaning: numbers by value, refusals of the oracle's own with any of ours.
func (a outcome) agree(b outcome) string {
	if a.refused != "" && (b.refused == "refused" || a.refused == b.refused) {
		return ""
	}
	if a.refused != b.refused {
		return fmt.Sprintf("ours %q %s, the oracle's %q %s", a.refused, indented(a.user), b.refused, indented(b.user))
	}
	return cmp.Diff(a.user, b.user, cmp.Comparer(func(a, b json.Number) bool { return number(a) == number(b) }))
}

func (q patchQ) String() string {
	var ops []string
	for _, op := range q.ops {
		path := ""
		if op.Path != nil {
			path = op.Path.String()
		}
		ops = append(ops, fmt.Sprintf("%s %s %s", op.Kind, path, indented(op.Value)))
	}
	return fmt.Sprintf("%s on %s", strings.Join(ops, "; "), indented(q.user))
}

// TestPatchAsOthersDo makes 2,500 series of PATCH operations, and has the oracle make every one.
func TestPatchAsOthersDo(t *testing.T) {
	t.Parallel()
	const series = 2500
	o, seed := newOracle(t), seedOf(t)
	r := rand.New(rand.NewPCG(seed, 0))
	l := lessons[patchQ]{table: patchLessons}
	asked, refused := 0, 0
	for range series {
		u := lowerTypes(user(r))
		for range 1 + r.IntN(3) {
			q := patchQ{user: u, ops: []patch.Op{randomOp(r)}}
			want := ours(t, q)
			asked++
			l.settle(t, q, func(q patchQ) string {
				if difference := want.agree(theirs(o, q)); difference != "" {
					return fmt.Sprintf("seed %d: %s:\n%s", seed, q, difference)
				}
				return ""
			})
			if want.refused != "" {
				refused++
				break
			}
			u = want.user
		}
	}
	l.report(t, "operations", asked)
	if refused < asked/50 || refused > asked/3 {
		t.Errorf("refused: got %d of %d, want some, but most carried out", refused, asked)
	}
}

// lowerTypes keeps what is about case out of the value filters here: TestMatchAsOthersDo has it.
func lowerTypes(u map[string]any) map[string]any {
	return mapped(u, nil, func(a *attribute.Attribute, v any) any {
		if s, ok := v.(string); ok && a.Name == "type" {
			return strings.ToLower(s)
		}
		return v
	}).(map[string]any)
}

func path(text string) *filter.Path {
	p, err := filter.ParsePath(text)
	if err != nil {
		panic(err)
	}
	return p
}

// randomOp makes one operation, most of them such that the RFC says what comes of it.
func randomOp(r *rand.Rand) patch.Op {
	op := patch.Op{Kind: pick(r, patch.Add, patch.Replace, patch.Replace, patch.Remove)}
	switch r.IntN(8) {
	case 0:
		if op.Kind != patch.Remove {
			op.Value = pathless(r)
			return op
		}
	case 1:
		return odd(r, op)
	}
	target, value := simpleTarget(r)
	if r.IntN(2) == 0 {
		target, value = listTarget(r)
	}
	op.Path = path(target)
	if op.Kind != patch.Remove {
		op.Value = value
	}
	return op
}

func simpleTarget(r *rand.Rand) (string, any) {
	switch r.IntN(8) {
	case 0:
		return "active", r.IntN(2) == 0
	case 1:
		return "name", map[string]any{pick(r, "givenName", "familyName"): pick(r, texts...)}
	case 2:
		return enterprise + ":manager", map[string]any{"value": pick(r, texts...)}
	case 3:
		return custom + ":age", pick(r, json.Number("1"), json.Number("2"))
	}
	return pick(r, "displayName", "title", "externalId", "userName", "name.givenName", "name.familyName", core+":title", core+":name.givenName",
		enterprise+":department", enterprise+":manager.value", custom+":since"), pick(r, texts...)
}

// listTarget names a multi-valued attribute, elements of it or their sub-attribute.
func listTarget(r *rand.Rand) (string, any) {
	name := pick(r, "emails", "roles")
	where := pick(r, `type eq "work"`, `type eq "home"`, `type eq "work" and primary eq true`, `primary eq true`, `value eq "ada0"`)
	switch r.IntN(7) {
	case 0:
		return custom + ":tags", []any{pick(r, "tag0", "tag1", "tag2")}
	case 1, 2:
		return name, someElements(r)
	case 3:
		return name + "[" + where + "]", map[string]any{"display": pick(r, texts...)}
	case 4:
		return name + `[` + where + `].display`, pick(r, texts...)
	case 5:
		return name + `[type eq "` + pick(r, "work", "home") + `"].primary`, r.IntN(3) > 0
	}
	return name + `[type eq "` + pick(r, "work", "home") + `"].value`, fmt.Sprint(pick(r, texts...), r.IntN(4))
}

// someElements are one or two of different value.
func someElements(r *rand.Rand) []any {
	list := []any{}
	for i := range 1 + r.IntN(2) {
		m := map[string]any{"value": fmt.Sprint(pick(r, "ada", "Ada", "b"), 2*r.IntN(2)+i)}
		if r.IntN(3) > 0 {
			m["type"] = pick(r, "work", "home")
		}
		if r.IntN(4) == 0 {
			m["primary"] = i == 0
		}
		list = append(list, m)
	}
	return list
}

func pathless(r *rand.Rand) map[string]any {
	v := map[string]any{}
	for range 1 + r.IntN(3) {
		switch r.IntN(6) {
		case 0:
			v["emails"] = someElements(r)
		case 1:
			v["name"] = map[string]any{pick(r, "givenName", "familyName"): pick(r, texts...)}
		case 2:
			v[enterprise] = map[string]any{"department": pick(r, texts...)}
		case 3:
			v["id"] = "another"
		default:
			v[pick(r, "displayName", "title", "userName")] = pick(r, texts...)
		}
	}
	return v
}

// odd makes what a server that knows the schema treats otherwise than one that does not.
func odd(r *rand.Rand, op patch.Op) patch.Op {
	switch r.IntN(8) {
	case 0: // readOnly
		op.Path, op.Value = path(pick(r, "id", "meta.created", "groups")), "x"
	case 1: // required
		op.Kind, op.Path = patch.Remove, path("userName")
	case 2: // of the wrong type
		op.Kind, op.Path, op.Value = patch.Replace, path(pick(r, "title", "active", custom+":age")), []any{json.Number("5")}
	case 3: // not defined
		op.Kind, op.Path, op.Value = patch.Add, path(pick(r, "nonsense", "name.nonsense", "urn:x:y:z")), "x"
	case 4: // unassigned
		op.Kind, op.Path, op.Value = patch.Replace, path(pick(r, "title", "emails", "name", "name.givenName", enterprise+":manager", `emails[type eq "work"].display`)), nil
	case 5: // any case
		op.Kind, op.Path, op.Value = patch.Replace, path(pick(r, "TITLE", "Name.GIVENNAME")), pick(r, texts...)
	case 6: // an extension as a whole
		op.Path, op.Value = path(enterprise), map[string]any{"department": pick(r, texts...)}
	default: // values to remove
		op.Kind, op.Path, op.Value = patch.Remove, path("emails"), []any{map[string]any{"value": fmt.Sprint(pick(r, "ada", "Ada", "b"), r.IntN(3))}}
	}
	if op.Kind == patch.Remove && op.Path.Name != "emails" {
		op.Value = nil
	}
	return op
}

// attrs are the top-level attributes of a value without path, in the order in which both sides take them.
func attrs(v any) []string {
	m, _ := v.(map[string]any)
	return slices.Sorted(maps.Keys(m))
}
