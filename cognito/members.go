package cognito

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

// AddMember puts a user into a group. It may be repeated. Limit: the user is in 100
// groups already. NotFound and GroupNotFound say which of the two is missing.
func (p *Pool) AddMember(ctx context.Context, group, user string) error {
	_, err := call(ctx, p, adminAddUserToGroup, user, (*cip.Client).AdminAddUserToGroup,
		&cip.AdminAddUserToGroupInput{UserPoolId: &p.id, GroupName: &group, Username: &user})
	return err
}

// RemoveMember takes a user out of a group. It may be repeated.
func (p *Pool) RemoveMember(ctx context.Context, group, user string) error {
	_, err := call(ctx, p, adminRemoveUserFromGroup, user, (*cip.Client).AdminRemoveUserFromGroup,
		&cip.AdminRemoveUserFromGroupInput{UserPoolId: &p.id, GroupName: &group, Username: &user})
	return err
}

// MembersPage lists a group's members, 60 at most, as whole users (ListUsersInGroup).
// Tokens are as for UsersPage.
func (p *Pool) MembersPage(ctx context.Context, group, token string) (users []User, next string, err error) {
	out, err := call(ctx, p, listUsersInGroup, "", (*cip.Client).ListUsersInGroup,
		&cip.ListUsersInGroupInput{UserPoolId: &p.id, GroupName: &group, Limit: aws.Int32(pageSize), NextToken: optional(token)})
	if err != nil {
		return nil, "", err
	}
	return usersFrom(out.Users), aws.ToString(out.NextToken), nil
}

// UserGroupsPage lists the groups that a user is in, 60 at most
// (AdminListGroupsForUser). Tokens are as for UsersPage.
func (p *Pool) UserGroupsPage(ctx context.Context, username, token string) (groups []Group, next string, err error) {
	out, err := call(ctx, p, adminListGroupsForUser, username, (*cip.Client).AdminListGroupsForUser,
		&cip.AdminListGroupsForUserInput{UserPoolId: &p.id, Username: &username, Limit: aws.Int32(pageSize), NextToken: optional(token)})
	if err != nil {
		return nil, "", err
	}
	return groupsFrom(out.Groups), aws.ToString(out.NextToken), nil
}
