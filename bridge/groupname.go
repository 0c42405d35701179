package bridge

import (
	"strings"
	"unicode"
	"unicode/utf16"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxGroupName is the longest GroupName that Cognito takes, in UTF-16 units (service model: 1 to 128).
const maxGroupName = 128

// groupName returns the GroupName for a displayName: the same bytes when Cognito allows them, else the smallest change
// that makes them legal. Group names carry rights (they are the cognito:groups claim), so nothing else about them is
// touched. suffix is appended to tell two groups apart, "" at first. Usernames have the same rules.
func groupName(displayName, suffix string) string {
	var b strings.Builder
	room := maxGroupName - len(suffix)
	for _, r := range displayName {
		if !legalInGroupName(r) {
			r = '-'
		}
		if room -= utf16.RuneLen(r); room < 0 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + suffix
}

// legalInGroupName is the service model's pattern [\p{L}\p{M}\p{S}\p{N}\p{P}]+: no spaces, no control characters.
func legalInGroupName(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P)
}

// legalUsername reports whether Cognito takes the text as a Username, which has the same pattern and length.
func legalUsername(s string) bool {
	n := 0
	for _, r := range s {
		if !legalInGroupName(r) {
			return false
		}
		n += utf16.RuneLen(r)
	}
	return 1 <= n && n <= maxGroupName
}

// sameRights is the form in which two group names are the same to a careless application: compatibility
// characters and case folded (NFKC). "ａdmins" must not become a group beside "Admins".
func sameRights(name string) string {
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(name)))
}
