package emulator

import (
	"fmt"
	"slices"
)

// operation is one row of the protocol: what it is called, which quotas it uses and how it runs.
type operation struct {
	name     string
	category Category
	traits
	decode func(body []byte) (input any, err error)
	run    func(e *Emulator, input any) (output any, err error)
}

// traits are what operations differ in, beside input and output.
type traits struct {
	perPool bool // 5 requests a second for the operation and pool
	empty   bool // no output shape: the body of a success is empty, not {}
	public  bool // called without AWS credentials
	user    access
}

// access says which of the limits on one user's profile a call uses.
type access int

const (
	noUser access = iota
	readsUser
	writesUser
)

// unit is the output of operations whose output shape has no members: {}.
type unit struct{}

// Members that many inputs share.
type (
	ofPool struct {
		UserPoolId string `aws:"UserPoolIdType,required"`
	}
	ofUser struct {
		ofPool
		Username string `aws:"UsernameType,required"`
	}
	ofGroup struct {
		ofPool
		GroupName string `aws:"GroupNameType,required"`
	}
)

func (in ofPool) pool() string { return in.UserPoolId }
func (in ofUser) user() string { return in.Username }

// poolOf returns the pool that an input names, if it names one.
func poolOf(input any) string {
	if in, ok := input.(interface{ pool() string }); ok {
		return in.pool()
	}
	return ""
}

// userOf returns the user that an input names, if it names one.
func userOf(input any) string {
	if in, ok := input.(interface{ user() string }); ok {
		return in.user()
	}
	return ""
}

func define[In any](name string, category Category, t traits, run func(*Emulator, *In) (any, error)) *operation {
	return &operation{
		name: name, category: category, traits: t,
		decode: func(body []byte) (any, error) {
			in := new(In)
			return in, decodeInput(body, in)
		},
		run: func(e *Emulator, input any) (any, error) { return run(e, input.(*In)) },
	}
}

// operations are all there are, by name. Categories and limits are those of the quotas page of Cognito's developer guide.
var operations = byName(
	slices.Values([]*operation{
		define("CreateUserPool", UserPoolUpdate, traits{}, (*Emulator).createUserPool),
		define("DescribeUserPool", UserPoolRead, traits{}, (*Emulator).describeUserPool),
		define("ListUserPools", UserPoolRead, traits{}, (*Emulator).listUserPools),
		define("DeleteUserPool", UserPoolUpdate, traits{empty: true}, (*Emulator).deleteUserPool),
		define("AddCustomAttributes", UserPoolResourceUpdate, traits{perPool: true}, (*Emulator).addCustomAttributes),

		define("AdminCreateUser", UserCreation, traits{}, (*Emulator).adminCreateUser),
		define("AdminGetUser", UserRead, traits{user: readsUser}, (*Emulator).adminGetUser),
		define("AdminUpdateUserAttributes", UserUpdate, traits{user: writesUser}, (*Emulator).adminUpdateUserAttributes),
		define("AdminDeleteUserAttributes", UserUpdate, traits{user: writesUser}, (*Emulator).adminDeleteUserAttributes),
		define("AdminEnableUser", UserUpdate, traits{user: writesUser}, (*Emulator).adminEnableUser),
		define("AdminDisableUser", UserUpdate, traits{user: writesUser}, (*Emulator).adminDisableUser),
		define("AdminDeleteUser", UserUpdate, traits{user: writesUser, empty: true}, (*Emulator).adminDeleteUser),
		define("AdminUserGlobalSignOut", UserUpdate, traits{user: writesUser}, (*Emulator).adminUserGlobalSignOut),
		define("AdminSetUserPassword", UserAccountRecovery, traits{user: writesUser}, (*Emulator).adminSetUserPassword),
		define("AdminResetUserPassword", UserAccountRecovery, traits{user: writesUser}, (*Emulator).adminResetUserPassword),
		define("ListUsers", UserList, traits{}, (*Emulator).listUsers),

		define("CreateGroup", UserPoolResourceUpdate, traits{perPool: true}, (*Emulator).createGroup),
		define("GetGroup", UserPoolResourceRead, traits{perPool: true}, (*Emulator).getGroup),
		define("UpdateGroup", UserPoolResourceUpdate, traits{perPool: true}, (*Emulator).updateGroup),
		define("DeleteGroup", UserPoolResourceUpdate, traits{perPool: true, empty: true}, (*Emulator).deleteGroup),
		define("ListGroups", UserPoolResourceRead, traits{perPool: true}, (*Emulator).listGroups),
		define("ListUsersInGroup", UserList, traits{}, (*Emulator).listUsersInGroup),
		define("AdminListGroupsForUser", UserResourceRead, traits{user: readsUser}, (*Emulator).adminListGroupsForUser),
		define("AdminAddUserToGroup", UserUpdate, traits{user: writesUser, empty: true}, (*Emulator).adminAddUserToGroup),
		define("AdminRemoveUserFromGroup", UserUpdate, traits{user: writesUser, empty: true}, (*Emulator).adminRemoveUserFromGroup),

		define("CreateIdentityProvider", UserPoolResourceUpdate, traits{perPool: true}, (*Emulator).createIdentityProvider),
		define("DescribeIdentityProvider", UserPoolResourceRead, traits{perPool: true}, (*Emulator).describeIdentityProvider),
		define("ListIdentityProviders", UserPoolResourceRead, traits{perPool: true}, (*Emulator).listIdentityProviders),
		define("DeleteIdentityProvider", UserPoolResourceUpdate, traits{perPool: true, empty: true}, (*Emulator).deleteIdentityProvider),
		define("AdminLinkProviderForUser", UserUpdate, traits{user: writesUser}, (*Emulator).adminLinkProviderForUser),
		define("AdminDisableProviderForUser", UserUpdate, traits{user: writesUser}, (*Emulator).adminDisableProviderForUser),

		define("CreateUserPoolClient", UserPoolClientUpdate, traits{perPool: true}, (*Emulator).createUserPoolClient),
		define("DescribeUserPoolClient", UserPoolClientRead, traits{perPool: true}, (*Emulator).describeUserPoolClient),
		define("ListUserPoolClients", UserPoolClientRead, traits{perPool: true}, (*Emulator).listUserPoolClients),
		define("UpdateUserPoolClient", UserPoolClientUpdate, traits{perPool: true}, (*Emulator).updateUserPoolClient),
		define("DeleteUserPoolClient", UserPoolClientUpdate, traits{perPool: true, empty: true}, (*Emulator).deleteUserPoolClient),

		define("AdminInitiateAuth", UserAuthentication, traits{}, (*Emulator).adminInitiateAuth),
		define("InitiateAuth", UserAuthentication, traits{public: true}, (*Emulator).initiateAuth),
		define("AdminRespondToAuthChallenge", UserAuthentication, traits{}, (*Emulator).adminRespondToAuthChallenge),
		define("RespondToAuthChallenge", UserAuthentication, traits{public: true}, (*Emulator).respondToAuthChallenge),
		define("GetUser", UserRead, traits{public: true}, (*Emulator).getUser),
		define("UpdateUserAttributes", UserUpdate, traits{public: true}, (*Emulator).updateUserAttributes),
		define("GlobalSignOut", UserUpdate, traits{public: true}, (*Emulator).globalSignOut),
		define("RevokeToken", UserToken, traits{public: true}, (*Emulator).revokeToken),
	}))

func byName(ops func(func(*operation) bool)) map[string]*operation {
	table := map[string]*operation{}
	for op := range ops {
		if table[op.name] != nil {
			panic(fmt.Sprintf("emulator: %s is defined twice", op.name))
		}
		table[op.name] = op
	}
	return table
}
