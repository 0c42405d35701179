package bridge_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// person is a user as a client believes it to be.
type person struct {
	id                                 string
	userName, given, title, mail, tele string // title, mail and tele may be ""
	external                           string
	roles                              []string
	active                             bool
}

func (p *person) body() string {
	attributes := map[string]any{
		"userName": p.userName, "name": map[string]any{"givenName": p.given, "familyName": "Model"}, "active": p.active, "externalId": p.external,
	}
	if p.title != "" {
		attributes["title"] = p.title
	}
	if p.mail != "" {
		attributes["emails"] = []any{map[string]any{"value": p.mail, "type": "work", "primary": true}}
	}
	if p.tele != "" {
		attributes["phoneNumbers"] = []any{map[string]any{"value": p.tele, "type": "mobile"}}
	}
	var roles []any
	for _, role := range p.roles {
		roles = append(roles, map[string]any{"value": role})
	}
	if roles != nil {
		attributes["roles"] = roles
	}
	return idp.UserBody(attributes)
}

// expected is the user in the form of an audit.
func (p *person) expected(t *testing.T) string {
	return audit.Canonical(decoded(t, schemas.Users, p.body()))
}

// crew is a group as a client believes it to be.
type crew struct {
	id, display, external string
	members               map[string]bool // ids
}

func (g *crew) body() string {
	attributes := map[string]any{"displayName": g.display}
	if g.external != "" {
		attributes["externalId"] = g.external
	}
	return idp.GroupBody(attributes, slices.Sorted(maps.Keys(g.members))...)
}

func (g *crew) expected(t *testing.T) audit.Group {
	is := audit.Group{JSON: audit.Canonical(decoded(t, schemas.Groups, g.body())), Members: slices.Sorted(maps.Keys(g.members))}
	if is.Members == nil {
		is.Members = []string{}
	}
	return is
}

// decoded is a body as the server understands it.
func decoded(t *testing.T, rt *schemas.ResourceType, body string) schemas.Resource {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Errorf("%s: %v", body, err)
	}
	r, _, err := rt.Decode(v)
	if err != nil {
		t.Errorf("decoding %s: %v", body, err)
	}
	return r
}
