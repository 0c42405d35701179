package cognito

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// pageSize is the most that Cognito lists at once.
const pageSize = 60

// User is a user as the pool gives it.
type User struct {
	Username string // what admin calls are given; the sub in a pool with UsernameAttributes
	Sub      string // UUID-shaped, but not of any RFC 9562 version
	// Status: UNCONFIRMED, CONFIRMED, EXTERNAL_PROVIDER, RESET_REQUIRED or
	// FORCE_CHANGE_PASSWORD.
	Status string
	// Attributes by full name, without sub and identities; never nil. Booleans are "true" and
	// "false". An attribute without a value is absent, or blank in some emulators.
	Attributes map[string]string
	// Identities are the ways in which people come to this user from the pool's
	// identity providers, in the pool's order.
	Identities []Identity
	Enabled    bool
	Created    time.Time
	Modified   time.Time
}

// CreateUser creates a user without sending an invitation and without a known
// password: status FORCE_CHANGE_PASSWORD, enabled (AdminCreateUser, SUPPRESS). Blank
// attributes are left out. Exists: the username, or a verified alias, is taken; with
// Error.Sent it may be by this very call.
func (p *Pool) CreateUser(ctx context.Context, username string, attributes map[string]string) (User, error) {
	return p.createUser(ctx, username, attributes, cip.AdminCreateUserInput{MessageAction: types.MessageActionTypeSuppress})
}

// Courier is how Cognito brings an invitation.
type Courier string

// ByEmail and BySMS are the couriers there are. A user needs the attribute email or phone_number for them.
const (
	ByEmail Courier = "EMAIL"
	BySMS   Courier = "SMS"
)

// Attribute is the one by which a courier reaches a user.
func (c Courier) Attribute() string {
	if c == BySMS {
		return "phone_number"
	}
	return "email"
}

// InviteUser is CreateUser with an invitation: Cognito sends the username and a temporary password. The user is there
// also when the error's code is CodeDeliveryFailureException; Error.Sent is set then. Cognito may send several when an
// attempt's answer was lost.
func (p *Pool) InviteUser(ctx context.Context, username string, attributes map[string]string, by Courier) (User, error) {
	return p.createUser(ctx, username, attributes, cip.AdminCreateUserInput{DesiredDeliveryMediums: []types.DeliveryMediumType{types.DeliveryMediumType(by)}})
}

// InviteAgain sends a user another invitation, with another temporary password. State: the user has signed in already, or
// has a permanent password.
func (p *Pool) InviteAgain(ctx context.Context, username string, by Courier) error {
	_, err := call(ctx, p, adminCreateUser, username, (*cip.Client).AdminCreateUser, &cip.AdminCreateUserInput{
		UserPoolId: &p.id, Username: &username, MessageAction: types.MessageActionTypeResend,
		DesiredDeliveryMediums: []types.DeliveryMediumType{types.DeliveryMediumType(by)},
	})
	return err
}

func (p *Pool) createUser(ctx context.Context, username string, attributes map[string]string, in cip.AdminCreateUserInput) (User, error) {
	given := maps.Clone(attributes)
	maps.DeleteFunc(given, func(_, value string) bool { return value == "" })
	in.UserPoolId, in.Username, in.UserAttributes = &p.id, &username, attributeList(given)
	out, err := call(ctx, p, adminCreateUser, username, (*cip.Client).AdminCreateUser, &in)
	if err != nil {
		return User{}, err
	}
	if out.User == nil {
		return User{}, &Error{Op: adminCreateUser.name, Kind: Unavailable, Sent: true, Message: "the answer holds no user"}
	}
	return userFrom(*out.User), nil
}

// User reads a user by username, sub or active alias (AdminGetUser). It is the one
// consistent read, and AWS bills a user who was read so as active in that month: it
// is for settling an unknown outcome only.
func (p *Pool) User(ctx context.Context, username string) (User, error) {
	out, err := call(ctx, p, adminGetUser, username, (*cip.Client).AdminGetUser,
		&cip.AdminGetUserInput{UserPoolId: &p.id, Username: &username})
	if err != nil {
		return User{}, err
	}
	return userFrom(types.UserType{
		Username: out.Username, Attributes: out.UserAttributes, Enabled: out.Enabled, UserStatus: out.UserStatus,
		UserCreateDate: out.UserCreateDate, UserLastModifiedDate: out.UserLastModifiedDate,
	}), nil
}

// UpdateUser sets attributes; a blank value removes one, and those not named stay
// (AdminUpdateUserAttributes). An empty set makes no call. Changing email or
// phone_number resets its _verified attribute unless that is set in the same call.
func (p *Pool) UpdateUser(ctx context.Context, username string, set map[string]string) error {
	if len(set) == 0 {
		return nil
	}
	_, err := call(ctx, p, adminUpdateUserAttributes, username, (*cip.Client).AdminUpdateUserAttributes,
		&cip.AdminUpdateUserAttributesInput{UserPoolId: &p.id, Username: &username, UserAttributes: attributeList(set)})
	return err
}

// EnableUser lets a user sign in again. It may be repeated.
func (p *Pool) EnableUser(ctx context.Context, username string) error {
	_, err := call(ctx, p, adminEnableUser, username, (*cip.Client).AdminEnableUser,
		&cip.AdminEnableUserInput{UserPoolId: &p.id, Username: &username})
	return err
}

// DisableUser keeps a user from signing in and revokes the access tokens. It may be
// repeated.
func (p *Pool) DisableUser(ctx context.Context, username string) error {
	_, err := call(ctx, p, adminDisableUser, username, (*cip.Client).AdminDisableUser,
		&cip.AdminDisableUserInput{UserPoolId: &p.id, Username: &username})
	return err
}

// SignOut revokes a user's refresh tokens (AdminUserGlobalSignOut). It may be repeated.
func (p *Pool) SignOut(ctx context.Context, username string) error {
	_, err := call(ctx, p, adminUserGlobalSignOut, username, (*cip.Client).AdminUserGlobalSignOut,
		&cip.AdminUserGlobalSignOutInput{UserPoolId: &p.id, Username: &username})
	return err
}

// DeleteUser deletes a user and the user's memberships.
func (p *Pool) DeleteUser(ctx context.Context, username string) error {
	_, err := call(ctx, p, adminDeleteUser, username, (*cip.Client).AdminDeleteUser,
		&cip.AdminDeleteUserInput{UserPoolId: &p.id, Username: &username})
	return err
}

// SetPassword sets a password: for good (status CONFIRMED), or until the next
// sign-in (FORCE_CHANGE_PASSWORD). The error never holds it.
func (p *Pool) SetPassword(ctx context.Context, username, password string, permanent bool) error {
	_, err := call(ctx, p, adminSetUserPassword, username, (*cip.Client).AdminSetUserPassword,
		&cip.AdminSetUserPasswordInput{UserPoolId: &p.id, Username: &username, Password: &password, Permanent: permanent})
	var e *Error
	if errors.As(err, &e) && e.Err != nil && password != "" && strings.Contains(e.Err.Error(), password) {
		e.Message, e.Err = strings.ReplaceAll(e.Message, password, "…"), nil
	}
	return err
}

// UsersPage lists users, 60 at most, in an order that only one chain of tokens keeps
// (ListUsers). token is empty for the first page; next is empty after the last. A
// page may be empty although more follow. A token lasts for an hour. It is eventually
// consistent.
func (p *Pool) UsersPage(ctx context.Context, token string) (users []User, next string, err error) {
	return p.listUsers(ctx, "", token)
}

func (p *Pool) listUsers(ctx context.Context, filter, token string) ([]User, string, error) {
	out, err := call(ctx, p, listUsers, "", (*cip.Client).ListUsers, &cip.ListUsersInput{
		UserPoolId: &p.id, Limit: aws.Int32(pageSize), Filter: optional(filter), PaginationToken: optional(token),
	})
	if err != nil {
		return nil, "", err
	}
	return usersFrom(out.Users), aws.ToString(out.PaginationToken), nil
}

func usersFrom(list []types.UserType) []User {
	users := make([]User, len(list))
	for i, u := range list {
		users[i] = userFrom(u)
	}
	return users
}

func userFrom(u types.UserType) User {
	user := User{
		Username: aws.ToString(u.Username), Status: string(u.UserStatus), Enabled: u.Enabled,
		Created: aws.ToTime(u.UserCreateDate), Modified: aws.ToTime(u.UserLastModifiedDate),
		Attributes: make(map[string]string, len(u.Attributes)),
	}
	for _, a := range u.Attributes {
		user.Attributes[aws.ToString(a.Name)] = aws.ToString(a.Value)
	}
	user.Sub = user.Attributes["sub"]
	delete(user.Attributes, "sub")
	user.Identities = identities(user.Attributes["identities"])
	delete(user.Attributes, "identities")
	return user
}

// attributeList orders attributes by name, so that equal calls are equal bytes.
func attributeList(attributes map[string]string) []types.AttributeType {
	list := make([]types.AttributeType, 0, len(attributes))
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		list = append(list, types.AttributeType{Name: aws.String(name), Value: aws.String(attributes[name])})
	}
	return list
}

// optional leaves a blank parameter out of a request.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
