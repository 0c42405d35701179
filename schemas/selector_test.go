package schemas_test

import (
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/schemas"
)

func TestSelector(t *testing.T) {
	t.Parallel()
	r := schemas.Resource{
		"userName": "ada", "externalId": "00u1", "name": map[string]any{"familyName": "Lovelace"},
		"emails": []any{
			map[string]any{"type": "home", "value": "ada@home.example"},
			map[string]any{"type": "work", "value": "ada@work.example", "primary": true},
		},
		schemas.EnterpriseURN: map[string]any{"employeeNumber": "271"},
	}
	for path, want := range map[string]string{
		"userName": "ada", "externalId": "00u1", "EXTERNALID": "00u1", "name.familyName": "Lovelace", "nickName": "",
		"emails": "ada@work.example", "emails.value": "ada@work.example", `emails[type eq "home"].value`: "ada@home.example",
		`emails[type eq "other"].value`: "", "phoneNumbers": "", schemas.EnterpriseURN + ":employeeNumber": "271",
		schemas.EnterpriseURN + ":costCenter": "",
	} {
		s, err := schemas.NewSelector(schemas.Users, path)
		if err != nil {
			t.Errorf("%s: got error %v, want none", path, err)
			continue
		}
		if got := s.Of(r); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	for path, want := range map[string]string{
		"": "", "nobody": "no such SCIM attribute", "password": "not the identity provider's", "id": "not the identity provider's",
		"active": "not the identity provider's", "groups": "not the identity provider's", "name": "name one of them",
		"emails.primary": "does not name anybody", "userName[type eq 1].value": "", "emails[": "",
	} {
		if _, err := schemas.NewSelector(schemas.Users, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want one with %q", path, err, want)
		}
	}
}
