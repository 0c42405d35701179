package filter_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	scim "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/schema"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

const (
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	custom     = "urn:example:2.0:Custom"
)

// users has an extension with the types that the RFC's schemas do not use.
var users = attribute.New(schema.CoreUserSchema(), schema.ExtensionEnterpriseUser(), schema.Schema{
	ID: custom,
	Attributes: schema.Attributes{
		schema.SimpleCoreAttribute(schema.SimpleNumberParams(schema.NumberParams{Name: "age", Type: schema.AttributeTypeInteger()})),
		schema.SimpleCoreAttribute(schema.SimpleNumberParams(schema.NumberParams{Name: "score", Type: schema.AttributeTypeDecimal()})),
		schema.SimpleCoreAttribute(schema.SimpleStringParams(schema.StringParams{Name: "tags", MultiValued: true})),
		schema.SimpleCoreAttribute(schema.SimpleBinaryParams(schema.BinaryParams{Name: "key"})),
		schema.ComplexCoreAttribute(schema.ComplexParams{Name: "secret", Returned: schema.AttributeReturnedNever(), SubAttributes: []schema.SimpleParams{
			schema.SimpleStringParams(schema.StringParams{Name: "value"}),
		}}),
		schema.ComplexCoreAttribute(schema.ComplexParams{Name: "site", SubAttributes: []schema.SimpleParams{
			schema.SimpleStringParams(schema.StringParams{Name: "rooms", MultiValued: true}),
		}}),
	},
})

const jensen = `{
	"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
	"id": "2819c223-ABC",
	"externalId": "JYoung",
	"userName": "BJensen@Example.com",
	"name": {"givenName": "Barbara", "familyName": "O'Malley"},
	"displayName": "Straße ΣΑΣ",
	"nickName": "",
	"active": true,
	"title": "42",
	"emails": [
		{"value": "bjensen@example.com", "type": "work", "primary": true},
		{"value": "babs@example.org", "type": "home"}
	],
	"phoneNumbers": [],
	"photos": [{"value": "https://example.com/Photo", "type": "photo"}],
	"meta": {"resourceType": "User", "created": "2010-01-23T04:56:22Z", "lastModified": "2011-05-13T04:42:34.500Z"},
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
		"department": "Tour Operations", "employeeNumber": "0701984",
		"manager": {"value": "26118915", "displayName": "John Smith"}
	},
	"urn:example:2.0:Custom": {
		"age": 42, "score": 12.5, "tags": ["Red", "green"], "key": "QUJD", "secret": {"value": "x"}, "site": {"rooms": ["A1", "B2"]}
	}
}`

func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var res map[string]any
	if err := dec.Decode(&res); err != nil {
		t.Fatal(err)
	}
	return res
}

func TestMatch(t *testing.T) {
	t.Parallel()
	res := decode(t, jensen)
	for _, test := range []struct {
		filter string
		want   bool
	}{
		// Names in any case, with and without URN.
		{`USERNAME eq "bjensen@example.com"`, true},
		{`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "bjensen@example.com"`, true},
		{`URN:IETF:params:scim:schemas:core:2.0:user:username eq "bjensen@example.com"`, true},
		{`NAME.GIVENNAME eq "barbara"`, true},
		{`urn:ietf:params:scim:schemas:core:2.0:User:name.familyName eq "o'malley"`, true},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "tour operations"`, true},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName sw "john"`, true},

		// Text: folded unless caseExact.
		{`userName eq "bjensen@example.co"`, false},
		{`userName ne "BJENSEN@example.com"`, false},
		{`userName co "JENSEN"`, true},
		{`userName sw "bj"`, true},
		{`userName sw "jensen"`, false},
		{`userName ew "EXAMPLE.COM"`, true},
		{`userName gt "a"`, true},
		{`userName gt "BJENSEN@example.com"`, false},
		{`userName ge "BJENSEN@example.com"`, true},
		{`userName lt "C"`, true},
		{`userName le "bjensen@example.com"`, true},
		{`userName lt "bjensen@example.com"`, false},
		{`displayName eq "straße σασ"`, true},
		{`displayName ew "ς"`, true},            // a final sigma folds to the same
		{`displayName eq "STRASSE ΣΑΣ"`, false}, // simple folding, not full
		{`id eq "2819c223-ABC"`, true},
		{`id eq "2819C223-abc"`, false},
		{`externalId eq jyoung`, false},
		{`externalId eq JYoung`, true},
		{`externalId co "young"`, false},
		{`externalId gt "JYounf"`, true},
		{`photos.value eq "https://example.com/photo"`, false}, // references are caseExact
		{`title eq 42`, true},
		{`title ne true`, true},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq 0701984`, true},

		// Boolean.
		{`active eq true`, true},
		{`active eq "True"`, true},
		{`active ne "False"`, true},
		{`active eq false`, false},
		{`active pr`, true},

		// dateTime as instants.
		{`meta.created eq "2010-01-23T05:56:22+01:00"`, true},
		{`meta.created eq "2010-01-23T04:56:22.000Z"`, true},
		{`meta.created eq "2010-01-23t04:56:22z"`, true},
		{`meta.created eq "2010-01-23T04:56:22"`, true},
		{`meta.lastModified gt "2011-05-13T04:42:34Z"`, true},
		{`meta.lastModified gt "2011-05-13T04:42:34.5Z"`, false},
		{`meta.lastModified ge "2011-05-13T04:42:34.5Z"`, true},
		{`meta.lastModified lt "2011-05-13T06:42:35+02:00"`, true},
		{`meta.lastModified ne "2011-05-13T04:42:34.5Z"`, false},

		// Numbers.
		{custom + `:age eq 42`, true},
		{custom + `:age eq 42.0`, true},
		{custom + `:age eq "42"`, true},
		{custom + `:age gt 41`, true},
		{custom + `:age le 41.9`, false},
		{custom + `:age lt 1e99999`, true},
		{custom + `:score eq 1.25e1`, true},
		{custom + `:score ge 12`, true},
		{custom + `:score ne 12.5`, false},

		// Binary.
		{custom + `:key eq "QUJD"`, true},
		{custom + `:key eq "qujd"`, false},

		// Several values: any one.
		{`emails.value eq "BABS@example.org"`, true},
		{`emails.type eq "home" and emails.primary eq true`, true},
		{`emails[type eq "home" and primary eq true]`, false},
		{`emails.value ne "babs@example.org"`, true},
		{`emails[type eq "home"].value ne "babs@jensen.org"`, true},
		{`not (emails.value eq "babs@example.org")`, false},
		{`emails.value ne "other@example.org"`, true},
		{custom + `:tags eq "GREEN"`, true},
		{custom + `:tags eq "blue"`, false},
		{custom + `:tags co "re"`, true},
		{custom + `:tags[value eq "red"]`, true},
		{custom + `:tags[value eq "blue"]`, false},
		{custom + `:tags[type eq "red"]`, false},
		{custom + `:site.rooms eq "b2"`, true},
		{custom + `:site.rooms eq "c3"`, false},
		{`schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`, true},

		// Complex without sub-attribute: its value.
		{`emails eq "bjensen@example.com"`, true},
		{`emails co "example.org"`, true},
		{enterprise + `:manager eq "26118915"`, true},
		{enterprise + `:manager eq "1"`, false},

		// Value filters.
		{`emails[type eq "work" and value co "@EXAMPLE.com"]`, true},
		{`emails[type eq "work" and value co "example.org"]`, false},
		{`emails[not (type eq "work")]`, true},
		{`emails[type ne "work" and value sw "bj"]`, false},
		{`emails[primary pr]`, true},
		{`emails[display pr]`, false},
		{`emails[unknown eq "x"]`, false},
		{`emails[unknown ne "x"]`, true},
		{`emails[name.value eq "x"]`, false},
		{`phoneNumbers[type eq "work"]`, false},
		{`name[givenName eq "barbara"]`, true},
		{`emails[type eq "work"].value eq "BJensen@example.com"`, true},
		{`emails[type eq "home"].value eq "bjensen@example.com"`, false},
		{`emails[type eq "home"].value ne "bjensen@example.com"`, true},
		{`emails[type eq "other"].value pr`, false},
		{`emails[primary eq "True"].value pr`, true},

		// Presence.
		{`name pr`, true},
		{`name.middleName pr`, false},
		{`nickName pr`, false},
		{`phoneNumbers pr`, false},
		{`emails pr`, true},
		{`title eq null`, false},
		{`title ne null`, true},
		{`nickName eq null`, true},
		{`profileUrl eq null`, true},
		{`nickName eq ""`, true},
		{`profileUrl eq ""`, false},
		{`profileUrl ne "x"`, true},
		{`not (profileUrl eq "x")`, true},
		{`department eq "Tour Operations"`, true}, // Entra ID leaves the URN out
		{enterprise + ` pr`, true},
		{enterprise + ` eq null`, false},
		{custom + `:site pr`, true},

		// Not defined: no value.
		{`unknown eq "x"`, false},
		{`unknown ne "x"`, true},
		{`unknown pr`, false},
		{`unknown eq null`, true},
		{`unknown gt 5`, false},
		{`unknown[x eq 1]`, false},
		{`name.unknown eq "x"`, false},
		{`userName.value eq "x"`, false},
		{`urn:unknown:userName pr`, false},
		{`urn:unknown:userName eq "x"`, false},

		// Logic.
		{`active eq true and unknown pr or id pr`, true},
		{`active eq true and (unknown pr or nickName pr)`, false},
		{`not (active eq false or unknown pr) and title pr`, true},
	} {
		e, err := filter.Parse(test.filter)
		if err != nil {
			t.Errorf("Parse(%s): %v", test.filter, err)
			continue
		}
		m, err := filter.Compile(users, e)
		if err != nil {
			t.Errorf("Compile(%s): %v", test.filter, err)
			continue
		}
		if got := m.Match(res); got != test.want {
			t.Errorf("%s: got %v, want %v", test.filter, got, test.want)
		}
	}
}

// What stands in a resource may be other than defined, after a change of the mapping: that is no match, and no panic.
func TestMatchOddResources(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		filter, resource string
		want             bool
	}{
		{`userName eq "x"`, `{"userName": 5}`, false},
		{`active eq true`, `{"active": "true"}`, false},
		{custom + `:age eq 0`, `{"urn:example:2.0:Custom": {"age": "x"}}`, false},
		{`meta.created lt "2020-01-01T00:00:00Z"`, `{"meta": {"created": "yesterday"}}`, false},
		{`meta.created lt "2020-01-01T00:00:00Z"`, `{"meta": {"created": 5}}`, false},
		{`emails.value eq "x"`, `{"emails": {"value": "x"}}`, true},
		{`emails.value eq "x"`, `{"emails": ["x", null, {"value": ["x"]}]}`, true},
		{`emails.value eq "y"`, `{"emails": ["x", null, {"value": "y"}]}`, true},
		{`emails[value eq "x"]`, `{"emails": [null, "x"]}`, true},
		{enterprise + `:department pr`, `{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": "x"}`, false},
		{`name.givenName pr`, `{"name": "x"}`, false},
		{`name pr`, `{"name": {"givenName": ""}}`, false},
		{`emails pr`, `{"emails": [{"value": ""}, null]}`, false},
	} {
		e, err := filter.Parse(test.filter)
		if err != nil {
			t.Fatal(err)
		}
		m, err := filter.Compile(users, e)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Match(decode(t, test.resource)); got != test.want {
			t.Errorf("%s on %s: got %v, want %v", test.filter, test.resource, got, test.want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ filter, want string }{
		{`active gt true`, `active is boolean: use eq, ne or pr`},
		{`active co "t"`, `active is boolean: use eq, ne or pr`},
		{`active eq "yes"`, `active is boolean: compare it with true or false`},
		{`active eq 1`, `active is boolean: compare it with true or false`},
		{custom + `:age co 4`, custom + `:age is integer: use eq, ne, gt, ge, lt, le or pr`},
		{custom + `:score eq "high"`, custom + `:score is decimal: compare it with a number`},
		{custom + `:key gt "A"`, custom + `:key is binary, which has no order: use eq, ne, co, sw, ew or pr`},
		{`meta.created sw "2010"`, `meta.created is dateTime: use eq, ne, gt, ge, lt, le or pr`},
		{`meta.created gt "2010-01-23"`, `meta.created is dateTime: "2010-01-23" is not a dateTime such as 2011-05-13T04:42:34Z`},
		{`name eq "x"`, `name is complex: name a sub-attribute, such as name.formatted`},
		{`addresses co "x"`, `addresses is complex: name a sub-attribute, such as addresses.formatted`},
		{enterprise + ` eq "x"`, enterprise + ` is a schema: name one of its attributes`},
		{`userName[value eq "x"]`, `userName has a single value, which no filter in brackets can select`},
		{`userName gt null`, `null goes with eq and ne only`},
		{`password eq "x"`, `password is never returned, so no filter may read it`},
		{`password pr`, `password is never returned, so no filter may read it`},
		{custom + `:secret[value sw "a"]`, custom + `:secret is never returned, so no filter may read it`},
		{custom + `:secret.value sw "a"`, custom + `:secret is never returned, so no filter may read it`},
		{`emails[primary gt true]`, `emails.primary is boolean: use eq, ne or pr`},
		{`emails[primary gt true].value pr`, `emails.primary is boolean: use eq, ne or pr`},
		{`title pr and not (active gt true)`, `active is boolean: use eq, ne or pr`},
		{`active gt true or title pr`, `active is boolean: use eq, ne or pr`},
	} {
		e, err := filter.Parse(test.filter)
		if err != nil {
			t.Errorf("Parse(%s): %v", test.filter, err)
			continue
		}
		_, err = filter.Compile(users, e)
		var refusal scim.ScimError
		if !errors.As(err, &refusal) || refusal.Status != 400 || refusal.ScimType != scim.ScimTypeInvalidFilter || !strings.HasSuffix(refusal.Detail, test.want) {
			t.Errorf("Compile(%s): got error %v, want 400 invalidFilter …%s", test.filter, err, test.want)
		}
	}
}

func TestCompileValue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		attribute, filter string
		element           any
		want              bool
	}{
		{"emails", `type eq "WORK"`, map[string]any{"type": "work"}, true},
		{"emails", `type eq "work" and not (primary eq true)`, map[string]any{"type": "work"}, true},
		{"emails", `value eq "x"`, "x", true}, // an element that lost its form still has a value
		{"emails", `type eq "x"`, "x", false},
		{"schemas", `value sw "URN:"`, "urn:x", true},
		{"schemas", `VALUE eq "urn:y"`, "urn:x", false},
		{"schemas", `type eq "urn:x"`, "urn:x", false},
		{"emails", `urn:x:type eq "work"`, map[string]any{"type": "work"}, false},
		{"emails", `type pr`, nil, false},
	} {
		e, err := filter.Parse(test.filter)
		if err != nil {
			t.Fatal(err)
		}
		m, err := filter.CompileValue(users.Lookup("", test.attribute), e)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.MatchValue(test.element); got != test.want {
			t.Errorf("%s[%s] on %v: got %v, want %v", test.attribute, test.filter, test.element, got, test.want)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ path, top, sub string }{
		{"NAME.givenname", "name", "name.givenName"},
		{"emails", "emails", ""},
		{enterprise + ":manager.VALUE", enterprise + ":manager", enterprise + ":manager.value"},
		{"name.unknown", "", ""},
		{"unknown", "", ""},
		{enterprise, "", ""},
	} {
		p, err := filter.ParsePath(test.path)
		if err != nil {
			t.Fatal(err)
		}
		top, sub := p.Resolve(users)
		if got := path(top); got != test.top {
			t.Errorf("Resolve(%s): got %q, want %q", test.path, got, test.top)
		}
		if got := path(sub); got != test.sub {
			t.Errorf("Resolve(%s): got sub-attribute %q, want %q", test.path, got, test.sub)
		}
	}
}

func path(a *attribute.Attribute) string {
	if a == nil {
		return ""
	}
	return a.Path()
}

func BenchmarkMatch(b *testing.B) {
	res := decode(b, jensen)
	e, err := filter.Parse(`emails[type eq "work"].value eq "bjensen@example.com" and active eq true`)
	if err != nil {
		b.Fatal(err)
	}
	m, err := filter.Compile(users, e)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !m.Match(res) {
			b.Fatal("no match")
		}
	}
}
