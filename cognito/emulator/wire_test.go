package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// at is a fixed time for clocks.
var at = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

func fixed() time.Time { return at }

// wireRow is one exchange: what is sent, and the exact answer.
type wireRow struct {
	name      string
	operation string
	body      string
	status    int
	want      string
}

func (r wireRow) run(t *testing.T, h http.Handler) {
	t.Helper()
	w := call(h, r.operation, r.body)
	if w.Code != r.status || w.Body.String() != r.want {
		t.Errorf("%s %s:\ngot  %d %s\nwant %d %s", r.operation, r.body, w.Code, w.Body, r.status, r.want)
	}
}

// sentence is the body of an error.
func sentence(code, message string) string {
	b, err := json.Marshal(map[string]string{"__type": code, "message": message})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestWire(t *testing.T) {
	t.Parallel()
	e := emulator.New(emulator.Config{Seed: 7, Clock: fixed})
	if err := e.CreatePool(emulator.PoolConfig{ID: poolID}); err != nil {
		t.Fatal(err)
	}
	const in = `"UserPoolId":"` + poolID + `"`
	group := `{"Group":{"GroupName":"staff","UserPoolId":"` + poolID + `","Description":"All <Staff>","Precedence":0,"LastModifiedDate":1767323045.678,"CreationDate":1767323045.678}}`
	rows := []wireRow{
		{"a group, with dates in epoch seconds", "CreateGroup", `{` + in + `,"GroupName":"staff","Description":"All <Staff>","Precedence":0}`, 200, group},
		{"the group read back", "GetGroup", `{` + in + `,"GroupName":"staff"}`, 200, group},
		{"an existing group", "CreateGroup", `{` + in + `,"GroupName":"staff"}`, 400, sentence("GroupExistsException", "A group with the name already exists.")},
		{"no such group", "GetGroup", `{` + in + `,"GroupName":"Staff"}`, 400, sentence("ResourceNotFoundException", "Group not found.")},
		{"an empty list", "ListUsers", `{` + in + `}`, 200, `{"Users":[]}`},
		{"no output shape", "DeleteGroup", `{` + in + `,"GroupName":"staff"}`, 200, ``},
		{"no such user", "AdminEnableUser", `{` + in + `,"Username":"ada"}`, 400, sentence("UserNotFoundException", "User does not exist.")},
		{"no such pool", "ListUsers", `{"UserPoolId":"us-east-1_other"}`, 400, sentence("ResourceNotFoundException", "User pool us-east-1_other does not exist.")},
		{"an operation that is not emulated", "AdminSetUserMFAPreference", `{}`, 400, sentence("UnknownOperationException", `operation "AdminSetUserMFAPreference" is not emulated`)},
		{"a parameter that is not emulated", "CreateUserPool", `{"PoolName":"x","LambdaConfig":{"PreSignUp":"arn"}}`, 400, sentence("InvalidParameterException", "LambdaConfig is not emulated")},
		{"a value that is not emulated", "CreateUserPool", `{"PoolName":"x","MfaConfiguration":"ON"}`, 400, sentence("InvalidParameterException", "MfaConfiguration ON is not emulated")},
		{"a string for a number", "ListUsers", `{` + in + `,"Limit":"60"}`, 400, sentence("SerializationException", "STRING_VALUE can not be converted to a Integer")},
		{"a number for a string", "GetGroup", `{` + in + `,"GroupName":7}`, 400, sentence("SerializationException", "NUMBER_VALUE can not be converted to a String")},
		{"a string for a boolean", "AdminCreateUser", `{` + in + `,"Username":"ada","ForceAliasCreation":"true"}`, 400, sentence("SerializationException", "STRING_VALUE can not be converted to a Boolean")},
		{"a number in a map of strings", "InitiateAuth", `{"ClientId":"x","AuthFlow":"USER_PASSWORD_AUTH","AuthParameters":{"USERNAME":7}}`, 400, sentence("SerializationException", "NUMBER_VALUE can not be converted to a String")},
		{"a list for a map", "InitiateAuth", `{"ClientId":"x","AuthFlow":"USER_PASSWORD_AUTH","AuthParameters":[]}`, 400, sentence("SerializationException", "Start of list can not be converted to a Map")},
		{"a flag for a structure", "CreateUserPool", `{"PoolName":"x","UsernameConfiguration":true}`, 400, sentence("SerializationException", "TRUE_VALUE can not be converted to a Structure")},
		{"a history of passwords", "CreateUserPool", `{"PoolName":"x","Policies":{"PasswordPolicy":{"MinimumLength":8,"PasswordHistorySize":3}}}`, 400, sentence("InvalidParameterException", "PasswordHistorySize is not emulated")},
		{"a fraction", "ListUsers", `{` + in + `,"Limit":1.5}`, 400, sentence("SerializationException", "NUMBER_VALUE can not be converted to a Integer")},
		{"an object for a list", "AdminUpdateUserAttributes", `{` + in + `,"Username":"ada","UserAttributes":{}}`, 400, sentence("SerializationException", "Start of structure or map can not be converted to a List")},
		{"a member of the wrong case is no member", "GetGroup", `{"userPoolId":"` + poolID + `","GroupName":"staff"}`, 400,
			sentence("InvalidParameterException", "1 validation error detected: Value null at 'userPoolId' failed to satisfy constraint: Member must not be null")},
		{"null is no value", "GetGroup", `{` + in + `,"GroupName":null}`, 400,
			sentence("InvalidParameterException", "1 validation error detected: Value null at 'groupName' failed to satisfy constraint: Member must not be null")},
		{"a space in a group's name", "CreateGroup", `{` + in + `,"GroupName":"All Staff"}`, 400,
			sentence("InvalidParameterException", `1 validation error detected: Value 'All Staff' at 'groupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+`)},
		{"a username is not repeated", "AdminCreateUser", `{` + in + `,"Username":"ada lovelace"}`, 400,
			sentence("InvalidParameterException", `1 validation error detected: Value at 'username' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+`)},
		{"two errors", "CreateGroup", `{` + in + `,"GroupName":"","Precedence":-1}`, 400,
			sentence("InvalidParameterException", `3 validation errors detected: Value '' at 'groupName' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'groupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+; Value '-1' at 'precedence' failed to satisfy constraint: Member must have value greater than or equal to 0`)},
		{"a limit too high", "ListUsers", `{` + in + `,"Limit":61}`, 400,
			sentence("InvalidParameterException", "1 validation error detected: Value '61' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 60")},
		{"an unknown choice", "AdminCreateUser", `{` + in + `,"Username":"ada","MessageAction":"SILENT"}`, 400,
			sentence("InvalidParameterException", "1 validation error detected: Value 'SILENT' at 'messageAction' failed to satisfy constraint: Member must satisfy enum value set: [RESEND, SUPPRESS]")},
		{"a name too long, deep inside", "AdminCreateUser", `{` + in + `,"Username":"ada","UserAttributes":[{"Name":"email","Value":""},{"Name":"custom:a-name-that-is-far-too-long","Value":"x"}]}`, 400,
			sentence("InvalidParameterException", "1 validation error detected: Value 'custom:a-name-that-is-far-too-long' at 'userAttributes.2.member.name' failed to satisfy constraint: Member must have length less than or equal to 32")},
		{"a null in a list", "AdminDeleteUserAttributes", `{` + in + `,"Username":"ada","UserAttributeNames":[null]}`, 400,
			sentence("InvalidParameterException", "1 validation error detected: Value null at 'userAttributeNames.1.member' failed to satisfy constraint: Member must not be null")},
		{"an empty list of attributes to add", "AddCustomAttributes", `{` + in + `,"CustomAttributes":[]}`, 400,
			sentence("InvalidParameterException", "1 validation error detected: Value '[]' at 'customAttributes' failed to satisfy constraint: Member must have length greater than or equal to 1")},
		{"an unknown member", "ListGroups", `{` + in + `,"Colour":"green"}`, 200, `{"Groups":[]}`},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) { r.run(t, e) })
	}
}

// TestWireErrors covers what is wrong before an operation is understood, and the headers of errors.
func TestWireErrors(t *testing.T) {
	t.Parallel()
	e, _ := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	type header map[string]string
	signed := header{"X-Amz-Target": "AWSCognitoIdentityProviderService.ListUsers", "Content-Type": "application/x-amz-json-1.1", "Authorization": "AWS4-HMAC-SHA256 x"}
	without := func(name, value string) header {
		h := header{}
		for k, v := range signed {
			h[k] = v
		}
		h[name] = value
		return h
	}
	for _, tc := range []struct {
		name         string
		header       header
		body         string
		status       int
		code, within string
	}{
		{"not signed", without("Authorization", ""), `{}`, 400, "MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"no target", without("X-Amz-Target", ""), `{}`, 400, "UnknownOperationException", "X-Amz-Target"},
		{"a target of another service", without("X-Amz-Target", "AWSCognitoIdentityService.GetId"), `{}`, 400, "UnknownOperationException", "AWSCognitoIdentityService.GetId"},
		{"another content type", without("Content-Type", "application/json"), `{}`, 400, "UnknownOperationException", "application/json"},
		{"not JSON", signed, `{"UserPoolId":`, 400, "SerializationException", "not a JSON object"},
		{"a list", signed, `[]`, 400, "SerializationException", "not a JSON object"},
		{"null", signed, `null`, 400, "SerializationException", "not one JSON object"},
		{"two objects", signed, `{}{}`, 400, "SerializationException", "not one JSON object"},
		{"no body", signed, ``, 400, "SerializationException", "not a JSON object"},
		{"too large", signed, `{"Filter":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "RequestEntityTooLargeException", "1048576"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tc.body))
			for k, v := range tc.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			var body struct {
				Type    string `json:"__type"`
				Message string `json:"message"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatalf("got body %q: %v", w.Body, err)
			}
			if w.Code != tc.status || body.Type != tc.code || !strings.Contains(body.Message, tc.within) {
				t.Errorf("got %d %+v, want %d %s with %q", w.Code, body, tc.status, tc.code, tc.within)
			}
			if got := w.Header().Get("X-Amzn-Errortype"); got != tc.code+":" {
				t.Errorf("got x-amzn-ErrorType %q, want %q", got, tc.code+":")
			}
			if got := w.Header().Get("X-Amzn-Errormessage"); !strings.Contains(got, tc.within) {
				t.Errorf("got x-amzn-ErrorMessage %q, want it to contain %q", got, tc.within)
			}
			if got := w.Header().Get("X-Amzn-Requestid"); len(got) != 36 {
				t.Errorf("got x-amzn-RequestId %q, want 36 characters", got)
			}
			if got := w.Header().Get("Content-Type"); got != "application/x-amz-json-1.1" {
				t.Errorf("got Content-Type %q, want application/x-amz-json-1.1", got)
			}
		})
	}
}

// TestErrorsAreModelled provokes errors of all operations with hostile and missing input, and checks that each is one that the service
// model gives the operation, so that SDKs know it.
func TestErrorsAreModelled(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/model.json")
	if err != nil {
		t.Fatal(err)
	}
	var model struct {
		Operations map[string]struct{ Errors []string }
	}
	if err := json.Unmarshal(b, &model); err != nil {
		t.Fatal(err)
	}
	fine := []string{"CreateGroup", "DescribeUserPool", "DeleteUserPool"} // in a pool that exists, nothing is wrong with these
	const nobody = `"Username":"nobody","GroupName":"none","ProviderName":"None","ClientId":"none","ClientName":"c","PoolName":"p","AccessToken":"x","Token":"x",` +
		`"UserAttributes":[{"Name":"nope","Value":"x"}],"UserAttributeNames":["nope"],"Password":"x","MaxResults":1,"AuthFlow":"USER_PASSWORD_AUTH","ChallengeName":"NEW_PASSWORD_REQUIRED",` +
		`"ProviderType":"SAML","ProviderDetails":{},"CustomAttributes":[{"Name":"x","Required":true}],"PaginationToken":"x","NextToken":"x","Schema":[{"Name":"x","Required":true}],"WriteAttributes":["nope"],` +
		`"DestinationUser":{"ProviderName":"Cognito","ProviderAttributeValue":"nobody"},"SourceUser":{},"User":{"ProviderName":"Cognito","ProviderAttributeValue":"nobody"}`
	for name, op := range model.Operations {
		for _, pool := range []string{poolID, "us-east-1_none"} {
			if pool == poolID && slices.Contains(fine, name) {
				continue
			}
			e, _ := newPool(t, emulator.Config{}, emulator.PoolConfig{})
			w := call(e, name, `{"UserPoolId":"`+pool+`",`+nobody+`}`)
			code := strings.TrimSuffix(w.Header().Get("X-Amzn-Errortype"), ":")
			if code == "" {
				t.Errorf("%s in %s: got %d %s, want an error", name, pool, w.Code, w.Body)
			} else if !slices.Contains(op.Errors, code) {
				t.Errorf("%s in %s: got %s, want one of %q", name, pool, w.Body, op.Errors)
			}
		}
	}
}

func TestRootPage(t *testing.T) {
	t.Parallel()
	e := emulator.New(emulator.Config{})
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if !strings.Contains(w.Body.String(), "Amazon Cognito user pools, emulated") {
		t.Errorf("got %q, want a text that says what this is", w.Body)
	}
}

// TestSeedReproduces checks that two emulators with one seed answer alike.
func TestSeedReproduces(t *testing.T) {
	t.Parallel()
	var answers [2][]string
	for i := range answers {
		e, _ := newPool(t, emulator.Config{Seed: 42, Clock: fixed}, emulator.PoolConfig{})
		for _, name := range []string{"ada", "alan", "grace"} {
			w := call(e, "AdminCreateUser", `{"UserPoolId":"`+poolID+`","Username":"`+name+`"}`)
			answers[i] = append(answers[i], w.Header().Get("X-Amzn-Requestid"), w.Body.String())
		}
	}
	if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
		t.Errorf("the same seed answers differently:\n%s", diff)
	}
}
