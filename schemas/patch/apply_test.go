package patch_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	scim "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/schema"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

const (
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	custom     = "urn:example:2.0:Custom"
)

// users has an extension with the characteristics that the RFC's schemas do not use.
var users = attribute.New(schema.CoreUserSchema(), schema.ExtensionEnterpriseUser(), schema.Schema{
	ID: custom,
	Attributes: schema.Attributes{
		schema.SimpleCoreAttribute(schema.SimpleNumberParams(schema.NumberParams{Name: "age", Type: schema.AttributeTypeInteger()})),
		schema.SimpleCoreAttribute(schema.SimpleStringParams(schema.StringParams{Name: "tags", MultiValued: true})),
		schema.SimpleCoreAttribute(schema.SimpleStringParams(schema.StringParams{Name: "badge", Mutability: schema.AttributeMutabilityImmutable()})),
		schema.SimpleCoreAttribute(schema.SimpleStringParams(schema.StringParams{Name: "seals", MultiValued: true, Mutability: schema.AttributeMutabilityImmutable()})),
		schema.SimpleCoreAttribute(schema.SimpleStringParams(schema.StringParams{Name: "level", Mutability: schema.AttributeMutabilityReadOnly()})),
		schema.ComplexCoreAttribute(schema.ComplexParams{Name: "posts", MultiValued: true, Required: true, SubAttributes: []schema.SimpleParams{
			schema.SimpleStringParams(schema.StringParams{Name: "value", Required: true}),
			schema.SimpleNumberParams(schema.NumberParams{Name: "rank", Type: schema.AttributeTypeInteger()}),
			schema.SimpleStringParams(schema.StringParams{Name: "serial", Mutability: schema.AttributeMutabilityImmutable()}),
			schema.SimpleStringParams(schema.StringParams{Name: "issued", Mutability: schema.AttributeMutabilityReadOnly()}),
			schema.SimpleStringParams(schema.StringParams{Name: "rooms", MultiValued: true}),
		}}),
		schema.ComplexCoreAttribute(schema.ComplexParams{Name: "site", Required: true, SubAttributes: []schema.SimpleParams{
			schema.SimpleStringParams(schema.StringParams{Name: "name"}),
			schema.SimpleStringParams(schema.StringParams{Name: "rooms", MultiValued: true}),
		}}),
	},
})

func decode(t testing.TB, text string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("decoding %s: %v", text, err)
	}
	return v
}

// operations reads the Operations of a PATCH body.
func operations(t testing.TB, text string) []patch.Op {
	t.Helper()
	kinds := map[any]patch.Kind{"add": patch.Add, "replace": patch.Replace, "remove": patch.Remove}
	var ops []patch.Op
	for _, v := range decode(t, text).([]any) {
		o := v.(map[string]any)
		op := patch.Op{Kind: kinds[o["op"]], Value: o["value"]}
		if text, ok := o["path"].(string); ok {
			p, err := filter.ParsePath(text)
			if err != nil {
				t.Fatal(err)
			}
			op.Path = p
		}
		ops = append(ops, op)
	}
	return ops
}

// checkRefusal expects 400 with the scimType, and a detail that holds every one of the words.
func checkRefusal(t *testing.T, err error, kind scim.ScimType, words ...string) {
	t.Helper()
	var refusal scim.ScimError
	if !errors.As(err, &refusal) || refusal.Status != 400 || refusal.ScimType != kind {
		t.Errorf("got error %v, want 400 %s", err, kind)
		return
	}
	for _, word := range words {
		if !strings.Contains(refusal.Detail, word) {
			t.Errorf("detail: got %q, want it to name %q", refusal.Detail, word)
		}
	}
}

type applyCase struct{ name, res, ops, want string }

func runApply(t *testing.T, cases []applyCase) {
	t.Helper()
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			res := decode(t, test.res).(map[string]any)
			ops := operations(t, test.ops)
			got, err := patch.Apply(users, res, ops)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decode(t, test.want), any(got)); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(decode(t, test.res), any(res)); diff != "" {
				t.Errorf("the resource given was changed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(operations(t, test.ops), ops); diff != "" {
				t.Errorf("the operations given were changed (-want +got):\n%s", diff)
			}
		})
	}
}

// RFC 7644 §3.5.2.1.
func TestAdd(t *testing.T) {
	t.Parallel()
	runApply(t, []applyCase{
		{"no path", `{"userName":"x","nickName":"a"}`,
			`[{"op":"add","value":{"emails":[{"value":"babs@jensen.org","type":"home"}],"nickName":"Babs"}}]`,
			`{"userName":"x","nickName":"Babs","emails":[{"value":"babs@jensen.org","type":"home"}]}`},
		{"single value, absent", `{}`, `[{"op":"add","path":"title","value":"Boss"}]`, `{"title":"Boss"}`},
		{"single value, replaced", `{"title":"a"}`, `[{"op":"add","path":"TITLE","value":"b"}]`, `{"title":"b"}`},
		{"complex: sub-attributes are merged", `{"name":{"givenName":"a","familyName":"b"}}`,
			`[{"op":"add","path":"name","value":{"FAMILYNAME":"c","middleName":"d"}}]`,
			`{"name":{"givenName":"a","familyName":"c","middleName":"d"}}`},
		{"complex, absent", `{}`, `[{"op":"add","path":"name","value":{"givenName":"a"}}]`, `{"name":{"givenName":"a"}}`},
		{"sub-attribute", `{"name":{"givenName":"a"}}`, `[{"op":"add","path":"name.familyName","value":"b"}]`, `{"name":{"givenName":"a","familyName":"b"}}`},
		{"sub-attribute of an absent one", `{}`, `[{"op":"add","path":"name.familyName","value":"b"}]`, `{"name":{"familyName":"b"}}`},
		{"multi-valued: appended", `{"emails":[{"value":"a"}]}`, `[{"op":"add","path":"emails","value":[{"value":"b","TYPE":"home"},{"value":"c"}]}]`,
			`{"emails":[{"value":"a"},{"value":"b","type":"home"},{"value":"c"}]}`},
		{"multi-valued: one object", `{}`, `[{"op":"add","path":"emails","value":{"value":"b"}}]`, `{"emails":[{"value":"b"}]}`},
		{"multi-valued: bare value", `{}`, `[{"op":"add","path":"emails","value":["b"]}]`, `{"emails":[{"value":"b"}]}`},
		{"already there", `{"emails":[{"value":"a","type":"work"}]}`, `[{"op":"add","path":"emails","value":[{"value":"a","type":"work"}]}]`,
			`{"emails":[{"value":"a","type":"work"}]}`},
		{"already there twice in the request", `{}`, `[{"op":"add","path":"emails","value":[{"value":"a"},{"value":"A"}]}]`, `{"emails":[{"value":"A"}]}`},
		{"same value and type: merged", `{"emails":[{"value":"a@b","type":"work","display":"x"}]}`,
			`[{"op":"add","path":"emails","value":[{"value":"A@b","type":"WORK","primary":true}]}]`,
			`{"emails":[{"value":"A@b","type":"WORK","display":"x","primary":true}]}`},
		{"same value, other type: two", `{"emails":[{"value":"a","type":"work"}]}`, `[{"op":"add","path":"emails","value":[{"value":"a","type":"home"}]}]`,
			`{"emails":[{"value":"a","type":"work"},{"value":"a","type":"home"}]}`},
		{"elements without value are compared whole", `{"addresses":[{"type":"work","locality":"a"}]}`,
			`[{"op":"add","path":"addresses","value":[{"type":"work","locality":"a"},{"type":"work","locality":"b"}]}]`,
			`{"addresses":[{"type":"work","locality":"a"},{"type":"work","locality":"b"}]}`},
		{"simple multi-valued", `{"` + custom + `":{"tags":["a"]}}`, `[{"op":"add","path":"` + custom + `:tags","value":["A","b"]}]`, `{"` + custom + `":{"tags":["a","b"]}}`},
		{"simple multi-valued, one value", `{}`, `[{"op":"add","path":"` + custom + `:tags","value":"b"}]`, `{"` + custom + `":{"tags":["b"]}}`},
		{"value path: merged into the match", `{"emails":[{"value":"a","type":"work"},{"value":"b","type":"home"}]}`,
			`[{"op":"add","path":"emails[type eq \"home\"]","value":{"display":"B"}}]`,
			`{"emails":[{"value":"a","type":"work"},{"value":"b","type":"home","display":"B"}]}`},
		{"value path with sub-attribute", `{"emails":[{"value":"a","type":"work"}]}`,
			`[{"op":"add","path":"emails[type eq \"work\"].display","value":"A"}]`, `{"emails":[{"value":"a","type":"work","display":"A"}]}`},
		{"new primary", `{"emails":[{"value":"a","primary":true},{"value":"b"},{"value":"c","primary":false}]}`,
			`[{"op":"add","path":"emails","value":[{"value":"d","primary":true}]}]`,
			`{"emails":[{"value":"a","primary":false},{"value":"b"},{"value":"c","primary":false},{"value":"d","primary":true}]}`},
		{"two new primaries: the last", `{}`, `[{"op":"add","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":true}]}]`,
			`{"emails":[{"value":"a","primary":false},{"value":"b","primary":true}]}`},
		{"primary by value path", `{"emails":[{"value":"a","primary":true},{"value":"b","type":"home"}]}`,
			`[{"op":"add","path":"emails[type eq \"home\"].primary","value":true}]`,
			`{"emails":[{"value":"a","primary":false},{"value":"b","type":"home","primary":true}]}`},
		{"extension attribute", `{}`, `[{"op":"add","path":"` + enterprise + `:department","value":"a"}]`, `{"` + enterprise + `":{"department":"a"}}`},
		{"extension sub-attribute", `{"` + enterprise + `":{"department":"a"}}`, `[{"op":"add","path":"` + strings.ToLower(enterprise) + `:MANAGER.value","value":"m"}]`,
			`{"` + enterprise + `":{"department":"a","manager":{"value":"m"}}}`},
		{"extension as a key", `{"` + enterprise + `":{"department":"a"}}`, `[{"op":"add","value":{"` + strings.ToUpper(enterprise) + `":{"Division":"b"}}}]`,
			`{"` + enterprise + `":{"department":"a","division":"b"}}`},
		{"core attribute with URN", `{}`, `[{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User:name.givenName","value":"a"}]`, `{"name":{"givenName":"a"}}`},
		{"values of a multi-valued sub-attribute", `{"` + custom + `":{"site":{"rooms":["a","b"]}}}`, `[{"op":"add","path":"` + custom + `:site.rooms","value":["B","c"]}]`,
			`{"` + custom + `":{"site":{"rooms":["a","b","c"]}}}`},
		{"number", `{}`, `[{"op":"add","path":"` + custom + `:age","value":42}]`, `{"` + custom + `":{"age":42}}`},
		{"nothing", `{"title":"a","emails":[{"value":"a"}]}`, `[{"op":"add","value":{}},{"op":"add","path":"emails","value":[{},null]},{"op":"add","path":"name","value":{}}]`,
			`{"title":"a","emails":[{"value":"a"}]}`},
	})
}

// RFC 7644 §3.5.2.2.
func TestRemove(t *testing.T) {
	t.Parallel()
	runApply(t, []applyCase{
		{"single value", `{"title":"a","nickName":"b"}`, `[{"op":"remove","path":"title"}]`, `{"nickName":"b"}`},
		{"single value, absent", `{"nickName":"b"}`, `[{"op":"remove","path":"title"}]`, `{"nickName":"b"}`},
		{"single value with a value", `{"title":"a"}`, `[{"op":"remove","path":"title","value":"z"}]`, `{}`},
		{"complex", `{"name":{"givenName":"a"}}`, `[{"op":"remove","path":"name"}]`, `{}`},
		{"sub-attribute", `{"name":{"givenName":"a","familyName":"b"}}`, `[{"op":"remove","path":"name.givenName"}]`, `{"name":{"familyName":"b"}}`},
		{"last sub-attribute", `{"name":{"givenName":"a"}}`, `[{"op":"remove","path":"name.givenName"}]`, `{}`},
		{"sub-attribute, absent", `{}`, `[{"op":"remove","path":"name.givenName"}]`, `{}`},
		{"multi-valued", `{"emails":[{"value":"a"},{"value":"b"}]}`, `[{"op":"remove","path":"emails"}]`, `{}`},
		{"value path", `{"emails":[{"value":"a","type":"work"},{"value":"b","type":"home"}]}`, `[{"op":"remove","path":"emails[type eq \"work\" and value eq \"a\"]"}]`,
			`{"emails":[{"value":"b","type":"home"}]}`},
		{"value path, the last element", `{"emails":[{"value":"a","type":"work"}]}`, `[{"op":"remove","path":"emails[type eq \"work\"]"}]`, `{}`},
		{"value path, nothing selected", `{"emails":[{"value":"a"}]}`,
			`[{"op":"remove","path":"emails[value eq \"b\"]"},{"op":"remove","path":"emails[value eq \"b\"].display"}]`, `{"emails":[{"value":"a"}]}`},
		{"value path with sub-attribute", `{"emails":[{"value":"a","type":"work","display":"A"}]}`, `[{"op":"remove","path":"emails[type eq \"work\"].display"}]`,
			`{"emails":[{"value":"a","type":"work"}]}`},
		{"value path with the only sub-attribute", `{"emails":[{"value":"a"},{"value":"b"}]}`, `[{"op":"remove","path":"emails[value eq \"a\"].value"}]`, `{"emails":[{"value":"b"}]}`},
		{"sub-attribute of all elements", `{"emails":[{"value":"a","display":"A"},{"value":"b","display":"B"}]}`, `[{"op":"remove","path":"emails.display"}]`,
			`{"emails":[{"value":"a"},{"value":"b"}]}`},
		{"sub-attribute of no elements", `{}`, `[{"op":"remove","path":"emails.display"}]`, `{}`},
		{"value filter on simple values", `{"` + custom + `":{"tags":["a","b"]}}`, `[{"op":"remove","path":"` + custom + `:tags[value eq \"A\"]"}]`, `{"` + custom + `":{"tags":["b"]}}`},
		{"by value (Entra)", `{"emails":[{"value":"a","type":"work"},{"value":"b"}]}`, `[{"op":"remove","path":"emails","value":[{"$ref":null,"value":"A"}]}]`, `{"emails":[{"value":"b"}]}`},
		{"by value, bare", `{"roles":[{"value":"a"},{"value":"b"}]}`, `[{"op":"remove","path":"roles","value":"a"}]`, `{"roles":[{"value":"b"}]}`},
		{"by value and type", `{"emails":[{"value":"a","type":"work"},{"value":"a","type":"home"},{"value":"a"}]}`,
			`[{"op":"remove","path":"emails","value":[{"value":"a","type":"Home"}]}]`, `{"emails":[{"value":"a","type":"work"}]}`},
		{"by sub-attributes", `{"addresses":[{"type":"work","locality":"a"},{"type":"home","locality":"a"}]}`,
			`[{"op":"remove","path":"addresses","value":[{"type":"work"}]}]`, `{"addresses":[{"type":"home","locality":"a"}]}`},
		{"by simple value", `{"` + custom + `":{"tags":["a","b"]}}`, `[{"op":"remove","path":"` + custom + `:tags","value":["B","c"]}]`, `{"` + custom + `":{"tags":["a"]}}`},
		{"by value, none there", `{"emails":[{"value":"a"}]}`, `[{"op":"remove","path":"emails","value":[{"value":"b"}]}]`, `{"emails":[{"value":"a"}]}`},
		{"by an empty list or element: none", `{"emails":[{"value":"a"}]}`,
			`[{"op":"remove","path":"emails","value":[]},{"op":"remove","path":"emails","value":[{}]},{"op":"remove","path":"emails","value":[null]}]`, `{"emails":[{"value":"a"}]}`},
		{"by value, all", `{"emails":[{"value":"a"}]}`, `[{"op":"remove","path":"emails","value":[{"value":"a"}]}]`, `{}`},
		{"extension attribute", `{"` + enterprise + `":{"department":"a","division":"b"}}`, `[{"op":"remove","path":"` + enterprise + `:department"}]`, `{"` + enterprise + `":{"division":"b"}}`},
		{"last extension attribute", `{"title":"a","` + enterprise + `":{"department":"a"}}`, `[{"op":"remove","path":"` + enterprise + `:department"}]`, `{"title":"a"}`},
		{"whole extension", `{"title":"a","` + enterprise + `":{"department":"a","manager":{"value":"m"}}}`, `[{"op":"remove","path":"` + enterprise + `"}]`, `{"title":"a"}`},
		{"whole extension, absent", `{"title":"a"}`, `[{"op":"remove","path":"` + enterprise + `"}]`, `{"title":"a"}`},
		{"whole extension but what is readOnly", `{"` + custom + `":{"level":"a","age":1,"tags":["x"]}}`, `[{"op":"add","path":"` + custom + `:tags","value":"y"},{"op":"remove","path":"` + custom + `"}]`,
			`{"` + custom + `":{"level":"a"}}`},
	})
}

// RFC 7644 §3.5.2.3.
func TestReplace(t *testing.T) {
	t.Parallel()
	runApply(t, []applyCase{
		{"no path: only the attributes named", `{"userName":"x","title":"a","emails":[{"value":"a"},{"value":"b"}],"name":{"givenName":"g","familyName":"f"}}`,
			`[{"op":"replace","value":{"TITLE":"b","emails":[{"value":"c"}],"name":{"familyName":"h"}}}]`,
			`{"userName":"x","title":"b","emails":[{"value":"c"}],"name":{"givenName":"g","familyName":"h"}}`},
		{"single value", `{"active":true}`, `[{"op":"replace","path":"active","value":false}]`, `{"active":false}`},
		{"absent: as add", `{}`, `[{"op":"replace","path":"active","value":false}]`, `{"active":false}`},
		{"complex: merged", `{"name":{"givenName":"a","familyName":"b"}}`, `[{"op":"replace","path":"name","value":{"familyName":"c","givenName":null}}]`, `{"name":{"familyName":"c"}}`},
		{"sub-attribute", `{"name":{"givenName":"a","familyName":"b"}}`, `[{"op":"replace","path":"name.familyName","value":"c"}]`, `{"name":{"givenName":"a","familyName":"c"}}`},
		{"multi-valued: all elements", `{"emails":[{"value":"a"},{"value":"b"}]}`, `[{"op":"replace","path":"emails","value":[{"value":"c"}]}]`, `{"emails":[{"value":"c"}]}`},
		{"multi-valued, then add", `{"emails":[{"value":"a"}]}`, `[{"op":"replace","path":"emails","value":[{"value":"c"}]},{"op":"add","path":"emails","value":[{"value":"d"}]}]`,
			`{"emails":[{"value":"c"},{"value":"d"}]}`},
		{"value path: the element", `{"addresses":[{"type":"work","locality":"a","region":"r"},{"type":"home","locality":"h"}]}`,
			`[{"op":"replace","path":"addresses[type eq \"work\"]","value":{"type":"work","locality":"b"}}]`,
			`{"addresses":[{"type":"work","locality":"b"},{"type":"home","locality":"h"}]}`},
		{"value path: what identifies the element stays", `{"emails":[{"type":"Work","value":"a","display":"A"}]}`,
			`[{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"b"}}]`, `{"emails":[{"type":"Work","value":"b"}]}`},
		{"value path: unless the value says otherwise", `{"emails":[{"type":"work","value":"a"}]}`,
			`[{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"b","type":null}}]`, `{"emails":[{"value":"b"}]}`},
		{"value path: every match", `{"emails":[{"type":"work","value":"a"},{"type":"work","value":"b"}]}`,
			`[{"op":"replace","path":"emails[type eq \"work\"].display","value":"x"}]`, `{"emails":[{"type":"work","value":"a","display":"x"},{"type":"work","value":"b","display":"x"}]}`},
		{"value path: list of one", `{"emails":[{"type":"work","value":"a"}]}`, `[{"op":"replace","path":"emails[type eq \"work\"]","value":[{"value":"b"}]}]`, `{"emails":[{"type":"work","value":"b"}]}`},
		{"value path: or, not", `{"emails":[{"type":"work","value":"a"},{"type":"home","value":"b"},{"value":"c"}]}`,
			`[{"op":"replace","path":"emails[type eq \"work\" or not (type pr)].display","value":"x"}]`,
			`{"emails":[{"type":"work","value":"a","display":"x"},{"type":"home","value":"b"},{"value":"c","display":"x"}]}`},
		{"value path on simple values", `{"` + custom + `":{"tags":["a","b"]}}`, `[{"op":"replace","path":"` + custom + `:tags[value eq \"a\"]","value":"c"}]`, `{"` + custom + `":{"tags":["c","b"]}}`},
		{"sub-attribute of all elements", `{"emails":[{"value":"a"},{"value":"b"}]}`, `[{"op":"replace","path":"emails.display","value":"x"}]`,
			`{"emails":[{"value":"a","display":"x"},{"value":"b","display":"x"}]}`},
		{"sub-attribute of an absent list", `{}`, `[{"op":"replace","path":"emails.value","value":"x"}]`, `{"emails":[{"value":"x"}]}`},
		{"primary moves", `{"emails":[{"value":"a","primary":true},{"value":"b"}]}`, `[{"op":"replace","path":"emails[value eq \"b\"].primary","value":true}]`,
			`{"emails":[{"value":"a","primary":false},{"value":"b","primary":true}]}`},
		{"extension as path: merged", `{"` + enterprise + `":{"department":"a","division":"b"}}`, `[{"op":"replace","path":"` + enterprise + `","value":{"department":"c"}}]`,
			`{"` + enterprise + `":{"department":"c","division":"b"}}`},
		{"extension attribute", `{"` + enterprise + `":{"manager":{"value":"a","displayName":"A"}}}`, `[{"op":"replace","path":"` + enterprise + `:manager","value":{"value":"b"}}]`,
			`{"` + enterprise + `":{"manager":{"value":"b","displayName":"A"}}}`},
		{"complex by its bare value", `{}`, `[{"op":"replace","path":"` + enterprise + `:manager","value":"271"}]`, `{"` + enterprise + `":{"manager":{"value":"271"}}}`},
		{"password is kept for the caller", `{}`, `[{"op":"replace","value":{"password":"s3cret"}}]`, `{"password":"s3cret"}`},
		{"in order", `{"title":"a"}`, `[{"op":"remove","path":"title"},{"op":"add","path":"title","value":"b"},{"op":"replace","path":"title","value":"c"}]`, `{"title":"c"}`},
		{"values of a multi-valued sub-attribute", `{"` + custom + `":{"site":{"name":"n","rooms":["a"]}}}`,
			`[{"op":"replace","path":"` + custom + `:site.rooms","value":["b"]}]`, `{"` + custom + `":{"site":{"name":"n","rooms":["b"]}}}`},
	})
}

// RFC 7643 §2.5: null and an empty list are no value.
func TestUnassigned(t *testing.T) {
	t.Parallel()
	full := `{"title":"a","name":{"givenName":"g"},"emails":[{"value":"a","type":"work"}],"` + enterprise + `":{"department":"d"}}`
	runApply(t, []applyCase{
		{"null, no path", full, `[{"op":"replace","value":{"title":null,"name":null,"emails":null,"` + enterprise + `":null}}]`, `{}`},
		{"empty list, no path", full, `[{"op":"replace","value":{"title":[],"name":[],"emails":[],"` + enterprise + `":[]}}]`, `{}`},
		{"by path", full, `[{"op":"replace","path":"title","value":null},{"op":"replace","path":"emails","value":[]},{"op":"replace","path":"` + enterprise + `","value":null},{"op":"add","path":"name.givenName","value":null}]`, `{}`},
		{"element", full, `[{"op":"replace","path":"emails[type eq \"work\"]","value":null},{"op":"remove","path":"name"},{"op":"remove","path":"title"},{"op":"remove","path":"` + enterprise + `"}]`, `{}`},
		{"sub-attribute of an element", `{"emails":[{"value":"a","type":"work"}]}`, `[{"op":"replace","path":"emails[type eq \"work\"].value","value":null}]`, `{"emails":[{"type":"work"}]}`},
		{"sub-attribute of an element that is not there", `{}`, `[{"op":"replace","path":"emails[type eq \"work\"].value","value":null}]`, `{}`},
		{"element of nothing", `{}`, `[{"op":"replace","path":"emails[type eq \"work\"]","value":[]},{"op":"replace","path":"emails","value":[{"value":null}]}]`, `{}`},
		{"an empty string is a value", `{"title":"a"}`, `[{"op":"replace","path":"title","value":""}]`, `{"title":""}`},
		{"add of an empty list", `{"emails":[{"value":"a"}]}`, `[{"op":"add","path":"emails","value":[]}]`, `{"emails":[{"value":"a"}]}`},
		{"null sub-attributes of an element", `{}`, `[{"op":"add","path":"emails","value":[{"value":"a","$ref":null,"display":null}]}]`, `{"emails":[{"value":"a"}]}`},
	})
}

// What identity providers send that the RFC does not foresee.
func TestProviders(t *testing.T) {
	t.Parallel()
	runApply(t, []applyCase{
		{"Okta repeats the id", `{"id":"1","title":"a"}`, `[{"op":"replace","value":{"id":"2","meta":{"version":"x"},"schemas":["x"],"groups":[{"value":"g"}],"title":"b"}}]`, `{"id":"1","title":"b"}`},
		{"Entra creates an element", `{}`, `[{"op":"replace","path":"emails[type eq \"work\"].value","value":"a@b"},{"op":"add","path":"addresses[type eq \"work\"].Formatted","value":"x"}]`,
			`{"emails":[{"type":"work","value":"a@b"}],"addresses":[{"type":"work","formatted":"x"}]}`},
		{"Entra creates a second element", `{"phoneNumbers":[{"type":"work","value":"1"}]}`, `[{"op":"replace","path":"phoneNumbers[type eq \"mobile\"].value","value":"2"}]`,
			`{"phoneNumbers":[{"type":"work","value":"1"},{"type":"mobile","value":"2"}]}`},
		{"Entra fills the element it created", `{}`, `[{"op":"add","path":"roles[primary eq \"True\"].display","value":"Admin"},{"op":"add","path":"roles[primary eq \"True\"].value","value":"admin"}]`,
			`{"roles":[{"primary":true,"display":"Admin","value":"admin"}]}`},
		{"created primary", `{"emails":[{"value":"a","primary":false}]}`, `[{"op":"replace","path":"emails[primary eq true].value","value":"b"}]`,
			`{"emails":[{"value":"a","primary":false},{"value":"b","primary":true}]}`},
		{"created by two terms, with an object", `{}`, `[{"op":"add","path":"emails[type eq \"work\" and primary eq true]","value":{"value":"a"}}]`, `{"emails":[{"type":"work","primary":true,"value":"a"}]}`},
		{"created beside a term without eq", `{}`, `[{"op":"add","path":"emails[type eq \"work\" and primary ne true].value","value":"a"}]`, `{"emails":[{"type":"work","value":"a"}]}`},
		{"created from a number", `{}`, `[{"op":"add","path":"` + custom + `:posts[rank eq 3].value","value":"a"},{"op":"add","path":"emails[type eq 3].value","value":"a"}]`,
			`{"` + custom + `":{"posts":[{"rank":3,"value":"a"}]},"emails":[{"type":"3","value":"a"}]}`},
		{"what is not defined is ignored", `{"active":true}`,
			`[{"op":"replace","path":"unknown","value":"x"},{"op":"add","path":"name.unknown","value":"x"},{"op":"add","path":"urn:x:2.0:User:y.z","value":1},{"op":"remove","path":"unknown[type eq \"x\"].y"},
			  {"op":"replace","value":{"unknown":{"a":1},"urn:x:2.0:User":{"y":1},"name":{"unknown":"x"},"active":false}}]`,
			`{"active":false}`},
		{"readOnly sub-attribute inside a value", `{}`, `[{"op":"add","value":{"` + enterprise + `":{"manager":{"value":"m","displayName":"M"}}}}]`, `{"` + enterprise + `":{"manager":{"value":"m"}}}`},
		{"SailPoint adds without path", `{"active":true}`, `[{"op":"add","value":{"active":false}}]`, `{"active":false}`},
	})
}

func TestMutability(t *testing.T) {
	t.Parallel()
	posts := `{"` + custom + `":{"posts":[{"value":"a","serial":"S1","issued":"i","rank":1}]}}`
	runApply(t, []applyCase{
		{"immutable, first value", `{}`, `[{"op":"add","path":"` + custom + `:badge","value":"b"}]`, `{"` + custom + `":{"badge":"b"}}`},
		{"immutable, same value", `{"` + custom + `":{"badge":"b"}}`, `[{"op":"replace","value":{"` + custom + `":{"badge":"b"}}}]`, `{"` + custom + `":{"badge":"b"}}`},
		{"immutable list, same values", `{"` + custom + `":{"seals":["b"]}}`, `[{"op":"replace","path":"` + custom + `:seals","value":["b"]}]`, `{"` + custom + `":{"seals":["b"]}}`},
		{"immutable sub-attribute, first value", `{"` + custom + `":{"posts":[{"value":"a"}]}}`, `[{"op":"add","path":"` + custom + `:posts[value eq \"a\"].serial","value":"S"}]`,
			`{"` + custom + `":{"posts":[{"value":"a","serial":"S"}]}}`},
		{"immutable sub-attribute, same value in other case", posts, `[{"op":"replace","path":"` + custom + `:posts[value eq \"a\"].serial","value":"s1"}]`, posts},
		{"an element that is replaced keeps what the client may not write", posts, `[{"op":"replace","path":"` + custom + `:posts[value eq \"a\"]","value":{"value":"b"}}]`,
			`{"` + custom + `":{"posts":[{"value":"b","serial":"S1","issued":"i"}]}}`},
		{"an element that is there already keeps it, too", posts, `[{"op":"add","path":"` + custom + `:posts","value":[{"value":"a","serial":"S2","rank":2}]}]`,
			`{"` + custom + `":{"posts":[{"value":"a","serial":"S1","issued":"i","rank":2}]}}`},
		{"an element may be removed", `{"` + custom + `":{"posts":[{"value":"a","serial":"S1"},{"value":"b"}]}}`, `[{"op":"remove","path":"` + custom + `:posts[value eq \"a\"]"}]`,
			`{"` + custom + `":{"posts":[{"value":"b"}]}}`},
	})
}
