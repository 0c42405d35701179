package schemas_test

import (
	"errors"
	"strings"
	"testing"

	scim "github.com/elimity-com/scim/errors"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

func parse(t *testing.T, body string) any {
	t.Helper()
	var v any
	if err := decode([]byte(body), &v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return v
}

func scimType(err error) string {
	var e scim.ScimError
	if errors.As(err, &e) {
		return string(e.ScimType)
	}
	return ""
}

func TestDecodeMakesResourcesCanonical(t *testing.T) {
	const enterprise = `"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`
	for _, c := range []struct {
		name, body, want string
		ignored          []string
	}{
		{"names in any case", `{"USERNAME":"u","Name":{"GIVENNAME":"g"}}`, `{"userName":"u","name":{"givenName":"g"}}`, nil},
		{"null, empty string and empty list are unassigned", `{"userName":"u","title":null,"nickName":"","emails":[],"name":{"givenName":""}}`, `{"userName":"u"}`, nil},
		{"an element without a value is none", `{"userName":"u","emails":[{"type":"work","primary":true},{"value":"","type":"home"}]}`, `{"userName":"u"}`, nil},
		{"readOnly is dropped", `{"userName":"u","id":"x","meta":{"resourceType":"User"},"groups":[{"value":"g"}],"schemas":["urn:scim:schemas:core:1.0"]}`, `{"userName":"u"}`, nil},
		{"unknown attributes are ignored and named", `{"userName":"u","shoeSize":44,"urn:acme:2.0:User":{"a":1}}`, `{"userName":"u"}`, []string{"shoeSize", "urn:acme:2.0:User"}},
		{"booleans as words", `{"userName":"u","active":"False","emails":[{"value":"a@b.c","primary":"True"}]}`, `{"userName":"u","active":false,"emails":[{"value":"a@b.c","primary":true}]}`, nil},
		{"a lone value for a list", `{"userName":"u","emails":{"value":"a@b.c"}}`, `{"userName":"u","emails":[{"value":"a@b.c"}]}`, nil},
		{"strings for elements", `{"userName":"u","emails":["a@b.c"]}`, `{"userName":"u","emails":[{"value":"a@b.c"}]}`, nil},
		{"manager as a string", `{"userName":"u",` + enterprise + `:{"manager":"271"}}`, `{"userName":"u",` + enterprise + `:{"manager":{"value":"271"}}}`, nil},
		{"manager as a list", `{"userName":"u",` + enterprise + `:{"manager":[{"$ref":"x","value":"271"}]}}`, `{"userName":"u",` + enterprise + `:{"manager":{"$ref":"x","value":"271"}}}`, nil},
		{"manager's readOnly displayName", `{"userName":"u",` + enterprise + `:{"manager":{"value":"271","displayName":"Boss"}}}`, `{"userName":"u",` + enterprise + `:{"manager":{"value":"271"}}}`, nil},
		{"extension attributes in any case, unknown ones ignored", `{"userName":"u","URN:IETF:params:scim:schemas:extension:enterprise:2.0:user":{"Department":"d","x":1}}`,
			`{"userName":"u",` + enterprise + `:{"department":"d"}}`, []string{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:x"}},
	} {
		got, ignored, err := schemas.Users.Decode(parse(t, c.body))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(parse(t, c.want), any(map[string]any(got))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.ignored, ignored); diff != "" {
			t.Errorf("%s: ignored (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestDecodeNamesAttributeKindAndRule(t *testing.T) {
	for _, c := range []struct{ body, scimType, detail string }{
		{`[]`, "invalidSyntax", "a list"},
		{`"x"`, "invalidSyntax", "a string"},
		{`{}`, "invalidValue", "userName is required"},
		{`{"userName":""}`, "invalidValue", "userName is required"},
		{`{"userName":7}`, "invalidValue", "userName must be a string, not a number"},
		{`{"userName":"u","active":"yes"}`, "invalidValue", "active must be true or false, not a string"},
		{`{"userName":"u","name":"x"}`, "invalidValue", "name must be a JSON object, not a string"},
		{`{"userName":"u","name":{"givenName":["a","b"]}}`, "invalidValue", "name.givenName must be a string, not a list"},
		{`{"userName":"u","emails":[7]}`, "invalidValue", "emails must be a JSON object, not a number"},
		{`{"userName":"u","emails":[{"value":"a@b.c","primary":true},{"value":"d@e.f","primary":true}]}`, "invalidValue", "2 values have primary true"},
		{`{"userName":"u","x509Certificates":[{"value":"###"}]}`, "invalidValue", "x509Certificates.value must be base64"},
		{`{"userName":"a\u0000b"}`, "invalidValue", "userName must not contain the NUL character"},
		{`{"userName":"u","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":"x"}`, "invalidValue", "must be a JSON object"},
	} {
		_, _, err := schemas.Users.Decode(parse(t, c.body))
		if scimType(err) != c.scimType || err == nil || !strings.Contains(err.Error(), c.detail) {
			t.Errorf("%s: %v, want %s with %q", c.body, err, c.scimType, c.detail)
		}
	}
	if _, _, err := schemas.Groups.Decode(parse(t, `{"members":[]}`)); err == nil || !strings.Contains(err.Error(), "displayName is required") {
		t.Errorf("a group without displayName: %v, want it required", err)
	}
}

// apply decodes and applies a PATCH to a user or group as the server and bridge do.
func apply(t *testing.T, rt *schemas.ResourceType, is, operations string) (schemas.Resource, []string, error) {
	t.Helper()
	current, _, err := rt.Decode(parse(t, is))
	if err != nil {
		t.Fatal(err)
	}
	ops, ignored, err := rt.DecodePatch(parse(t, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+operations+`]}`))
	if err != nil {
		return nil, ignored, err
	}
	changed, err := patch.Apply(rt.Tree, current, ops)
	if err != nil {
		return nil, ignored, err
	}
	settled, err := rt.Settle(current, changed)
	return settled, ignored, err
}

func TestPatchDialects(t *testing.T) {
	const urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	for _, c := range []struct{ name, is, ops, want string }{
		{"Okta: path-less", `{}`, `{"op":"replace","value":{"active":false}}`, `{"active":false}`},
		{"Entra: op in any case, booleans as words", `{"active":true}`, `{"op":"Replace","path":"active","value":"False"}`, `{"active":false}`},
		{"Entra: a value filter that matches nothing creates", `{}`, `{"op":"Add","path":"emails[type eq \"work\"].value","value":"a@b.c"}`, `{"emails":[{"type":"work","value":"a@b.c"}]}`},
		{"Entra: also on replace", `{}`, `{"op":"Replace","path":"addresses[type eq \"work\"].streetAddress","value":"S"}`, `{"addresses":[{"type":"work","streetAddress":"S"}]}`},
		{"Entra: sub-attributes in any case", `{}`, `{"op":"Add","path":"emails[type eq \"other\"].Value","value":"a@b.c"}`, `{"emails":[{"type":"other","value":"a@b.c"}]}`},
		{"Entra: dotted and URN keys", `{"name":{"givenName":"old","familyName":"f"}}`,
			`{"op":"replace","value":{"displayName":"B","name.givenName":"K","` + urn + `:employeeNumber":"A"}}`,
			`{"displayName":"B","name":{"givenName":"K","familyName":"f"},"` + urn + `":{"employeeNumber":"A"}}`},
		{"Entra: extension path", `{}`, `{"op":"Add","path":"` + urn + `:department","value":"d"}`, `{"` + urn + `":{"department":"d"}}`},
		{"Entra: manager as a string", `{}`, `{"op":"Add","path":"` + urn + `:manager","value":"271"}`, `{"` + urn + `":{"manager":{"value":"271"}}}`},
		{"Entra: manager as a list", `{}`, `{"op":"Add","path":"` + urn + `:manager","value":[{"$ref":"r","value":"271"}]}`, `{"` + urn + `":{"manager":{"$ref":"r","value":"271"}}}`},
		{"Entra: an empty manager is none", `{"` + urn + `":{"manager":{"value":"271"},"department":"d"}}`, `{"op":"Replace","path":"` + urn + `:manager","value":""}`, `{"` + urn + `":{"department":"d"}}`},
		{"Entra: add on a single value replaces", `{"externalId":"a"}`, `{"op":"Add","path":"externalId","value":"b"}`, `{"externalId":"b"}`},
		{"Entra: unknown attributes are skipped", `{}`, `{"op":"Add","path":"shoeSize","value":1},{"op":"Add","path":"title","value":"t"}`, `{"title":"t"}`},
		{"Entra: primary as a word in a filter", `{"emails":[{"value":"a@b.c","primary":true}]}`, `{"op":"Replace","path":"emails[primary eq \"True\"].value","value":"d@e.f"}`, `{"emails":[{"value":"d@e.f","primary":true}]}`},
		{"SailPoint: path-less add", `{"active":true}`, `{"op":"add","value":{"active":false}}`, `{"active":false}`},
		{"an id inside the value is ignored", `{"title":"t"}`, `{"op":"replace","value":{"id":"x","title":"u"}}`, `{"title":"u"}`},
		{"null removes", `{"title":"t","name":{"givenName":"g","familyName":"f"}}`, `{"op":"replace","value":{"title":null,"name":{"givenName":null}}}`, `{"name":{"familyName":"f"}}`},
		{"an empty string removes", `{"title":"t","name":{"givenName":"g"}}`, `{"op":"replace","path":"title","value":""},{"op":"replace","value":{"name":{"givenName":""}}}`, `{}`},
		{"a whole extension", `{"` + urn + `":{"department":"d","costCenter":"c"}}`, `{"op":"remove","path":"` + urn + `"}`, `{}`},
	} {
		user := func(attributes string) string {
			return strings.Replace(`{"userName":"u",`+attributes[1:], `,}`, `}`, 1)
		}
		got, _, err := apply(t, schemas.Users, user(c.is), c.ops)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(parse(t, user(c.want)), any(map[string]any(got))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestPatchErrorsNameTheOperation(t *testing.T) {
	for _, c := range []struct{ body, scimType, detail string }{
		{`[]`, "invalidSyntax", "PatchOp object"},
		{`{}`, "invalidSyntax", "Operations must be a list"},
		{`{"Operations":[]}`, "invalidSyntax", "at least one"},
		{`{"Operations":{}}`, "invalidSyntax", "Operations must be a list"},
		{`{"Operations":[7]}`, "invalidSyntax", "Operations[0]: an operation must be an object"},
		{`{"Operations":[{"op":"add","path":"title","value":"t"},{"op":"move","path":"title"}]}`, "invalidSyntax", "Operations[1]: op must be add, replace or remove"},
		{`{"Operations":[{"op":"add","value":"t"}]}`, "invalidValue", "Operations[0]: value must be an object"},
		{`{"Operations":[{"op":"remove"}]}`, "noTarget", "Operations[0]: remove needs a path"},
		{`{"Operations":[{"op":"add","path":7}]}`, "invalidPath", "Operations[0]: path must be a string"},
		{`{"Operations":[{"op":"add","path":"emails[type eq"}]}`, "invalidPath", "Operations[0]: "},
		{`{"Operations":[{"op":"add","path":"title","value":{"x":1}}]}`, "invalidValue", "Operations[0]: title must be a string, not an object"},
		{`{"Operations":[{"op":"replace","path":"name.givenName","value":7}]}`, "invalidValue", "Operations[0]: name.givenName must be a string"},
	} {
		_, _, err := schemas.Users.DecodePatch(parse(t, c.body))
		if scimType(err) != c.scimType || err == nil || !strings.Contains(err.Error(), c.detail) {
			t.Errorf("%s: %v, want %s with %q", c.body, err, c.scimType, c.detail)
		}
	}
}

func TestADeactivationSurvivesARefusedOperation(t *testing.T) {
	body := parse(t, `{"Operations":[{"op":"replace","path":"emails","value":7},{"op":"Replace","path":"active","value":"False"}]}`)
	for _, types := range []*schemas.Types{schemas.Plain, schemas.NewTypes(schemas.TypesConfig{})} {
		ops, ignored, err := types.Users.DecodePatch(body)
		if err != nil || len(ops) != 1 || !schemas.Deactivates(ops) {
			t.Errorf("ops %v, %v; want the deactivation alone", ops, err)
		}
		if len(ignored) != 1 || !strings.Contains(ignored[0], "Operations[0]: emails") {
			t.Errorf("ignored %v, want why the rest is not carried out", ignored)
		}
	}
	for body, want := range map[string]bool{
		`{"userName":7,"active":false}`: true, `{"Active":"false"}`: true, `{"active":[false]}`: true,
		`{"active":true}`: false, `{}`: false, `[]`: false, `{"active":0}`: false, `{"active":null}`: false,
	} {
		if got := schemas.Users.SaysInactive(parse(t, body)); got != want {
			t.Errorf("SaysInactive(%s) = %v, want %v", body, got, want)
		}
	}
}
