package bridge_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// awsTool stands for AWS's command: it says what is in described.json, and leaves in updated.json what it is to send. It takes
// nothing but the command that we print, so that it needs no more than the test does.
const awsTool = `#!/bin/sh
case "$*" in
"cognito-idp describe-user-pool-client --user-pool-id us-east-1_local --client-id $CLIENT --query UserPoolClient --output json") cat described.json ;;
"cognito-idp update-user-pool-client --cli-input-json file://client.json") cat client.json >updated.json ;;
*) echo "unexpected: $*" >&2; exit 2 ;;
esac
`

// The command that a refused start prints does what it says: pasted as it stands, it takes our attributes out of what the
// client writes, nothing else changes, and the next start is not refused.
func TestTheCommandForAnAppClientWorks(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("jq"); err != nil {
		pooltest.Needed(t, "there is no jq: install it with apt-get install jq")
	}
	for name, c := range map[string]struct {
		writes, want []string // want: nil for the standard attributes
	}{
		"nothing said":    {nil, nil},
		"ours and others": {[]string{"email", "custom:scim", "custom:scim_2", "custom:scimitar"}, []string{"email", "custom:scimitar"}},
		"ours alone":      {[]string{"custom:scim_3"}, []string{"updated_at"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(c *rigConfig) {
				c.cold = true
				c.pool.CustomAttributes = append(c.pool.CustomAttributes, emulator.CustomAttribute{Name: "scimitar"})
			})
			trust(t, r.emulator, "Okta", nil)
			client := audit.Client(r.emulator)
			made, err := client.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
				UserPoolId: aws.String(poolID), ClientName: aws.String("web\necho"), GenerateSecret: true, WriteAttributes: c.writes,
				ReadAttributes: []string{"email", "custom:scim"}, RefreshTokenValidity: 7, AccessTokenValidity: aws.Int32(10), IdTokenValidity: aws.Int32(20),
				TokenValidityUnits: &types.TokenValidityUnitsType{AccessToken: "minutes", IdToken: "minutes", RefreshToken: "hours"},
				ExplicitAuthFlows:  []types.ExplicitAuthFlowsType{"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}, SupportedIdentityProviders: []string{"COGNITO", "Okta"},
				CallbackURLs: []string{"https://app.example.com/?c='d'"}, LogoutURLs: []string{"https://app.example.com/"}, DefaultRedirectURI: aws.String("https://app.example.com/?c='d'"),
				AllowedOAuthFlows: []types.OAuthFlowType{"code"}, AllowedOAuthScopes: []string{"openid"}, AllowedOAuthFlowsUserPoolClient: true,
				PreventUserExistenceErrors: "ENABLED", EnableTokenRevocation: aws.Bool(false), AuthSessionValidity: aws.Int32(5),
			})
			if err != nil {
				t.Fatal(err)
			}
			id := *made.UserPoolClient.ClientId
			refusal := r.dir.CheckClients(t.Context())
			if refusal == nil {
				t.Fatal("the client is not refused")
			}
			lines := strings.Split(refusal.Error(), "\n")
			if len(lines) != 3 {
				t.Fatalf("got %q, want a sentence, the client, and its command", lines)
			}

			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(awsTool), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "described.json"), clientOnTheWire(t, r, id), 0o600); err != nil {
				t.Fatal(err)
			}
			sh := exec.Command("sh", "-c", lines[2])
			sh.Dir, sh.Env = dir, append(os.Environ(), "CLIENT="+id, "PATH="+dir+":"+os.Getenv("PATH"))
			if out, err := sh.CombinedOutput(); err != nil || len(out) > 0 {
				t.Fatalf("%s: %v\n%s", lines[2], err, out)
			}
			updated, err := os.Open(filepath.Join(dir, "updated.json"))
			if err != nil {
				t.Fatal(err)
			}
			defer updated.Close()
			var in cip.UpdateUserPoolClientInput
			strict := json.NewDecoder(updated)
			strict.DisallowUnknownFields() // as the command does
			if err := strict.Decode(&in); err != nil {
				t.Fatal(err)
			}
			after, err := client.UpdateUserPoolClient(t.Context(), &in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(made.UserPoolClient, after.UserPoolClient, cmpopts.IgnoreFields(types.UserPoolClientType{}, "WriteAttributes", "LastModifiedDate"),
				cmpopts.IgnoreUnexported(types.UserPoolClientType{}, types.TokenValidityUnitsType{})); diff != "" {
				t.Errorf("the client's other settings (-before +after):\n%s", diff)
			}
			if got := after.UserPoolClient.WriteAttributes; c.want != nil && !cmp.Equal(got, c.want) || c.want == nil && len(got) < 15 {
				t.Errorf("it writes %q now, want %q", got, c.want)
			}
			if err := r.dir.CheckClients(t.Context()); err != nil {
				t.Errorf("the next start: %v", err)
			}
		})
	}
}

// clientOnTheWire is an app client as Cognito writes it, every field of it.
func clientOnTheWire(t *testing.T, r *rig, id string) []byte {
	t.Helper()
	wire := &recording{inProcess: inProcess{r.emulator}}
	_, err := audit.Client(r.emulator).DescribeUserPoolClient(t.Context(), &cip.DescribeUserPoolClientInput{UserPoolId: aws.String(poolID), ClientId: &id},
		func(o *cip.Options) { o.HTTPClient = &http.Client{Transport: wire} })
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ UserPoolClient json.RawMessage }
	if err := json.Unmarshal(wire.body, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.UserPoolClient
}

// recording keeps the body of the last answer.
type recording struct {
	inProcess
	body []byte
}

func (c *recording) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := c.inProcess.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if c.body, err = io.ReadAll(response.Body); err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(c.body))
	return response, nil
}
