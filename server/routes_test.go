package server_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bridge"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user(t, "ann")
	for name, tc := range map[string]struct {
		method, path string
		status       int
		allow        string
	}{
		"base":                  {"GET", "/scim/v2", 200, ""},
		"base, slash":           {"GET", "/scim/v2/", 200, ""},
		"list":                  {"GET", "/scim/v2/Users", 200, ""},
		"list, slash":           {"GET", "/scim/v2/Users/", 200, ""},
		"resource, slash":       {"GET", "/scim/v2/Users/" + id + "/", 200, ""},
		"double slash":          {"GET", "/scim/v2//Users//" + id, 200, ""},
		"escaped id":            {"GET", "/scim/v2/Users/" + strings.ReplaceAll(id, "-", "%2D"), 200, ""},
		"id with a slash":       {"GET", "/scim/v2/Users/a%2Fb", 404, ""},
		"id with a per cent":    {"GET", "/scim/v2/Users/a%25b", 404, ""},
		"id that is no id":      {"GET", "/scim/v2/Users/00919288221112222", 404, ""},
		"HEAD of a list":        {"HEAD", "/scim/v2/Users", 200, ""},
		"HEAD of a resource":    {"HEAD", "/scim/v2/Users/" + id, 200, ""},
		"HEAD of nothing":       {"HEAD", "/scim/v2/Users/nobody", 404, ""},
		"HEAD of discovery":     {"HEAD", "/scim/v2/Schemas", 200, ""},
		"unknown endpoint":      {"GET", "/scim/v2/Roles", 404, ""},
		"outside":               {"GET", "/", 404, ""},
		"SCIM 1":                {"GET", "/scim/v1/Users", 404, ""},
		"too deep":              {"GET", "/scim/v2/Users/" + id + "/groups", 404, ""},
		"endpoints are exact":   {"GET", "/scim/v2/users", 404, ""},
		"PROPFIND on nothing":   {"PROPFIND", "/scim/v2/nothing", 404, ""},
		"DELETE of all":         {"DELETE", "/scim/v2/Users", 405, "GET, HEAD, POST"},
		"PUT of all, slash":     {"PUT", "/scim/v2/Groups/", 405, "GET, HEAD, POST"},
		"POST to a resource":    {"POST", "/scim/v2/Users/" + id, 405, "GET, HEAD, PUT, PATCH, DELETE"},
		"OPTIONS":               {"OPTIONS", "/scim/v2/Groups/x", 405, "GET, HEAD, PUT, PATCH, DELETE"},
		"PROPFIND":              {"PROPFIND", "/scim/v2/Users", 405, "GET, HEAD, POST"},
		"POST to discovery":     {"POST", "/scim/v2/Schemas", 405, "GET, HEAD"},
		"POST to the base":      {"POST", "/scim/v2", 405, "GET, HEAD"},
		"POST to a probe":       {"POST", "/healthz", 405, "GET, HEAD"},
		"me":                    {"GET", "/scim/v2/Me", 501, ""},
		"filtered discovery":    {"GET", "/scim/v2/Schemas?filter=id%20pr", 403, ""},
		"filtered types":        {"GET", "/scim/v2/ResourceTypes?filter=id%20pr", 403, ""},
		"unknown schema":        {"GET", "/scim/v2/Schemas/urn:x", 404, ""},
		"unknown type":          {"GET", "/scim/v2/ResourceTypes/Role", 404, ""},
		"stray parameter":       {"GET", "/scim/v2/ServiceProviderConfig?aadOptscim062020", 200, ""},
		"discovery is one page": {"GET", "/scim/v2/ResourceTypes?startIndex=1&count=1", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.do(t, tc.method, tc.path, "")
			switch {
			case tc.status >= 400:
				r.refused(tc.status, "", "")
			default:
				r.want(tc.status)
			}
			if got := r.header.Get("Allow"); got != tc.allow {
				t.Errorf("got Allow %q, want %q", got, tc.allow)
			}
		})
	}
}

func TestAccept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for accept, status := range map[string]int{
		"": 200, "*/*": 200, "application/*": 200, "application/json": 200, "Application/SCIM+JSON; charset=utf-8": 200,
		"text/html, application/json;q=0.1": 200, "text/html,*/*;q=0.8": 200, " , ": 200,
		"text/html": 406, "application/xml, text/*": 406, "application/scim": 406,
	} {
		r := w.do(t, "GET", "/scim/v2/ServiceProviderConfig", "", "Accept:"+accept)
		if r.status != status {
			t.Errorf("Accept %q: got %d %s, want %d", accept, r.status, r.text, status)
		}
	}
}

func TestServiceProviderConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.do(t, "GET", "/scim/v2/ServiceProviderConfig", "").want(200).object()
	schemes, _ := got["authenticationSchemes"].([]any)
	if len(schemes) != 1 {
		t.Fatalf("got authenticationSchemes %v, want one", schemes)
	}
	scheme, _ := schemes[0].(map[string]any)
	if scheme["type"] != "oauthbearertoken" || scheme["primary"] != true || !strings.Contains(scheme["description"].(string), "the token alone") {
		t.Errorf("got scheme %v, want oauthbearertoken, primary, that mentions the bare token", scheme)
	}
	delete(got, "authenticationSchemes")
	no, yes := map[string]any{"supported": false}, map[string]any{"supported": true}
	want := map[string]any{
		"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":   yes, "sort": yes, "etag": yes, "changePassword": no,
		"bulk":   map[string]any{"supported": true, "maxOperations": 1000.0, "maxPayloadSize": 1048576.0},
		"filter": map[string]any{"supported": true, "maxResults": 1000.0},
		"pagination": map[string]any{"cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": 100.0, "maxPageSize": 1000.0,
			"cursorTimeout": 3600.0},
		"meta": map[string]any{"resourceType": "ServiceProviderConfig", "location": public + "/scim/v2/ServiceProviderConfig"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestResourceTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := map[string]any{
		"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}, "id": "User", "name": "User", "endpoint": "/Users", "description": "User Account",
		"schema":           "urn:ietf:params:scim:schemas:core:2.0:User",
		"schemaExtensions": []any{map[string]any{"schema": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "required": false}},
		"meta":             map[string]any{"resourceType": "ResourceType", "location": public + "/scim/v2/ResourceTypes/User"},
	}
	group := map[string]any{
		"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}, "id": "Group", "name": "Group", "endpoint": "/Groups", "description": "Group",
		"schema": "urn:ietf:params:scim:schemas:core:2.0:Group",
		"meta":   map[string]any{"resourceType": "ResourceType", "location": public + "/scim/v2/ResourceTypes/Group"},
	}
	list := map[string]any{
		"schemas":      []any{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		"totalResults": 2.0, "startIndex": 1.0, "itemsPerPage": 2.0, "Resources": []any{user, group},
	}
	for path, want := range map[string]any{"/ResourceTypes": list, "": list, "/ResourceTypes/User": user, "/ResourceTypes/Group": group} {
		if diff := cmp.Diff(want, any(w.do(t, "GET", "/scim/v2"+path, "").want(200).object())); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", path, diff)
		}
	}
}

type schema struct {
	Schemas    []string
	ID, Name   string
	Attributes []schemaAttribute
	Meta       struct{ ResourceType, Location string }
}

type schemaAttribute struct {
	Name, Type, Mutability, Returned, Uniqueness, Description string
	MultiValued, Required, CaseExact                          bool
	CanonicalValues, ReferenceTypes                           []string
	SubAttributes                                             []schemaAttribute
}

func find(t *testing.T, attributes []schemaAttribute, name string) schemaAttribute {
	t.Helper()
	for _, a := range attributes {
		if a.Name == name {
			return a
		}
	}
	t.Fatalf("got no attribute %s, want it", name)
	return schemaAttribute{}
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *worldConfig) { c.policy.Passwords = bridge.SyncPasswords })
	var list struct {
		TotalResults, StartIndex, ItemsPerPage int
		Resources                              []schema
	}
	all := w.do(t, "GET", "/scim/v2/Schemas", "").want(200)
	all.decode(&list)
	if strings.Contains(all.text, "null") {
		t.Errorf("got %s, want no nulls (Entra ID)", all.text)
	}
	var names []string
	for _, s := range list.Resources {
		names = append(names, s.ID+" "+s.Name)
		var one schema
		w.do(t, "GET", "/scim/v2/Schemas/"+s.ID, "").want(200).decode(&one)
		if diff := cmp.Diff(s, one); diff != "" {
			t.Errorf("%s, in the list and alone: (-list +alone)\n%s", s.ID, diff)
		}
		if s.Meta.ResourceType != "Schema" || s.Meta.Location != public+"/scim/v2/Schemas/"+s.ID {
			t.Errorf("%s: got meta %+v, want Schema and its location", s.ID, s.Meta)
		}
	}
	want := []string{"urn:ietf:params:scim:schemas:core:2.0:User User",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User Enterprise User", "urn:ietf:params:scim:schemas:core:2.0:Group Group"}
	if diff := cmp.Diff(want, names); diff != "" || list.TotalResults != 3 || list.ItemsPerPage != 3 || list.StartIndex != 1 {
		t.Fatalf("got %d of %d from %d: (-want +got)\n%s", list.ItemsPerPage, list.TotalResults, list.StartIndex, diff)
	}
	user, group := list.Resources[0].Attributes, list.Resources[2].Attributes
	if a := find(t, user, "userName"); a.Type != "string" || !a.Required || a.CaseExact || a.Uniqueness != "server" || a.Mutability != "readWrite" || a.Returned != "default" {
		t.Errorf("got userName %+v, want RFC 7643 section 8.7.1", a)
	}
	if a := find(t, user, "password"); a.Mutability != "writeOnly" || a.Returned != "never" {
		t.Errorf("got password %+v, want writeOnly, never", a)
	}
	if a := find(t, user, "groups"); a.Mutability != "readOnly" || !a.MultiValued || a.Type != "complex" {
		t.Errorf("got groups %+v, want a readOnly list", a)
	}
	if a := find(t, find(t, user, "emails").SubAttributes, "type"); !cmp.Equal(a.CanonicalValues, []string{"work", "home", "other"}) {
		t.Errorf("got emails.type %+v, want its canonical values", a)
	}
	if a := find(t, find(t, group, "members").SubAttributes, "$ref"); a.Type != "reference" || len(a.ReferenceTypes) == 0 {
		t.Errorf("got members.$ref %+v, want a reference to something", a)
	}
	for _, a := range user {
		if a.Name == "id" || a.Name == "meta" || a.Name == "schemas" || a.Name == "externalId" {
			t.Errorf("got %s in the User schema, want no common attributes (RFC 7643 section 3.1)", a.Name)
		}
	}
}
