package emulator_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

const misleading = "Invalid SourceUser: Cognito users with a username/password may not be passed in as a SourceUser, only as a DestinationUser"

// federated returns a pool with a SAML provider called Okta, which maps email, given_name and, if asked, more.
func federated(t *testing.T, u emulator.Unverified, p emulator.PoolConfig) (*emulator.Emulator, *idp.Client) {
	t.Helper()
	e, c := newPool(t, emulator.Config{Unverified: u}, p)
	return e, federatedIn(t, c)
}

// federatedIn adds the provider to the pool, and returns the client.
func federatedIn(t *testing.T, c *idp.Client) *idp.Client {
	t.Helper()
	if _, err := c.CreateIdentityProvider(t.Context(), &idp.CreateIdentityProviderInput{
		UserPoolId: aws.String(poolID), ProviderName: aws.String("Okta"), ProviderType: types.IdentityProviderTypeTypeSaml,
		ProviderDetails:  map[string]string{"MetadataURL": "https://idp.example.com/metadata"},
		AttributeMapping: map[string]string{"email": "mail", "given_name": "firstName"},
	}); err != nil {
		t.Fatal(err)
	}
	return c
}

// signIn plays a sign-in of a subject with an e-mail and a first name.
func signIn(e *emulator.Emulator, subject, mail, first string) (emulator.SignedIn, error) {
	return e.SignInFederated(emulator.FederatedSignIn{Pool: poolID, Provider: "Okta", Subject: subject, Attributes: map[string]string{"mail": mail, "firstName": first, "title": "x"}})
}

// link ties a source of Okta to a user of the pool.
func link(t *testing.T, c *idp.Client, user, attribute, value string) error {
	t.Helper()
	_, err := c.AdminLinkProviderForUser(t.Context(), &idp.AdminLinkProviderForUserInput{
		UserPoolId:      aws.String(poolID),
		DestinationUser: &types.ProviderUserIdentifierType{ProviderName: aws.String("Cognito"), ProviderAttributeName: aws.String("ignored"), ProviderAttributeValue: &user},
		SourceUser:      &types.ProviderUserIdentifierType{ProviderName: aws.String("Okta"), ProviderAttributeName: &attribute, ProviderAttributeValue: &value},
	})
	return err
}

func unlink(t *testing.T, c *idp.Client, provider, attribute, value string) error {
	t.Helper()
	_, err := c.AdminDisableProviderForUser(t.Context(), &idp.AdminDisableProviderForUserInput{
		UserPoolId: aws.String(poolID), User: &types.ProviderUserIdentifierType{ProviderName: &provider, ProviderAttributeName: &attribute, ProviderAttributeValue: &value},
	})
	return err
}

func wantRefusal(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Fatalf("got error %v, want one with %q", err, text)
	}
}

// TestFederatedProfile plays what happens to a person nobody has linked: a second profile, in a group of its own.
func TestFederatedProfile(t *testing.T) {
	t.Parallel()
	e, c := federated(t, emulator.Unverified{}, emulator.PoolConfig{})
	create(t, c, "ada", "email", "ada@example.com", "email_verified", "true")
	first, err := signIn(e, "ada@example.com", "ada@example.com", "Ada")
	must(t, err)
	if !first.Created || first.Linked || first.Username != "Okta_ada@example.com" {
		t.Errorf("got %+v, want a new profile Okta_ada@example.com", first)
	}
	profile := get(t, c, first.Username)
	if profile.UserStatus != types.UserStatusTypeExternalProvider || value(profile.UserAttributes, "email") != "ada@example.com" || value(profile.UserAttributes, "email_verified") != "false" {
		t.Errorf("got %s, %v; want EXTERNAL_PROVIDER, an unverified e-mail", profile.UserStatus, profile.UserAttributes)
	}
	if ids := value(profile.UserAttributes, "identities"); !strings.Contains(ids, `"userId":"ada@example.com","providerName":"Okta","providerType":"SAML","issuer":null,"primary":true`) {
		t.Errorf("got identities %s, want Okta's ada@example.com", ids)
	}
	wantMembers(t, c, poolID+"_Okta", first.Username)

	second, err := signIn(e, "ada@example.com", "countess@example.com", "Augusta")
	must(t, err)
	if second.Created || second.Sub != first.Sub {
		t.Errorf("got %+v, want the profile of the first sign-in", second)
	}
	if got := value(get(t, c, first.Username).UserAttributes, "email"); got != "countess@example.com" {
		t.Errorf("got email %s, want countess@example.com: each sign-in writes it", got)
	}
	if _, err := c.AdminDisableUser(t.Context(), &idp.AdminDisableUserInput{UserPoolId: aws.String(poolID), Username: &first.Username}); err != nil {
		t.Fatal(err)
	}
	_, err = signIn(e, "ada@example.com", "x@example.com", "Ada")
	wantRefusal(t, err, "User is disabled.")
	wantError(t, link(t, c, "ada", "Cognito_Subject", "ada@example.com"), "InvalidParameterException", misleading)
}

// TestLink plays a link made before the first sign-in: one profile, found by subject or by a mapped attribute.
func TestLink(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ attribute, value, subject string }{
		{"Cognito_Subject", "00u1", "00u1"},
		{"email", "ada@example.com", "00u1"},
		{"mail", "ada@example.com", "00u1"}, // the claim's name
	} {
		t.Run(tc.attribute, func(t *testing.T) {
			t.Parallel()
			e, c := federated(t, emulator.Unverified{}, emulator.PoolConfig{})
			create(t, c, "ada", "email", "old@example.com", "email_verified", "true")
			must(t, link(t, c, "ada", tc.attribute, tc.value))
			wantError(t, link(t, c, "ada", tc.attribute, tc.value), "InvalidParameterException", misleading)
			in, err := signIn(e, tc.subject, "ada@example.com", "Augusta")
			must(t, err)
			if !in.Linked || in.Created || in.Username != "ada" {
				t.Errorf("got %+v, want the linked ada", in)
			}
			got := get(t, c, "ada")
			if value(got.UserAttributes, "email") != "ada@example.com" || value(got.UserAttributes, "email_verified") != "false" || got.UserStatus != types.UserStatusTypeForceChangePassword {
				t.Errorf("got %v, %s; want the provider's e-mail, unverified, and the status as it was", got.UserAttributes, got.UserStatus)
			}
			if ids := value(got.UserAttributes, "identities"); !strings.Contains(ids, `"userId":"00u1"`) || !strings.Contains(ids, `"primary":false`) {
				t.Errorf("got identities %s, want the subject 00u1, not primary", ids)
			}
			// The subject is known now: the mapped attribute may change.
			if in, err = signIn(e, tc.subject, "new@example.com", "Ada"); err != nil || in.Username != "ada" {
				t.Errorf("got %+v, error %v; want ada", in, err)
			}
			wantError(t, link(t, c, "ada", "Cognito_Subject", tc.subject), "InvalidParameterException", misleading)
			must(t, unlink(t, c, "Okta", "Cognito_Subject", tc.subject))
			if got := value(get(t, c, "ada").UserAttributes, "identities"); got != "<none>" {
				t.Errorf("got identities %s after unlinking, want none", got)
			}
			if in, err = signIn(e, tc.subject, "new@example.com", "Ada"); err != nil || !in.Created {
				t.Errorf("got %+v, error %v; want a new profile after unlinking", in, err)
			}
		})
	}
}

func TestLinkErrors(t *testing.T) {
	t.Parallel()
	_, c := federated(t, emulator.Unverified{}, emulator.PoolConfig{CustomAttributes: []emulator.CustomAttribute{{Name: "badge", Immutable: true}}})
	create(t, c, "ada")
	create(t, c, "grace", "custom:badge", "7")
	wantError(t, link(t, c, "nobody", "Cognito_Subject", "x"), "UserNotFoundException", "User does not exist.")
	wantError(t, link(t, c, "grace", "Cognito_Subject", "x"), "InvalidParameterException", "user.custom:badge: Attribute cannot be updated.")
	wantError(t, link(t, c, "ada", "locale", "x"), "InvalidParameterException", "ProviderAttributeName must be Cognito_Subject or a mapped attribute")
	wantError(t, link(t, c, "ada", "Cognito_Subject", ""), "InvalidParameterException", "with a value")
	for i := range 5 {
		must(t, link(t, c, "ada", "Cognito_Subject", fmt.Sprint("00u", i)))
	}
	wantError(t, link(t, c, "ada", "Cognito_Subject", "00u5"), "LimitExceededException", "5 linked identities")
	must(t, unlink(t, c, "Okta", "Cognito_Subject", "00u0"), link(t, c, "ada", "Cognito_Subject", "00u5"))
	wantError(t, unlink(t, c, "Okta", "Cognito_Subject", "00u0"), "UserNotFoundException", "User does not exist.")

	to := &types.ProviderUserIdentifierType{ProviderName: aws.String("Cognito"), ProviderAttributeValue: aws.String("ada")}
	for _, tc := range []struct {
		pool       string
		to, from   *types.ProviderUserIdentifierType
		code, text string
	}{
		{poolID, to, &types.ProviderUserIdentifierType{ProviderName: aws.String("Cognito"), ProviderAttributeName: aws.String("Cognito_Subject"), ProviderAttributeValue: aws.String("grace")}, "InvalidParameterException", misleading},
		{poolID, to, &types.ProviderUserIdentifierType{ProviderName: aws.String("Entra"), ProviderAttributeName: aws.String("Cognito_Subject"), ProviderAttributeValue: aws.String("x")}, "ResourceNotFoundException", "Identity provider Entra does not exist."},
		{poolID, &types.ProviderUserIdentifierType{}, to, "InvalidParameterException", "DestinationUser needs"},
		{"us-east-1_none", to, to, "ResourceNotFoundException", "User pool us-east-1_none does not exist."},
	} {
		_, err := c.AdminLinkProviderForUser(t.Context(), &idp.AdminLinkProviderForUserInput{UserPoolId: &tc.pool, DestinationUser: tc.to, SourceUser: tc.from})
		wantError(t, err, tc.code, tc.text)
	}
	if _, err := c.AdminDeleteUser(t.Context(), &idp.AdminDeleteUserInput{UserPoolId: aws.String(poolID), Username: aws.String("ada")}); err != nil {
		t.Fatal(err)
	}
	create(t, c, "ada")
	must(t, link(t, c, "ada", "Cognito_Subject", "00u1")) // the deleted user's links are gone
}

// TestLinkAfterProfile plays the remedy for somebody who signed in before being linked.
func TestLinkAfterProfile(t *testing.T) {
	t.Parallel()
	e, c := federated(t, emulator.Unverified{}, emulator.PoolConfig{})
	create(t, c, "ada")
	in, err := signIn(e, "00u1", "ada@example.com", "Ada")
	must(t, err)
	wantError(t, link(t, c, "ada", "Cognito_Subject", "00u1"), "InvalidParameterException", misleading)
	if _, err := c.AdminDeleteUser(t.Context(), &idp.AdminDeleteUserInput{UserPoolId: aws.String(poolID), Username: &in.Username}); err != nil {
		t.Fatal(err)
	}
	must(t, link(t, c, "ada", "Cognito_Subject", "00u1"))
	if in, err = signIn(e, "00u1", "ada@example.com", "Ada"); err != nil || !in.Linked {
		t.Errorf("got %+v, error %v; want the linked profile", in, err)
	}
}

func TestFederatedTraps(t *testing.T) {
	t.Parallel()
	t.Run("an immutable mapped attribute breaks the second sign-in", func(t *testing.T) {
		e, _ := federated(t, emulator.Unverified{}, emulator.PoolConfig{Immutable: []string{"email"}})
		_, err := signIn(e, "00u1", "ada@example.com", "Ada")
		must(t, err)
		_, err = signIn(e, "00u1", "ada@example.com", "Ada")
		wantRefusal(t, err, "user.email: Attribute cannot be updated.")
	})
	t.Run("a required attribute that the provider does not send", func(t *testing.T) {
		e, _ := federated(t, emulator.Unverified{}, emulator.PoolConfig{Required: []string{"family_name"}})
		_, err := signIn(e, "00u1", "ada@example.com", "Ada")
		wantRefusal(t, err, "user.family_name: The attribute is required")
	})
	t.Run("a subject in another case in a case-insensitive pool", func(t *testing.T) {
		e, _ := federated(t, emulator.Unverified{}, emulator.PoolConfig{CaseInsensitive: true})
		in, err := signIn(e, "Ada@example.com", "ada@example.com", "Ada")
		must(t, err)
		if in.Username != "okta_ada@example.com" {
			t.Errorf("got username %s, want okta_ada@example.com", in.Username)
		}
		_, err = signIn(e, "ada@example.com", "ada@example.com", "Ada")
		wantRefusal(t, err, "Invalid ProviderName/Username combination. Please check again")
	})
	t.Run("a local user of the profile's name", func(t *testing.T) {
		e, c := federated(t, emulator.Unverified{}, emulator.PoolConfig{})
		create(t, c, "Okta_00u1")
		_, err := signIn(e, "00u1", "ada@example.com", "Ada")
		wantRefusal(t, err, "Already found an entry for username Okta_00u1")
	})
	t.Run("a disabled profile with a link", func(t *testing.T) {
		for _, ignores := range []bool{false, true} {
			e, c := federated(t, emulator.Unverified{LinkedSignInIgnoresDisabled: ignores}, emulator.PoolConfig{})
			create(t, c, "ada")
			must(t, link(t, c, "ada", "Cognito_Subject", "00u1"))
			if _, err := c.AdminDisableUser(t.Context(), &idp.AdminDisableUserInput{UserPoolId: aws.String(poolID), Username: aws.String("ada")}); err != nil {
				t.Fatal(err)
			}
			if _, err := signIn(e, "00u1", "ada@example.com", "Ada"); ignores {
				must(t, err)
			} else {
				wantRefusal(t, err, "User is disabled.")
			}
		}
	})
	t.Run("a linked profile becomes external", func(t *testing.T) {
		e, c := federated(t, emulator.Unverified{LinkedSignInMakesExternal: true}, emulator.PoolConfig{})
		create(t, c, "ada")
		must(t, link(t, c, "ada", "Cognito_Subject", "00u1"))
		_, err := signIn(e, "00u1", "ada@example.com", "Ada")
		must(t, err)
		if got := get(t, c, "ada").UserStatus; got != types.UserStatusTypeExternalProvider {
			t.Errorf("got %s, want EXTERNAL_PROVIDER", got)
		}
	})
	t.Run("a profile without a link is disabled by AdminDisableProviderForUser", func(t *testing.T) {
		e, c := federated(t, emulator.Unverified{}, emulator.PoolConfig{})
		in, err := signIn(e, "00u1", "ada@example.com", "Ada")
		must(t, err, unlink(t, c, "Okta", "Cognito_Subject", "00u1"))
		if get(t, c, in.Username).Enabled {
			t.Error("got enabled true, want false")
		}
	})
	t.Run("a link to a federated profile", func(t *testing.T) {
		e, c := federated(t, emulator.Unverified{}, emulator.PoolConfig{})
		_, err := signIn(e, "00u1", "ada@example.com", "Ada")
		must(t, err)
		if _, err := c.AdminLinkProviderForUser(t.Context(), &idp.AdminLinkProviderForUserInput{
			UserPoolId:      aws.String(poolID),
			DestinationUser: &types.ProviderUserIdentifierType{ProviderName: aws.String("Okta"), ProviderAttributeValue: aws.String("00u1")},
			SourceUser:      &types.ProviderUserIdentifierType{ProviderName: aws.String("Okta"), ProviderAttributeName: aws.String("Cognito_Subject"), ProviderAttributeValue: aws.String("00u2")},
		}); err != nil {
			t.Fatal(err)
		}
		if in, err := signIn(e, "00u2", "ada@example.com", "Ada"); err != nil || in.Username != "Okta_00u1" {
			t.Errorf("got %+v, error %v; want Okta_00u1", in, err)
		}
	})
}

func TestProviders(t *testing.T) {
	t.Parallel()
	e, c := federated(t, emulator.Unverified{}, emulator.PoolConfig{})
	make := func(name string, kind types.IdentityProviderTypeType, details, mapping map[string]string) error {
		_, err := c.CreateIdentityProvider(t.Context(), &idp.CreateIdentityProviderInput{UserPoolId: aws.String(poolID), ProviderName: &name, ProviderType: kind, ProviderDetails: details, AttributeMapping: mapping})
		return err
	}
	saml := map[string]string{"MetadataFile": "<xml/>"}
	oidc := map[string]string{"client_id": "x", "attributes_request_method": "GET", "oidc_issuer": "https://idp.example.com", "authorize_scopes": "openid"}
	wantError(t, make("Okta", types.IdentityProviderTypeTypeSaml, saml, nil), "DuplicateProviderException", "A provider already exists with the name Okta.")
	wantError(t, make("Cognito", types.IdentityProviderTypeTypeSaml, saml, nil), "InvalidParameterException", "reserved")
	wantError(t, make("_Okta", types.IdentityProviderTypeTypeSaml, saml, nil), "InvalidParameterException", `[^_\p{Z}]`)
	wantError(t, make("Entra", types.IdentityProviderTypeTypeSaml, map[string]string{}, nil), "InvalidParameterException", "MetadataURL or MetadataFile is required")
	wantError(t, make("Entra", types.IdentityProviderTypeTypeOidc, saml, nil), "InvalidParameterException", "client_id is required")
	wantError(t, make("Entra", types.IdentityProviderTypeTypeSaml, saml, map[string]string{"custom:none": "x"}), "InvalidParameterException", "custom:none is not an attribute of the user pool")
	must(t, make("Entra", types.IdentityProviderTypeTypeOidc, oidc, map[string]string{"username": "sub", "email": "email"}))

	var names []string
	pages := idp.NewListIdentityProvidersPaginator(c, &idp.ListIdentityProvidersInput{UserPoolId: aws.String(poolID), MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.Providers {
			names = append(names, *p.ProviderName+" "+string(p.ProviderType))
		}
	}
	if diff := cmp.Diff([]string{"Entra OIDC", "Okta SAML"}, names); diff != "" {
		t.Errorf("providers (-want +got):\n%s", diff)
	}
	describe := func(name string) (*idp.DescribeIdentityProviderOutput, error) {
		return c.DescribeIdentityProvider(t.Context(), &idp.DescribeIdentityProviderInput{UserPoolId: aws.String(poolID), ProviderName: &name})
	}
	out, err := describe("Okta")
	if err != nil || out.IdentityProvider.AttributeMapping["email"] != "mail" {
		t.Errorf("got %+v, error %v; want a mapping of email", out, err)
	}
	create(t, c, "ada")
	must(t, link(t, c, "ada", "Cognito_Subject", "00u1"))
	if _, err := signIn(e, "00u1", "ada@example.com", "Ada"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteIdentityProvider(t.Context(), &idp.DeleteIdentityProviderInput{UserPoolId: aws.String(poolID), ProviderName: aws.String("Okta")}); err != nil {
		t.Fatal(err)
	}
	_, err = describe("Okta")
	wantError(t, err, "ResourceNotFoundException", "Identity provider Okta does not exist.")
	if got := value(get(t, c, "ada").UserAttributes, "identities"); got != "<none>" {
		t.Errorf("got identities %s, want none without the provider", got)
	}
}
