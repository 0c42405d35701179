package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// FuzzWire sends anything to any operation of a pool that has some of everything: there must be no panic, and always an answer in the
// protocol's form.
func FuzzWire(f *testing.F) {
	const in = `{"UserPoolId":"` + poolID + `"`
	for _, seed := range [][2]string{
		{"AdminCreateUser", in + `,"Username":"eve","UserAttributes":[{"Name":"email","Value":"eve@example.com"},{"Name":"email_verified","Value":"true"}],"MessageAction":"SUPPRESS"}`},
		{"AdminUpdateUserAttributes", in + `,"Username":"user0000001","UserAttributes":[{"Name":"email","Value":""},{"Name":"custom:scim","Value":"x"}]}`},
		{"ListUsers", in + `,"Filter":"email ^= \"u\\\"\"","Limit":2}`},
		{"ListUsers", in + `,"Filter":"status=\"Enabled\"","PaginationToken":"eyJrIjoiIn0"}`},
		{"CreateGroup", in + `,"GroupName":"g","Precedence":1}`},
		{"AdminAddUserToGroup", in + `,"GroupName":"group00001","Username":"user0000001"}`},
		{"DeleteGroup", in + `,"GroupName":"group00001"}`},
		{"AdminDeleteUser", in + `,"Username":"user0000002"}`},
		{"CreateUserPool", `{"PoolName":"p","Schema":[{"Name":"x","AttributeDataType":"Number","NumberAttributeConstraints":{"MinValue":"1"}}],"AliasAttributes":["email"]}`},
		{"AdminLinkProviderForUser", in + `,"DestinationUser":{"ProviderName":"Cognito","ProviderAttributeValue":"user0000001"},"SourceUser":{"ProviderName":"Okta","ProviderAttributeName":"Cognito_Subject","ProviderAttributeValue":"1"}}`},
		{"AdminDisableProviderForUser", in + `,"User":{"ProviderName":"Okta","ProviderAttributeName":"Cognito_Subject","ProviderAttributeValue":"1"}}`},
		{"CreateIdentityProvider", in + `,"ProviderName":"Entra","ProviderType":"SAML","ProviderDetails":{"MetadataURL":"x"},"AttributeMapping":{"email":"mail"}}`},
		{"CreateUserPoolClient", in + `,"ClientName":"c","WriteAttributes":["email"],"TokenValidityUnits":{"AccessToken":"days"}}`},
		{"InitiateAuth", `{"ClientId":"c","AuthFlow":"USER_PASSWORD_AUTH","AuthParameters":{"USERNAME":"u","PASSWORD":"p"}}`},
		{"GetUser", `{"AccessToken":"us-east-1_test.access.x"}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, operation, body string) {
		e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{CustomAttributes: []emulator.CustomAttribute{{Name: "scim"}}})
		must(t, e.SeedUsers(poolID, 3), e.SeedGroups(poolID, 1, 2))
		must(t, link(t, federatedIn(t, c), "user0000003", "Cognito_Subject", "00u1"))
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header = http.Header{"X-Amz-Target": {"AWSCognitoIdentityProviderService." + operation}, "Content-Type": {"application/x-amz-json-1.1"}, "Authorization": {"x"}}
		for range 2 { // what succeeded once meets its own traces
			w := httptest.NewRecorder()
			r.Body = http.NoBody
			if body != "" {
				r.Body = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)).Body
			}
			e.ServeHTTP(w, r)
			wantProtocol(t, w)
		}
		for _, check := range []string{"ListUsers", "ListGroups"} {
			if w := call(e, check, in+`}`); w.Code != http.StatusOK && operation != "DeleteUserPool" {
				t.Errorf("%s afterwards: got %d %s, want 200", check, w.Code, w.Body)
			}
		}
	})
}

// wantProtocol checks the form of an answer: empty or an object, an error with its code in body and header.
func wantProtocol(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if !slices.Contains([]int{200, 400, 413}, w.Code) {
		t.Errorf("got status %d %s, want 200, 400 or 413", w.Code, w.Body)
	}
	if w.Code == http.StatusOK && w.Body.Len() == 0 {
		return
	}
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Errorf("got body %q: %v", w.Body, err)
	}
	if code, _ := answer["__type"].(string); w.Code != http.StatusOK && (code == "" || code+":" != w.Header().Get("X-Amzn-Errortype")) {
		t.Errorf("got error %s with header %q, want the same code in both", w.Body, w.Header().Get("X-Amzn-Errortype"))
	}
}
