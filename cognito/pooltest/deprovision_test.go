package pooltest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// TestWhoeverIsDeactivatedIsOut: after DisableUser and SignOut, which is how the bridge deactivates, neither the password
// nor a refresh token of before gets anybody in, on our emulator and on somebody else's.
func TestWhoeverIsDeactivatedIsOut(t *testing.T) {
	for name, target := range map[string]func(*testing.T) pooltest.Target{
		"emulator": func(t *testing.T) pooltest.Target { return embedded(t, emulator.Config{Seed: 1}) },
		"moto":     moto,
	} {
		t.Run(name, func(t *testing.T) {
			cfg := target(t).Config
			pool, err := cognito.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			app := newApp(t, cfg)
			const ada, password = "ada", "Correct-Horse-7-Staple"
			if _, err := pool.CreateUser(t.Context(), ada, nil); err != nil {
				t.Fatal(err)
			}
			if err := pool.SetPassword(t.Context(), ada, password, true); err != nil {
				t.Fatal(err)
			}
			session, err := app.signIn(t, map[string]string{"USERNAME": ada, "PASSWORD": password})
			if err != nil {
				t.Fatalf("signing in before: %v", err)
			}
			if _, err := app.refresh(t, session); err != nil {
				t.Fatalf("refreshing before: %v", err)
			}
			if err := pool.DisableUser(t.Context(), ada); err != nil {
				t.Fatal(err)
			}
			if err := pool.SignOut(t.Context(), ada); err != nil {
				t.Fatal(err)
			}
			if _, err := app.signIn(t, map[string]string{"USERNAME": ada, "PASSWORD": password}); err == nil {
				t.Error("the password still gets her in")
			}
			if _, err := app.refresh(t, session); err == nil {
				t.Error("the refresh token still gets her in")
			}
		})
	}
}

// app is an app client of the pool.
type app struct {
	client *cip.Client
	id     *string
}

func newApp(t *testing.T, cfg cognito.Config) app {
	t.Helper()
	client := cip.New(cip.Options{Region: "us-east-1", Credentials: madeUp, BaseEndpoint: &cfg.Endpoint})
	out, err := client.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &cfg.PoolID, ClientName: aws.String("app"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	if err != nil {
		t.Fatalf("creating an app client: %v", err)
	}
	return app{client, out.UserPoolClient.ClientId}
}

// signIn returns a refresh token.
func (a app) signIn(t *testing.T, parameters map[string]string) (string, error) {
	t.Helper()
	out, err := a.client.InitiateAuth(t.Context(), &cip.InitiateAuthInput{ClientId: a.id, AuthFlow: types.AuthFlowTypeUserPasswordAuth, AuthParameters: parameters})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.AuthenticationResult.RefreshToken), nil
}

// refresh returns an access token.
func (a app) refresh(t *testing.T, token string) (string, error) {
	t.Helper()
	out, err := a.client.InitiateAuth(t.Context(), &cip.InitiateAuthInput{ClientId: a.id, AuthFlow: types.AuthFlowTypeRefreshTokenAuth,
		AuthParameters: map[string]string{"REFRESH_TOKEN": token}})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.AuthenticationResult.AccessToken), nil
}
