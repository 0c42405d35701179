package emulator_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

func createGroup(t *testing.T, c *idp.Client, name string) error {
	t.Helper()
	_, err := c.CreateGroup(t.Context(), &idp.CreateGroupInput{UserPoolId: aws.String(poolID), GroupName: &name})
	return err
}

func join(t *testing.T, c *idp.Client, user, group string) error {
	t.Helper()
	_, err := c.AdminAddUserToGroup(t.Context(), &idp.AdminAddUserToGroupInput{UserPoolId: aws.String(poolID), GroupName: &group, Username: &user})
	return err
}

func leave(t *testing.T, c *idp.Client, user, group string) error {
	t.Helper()
	_, err := c.AdminRemoveUserFromGroup(t.Context(), &idp.AdminRemoveUserFromGroupInput{UserPoolId: aws.String(poolID), GroupName: &group, Username: &user})
	return err
}

func deleteGroup(t *testing.T, c *idp.Client, name string) error {
	t.Helper()
	_, err := c.DeleteGroup(t.Context(), &idp.DeleteGroupInput{UserPoolId: aws.String(poolID), GroupName: &name})
	return err
}

// groupsOf lists a user's groups in pages of n.
func groupsOf(t *testing.T, c *idp.Client, user string, n int32) (names []string) {
	t.Helper()
	pages := idp.NewAdminListGroupsForUserPaginator(c, &idp.AdminListGroupsForUserInput{UserPoolId: aws.String(poolID), Username: &user, Limit: &n})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range out.Groups {
			names = append(names, *g.GroupName)
		}
	}
	return names
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestGroupUpdate(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{Clock: fixed}, emulator.PoolConfig{})
	must(t, createGroup(t, c, "staff"))
	e.Advance(time.Hour)
	role := "arn:aws:iam::123456789012:role/staff"
	for _, tc := range []struct {
		in         idp.UpdateGroupInput
		text       string
		precedence int32
	}{
		{idp.UpdateGroupInput{Description: aws.String("All staff"), Precedence: aws.Int32(7)}, "All staff", 7},
		{idp.UpdateGroupInput{Precedence: aws.Int32(8)}, "All staff", 8},
		{idp.UpdateGroupInput{Description: aws.String("Everybody"), RoleArn: &role}, "Everybody", 8},
		{idp.UpdateGroupInput{}, "Everybody", 8},
	} {
		tc.in.UserPoolId, tc.in.GroupName = aws.String(poolID), aws.String("staff")
		if _, err := c.UpdateGroup(t.Context(), &tc.in); err != nil {
			t.Fatal(err)
		}
		out, err := c.GetGroup(t.Context(), &idp.GetGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("staff")})
		if err != nil {
			t.Fatal(err)
		}
		g := out.Group
		if *g.Description != tc.text || *g.Precedence != tc.precedence || !g.CreationDate.Equal(at) || !g.LastModifiedDate.Equal(at.Add(time.Hour)) {
			t.Errorf("got %q, %d, created %s, modified %s; want %q, %d, %s, %s", *g.Description, *g.Precedence, g.CreationDate, g.LastModifiedDate, tc.text, tc.precedence, at, at.Add(time.Hour))
		}
	}
	out, err := c.ListGroups(t.Context(), &idp.ListGroupsInput{UserPoolId: aws.String(poolID)})
	if err != nil || len(out.Groups) != 1 || aws.ToString(out.Groups[0].RoleArn) != role {
		t.Errorf("got %+v, error %v; want one group with the role %s", out.Groups, err, role)
	}
	_, err = c.UpdateGroup(t.Context(), &idp.UpdateGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("none")})
	wantError(t, err, "ResourceNotFoundException", "Group not found.")
	_, err = c.UpdateGroup(t.Context(), &idp.UpdateGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("staff"), RoleArn: aws.String("not an arn at all....")})
	wantError(t, err, "InvalidParameterException", "Value 'not an arn at all....' at 'roleArn' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:")
}

func TestMembership(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	sub := value(create(t, c, "ada").Attributes, "sub")
	create(t, c, "grace")
	must(t, createGroup(t, c, "staff"), createGroup(t, c, "Staff"), createGroup(t, c, "küche"))
	must(t, join(t, c, "ada", "staff"), join(t, c, sub, "staff"), join(t, c, "grace", "staff"), join(t, c, "ada", "küche"))
	wantMembers(t, c, "staff", "ada", "grace")
	wantMembers(t, c, "Staff")
	if diff := cmp.Diff([]string{"küche", "staff"}, groupsOf(t, c, "ada", 1)); diff != "" {
		t.Errorf("groups of ada (-want +got):\n%s", diff)
	}
	must(t, leave(t, c, "ada", "staff"), leave(t, c, "ada", "staff"))
	wantMembers(t, c, "staff", "grace")
	wantError(t, join(t, c, "nobody", "staff"), "UserNotFoundException", "User does not exist.")
	wantError(t, join(t, c, "ada", "none"), "ResourceNotFoundException", "Group not found.")
	wantError(t, leave(t, c, "nobody", "staff"), "UserNotFoundException", "User does not exist.")
	wantError(t, leave(t, c, "ada", "none"), "ResourceNotFoundException", "Group not found.")
	if _, err := c.AdminDeleteUser(t.Context(), &idp.AdminDeleteUserInput{UserPoolId: aws.String(poolID), Username: aws.String("grace")}); err != nil {
		t.Fatal(err)
	}
	wantMembers(t, c, "staff")
	create(t, c, "grace")
	if got := groupsOf(t, c, "grace", 60); got != nil {
		t.Errorf("groups of a user of a deleted one's name: got %q, want none", got)
	}
}

func TestDeleteGroup(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		_, c := newPool(t, emulator.Config{Unverified: emulator.Unverified{KeepNonEmptyGroups: keep}}, emulator.PoolConfig{})
		create(t, c, "ada")
		create(t, c, "grace")
		must(t, createGroup(t, c, "staff"), join(t, c, "ada", "staff"), join(t, c, "grace", "staff"))
		if _, err := c.AdminDeleteUser(t.Context(), &idp.AdminDeleteUserInput{UserPoolId: aws.String(poolID), Username: aws.String("grace")}); err != nil {
			t.Fatal(err)
		}
		err := deleteGroup(t, c, "staff")
		if keep {
			wantError(t, err, "InvalidParameterException", "Only groups with no members can be deleted.")
			must(t, leave(t, c, "ada", "staff"), deleteGroup(t, c, "staff"))
		} else if err != nil {
			t.Fatal(err)
		}
		wantError(t, deleteGroup(t, c, "staff"), "ResourceNotFoundException", "Group not found.")
		must(t, createGroup(t, c, "staff"))
		wantMembers(t, c, "staff")
		if got := groupsOf(t, c, "ada", 60); got != nil {
			t.Errorf("got groups %q, want none", got)
		}
	}
}

func TestFoldedGroupNames(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{Unverified: emulator.Unverified{FoldGroupNames: true}}, emulator.PoolConfig{})
	must(t, createGroup(t, c, "Staff"))
	wantError(t, createGroup(t, c, "staff"), "GroupExistsException", "A group with the name already exists.")
	out, err := c.GetGroup(t.Context(), &idp.GetGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("STAFF")})
	if err != nil || *out.Group.GroupName != "Staff" {
		t.Errorf("got %+v, error %v; want Staff", out, err)
	}
	must(t, deleteGroup(t, c, "staff"), createGroup(t, c, "STAFF"))
}

func TestGroupLimits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		unverified emulator.Unverified
		code       string
	}{
		{emulator.Unverified{}, "LimitExceededException"},
		{emulator.Unverified{GroupLimitIsInvalidParameter: true}, "InvalidParameterException"},
	} {
		e, c := newPool(t, emulator.Config{Unverified: tc.unverified}, emulator.PoolConfig{})
		create(t, c, "ada")
		must(t, e.SeedGroups(poolID, 100, 1), createGroup(t, c, "more"))
		wantError(t, join(t, c, "ada", "more"), tc.code, "Exceeded the limit of 100 groups for a user.")
		must(t, join(t, c, "ada", "group00100"), leave(t, c, "ada", "group00100"), join(t, c, "ada", "more"))
		if got := len(groupsOf(t, c, "ada", 33)); got != 100 {
			t.Errorf("got %d groups, want 100", got)
		}
	}
	e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	must(t, e.SeedGroups(poolID, 10_000, 0))
	wantError(t, createGroup(t, c, "more"), "LimitExceededException", "Exceeded the limit of 10000 groups in a user pool.")
	must(t, deleteGroup(t, c, "group00042"), createGroup(t, c, "more"))
}

func TestListGroups(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	must(t, e.SeedGroups(poolID, 130, 0))
	var names []string
	var sizes []int
	pages := idp.NewListGroupsPaginator(c, &idp.ListGroupsInput{UserPoolId: aws.String(poolID)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(out.Groups))
		for _, g := range out.Groups {
			names = append(names, *g.GroupName)
		}
	}
	if diff := cmp.Diff([]int{60, 60, 10}, sizes); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	if !slices.IsSorted(names) || len(slices.Compact(names)) != 130 {
		t.Errorf("got %d names, want 130 in order", len(names))
	}
	_, err := c.ListGroups(t.Context(), &idp.ListGroupsInput{UserPoolId: aws.String(poolID), NextToken: aws.String("nonsense")})
	wantError(t, err, "InvalidParameterException", "Paging Marker is Invalid for Request")
	_, err = c.ListUsersInGroup(t.Context(), &idp.ListUsersInGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("none")})
	wantError(t, err, "ResourceNotFoundException", "Group not found.")
}

func TestMembersPages(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	must(t, e.SeedUsers(poolID, 130), e.SeedGroups(poolID, 2, 130))
	var want []string
	for i := 1; i <= 130; i++ {
		want = append(want, fmt.Sprintf("user%07d", i))
	}
	wantMembers(t, c, "group00001", want...)
	out, err := c.ListUsersInGroup(t.Context(), &idp.ListUsersInGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("group00001"), Limit: aws.Int32(10)})
	if err != nil || len(out.Users) != 10 {
		t.Fatalf("got %d members, error %v; want 10", len(out.Users), err)
	}
	_, err = c.ListUsersInGroup(t.Context(), &idp.ListUsersInGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("group00002"), NextToken: out.NextToken})
	wantError(t, err, "InvalidParameterException", "Paging Marker is Invalid for Request")
}
