package patch_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	const posts = `{"` + custom + `":{"posts":[{"value":"a","serial":"S1","issued":"i"}],"badge":"b","seals":["s"],"site":{"name":"n"}}}`
	for _, test := range []struct {
		name, res, ops string
		kind           scim.ScimType
		detail         string
	}{
		// noTarget
		{"remove without path", `{}`, `[{"op":"remove","value":{"members":[]}}]`, scim.ScimTypeNoTarget, `Operations[0] (remove): remove needs a path`},
		{"a new element would not match: or", `{}`, `[{"op":"replace","path":"emails[type eq \"a\" or type eq \"b\"].value","value":"x"}]`, scim.ScimTypeNoTarget, `nor would a new one`},
		{"a new element would not match: co", `{}`, `[{"op":"add","path":"emails[value co \"a\"].display","value":"x"}]`, scim.ScimTypeNoTarget, `nor would a new one`},
		{"a new element would not match: other value", `{}`, `[{"op":"replace","path":"emails[value eq \"a\"].value","value":"b"}]`, scim.ScimTypeNoTarget, `nor would a new one`},
		{"a new element would not match: readOnly", `{}`, `[{"op":"add","path":"` + custom + `:posts[issued eq \"x\"].value","value":"b"}]`, scim.ScimTypeNoTarget, `nor would a new one`},
		{"a new element would not match: not a boolean", `{}`, `[{"op":"add","path":"emails[primary ne null].value","value":"b"}]`, scim.ScimTypeNoTarget, `nor would a new one`},
		{"a simple value", `{}`, `[{"op":"replace","path":"` + custom + `:tags[value eq \"a\"]","value":"b"}]`, scim.ScimTypeNoTarget, `no element of ` + custom + `:tags`},

		// mutability
		{"readOnly", `{"id":"1"}`, `[{"op":"replace","path":"id","value":"2"}]`, scim.ScimTypeMutability, `Operations[0] (replace id): id is readOnly`},
		{"readOnly meta", `{}`, `[{"op":"remove","path":"meta.version"}]`, scim.ScimTypeMutability, `meta.version is readOnly`},
		{"readOnly groups", `{}`, `[{"op":"add","path":"groups[value eq \"x\"]","value":{"value":"x"}}]`, scim.ScimTypeMutability, `groups is readOnly`},
		{"readOnly schemas", `{}`, `[{"op":"add","path":"schemas","value":["x"]}]`, scim.ScimTypeMutability, `schemas is readOnly`},
		{"readOnly sub-attribute", `{}`, `[{"op":"add","path":"` + enterprise + `:manager.displayName","value":"x"}]`, scim.ScimTypeMutability, enterprise + `:manager.displayName is readOnly`},
		{"required removed", `{"userName":"a"}`, `[{"op":"add","path":"title","value":"x"},{"op":"remove","path":"userName"}]`, scim.ScimTypeMutability,
			`Operations[1] (remove userName): userName is required and cannot be removed`},
		{"required list removed", posts, `[{"op":"remove","path":"` + custom + `:posts"}]`, scim.ScimTypeMutability, `posts is required`},
		{"last element of a required list", posts, `[{"op":"remove","path":"` + custom + `:posts[value eq \"a\"]"}]`, scim.ScimTypeMutability, `posts is required`},
		{"last element of a required list by value", posts, `[{"op":"remove","path":"` + custom + `:posts","value":[{"value":"a"}]}]`, scim.ScimTypeMutability, `posts is required`},
		{"required sub-attribute removed", posts, `[{"op":"remove","path":"` + custom + `:posts[serial eq \"s1\"].value"}]`, scim.ScimTypeMutability, `posts.value is required`},
		{"last sub-attribute of a required one", posts, `[{"op":"remove","path":"` + custom + `:site.name"}]`, scim.ScimTypeMutability, `site is required`},
		{"required in an extension", `{"` + custom + `":{"level":"x","posts":[{"value":"a"}]}}`, `[{"op":"remove","path":"` + custom + `"}]`, scim.ScimTypeMutability, `is required`},
		{"immutable", posts, `[{"op":"replace","path":"` + custom + `:badge","value":"c"}]`, scim.ScimTypeMutability, `badge is immutable: the value that it has`},
		{"immutable as a key", posts, `[{"op":"add","value":{"` + custom + `":{"badge":"c"}}}]`, scim.ScimTypeMutability, `badge is immutable: the value that it has`},
		{"immutable removed", posts, `[{"op":"remove","path":"` + custom + `:badge"}]`, scim.ScimTypeMutability, `badge is immutable: the value that it has`},
		{"immutable list", posts, `[{"op":"add","path":"` + custom + `:seals","value":["t"]}]`, scim.ScimTypeMutability, `seals is immutable`},
		{"immutable sub-attribute", posts, `[{"op":"replace","path":"` + custom + `:posts[value eq \"a\"].serial","value":"S2"}]`, scim.ScimTypeMutability, `posts.serial is immutable`},
		{"immutable sub-attribute removed", posts, `[{"op":"remove","path":"` + custom + `:posts.serial"}]`, scim.ScimTypeMutability, `posts.serial is immutable`},
		{"immutable sub-attribute in a new element", posts, `[{"op":"replace","path":"` + custom + `:posts[value eq \"a\"]","value":{"serial":"S2"}}]`, scim.ScimTypeMutability, `posts.serial is immutable`},

		// invalidValue
		{"no object without path", `{}`, `[{"op":"add","value":"x"}]`, scim.ScimTypeInvalidValue, `Operations[0] (add): the value must be an object of attributes, got a string`},
		{"null without path", `{}`, `[{"op":"replace","value":null}]`, scim.ScimTypeInvalidValue, `got null`},
		{"no object for an extension", `{}`, `[{"op":"add","value":{"` + enterprise + `":"x"}}]`, scim.ScimTypeInvalidValue, `got a string`},
		{"no string", `{}`, `[{"op":"add","path":"title","value":5}]`, scim.ScimTypeInvalidValue, `title must be a string, got a number`},
		{"no boolean", `{}`, `[{"op":"add","value":{"active":"yes"}}]`, scim.ScimTypeInvalidValue, `active must be true or false, got a string`},
		{"no number", `{}`, `[{"op":"add","path":"` + custom + `:age","value":"old"}]`, scim.ScimTypeInvalidValue, `age must be a number, got a string`},
		{"list for one value", `{}`, `[{"op":"add","path":"title","value":["a"]}]`, scim.ScimTypeInvalidValue, `title must be a string, got a list`},
		{"text for a complex attribute", `{}`, `[{"op":"add","path":"name","value":"a"}]`, scim.ScimTypeInvalidValue, `name must be an object of sub-attributes, got a string`},
		{"list for a complex attribute", `{}`, `[{"op":"add","path":"` + enterprise + `:manager","value":["a"]}]`, scim.ScimTypeInvalidValue, `manager must be an object of sub-attributes, got a list`},
		{"element of the wrong kind", `{}`, `[{"op":"add","path":"emails","value":[{"value":true}]}]`, scim.ScimTypeInvalidValue, `emails.value must be a string, got a boolean`},
		{"object among simple values", `{}`, `[{"op":"add","path":"` + custom + `:tags","value":[{"value":"x"}]}]`, scim.ScimTypeInvalidValue, `tags must be a string, got an object`},
		{"sub-attribute of the wrong kind", `{}`, `[{"op":"add","path":"name.givenName","value":{}}]`, scim.ScimTypeInvalidValue, `name.givenName must be a string, got an object`},
		{"selected sub-attribute of the wrong kind", `{}`, `[{"op":"add","path":"emails[type eq \"x\"].primary","value":"x"}]`, scim.ScimTypeInvalidValue, `emails.primary must be true or false`},
		{"several elements for a value path", `{}`, `[{"op":"add","path":"emails[type eq \"x\"]","value":[{"value":"a"},{"value":"b"}]}]`, scim.ScimTypeInvalidValue, `takes one element, got 2`},
		{"required without value", `{"userName":"a"}`, `[{"op":"replace","value":{"userName":null}}]`, scim.ScimTypeInvalidValue, `userName is required and needs a value`},
		{"required list without value", posts, `[{"op":"replace","path":"` + custom + `:posts","value":[]}]`, scim.ScimTypeInvalidValue, `posts is required and needs a value`},
		{"required sub-attribute without value", posts, `[{"op":"replace","path":"` + custom + `:posts.value","value":null}]`, scim.ScimTypeInvalidValue, `posts.value is required and needs a value`},

		// invalidPath, invalidFilter
		{"brackets behind a single value", `{}`, `[{"op":"add","path":"name[givenName eq \"a\"].familyName","value":"x"}]`, scim.ScimTypeInvalidPath, `name has a single value`},
		{"a comparison that makes no sense", `{}`, `[{"op":"add","path":"emails[primary gt true].value","value":"x"}]`, scim.ScimTypeInvalidFilter, `Operations[0] (add emails[primary gt true].value): filter: in "primary gt true": emails.primary is boolean`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := patch.Apply(users, decode(t, test.res).(map[string]any), operations(t, test.ops))
			checkRefusal(t, err, test.kind, "Operations[", test.detail)
			if got != nil {
				t.Errorf("result beside the error: got %v, want nil", got)
			}
		})
	}
}

// A value never shows in the detail, which is logged and shown to admins.
func TestRefusalHidesValue(t *testing.T) {
	t.Parallel()
	_, err := patch.Apply(users, map[string]any{}, operations(t, `[{"op":"replace","path":"password","value":["s3cret"]}]`))
	checkRefusal(t, err, scim.ScimTypeInvalidValue, "password must be a string, got a list")
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error: got %v, want it without the password", err)
	}
}

// values makes n elements with different values.
func values(n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = map[string]any{"value": fmt.Sprint("user-", i)}
	}
	return list
}

// One operation with many values, and many with one, take time linear in both: they would count as more visits than
// allowed if they looked at the list each time.
func TestApplyIsLinear(t *testing.T) {
	t.Parallel()
	emails := &filter.Path{Name: "emails"}
	many := values(10_000)
	ops := []patch.Op{{Kind: patch.Add, Path: emails, Value: many}, {Kind: patch.Add, Path: emails, Value: many}}
	for _, v := range many {
		ops = append(ops, patch.Op{Kind: patch.Add, Path: emails, Value: []any{v}})
	}
	ops = append(ops, patch.Op{Kind: patch.Remove, Path: emails, Value: many[1:]})
	got, err := patch.Apply(users, map[string]any{}, ops)
	if err != nil {
		t.Fatal(err)
	}
	if list, ok := got["emails"].([]any); !ok || len(list) != 1 {
		t.Errorf("emails: got %d elements, want 1", len(list))
	}
}

func TestApplyRefusesQuadraticWork(t *testing.T) {
	t.Parallel()
	work, err := filter.ParsePath(`emails[type eq "work"].display`)
	if err != nil {
		t.Fatal(err)
	}
	ops := []patch.Op{{Kind: patch.Add, Path: &filter.Path{Name: "emails"}, Value: append(values(10_000), map[string]any{"type": "work"})}}
	for range 10_000 {
		ops = append(ops, patch.Op{Kind: patch.Replace, Path: work, Value: "x"})
	}
	_, err = patch.Apply(users, map[string]any{}, ops)
	checkRefusal(t, err, scim.ScimTypeTooMany, "send fewer in a request")

	addresses := make([]any, 3000)
	for i := range addresses {
		addresses[i] = map[string]any{"locality": fmt.Sprint(i)}
	}
	_, err = patch.Apply(users, map[string]any{"addresses": addresses}, []patch.Op{{Kind: patch.Remove, Path: &filter.Path{Name: "addresses"}, Value: addresses}})
	checkRefusal(t, err, scim.ScimTypeTooMany, "send fewer in a request")

	// Elements of one value and many types, and as many to be removed of other types.
	have, gone := make([]any, 3000), make([]any, 3000)
	for i := range have {
		have[i] = map[string]any{"value": "a", "type": fmt.Sprint("t", i)}
		gone[i] = map[string]any{"value": "a", "type": fmt.Sprint("u", i)}
	}
	_, err = patch.Apply(users, map[string]any{"emails": have}, []patch.Op{{Kind: patch.Remove, Path: &filter.Path{Name: "emails"}, Value: gone}})
	checkRefusal(t, err, scim.ScimTypeTooMany, "send fewer in a request")

	// One filter of many comparisons, on many elements.
	bomb, err := filter.ParsePath("emails[" + strings.TrimSuffix(strings.Repeat("type eq 1 or ", filter.MaxTerms), " or ") + "].display")
	if err != nil {
		t.Fatal(err)
	}
	_, err = patch.Apply(users, map[string]any{"emails": values(5000)}, []patch.Op{{Kind: patch.Replace, Path: bomb, Value: "x"}})
	checkRefusal(t, err, scim.ScimTypeTooMany, "send fewer in a request")
}

// What a resource holds may be other than defined, after a change of the mapping. Apply replaces it, and never panics.
func TestApplyOddResources(t *testing.T) {
	t.Parallel()
	runApply(t, []applyCase{
		{"text for a complex attribute", `{"name":"x"}`, `[{"op":"add","path":"name.givenName","value":"a"}]`, `{"name":{"givenName":"a"}}`},
		{"text for an extension", `{"` + enterprise + `":"x"}`, `[{"op":"add","path":"` + enterprise + `:department","value":"a"}]`, `{"` + enterprise + `":{"department":"a"}}`},
		{"object for a list", `{"emails":{"value":"a"}}`, `[{"op":"add","path":"emails","value":[{"value":"b"}]}]`, `{"emails":[{"value":"a"},{"value":"b"}]}`},
		{"null and texts in a list", `{"emails":[null,"a",{"value":"a"}]}`, `[{"op":"add","path":"emails","value":[{"value":"a","primary":true}]},{"op":"remove","path":"emails","value":["a"]}]`, `{"emails":["a"]}`},
		{"object among simple values", `{"` + custom + `":{"tags":[{"value":"a"},5]}}`, `[{"op":"add","path":"` + custom + `:tags","value":["b"]}]`, `{"` + custom + `":{"tags":[{"value":"a"},5,"b"]}}`},
	})
}

func TestKindString(t *testing.T) {
	t.Parallel()
	for kind, want := range map[patch.Kind]string{patch.Add: "add", patch.Replace: "replace", patch.Remove: "remove", 9: "kind(9)"} {
		if got := kind.String(); got != want {
			t.Errorf("String: got %q, want %q", got, want)
		}
	}
}

// A value that JSON cannot hold is refused by its kind.
func TestApplyUnknownValue(t *testing.T) {
	t.Parallel()
	_, err := patch.Apply(users, nil, []patch.Op{{Kind: patch.Add, Path: &filter.Path{Name: "title"}, Value: make(chan int)}})
	checkRefusal(t, err, scim.ScimTypeInvalidValue, "title must be a string, got an unknown kind of value")
	_, err = patch.Apply(users, nil, []patch.Op{{Kind: patch.Add, Path: &filter.Path{URN: custom, Name: "age"}, Value: json.Number("5")}})
	if err != nil {
		t.Errorf("a number on a nil resource: got error %v, want none", err)
	}
}
