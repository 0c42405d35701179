package emulator_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// TestOwnAttributes checks what people see and write through app clients.
func TestOwnAttributes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		client  idp.CreateUserPoolClientInput
		visible []string
		writes  map[string]string // attribute → message; empty is success
	}{
		{
			"by default, the standard ones", idp.CreateUserPoolClientInput{},
			[]string{"sub", "nickname", "email", "email_verified"},
			map[string]string{
				"nickname": "", "custom:scim": "A client attempted to write unauthorized attribute", "email_verified": "A client attempted to write unauthorized attribute",
				"custom:none": "user.custom:none: Attribute does not exist in the schema.",
			},
		},
		{
			"as listed", idp.CreateUserPoolClientInput{ReadAttributes: []string{"custom:scim"}, WriteAttributes: []string{"custom:scim"}},
			[]string{"sub", "custom:scim"},
			map[string]string{"custom:scim": "", "nickname": "A client attempted to write unauthorized attribute"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{CustomAttributes: []emulator.CustomAttribute{{Name: "scim"}}})
			a := newApp(t, c, tc.client)
			tokens := person(t, c, a)
			must(t, update(t, c, "nickname", "x", "custom:scim", "{}"))
			out, err := c.GetUser(t.Context(), &idp.GetUserInput{AccessToken: tokens.AccessToken})
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, a := range out.UserAttributes {
				names = append(names, *a.Name)
			}
			if diff := cmp.Diff(tc.visible, names); diff != "" {
				t.Errorf("visible attributes (-want +got):\n%s", diff)
			}
			for name, message := range tc.writes {
				_, err := c.UpdateUserAttributes(t.Context(), &idp.UpdateUserAttributesInput{AccessToken: tokens.AccessToken, UserAttributes: attributes(name, "new")})
				switch {
				case message == "" && err != nil:
					t.Errorf("%s: got %v, want success", name, err)
				case message == "":
					if got := value(get(t, c, "ada").UserAttributes, name); got != "new" {
						t.Errorf("got %s %s, want new", name, got)
					}
				case message[0] == 'A':
					wantError(t, err, "NotAuthorizedException", message)
				default:
					wantError(t, err, "InvalidParameterException", message)
				}
			}
		})
	}
}

func TestClients(t *testing.T) {
	t.Parallel()
	_, c := federated(t, emulator.Unverified{}, emulator.PoolConfig{})
	pool := aws.String(poolID)
	make := func(in idp.CreateUserPoolClientInput) (*idp.CreateUserPoolClientOutput, error) {
		in.UserPoolId, in.ClientName = pool, aws.String("portal")
		return c.CreateUserPoolClient(t.Context(), &in)
	}
	for _, tc := range []struct {
		in   idp.CreateUserPoolClientInput
		text string
	}{
		{idp.CreateUserPoolClientInput{ReadAttributes: []string{"custom:none"}}, "Invalid read attributes specified while creating a client"},
		{idp.CreateUserPoolClientInput{WriteAttributes: []string{"email_verified"}}, "Invalid write attributes specified while creating a client"},
		{idp.CreateUserPoolClientInput{WriteAttributes: []string{"sub"}}, "Invalid write attributes specified while creating a client"},
		{idp.CreateUserPoolClientInput{SupportedIdentityProviders: []string{"Entra"}}, "The provider Entra does not exist for User Pool " + poolID},
		{idp.CreateUserPoolClientInput{ExplicitAuthFlows: []types.ExplicitAuthFlowsType{"ANY"}}, "at 'explicitAuthFlows.1.member' failed to satisfy constraint: Member must satisfy enum value set"},
		{idp.CreateUserPoolClientInput{RefreshTokenRotation: &types.RefreshTokenRotationType{Feature: "ENABLED"}}, "RefreshTokenRotation is not emulated"},
	} {
		_, err := make(tc.in)
		wantError(t, err, "InvalidParameterException", tc.text)
	}
	out, err := make(idp.CreateUserPoolClientInput{SupportedIdentityProviders: []string{"COGNITO", "Okta"}})
	must(t, err)
	made := out.UserPoolClient
	if made.ClientSecret != nil || made.RefreshTokenValidity != 30 || !*made.EnableTokenRevocation || len(made.ExplicitAuthFlows) != 3 {
		t.Errorf("got %+v, want no secret, 30 days, revocation, three flows", made)
	}
	updated, err := c.UpdateUserPoolClient(t.Context(), &idp.UpdateUserPoolClientInput{UserPoolId: pool, ClientId: made.ClientId, WriteAttributes: []string{"nickname"}})
	must(t, err)
	if got := updated.UserPoolClient; *got.ClientName != "portal" || got.SupportedIdentityProviders != nil || got.WriteAttributes[0] != "nickname" {
		t.Errorf("got %+v, want the name kept, providers back to none, nickname writable", got)
	}
	for range 3 {
		_, err := make(idp.CreateUserPoolClientInput{})
		must(t, err)
	}
	n := 0
	pages := idp.NewListUserPoolClientsPaginator(c, &idp.ListUserPoolClientsInput{UserPoolId: pool, MaxResults: aws.Int32(3)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		n += len(page.UserPoolClients)
	}
	if n != 4 {
		t.Errorf("got %d clients, want 4", n)
	}
	if _, err := c.DeleteUserPoolClient(t.Context(), &idp.DeleteUserPoolClientInput{UserPoolId: pool, ClientId: made.ClientId}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DescribeUserPoolClient(t.Context(), &idp.DescribeUserPoolClientInput{UserPoolId: pool, ClientId: made.ClientId})
	wantError(t, err, "ResourceNotFoundException", "does not exist.")
}

// TestFederatedTokens checks that a federated sign-in through an app client yields tokens, and that signing out ends them.
func TestFederatedTokens(t *testing.T) {
	t.Parallel()
	e, c := federated(t, emulator.Unverified{}, emulator.PoolConfig{})
	a := newApp(t, c, idp.CreateUserPoolClientInput{})
	create(t, c, "ada")
	must(t, link(t, c, "ada", "Cognito_Subject", "00u1"))
	s := emulator.FederatedSignIn{Pool: poolID, Provider: "Okta", Subject: "00u1", Client: a.id}
	in, err := e.SignInFederated(s)
	must(t, err, a.whoami(t, in.AccessToken))
	adminCall(t, c, "sign out")
	wantError(t, a.whoami(t, in.AccessToken), "NotAuthorizedException", "Access Token has been revoked")
	_, err = a.refresh(t, in.RefreshToken)
	wantError(t, err, "NotAuthorizedException", "Refresh Token has been revoked")
	s.Client = "none"
	_, err = e.SignInFederated(s)
	wantRefusal(t, err, "User pool client none does not exist.")
}
