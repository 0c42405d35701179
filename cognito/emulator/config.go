package emulator

import "time"

// Config says how an emulator behaves. The zero value is a patient, immediate and faultless Cognito in us-east-1.
type Config struct {
	// Region is the AWS region in ARNs, pool ids and issuers. Empty means us-east-1.
	Region string
	// Account is the twelve-digit account in ARNs. Empty means 123456789012.
	Account string
	// Quotas are the request rates beyond which calls are throttled. The zero value never throttles; AWSQuotas is the real table.
	Quotas Quotas
	// Clock is the time base of dates, expiries and quotas; POST /-/clock and Advance shift it. Nil means time.Now.
	Clock func() time.Time
	// Seed makes subs, request ids, tokens and fault draws reproducible, as long as calls come in the same order. 0 means a random seed.
	Seed uint64
	// Latency is how long every call takes before it is applied. 0 means no time at all.
	Latency time.Duration
	// Lag is how long ListUsers and the reads of groups and memberships (GetGroup, ListGroups, ListUsersInGroup,
	// AdminListGroupsForUser) go on seeing what was before a write, by the emulator's clock. Operations on one user, and writes, always
	// see the latest. 0 means that everything is consistent at once.
	Lag time.Duration
	// SparsePages makes ListUsers and ListUsersInGroup begin with an empty page that has a token, and answer at most half of Limit on
	// the pages after it: "may return fewer than Limit" at its worst.
	SparsePages bool
	// Unverified chooses among behaviours that nobody has checked against AWS.
	Unverified Unverified
}

// Unverified chooses where neither Amazon's documentation nor reports settle what Cognito does. The zero value is what is believed;
// each switch turns on the other possibility, so that a client can be tested to survive both.
type Unverified struct {
	// KeepNonEmptyGroups makes DeleteGroup refuse a group that has members (InvalidParameterException), as the developer guide of 2023
	// says; the API reference does not.
	KeepNonEmptyGroups bool
	// GroupLimitIsInvalidParameter makes a user's 101st group an InvalidParameterException instead of a LimitExceededException;
	// neither is modelled as a limit of AdminAddUserToGroup.
	GroupLimitIsInvalidParameter bool
	// FoldGroupNames makes group names count regardless of case.
	FoldGroupNames bool
	// AliasConflictIsUsernameExists makes AdminCreateUser answer UsernameExistsException, as reported, for an alias that is taken; the
	// documentation says AliasExistsException.
	AliasConflictIsUsernameExists bool
	// StealAliasOnUpdate lets AdminUpdateUserAttributes take a verified alias from another user, who is unverified without a word, as
	// reported for alias pools; otherwise it answers AliasExistsException.
	StealAliasOnUpdate bool
	// KeepVerifiedOnDelete leaves email_verified (phone_number_verified) as "false" when the e-mail (phone number) is deleted;
	// otherwise the flag goes, too.
	KeepVerifiedOnDelete bool
	// ResetVerifiedOnSameValue clears a verified flag although the e-mail or phone number is written with the value that it has.
	ResetVerifiedOnSameValue bool
	// EnforceRequired makes AdminCreateUser and AdminUpdateUserAttributes refuse users without a value of a required attribute.
	EnforceRequired bool
	// UnsetAttributeFails makes AdminDeleteUserAttributes refuse an attribute that the user does not have.
	UnsetAttributeFails bool
	// FoldUsernameFilter makes ListUsers compare username regardless of case, as the guide of 2023 says of all searches.
	FoldUsernameFilter bool
	// LinkedSignInIgnoresDisabled lets a linked identity sign in although the profile that it is linked to is disabled.
	LinkedSignInIgnoresDisabled bool
	// LinkedSignInMakesExternal turns a FORCE_CHANGE_PASSWORD profile into EXTERNAL_PROVIDER when a linked identity first signs in.
	LinkedSignInMakesExternal bool
	// ThrottleMessage is the text of TooManyRequestsException. Empty means "Rate exceeded"; "Too many requests" is seen, too.
	ThrottleMessage string
}
