package schemas_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas"
)

func TestTheUserNameIsWhatPeopleSignInWith(t *testing.T) {
	emails := func(values ...string) []any {
		var list []any
		for _, v := range values {
			list = append(list, map[string]any{"value": v})
		}
		return list
	}
	for _, c := range []struct {
		name   string
		logins []string
		sent   schemas.Resource
		want   map[string]string
	}{
		{"an address, and the same in emails", []string{"email"}, schemas.Resource{"userName": "a@b.c", "emails": emails("x@y.z", "a@b.c")},
			map[string]string{"email": "a@b.c", "custom:scim": `{"emails":[{"value":"x@y.z"},{"value":null}]}`}},
		{"capitals are kept beside it", []string{"email"}, schemas.Resource{"userName": "A@b.c", "emails": emails("A@b.c")},
			map[string]string{"email": "A@b.c", "custom:scim": `{"emails":[{"value":null}],"userName":"A@b.c"}`}},
		{"another address in emails", []string{"email"}, schemas.Resource{"userName": "a@b.c", "emails": emails("x@y.z")},
			map[string]string{"email": "a@b.c", "custom:scim": `{"emails":[{"value":"x@y.z"}]}`}},
		{"no emails", []string{"email"}, schemas.Resource{"userName": "a@b.c"}, map[string]string{"email": "a@b.c", "custom:scim": `{}`}},
		{"no address: that of emails", []string{"email"}, schemas.Resource{"userName": "ada", "emails": emails("a@b.c")},
			map[string]string{"email": "a@b.c", "custom:scim": `{"userName":"ada"}`}},
		{"a phone number", []string{"email", "phone_number"}, schemas.Resource{"userName": "+4930", "emails": emails("a@b.c")},
			map[string]string{"email": "a@b.c", "phone_number": "+4930", "custom:scim": `{"userName":"+4930"}`}},
		{"an address that is too long for a Username", []string{"email"}, schemas.Resource{"userName": strings.Repeat("a", 125) + "@b.c", "emails": emails("a@b.c")},
			map[string]string{"email": "a@b.c", "custom:scim": `{"userName":"` + strings.Repeat("a", 125) + `@b.c"}`}},
		{"a pool with usernames", nil, schemas.Resource{"userName": "sub", "emails": emails("a@b.c")}, map[string]string{"email": "a@b.c", "custom:scim": `{}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := schemas.NewMapping(schemas.Users, nil, nil, c.logins...)
			if err != nil {
				t.Fatal(err)
			}
			got, dropped := m.ToCognito(c.sent, "sub")
			if diff := cmp.Diff(c.want, got); diff != "" || len(dropped) > 0 {
				t.Errorf("in the pool, dropped %v (-want +got):\n%s", dropped, diff)
			}
			back, _ := m.FromCognito(schemas.PoolUser{Username: "sub", Sub: "id", Enabled: true, Attributes: got})
			c.sent["id"], c.sent["active"] = "id", true
			if diff := cmp.Diff(map[string]any(c.sent), map[string]any(back)); diff != "" {
				t.Errorf("read back (-sent +read):\n%s", diff)
			}
		})
	}
}

// TestOthersChangeWhatPeopleSignInWith: then SCIM shows what the pool has.
func TestOthersChangeWhatPeopleSignInWith(t *testing.T) {
	m, err := schemas.NewMapping(schemas.Users, nil, nil, "email", "phone_number")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		attributes map[string]string
		want       string
	}{
		{"a new address", map[string]string{"email": "new@b.c", "custom:scim": `{"emails":[{"value":null}],"userName":"A@b.c"}`},
			`{"active":true,"emails":[{"value":"new@b.c"}],"id":"id","userName":"new@b.c"}`},
		{"no address any more", map[string]string{"phone_number": "+49", "custom:scim": `{"emails":[{"value":null}],"userName":"A@b.c"}`},
			`{"active":true,"id":"id","phoneNumbers":[{"value":"+49"}],"userName":"+49"}`},
		{"a new phone number", map[string]string{"phone_number": "+49", "email": "a@b.c", "custom:scim": `{"userName":"+48"}`},
			`{"active":true,"emails":[{"value":"a@b.c"}],"id":"id","userName":"+49"}`},
		{"nobody's but the pool's", map[string]string{"email": "a@b.c"}, `{"active":true,"emails":[{"primary":true,"value":"a@b.c"}],"id":"id","userName":"a@b.c"}`},
		{"a federated profile", map[string]string{}, `{"active":true,"id":"id","userName":"Okta_ada"}`},
	} {
		got, _ := m.FromCognito(schemas.PoolUser{Username: "Okta_ada", Sub: "id", Enabled: true, Attributes: c.attributes})
		if string(got.JSON()) != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got.JSON(), c.want)
		}
	}
}

// TestAUserNameThatHasNoRoom: nobody sends one here, but it must end.
func TestAUserNameThatHasNoRoom(t *testing.T) {
	m, err := schemas.NewMapping(schemas.Users, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, dropped := m.ToCognito(schemas.Resource{"userName": strings.Repeat("a", 10_000), "title": "Dr"}, "x")
	if diff := cmp.Diff([]string{"title", "userName"}, dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
}
