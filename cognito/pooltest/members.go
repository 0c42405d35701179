package pooltest

import (
	"fmt"
	"slices"

	"github.com/scim-cognito/scim-cognito/cognito"
)

var memberCases = []testCase{
	{"members: add and remove may be repeated", changesMembers},
	{"members: a user who is missing", memberMissing},
	{"members: a group that is missing", memberOfMissing},
	{"members: go with their group", membersLoseGroup},
	{"members: a deleted user is none", groupLosesMember},
	{"members: 100 groups a user, and no more", hundredGroups},
}

// wantMembers checks who is in a group.
func (f *fixture) wantMembers(t T, group string, want ...string) {
	t.Helper()
	slices.Sort(want)
	f.eventually(t, func() error {
		users, _, err := walk(func(token string) ([]cognito.User, string, error) {
			return f.pool.MembersPage(t.Context(), group, token)
		})
		if err != nil {
			return fmt.Errorf("listing the members of %s: %w", group, err)
		}
		if got := usernames(users); !slices.Equal(got, want) {
			return fmt.Errorf("group %s has the members %v, want %v", group, got, want)
		}
		return nil
	})
}

// wantGroups checks which groups a user is in.
func (f *fixture) wantGroups(t T, username string, want ...string) {
	t.Helper()
	slices.Sort(want)
	f.eventually(t, func() error {
		groups, _, err := walk(func(token string) ([]cognito.Group, string, error) {
			return f.pool.UserGroupsPage(t.Context(), username, token)
		})
		if err != nil {
			return fmt.Errorf("listing the groups of %s: %w", username, err)
		}
		if got := groupNames(groups); !slices.Equal(got, want) {
			return fmt.Errorf("user %s is in %v, want %v", username, got, want)
		}
		return nil
	})
}

func changesMembers(t T, f *fixture) {
	group, other := f.group(t, "g", "").Name, f.group(t, "h", "").Name
	a, b := f.user(t, "a", nil).Username, f.user(t, "b", nil).Username
	f.wantMembers(t, group)
	f.wantGroups(t, a)
	wantNone(t, "adding", f.pool.AddMember(t.Context(), group, a))
	wantNone(t, "adding again", f.pool.AddMember(t.Context(), group, a))
	wantNone(t, "adding another", f.pool.AddMember(t.Context(), group, b))
	wantNone(t, "adding to another", f.pool.AddMember(t.Context(), other, a))
	f.wantMembers(t, group, a, b)
	f.wantGroups(t, a, group, other)
	wantNone(t, "removing", f.pool.RemoveMember(t.Context(), group, a))
	wantNone(t, "removing again", f.pool.RemoveMember(t.Context(), group, a))
	f.wantMembers(t, group, b)
	f.wantGroups(t, a, other)
}

func memberMissing(t T, f *fixture) {
	group := f.group(t, "g", "").Name
	wantKind(t, "adding", f.pool.AddMember(t.Context(), group, f.name("missing")), cognito.NotFound)
	wantKind(t, "removing", f.pool.RemoveMember(t.Context(), group, f.name("missing")), cognito.NotFound)
	_, _, err := f.pool.UserGroupsPage(t.Context(), f.name("missing"), "")
	wantKind(t, "listing the groups", err, cognito.NotFound)
}

func memberOfMissing(t T, f *fixture) {
	u := f.user(t, "a", nil).Username
	wantKind(t, "adding", f.pool.AddMember(t.Context(), f.name("missing"), u), cognito.GroupNotFound)
	wantKind(t, "removing", f.pool.RemoveMember(t.Context(), f.name("missing"), u), cognito.GroupNotFound)
	_, _, err := f.pool.MembersPage(t.Context(), f.name("missing"), "")
	wantKind(t, "listing the members", err, cognito.GroupNotFound)
}

func membersLoseGroup(t T, f *fixture) {
	group := f.group(t, "g", "").Name
	u := f.user(t, "a", nil).Username
	wantNone(t, "adding", f.pool.AddMember(t.Context(), group, u))
	wantNone(t, "deleting a group that has a member", f.pool.DeleteGroup(t.Context(), group))
	f.wantGroups(t, u)
	f.group(t, "g", "")
	f.wantMembers(t, group)
}

func groupLosesMember(t T, f *fixture) {
	group := f.group(t, "g", "").Name
	u := f.user(t, "a", nil).Username
	wantNone(t, "adding", f.pool.AddMember(t.Context(), group, u))
	wantNone(t, "deleting the user", f.pool.DeleteUser(t.Context(), u))
	f.wantMembers(t, group)
	f.user(t, "a", nil)
	f.wantGroups(t, u)
}

func hundredGroups(t T, f *fixture) {
	u := f.user(t, "a", nil).Username
	for i := range 100 {
		group := f.group(t, fmt.Sprint(i), "").Name
		wantNone(t, "adding", f.pool.AddMember(t.Context(), group, u))
	}
	group := f.group(t, "101st", "").Name
	err := f.pool.AddMember(t.Context(), group, u)
	// Which of the two AWS answers is not documented.
	if kind := cognito.KindOf(err); err == nil || kind != cognito.Limit && kind != cognito.Invalid {
		t.Errorf("the 101st group: got error %v, want a limit", err)
	}
}
