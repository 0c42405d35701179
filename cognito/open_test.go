package cognito_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// TestOpenAdvice: what stands in the way of opening a pool is said in a sentence that
// says what to do.
func TestOpenAdvice(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		answer answer
		kind   cognito.Kind
		want   string
	}{
		"no pool": {
			fails(400, "ResourceNotFoundException", "User pool eu-west-1_Fake does not exist."), cognito.PoolNotFound,
			"there is no user pool eu-west-1_Fake in region eu-west-1: check the pool's id, the region and the AWS account",
		},
		"no permission": {
			fails(400, "AccessDeniedException", "User: arn:aws:sts::1:x is not authorized"), cognito.Denied,
			"give the AWS identity the policy of the documentation, with cognito-idp:DescribeUserPool on this pool",
		},
		"session expired": {
			fails(400, "ExpiredTokenException", "The security token included in the request is expired"), cognito.Denied,
			"the AWS session has expired: renew the credentials",
		},
		"unknown key": {
			fails(400, "UnrecognizedClientException", "The security token included in the request is invalid."), cognito.Denied,
			"AWS does not know these credentials",
		},
		"clock or secret wrong": {
			fails(400, "InvalidSignatureException", "Signature expired"), cognito.Denied,
			"check the secret key and this machine's clock",
		},
		"no service": {
			raw(503, ""), cognito.Unavailable,
			"the user pool eu-west-1_Fake in region eu-west-1 cannot be reached: check the network, its proxy and the endpoint",
		},
		"throttled": {
			throttles, cognito.Throttled,
			"start again in a moment",
		},
		"an answer without a pool": {
			ok("{}"), cognito.Unavailable,
			"cannot be reached",
		},
		"a schema that makes no sense": {
			ok(`{"UserPool":{"SchemaAttributes":[{"Name":"custom:x","StringAttributeConstraints":{"MaxLength":"many"}}]}}`), cognito.Unavailable,
			`attribute "custom:x"`,
		},
		"something else": {
			fails(400, "OddException", "?"), cognito.Unexpected,
			"cannot be described",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := cognito.Open(t.Context(), cognito.Config{
				PoolID: fakePool, Credentials: testCredentials, MaxBackoff: time.Millisecond,
				Transport: pooltest.InProcess(http.HandlerFunc(c.answer)),
			})
			var e *cognito.Error
			if !errors.As(err, &e) || e.Kind != c.kind {
				t.Fatalf("got %v, want an error of kind %q", err, c.kind)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want it to say %q", err, c.want)
			}
		})
	}
}

// TestOpenRefuses holds the checks of a configuration, which make no call.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		cfg  cognito.Config
		want string
	}{
		"no pool id":         {cognito.Config{}, `"" is not a user pool id`},
		"an ARN for an id":   {cognito.Config{PoolID: "arn:aws:cognito-idp:eu-west-1:1:userpool/eu-west-1_a"}, "is not a user pool id"},
		"a long id":          {cognito.Config{PoolID: "eu_" + strings.Repeat("a", 53)}, "is not a user pool id"},
		"a share over 1":     {cognito.Config{PoolID: fakePool, Share: 1.5}, "the share of the quotas is 1.5"},
		"a negative share":   {cognito.Config{PoolID: fakePool, Share: -1}, "the share of the quotas is -1"},
		"a pace and a share": {cognito.Config{PoolID: fakePool, Share: 0.5, Pace: cognito.NewPace(cognito.PaceConfig{})}, "belong to the shared pace"},
		"negative time-out":  {cognito.Config{PoolID: fakePool, Timeout: -1}, "cannot be negative"},
		"not a URL":          {cognito.Config{PoolID: fakePool, Endpoint: "localhost:9229"}, `endpoint "localhost:9229" is not a URL`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.cfg.Transport = pooltest.InProcess(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a call was made") }))
			_, err := cognito.Open(t.Context(), c.cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
}

// TestRegion: a pool's id names its region on AWS; elsewhere it says nothing.
func TestRegion(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		id, region, endpoint string
		wantRegion, wantHost string
	}{
		"of the pool's id":      {id: "ap-south-1_a", wantRegion: "ap-south-1", wantHost: "cognito-idp.ap-south-1.amazonaws.com"},
		"said":                  {id: "ap-south-1_a", region: "eu-west-1", wantRegion: "eu-west-1", wantHost: "cognito-idp.eu-west-1.amazonaws.com"},
		"with an endpoint":      {id: "local_a", endpoint: "http://127.0.0.1:1", wantRegion: "us-east-1", wantHost: "127.0.0.1:1"},
		"said with an endpoint": {id: "local_a", region: "eu-west-1", endpoint: "http://127.0.0.1:1", wantRegion: "eu-west-1", wantHost: "127.0.0.1:1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var host, authorization string
			server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				host, authorization = r.URL.Host, r.Header.Get("Authorization")
				ok(`{"UserPool":{}}`)(w, r)
			})
			_, err := cognito.Open(t.Context(), cognito.Config{
				PoolID: c.id, Region: c.region, Endpoint: c.endpoint, Credentials: testCredentials, Transport: pooltest.InProcess(server),
			})
			if err != nil {
				t.Fatal(err)
			}
			if host != c.wantHost {
				t.Errorf("got host %q, want %q", host, c.wantHost)
			}
			if scope := "/" + c.wantRegion + "/cognito-idp/aws4_request"; !strings.Contains(authorization, scope) {
				t.Errorf("got authorization %q, want the scope %q", authorization, scope)
			}
		})
	}
}

// TestCredentials: nothing configured is an error that says so on AWS, and no
// obstacle, nor a question to the instance metadata service, for an emulator.
func TestCredentials(t *testing.T) {
	var asked atomic.Int64
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(metadata.Close)
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_ENDPOINT_URL", "AWS_EC2_METADATA_DISABLED"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL)
	cfg := cognito.Config{PoolID: fakePool, Transport: pooltest.InProcess(new(fake))}

	cfg.Endpoint = "http://localhost:1"
	if _, err := cognito.Open(t.Context(), cfg); err != nil {
		t.Errorf("opening an emulator: %v", err)
	}
	if got := asked.Load(); got != 0 {
		t.Errorf("the metadata service was asked %d times, want 0", got)
	}

	cfg.Endpoint = ""
	_, err := cognito.Open(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "no AWS credentials were found: set AWS_ACCESS_KEY_ID") || cognito.KindOf(err) != cognito.Denied {
		t.Errorf("got %v, want it to say that no credentials were found", err)
	}
	if asked.Load() == 0 {
		t.Error("the metadata service was not asked on AWS: the first half of this test shows nothing")
	}
}

// TestCredentialsRefused: what STS, SSO or a container's agent answer about credentials is never taken for Cognito's answer,
// whatever its code means there; the operator reads who refused what.
func TestCredentialsRefused(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"AccessDenied", "InvalidIdentityToken", "ResourceNotFoundException", "Throttling", "InternalFailure", "UnknownError"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			refusal := &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRoleWithWebIdentity", Err: &smithy.GenericAPIError{Code: code, Message: "no"}}
			f := &fake{answers: []answer{created}}
			_, err := cognito.Open(t.Context(), cognito.Config{
				PoolID: fakePool, MaxBackoff: time.Millisecond, Transport: pooltest.InProcess(f),
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, refusal }),
			})
			var e *cognito.Error
			if !errors.As(err, &e) || e.Kind != cognito.Denied || e.Fault() != cognito.NoCredentials || e.Code != "" || e.Sent {
				t.Fatalf("got %v, want a lack of credentials", err)
			}
			for _, part := range []string{"no AWS credentials: STS AssumeRoleWithWebIdentity: api error " + code + ": no", "the error says who refuses"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("got %q, want it to say %q", err, part)
				}
			}
		})
	}
}

// TestInfo holds what is read from a pool's description.
func TestInfo(t *testing.T) {
	t.Parallel()
	description := `{"UserPool":{"Id":"eu-west-1_Fake","Name":"people","Arn":"arn:aws:cognito-idp:eu-west-1:1:userpool/eu-west-1_Fake",
		"CreationDate":1477662772.246,"EstimatedNumberOfUsers":12,"UsernameAttributes":["email"],"AliasAttributes":["preferred_username"],
		"AutoVerifiedAttributes":["email"],"UsernameConfiguration":{"CaseSensitive":false},
		"AdminCreateUserConfig":{"AllowAdminCreateUserOnly":false},"Policies":{"PasswordPolicy":{"MinimumLength":12},"SignInPolicy":{"AllowedFirstAuthFactors":["PASSWORD","WEB_AUTHN"]}},
		"UserAttributeUpdateSettings":{"AttributesRequireVerificationBeforeUpdate":["phone_number"]},
		"SchemaAttributes":[
			{"Name":"sub","AttributeDataType":"String","Mutable":false,"Required":true,"StringAttributeConstraints":{"MinLength":"1","MaxLength":"2048"}},
			{"Name":"updated_at","AttributeDataType":"Number","Mutable":true,"NumberAttributeConstraints":{"MinValue":"0"}},
			{"Name":"email_verified","AttributeDataType":"Boolean","Mutable":true}]}}`
	pool, err := cognito.Open(t.Context(), cognito.Config{
		PoolID: fakePool, Credentials: testCredentials, Transport: pooltest.InProcess(http.HandlerFunc(ok(description))),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := cognito.Info{
		ID: fakePool, Name: "people", ARN: "arn:aws:cognito-idp:eu-west-1:1:userpool/eu-west-1_Fake",
		Created: time.UnixMilli(1477662772246), EstimatedUsers: 12,
		UsernameAttributes: []string{"email"}, AliasAttributes: []string{"preferred_username"},
		AutoVerified: []string{"email"}, VerifyBeforeUpdate: []string{"phone_number"}, SelfSignUp: true, Passkeys: true, MinPassword: 12,
		Attributes: map[string]cognito.AttributeInfo{
			"sub":            {Type: "String", Required: true, MinLength: 1, MaxLength: 2048},
			"updated_at":     {Type: "Number", Mutable: true, MinValue: "0"},
			"email_verified": {Type: "Boolean", Mutable: true},
		},
	}
	if diff := cmp.Diff(want, pool.Info()); diff != "" {
		t.Errorf("info (-want +got):\n%s", diff)
	}
}
