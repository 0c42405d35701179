package cognito_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// administrator is Amazon's own client, for what this package does not do.
func administrator(t *testing.T, e *emulator.Emulator) *cip.Client {
	t.Helper()
	return cip.New(cip.Options{Region: "eu-west-1", BaseEndpoint: aws.String("http://127.0.0.1:1"), Credentials: testCredentials,
		HTTPClient: &http.Client{Transport: pooltest.InProcess(e)}})
}

// trusting makes a pool that trusts an OIDC provider called Okta.
func trusting(t *testing.T) (*emulator.Emulator, *cognito.Pool, *cip.Client) {
	t.Helper()
	e, pool := emulated(t, emulator.Config{}, nil)
	admin := administrator(t, e)
	_, err := admin.CreateIdentityProvider(t.Context(), &cip.CreateIdentityProviderInput{
		UserPoolId: aws.String(fakePool), ProviderName: aws.String("Okta"), ProviderType: types.IdentityProviderTypeTypeOidc,
		ProviderDetails: map[string]string{"client_id": "x", "client_secret": "secret", "attributes_request_method": "GET",
			"oidc_issuer": "https://idp.example.com", "authorize_scopes": "openid"},
		AttributeMapping: map[string]string{"email": "mail"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ada", "grace"} {
		if _, err := pool.CreateUser(t.Context(), name, nil); err != nil {
			t.Fatal(err)
		}
	}
	return e, pool, admin
}

func TestLinks(t *testing.T) {
	t.Parallel()
	_, pool, _ := trusting(t)
	ada := cognito.External{Provider: "Okta", Attribute: cognito.Subject, Value: "00u1"}
	if err := pool.LinkUser(t.Context(), "ada", ada); err != nil {
		t.Fatal(err)
	}
	user, err := pool.User(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]cognito.Identity{{Provider: "Okta", Subject: "00u1"}}, user.Identities); diff != "" {
		t.Errorf("ada's identities (-want +got):\n%s", diff)
	}
	if _, there := user.Attributes["identities"]; there {
		t.Error("identities stands among the attributes, want it in Identities alone")
	}
	elsewhere := ada
	elsewhere.Provider = "Nowhere"
	for what, c := range map[string]struct {
		err  error
		want cognito.Kind
	}{
		"linking somebody who is linked": {pool.LinkUser(t.Context(), "grace", ada), cognito.Invalid},
		"linking nobody":                 {pool.LinkUser(t.Context(), "nobody", ada), cognito.NotFound},
		"linking to an unknown provider": {pool.LinkUser(t.Context(), "ada", elsewhere), cognito.ProviderNotFound},
	} {
		if cognito.KindOf(c.err) != c.want {
			t.Errorf("%s: got %v, want kind %q", what, c.err, c.want)
		}
	}
	if err := pool.Unlink(t.Context(), ada); err != nil {
		t.Errorf("unlinking: %v", err)
	}
	if err := pool.Unlink(t.Context(), ada); cognito.KindOf(err) != cognito.NotFound {
		t.Errorf("unlinking again: got %v, want kind %q", err, cognito.NotFound)
	}
}

// A reply that is lost hides an unlinking no more than a deletion, and leaves a link's outcome to be read.
func TestLinksOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, pool, _ := trusting(t)
		ada := cognito.External{Provider: "Okta", Attribute: cognito.Subject, Value: "00u1"}
		lost := func(op string) {
			if err := e.AddFault(emulator.Fault{Operation: op, Kind: emulator.ResetAfter, Count: 1}); err != nil {
				t.Fatal(err)
			}
		}
		lost("AdminLinkProviderForUser")
		var ce *cognito.Error
		if err := pool.LinkUser(t.Context(), "ada", ada); !errors.As(err, &ce) || ce.Kind != cognito.Invalid || !ce.Sent {
			t.Errorf("linking: got %v, want kind %q with an unknown outcome", err, cognito.Invalid)
		}
		lost("AdminDisableProviderForUser")
		if err := pool.Unlink(t.Context(), ada); err != nil {
			t.Errorf("unlinking: got %v, want none", err)
		}
	})
}

func TestProvidersAndClients(t *testing.T) {
	t.Parallel()
	_, pool, admin := trusting(t)
	made, err := admin.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: aws.String(fakePool), ClientName: aws.String("web"), GenerateSecret: true, WriteAttributes: []string{"email"},
	})
	if err != nil {
		t.Fatal(err)
	}
	providers, next, err := pool.ProvidersPage(t.Context(), "")
	if diff := cmp.Diff([]cognito.Provider{{Name: "Okta", Type: "OIDC"}}, providers); diff != "" || next != "" || err != nil {
		t.Errorf("the providers (-want +got):\n%s\nnext %q, error %v", diff, next, err)
	}
	okta, err := pool.Provider(t.Context(), "Okta")
	if diff := cmp.Diff(cognito.Provider{Name: "Okta", Type: "OIDC", Mapping: map[string]string{"email": "mail"}}, okta); diff != "" || err != nil {
		t.Errorf("the provider (-want +got):\n%s\nerror %v", diff, err)
	}
	if _, err := pool.Provider(t.Context(), "Nowhere"); cognito.KindOf(err) != cognito.ProviderNotFound {
		t.Errorf("an unknown provider: got %v, want kind %q", err, cognito.ProviderNotFound)
	}
	id := aws.ToString(made.UserPoolClient.ClientId)
	clients, next, err := pool.ClientsPage(t.Context(), "")
	if diff := cmp.Diff([]cognito.Client{{ID: id, Name: "web"}}, clients); diff != "" || next != "" || err != nil {
		t.Errorf("the clients (-want +got):\n%s\nnext %q, error %v", diff, next, err)
	}
	web, err := pool.Client(t.Context(), id)
	if diff := cmp.Diff(cognito.Client{ID: id, Name: "web", Write: []string{"email"}}, web); diff != "" || err != nil {
		t.Errorf("the client (-want +got):\n%s\nerror %v", diff, err)
	}
}
