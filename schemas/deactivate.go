package schemas

import (
	"strings"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

// A deactivation is never refused for another attribute's sake: a leaver whose title is too long must not stay enabled.
// The functions here find the deactivation in a request that is otherwise at fault.

// Deactivate is the operation that sets active to false and nothing else.
func Deactivate() patch.Op {
	return patch.Op{Kind: patch.Replace, Path: &filter.Path{Name: "active"}, Value: false}
}

// Deactivates reports whether ops leave active at false by saying so.
func Deactivates(ops []patch.Op) bool { return lastActive(ops) == false }

// Activates reports whether ops leave active at true by saying so.
func Activates(ops []patch.Op) bool { return lastActive(ops) == true }

// lastActive is what ops leave active at; nil when they do not say it.
func lastActive(ops []patch.Op) (said any) {
	for _, op := range ops {
		if v, ok := activeIn(op); ok {
			said = v
		}
	}
	return said
}

// activeIn returns what an operation sets active to, and whether it touches it.
func activeIn(op patch.Op) (any, bool) {
	if op.Path != nil {
		return op.Value, op.Path.Sub == "" && strings.EqualFold(op.Path.Name, "active")
	}
	object, _ := op.Value.(map[string]any)
	v, ok := object["active"]
	return v, ok
}

var active = Plain.Users.Tree.Lookup("", "active") // every resource type of users has the same

// SaysInactive reports whether a decoded object, the body of a PUT or the value of a path-less PATCH operation, says active
// false, in any dialect that is spoken.
func (rt *ResourceType) SaysInactive(body any) bool {
	object, ok := body.(map[string]any)
	if !ok {
		return false
	}
	v, err := rt.reading(whole).value(active, attribute.Member(object, "active"))
	return err == nil && v == false
}
