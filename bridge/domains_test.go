package bridge_test

import (
	"fmt"
	"testing"
)

// TestAddressesThatSeemToBeInsideADomain are not verified, or no addresses at all, and then nothing that Cognito has.
func TestAddressesThatSeemToBeInsideADomain(t *testing.T) {
	r := newRig(t, emailAlias, func(c *rigConfig) { c.bridge.Domains = []string{"Good.example", "münchen.example"} })
	for address, want := range map[string]string{
		"a1@good.example": "true", "a2@GOOD.EXAMPLE": "true", "a3@münchen.example": "true", "a4@MÜNCHEN.example": "true",
		"b1@sub.good.example": "false", "b2@good.example.com": "false", "b3@notgood.example": "false", "b4@example": "", "b5@good.examples": "false",
		"b6@xn--mnchen-3ya.example": "false", "b7@mu\u0308nchen.example": "false", "b8@gооd.example": "false", "b9@ｇood.example": "false",
		"c1@evil.example@good.example": "", `"c2@good.example"@evil.example`: "", `"c3@evil.example"@good.example`: "", "c4@good.example.": "",
		"c5@good.example\u200b": "", "c6@evil.example\u0000@good.example": "", "c7@evil.example,c7@good.example": "", "c8@good.example ": "", "@good.example": "",
		"c9@evil.example\n@good.example": "", "d1@evil.example%good.example": "false", "d2@[good.example]": "false", "d3@good。example": "",
	} {
		doc := r.create(somebody(fmt.Sprintf("u%x", address), address))
		got := r.inPool(doc.PoolName).Attributes
		if verified := got["email_verified"]; verified != want || want == "" && got["email"] != "" {
			t.Errorf("%q: in the pool %q, verified %q; want verified %q", address, got["email"], verified, want)
		}
		if want != "true" {
			if _, err := r.pool.User(t.Context(), address); err == nil {
				t.Errorf("%q is a name to sign in with", address)
			}
			continue
		}
		if r.inPool(address).Sub != doc.ID {
			t.Errorf("%q is not a name to sign in with", address)
		}
	}
}
