package cognito

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// Subject is the attribute by which every identity provider names a person: SAML's
// NameID, OIDC's sub.
const Subject = "Cognito_Subject"

// External is a person as one identity provider of the pool states it.
type External struct {
	Provider  string // the provider's name in the pool
	Attribute string // Subject, or an attribute that the provider maps
	Value     string // compared exactly
}

// Identity is one way in which people who come from an identity provider sign in as a
// user: a link, or the user's own if the user is a federated profile.
type Identity struct {
	Provider string
	// Subject is the person's at the provider. A link by another attribute shows that
	// attribute's value here until somebody has signed in by it.
	Subject string
}

// LinkUser lets a person of an identity provider sign in as a user of the pool
// (AdminLinkProviderForUser). Invalid: the person has signed in before, or is linked
// already, perhaps to this very user; Cognito's message does not tell, and speaks of a
// "SourceUser". Limit: a user has five links at most. Immutable: the user has an
// attribute that cannot be changed.
func (p *Pool) LinkUser(ctx context.Context, username string, who External) error {
	native := "Cognito"
	_, err := call(ctx, p, adminLinkProviderForUser, username, (*cip.Client).AdminLinkProviderForUser, &cip.AdminLinkProviderForUserInput{
		UserPoolId:      &p.id,
		DestinationUser: &types.ProviderUserIdentifierType{ProviderName: &native, ProviderAttributeValue: &username},
		SourceUser:      who.identifier(),
	})
	return err
}

// Unlink takes a link away, whoever has it (AdminDisableProviderForUser). Before the
// first sign-in it is named as it was made, afterwards by Subject. NotFound: there is
// none. Given a person who has a federated profile instead, Cognito disables that.
func (p *Pool) Unlink(ctx context.Context, who External) error {
	_, err := call(ctx, p, adminDisableProviderForUser, "", (*cip.Client).AdminDisableProviderForUser,
		&cip.AdminDisableProviderForUserInput{UserPoolId: &p.id, User: who.identifier()})
	return err
}

func (e External) identifier() *types.ProviderUserIdentifierType {
	return &types.ProviderUserIdentifierType{ProviderName: &e.Provider, ProviderAttributeName: &e.Attribute, ProviderAttributeValue: &e.Value}
}

// identities reads the attribute of that name, which Cognito writes as JSON. What it
// cannot read is as good as absent: a link is then made or removed once more.
func identities(attribute string) []Identity {
	var entries []struct{ UserID, ProviderName string }
	if json.Unmarshal([]byte(attribute), &entries) != nil {
		return nil
	}
	var all []Identity
	for _, e := range entries {
		all = append(all, Identity{Provider: e.ProviderName, Subject: e.UserID})
	}
	return all
}

// Provider is an identity provider of the pool.
type Provider struct {
	Name string
	Type string // SAML, OIDC, Google, Facebook, LoginWithAmazon, SignInWithApple
	// Mapping: the provider's claim by the pool attribute that it overwrites at each
	// sign-in. Nil in a list.
	Mapping map[string]string
}

// ProvidersPage lists identity providers by name and type, 60 at most
// (ListIdentityProviders). Tokens are as for UsersPage.
func (p *Pool) ProvidersPage(ctx context.Context, token string) (providers []Provider, next string, err error) {
	out, err := call(ctx, p, listIdentityProviders, "", (*cip.Client).ListIdentityProviders,
		&cip.ListIdentityProvidersInput{UserPoolId: &p.id, MaxResults: aws.Int32(pageSize), NextToken: optional(token)})
	if err != nil {
		return nil, "", err
	}
	for _, v := range out.Providers {
		providers = append(providers, Provider{Name: aws.ToString(v.ProviderName), Type: string(v.ProviderType)})
	}
	return providers, aws.ToString(out.NextToken), nil
}

// Provider reads one identity provider (DescribeIdentityProvider), without its
// secrets. ProviderNotFound: there is none.
func (p *Pool) Provider(ctx context.Context, name string) (Provider, error) {
	out, err := call(ctx, p, describeIdentityProvider, "", (*cip.Client).DescribeIdentityProvider,
		&cip.DescribeIdentityProviderInput{UserPoolId: &p.id, ProviderName: &name})
	if err != nil {
		return Provider{}, err
	}
	if out.IdentityProvider == nil {
		return Provider{}, &Error{Op: describeIdentityProvider.name, Kind: Unavailable, Message: "the answer holds no identity provider"}
	}
	v := out.IdentityProvider
	return Provider{Name: aws.ToString(v.ProviderName), Type: string(v.ProviderType), Mapping: v.AttributeMapping}, nil
}
