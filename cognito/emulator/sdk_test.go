package emulator_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

const poolID = "us-east-1_test"

// inProcess is a RoundTripper that calls a handler without sockets, so that tests run under testing/synctest, too.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if v := recover(); v == http.ErrAbortHandler {
			resp, err = nil, errors.New("connection reset by peer")
		} else if v != nil {
			panic(v)
		}
	}()
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

// anybody is a pair of credentials that the emulator takes like any other.
var anybody = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
})

// sdk returns an SDK client of e that does not retry.
func sdk(e http.Handler) *idp.Client {
	return idp.New(idp.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://cognito.test"),
		HTTPClient:   &http.Client{Transport: inProcess{e}},
		Retryer:      aws.NopRetryer{},
		Credentials:  anybody,
	})
}

// newPool returns an emulator with a pool called poolID, and a client of it.
func newPool(t *testing.T, c emulator.Config, p emulator.PoolConfig) (*emulator.Emulator, *idp.Client) {
	t.Helper()
	if c.Seed == 0 {
		c.Seed = 1
	}
	e := emulator.New(c)
	p.ID = poolID
	if err := e.CreatePool(p); err != nil {
		t.Fatal(err)
	}
	return e, sdk(e)
}

// attributes makes a list of attributes from name, value pairs.
func attributes(pairs ...string) []types.AttributeType {
	var list []types.AttributeType
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, types.AttributeType{Name: &pairs[i], Value: &pairs[i+1]})
	}
	return list
}

// value returns the value of a named attribute, "<none>" if it is not there.
func value(list []types.AttributeType, name string) string {
	for _, a := range list {
		if *a.Name == name {
			return *a.Value
		}
	}
	return "<none>"
}

// wantError checks that err is an API error with this code and a message that contains the text.
func wantError(t *testing.T, err error, code, text string) {
	t.Helper()
	var ae smithy.APIError
	if !errors.As(err, &ae) {
		t.Fatalf("got error %v, want an API error %s", err, code)
	}
	if ae.ErrorCode() != code || !strings.Contains(ae.ErrorMessage(), text) {
		t.Fatalf("got error %s: %q, want %s with %q", ae.ErrorCode(), ae.ErrorMessage(), code, text)
	}
}

// create makes a user and returns it.
func create(t *testing.T, c *idp.Client, name string, pairs ...string) *types.UserType {
	t.Helper()
	out, err := c.AdminCreateUser(t.Context(), &idp.AdminCreateUserInput{
		UserPoolId: aws.String(poolID), Username: &name, UserAttributes: attributes(pairs...), MessageAction: types.MessageActionTypeSuppress,
	})
	if err != nil {
		t.Fatalf("creating %s: %v", name, err)
	}
	return out.User
}

// get reads a user by any of its names.
func get(t *testing.T, c *idp.Client, name string) *idp.AdminGetUserOutput {
	t.Helper()
	out, err := c.AdminGetUser(t.Context(), &idp.AdminGetUserInput{UserPoolId: aws.String(poolID), Username: &name})
	if err != nil {
		t.Fatalf("getting %s: %v", name, err)
	}
	return out
}
