package server

import (
	"net/http"

	scim "github.com/elimity-com/scim/errors"
	"github.com/go-chi/chi/v5"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// URNs of what discovery and lists answer (RFC 7643 section 8.7.2, RFC 7644 section 8.2).
const (
	listURN         = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	configURN       = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	resourceTypeURN = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaURN       = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// resourceTypes are what the request's connection is served, in the order in which discovery names them.
func (s *Server) resourceTypes(r *http.Request) []*schemas.ResourceType {
	types := []*schemas.ResourceType{s.types.Users, s.types.Groups}
	for _, c := range s.catalogues() {
		if connection(r.Context()).Grants(c.attribute) {
			types = append(types, c.rt)
		}
	}
	return types
}

// listResponse is a complete list (RFC 7644 section 3.4.2), as the discovery endpoints answer it.
type listResponse struct {
	Schemas      []string `json:"schemas"`
	TotalResults int      `json:"totalResults"`
	StartIndex   int      `json:"startIndex"`
	ItemsPerPage int      `json:"itemsPerPage"`
	Resources    []any    `json:"Resources"`
}

func completeList(resources []any) listResponse {
	return listResponse{[]string{listURN}, len(resources), 1, len(resources), resources}
}

type discoveryMeta struct {
	ResourceType string `json:"resourceType"`
	Location     string `json:"location"`
}

type supported struct {
	Supported bool `json:"supported"`
}

type bulkSupport struct {
	Supported      bool `json:"supported"`
	MaxOperations  int  `json:"maxOperations"`
	MaxPayloadSize int  `json:"maxPayloadSize"`
}

type filterSupport struct {
	Supported  bool `json:"supported"`
	MaxResults int  `json:"maxResults"`
}

// paginationSupport is RFC 9865 section 4. Index is the default method because no identity provider expects another.
type paginationSupport struct {
	Cursor        bool   `json:"cursor"`
	Index         bool   `json:"index"`
	DefaultMethod string `json:"defaultPaginationMethod"`
	DefaultSize   int    `json:"defaultPageSize"`
	MaxSize       int    `json:"maxPageSize"`
	CursorTimeout int    `json:"cursorTimeout"` // seconds
}

type authenticationScheme struct {
	Type        string `json:"type"`
	Name        string `json:"name"`
	Description string `json:"description"`
	SpecURI     string `json:"specUri"`
	Primary     bool   `json:"primary"`
}

// serviceProviderConfig is RFC 7643 section 5. Generic clients decide by it whether to send PATCH, so it claims what is
// there and nothing else.
type serviceProviderConfig struct {
	Schemas               []string               `json:"schemas"`
	Patch                 supported              `json:"patch"`
	Bulk                  bulkSupport            `json:"bulk"`
	Filter                filterSupport          `json:"filter"`
	ChangePassword        supported              `json:"changePassword"`
	Sort                  supported              `json:"sort"`
	ETag                  supported              `json:"etag"`
	Pagination            paginationSupport      `json:"pagination"`
	AuthenticationSchemes []authenticationScheme `json:"authenticationSchemes"`
	Meta                  discoveryMeta          `json:"meta"`
}

func (s *Server) serviceProviderConfig(w http.ResponseWriter, r *http.Request) error {
	return sendJSON(w, serviceProviderConfig{
		Schemas: []string{configURN},
		Patch:   supported{true},
		Bulk:    bulkSupport{true, s.limits.BulkOperations, int(s.limits.BulkBody)},
		Filter:  filterSupport{true, s.limits.PageMax},
		// The token selects the connection, and with it whether passwords are set or dropped.
		ChangePassword: supported{connection(r.Context()).SyncsPasswords()},
		Sort:           supported{true},
		ETag:           supported{true},
		Pagination: paginationSupport{Cursor: true, Index: true, DefaultMethod: "index", DefaultSize: s.limits.PageDefault, MaxSize: s.limits.PageMax,
			CursorTimeout: int(cursorTimeout.Seconds())},
		// One entry, of a type that RFC 7643 defines: clients with a closed list of types would refuse the whole document
		// for another.
		AuthenticationSchemes: []authenticationScheme{{
			Type:        "oauthbearertoken",
			Name:        "Bearer token",
			Description: "The HTTP header Authorization holds a token: Authorization: Bearer <token>, or the token alone.",
			SpecURI:     "https://www.rfc-editor.org/info/rfc6750",
			Primary:     true,
		}},
		Meta: discoveryMeta{"ServiceProviderConfig", s.origin.of(r) + "/ServiceProviderConfig"},
	})
}

// resourceTypeForm is RFC 7643 section 6.
type resourceTypeForm struct {
	Schemas          []string          `json:"schemas"`
	ID               string            `json:"id"`
	Name             string            `json:"name"`
	Endpoint         string            `json:"endpoint"`
	Description      string            `json:"description"`
	Schema           string            `json:"schema"`
	SchemaExtensions []schemaExtension `json:"schemaExtensions,omitempty"`
	Meta             discoveryMeta     `json:"meta"`
}

type schemaExtension struct {
	Schema   string `json:"schema"`
	Required bool   `json:"required"`
}

func renderResourceType(rt *schemas.ResourceType, base string) resourceTypeForm {
	form := resourceTypeForm{
		Schemas: []string{resourceTypeURN}, ID: rt.Name, Name: rt.Name, Endpoint: rt.Endpoint, Description: rt.Description,
		Schema: rt.Tree.Schema(),
		Meta:   discoveryMeta{"ResourceType", base + "/ResourceTypes/" + rt.Name},
	}
	for _, urn := range rt.Tree.Extensions() {
		form.SchemaExtensions = append(form.SchemaExtensions, schemaExtension{Schema: urn})
	}
	return form
}

func (s *Server) listResourceTypes(w http.ResponseWriter, r *http.Request) error {
	base := s.origin.of(r)
	list := []any{}
	for _, rt := range s.resourceTypes(r) {
		list = append(list, renderResourceType(rt, base))
	}
	return sendJSON(w, completeList(list))
}

func (s *Server) resourceType(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "id")
	for _, rt := range s.resourceTypes(r) {
		if rt.Name == id {
			return sendJSON(w, renderResourceType(rt, s.origin.of(r)))
		}
	}
	return notFound("There is no resource type of this name; /ResourceTypes lists them.")
}

// schemaForm is RFC 7643 section 7.
type schemaForm struct {
	Schemas     []string        `json:"schemas"`
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Attributes  []attributeForm `json:"attributes"`
	Meta        discoveryMeta   `json:"meta"`
}

type attributeForm struct {
	Name            string          `json:"name"`
	Type            string          `json:"type"`
	SubAttributes   []attributeForm `json:"subAttributes,omitempty"`
	MultiValued     bool            `json:"multiValued"`
	Description     string          `json:"description"`
	Required        bool            `json:"required"`
	CanonicalValues []string        `json:"canonicalValues,omitempty"`
	CaseExact       bool            `json:"caseExact"`
	Mutability      string          `json:"mutability"`
	Returned        string          `json:"returned"`
	Uniqueness      string          `json:"uniqueness"`
	ReferenceTypes  []string        `json:"referenceTypes,omitempty"`
}

// renderSchemas returns the schemas of the resource types. Their attributes come from the same tree that validates and
// projects; the common ones (RFC 7643 section 3.1) belong to no schema, and password only to that of a connection which sets it.
func renderSchemas(types []*schemas.ResourceType, base string, c *bridge.Connection) []schemaForm {
	var forms []schemaForm
	for _, rt := range types {
		for _, def := range rt.Schemas {
			form := schemaForm{
				Schemas: []string{schemaURN}, ID: def.ID, Name: def.Name.Value(), Description: def.Description.Value(),
				Meta: discoveryMeta{"Schema", base + "/Schemas/" + def.ID},
			}
			for _, a := range rt.Tree.Attributes(def.ID) {
				if a.Schema != "" && (a.Name != "password" || c.SyncsPasswords()) {
					form.Attributes = append(form.Attributes, renderAttribute(a))
				}
			}
			forms = append(forms, form)
		}
	}
	return forms
}

func renderAttribute(a *attribute.Attribute) attributeForm {
	form := attributeForm{
		Name: a.Name, Type: a.Type.String(), MultiValued: a.MultiValued, Description: a.Description, Required: a.Required,
		CanonicalValues: a.Canonical, CaseExact: a.CaseExact, Mutability: a.Mutability.String(), Returned: a.Returned.String(),
		Uniqueness: a.Uniqueness, ReferenceTypes: a.References,
	}
	for _, sub := range a.Sub {
		form.SubAttributes = append(form.SubAttributes, renderAttribute(sub))
	}
	return form
}

func (s *Server) listSchemas(w http.ResponseWriter, r *http.Request) error {
	list := []any{}
	for _, form := range renderSchemas(s.resourceTypes(r), s.origin.of(r), connection(r.Context())) {
		list = append(list, form)
	}
	return sendJSON(w, completeList(list))
}

func (s *Server) schema(w http.ResponseWriter, r *http.Request) error {
	id := pathID(r)
	for _, form := range renderSchemas(s.resourceTypes(r), s.origin.of(r), connection(r.Context())) {
		if form.ID == id {
			return sendJSON(w, form)
		}
	}
	return notFound("There is no schema of this name; /Schemas lists them.")
}

// refuseFilter: what this server supports is not searched (RFC 7644 section 4: 403, so that a client does not take the
// whole for a selection).
func (s *Server) refuseFilter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if query, err := parseQuery(r.URL.RawQuery); err != nil {
			s.fail(w, r, err)
		} else if _, given := query["filter"]; given {
			s.fail(w, r, scim.ScimError{Status: http.StatusForbidden, Detail: "This endpoint cannot be filtered (RFC 7644 section 4)."})
		} else {
			next.ServeHTTP(w, r)
		}
	})
}

func notFound(detail string) error {
	return scim.ScimError{Status: http.StatusNotFound, Detail: detail}
}
