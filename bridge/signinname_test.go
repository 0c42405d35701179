package bridge_test

import (
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// TestWhoHasAGeneratedUsernameKeepsAnAlias: there is nothing else to sign in with.
func TestWhoHasAGeneratedUsernameKeepsAnAlias(t *testing.T) {
	partner := func(c *rigConfig) { c.bridge.Domains = []string{"partner.example"} }
	const remove = `{"op":"remove","path":"emails"}`
	move := func(address string) string {
		return `{"op":"replace","path":"emails","value":[{"value":"` + address + `"}]}`
	}
	for _, c := range []struct {
		name, userName, nickName string
		ops                      string
		want                     string
	}{
		{"the address goes", "with space", "", remove, "invalid"},
		{"another inside the domains", "with space", "", move("new@partner.example"), "none"},
		{"another outside the domains", "with space", "", move("new@example.com"), "invalid"},
		{"nothing that people sign in with", "with space", "", `{"op":"replace","path":"title","value":"Dr"}`, "none"},
		{"a userName that Cognito takes", "with space", "", `{"op":"replace","path":"userName","value":"ada"}`, "none"},
		{"and no address", "with space", "", `{"op":"replace","path":"userName","value":"ada"},` + remove, "invalid"},
		{"another alias stays", "with space", "boss", remove, "none"},
		{"both go", "with space", "boss", remove + `,{"op":"remove","path":"nickName"}`, "invalid"},
		{"a deactivation beside it", "with space", "", remove + `,{"op":"replace","path":"active","value":false}`, "none"},
		{"a Username that people know", "ada", "", remove, "none"},
		{"a Username that looks like a generated one", "scim.bot", "", `{"op":"replace","path":"userName","value":"bot"},` + remove, "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, styledRow("preferred_username"), partner, func(rc *rigConfig) { rc.pool.AliasAttributes = []string{"preferred_username", "email"} })
			user := somebody(c.userName, "ada@partner.example")
			if c.nickName != "" {
				user["nickName"] = c.nickName
			}
			doc := r.create(user)
			_, err := r.patchUser(doc.ID, `{"Operations":[`+c.ops+`]}`)
			if kindOf(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			u := r.inPool(doc.PoolName)
			names := strings.HasPrefix(doc.PoolName, "scim.") && doc.PoolName != "scim.bot"
			if names && u.Enabled && u.Attributes["email_verified"] != "true" && u.Attributes["preferred_username"] == "" {
				t.Errorf("the user signs in with %s alone", doc.PoolName)
			}
		})
	}
}

// TestWhoComesBackKeepsAnAlias: a tombstone's Username stays, whatever the userName is now.
func TestWhoComesBackKeepsAnAlias(t *testing.T) {
	r := newRig(t, emailAlias, func(c *rigConfig) { c.bridge.Deletion = bridge.DisableUsers })
	doc := r.create(somebody("with space", "ada@example.com"))
	if err := r.DeleteUser(t.Context(), doc.ID); err != nil {
		t.Fatal(err)
	}
	back := schemas.Resource{"userName": "ada", "externalId": "of with space"}
	if _, err := r.CreateUser(t.Context(), back); kindOf(err) != "invalid" {
		t.Errorf("without an address: %v, want invalid", err)
	}
	back["emails"] = []any{map[string]any{"value": "ada@example.com"}}
	if got, err := r.CreateUser(t.Context(), back); err != nil || got.ID != doc.ID {
		t.Errorf("with one: %v, id %s; want %s", err, got.ID, doc.ID)
	}
}

// TestSignInNamesThatCognitoCannotBeAskedFor are refused with a reason.
func TestSignInNamesThatCognitoCannotBeAskedFor(t *testing.T) {
	r := newRig(t, styledRow("preferred_username"), func(c *rigConfig) { c.pool.AliasAttributes = []string{"preferred_username", "email"} })
	long := strings.Repeat("a", 117) + "@example.com"
	for what, user := range map[string]schemas.Resource{
		"an address of 129 characters":        somebody("ada", long),
		"a preferred_username with a space":   nicknamed("bob", "", "Big Boss"),
		"a preferred_username that is longer": nicknamed("carl", "", strings.Repeat("c", 129)),
	} {
		_, err := r.CreateUser(t.Context(), user)
		if kindOf(err) != "invalid" || !strings.Contains(err.Error(), "at most 128") {
			t.Errorf("%s: %v, want invalid, at most 128", what, err)
		}
	}
	doc := r.create(somebody("ada", long[1:]))
	if err := r.emailed(doc.ID, long); kindOf(err) != "invalid" || !strings.Contains(err.Error(), "at most 128") {
		t.Errorf("a change to an address of 129 characters: %v, want invalid, at most 128", err)
	}
	if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","path":"emails","value":[{"value":"`+long+`"}]},{"op":"replace","path":"active","value":false}]}`); err != nil || r.inPool("ada").Enabled {
		t.Errorf("a deactivation beside it: %v, enabled %v; want it made", err, r.inPool("ada").Enabled)
	}
}

// TestNumbersThatAreNoneStopNobody: what Cognito does not take for a phone number (E.164: no country's code begins with 0) is
// kept beside it, as it was sent.
func TestNumbersThatAreNoneStopNobody(t *testing.T) {
	for _, number := range []string{"+0123456", "+5", "+", "0049 30 123", "+1234567890123456", "+49 30 123", "+４９３０"} {
		r := newRig(t)
		user := somebody("ada", "")
		user["phoneNumbers"] = []any{map[string]any{"value": number, "type": "work"}}
		doc, err := r.CreateUser(t.Context(), user)
		if err != nil || !strings.Contains(string(doc.JSON), `"value":"`+number+`"`) {
			t.Errorf("%s: %v, shown as %s", number, err, doc.JSON)
		}
		r = newRig(t, styled([]string{"phone_number"}, nil))
		user = schemas.Resource{"userName": number, "phoneNumbers": []any{map[string]any{"value": "+4930123", "type": "work"}}}
		if doc, err = r.CreateUser(t.Context(), user); err != nil || doc.Display != number || r.inPool("+4930123").Sub != doc.ID {
			t.Errorf("userName %s where people sign in with a number: %v, shown as %s", number, err, doc.JSON)
		}
		if err := r.renamed(doc.ID, "+4930456"); err != nil || r.inPool("+4930456").Sub != doc.ID {
			t.Errorf("renamed to a number: %v", err)
		}
	}
}
