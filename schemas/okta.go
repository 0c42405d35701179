package schemas

import (
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
)

// URNs of Okta Identity Governance: it lists what a resource type of one of these schemas holds, and assigns that to
// people as values of roles or entitlements.
const (
	RoleURN        = "urn:okta:scim:schemas:core:1.0:Role"
	EntitlementURN = "urn:okta:scim:schemas:core:1.0:Entitlement"
)

// Roles and Entitlements are the resource types behind /Roles and /Entitlements: read only, made of the configuration and
// of the pool's groups.
var (
	Roles        = newResourceType("Role", "/Roles", "What a value of a user's roles grants", oktaSchema(RoleURN, "Role"))
	Entitlements = newResourceType("Entitlement", "/Entitlements", "What a value of a user's entitlements grants", oktaSchema(EntitlementURN, "Entitlement", "type"))
)

// oktaSchema is Okta's schema of what can be assigned, with more attributes beside.
func oktaSchema(urn, name string, more ...string) schema.Schema {
	s := schema.Schema{ID: urn, Name: optional.NewString(name), Description: optional.NewString("Okta Identity Governance: " + name)}
	for _, attribute := range append([]string{"displayName", "description"}, more...) {
		s.Attributes = append(s.Attributes, schema.SimpleCoreAttribute(schema.SimpleStringParams(schema.StringParams{
			Name: attribute, Mutability: schema.AttributeMutabilityReadOnly()})))
	}
	return s
}
