package bridge

import (
	"fmt"
	"slices"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// Op is a Cognito operation that changes something, by its own name.
type Op string

// The operations that a plan is made of.
const (
	CreateUser   Op = "AdminCreateUser"
	UpdateUser   Op = "AdminUpdateUserAttributes"
	DisableUser  Op = "AdminDisableUser"
	SignOut      Op = "AdminUserGlobalSignOut"
	EnableUser   Op = "AdminEnableUser"
	SetPassword  Op = "AdminSetUserPassword"
	LeaveGroups  Op = "AdminListGroupsForUser" // and AdminRemoveUserFromGroup for each; before it goes what links there are
	DeleteUser   Op = "AdminDeleteUser"
	CreateGroup  Op = "CreateGroup"
	UpdateGroup  Op = "UpdateGroup"
	DeleteGroup  Op = "DeleteGroup"
	AddMember    Op = "AdminAddUserToGroup"
	RemoveMember Op = "AdminRemoveUserFromGroup"
	LinkUser     Op = "AdminLinkProviderForUser"
	// UnlinkUser reads the user first, so that nobody else's link is taken away, and ends the user's sessions.
	UnlinkUser Op = "AdminDisableProviderForUser"
	// StopProfile reads the federated profile that somebody may have beside the user, and StopProfiles searches for it: when
	// there is one, AdminDisableUser and AdminUserGlobalSignOut follow.
	StopProfile  Op = "AdminGetUser"
	StopProfiles Op = "ListUsers"
)

// Step is one Cognito call.
type Step struct {
	Op    Op
	User  string            // Username; of StopProfile that of the user beside the profile
	Group string            // GroupName
	Set   map[string]string // attributes of a user ("" unsets one); of a group its "Description"
	Link  *link             // of the steps about signing in

	unclaimed bool            // of UpdateUser: it could not be seen yet whether its aliases are somebody else's
	secret    secret          // of SetPassword
	invite    cognito.Courier // of CreateUser: who brings the invitation; "" for none
}

// String names the call and whom it is about, never a value.
func (s Step) String() string {
	switch {
	case s.Op == StopProfile:
		return fmt.Sprintf("%s(%s)", s.Op, s.Link.profileName())
	case s.User != "" && s.Group != "":
		return fmt.Sprintf("%s(%s, %s)", s.Op, s.Group, s.User)
	case s.User != "":
		return fmt.Sprintf("%s(%s)", s.Op, s.User)
	default:
		return fmt.Sprintf("%s(%s)", s.Op, s.Group)
	}
}

// Plan is the ordered calls that turn what is into what is asked. Membership steps, which come last, depend on each
// other in nothing and are made concurrently.
type Plan []Step

// calls is what a plan takes of each quota.
func (p Plan) calls() map[cognito.Category]int {
	n := map[cognito.Category]int{}
	for _, s := range p {
		switch s.Op {
		case CreateUser:
			n[cognito.UserCreation]++
		case SetPassword:
			n[cognito.UserAccountRecovery]++
		case CreateGroup, UpdateGroup, DeleteGroup:
			n[cognito.UserPoolResourceUpdate]++
		case StopProfile:
			n[cognito.UserRead]++
		case LinkUser:
			if s.Link.Seen {
				n[cognito.UserRead]++
			} else {
				n[cognito.UserUpdate]++
			}
		case StopProfiles:
			n[cognito.UserList]++
		case LeaveGroups:
			n[cognito.UserResourceRead]++
		default:
			n[cognito.UserUpdate]++
		}
	}
	return n
}

// priority is that of its calls, the lowest.
func (p Plan) priority() cognito.Priority {
	for _, s := range p {
		switch s.Op {
		case DisableUser, SignOut, StopProfile, StopProfiles, LeaveGroups, RemoveMember, DeleteUser, DeleteGroup:
		default:
			return cognito.Write
		}
	}
	return cognito.Deprovision
}

// has reports whether the plan has a step of an operation.
func (p Plan) has(op Op) bool {
	return slices.ContainsFunc(p, func(s Step) bool { return s.Op == op })
}

// without is the plan less the steps of an operation.
func (p Plan) without(op Op) Plan {
	return slices.DeleteFunc(slices.Clone(p), func(s Step) bool { return s.Op == op })
}

// description is the key of a group's Description in Step.Set.
const description = "Description"

// status is what a request says about a user's active.
type status uint8

const (
	unsaid status = iota
	saysActive
	saysInactive
)

func statusOf(r schemas.Resource) status {
	switch r["active"] {
	case true:
		return saysActive
	case false:
		return saysInactive
	}
	return unsaid
}

// planCreateUser: a user is created enabled, so an inactive one takes a second call.
func planCreateUser(username string, want map[string]string, s status, v vouch) Plan {
	plan := Plan{{Op: CreateUser, User: username, Set: v.mark(want)}}
	if s == saysInactive {
		plan = append(plan, Step{Op: DisableUser, User: username})
	}
	return plan
}

// planUser changes a user. A deactivation comes first and is always sent, whatever the mirror believes: a leaver must be
// out before a profile is tidied. A reactivation comes last.
//
// unsure names what of is nobody knows for certain: it is always sent.
func planUser(is schemas.PoolUser, want map[string]string, s status, unsure doubt, v vouch) Plan {
	var plan Plan
	if s == saysInactive {
		plan = append(plan, Step{Op: DisableUser, User: is.Username}, Step{Op: SignOut, User: is.Username})
	}
	set := changes(is.Attributes, want)
	for _, name := range unsure.attributes {
		set[name] = want[name]
	}
	if len(set) > 0 {
		plan = append(plan, Step{Op: UpdateUser, User: is.Username, Set: v.mark(set)})
	}
	if s == saysActive && (!is.Enabled || unsure.enabled) {
		plan = append(plan, Step{Op: EnableUser, User: is.Username})
	}
	return plan
}

// doubt is what of a user in the pool is not certain: a call about it may have been applied although its answer says
// otherwise, or the pool holds it in another form than ours.
type doubt struct {
	attributes []string
	enabled    bool
}

// changes returns what to set so that is becomes want; "" unsets.
func changes(is, want map[string]string) map[string]string {
	set := map[string]string{}
	for name, v := range want {
		if is[name] != v {
			set[name] = v
		}
	}
	for name, v := range is {
		if _, wanted := want[name]; !wanted && v != "" {
			set[name] = ""
		}
	}
	return set
}

// groupChange is what shall change about a group.
type groupChange struct {
	Name        string
	Create      bool
	Description string   // the new one; "" leaves the one there is
	Remove, Add []string // Usernames
}

// planGroup creates or relabels a group and changes its memberships: those who leave go before the others come, since
// leaving takes rights away and makes room under the limit of groups a user.
func planGroup(c groupChange) Plan {
	var plan Plan
	set := map[string]string{description: c.Description}
	switch {
	case c.Create:
		plan = append(plan, Step{Op: CreateGroup, Group: c.Name, Set: set})
	case c.Description != "":
		plan = append(plan, Step{Op: UpdateGroup, Group: c.Name, Set: set})
	}
	for _, user := range c.Remove {
		plan = append(plan, Step{Op: RemoveMember, Group: c.Name, User: user})
	}
	for _, user := range c.Add {
		plan = append(plan, Step{Op: AddMember, Group: c.Name, User: user})
	}
	return plan
}
