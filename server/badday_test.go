package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// gateway answers calls to Cognito with an error instead of passing them on.
type gateway struct {
	next http.Handler

	mu                       sync.Mutex
	operation, code, message string // "" as operation: all
	status                   int    // 0: everything passes
}

func (g *gateway) fail(operation string, status int, code, message string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.operation, g.status, g.code, g.message = operation, status, code, message
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	operation, status, code, message := g.operation, g.status, g.code, g.message
	g.mu.Unlock()
	_, called, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if status == 0 || operation != "" && operation != called {
		g.next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"__type":%q,"message":%q}`, code, message)
}

// What an identity provider's admin, the operator and a load balancer learn of a bad day of the pool's. Messages are as
// AWS words them, with what it must not tell on.
var badDays = []struct {
	name, code, message string
	operation           string // "": all
	http                int    // of Cognito's answer
	status              int
	scimType, detail    string
	remedy              string // in the log; "": none
	ready               string // what /readyz says; "": ready
	trouble             string // what it says beside being ready
}{
	{name: "pool deleted", code: "ResourceNotFoundException", message: "User pool us-east-1_local does not exist.", http: 400,
		status: 500, detail: "the user pool is not there any more", remedy: "whether somebody has deleted it", ready: "the user pool is not there any more"},
	{name: "credentials expired", code: "ExpiredTokenException", message: "The security token included in the request is expired", http: 400,
		status: 500, detail: "the AWS credentials of the SCIM server have expired", remedy: "renew the credentials", ready: "credentials of the SCIM server have expired"},
	{name: "credentials revoked", code: "UnrecognizedClientException", message: "The security token included in the request is invalid.", http: 400,
		status: 500, detail: "AWS does not accept the credentials", remedy: "check the access key", ready: "AWS does not accept the credentials"},
	{name: "wrong secret key", code: "InvalidSignatureException", message: "The request signature we calculated does not match the signature you provided.", http: 400,
		status: 500, detail: "its clock may be wrong, or its secret key", remedy: "this machine's clock", ready: "its clock may be wrong"},
	{name: "clock skew", code: "RequestTimeTooSkewed", message: "Signature expired: 20261122T020000Z is now earlier than 20261122T030000Z", http: 403,
		status: 500, detail: "its clock may be wrong", remedy: "this machine's clock", ready: "its clock may be wrong"},
	{name: "no permission", code: "AccessDeniedException", operation: "AdminCreateUser", http: 400,
		message: "User: arn:aws:iam::123456789012:user/scim is not authorized to perform: cognito-idp:AdminCreateUser on resource: arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_local",
		status:  500, detail: "the SCIM server lacks a permission in AWS", remedy: "cognito-idp:AdminCreateUser", trouble: "lacks a permission"},
	{name: "KMS key disabled", code: "KMSDisabledException", operation: "AdminCreateUser", http: 400, message: "arn:aws:kms:us-east-1:123456789012:key/abc is disabled.",
		status: 500, detail: "an encryption key of the user pool cannot be used", remedy: "KMS key", trouble: "an encryption key"},
	{name: "KMS denies", code: "KMSAccessDeniedException", operation: "AdminCreateUser", http: 400, message: "no",
		status: 500, detail: "an encryption key of the user pool cannot be used", remedy: "KMS key", trouble: "an encryption key"},
	{name: "KMS throttles", code: "KMSThrottlingException", operation: "AdminCreateUser", http: 400, message: "slow down", status: 429, detail: "used up"},
	{name: "SMS role", code: "InvalidSmsRoleAccessPolicyException", operation: "AdminCreateUser", http: 400, message: "Role arn:aws:iam::123456789012:role/sms cannot publish",
		status: 500, detail: "the user pool may not send messages", remedy: "IAM role", trouble: "may not send messages"},
	{name: "trigger refuses", code: "UserLambdaValidationException", operation: "AdminCreateUser", http: 400, message: "PreSignUp failed with error contractors are not welcome.",
		status: 400, scimType: "invalidValue", detail: "PreSignUp failed with error contractors are not welcome."},
	{name: "trigger fails", code: "UnexpectedLambdaException", operation: "AdminCreateUser", http: 400,
		message: "arn:aws:lambda:us-east-1:123456789012:function:presignup failed with error Task timed out",
		status:  503, detail: "a Lambda trigger of the user pool fails", remedy: "log of its function", trouble: "a Lambda trigger"},
	{name: "trigger answers nonsense", code: "InvalidLambdaResponseException", operation: "AdminCreateUser", http: 400, message: "Unrecognizable lambda output",
		status: 503, detail: "a Lambda trigger of the user pool fails", remedy: "log of its function", trouble: "a Lambda trigger"},
	{name: "limit reached", code: "LimitExceededException", operation: "AdminCreateUser", http: 400, message: "Exceeded limit of users in arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_local.",
		status: 507, detail: "which waiting does not lift: Exceeded limit of users in (id)", remedy: "have AWS raise it", trouble: "a quota of the user pool is reached"},
	{name: "a role for nothing", code: "InvalidParameterException", operation: "AdminCreateUser", http: 400, message: "Cannot use IAM Role: arn:aws:iam::123456789012:role/sms for pool us-east-1_local",
		status: 400, scimType: "invalidValue", detail: "Cannot use IAM Role: (id) for pool (id)"},
	{name: "rate exceeded", code: "TooManyRequestsException", operation: "AdminCreateUser", http: 400, message: "Rate exceeded", status: 429, detail: "used up"},
	{name: "replica region", code: "OperationNotEnabledException", operation: "AdminCreateUser", http: 400, message: "The operation is not enabled.", status: 503, detail: "not enabled"},
	{name: "Cognito fails", code: "InternalErrorException", operation: "AdminCreateUser", http: 500, message: "internal", status: 503, detail: "does not answer"},
	{name: "unheard of", code: "BrandNewException", operation: "AdminCreateUser", http: 400, message: "arn:aws:iam::123456789012:user/scim", status: 500, detail: "not foreseen"},
}

func TestBadPoolDays(t *testing.T) {
	t.Parallel()
	for _, d := range badDays {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			g := &gateway{}
			w := newWorld(t, func(c *worldConfig) { c.gateway = g })
			w.log.take(t)
			body := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada"}`
			until(t, "the first look at the pool is over, beside that of the start", func() bool { return w.emulator.Calls()["DescribeUserPool"] >= 2 })
			g.fail(d.operation, d.http, d.code, d.message)
			r := w.do(t, "POST", "/scim/v2/Users", body)
			r.refused(d.status, d.scimType, d.detail)
			if again := r.header.Get("Retry-After"); (again != "") != (d.status == 429 || d.status == 503) {
				t.Errorf("got Retry-After %q with %d, want it with 429 and 503", again, d.status)
			}
			w.wantReady(t, d.ready, d.trouble)
			for _, text := range []string{r.text, w.do(t, "GET", "/readyz", "").text} {
				if strings.Contains(text, "arn:") || strings.Contains(text, "123456789012") || strings.Contains(text, "us-east-1_local") {
					t.Errorf("got %s, want no internals", text)
				}
			}
			w.do(t, "POST", "/scim/v2/Users", body)
			remedies := 0
			lines, _ := w.log.take(t)
			for _, line := range lines {
				if remedy, _ := line["remedy"].(string); remedy != "" && line["op"] == "AdminCreateUser" {
					remedies++
					if line["level"] != "ERROR" || line["code"] != d.code || !strings.Contains(remedy, d.remedy) {
						t.Errorf("the operator's line: got %v, want ERROR, the code and %q", line, d.remedy)
					}
				}
			}
			if (d.remedy != "") != (remedies == 1) {
				t.Errorf("after two requests: got %d lines for the operator, want %v that there is one", remedies, d.remedy != "")
			}

			g.fail("", 0, "", "")
			if r := w.do(t, "POST", "/scim/v2/Users", body); r.status != 201 {
				t.Errorf("once it is mended: got %d %s, want 201", r.status, r.text)
			}
			w.wantReady(t, "", "")
		})
	}
}

// wantReady checks what /readyz says, to strangers.
func (w *world) wantReady(t *testing.T, reason, trouble string) {
	t.Helper()
	var got struct {
		Status           string
		Reasons, Trouble []string
	}
	r := w.do(t, "GET", "/readyz", "")
	r.decode(&got)
	reasons, troubles := strings.Join(got.Reasons, "; "), strings.Join(got.Trouble, "; ")
	if (got.Status == "ready") != (reason == "") || (r.status == 200) != (reason == "") || !strings.Contains(reasons, reason) || (reasons == "") != (reason == "") {
		t.Errorf("/readyz: got %d %s, want the reason %q", r.status, r.text, reason)
	}
	if !strings.Contains(troubles, trouble) || (troubles == "") != (trouble == "") {
		t.Errorf("/readyz: got %s, want the trouble %q", r.text, trouble)
	}
}
