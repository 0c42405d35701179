package emulator

import (
	"cmp"
	"crypto/sha256"
	"strings"
	"time"
	"unicode"
)

// passwordPolicy is the model's PasswordPolicyType.
type passwordPolicy struct {
	MinimumLength                 int64   `aws:"PasswordPolicyMinLengthType"`
	RequireUppercase              bool    `aws:"BooleanType"`
	RequireLowercase              bool    `aws:"BooleanType"`
	RequireNumbers                bool    `aws:"BooleanType"`
	RequireSymbols                bool    `aws:"BooleanType"`
	PasswordHistorySize           refused `json:"-"`
	TemporaryPasswordValidityDays int64   `aws:"TemporaryPasswordValidityDaysType"`
}

// password returns the policy of a new pool: what was given, or the defaults of the API.
func (p *poolPolicies) password() passwordPolicy {
	if p == nil || p.PasswordPolicy == nil {
		return passwordPolicy{MinimumLength: 8, RequireUppercase: true, RequireLowercase: true, RequireNumbers: true, RequireSymbols: true, TemporaryPasswordValidityDays: 7}
	}
	policy := *p.PasswordPolicy
	policy.MinimumLength = cmp.Or(policy.MinimumLength, 8)
	policy.TemporaryPasswordValidityDays = cmp.Or(policy.TemporaryPasswordValidityDays, 7)
	return policy
}

// symbols are the special characters that count for RequireSymbols (developer guide, "Password requirements").
const symbols = `^$*.[]{}()?"!@#%&/\,><':;|_~` + "`" + `=+- `

// check returns an InvalidPasswordException that names the first rule broken.
func (p passwordPolicy) check(password string) error {
	rules := []struct {
		required, kept bool
		message        string
	}{
		{true, int64(len([]rune(password))) >= p.MinimumLength, "Password not long enough"},
		{p.RequireUppercase, strings.ContainsFunc(password, unicode.IsUpper), "Password must have uppercase characters"},
		{p.RequireLowercase, strings.ContainsFunc(password, unicode.IsLower), "Password must have lowercase characters"},
		{p.RequireNumbers, strings.ContainsAny(password, digits), "Password must have numeric characters"},
		{p.RequireSymbols, strings.ContainsAny(password, symbols), "Password must have symbol characters"},
	}
	for _, r := range rules {
		if r.required && !r.kept {
			return clientError("InvalidPasswordException", "Password did not conform with password policy: %s", r.message)
		}
	}
	return nil
}

// generate draws a password that any policy of this length accepts.
func (e *Emulator) generate(p passwordPolicy) string {
	n := int(max(p.MinimumLength, 8))
	return e.token(n-4, alphanum) + e.token(1, upper) + e.token(1, lower) + e.token(1, digits) + e.token(1, "!@#%&*")
}

// credentials are what a user signs in with. A password is kept only as a hash.
type credentials struct {
	hash    [sha256.Size]byte
	expires time.Time // of a temporary password; zero is never
}

func hashPassword(u *user, password string) [sha256.Size]byte {
	return sha256.Sum256([]byte(u.sub + "\x00" + password))
}
