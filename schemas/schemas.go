// Package schemas is the pure dictionary between SCIM and Cognito: the resource types and their definitions, what a
// request body means whoever sent it, and which Cognito attribute holds which SCIM attribute. It knows no network, clock,
// context, log or database.
package schemas

import (
	"github.com/elimity-com/scim/schema"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// URNs of the schemas served (RFC 7643 section 8.7.1 and section 4.3).
const (
	UserURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	EnterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	GroupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
)

// Resource is one SCIM resource in canonical form: names as the definitions spell them, values of the types string, bool,
// json.Number, map[string]any and []any, an extension's attributes in a map under its URN; nothing null and nothing empty
// in it (RFC 7643 section 2.5: null, [] and absent are the same state).
type Resource map[string]any

// String returns the attribute's value when it is a string, else "".
func (r Resource) String(name string) string {
	s, _ := r[name].(string)
	return s
}

// ResourceType is one endpoint's kind of resource (RFC 7643 section 6).
type ResourceType struct {
	Name        string // "User"; also meta.resourceType
	Endpoint    string // below the base URL: "/Users"
	Description string
	Tree        *attribute.Tree // the core schema and its extensions
	Schemas     []schema.Schema // the same as they are served at /Schemas: the core schema first
	required    []string        // attributes demanded beyond what the schema says
	strict      bool            // no dialect is spoken
}

// Types are the resource types of one process: what validates, filters, indexes and describes users and groups. They are
// made once, at the start, and handed to all who need them. They do not change and are safe for concurrent use.
type Types struct {
	Users  *ResourceType // behind /Users
	Groups *ResourceType // behind /Groups
}

// TypesConfig says what the types have beyond RFC 7643.
type TypesConfig struct {
	// Extensions are schema extensions of users, beside the enterprise one.
	Extensions []Extension
	// KeepUnknown: users keep extensions that no schema defines, untyped. Otherwise these are left out. A group has no room
	// for any.
	KeepUnknown bool
}

// NewTypes returns the types that cfg describes.
func NewTypes(cfg TypesConfig) *Types {
	extensions := []schema.Schema{schema.ExtensionEnterpriseUser()}
	for _, e := range cfg.Extensions {
		extensions = append(extensions, e.schema())
	}
	t := &Types{
		Users: newResourceType("User", "/Users", "User Account", schema.CoreUserSchema(), extensions...),
		// RFC 7643 section 4.2 requires displayName although its schema does not say so.
		Groups: newResourceType("Group", "/Groups", "Group", schema.CoreGroupSchema()).requires("displayName"),
	}
	if cfg.KeepUnknown {
		t.Users.Tree = t.Users.Tree.Open()
	}
	return t
}

// Plain are the types that RFC 7643 defines and no configuration has added to; Users and Groups are the same.
var (
	Plain  = NewTypes(TypesConfig{})
	Users  = Plain.Users
	Groups = Plain.Groups
)

func newResourceType(name, endpoint, description string, core schema.Schema, extensions ...schema.Schema) *ResourceType {
	return &ResourceType{
		Name: name, Endpoint: endpoint, Description: description,
		Tree:    attribute.New(core, extensions...),
		Schemas: append([]schema.Schema{core}, extensions...),
	}
}

func (rt *ResourceType) requires(names ...string) *ResourceType {
	rt.required = append(rt.required, names...)
	return rt
}
