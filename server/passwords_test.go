package server_test

import (
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/bridge"
)

// What discovery says of passwords depends on the connection that the token selects; no answer ever holds one.
func TestPasswordsAreAnnounced(t *testing.T) {
	t.Parallel()
	const secret, other, userURN = "Correct-horse-1", "entra-token-0123456789-0123456789", "urn:ietf:params:scim:schemas:core:2.0:User"
	w := newWorld(t, func(c *worldConfig) { c.policy.Passwords, c.other = bridge.SyncPasswords, other })
	for _, c := range []struct {
		token string
		want  bool
	}{{token, true}, {other, false}} {
		as := "Authorization: Bearer " + c.token
		config := w.do(t, "GET", "/scim/v2/ServiceProviderConfig", "", as).want(200).object()
		if got := config["changePassword"].(map[string]any)["supported"]; got != c.want {
			t.Errorf("changePassword: got %v, want %v", got, c.want)
		}
		for _, path := range []string{"/scim/v2/Schemas", "/scim/v2/Schemas/" + userURN} {
			text := w.do(t, "GET", path, "", as).want(200).text
			if got := strings.Contains(text, `"name":"password"`); got != c.want || !strings.Contains(text, `"name":"userName"`) {
				t.Errorf("%s: got password described: %v, want %v", path, got, c.want)
			}
		}
		body := `{"schemas":["` + userURN + `"],"userName":"ada","password":"` + secret + `"}`
		answers := []reply{w.do(t, "POST", "/scim/v2/Users?attributes=password", body, as).want(201)}
		at := "/scim/v2/Users/" + answers[0].id()
		answers = append(answers, w.do(t, "PUT", at, body, as).want(200), w.do(t, "GET", at+"?attributes=password", "", as).want(200),
			w.do(t, "PATCH", at, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"password","value":"`+secret+`2"}]}`, as).want(200))
		for _, r := range answers {
			if strings.Contains(r.text, secret) || strings.Contains(r.text, "password") {
				t.Errorf("%s: got %s, want nothing about the password", r.what, r.text)
			}
		}
		weak := `{"schemas":["` + userURN + `"],"userName":"ada","password":"weak"}`
		if r := w.do(t, "PUT", at, weak, as); c.want {
			r.refused(400, "invalidValue", "password: Amazon Cognito says: Password did not conform with password policy: Password not long enough")
		} else {
			r.want(200)
		}
	}
	if _, text := w.log.take(t); strings.Contains(text, secret) || !strings.Contains(text, `"status":400`) {
		t.Errorf("the log holds the password, or too little:\n%s", text)
	}
}
