package cognito

// Category is one of Cognito's request-rate categories: every operation counts
// against exactly one, for the whole account and region, over all pools (AWS:
// "Quotas in Amazon Cognito", API request rate quotas).
type Category string

// The categories of the calls this package makes, with the methods in each.
const (
	UserCreation           Category = "UserCreation"           // CreateUser
	UserRead               Category = "UserRead"               // User
	UserUpdate             Category = "UserUpdate"             // UpdateUser, EnableUser, DisableUser, SignOut, DeleteUser, AddMember, RemoveMember, LinkUser, Unlink
	UserList               Category = "UserList"               // FindUsers, UsersPage, MembersPage
	UserResourceRead       Category = "UserResourceRead"       // UserGroupsPage
	UserAccountRecovery    Category = "UserAccountRecovery"    // SetPassword
	UserPoolRead           Category = "UserPoolRead"           // Describe
	UserPoolResourceRead   Category = "UserPoolResourceRead"   // Group, GroupsPage, Provider, ProvidersPage
	UserPoolResourceUpdate Category = "UserPoolResourceUpdate" // CreateGroup, UpdateGroup, DeleteGroup, AddCustomAttributes
	UserPoolClientRead     Category = "UserPoolClientRead"     // Client, ClientsPage
)

// effect says what repeating an operation can do.
type effect uint8

const (
	reads   effect = iota // changes nothing: its outcome is never unknown
	sets                  // repeating it leaves the same state
	creates               // repeated after it was applied: "exists"
	deletes               // repeated after it was applied: "not found", which is success
)

// operation is one row of what the funnel must know about a Cognito call.
type operation struct {
	name     string // as in X-Amz-Target
	category Category
	effect   effect
	paced    bool // limited to Quotas.Operation requests a second in each pool, too
	group    bool // names a group: ResourceNotFoundException may be about it
	provider bool // names an identity provider: likewise
	client   bool // names an app client: likewise
}

var (
	describeUserPool    = operation{name: "DescribeUserPool", category: UserPoolRead}
	addCustomAttributes = operation{name: "AddCustomAttributes", category: UserPoolResourceUpdate, effect: creates, paced: true}

	adminCreateUser           = operation{name: "AdminCreateUser", category: UserCreation, effect: creates}
	adminGetUser              = operation{name: "AdminGetUser", category: UserRead}
	adminUpdateUserAttributes = operation{name: "AdminUpdateUserAttributes", category: UserUpdate, effect: sets}
	adminEnableUser           = operation{name: "AdminEnableUser", category: UserUpdate, effect: sets}
	adminDisableUser          = operation{name: "AdminDisableUser", category: UserUpdate, effect: sets}
	adminUserGlobalSignOut    = operation{name: "AdminUserGlobalSignOut", category: UserUpdate, effect: sets}
	adminDeleteUser           = operation{name: "AdminDeleteUser", category: UserUpdate, effect: deletes}
	adminSetUserPassword      = operation{name: "AdminSetUserPassword", category: UserAccountRecovery, effect: sets}
	listUsers                 = operation{name: "ListUsers", category: UserList}

	createGroup = operation{name: "CreateGroup", category: UserPoolResourceUpdate, effect: creates, paced: true}
	getGroup    = operation{name: "GetGroup", category: UserPoolResourceRead, paced: true, group: true}
	updateGroup = operation{name: "UpdateGroup", category: UserPoolResourceUpdate, effect: sets, paced: true, group: true}
	deleteGroup = operation{name: "DeleteGroup", category: UserPoolResourceUpdate, effect: deletes, paced: true, group: true}
	listGroups  = operation{name: "ListGroups", category: UserPoolResourceRead, paced: true}

	adminAddUserToGroup      = operation{name: "AdminAddUserToGroup", category: UserUpdate, effect: sets, group: true}
	adminRemoveUserFromGroup = operation{name: "AdminRemoveUserFromGroup", category: UserUpdate, effect: sets, group: true}
	listUsersInGroup         = operation{name: "ListUsersInGroup", category: UserList, group: true}
	adminListGroupsForUser   = operation{name: "AdminListGroupsForUser", category: UserResourceRead}

	adminLinkProviderForUser    = operation{name: "AdminLinkProviderForUser", category: UserUpdate, effect: creates, provider: true}
	adminDisableProviderForUser = operation{name: "AdminDisableProviderForUser", category: UserUpdate, effect: deletes, provider: true}
	listIdentityProviders       = operation{name: "ListIdentityProviders", category: UserPoolResourceRead, paced: true}
	describeIdentityProvider    = operation{name: "DescribeIdentityProvider", category: UserPoolResourceRead, paced: true, provider: true}

	listUserPoolClients    = operation{name: "ListUserPoolClients", category: UserPoolClientRead, paced: true}
	describeUserPoolClient = operation{name: "DescribeUserPoolClient", category: UserPoolClientRead, paced: true, client: true}
)
