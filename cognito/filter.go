package cognito

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxFilter is the longest filter that ListUsers takes, in characters.
const maxFilter = 256

// maxFound bounds how many pages FindUsers reads: a value that more than 300 users
// share is no way to find one.
const maxFound = 5

// filterEscapes: quotation marks in a filter's value are escaped with a backslash
// (ListUsers), so a backslash must be, too.
var filterEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// FindUsers looks for the users whose attribute has a value: username, sub, email,
// phone_number, name, given_name, family_name, preferred_username,
// cognito:user_status or status (ListUsers). It is one call, or a few when Cognito
// spreads the answer over pages.
//
// The answer is a hint: it is eventually consistent and can even match a value that
// was removed, and whether case counts depends on attribute and pool. The caller
// compares the hits. Invalid: Cognito cannot search by the attribute; or attribute
// and value are longer than its 256 characters, which no call is made for.
func (p *Pool) FindUsers(ctx context.Context, attribute, value string) ([]User, error) {
	filter := attribute + ` = "` + filterEscapes.Replace(value) + `"`
	if n := utf8.RuneCountInString(filter); n > maxFilter {
		return nil, &Error{Op: listUsers.name, Kind: Invalid,
			Message: fmt.Sprintf("a search by %s takes %d characters, of %d that Cognito allows", attribute, n, maxFilter)}
	}
	var found []User
	token := ""
	for range maxFound {
		users, next, err := p.listUsers(ctx, filter, token)
		if err != nil {
			return nil, err
		}
		found = append(found, users...)
		if next == "" {
			break
		}
		token = next
	}
	return found, nil
}
