package server

import (
	"context"
	"iter"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/store"
)

// users serves /Users.
func (s *Server) users() *endpoint {
	return &endpoint{
		Server: s, rt: s.types.Users, kind: store.User, limit: s.limits.Body,
		refs: references{attribute: "groups", endpoint: s.types.Groups.Endpoint, kind: "direct"},

		create:  (*bridge.Connection).CreateUser,
		read:    (*bridge.Connection).User,
		replace: (*bridge.Connection).ReplaceUser,
		modify:  (*bridge.Connection).PatchUser,
		remove:  (*bridge.Connection).DeleteUser,
		related: groupsOf,
		brief:   neverBrief,
	}
}

// groupsOf yields the groups of a user; there are at most a hundred (a quota of Cognito).
func groupsOf(c *bridge.Connection, ctx context.Context, user store.Doc) iter.Seq2[store.Ref, error] {
	return func(yield func(store.Ref, error) bool) {
		groups, err := c.Groups(ctx, user)
		if err != nil {
			yield(store.Ref{}, err)
			return
		}
		for _, g := range groups {
			if !yield(g, nil) {
				return
			}
		}
	}
}

// neverBrief: Okta takes the state of a user from what PATCH answers.
func neverBrief(context.Context, *bridge.Connection, *view, store.Doc) (bool, error) {
	return false, nil
}
