package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// TestTheSampleStarts: config.sample.json serves once it has a pool, the identity providers that it names, and tokens.
func TestTheSampleStarts(t *testing.T) {
	t.Parallel()
	sample, err := os.ReadFile("../../config.sample.json")
	if err != nil {
		t.Fatal(err)
	}
	endpoint := emulate(t)
	for _, name := range []string{"Okta", "EntraID"} {
		if _, err := sdk(endpoint).CreateIdentityProvider(t.Context(), &cip.CreateIdentityProviderInput{UserPoolId: aws.String("us-east-1_local"), ProviderName: &name,
			ProviderType: types.IdentityProviderTypeTypeSaml, ProviderDetails: map[string]string{"MetadataURL": "https://idp.example.com"}}); err != nil {
			t.Fatal(err)
		}
	}
	filled := strings.NewReplacer(
		"127.0.0.1:8080", "127.0.0.1:0", "127.0.0.1:8081", "127.0.0.1:0",
		"eu-west-1_AbCdEf123", "us-east-1_local", `"endpoint": ""`, `"endpoint": "`+endpoint+`"`,
		"file:/run/secrets/scim-token-entra", "file:"+write(t, "token", strings.Repeat("e", 32)+"\n"),
	).Replace(string(sample))
	c := start(t, map[string]string{"SCIM_TOKEN_OKTA": token, "SCIM_TOKEN_OKTA_NEXT": "next-" + token},
		"serve", "--config", write(t, "config.json", filled), "--create-attributes", "--store=sqlite:"+filepath.Join(t.TempDir(), "m.db"))
	origin := "http://" + c.await(t, c.log, `"msg":"serving".*"listen":"([^"]+)"`)
	awaitReady(t, origin)
	for _, token := range []string{token, "next-" + token, strings.Repeat("e", 32)} {
		if status, found := scim(t, "GET", origin+"/scim/v2/Users?startIndex=1&count=2", token, ""); status != 200 || found["totalResults"] != 0.0 {
			t.Errorf("with a token of the sample: got %d %v, want an empty list", status, found)
		}
	}
}
