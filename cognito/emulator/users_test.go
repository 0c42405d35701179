package emulator_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

func TestUserLife(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{CustomAttributes: []emulator.CustomAttribute{{Name: "scim"}}})
	made := create(t, c, "ada", "email", "Ada@example.com", "email_verified", "true", "custom:scim", `{"x":1}`)
	if made.UserStatus != types.UserStatusTypeForceChangePassword || !made.Enabled || *made.Username != "ada" {
		t.Errorf("got %s, enabled %t, username %s; want FORCE_CHANGE_PASSWORD, true, ada", made.UserStatus, made.Enabled, *made.Username)
	}
	sub := value(made.Attributes, "sub")
	for _, name := range []string{"ada", sub} {
		if got := value(get(t, c, name).UserAttributes, "email"); got != "Ada@example.com" {
			t.Errorf("%s: got email %s, want Ada@example.com", name, got)
		}
	}
	_, err := c.AdminCreateUser(t.Context(), &idp.AdminCreateUserInput{UserPoolId: aws.String(poolID), Username: aws.String("ada")})
	wantError(t, err, "UsernameExistsException", "User account already exists")

	update := func(pairs ...string) error {
		_, err := c.AdminUpdateUserAttributes(t.Context(), &idp.AdminUpdateUserAttributesInput{UserPoolId: aws.String(poolID), Username: aws.String("ada"), UserAttributes: attributes(pairs...)})
		return err
	}
	if err := update("email", "ada@example.org", "custom:scim", ""); err != nil {
		t.Fatal(err)
	}
	got := get(t, c, "ada")
	if v := value(got.UserAttributes, "email_verified"); v != "false" {
		t.Errorf("after a change of email: got email_verified %s, want false", v)
	}
	if v := value(got.UserAttributes, "custom:scim"); v != "<none>" {
		t.Errorf("after a blank value: got custom:scim %s, want <none>", v)
	}
	wantError(t, update("sub", sub), "InvalidParameterException", "user.sub: Attribute cannot be updated.")
	wantError(t, update("custom:x", "1"), "InvalidParameterException", "user.custom:x: Attribute does not exist in the schema.")

	page, err := c.ListUsers(t.Context(), &idp.ListUsersInput{UserPoolId: aws.String(poolID), Filter: aws.String(`email ^= "ADA@"`)})
	if err != nil || len(page.Users) != 1 || page.PaginationToken != nil {
		t.Fatalf("got %d users, token %v, error %v; want 1, none, none", len(page.Users), page.PaginationToken, err)
	}
	if _, err := c.AdminDeleteUser(t.Context(), &idp.AdminDeleteUserInput{UserPoolId: aws.String(poolID), Username: aws.String("ada")}); err != nil {
		t.Fatal(err)
	}
	_, err = c.AdminGetUser(t.Context(), &idp.AdminGetUserInput{UserPoolId: aws.String(poolID), Username: aws.String("ada")})
	wantError(t, err, "UserNotFoundException", "User does not exist.")
}

func TestGroupLife(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	create(t, c, "ada")
	if _, err := c.CreateGroup(t.Context(), &idp.CreateGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("staff")}); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreateGroup(t.Context(), &idp.CreateGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("All Staff")})
	wantError(t, err, "InvalidParameterException", `1 validation error detected: Value 'All Staff' at 'groupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+`)
	for range 2 {
		if _, err := c.AdminAddUserToGroup(t.Context(), &idp.AdminAddUserToGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("staff"), Username: aws.String("ada")}); err != nil {
			t.Fatal(err)
		}
	}
	members, err := c.ListUsersInGroup(t.Context(), &idp.ListUsersInGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("staff")})
	if err != nil || len(members.Users) != 1 {
		t.Fatalf("got %d members, error %v; want 1", len(members.Users), err)
	}
	of, err := c.AdminListGroupsForUser(t.Context(), &idp.AdminListGroupsForUserInput{UserPoolId: aws.String(poolID), Username: aws.String("ada")})
	if err != nil || len(of.Groups) != 1 || *of.Groups[0].GroupName != "staff" {
		t.Fatalf("got groups %v, error %v; want staff", of.Groups, err)
	}
}

func TestDescribePool(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{CaseInsensitive: true})
	out, err := c.DescribeUserPool(t.Context(), &idp.DescribeUserPoolInput{UserPoolId: aws.String(poolID)})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(out.UserPool.SchemaAttributes); n != 21 || *out.UserPool.UsernameConfiguration.CaseSensitive {
		t.Errorf("got %d attributes, case-sensitive %t; want 21, false", n, *out.UserPool.UsernameConfiguration.CaseSensitive)
	}
	_, err = c.DescribeUserPool(t.Context(), &idp.DescribeUserPoolInput{UserPoolId: aws.String("us-east-1_none")})
	wantError(t, err, "ResourceNotFoundException", "User pool us-east-1_none does not exist.")
	if got := e.Calls()["DescribeUserPool"]; got != 2 {
		t.Errorf("got %d calls of DescribeUserPool, want 2", got)
	}
}

// TestDescribedConstraints checks how each kind of schema row is described.
func TestDescribedConstraints(t *testing.T) {
	t.Parallel()
	e := emulator.New(emulator.Config{Seed: 1})
	w := call(e, "CreateUserPool", `{"PoolName":"p","Schema":[{"Name":"level","AttributeDataType":"Number","NumberAttributeConstraints":{"MinValue":"1","MaxValue":"9"}},`+
		`{"Name":"count","AttributeDataType":"Number"},{"Name":"code","StringAttributeConstraints":{"MinLength":"2"}},{"Name":"since","AttributeDataType":"DateTime"}]}`)
	const flags = `"DeveloperOnlyAttribute":false,"Mutable":true,"Required":false`
	for _, want := range []string{
		`{"Name":"sub","AttributeDataType":"String","DeveloperOnlyAttribute":false,"Mutable":false,"Required":true,"StringAttributeConstraints":{"MinLength":"1","MaxLength":"2048"}}`,
		`{"Name":"birthdate","AttributeDataType":"String",` + flags + `,"StringAttributeConstraints":{"MinLength":"10","MaxLength":"10"}}`,
		`{"Name":"identities","AttributeDataType":"String",` + flags + `,"StringAttributeConstraints":{}}`,
		`{"Name":"email_verified","AttributeDataType":"Boolean",` + flags + `}`,
		`{"Name":"updated_at","AttributeDataType":"Number",` + flags + `,"NumberAttributeConstraints":{"MinValue":"0"}}`,
		`{"Name":"custom:level","AttributeDataType":"Number",` + flags + `,"NumberAttributeConstraints":{"MinValue":"1","MaxValue":"9"}}`,
		`{"Name":"custom:count","AttributeDataType":"Number",` + flags + `,"NumberAttributeConstraints":{}}`,
		`{"Name":"custom:code","AttributeDataType":"String",` + flags + `,"StringAttributeConstraints":{"MinLength":"2","MaxLength":"2048"}}`,
		`{"Name":"custom:since","AttributeDataType":"DateTime",` + flags + `}`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("got %s, want it to contain %s", w.Body, want)
		}
	}
}
