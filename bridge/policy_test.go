package bridge_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// bureau is a world in which people and groups are made without SCIM, and sign in.
type bureau struct {
	*world
	app string // app client
}

const hunter2 = "Correct-horse-1"

func newBureau(t *testing.T, cfg worldConfig) *bureau {
	t.Helper()
	if cfg.cognito.Quotas == nil {
		cfg.cognito.Quotas, cfg.cognito.MaxBackoff = &cognito.Quotas{}, 1
	}
	if cfg.directory.SweepEvery == 0 {
		cfg.directory.SweepEvery, cfg.directory.Lag = -1, time.Millisecond
	}
	if cfg.idp.Wait == nil {
		cfg.idp.Wait, cfg.idp.Attempts = idp.Hasty(5*time.Millisecond), 1000
	}
	o := &bureau{world: newWorld(t, cfg)}
	out, err := o.client.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: aws.String(stack.PoolID), ClientName: aws.String("portal"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
	})
	if err != nil {
		t.Fatal(err)
	}
	o.app = *out.UserPoolClient.ClientId
	return o
}

// signUp makes pools like those in which people make accounts themselves.
func signUp(p *emulator.PoolConfig) { p.AdminOnly = false }

// account makes an account without SCIM, whose password its maker knows, and returns its sub. Attributes are pairs.
func (o *bureau) account(username string, attributes ...string) string {
	o.t.Helper()
	in := &cip.AdminCreateUserInput{UserPoolId: aws.String(stack.PoolID), Username: &username, MessageAction: types.MessageActionTypeSuppress}
	for pair := range slices.Chunk(attributes, 2) {
		in.UserAttributes = append(in.UserAttributes, types.AttributeType{Name: &pair[0], Value: &pair[1]})
	}
	made, err := o.client.AdminCreateUser(o.t.Context(), in)
	if err != nil {
		o.t.Fatalf("AdminCreateUser(%s): %v", username, err)
	}
	o.password(username)
	for _, a := range made.User.Attributes {
		if *a.Name == "sub" {
			return *a.Value
		}
	}
	o.t.Fatalf("AdminCreateUser(%s): no sub", username)
	return ""
}

// group makes a group without SCIM; role may be "".
func (o *bureau) foreignGroup(name, role string) {
	o.t.Helper()
	in := &cip.CreateGroupInput{UserPoolId: aws.String(stack.PoolID), GroupName: &name, Description: aws.String("made by hand")}
	if role != "" {
		in.RoleArn = &role
	}
	if _, err := o.client.CreateGroup(o.t.Context(), in); err != nil {
		o.t.Fatalf("CreateGroup(%s): %v", name, err)
	}
}

// session is what a sign-in yields.
type session struct{ access, refresh string }

// signIn signs in with the password that the account's maker knows; the error is Cognito's.
func (o *bureau) signIn(username string) (session, error) {
	out, err := o.client.InitiateAuth(o.t.Context(), &cip.InitiateAuthInput{ClientId: &o.app, AuthFlow: "USER_PASSWORD_AUTH",
		AuthParameters: map[string]string{"USERNAME": username, "PASSWORD": hunter2}})
	if err != nil || out.AuthenticationResult == nil {
		return session{}, fmt.Errorf("signing in as %s: %w", username, err)
	}
	return session{*out.AuthenticationResult.AccessToken, *out.AuthenticationResult.RefreshToken}, nil
}

// dead fails the test if the session can still be used, or the password.
func (o *bureau) dead(username string, s session) {
	o.t.Helper()
	if _, err := o.signIn(username); err == nil {
		o.t.Errorf("%s: the password that the account's maker knows still signs in", username)
	}
	if _, err := o.client.GetUser(o.t.Context(), &cip.GetUserInput{AccessToken: &s.access}); err == nil {
		o.t.Errorf("%s: the access token of before still works", username)
	}
	_, err := o.client.InitiateAuth(o.t.Context(), &cip.InitiateAuthInput{ClientId: &o.app, AuthFlow: "REFRESH_TOKEN_AUTH",
		AuthParameters: map[string]string{"REFRESH_TOKEN": s.refresh}})
	if err == nil {
		o.t.Errorf("%s: the refresh token of before still works", username)
	}
}

// pooled is the user as the pool itself says, by attribute; "enabled" and "status" among them. nil: it has none.
func (o *bureau) pooled(username string) map[string]string {
	o.t.Helper()
	out, err := o.client.AdminGetUser(o.t.Context(), &cip.AdminGetUserInput{UserPoolId: aws.String(stack.PoolID), Username: &username})
	if err != nil {
		return nil
	}
	attributes := map[string]string{"enabled": fmt.Sprint(out.Enabled), "status": string(out.UserStatus)}
	for _, a := range out.UserAttributes {
		attributes[*a.Name] = *a.Value
	}
	return attributes
}

// groupsOf are the groups of a user as the pool itself says.
func (o *bureau) groupsOf(username string) []string {
	o.t.Helper()
	out, err := o.client.AdminListGroupsForUser(o.t.Context(), &cip.AdminListGroupsForUserInput{UserPoolId: aws.String(stack.PoolID), Username: &username})
	if err != nil {
		o.t.Fatalf("AdminListGroupsForUser(%s): %v", username, err)
	}
	var names []string
	for _, g := range out.Groups {
		names = append(names, *g.GroupName)
	}
	slices.Sort(names)
	return names
}

// found are the ids that a query finds; its totalResults must be their number.
func (o *bureau) found(endpoint, filter string) []string {
	o.t.Helper()
	path := endpoint + "?count=100"
	if filter != "" {
		path += "&filter=" + url.QueryEscape(filter)
	}
	out := o.push("GET", path, "")
	list, _ := out.Object()["Resources"].([]any)
	var ids []string
	for _, each := range list {
		r, _ := each.(map[string]any)
		id, _ := r["id"].(string)
		ids = append(ids, id)
	}
	if total, _ := out.Object()["totalResults"].(float64); out.Status != http.StatusOK || int(total) != len(ids) {
		o.t.Errorf("GET %s: got %d %s, want 200 and as many resources as totalResults says", path, out.Status, out.Body)
	}
	return ids
}

// status makes a request and fails the test if its status is another.
func (o *bureau) status(want int, method, path, body string) idp.Outcome {
	o.t.Helper()
	out := o.push(method, path, body)
	if out.Status != want {
		o.t.Errorf("%s %s %s: got %d %s, want %d", method, path, body, out.Status, out.Body, want)
	}
	return out
}

// callsOf are the calls that f makes of the pool, by operation.
func (o *bureau) callsOf(f func()) map[string]int64 { return callsOf(o.emulator, f) }

// policy is a world's config with an adoption.
func policy(a bridge.Adoption, acknowledged bool, groups ...string) worldConfig {
	return worldConfig{directory: bridge.DirectoryConfig{Adoption: a, AdoptSelfSignedUp: acknowledged, AdoptGroups: groups}}
}

// federate adds an identity provider called Okta to the pool.
func (o *bureau) federate() {
	o.t.Helper()
	_, err := o.client.CreateIdentityProvider(o.t.Context(), &cip.CreateIdentityProviderInput{
		UserPoolId: aws.String(stack.PoolID), ProviderName: aws.String("Okta"), ProviderType: types.IdentityProviderTypeTypeSaml,
		ProviderDetails: map[string]string{"MetadataURL": "https://idp.example.com/metadata"}, AttributeMapping: map[string]string{"email": "mail"},
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

// join puts a user into a group without SCIM.
func (o *bureau) join(group, username string) {
	o.t.Helper()
	_, err := o.client.AdminAddUserToGroup(o.t.Context(), &cip.AdminAddUserToGroupInput{UserPoolId: aws.String(stack.PoolID), GroupName: &group, Username: &username})
	if err != nil {
		o.t.Fatal(err)
	}
}

// password gives a user the password that signIn uses.
func (o *bureau) password(username string) {
	o.t.Helper()
	_, err := o.client.AdminSetUserPassword(o.t.Context(), &cip.AdminSetUserPasswordInput{
		UserPoolId: aws.String(stack.PoolID), Username: &username, Password: aws.String(hunter2), Permanent: true})
	if err != nil {
		o.t.Fatal(err)
	}
}

// set changes attributes of a user without SCIM. They are pairs.
func (o *bureau) set(username string, attributes ...string) {
	o.t.Helper()
	in := &cip.AdminUpdateUserAttributesInput{UserPoolId: aws.String(stack.PoolID), Username: &username}
	for pair := range slices.Chunk(attributes, 2) {
		in.UserAttributes = append(in.UserAttributes, types.AttributeType{Name: &pair[0], Value: &pair[1]})
	}
	if _, err := o.client.AdminUpdateUserAttributes(o.t.Context(), in); err != nil {
		o.t.Fatal(err)
	}
}
