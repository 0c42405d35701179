package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// style is how a pool names people, which is decided for ever when it is made. Each rule about userName ⇄ Username is
// here; docs/cognito.md has them as a table.
type style struct {
	logins  []string // UsernameAttributes: what people sign in with instead of a username; Username is then the sub
	aliases []string // AliasAttributes: what they sign in with beside it
	exact   bool     // names differ by case
}

func styleOf(info cognito.Info) style {
	return style{logins: info.UsernameAttributes, aliases: info.AliasAttributes, exact: info.CaseSensitive}
}

// fold is the form in which the pool keeps a Username: pools that are not case-sensitive, which is what the AWS console
// makes, keep it in lower case, and search for it byte for byte all the same.
func (s style) fold(username string) string {
	if s.exact {
		return username
	}
	return strings.ToLower(username)
}

// maxUserName is the longest userName, in bytes, of a user whose Username is another: it needs room in custom:scim.
const maxUserName = 512

// wellFormed says which rule a userName breaks whatever else is known of the user.
func (s style) wellFormed(userName string) error {
	switch {
	case len(s.logins) == 0 && len(s.aliases) == 0:
		return checkUserName(userName)
	case len(userName) > maxUserName:
		return &Error{Kind: Invalid, Detail: fmt.Sprintf("userName: it has %d bytes, of at most %d", len(userName), maxUserName)}
	}
	return nil
}

var phoneShaped = regexp.MustCompile(`^\+?[0-9]+$`)

// takes reports whether the pool accepts the userName as a Username. One that is shaped like an alias it refuses
// ("Username cannot be of email format, since user pool is configured for email alias."); what it takes for an e-mail
// address is not documented, so that any @ counts.
func (s style) takes(userName string) bool {
	switch {
	case len(s.logins) > 0 || !legalUsername(userName):
		return false
	case slices.Contains(s.aliases, "email") && strings.Contains(userName, "@"):
		return false
	}
	return !slices.Contains(s.aliases, "phone_number") || !phoneShaped.MatchString(userName)
}

// generatedForm is what generated and numbered make.
var generatedForm = regexp.MustCompile(`^scim\.[0-9a-f]{32}(_[0-9]+)?$`)

// generated is the Username of somebody whose userName cannot be one: always the same, so that two creations cannot both
// succeed, and not shaped like anybody's sub, e-mail address or phone number.
func generated(userName string) string {
	sum := sha256.Sum256([]byte(fold(userName)))
	return "scim." + hex.EncodeToString(sum[:16])
}

// username is what AdminCreateUser is given as Username for a new user with these attributes, at the nth try: see
// numbered. A name that Cognito does not take is none of its business as long as people can sign in by another.
func (s style) username(userName string, n int, attributes map[string]string) (string, error) {
	switch {
	case len(s.logins) > 0:
		return s.login(userName, attributes)
	case s.takes(userName):
		return s.fold(groupName(userName, numbered("", n))), nil // which cuts what has no room for the number
	case len(s.claims(attributes)) > 0:
		return numbered(generated(userName), n), nil
	}
	return "", &Error{Kind: Invalid, Detail: fmt.Sprintf("userName: Cognito does not take it as a username in this user pool (spaces, more than %d characters, "+
		"or in the form of an e-mail address or phone number, which is an alias there), and the user has nothing else to sign in with: send another "+
		"userName, or an e-mail address in emails that the SCIM server may mark as verified", maxGroupName)}
}

// login is the sign-in name of a user in a pool with UsernameAttributes: the userName when it is an address, else the
// user's address.
func (s style) login(userName string, attributes map[string]string) (string, error) {
	var found string
	for _, name := range s.logins {
		if v := attributes[name]; found == "" || v == userName {
			found = v
		}
	}
	switch {
	case found == "":
		return "", &Error{Kind: Invalid, Detail: fmt.Sprintf("userName: this user pool signs people in with %s; send one as userName, or beside another userName", s.words())}
	case !legalUsername(found):
		return "", &Error{Kind: Invalid, Detail: fmt.Sprintf("this user pool signs people in with %s, of at most %d letters, marks, numbers, symbols and punctuation; "+
			"what userName or emails hold is longer, or has other characters", s.words(), schemas.MaxLogin)}
	}
	return found, nil
}

// words are the names of the attributes that people sign in with, for an admin.
func (s style) words() string {
	words := map[string]string{"email": "an e-mail address", "phone_number": "a phone number such as +4930123456"}
	var list []string
	for _, name := range s.logins {
		list = append(list, words[name])
	}
	return strings.Join(list, " or ")
}

// allows says why a user of the pool, who has the attributes have (nil: none that count), cannot have others and this userName
// from now on; Username stays. Whoever has a generated one goes on signing in with an alias.
func (s style) allows(username, userName string, have, want map[string]string, v vouch) error {
	if len(s.logins) > 0 {
		_, err := s.login(userName, want)
		return err
	}
	changed := have == nil
	for _, name := range s.aliases {
		switch same := want[name] == have[name]; {
		case name == "phone_number": // never verified through SCIM
		case want[name] != "" && (same || name == "preferred_username" || v(want[name])):
			return nil
		case !same:
			changed = true
		}
	}
	if !changed || !generatedForm.MatchString(username) {
		return nil
	}
	return &Error{Kind: Invalid, Detail: "the user signs in with aliases alone, because Cognito did not take the userName as a username in this user pool, and would " +
		"have none: send an e-mail address in emails that the SCIM server may mark as verified, or deactivate the user"}
}

// fixed reports whether the name that people sign in with stays when userName changes.
func (s style) fixed() bool { return len(s.logins) == 0 }

// lookUp is how the pool is asked for a userName; ok is false when it cannot be.
func (d *Directory) lookUp(userName string) (attribute, value string, ok bool) {
	switch {
	case len(d.style.logins) > 0:
		attribute = d.mapping.Login(userName)
		return attribute, userName, attribute != ""
	case d.style.takes(userName):
		return "username", d.style.fold(userName), true
	case len(d.style.aliases) > 0:
		return "username", generated(userName), true
	}
	return "", "", false
}

// known reports whether the absence of a userName can be told: not while the mirror is being filled, when the pool keeps it
// where it cannot be searched for.
func (d *Directory) known(userName string) error {
	if _, _, ok := d.lookUp(userName); ok || len(d.style.logins) == 0 || d.warm.Load() {
		return nil
	}
	return d.warming()
}

// notAnID refuses a userName that is another user's id: admin calls take a sub wherever they take a Username, and nobody
// may be named after somebody else's. The pool's answer may be old; of whom we have just created the mirror knows.
func (d *Directory) notAnID(ctx context.Context, userName, own string) error {
	id := strings.ToLower(userName)
	if !IDShaped(id) || id == own {
		return nil
	}
	taken := &Error{Kind: Exists, Detail: "userName is the id of another user; choose another userName"}
	_, err := d.mirror.Get(ctx, store.User, id)
	switch {
	case err == nil:
		return taken
	case !errors.Is(err, store.ErrNotFound):
		return internal(err)
	}
	users, err := d.pool.FindUsers(ctx, "sub", id)
	if err != nil {
		return fromCognito(err)
	}
	if len(users) > 0 {
		return taken
	}
	return nil
}
