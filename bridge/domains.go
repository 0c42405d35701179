package bridge

import (
	"slices"
	"strconv"
	"strings"
)

// vouch says whether an e-mail address may be marked as verified. Whoever holds a verified address can sign in with it in
// pools that have e-mail as an alias, resets the password by it, and is who it says for applications that trust the
// email_verified claim: an identity provider should vouch for its own domains only.
type vouch func(address string) bool

// voucher vouches for addresses in the domains, without their subdomains; for all when there are none.
func voucher(domains []string) vouch {
	return func(address string) bool {
		domain := address[strings.LastIndexByte(address, '@')+1:]
		return len(domains) == 0 || slices.ContainsFunc(domains, func(each string) bool { return strings.EqualFold(each, domain) })
	}
}

// mark sends email_verified along with an e-mail address, in the same call: otherwise Cognito resets it, and may send the
// person a message. Without an address Cognito refuses it.
func (v vouch) mark(set map[string]string) map[string]string {
	if set["email"] != "" {
		set["email_verified"] = strconv.FormatBool(v(set["email"]))
	}
	return set
}

// heldBack refuses a plan whose new e-mail address the pool would keep back until somebody has verified it
// (AttributesRequireVerificationBeforeUpdate): until then the present one counts.
func (d *Directory) heldBack(plan Plan, present string) error {
	if !slices.Contains(d.pool.Info().VerifyBeforeUpdate, "email") {
		return nil
	}
	for _, s := range plan {
		if s.Op == UpdateUser && s.Set["email_verified"] == "false" && !sameName(s.Set["email"], present) {
			return &Error{Kind: Invalid, Detail: "emails: the user pool does not take a new e-mail address before it is verified, and this one is outside " +
				"the domains for which the SCIM server may say so (domains)"}
		}
	}
	return nil
}
