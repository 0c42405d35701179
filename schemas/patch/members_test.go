package patch_test

import (
	"fmt"
	"strings"
	"testing"

	scim "github.com/elimity-com/scim/errors"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

const groupURN = "urn:ietf:params:scim:schemas:core:2.0:Group"

func TestMembers(t *testing.T) {
	t.Parallel()
	add := func(ids ...string) patch.Delta { return patch.Delta{Add: ids} }
	remove := func(ids ...string) patch.Delta { return patch.Delta{Remove: ids} }
	replace := func(ids ...string) patch.Delta { return patch.Delta{Replace: true, Add: ids} }
	where := func(text string) *filter.Expr {
		e, err := filter.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, test := range []struct {
		name, ops string
		want      patch.Delta
		rest      string // operations; "" for none
	}{
		// One operation.
		{"add", `[{"op":"add","path":"members","value":[{"value":"a","display":"A"},{"value":"b"}]}]`, add("a", "b"), ``},
		{"add, one object", `[{"op":"add","path":"Members","value":{"value":"a"}}]`, add("a"), ``},
		{"add, bare ids", `[{"op":"add","path":"members","value":["a","b"]}]`, add("a", "b"), ``},
		{"add, one bare id", `[{"op":"add","path":"members","value":"a"}]`, add("a"), ``},
		{"add, key in other case", `[{"op":"add","path":"members","value":[{"Value":"a"}]}]`, add("a"), ``},
		{"add, path with URN", `[{"op":"add","path":"` + groupURN + `:members","value":["a"]}]`, add("a"), ``},
		{"add, no path (WSO2)", `[{"op":"add","value":{"members":[{"value":"a"}]}}]`, add("a"), ``},
		{"add nothing", `[{"op":"add","path":"members","value":[]},{"op":"add","value":{"members":null}}]`, patch.Delta{}, ``},
		{"add twice", `[{"op":"add","path":"members","value":["a","b","a"]}]`, add("b", "a"), ``},
		{"remove by filter", `[{"op":"remove","path":"members[value eq \"a\"]"}]`, remove("a"), ``},
		{"remove by filter, other case and a number", `[{"op":"remove","path":"members[VALUE eq 12]"}]`, remove("12"), ``},
		{"remove by several values", `[{"op":"remove","path":"members[value eq \"a\" or value eq \"b\" or (value eq \"c\")]"}]`, remove("a", "b", "c"), ``},
		{"remove by value (Entra)", `[{"op":"remove","path":"members","value":[{"$ref":null,"value":"a"}]}]`, remove("a"), ``},
		{"remove by an empty list: none", `[{"op":"remove","path":"members","value":[]}]`, patch.Delta{}, ``},
		{"remove all", `[{"op":"remove","path":"members"}]`, replace(), ``},
		{"replace", `[{"op":"replace","path":"members","value":[{"value":"a"},{"value":"b"}]}]`, replace("a", "b"), ``},
		{"replace, no path", `[{"op":"replace","value":{"MEMBERS":["a"]}}]`, replace("a"), ``},
		{"replace by nothing", `[{"op":"replace","path":"members","value":[]}]`, replace(), ``},
		{"replace by null", `[{"op":"replace","value":{"members":null}}]`, replace(), ``},
		{"remove by what the group knows", `[{"op":"remove","path":"members[display eq \"A\"]"}]`, patch.Delta{Where: where(`display eq "A"`)}, ``},
		{"remove by value and type", `[{"op":"remove","path":"members[value eq \"a\" and type eq \"User\"]"}]`, patch.Delta{Where: where(`value eq "a" and type eq "User"`)}, ``},
		{"remove by value and display", `[{"op":"remove","path":"members[value eq \"a\" or display eq \"A\"]"}]`, patch.Delta{Where: where(`value eq "a" or display eq "A"`)}, ``},
		{"remove by no value", `[{"op":"remove","path":"members[value eq null]"}]`, patch.Delta{Where: where(`value eq null`)}, ``},

		// Sequences.
		{"Okta's mix", `[{"op":"remove","path":"members[value eq \"a\"]"},{"op":"add","path":"members","value":[{"value":"b"}]},{"op":"remove","path":"members[value eq \"c\"]"}]`,
			patch.Delta{Add: []string{"b"}, Remove: []string{"a", "c"}}, ``},
		{"later wins", `[{"op":"add","path":"members","value":["a","b"]},{"op":"remove","path":"members[value eq \"a\"]"},{"op":"add","path":"members","value":["c"]}]`,
			patch.Delta{Add: []string{"b", "c"}, Remove: []string{"a"}}, ``},
		{"later wins, the other way", `[{"op":"remove","path":"members","value":["a"]},{"op":"add","path":"members","value":["a"]}]`, add("a"), ``},
		{"replace, add, remove", `[{"op":"add","path":"members","value":["x"]},{"op":"replace","path":"members","value":["a","b"]},{"op":"add","path":"members","value":["c"]},{"op":"remove","path":"members","value":["a","z"]}]`,
			replace("b", "c"), ``},
		{"remove all, then add", `[{"op":"remove","path":"members"},{"op":"add","path":"members","value":["a"]}]`, replace("a"), ``},
		{"filter, then replace", `[{"op":"remove","path":"members[display eq \"A\"]"},{"op":"replace","path":"members","value":["a"]}]`, replace("a"), ``},
		{"filters, then add", `[{"op":"remove","path":"members[display eq \"A\"]"},{"op":"remove","path":"members[display eq \"B\"]"},{"op":"remove","path":"members","value":["x"]},{"op":"add","path":"members","value":["a"]}]`,
			patch.Delta{Add: []string{"a"}, Remove: []string{"x"}, Where: where(`display eq "A" or display eq "B"`)}, ``},

		// The rest.
		{"other attributes", `[{"op":"replace","path":"displayName","value":"X"},{"op":"remove","path":"externalId"}]`, patch.Delta{},
			`[{"op":"replace","path":"displayName","value":"X"},{"op":"remove","path":"externalId"}]`},
		{"no path, with others", `[{"op":"replace","value":{"id":"1","displayName":"X","members":["a"]}}]`, replace("a"), `[{"op":"replace","value":{"id":"1","displayName":"X"}}]`},
		{"no path, an empty object", `[{"op":"replace","value":{}}]`, patch.Delta{}, `[{"op":"replace","value":{}}]`},
		{"no path, no object", `[{"op":"replace","value":"x"}]`, patch.Delta{}, `[{"op":"replace","value":"x"}]`},
		{"remove without path is never members", `[{"op":"remove","value":{"members":["a"]}}]`, patch.Delta{}, `[{"op":"remove","value":{"members":["a"]}}]`},
		{"members of another schema", `[{"op":"add","path":"urn:x:2.0:Group:members","value":["a"]}]`, patch.Delta{}, `[{"op":"add","path":"urn:x:2.0:Group:members","value":["a"]}]`},
		{"order of the rest", `[{"op":"add","path":"a","value":"1"},{"op":"add","path":"members","value":["m"]},{"op":"add","path":"b","value":"2"}]`, add("m"),
			`[{"op":"add","path":"a","value":"1"},{"op":"add","path":"b","value":"2"}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ops := operations(t, test.ops)
			got, rest, err := patch.Members(ops)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("delta (-want +got):\n%s", diff)
			}
			var wantRest []patch.Op
			if test.rest != "" {
				wantRest = operations(t, test.rest)
			}
			if diff := cmp.Diff(wantRest, rest); diff != "" {
				t.Errorf("rest (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(operations(t, test.ops), ops); diff != "" {
				t.Errorf("the operations given were changed (-want +got):\n%s", diff)
			}
			if want := cmp.Equal(test.want, patch.Delta{}); got.Empty() != want {
				t.Errorf("Empty: got %v, want %v", got.Empty(), want)
			}
		})
	}
}

func TestMembersRefusals(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", patch.MaxMemberID+1)
	for _, test := range []struct {
		name, ops string
		kind      scim.ScimType
		detail    string
	}{
		{"no value", `[{"op":"add","path":"members","value":["a"]},{"op":"add","path":"members","value":["b",{"display":"A"}]}]`, scim.ScimTypeInvalidValue,
			`Operations[1] (add members): members[1]: value must be the id of a user, a string, got null`},
		{"null element", `[{"op":"add","path":"members","value":[null]}]`, scim.ScimTypeInvalidValue, `members[0]: value must be the id of a user, a string, got null`},
		{"no string", `[{"op":"replace","value":{"members":[{"value":5}]}}]`, scim.ScimTypeInvalidValue, `got a number`},
		{"list in a list", `[{"op":"add","path":"members","value":[["a"]]}]`, scim.ScimTypeInvalidValue, `got a list`},
		{"empty id", `[{"op":"add","path":"members","value":[{"value":""}]}]`, scim.ScimTypeInvalidValue, `1 to 256 bytes long, got 0 bytes`},
		{"long id", `[{"op":"remove","path":"members","value":[{"value":"` + long + `"}]}]`, scim.ScimTypeInvalidValue, `1 to 256 bytes long, got 257 bytes`},
		{"empty id in a filter", `[{"op":"remove","path":"members[value eq \"\"]"}]`, scim.ScimTypeInvalidValue, `got 0 bytes`},
		{"change of an element", `[{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"b"}}]`, scim.ScimTypeMutability,
			`Operations[0] (replace members[value eq "a"]): members are added and removed, but cannot be changed`},
		{"change of a sub-attribute", `[{"op":"replace","path":"members[value eq \"a\"].display","value":"b"}]`, scim.ScimTypeMutability, `cannot be changed`},
		{"remove of a sub-attribute, which is not all members", `[{"op":"remove","path":"members.value"}]`, scim.ScimTypeMutability, `cannot be changed`},
		{"filter after add", `[{"op":"add","path":"members","value":["a"]},{"op":"remove","path":"members[display eq \"A\"]"}]`, scim.ScimTypeInvalidFilter,
			`Operations[1] (remove members[display eq "A"]): [display eq "A"] must come before`},
		{"filter after replace", `[{"op":"replace","path":"members","value":[]},{"op":"remove","path":"members[display eq \"A\"]"}]`, scim.ScimTypeInvalidFilter, `must come before`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, rest, err := patch.Members(operations(t, test.ops))
			checkRefusal(t, err, test.kind, test.detail)
			if !d.Empty() || rest != nil {
				t.Errorf("beside the error: got %v, %v, want nothing", d, rest)
			}
		})
	}
}

func TestMembersLimits(t *testing.T) {
	t.Parallel()
	display, err := filter.ParsePath(`members[display eq "A"]`)
	if err != nil {
		t.Fatal(err)
	}
	ops := make([]patch.Op, filter.MaxTerms)
	for i := range ops {
		ops[i] = patch.Op{Kind: patch.Remove, Path: display}
	}
	if _, _, err := patch.Members(ops); err != nil {
		t.Errorf("%d filters: %v", len(ops), err)
	}
	_, _, err = patch.Members(append(ops, ops[0]))
	checkRefusal(t, err, scim.ScimTypeInvalidFilter, "more than 500 comparisons")
	both, err := filter.ParsePath("members[" + strings.TrimSuffix(strings.Repeat(`display eq "A" or `, 251), " or ") + "]")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = patch.Members([]patch.Op{{Kind: patch.Remove, Path: both}, {Kind: patch.Remove, Path: both}})
	checkRefusal(t, err, scim.ScimTypeInvalidFilter, "more than 500 comparisons")
}

// BenchmarkMembers grows linearly: the time for each member is the same in both, however they are sent.
func BenchmarkMembers(b *testing.B) {
	path := &filter.Path{Name: "members"}
	for _, n := range []int{1_000, 10_000} {
		many := values(n)
		single := make([]patch.Op, n)
		byFilter := make([]patch.Op, n)
		for i, v := range many {
			single[i] = patch.Op{Kind: patch.Add, Path: path, Value: []any{v}}
			p, err := filter.ParsePath(fmt.Sprintf(`members[value eq "user-%d"]`, i))
			if err != nil {
				b.Fatal(err)
			}
			byFilter[i] = patch.Op{Kind: patch.Remove, Path: p}
		}
		for name, ops := range map[string][]patch.Op{
			"values":     {{Kind: patch.Add, Path: path, Value: many}},
			"operations": single,
			"filters":    byFilter,
		} {
			b.Run(fmt.Sprintf("%s-%d", name, n), func(b *testing.B) {
				for b.Loop() {
					if d, _, err := patch.Members(ops); err != nil || len(d.Add)+len(d.Remove) != n {
						b.Fatalf("Members: got %d and %d ids, %v, want %d", len(d.Add), len(d.Remove), err, n)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/member")
			})
		}
	}
}
