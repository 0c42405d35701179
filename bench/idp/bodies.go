package idp

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// Schema URNs of what is pushed.
const (
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group"
	patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// UserBody is the body of a POST or PUT of a user. attributes are those beside schemas.
func UserBody(attributes map[string]any) string { return resource(userSchema, attributes) }

// GroupBody is the body of a POST or PUT of a group, with the members that have these ids.
func GroupBody(attributes map[string]any, members ...string) string {
	all := map[string]any{"members": Members(members...)}
	for name, v := range attributes {
		all[name] = v
	}
	return resource(groupSchema, all)
}

func resource(schema string, attributes map[string]any) string {
	all := map[string]any{"schemas": []string{schema}}
	for name, v := range attributes {
		all[name] = v
	}
	return text(all)
}

// Members is a value of a group's members attribute.
func Members(ids ...string) []map[string]string {
	list := make([]map[string]string, len(ids))
	for i, id := range ids {
		list[i] = map[string]string{"value": id}
	}
	return list
}

// Op is one operation of a PATCH; Path and Value may be left out.
type Op struct {
	Op    string `json:"op"`
	Path  string `json:"path,omitempty"`
	Value any    `json:"value,omitempty"`
}

// PatchBody is the body of a PATCH.
func PatchBody(ops ...Op) string {
	return text(map[string]any{"schemas": []string{patchSchema}, "Operations": ops})
}

// Add and Remove are how Okta changes memberships: one operation that adds many, one a member that removes.
func Add(ids ...string) Op { return Op{Op: "add", Path: "members", Value: Members(ids...)} }

// Remove: see Add.
func Remove(id string) Op { return Op{Op: "remove", Path: fmt.Sprintf("members[value eq %q]", id)} }

// Where is a path that asks for what a filter matches: Where("/Users", `userName eq "ada"`).
func Where(endpoint, filter string) string {
	return endpoint + "?startIndex=1&count=100&filter=" + url.QueryEscape(filter)
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("encoding a body: %w", err)) // maps, lists and strings only: cannot happen
	}
	return string(b)
}
