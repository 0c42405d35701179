package pooltest_test

// What the emulators of others are known to do otherwise than Cognito. Each entry is
// checked to be so, for the version that the test demands.

const (
	noPatterns   = "checks neither the characters nor the length of names, nor of descriptions"
	noSchema     = "does not check attributes against the schema"
	noEscapes    = "does not unescape a filter's value"
	caseCounts   = "compares e-mail addresses by case"
	noGroupLimit = "lets a user into any number of groups"
)

// motoDeviations are those of moto 5.2.1.
var motoDeviations = map[string]string{
	"create user: white space in the name is refused":           noPatterns,
	"create user: 129 characters are refused":                   noPatterns,
	"create user: an unknown attribute is refused":              noSchema,
	"create user: a phone number that is not E.164 is refused":  noSchema,
	"create user: 2,049 characters of an attribute are refused": noSchema,
	"read user: by sub": "finds a user by sub only in pools with UsernameAttributes",
	"update user: a new e-mail address is not verified":         "keeps email_verified",
	"update user: an unknown attribute is refused":              noSchema,
	"update user: sub cannot be changed":                        "writes any attribute",
	"find users: quotation marks and backslashes":               noEscapes,
	"find users: an e-mail address in other case":               caseCounts,
	"create group: white space in the name is refused":          noPatterns,
	"create group: 129 characters are refused":                  noPatterns,
	"create group: 2,049 characters of description are refused": noPatterns,
	"members: 100 groups a user, and no more":                   noGroupLimit,
	"pages: a token that means nothing is refused":              "answers a code of its own, InvalidToken",
}

// cognitoLocalDeviations are those of cognito-local 5.3.0.
var cognitoLocalDeviations = map[string]string{
	"create user: white space in the name is refused":           noPatterns,
	"create user: 129 characters are refused":                   noPatterns,
	"create user: an unknown attribute is refused":              noSchema + " on creation",
	"create user: a phone number that is not E.164 is refused":  noSchema + " on creation",
	"create user: 2,049 characters of an attribute are refused": noSchema + " on creation",
	"update user: one that is missing":                          "answers NotAuthorizedException",
	"sign out: may be repeated":                                 "lacks AdminUserGlobalSignOut",
	"sign out: one that is missing":                             "lacks AdminUserGlobalSignOut",
	"set password: one that the policy refuses":                 "has no password policy",
	"find users: quotation marks and backslashes":               noEscapes,
	"find users: an e-mail address in other case":               caseCounts,
	"find users: disabled ones":                                 "finds nobody by status",
	"create group: the name is taken":                           "overwrites the group",
	"create group: white space in the name is refused":          noPatterns,
	"create group: 129 characters are refused":                  noPatterns,
	"create group: 2,049 characters of description are refused": noPatterns,
	"members: 100 groups a user, and no more":                   noGroupLimit,
	"pages: users":            noPages,
	"pages: groups":           noPages,
	"pages: members":          noPages,
	"pages: groups of a user": noPages,
	"pages: a token that means nothing is refused": noPages,
}

const noPages = "lists everything on one page"

// liveLeftOut is what a real pool is spared.
var liveLeftOut = map[string]string{
	"open: a pool that is missing":                  "a policy for one pool denies before it is looked for",
	"custom attributes: one that exists is refused": "needs a right that the program does not",
	"find users: disabled ones":                     "a real pool may have more disabled users than a search reads",
	"pages: users":                                  "a real pool may have very many users",
	"pages: groups":                                 "a real pool may have very many groups",
}
