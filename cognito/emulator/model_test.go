package emulator

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// model is testdata/model.json: what Amazon's service model says of the emulated operations.
type model struct {
	Comment    string
	Operations map[string]struct {
		Input, Output string
		Errors        []string
		Public        bool
	}
	Shapes map[string]modelShape
}

type modelShape struct {
	Type       string
	Min, Max   *int64
	Pattern    string
	Enum       []string
	Sensitive  bool
	Member     string
	Key, Value string
	Members    map[string]string
	Required   []string
}

func readModel(t *testing.T) model {
	t.Helper()
	b, err := os.ReadFile("testdata/model.json")
	if err != nil {
		t.Fatal(err)
	}
	var m model
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestOperationsMatchModel holds the operations' inputs and outputs against the service model, member by member.
func TestOperationsMatchModel(t *testing.T) {
	m := readModel(t)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(m.Operations)), slices.Sorted(maps.Keys(operations))); diff != "" {
		t.Errorf("operations (-model +emulator):\n%s", diff)
	}
	for name, op := range operations {
		want := m.Operations[name]
		if op.empty != (want.Output == "") {
			t.Errorf("%s: got empty output %t, want %t", name, op.empty, want.Output == "")
		}
		if op.public != want.Public {
			t.Errorf("%s: got public %t, want %t", name, op.public, want.Public)
		}
		input, _ := op.decode([]byte(`{}`)) // violations are of no interest here: the type is
		m.compareInput(t, name, want.Input, reflect.TypeOf(input).Elem())
	}
}

// compareInput compares a Go input structure with a structure of the model, and what is inside it.
func (m model) compareInput(t *testing.T, at, shape string, typ reflect.Type) {
	t.Helper()
	want := m.Shapes[shape]
	got := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(typ) {
		if !f.Anonymous {
			got[f.Name] = f
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want.Members)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("%s: members of %s (-model +emulator):\n%s", at, shape, diff)
	}
	for name, f := range got {
		member := at + "." + name
		if f.Type == reflect.TypeFor[refused]() || f.Type == reflect.TypeFor[ignored]() {
			continue
		}
		tag, required, _ := strings.Cut(f.Tag.Get("aws"), ",")
		if tag != want.Members[name] {
			t.Errorf("%s: got shape %s, want %s", member, tag, want.Members[name])
		}
		if (required != "") != slices.Contains(want.Required, name) {
			t.Errorf("%s: got required %q, want it to be %t", member, required, slices.Contains(want.Required, name))
		}
		m.compareValue(t, member, tag, f.Type)
	}
}

func (m model) compareValue(t *testing.T, at, shape string, typ reflect.Type) {
	t.Helper()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	kinds := map[string]reflect.Kind{"string": reflect.String, "integer": reflect.Int64, "boolean": reflect.Bool, "list": reflect.Slice, "map": reflect.Map, "structure": reflect.Struct}
	want := m.Shapes[shape]
	if typ.Kind() != kinds[want.Type] {
		t.Errorf("%s: got Go kind %s, want %s for a %s", at, typ.Kind(), kinds[want.Type], want.Type)
		return
	}
	switch want.Type {
	case "structure":
		m.compareInput(t, at, shape, typ)
	case "list":
		m.compareValue(t, at+"[]", want.Member, typ.Elem())
	}
}

// TestShapesMatchModel holds the table of constraints against the service model.
func TestShapesMatchModel(t *testing.T) {
	m := readModel(t)
	bound := func(n *int64) int64 {
		if n == nil {
			return -1
		}
		return *n
	}
	for name, want := range m.Shapes {
		got, listed := shapes[name]
		constrained := want.Min != nil || want.Max != nil || want.Pattern != "" || want.Enum != nil
		if !listed {
			if used(name) && (constrained || want.Type == "list") {
				t.Errorf("%s: not in the table, though it has constraints: %+v", name, want)
			}
			continue
		}
		type facts struct {
			Min, Max        int64
			Pattern, Member string
			Enum            []string
			Sensitive       bool
		}
		if diff := cmp.Diff(
			facts{bound(want.Min), bound(want.Max), want.Pattern, want.Member, want.Enum, want.Sensitive},
			facts{got.min, got.max, got.pattern, got.member, got.enum, got.sensitive}); diff != "" {
			t.Errorf("%s (-model +emulator):\n%s", name, diff)
		}
	}
	for name := range shapes {
		if _, ok := m.Shapes[name]; !ok {
			t.Errorf("%s: in the table, but not in the model", name)
		}
	}
}

// used reports whether an input of the emulator names a shape.
func used(shape string) bool {
	var inside func(reflect.Type) bool
	inside = func(typ reflect.Type) bool {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return false
		}
		for _, f := range reflect.VisibleFields(typ) {
			tag, _, _ := strings.Cut(f.Tag.Get("aws"), ",")
			if tag == shape || tag != "" && shapes[tag].member == shape || !f.Anonymous && inside(f.Type) {
				return true
			}
		}
		return false
	}
	for _, op := range operations {
		input, _ := op.decode([]byte(`{}`))
		if inside(reflect.TypeOf(input)) {
			return true
		}
	}
	return false
}

// TestOutputsMatchModel checks that outputs have no members that the model does not know.
func TestOutputsMatchModel(t *testing.T) {
	m := readModel(t)
	outputs := map[string]any{
		"UserType": userOutput{}, "GroupType": groupOutput{}, "UserPoolType": userPoolOutput{}, "UserPoolClientType": clientOutput{},
		"IdentityProviderType": providerOutput{}, "ProviderDescription": providerSummary{}, "UserPoolDescriptionType": poolSummary{},
		"UserPoolClientDescription": clientSummary{}, "AuthenticationResultType": tokens{},
		m.Operations["ListUsers"].Output: listedUsers{}, m.Operations["ListGroups"].Output: listedGroups{}, m.Operations["ListUsersInGroup"].Output: membersOutput{},
		m.Operations["AdminGetUser"].Output: gotUser{}, m.Operations["AdminInitiateAuth"].Output: authOutput{}, m.Operations["GetUser"].Output: gotOwn{},
		m.Operations["ListUserPools"].Output: listedPools{}, m.Operations["ListIdentityProviders"].Output: listedProviders{},
		m.Operations["ListUserPoolClients"].Output: listedClients{}, m.Operations["UpdateUserAttributes"].Output: updatedOwn{},
		m.Operations["CreateGroup"].Output: gotGroup{}, m.Operations["CreateUserPool"].Output: describedPool{}, m.Operations["AdminCreateUser"].Output: createdUser{},
	}
	for shape, output := range outputs {
		want, ok := m.Shapes[shape]
		if !ok {
			t.Errorf("%s: no such shape", shape)
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(output)) {
			if _, ok := want.Members[f.Name]; !f.Anonymous && f.Tag.Get("json") != "-" && !ok {
				t.Errorf("%s has no member %s", shape, f.Name)
			}
		}
	}
}
