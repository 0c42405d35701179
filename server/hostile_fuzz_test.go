package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"testing"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

// FuzzBody holds for any body and any operations, on users and groups: what is refused is refused with a ScimError;
// canonical form is a fixed point; what is kept of a user in Cognito is read back as it was, and written again the same;
// operations change a copy, into canonical form.
func FuzzBody(f *testing.F) {
	for _, seed := range bodySeeds {
		f.Add([]byte(seed.body), []byte(seed.operations), seed.group)
	}
	mapping, err := schemas.NewMapping(schemas.Users, nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body, operations []byte, group bool) {
		rt := schemas.Users
		if group {
			rt = schemas.Groups
		}
		r, ok := decoded(t, rt, body)
		if !ok {
			r = schemas.Resource{"userName": "u", "displayName": "d", "emails": []any{map[string]any{"value": "a@b.c", "type": "work"}}}
			if group {
				r = schemas.Resource{"displayName": "d"}
			}
		}
		if !group {
			kept(t, mapping, r)
		}
		v, err := decodeJSON(operations)
		if err != nil {
			refusal(t, err)
			return
		}
		changed(t, rt, r, v)
	})
}

var bodySeeds = []struct {
	body, operations string
	group            bool
}{
	{`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ann","name":{"givenName":"Ann"},"emails":[{"value":"A@b.c","type":"work","primary":true},{"value":"d@e.f"}],"active":"False"}`,
		`{"Operations":[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"x@y.z"},{"op":"add","value":{"title":"t","name.familyName":"Lee"}}]}`, false},
	{`{"userName":"u","phoneNumbers":[{"value":"+1 425"},{"value":"+14255550199","type":"mobile"}],"photos":["https://x"],"locale":"de","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"d","manager":"271"}}`,
		`{"operations":[{"op":"remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"},{"op":"replace","value":{"active":false}}]}`, false},
	{`{"displayName":"Staff","externalId":"e","members":[{"value":"a","display":"A"},"b",{"value":"a"}]}`,
		`{"Operations":[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"a"}]},{"op":"add","path":"members","value":["c"]},{"op":"replace","value":{"id":"1","displayName":"Crew"}}]}`, true},
	{`{"userName":"u","emails":{"value":"x","primary":"true"},"addresses":[{"formatted":"f"}],"x509Certificates":[{"value":"aGk="}],"entitlements":[{"type":"x"}],"active":[false]}`,
		`{"Operations":[{"op":"add","path":"emails","value":[{"value":"y","primary":true}]},{"op":"remove","path":"emails[primary eq true]"},{"op":"replace","path":"active","value":null}]}`, false},
	{`{"displayName":""}`, `{"Operations":[{"op":"remove","path":"members[display eq \"A\" or value eq \"b\"]"},{"op":"remove","path":"displayName"}]}`, true},
}

// refusal fails the test unless err is a client's error that says something.
func refusal(t *testing.T, err error) {
	t.Helper()
	var e scim.ScimError
	if !errors.As(err, &e) || e.Status != 400 || e.Detail == "" || e.ScimType == "" {
		t.Fatalf("got error %#v, want a ScimError 400 with scimType and detail", err)
	}
}

// decoded reads a body into a resource, and checks that it is canonical.
func decoded(t *testing.T, rt *schemas.ResourceType, body []byte) (schemas.Resource, bool) {
	t.Helper()
	v, err := decodeJSON(body)
	if err != nil {
		refusal(t, err)
		return nil, false
	}
	return canonical(t, rt, v)
}

func canonical(t *testing.T, rt *schemas.ResourceType, v any) (schemas.Resource, bool) {
	t.Helper()
	before, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := rt.Decode(v)
	if after, encodeErr := json.Marshal(v); encodeErr != nil || !bytes.Equal(before, after) {
		t.Fatalf("the body: got %s, %v after it was decoded, want it as it was, %s", after, encodeErr, before)
	}
	if err != nil {
		refusal(t, err)
		return nil, false
	}
	fixedPoint(t, rt, r)
	return r, true
}

// fixedPoint checks that a canonical resource is decoded, and settled, as itself.
func fixedPoint(t *testing.T, rt *schemas.ResourceType, r schemas.Resource) {
	t.Helper()
	v, err := decodeJSON(r.JSON())
	if err != nil {
		t.Fatalf("%s: got error %v, want it decoded again", r.JSON(), err)
	}
	again, ignored, err := rt.Decode(v)
	if err != nil || len(ignored) > 0 || !reflect.DeepEqual(r, again) {
		t.Fatalf("decoded again: got %s, %v ignored, %v, want %s", again.JSON(), ignored, err, r.JSON())
	}
	settled, err := rt.Settle(r, r)
	if err != nil || !reflect.DeepEqual(r, settled) {
		t.Fatalf("settled: got %s, %v, want %s", settled.JSON(), err, r.JSON())
	}
}

// kept checks the way of a user into Cognito and back.
func kept(t *testing.T, mapping *schemas.Mapping, r schemas.Resource) {
	t.Helper()
	attributes, dropped := mapping.ToCognito(r, "u")
	for name, v := range attributes {
		if v == "" || len(v) > schemas.MaxValue {
			t.Fatalf("%s: got %d bytes for Cognito, want 1 to %d", name, len(v), schemas.MaxValue)
		}
	}
	back, managed := mapping.FromCognito(schemas.PoolUser{Username: "u", Sub: "s", Enabled: true, Attributes: attributes})
	if !managed {
		t.Fatalf("%v: got a user who is not managed, want our marker", attributes)
	}
	again, more := mapping.ToCognito(back, "u")
	if len(more) > 0 || !maps.Equal(attributes, again) {
		t.Fatalf("%s: written again: got %v, %v dropped, want %v", r.JSON(), again, more, attributes)
	}
	if len(dropped) > 0 {
		return
	}
	want := maps.Clone(r)
	for _, name := range []string{"password", "meta", "groups", "schemas"} {
		delete(want, name)
	}
	want["id"], want["active"] = "s", true
	if got, want := string(back.JSON()), string(want.JSON()); got != want {
		t.Fatalf("read back: got %s, want %s, by way of %v", got, want, attributes)
	}
}

// changed applies the body of a PATCH to a resource, which must not change, and checks that the outcome is canonical.
func changed(t *testing.T, rt *schemas.ResourceType, r schemas.Resource, v any) {
	t.Helper()
	ops, _, err := rt.DecodePatch(v)
	if err != nil {
		refusal(t, err)
		return
	}
	if rt == schemas.Groups {
		if _, ops, err = patch.Members(ops); err != nil {
			refusal(t, err)
			return
		}
	}
	before := string(r.JSON())
	outcome, err := patch.Apply(rt.Tree, r, ops)
	if err == nil {
		var settled schemas.Resource
		if settled, err = rt.Settle(r, outcome); err == nil {
			fixedPoint(t, rt, settled)
		}
	}
	if err != nil {
		refusal(t, err)
	}
	if after := string(r.JSON()); after != before {
		t.Fatalf("the resource: got %s after the operations, want it as it was, %s", after, before)
	}
}
