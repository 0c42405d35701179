package pooltest

import (
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito"
)

var openCases = []testCase{
	{"open: the pool describes itself", describes},
	{"open: a pool that is missing", opensMissing},
	{"custom attributes: one that exists is refused", addsAttributeTwice},
}

var userCases = []testCase{
	{"create user: what was given is there", createsUser},
	{"create user: the name is taken", createsUserTwice},
	{"create user: a name that differs by case is another", createsUserByCase},
	{"create user: white space in the name is refused", createsUserWithSpace},
	{"create user: 128 characters of any script", createsUserLongName},
	{"create user: 129 characters are refused", createsUserTooLongName},
	{"create user: an unknown attribute is refused", createsUserUnknownAttribute},
	{"create user: a phone number that is not E.164 is refused", createsUserBadPhone},
	{"create user: 2,048 characters of an attribute", createsUserLongAttribute},
	{"create user: 2,049 characters of an attribute are refused", createsUserTooLongAttribute},
	{"read user: by name", readsUser},
	{"read user: by sub", readsUserBySub},
	{"update user: sets what is named and keeps the rest", updatesUser},
	{"update user: blank removes", updatesUserBlank},
	{"update user: a new e-mail address is not verified", updatesEmail},
	{"update user: a new e-mail address, verified in the same call", updatesEmailVerified},
	{"update user: an unknown attribute is refused", updatesUnknownAttribute},
	{"update user: sub cannot be changed", updatesSub},
	{"update user: one that is missing", updatesMissing},
	{"disable and enable user: may be repeated", disablesUser},
	{"disable and enable user: one that is missing", disablesMissing},
	{"sign out: may be repeated", signsOut},
	{"sign out: one that is missing", signsOutMissing},
	{"set password: for good and until the next sign-in", setsPassword},
	{"set password: one that the policy refuses", setsWeakPassword},
	{"set password: of one that is missing", setsPasswordMissing},
	{"delete user: twice", deletesUser},
	{"delete user: the name can be used again, by another sub", recreatesUser},
}

func describes(t T, f *fixture) {
	info, err := f.pool.Describe(t.Context())
	if err != nil {
		t.Fatalf("%v", err)
	}
	if info.ID != f.config.PoolID || info.Name == "" || info.Created.IsZero() || len(info.UsernameAttributes) > 0 || !info.CaseSensitive {
		t.Errorf("got %+v, want pool %s with a name, a date, names of its own, in which case counts", info, f.config.PoolID)
	}
	want := cognito.AttributeInfo{Type: "String", Mutable: true, MaxLength: 2048}
	if got := info.Attributes[Attribute]; got != want {
		t.Errorf("got %s as %+v, want %+v", Attribute, got, want)
	}
	if !f.pool.Info().Created.Equal(info.Created) {
		t.Errorf("the pool's date changed from %s to %s", f.pool.Info().Created, info.Created)
	}
}

func opensMissing(t T, f *fixture) {
	cfg := f.config
	region, _, _ := strings.Cut(cfg.PoolID, "_")
	cfg.PoolID = region + "_Missing00"
	_, err := cognito.Open(t.Context(), cfg)
	wantKind(t, "opening a pool that is missing", err, cognito.PoolNotFound)
}

func addsAttributeTwice(t T, f *fixture) {
	err := f.pool.AddCustomAttributes(t.Context(), strings.TrimPrefix(Attribute, "custom:"))
	wantKind(t, "adding "+Attribute+" again", err, cognito.Invalid)
}

func createsUser(t T, f *fixture) {
	given := map[string]string{
		"email": f.address("a"), "email_verified": "true", "given_name": "Zoë 山田", "phone_number": "+14255550100",
		Attribute: `{"e":"0\"1"}`, "nickname": "",
	}
	user := f.user(t, "a", given)
	want := maps.Clone(given)
	delete(want, "nickname") // blank: not given
	if diff := cmp.Diff(want, user.Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if user.Username != f.name("a") || len(user.Sub) != 36 || user.Status != "FORCE_CHANGE_PASSWORD" || !user.Enabled ||
		user.Created.IsZero() || user.Modified.IsZero() {
		t.Errorf("got %+v, want the username, a sub, FORCE_CHANGE_PASSWORD, enabled and dates", user)
	}
}

func createsUserTwice(t T, f *fixture) {
	f.user(t, "a", nil)
	_, err := f.tryUser(t.Context(), f.name("a"), nil)
	wantKind(t, "creating the user again", err, cognito.Exists)
}

func createsUserByCase(t T, f *fixture) {
	one := f.user(t, "a", nil)
	two := f.user(t, "A", nil)
	if one.Sub == two.Sub {
		t.Errorf("two users have the sub %s", one.Sub)
	}
}

func createsUserWithSpace(t T, f *fixture) {
	_, err := f.tryUser(t.Context(), f.name("a b"), nil)
	wantKind(t, "a name with a space", err, cognito.Invalid)
}

// longest fills a name up to the 128 characters that Cognito allows.
func longest(name string) string {
	return name + strings.Repeat("ß", 128-utf8.RuneCountInString(name))
}

func createsUserLongName(t T, f *fixture) {
	long := longest(f.name("山田.O'Brien+x@例え.jp"))
	user, err := f.tryUser(t.Context(), long, nil)
	if err != nil || user.Username != long {
		t.Errorf("got user %q and error %v, want %q", user.Username, err, long)
	}
}

func createsUserTooLongName(t T, f *fixture) {
	_, err := f.tryUser(t.Context(), longest(f.name("a"))+"ß", nil)
	wantKind(t, "a name of 129 characters", err, cognito.Invalid)
}

func createsUserUnknownAttribute(t T, f *fixture) {
	_, err := f.tryUser(t.Context(), f.name("a"), map[string]string{"custom:unheard_of": "x"})
	wantKind(t, "an unknown attribute", err, cognito.Invalid)
}

func createsUserBadPhone(t T, f *fixture) {
	_, err := f.tryUser(t.Context(), f.name("a"), map[string]string{"phone_number": "(425) 555-0100"})
	wantKind(t, "a phone number that is not E.164", err, cognito.Invalid)
}

func createsUserLongAttribute(t T, f *fixture) {
	long := strings.Repeat("x", 2048)
	if got := f.user(t, "a", map[string]string{Attribute: long}).Attributes[Attribute]; got != long {
		t.Errorf("got %d characters, want 2048", len(got))
	}
}

func createsUserTooLongAttribute(t T, f *fixture) {
	_, err := f.tryUser(t.Context(), f.name("a"), map[string]string{Attribute: strings.Repeat("x", 2049)})
	wantKind(t, "2,049 characters", err, cognito.Invalid)
}

func readsUser(t T, f *fixture) {
	made := f.user(t, "a", map[string]string{"email": f.address("a"), Attribute: "x"})
	got, err := f.pool.User(t.Context(), made.Username)
	wantNone(t, "reading a user", err)
	if diff := cmp.Diff(made, got); diff != "" {
		t.Errorf("as created and as read (-created +read):\n%s", diff)
	}
	_, err = f.pool.User(t.Context(), f.name("missing"))
	wantKind(t, "reading a user who is missing", err, cognito.NotFound)
}

func readsUserBySub(t T, f *fixture) {
	made := f.user(t, "a", nil)
	got, err := f.pool.User(t.Context(), made.Sub)
	wantNone(t, "reading a user by sub", err)
	if got.Username != made.Username {
		t.Errorf("got user %q, want %q", got.Username, made.Username)
	}
}

// attributes reads what a user has, without blank ones: some emulators keep a removed
// attribute with a blank value.
func (f *fixture) attributes(t T, username string) map[string]string {
	t.Helper()
	user, err := f.pool.User(t.Context(), username)
	if err != nil {
		t.Fatalf("reading user %s: %v", username, err)
	}
	maps.DeleteFunc(user.Attributes, func(_, value string) bool { return value == "" })
	return user.Attributes
}

func updatesUser(t T, f *fixture) {
	u := f.user(t, "a", map[string]string{"given_name": "Ann", "family_name": "Lee"})
	wantNone(t, "updating", f.pool.UpdateUser(t.Context(), u.Username, map[string]string{"given_name": "Zoë", Attribute: "x"}))
	want := map[string]string{"given_name": "Zoë", "family_name": "Lee", Attribute: "x"}
	if diff := cmp.Diff(want, f.attributes(t, u.Username)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

func updatesUserBlank(t T, f *fixture) {
	u := f.user(t, "a", map[string]string{"given_name": "Ann", Attribute: "x"})
	wantNone(t, "removing", f.pool.UpdateUser(t.Context(), u.Username, map[string]string{Attribute: ""}))
	wantNone(t, "removing again", f.pool.UpdateUser(t.Context(), u.Username, map[string]string{Attribute: ""}))
	if diff := cmp.Diff(map[string]string{"given_name": "Ann"}, f.attributes(t, u.Username)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

func updatesEmail(t T, f *fixture) {
	u := f.user(t, "a", map[string]string{"email": f.address("a"), "email_verified": "true"})
	wantNone(t, "updating", f.pool.UpdateUser(t.Context(), u.Username, map[string]string{"email": f.address("b")}))
	want := map[string]string{"email": f.address("b"), "email_verified": "false"}
	if diff := cmp.Diff(want, f.attributes(t, u.Username)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

func updatesEmailVerified(t T, f *fixture) {
	u := f.user(t, "a", map[string]string{"email": f.address("a")})
	want := map[string]string{"email": f.address("b"), "email_verified": "true"}
	wantNone(t, "updating", f.pool.UpdateUser(t.Context(), u.Username, want))
	if diff := cmp.Diff(want, f.attributes(t, u.Username)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

func updatesUnknownAttribute(t T, f *fixture) {
	u := f.user(t, "a", map[string]string{"given_name": "Ann"})
	err := f.pool.UpdateUser(t.Context(), u.Username, map[string]string{"given_name": "Zoë", "custom:unheard_of": "x"})
	wantKind(t, "an unknown attribute", err, cognito.Invalid)
	if got := f.attributes(t, u.Username)["given_name"]; got != "Ann" {
		t.Errorf("got given_name %q after a call that was refused, want %q", got, "Ann")
	}
}

func updatesSub(t T, f *fixture) {
	u := f.user(t, "a", nil)
	wantKind(t, "changing sub", f.pool.UpdateUser(t.Context(), u.Username, map[string]string{"sub": u.Sub}), cognito.Immutable)
}

func updatesMissing(t T, f *fixture) {
	err := f.pool.UpdateUser(t.Context(), f.name("missing"), map[string]string{"given_name": "Zoë"})
	wantKind(t, "updating a user who is missing", err, cognito.NotFound)
}

func disablesUser(t T, f *fixture) {
	u := f.user(t, "a", nil)
	for _, step := range []struct {
		what    string
		do      func() error
		enabled bool
	}{
		{"disabling", func() error { return f.pool.DisableUser(t.Context(), u.Username) }, false},
		{"disabling again", func() error { return f.pool.DisableUser(t.Context(), u.Username) }, false},
		{"enabling", func() error { return f.pool.EnableUser(t.Context(), u.Username) }, true},
		{"enabling again", func() error { return f.pool.EnableUser(t.Context(), u.Username) }, true},
	} {
		wantNone(t, step.what, step.do())
		got, err := f.pool.User(t.Context(), u.Username)
		if err != nil || got.Enabled != step.enabled || got.Status != u.Status {
			t.Errorf("after %s: got enabled %v, status %s, error %v; want enabled %v, status %s", step.what, got.Enabled, got.Status, err, step.enabled, u.Status)
		}
	}
}

func disablesMissing(t T, f *fixture) {
	wantKind(t, "disabling", f.pool.DisableUser(t.Context(), f.name("missing")), cognito.NotFound)
	wantKind(t, "enabling", f.pool.EnableUser(t.Context(), f.name("missing")), cognito.NotFound)
}

func signsOut(t T, f *fixture) {
	u := f.user(t, "a", nil)
	wantNone(t, "signing out", f.pool.SignOut(t.Context(), u.Username))
	wantNone(t, "signing out again", f.pool.SignOut(t.Context(), u.Username))
}

func signsOutMissing(t T, f *fixture) {
	wantKind(t, "signing out", f.pool.SignOut(t.Context(), f.name("missing")), cognito.NotFound)
}

func setsPassword(t T, f *fixture) {
	u := f.user(t, "a", nil)
	for permanent, want := range map[bool]string{true: "CONFIRMED", false: "FORCE_CHANGE_PASSWORD"} {
		wantNone(t, "setting a password", f.pool.SetPassword(t.Context(), u.Username, password, permanent))
		got, err := f.pool.User(t.Context(), u.Username)
		if err != nil || got.Status != want {
			t.Errorf("permanent %v: got status %q and error %v, want %q", permanent, got.Status, err, want)
		}
	}
}

func setsWeakPassword(t T, f *fixture) {
	u := f.user(t, "a", nil)
	err := f.pool.SetPassword(t.Context(), u.Username, "weak", true)
	wantKind(t, "a weak password", err, cognito.Password)
	if err != nil && strings.Contains(err.Error(), "weak") {
		t.Errorf("the error holds the password: %v", err)
	}
}

func setsPasswordMissing(t T, f *fixture) {
	wantKind(t, "setting a password", f.pool.SetPassword(t.Context(), f.name("missing"), password, true), cognito.NotFound)
}

func deletesUser(t T, f *fixture) {
	u := f.user(t, "a", nil)
	wantNone(t, "deleting", f.pool.DeleteUser(t.Context(), u.Username))
	wantKind(t, "deleting again", f.pool.DeleteUser(t.Context(), u.Username), cognito.NotFound)
	_, err := f.pool.User(t.Context(), u.Username)
	wantKind(t, "reading", err, cognito.NotFound)
}

func recreatesUser(t T, f *fixture) {
	before := f.user(t, "a", map[string]string{"given_name": "Ann"})
	wantNone(t, "deleting", f.pool.DeleteUser(t.Context(), before.Username))
	after := f.user(t, "a", nil)
	if after.Sub == before.Sub || len(after.Attributes) > 0 {
		t.Errorf("got sub %s and attributes %v, want another sub than %s and none", after.Sub, after.Attributes, before.Sub)
	}
}
