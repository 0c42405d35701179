package config

import (
	"fmt"
	"regexp"
	"strings"
)

// Grant is one row of the table that makes values of users' attributes memberships of groups.
type Grant struct {
	// Attribute is a text of users by its path: roles, entitlements, department or another, in an extension, too.
	Attribute string `json:"attribute" validate:"required,max=512"`

	// Separator divides the attribute's text into several values, such as "," in "Admin,Support". Empty: it is one value.
	Separator string `json:"separator" validate:"omitempty,max=8"`

	// Value is the value, compared without case, whose owners are members of Group.
	Value string `json:"value" validate:"omitempty,max=256"`

	// Group is the GroupName in Cognito, which the cognito:groups claim holds. The group must be there.
	Group string `json:"group" validate:"omitempty,groupname"`

	// GroupPrefix makes every value the membership of the group whose GroupName is the prefix and the value; then Value and
	// Group are empty.
	GroupPrefix string `json:"groupPrefix" validate:"omitempty,groupname"`

	// Display is what /Roles and /Entitlements call the value. Empty: Group.
	Display string `json:"display" validate:"omitempty,max=256"`

	// Description is for people, at /Roles and /Entitlements.
	Description string `json:"description" validate:"omitempty,max=1000"`
}

var groupForm = regexp.MustCompile(`^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$`) // GroupNameType of the Cognito API

// problems are what the keys of one row say in contradiction.
func (g Grant) problems(at string, report reporter) {
	switch {
	case g.GroupPrefix == "" && (g.Value == "" || g.Group == ""):
		report("%s: needs value and group, or groupPrefix alone", at)
	case g.GroupPrefix != "" && (g.Value != "" || g.Group != "" || g.Display != ""):
		report("%s: groupPrefix stands for every value, so that value, group and display must be empty", at)
	}
}

// grants writes the table on one line, in its order, which is that of /Roles.
func grants(table []Grant) string {
	lines := make([]string, len(table))
	for i, g := range table {
		lines[i] = fmt.Sprintf("%s %q → %s", g.Attribute, g.Value, g.Group)
		if g.GroupPrefix != "" {
			lines[i] = fmt.Sprintf("%s → %s…", g.Attribute, g.GroupPrefix)
		}
		for _, more := range []string{g.Separator, g.Display, g.Description} {
			if more != "" {
				lines[i] += fmt.Sprintf(" %q", more)
			}
		}
	}
	return "[" + strings.Join(lines, ", ") + "]"
}
