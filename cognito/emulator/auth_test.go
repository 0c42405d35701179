package emulator_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

const password = "Correct-horse-1"

// app is an app client, and an SDK client to sign in through it.
type app struct {
	*idp.Client
	id string
}

// newApp makes an app client that allows signing in by password.
func newApp(t *testing.T, c *idp.Client, in idp.CreateUserPoolClientInput) app {
	t.Helper()
	in.UserPoolId, in.ClientName = aws.String(poolID), aws.String("portal")
	if in.ExplicitAuthFlows == nil {
		in.ExplicitAuthFlows = []types.ExplicitAuthFlowsType{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
	}
	out, err := c.CreateUserPoolClient(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return app{c, *out.UserPoolClient.ClientId}
}

func (a app) signIn(t *testing.T, user, password string) (*idp.InitiateAuthOutput, error) {
	t.Helper()
	return a.InitiateAuth(t.Context(), &idp.InitiateAuthInput{ClientId: &a.id, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: map[string]string{"USERNAME": user, "PASSWORD": password}})
}

func (a app) refresh(t *testing.T, token string) (*types.AuthenticationResultType, error) {
	t.Helper()
	out, err := a.InitiateAuth(t.Context(), &idp.InitiateAuthInput{ClientId: &a.id, AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters: map[string]string{"REFRESH_TOKEN": token}})
	if err != nil {
		return nil, err
	}
	return out.AuthenticationResult, nil
}

func (a app) whoami(t *testing.T, token string) error {
	t.Helper()
	_, err := a.GetUser(t.Context(), &idp.GetUserInput{AccessToken: &token})
	return err
}

func setPassword(t *testing.T, c *idp.Client, user, password string, permanent bool) error {
	t.Helper()
	_, err := c.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordInput{UserPoolId: aws.String(poolID), Username: &user, Password: &password, Permanent: permanent})
	return err
}

// person makes ada with a permanent password and signs her in.
func person(t *testing.T, c *idp.Client, a app) *types.AuthenticationResultType {
	t.Helper()
	create(t, c, "ada", "email", "ada@example.com", "email_verified", "true")
	must(t, setPassword(t, c, "ada", password, true))
	out, err := a.signIn(t, "ada", password)
	if err != nil {
		t.Fatal(err)
	}
	return out.AuthenticationResult
}

func adminCall(t *testing.T, c *idp.Client, what string) {
	t.Helper()
	pool, user := aws.String(poolID), aws.String("ada")
	var err error
	switch what {
	case "disable":
		_, err = c.AdminDisableUser(t.Context(), &idp.AdminDisableUserInput{UserPoolId: pool, Username: user})
	case "enable":
		_, err = c.AdminEnableUser(t.Context(), &idp.AdminEnableUserInput{UserPoolId: pool, Username: user})
	case "sign out":
		_, err = c.AdminUserGlobalSignOut(t.Context(), &idp.AdminUserGlobalSignOutInput{UserPoolId: pool, Username: user})
	case "delete":
		_, err = c.AdminDeleteUser(t.Context(), &idp.AdminDeleteUserInput{UserPoolId: pool, Username: user})
	}
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// TestDeprovisioning shows what each administrative call takes from somebody who is signed in.
func TestDeprovisioning(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                   string
		calls                  []string
		signIn, access, renews string // messages; empty is success
	}{
		{"nothing", nil, "", "", ""},
		{"disable", []string{"disable"}, "User is disabled.", "Access Token has been revoked", "User is disabled."},
		{"sign out", []string{"sign out"}, "", "Access Token has been revoked", "Refresh Token has been revoked"},
		{"disable and enable: the session lives on", []string{"disable", "enable"}, "", "Access Token has been revoked", ""},
		{"disable, sign out and enable: it does not", []string{"disable", "sign out", "enable"}, "", "Access Token has been revoked", "Refresh Token has been revoked"},
		{"delete", []string{"delete"}, "User does not exist.", "Invalid Access Token", "Invalid Refresh Token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
			a := newApp(t, c, idp.CreateUserPoolClientInput{})
			tokens := person(t, c, a)
			for _, what := range tc.calls {
				adminCall(t, c, what)
			}
			check := func(what, want string, err error) {
				t.Helper()
				if want == "" && err != nil {
					t.Errorf("%s: got %v, want success", what, err)
				} else if want != "" {
					code := "NotAuthorizedException"
					if want == "User does not exist." {
						code = "UserNotFoundException"
					}
					wantError(t, err, code, want)
				}
			}
			_, err := a.signIn(t, "ada", password)
			check("sign-in", tc.signIn, err)
			check("access token", tc.access, a.whoami(t, *tokens.AccessToken))
			_, err = a.refresh(t, *tokens.RefreshToken)
			check("refresh", tc.renews, err)
		})
	}
}

// TestTemporaryPassword follows a new user from the invitation to the first sign-in.
func TestTemporaryPassword(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	a := newApp(t, c, idp.CreateUserPoolClientInput{})
	invite := func(action types.MessageActionType) error {
		_, err := c.AdminCreateUser(t.Context(), &idp.AdminCreateUserInput{UserPoolId: aws.String(poolID), Username: aws.String("ada"), TemporaryPassword: aws.String("Temporary-1"), MessageAction: action})
		return err
	}
	must(t, invite(types.MessageActionTypeSuppress))
	_, err := a.signIn(t, "ada", "Wrong-1234")
	wantError(t, err, "NotAuthorizedException", "Incorrect username or password.")
	e.Advance(8 * 24 * time.Hour)
	_, err = a.signIn(t, "ada", "Temporary-1")
	wantError(t, err, "NotAuthorizedException", "Temporary password has expired and must be reset by an administrator.")
	must(t, invite(types.MessageActionTypeResend))

	out, err := a.signIn(t, "ada", "Temporary-1")
	if err != nil || out.ChallengeName != "NEW_PASSWORD_REQUIRED" {
		t.Fatalf("got %+v, error %v; want NEW_PASSWORD_REQUIRED", out, err)
	}
	respond := func(session, password string) (*idp.RespondToAuthChallengeOutput, error) {
		return c.RespondToAuthChallenge(t.Context(), &idp.RespondToAuthChallengeInput{
			ClientId: &a.id, ChallengeName: "NEW_PASSWORD_REQUIRED", Session: &session,
			ChallengeResponses: map[string]string{"USERNAME": "ada", "NEW_PASSWORD": password, "userAttributes.nickname": "Countess"},
		})
	}
	_, err = respond(*out.Session, "short")
	wantError(t, err, "InvalidPasswordException", "Password did not conform with password policy: Password not long enough")
	_, err = respond("no-such-session-at-all", password)
	wantError(t, err, "NotAuthorizedException", "Invalid session for the user, session is expired.")
	done, err := respond(*out.Session, password)
	if err != nil || done.AuthenticationResult == nil {
		t.Fatalf("got %+v, error %v; want tokens", done, err)
	}
	_, err = respond(*out.Session, password)
	wantError(t, err, "NotAuthorizedException", "Invalid session for the user, session is expired.")
	got := get(t, c, "ada")
	if got.UserStatus != types.UserStatusTypeConfirmed || value(got.UserAttributes, "nickname") != "Countess" {
		t.Errorf("got %s, nickname %s; want CONFIRMED, Countess", got.UserStatus, value(got.UserAttributes, "nickname"))
	}
	must(t, a.whoami(t, *done.AuthenticationResult.AccessToken))
}

func TestChallengeExpires(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	a := newApp(t, c, idp.CreateUserPoolClientInput{AuthSessionValidity: aws.Int32(5)})
	create(t, c, "ada")
	must(t, setPassword(t, c, "ada", password, false))
	in := &idp.AdminInitiateAuthInput{UserPoolId: aws.String(poolID), ClientId: &a.id, AuthFlow: "ADMIN_USER_PASSWORD_AUTH", AuthParameters: map[string]string{"USERNAME": "ada", "PASSWORD": password}}
	respond := func(wait time.Duration) error {
		out, err := c.AdminInitiateAuth(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		e.Advance(wait)
		_, err = c.AdminRespondToAuthChallenge(t.Context(), &idp.AdminRespondToAuthChallengeInput{
			UserPoolId: aws.String(poolID), ClientId: &a.id, ChallengeName: "NEW_PASSWORD_REQUIRED", Session: out.Session,
			ChallengeResponses: map[string]string{"USERNAME": "ada", "NEW_PASSWORD": password},
		})
		return err
	}
	wantError(t, respond(6*time.Minute), "NotAuthorizedException", "Invalid session for the user, session is expired.")
	must(t, respond(4*time.Minute))
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	create(t, c, "ada")
	for password, rule := range map[string]string{
		"Sh0rt-x":       "Password not long enough",
		"no-capitals-1": "Password must have uppercase characters",
		"NO-SMALL-1":    "Password must have lowercase characters",
		"No-numbers":    "Password must have numeric characters",
		"NoSymbols123":  "Password must have symbol characters",
	} {
		wantError(t, setPassword(t, c, "ada", password, true), "InvalidPasswordException", "Password did not conform with password policy: "+rule)
		_, err := c.AdminCreateUser(t.Context(), &idp.AdminCreateUserInput{UserPoolId: aws.String(poolID), Username: aws.String("grace"), TemporaryPassword: &password})
		wantError(t, err, "InvalidPasswordException", rule)
	}
	wantError(t, setPassword(t, c, "ada", "with a space", true), "InvalidParameterException", `1 validation error detected: Value at 'password' failed to satisfy constraint: Member must satisfy regular expression pattern: [\S]+`)
	must(t, setPassword(t, c, "ada", password, true))
	if got := get(t, c, "ada").UserStatus; got != types.UserStatusTypeConfirmed {
		t.Errorf("got %s, want CONFIRMED", got)
	}
	must(t, setPassword(t, c, "ada", password, false))
	if got := get(t, c, "ada").UserStatus; got != types.UserStatusTypeForceChangePassword {
		t.Errorf("got %s, want FORCE_CHANGE_PASSWORD", got)
	}
}

func TestResetPassword(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	a := newApp(t, c, idp.CreateUserPoolClientInput{})
	reset := func(user string) error {
		_, err := c.AdminResetUserPassword(t.Context(), &idp.AdminResetUserPasswordInput{UserPoolId: aws.String(poolID), Username: &user})
		return err
	}
	create(t, c, "grace")
	wantError(t, reset("grace"), "NotAuthorizedException", "User password cannot be reset in the current state.")
	must(t, setPassword(t, c, "grace", password, true))
	wantError(t, reset("grace"), "InvalidParameterException", "no registered/verified email or phone_number")
	person(t, c, a)
	must(t, reset("ada"))
	_, err := a.signIn(t, "ada", password)
	wantError(t, err, "PasswordResetRequiredException", "Password reset required for the user")
}

func TestSessions(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	a := newApp(t, c, idp.CreateUserPoolClientInput{AccessTokenValidity: aws.Int32(10), RefreshTokenValidity: 2, TokenValidityUnits: &types.TokenValidityUnitsType{AccessToken: "minutes", RefreshToken: "hours"}})
	first := person(t, c, a)
	if first.ExpiresIn != 600 || *first.TokenType != "Bearer" {
		t.Errorf("got %d seconds, %s; want 600, Bearer", first.ExpiresIn, *first.TokenType)
	}
	e.Advance(11 * time.Minute)
	wantError(t, a.whoami(t, *first.AccessToken), "NotAuthorizedException", "Access Token has expired")
	renewed, err := a.refresh(t, *first.RefreshToken)
	must(t, err, a.whoami(t, *renewed.AccessToken))
	if renewed.RefreshToken != nil {
		t.Errorf("got refresh token %s with a renewal, want none", *renewed.RefreshToken)
	}
	wantError(t, a.whoami(t, *first.RefreshToken), "NotAuthorizedException", "Invalid Access Token")
	wantError(t, a.whoami(t, "us-east-1_none.access.x"), "NotAuthorizedException", "Invalid Access Token")
	e.Advance(2 * time.Hour)
	_, err = a.refresh(t, *first.RefreshToken)
	wantError(t, err, "NotAuthorizedException", "Refresh Token has expired")

	revoke := func(token, client string) error {
		_, err := c.RevokeToken(t.Context(), &idp.RevokeTokenInput{Token: &token, ClientId: &client})
		return err
	}
	one, err := a.signIn(t, "ada", password)
	must(t, err)
	two, err := a.signIn(t, "ada", password)
	must(t, err)
	wantError(t, revoke(*one.AuthenticationResult.AccessToken, a.id), "UnsupportedTokenTypeException", "Unsupported token type")
	wantError(t, revoke(*one.AuthenticationResult.RefreshToken, "none"), "InvalidParameterException", "does not exist")
	must(t, revoke("unknown", a.id), revoke(*one.AuthenticationResult.RefreshToken, a.id))
	wantError(t, a.whoami(t, *one.AuthenticationResult.AccessToken), "NotAuthorizedException", "Access Token has been revoked")
	must(t, a.whoami(t, *two.AuthenticationResult.AccessToken))
	if _, err := c.GlobalSignOut(t.Context(), &idp.GlobalSignOutInput{AccessToken: two.AuthenticationResult.AccessToken}); err != nil {
		t.Fatal(err)
	}
	wantError(t, a.whoami(t, *two.AuthenticationResult.AccessToken), "NotAuthorizedException", "Access Token has been revoked")
}

func TestSignInErrors(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{AliasAttributes: []string{"email"}})
	a := newApp(t, c, idp.CreateUserPoolClientInput{})
	person(t, c, a)
	if _, err := a.signIn(t, "ada@example.com", password); err != nil {
		t.Errorf("by alias: got %v, want success", err)
	}
	_, err := a.signIn(t, "nobody", password)
	wantError(t, err, "UserNotFoundException", "User does not exist.")
	silent := newApp(t, c, idp.CreateUserPoolClientInput{PreventUserExistenceErrors: "ENABLED"})
	_, err = silent.signIn(t, "nobody", password)
	wantError(t, err, "NotAuthorizedException", "Incorrect username or password.")
	plain := newApp(t, c, idp.CreateUserPoolClientInput{ExplicitAuthFlows: []types.ExplicitAuthFlowsType{}})
	_, err = plain.signIn(t, "ada", password)
	wantError(t, err, "InvalidParameterException", "Auth flow not enabled for this client")
	_, err = a.InitiateAuth(t.Context(), &idp.InitiateAuthInput{ClientId: &a.id, AuthFlow: "USER_SRP_AUTH"})
	wantError(t, err, "InvalidParameterException", "AuthFlow USER_SRP_AUTH is not emulated")
	_, err = a.InitiateAuth(t.Context(), &idp.InitiateAuthInput{ClientId: &a.id, AuthFlow: "USER_PASSWORD_AUTH"})
	wantError(t, err, "InvalidParameterException", "Missing required parameter")
	_, err = a.InitiateAuth(t.Context(), &idp.InitiateAuthInput{ClientId: aws.String("none"), AuthFlow: "USER_PASSWORD_AUTH"})
	wantError(t, err, "ResourceNotFoundException", "User pool client none does not exist.")
	_, err = app{c, silent.id}.refresh(t, "nonsense")
	wantError(t, err, "NotAuthorizedException", "Invalid Refresh Token")
	if w := call(e, "InitiateAuth", `{"ClientId":"`+a.id+`","AuthFlow":"USER_PASSWORD_AUTH","AuthParameters":{"USERNAME":"ada","PASSWORD":"`+password+`"}}`); w.Code != 200 {
		t.Errorf("got %d %s, want 200", w.Code, w.Body)
	}
	must(t, unlink(t, c, "Cognito", "Cognito_Subject", "ada"))
	_, err = a.signIn(t, "ada", password)
	wantError(t, err, "NotAuthorizedException", "Incorrect username or password.")
}

func TestClientSecret(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	a := newApp(t, c, idp.CreateUserPoolClientInput{GenerateSecret: true})
	create(t, c, "ada")
	must(t, setPassword(t, c, "ada", password, true))
	described, err := c.DescribeUserPoolClient(t.Context(), &idp.DescribeUserPoolClientInput{UserPoolId: aws.String(poolID), ClientId: &a.id})
	must(t, err)
	mac := hmac.New(sha256.New, []byte(*described.UserPoolClient.ClientSecret))
	mac.Write([]byte("ada" + a.id))
	for hash, message := range map[string]string{
		"":     "is configured with secret but SECRET_HASH was not received",
		"eA==": "SecretHash does not match for the client",
		base64.StdEncoding.EncodeToString(mac.Sum(nil)): "",
	} {
		params := map[string]string{"USERNAME": "ada", "PASSWORD": password}
		if hash != "" {
			params["SECRET_HASH"] = hash
		}
		_, err := c.InitiateAuth(t.Context(), &idp.InitiateAuthInput{ClientId: &a.id, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: params})
		if message == "" {
			must(t, err)
		} else {
			wantError(t, err, "NotAuthorizedException", message)
		}
	}
	_, err = c.RevokeToken(t.Context(), &idp.RevokeTokenInput{Token: aws.String("x"), ClientId: &a.id})
	wantError(t, err, "UnauthorizedException", "Invalid client secret")
}
