package pooltest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito"
)

var searchCases = []testCase{
	{"find users: by what the bridge looks for", findsUser},
	{"find users: a hit is the whole user", findsWholeUser},
	{"find users: several with one value", findsSeveral},
	{"find users: nobody", findsNobody},
	{"find users: any script", findsUnicode},
	{"find users: quotation marks and backslashes", findsQuotes},
	{"find users: an e-mail address in other case", findsByCase},
	{"find users: a username in other case is nobody", findsUsernameByCase},
	{"find users: disabled ones", findsDisabled},
	{"find users: not what was removed or deleted", findsNoMore},
	{"find users: a custom attribute is refused", findsCustom},
	{"find users: an injected filter is a value", findsInjected},
	{"find users: too long a value is refused without a call", findsTooLong},
}

// wantFound checks who is found, which may take as long as searches lag.
func (f *fixture) wantFound(t T, attribute, value string, want ...string) {
	t.Helper()
	slices.Sort(want)
	f.eventually(t, func() error {
		users, err := f.pool.FindUsers(t.Context(), attribute, value)
		if err != nil {
			return fmt.Errorf("finding users by %s: %w", attribute, err)
		}
		if got := usernames(users); !slices.Equal(got, want) {
			return fmt.Errorf("found %v by %s %q, want %v", got, attribute, value, want)
		}
		return nil
	})
}

func findsUser(t T, f *fixture) {
	attributes := map[string]string{
		"email": f.address("a"), "phone_number": "+14255550199", "preferred_username": f.name("p"),
		"name": f.name("n"), "given_name": f.name("g"), "family_name": f.name("f"),
	}
	u := f.user(t, "a", attributes)
	f.user(t, "b", map[string]string{"email": f.address("b")})
	f.wantFound(t, "username", u.Username, u.Username)
	f.wantFound(t, "sub", u.Sub, u.Username)
	delete(attributes, "phone_number") // another user of the pool may have it
	for attribute, value := range attributes {
		f.wantFound(t, attribute, value, u.Username)
	}
}

func findsWholeUser(t T, f *fixture) {
	u := f.user(t, "a", map[string]string{"email": f.address("a"), "email_verified": "true", Attribute: `{"x":"1"}`})
	f.wantFound(t, "email", f.address("a"), u.Username)
	users, err := f.pool.FindUsers(t.Context(), "email", f.address("a"))
	wantNone(t, "finding", err)
	if diff := cmp.Diff([]cognito.User{u}, users); diff != "" {
		t.Errorf("as created and as found (-created +found):\n%s", diff)
	}
}

func findsSeveral(t T, f *fixture) {
	shared := map[string]string{"email": f.address("shared")}
	f.wantFound(t, "email", f.address("shared"))
	a, b := f.user(t, "a", shared), f.user(t, "b", shared)
	f.wantFound(t, "email", f.address("shared"), a.Username, b.Username)
}

func findsNobody(t T, f *fixture) {
	f.user(t, "a", map[string]string{"email": f.address("a")})
	f.wantFound(t, "username", f.name("missing"))
	f.wantFound(t, "username", f.name("")) // a prefix of a name is not the name
	f.wantFound(t, "sub", "00000000-0000-4000-8000-000000000000")
	f.wantFound(t, "email", f.address("missing"))
}

func findsUnicode(t T, f *fixture) {
	name := f.prefix + " Zoë 山田 🎉 Ø"
	u := f.user(t, "Zoë-山田", map[string]string{"name": name})
	f.wantFound(t, "name", name, u.Username)
	f.wantFound(t, "username", u.Username, u.Username)
}

func findsQuotes(t T, f *fixture) {
	for i, name := range []string{`"Ann" O"Lee`, `back\slash`, `ends in \`, `\"both\"`, `"`} {
		name = f.prefix + name
		u := f.user(t, fmt.Sprint(i), map[string]string{"name": name})
		f.wantFound(t, "name", name, u.Username)
	}
}

func findsByCase(t T, f *fixture) {
	u := f.user(t, "a", map[string]string{"email": f.address("a")})
	f.wantFound(t, "email", strings.ToUpper(f.address("a")), u.Username)
}

func findsUsernameByCase(t T, f *fixture) {
	u := f.user(t, "a", nil)
	f.wantFound(t, "username", u.Username, u.Username)
	f.wantFound(t, "username", strings.ToUpper(u.Username))
}

func findsDisabled(t T, f *fixture) {
	u := f.user(t, "a", nil)
	wantNone(t, "disabling", f.pool.DisableUser(t.Context(), u.Username))
	f.eventually(t, func() error {
		users, err := f.pool.FindUsers(t.Context(), "status", "Disabled")
		if err != nil {
			return err
		}
		if !slices.Contains(usernames(users), u.Username) {
			return fmt.Errorf("got %v by status Disabled, want %s among them", usernames(users), u.Username)
		}
		return nil
	})
}

func findsNoMore(t T, f *fixture) {
	a := f.user(t, "a", map[string]string{"email": f.address("a"), "name": f.name("n")})
	b := f.user(t, "b", map[string]string{"name": f.name("n")})
	f.wantFound(t, "name", f.name("n"), a.Username, b.Username)
	wantNone(t, "updating", f.pool.UpdateUser(t.Context(), a.Username, map[string]string{"email": f.address("c"), "name": ""}))
	wantNone(t, "deleting", f.pool.DeleteUser(t.Context(), b.Username))
	f.wantFound(t, "email", f.address("a"))
	f.wantFound(t, "email", f.address("c"), a.Username)
	f.wantFound(t, "name", f.name("n"))
	f.wantFound(t, "username", b.Username)
}

func findsCustom(t T, f *fixture) {
	_, err := f.pool.FindUsers(t.Context(), Attribute, "x")
	wantKind(t, "searching by "+Attribute, err, cognito.Invalid)
}

func findsInjected(t T, f *fixture) {
	f.user(t, "a", map[string]string{"name": f.name("n")})
	f.wantFound(t, "name", f.name("m")+`" or name ^= "scim-test`)
	f.wantFound(t, "name", f.name("m")+`\" or name ^= \"scim-test`)
}

func findsTooLong(t T, f *fixture) {
	value := strings.Repeat("山", 256-len(`name = ""`))
	f.wantFound(t, "name", value)
	_, err := f.pool.FindUsers(t.Context(), "name", value+"x")
	wantKind(t, "a filter of 257 characters", err, cognito.Invalid)
}
