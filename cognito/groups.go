package cognito

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// Group is a group as the pool gives it. Its name is its identity and cannot be
// changed; Description, up to 2,048 characters, can.
type Group struct {
	Name, Description string
	RoleARN           string // of an IAM role that the group carries; never written here
	Precedence        *int32 // nil: none
	Created           time.Time
	Modified          time.Time
}

// CreateGroup creates a group. The name is 1 to 128 characters without white space
// and control characters. Exists: there is one, case counting; with Error.Sent it may
// be this very call's.
func (p *Pool) CreateGroup(ctx context.Context, name, description string) (Group, error) {
	out, err := call(ctx, p, createGroup, "", (*cip.Client).CreateGroup,
		&cip.CreateGroupInput{UserPoolId: &p.id, GroupName: &name, Description: optional(description)})
	if err != nil {
		return Group{}, err
	}
	return oneGroup(createGroup, out.Group)
}

// Group reads one group. A group that was just created may not be found yet.
func (p *Pool) Group(ctx context.Context, name string) (Group, error) {
	out, err := call(ctx, p, getGroup, "", (*cip.Client).GetGroup,
		&cip.GetGroupInput{UserPoolId: &p.id, GroupName: &name})
	if err != nil {
		return Group{}, err
	}
	return oneGroup(getGroup, out.Group)
}

// UpdateGroup sets a group's description. RoleArn and Precedence are not sent, which
// leaves them as they are.
func (p *Pool) UpdateGroup(ctx context.Context, name, description string) error {
	_, err := call(ctx, p, updateGroup, "", (*cip.Client).UpdateGroup,
		&cip.UpdateGroupInput{UserPoolId: &p.id, GroupName: &name, Description: &description})
	return err
}

// DeleteGroup deletes a group and its memberships.
func (p *Pool) DeleteGroup(ctx context.Context, name string) error {
	_, err := call(ctx, p, deleteGroup, "", (*cip.Client).DeleteGroup,
		&cip.DeleteGroupInput{UserPoolId: &p.id, GroupName: &name})
	return err
}

// GroupsPage lists groups, 60 at most (ListGroups). Tokens are as for UsersPage.
func (p *Pool) GroupsPage(ctx context.Context, token string) (groups []Group, next string, err error) {
	out, err := call(ctx, p, listGroups, "", (*cip.Client).ListGroups,
		&cip.ListGroupsInput{UserPoolId: &p.id, Limit: aws.Int32(pageSize), NextToken: optional(token)})
	if err != nil {
		return nil, "", err
	}
	return groupsFrom(out.Groups), aws.ToString(out.NextToken), nil
}

func oneGroup(op operation, g *types.GroupType) (Group, error) {
	if g == nil {
		return Group{}, &Error{Op: op.name, Kind: Unavailable, Sent: op.effect != reads, Message: "the answer holds no group"}
	}
	return groupFrom(*g), nil
}

func groupsFrom(list []types.GroupType) []Group {
	groups := make([]Group, len(list))
	for i, g := range list {
		groups[i] = groupFrom(g)
	}
	return groups
}

func groupFrom(g types.GroupType) Group {
	return Group{
		Name: aws.ToString(g.GroupName), Description: aws.ToString(g.Description), RoleARN: aws.ToString(g.RoleArn),
		Precedence: g.Precedence, Created: aws.ToTime(g.CreationDate), Modified: aws.ToTime(g.LastModifiedDate),
	}
}
