package attribute_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/elimity-com/scim/schema"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

func userTree() *attribute.Tree {
	return attribute.New(schema.CoreUserSchema(), schema.ExtensionEnterpriseUser())
}

// TestDefinitions holds every definition, so that a newer elimity that says something else is noticed. Lines follow
// RFC 7643 §8.7.1: path, type, then what is not the default.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	dump := func(title string, attributes []*attribute.Attribute) {
		fmt.Fprintln(&b, title)
		for _, a := range attributes {
			describe(&b, a)
		}
	}
	user := userTree()
	dump("# "+user.Schema(), user.Attributes(""))
	dump("# "+enterprise, user.Attributes(enterprise))
	group := attribute.New(schema.CoreGroupSchema())
	dump("# "+group.Schema(), group.Attributes(group.Schema()))

	want, err := os.ReadFile("testdata/definitions.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("definitions differ from testdata/definitions.txt (-want +got):\n%s", diff)
	}
}

func describe(b *strings.Builder, a *attribute.Attribute) {
	words := []string{strings.TrimPrefix(a.Path(), enterprise+":"), a.Type.String()}
	for _, flag := range []struct {
		set  bool
		word string
	}{
		{a.MultiValued, "multiValued"},
		{a.Required, "required"},
		{a.CaseExact, "caseExact"},
		{a.Mutability != attribute.ReadWrite, a.Mutability.String()},
		{a.Returned != attribute.Default, "returned:" + a.Returned.String()},
		{a.Uniqueness != "none", "unique:" + a.Uniqueness},
		{len(a.Canonical) > 0, strings.Join(a.Canonical, "|")},
		{len(a.References) > 0, "to:" + strings.Join(a.References, "|")},
	} {
		if flag.set {
			words = append(words, flag.word)
		}
	}
	fmt.Fprintln(b, strings.Join(words, " "))
	for _, sub := range a.Sub {
		describe(b, sub)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	user := userTree()
	long := strings.Repeat("x", 65)
	for _, test := range []struct{ urn, name, want string }{
		{"", "userName", "userName"},
		{"", "USERNAME", "userName"},
		{"", "externalid", "externalId"},
		{user.Schema(), "userName", "userName"},
		{strings.ToUpper(user.Schema()), "username", "userName"},
		{user.Schema(), "id", "id"},
		{enterprise, "DEPARTMENT", enterprise + ":department"},
		{strings.ToLower(enterprise), "department", enterprise + ":department"},
		{"", "department", ""},
		{enterprise, "userName", ""},
		{enterprise, "id", ""},
		{"urn:unknown", "userName", ""},
		{"", "", ""},
		{"", "nic\u212AName", ""}, // the Kelvin sign folds to k
		{"", long, ""},
	} {
		got := ""
		if a := user.Lookup(test.urn, test.name); a != nil {
			got = a.Path()
		}
		if got != test.want {
			t.Errorf("Lookup(%q, %q): got %q, want %q", test.urn, test.name, got, test.want)
		}
	}
}

func TestLookupLongName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("LongName", 10)
	tree := attribute.New(schema.Schema{ID: "urn:x", Attributes: schema.Attributes{
		schema.SimpleCoreAttribute(schema.SimpleStringParams(schema.StringParams{Name: long})),
	}})
	if got := tree.Lookup("", strings.ToUpper(long)); got == nil || got.Name != long {
		t.Errorf("Lookup of %d letters in capitals: got %v, want the attribute", len(long), got)
	}
}

func TestSubLookup(t *testing.T) {
	t.Parallel()
	emails := userTree().Lookup("", "emails")
	for name, want := range map[string]string{"value": "emails.value", "VALUE": "emails.value", "Primary": "emails.primary", "x": "", "": ""} {
		got := ""
		if sub := emails.Lookup(name); sub != nil {
			got = sub.Path()
		}
		if got != want {
			t.Errorf("emails.Lookup(%q): got %q, want %q", name, got, want)
		}
	}
	if sub := userTree().Lookup("", "addresses").Lookup("po\u017Ftalcode"); sub != nil {
		t.Errorf("a name with a long s, which folds to s: got %s, want none", sub.Path())
	}
	if parent := emails.Lookup("value").Parent; parent != emails {
		t.Errorf("parent of emails.value: got %v, want emails", parent)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	user := userTree()
	manager := user.Lookup(enterprise, "manager")
	urn := strings.ToLower(enterprise)
	if n := testing.AllocsPerRun(100, func() {
		user.Lookup("", "USERNAME")
		user.Lookup(urn, "Department")
		manager.Lookup("DISPLAYNAME")
	}); n != 0 {
		t.Errorf("allocations: got %v, want 0", n)
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	user := userTree()
	if got, want := user.Extensions(), []string{enterprise}; !slices.Equal(got, want) {
		t.Errorf("Extensions: got %q, want %q", got, want)
	}
	if got, ok := user.Extension(strings.ToUpper(enterprise)); !ok || got != enterprise {
		t.Errorf("Extension in capitals: got %q, %v, want %q, true", got, ok, enterprise)
	}
	if got, ok := user.Extension(user.Schema()); ok {
		t.Errorf("Extension of the core URN: got %q, want none", got)
	}
	if got := user.Attributes("urn:unknown"); got != nil {
		t.Errorf("Attributes of an unknown URN: got %v, want nil", got)
	}
	for path, a := range map[string]*attribute.Attribute{
		"":         user.Lookup("", "userName"),
		enterprise: user.Lookup(enterprise, "manager").Lookup("value"),
	} {
		if got := a.Extension(); got != path {
			t.Errorf("Extension of %s: got %q, want %q", a.Path(), got, path)
		}
	}
	if got, want := user.Lookup(enterprise, "manager").Lookup("$REF").Path(), enterprise+":manager.$ref"; got != want {
		t.Errorf("Path: got %q, want %q", got, want)
	}
}

// A schema that defines a common attribute itself means its own.
func TestCoreOverridesCommon(t *testing.T) {
	t.Parallel()
	tree := attribute.New(schema.ResourceTypeSchema())
	var ids []*attribute.Attribute
	for _, a := range tree.Attributes("") {
		if a.Name == "id" {
			ids = append(ids, a)
		}
	}
	if len(ids) != 1 || ids[0].Schema != tree.Schema() || tree.Lookup("", "id") != ids[0] {
		t.Errorf("attributes named id: got %d, want the schema's own", len(ids))
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		got  fmt.Stringer
		want string
	}{
		{attribute.DateTime, "dateTime"},
		{attribute.Complex, "complex"},
		{attribute.Type(99), "type(99)"},
		{attribute.WriteOnly, "writeOnly"},
		{attribute.Mutability(99), "mutability(99)"},
		{attribute.Request, "request"},
		{attribute.Returned(99), "returned(99)"},
	} {
		if got := test.got.String(); got != test.want {
			t.Errorf("String: got %q, want %q", got, test.want)
		}
	}
}

func TestMember(t *testing.T) {
	t.Parallel()
	object := map[string]any{"Path": 1, "path": 2, "OP": 3, "": 4, "\u212Aind": 5, "z": nil}
	for name, want := range map[string]any{"path": 2, "PATH": 1, "op": 3, "value": nil, "kind": nil, "z": nil} {
		if got := attribute.Member(object, name); got != want {
			t.Errorf("Member(%q): got %v, want %v", name, got, want)
		}
	}
}
