package emulator_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// tryCreate is create for those that are expected to fail.
func tryCreate(t *testing.T, c *idp.Client, name string, force bool, pairs ...string) error {
	t.Helper()
	_, err := c.AdminCreateUser(t.Context(), &idp.AdminCreateUserInput{
		UserPoolId: aws.String(poolID), Username: &name, UserAttributes: attributes(pairs...), ForceAliasCreation: force, MessageAction: types.MessageActionTypeSuppress,
	})
	return err
}

func wantNoUser(t *testing.T, c *idp.Client, name string) {
	t.Helper()
	_, err := c.AdminGetUser(t.Context(), &idp.AdminGetUserInput{UserPoolId: aws.String(poolID), Username: &name})
	wantError(t, err, "UserNotFoundException", "User does not exist.")
}

func TestPlainPool(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	create(t, c, "ada@example.com", "email", "ada@example.com", "email_verified", "true")
	create(t, c, "Ada@example.com", "email", "ada@example.com", "email_verified", "true") // case-sensitive, and e-mails may repeat
	wantNoUser(t, c, "ADA@example.com")
	create(t, c, "grace", "email", "grace@example.com", "email_verified", "true")
	wantNoUser(t, c, "grace@example.com")
}

// TestCaseInsensitivePool checks that names lose their capitals for good, and that other attributes keep them.
func TestCaseInsensitivePool(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{CaseInsensitive: true, AliasAttributes: []string{"preferred_username"}})
	made := create(t, c, "Ada", "email", "Ada@Example.com", "preferred_username", "Countess", "name", "Ada Lovelace")
	for name, want := range map[string]string{"email": "ada@example.com", "preferred_username": "countess", "name": "Ada Lovelace"} {
		if got := value(made.Attributes, name); got != want {
			t.Errorf("got %s %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"ada", "ADA", "COUNTESS"} {
		if got := *get(t, c, name).Username; got != "ada" {
			t.Errorf("%s: got username %s, want ada", name, got)
		}
	}
	wantError(t, tryCreate(t, c, "aDa", false), "UsernameExistsException", "User account already exists")
}

func TestAliasPool(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{AliasAttributes: []string{"email", "phone_number", "preferred_username"}})
	wantError(t, tryCreate(t, c, "ada@example.com", false), "InvalidParameterException", "Username cannot be of email format, since user pool is configured for email alias.")
	wantError(t, tryCreate(t, c, "+14255550100", false), "InvalidParameterException", "Username cannot be of phone number format")
	create(t, c, "ada", "email", "ada@example.com", "email_verified", "true", "preferred_username", "countess")
	create(t, c, "eve", "email", "ada@example.com") // unverified: no conflict, and no alias
	for _, name := range []string{"ada@example.com", "countess"} {
		if got := *get(t, c, name).Username; got != "ada" {
			t.Errorf("%s: got %s, want ada", name, got)
		}
	}
	wantError(t, tryCreate(t, c, "mallory", false, "email", "ada@example.com", "email_verified", "true"), "AliasExistsException", "An account with the given email already exists.")
	wantError(t, tryCreate(t, c, "countess", false), "UsernameExistsException", "User account already exists")
	wantError(t, tryCreate(t, c, "mallory", true, "preferred_username", "countess"), "AliasExistsException", "An account with the given preferred_username already exists.")
	wantError(t, tryCreate(t, c, "mallory", false, "preferred_username", "eve"), "AliasExistsException", "An account with the given preferred_username already exists.")
	_, err := c.AdminUpdateUserAttributes(t.Context(), &idp.AdminUpdateUserAttributesInput{UserPoolId: aws.String(poolID), Username: aws.String("eve"), UserAttributes: attributes("email_verified", "true")})
	wantError(t, err, "AliasExistsException", "An account with the given email already exists.")

	wantError(t, tryCreate(t, c, "mallory", true, "email", "ada@example.com", "email_verified", "true", "preferred_username", "countess"), "AliasExistsException", "An account with the given preferred_username already exists.")
	if got := *get(t, c, "ada@example.com").Username; got != "ada" {
		t.Errorf("after a refused ForceAliasCreation: got %s, want ada: all or nothing", got)
	}
	if err := tryCreate(t, c, "mallory", true, "email", "ada@example.com", "email_verified", "true"); err != nil {
		t.Fatal(err)
	}
	if got := *get(t, c, "ada@example.com").Username; got != "mallory" {
		t.Errorf("after ForceAliasCreation: got %s, want mallory", got)
	}
	if got := value(get(t, c, "ada").UserAttributes, "email_verified"); got != "false" {
		t.Errorf("of the one who lost the alias: got email_verified %s, want false", got)
	}
	if err := update(t, c, "preferred_username", ""); err != nil {
		t.Fatal(err)
	}
	wantNoUser(t, c, "countess")
}

func TestAliasSwitches(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{Unverified: emulator.Unverified{AliasConflictIsUsernameExists: true, StealAliasOnUpdate: true}}, emulator.PoolConfig{AliasAttributes: []string{"email"}})
	create(t, c, "grace", "email", "g@example.com", "email_verified", "true")
	wantError(t, tryCreate(t, c, "ada", false, "email", "g@example.com", "email_verified", "true"), "UsernameExistsException", "An account with the given email already exists.")
	create(t, c, "ada", "email", "g@example.com")
	if err := update(t, c, "email_verified", "true"); err != nil {
		t.Fatal(err)
	}
	if got := *get(t, c, "g@example.com").Username; got != "ada" {
		t.Errorf("got %s, want ada: the alias is stolen", got)
	}
	if got := value(get(t, c, "grace").UserAttributes, "email_verified"); got != "false" {
		t.Errorf("got email_verified %s of the victim, want false", got)
	}
}

func TestUsernameAttributesPool(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		names   []string
		refused string
		message string
	}{
		{[]string{"email"}, "ada", "Username should be an email."},
		{[]string{"email"}, "+14255550100", "Username should be an email."},
		{[]string{"phone_number"}, "ada@example.com", "Username should be a phone number."},
		{[]string{"email", "phone_number"}, "ada", "Username should be either an email or a phone number."},
	} {
		_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{UsernameAttributes: tc.names})
		wantError(t, tryCreate(t, c, tc.refused, false), "InvalidParameterException", tc.message)
	}

	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{UsernameAttributes: []string{"email", "phone_number"}, CaseInsensitive: true})
	made := create(t, c, "Ada@example.com")
	if sub := value(made.Attributes, "sub"); *made.Username != sub {
		t.Errorf("got Username %s, want the sub %s", *made.Username, sub)
	}
	if got := value(made.Attributes, "email"); got != "ada@example.com" {
		t.Errorf("got email %s, want ada@example.com", got)
	}
	create(t, c, "+14255550100")
	wantError(t, tryCreate(t, c, "ADA@example.com", false), "UsernameExistsException", "An account with the given email already exists.")
	wantError(t, tryCreate(t, c, "x@example.com", false, "phone_number", "+14255550100"), "UsernameExistsException", "An account with the given phone_number already exists.")
	wantError(t, tryCreate(t, c, "x@example.com", false, "email", "y@example.com"), "InvalidParameterException", "The attribute email does not match the username.")
	change := func(name, email string) error {
		_, err := c.AdminUpdateUserAttributes(t.Context(), &idp.AdminUpdateUserAttributesInput{UserPoolId: aws.String(poolID), Username: &name, UserAttributes: attributes("email", email)})
		return err
	}
	wantError(t, change("+14255550100", "ada@example.com"), "AliasExistsException", "An account with the given email already exists.")
	if err := change("ada@example.com", "countess@example.com"); err != nil {
		t.Fatal(err)
	}
	wantNoUser(t, c, "ada@example.com")
	if got := *get(t, c, "countess@example.com").Username; got != *made.Username {
		t.Errorf("got %s, want %s: the login follows the e-mail", got, *made.Username)
	}
	create(t, c, "ada@example.com") // free again
}

func TestUsernameReuse(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	before := value(create(t, c, "ada").Attributes, "sub")
	for range 2 {
		_, err := c.AdminDeleteUser(t.Context(), &idp.AdminDeleteUserInput{UserPoolId: aws.String(poolID), Username: aws.String("ada")})
		if err != nil {
			wantError(t, err, "UserNotFoundException", "User does not exist.")
		}
	}
	if after := value(create(t, c, "ada").Attributes, "sub"); after == before {
		t.Errorf("got sub %s again, want another", after)
	}
	wantNoUser(t, c, before)
}

func TestResend(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	resend := func(name string) error {
		_, err := c.AdminCreateUser(t.Context(), &idp.AdminCreateUserInput{UserPoolId: aws.String(poolID), Username: &name, MessageAction: types.MessageActionTypeResend})
		return err
	}
	wantError(t, resend("ada"), "UserNotFoundException", "User does not exist.")
	sub := value(create(t, c, "ada", "nickname", "countess").Attributes, "sub")
	if err := resend("ada"); err != nil {
		t.Fatal(err)
	}
	after := get(t, c, "ada").UserAttributes
	if value(after, "sub") != sub || value(after, "nickname") != "countess" {
		t.Errorf("got sub %s, nickname %s; want %s, countess", value(after, "sub"), value(after, "nickname"), sub)
	}
	if _, err := c.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordInput{UserPoolId: aws.String(poolID), Username: aws.String("ada"), Password: aws.String("Secret-1234"), Permanent: true}); err != nil {
		t.Fatal(err)
	}
	wantError(t, resend("ada"), "UnsupportedUserStateException", "Resend not possible. ada status is not FORCE_CHANGE_PASSWORD")
	if got := e.Invitations(); got != 1 {
		t.Errorf("got %d invitations, want 1: the resent one, for SUPPRESS sends none", got)
	}
	if _, err := c.AdminCreateUser(t.Context(), &idp.AdminCreateUserInput{UserPoolId: aws.String(poolID), Username: aws.String("grace")}); err != nil {
		t.Fatal(err)
	}
	if got := e.Invitations(); got != 2 {
		t.Errorf("got %d invitations, want 2: no MessageAction sends one", got)
	}
}

// TestEnable checks that the flag changes nothing but itself and the date, however often it is set.
func TestEnable(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{Clock: fixed}, emulator.PoolConfig{})
	create(t, c, "ada")
	e.Advance(time.Hour)
	for range 2 {
		if _, err := c.AdminDisableUser(t.Context(), &idp.AdminDisableUserInput{UserPoolId: aws.String(poolID), Username: aws.String("ada")}); err != nil {
			t.Fatal(err)
		}
		got := get(t, c, "ada")
		if got.Enabled || got.UserStatus != types.UserStatusTypeForceChangePassword || !got.UserLastModifiedDate.Equal(at.Add(time.Hour)) {
			t.Errorf("got enabled %t, %s, modified %s; want false, FORCE_CHANGE_PASSWORD, %s", got.Enabled, got.UserStatus, got.UserLastModifiedDate, at.Add(time.Hour))
		}
	}
	e.Advance(time.Hour)
	if _, err := c.AdminEnableUser(t.Context(), &idp.AdminEnableUserInput{UserPoolId: aws.String(poolID), Username: aws.String("ada")}); err != nil {
		t.Fatal(err)
	}
	if got := get(t, c, "ada"); !got.Enabled {
		t.Error("got enabled false after AdminEnableUser, want true")
	}
}
