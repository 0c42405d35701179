package server

import (
	"context"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/store"
)

// groups serves /Groups.
func (s *Server) groups() *endpoint {
	return &endpoint{
		Server: s, rt: s.types.Groups, kind: store.Group, limit: s.limits.GroupBody,
		refs: references{attribute: "members", endpoint: s.types.Users.Endpoint, kind: "User", always: true},

		create:  (*bridge.Connection).CreateGroup,
		read:    (*bridge.Connection).Group,
		replace: (*bridge.Connection).ReplaceGroup,
		modify:  (*bridge.Connection).PatchGroup,
		remove:  (*bridge.Connection).DeleteGroup,
		related: (*bridge.Connection).Members,
		brief:   s.briefGroup,
	}
}

// briefGroup: a PATCH of a large group answers 204, unless the client asked for attributes: then RFC 7644 section 3.5.2
// wants them returned.
func (s *Server) briefGroup(ctx context.Context, c *bridge.Connection, v *view, group store.Doc) (bool, error) {
	if v.project.only {
		return false, nil
	}
	n, err := c.MemberCount(ctx, group)
	return n > s.limits.PatchMembers, err
}
