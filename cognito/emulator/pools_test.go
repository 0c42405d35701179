package emulator_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

func TestPoolLife(t *testing.T) {
	t.Parallel()
	c := sdk(emulator.New(emulator.Config{Seed: 1, Region: "eu-central-1", Account: "111122223333"}))
	out, err := c.CreateUserPool(t.Context(), &idp.CreateUserPoolInput{
		PoolName:               aws.String("people"),
		UsernameAttributes:     []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		UsernameConfiguration:  &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)},
		DeletionProtection:     types.DeletionProtectionTypeActive,
		UserPoolTags:           map[string]string{"team": "identity"},
		AdminCreateUserConfig:  &types.AdminCreateUserConfigType{AllowAdminCreateUserOnly: true},
		LambdaConfig:           &types.LambdaConfigType{}, // empty: nothing that would have to be emulated
		Policies:               &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{MinimumLength: aws.Int32(12), RequireNumbers: true, TemporaryPasswordValidityDays: 3}},
		Schema: []types.SchemaAttributeType{
			{Name: aws.String("email"), AttributeDataType: types.AttributeDataTypeString, Required: aws.Bool(true), Mutable: aws.Bool(true)},
			{Name: aws.String("scim"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true), StringAttributeConstraints: &types.StringAttributeConstraintsType{MaxLength: aws.String("100")}},
			{Name: aws.String("internal"), AttributeDataType: types.AttributeDataTypeString, DeveloperOnlyAttribute: aws.Bool(true)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := *out.UserPool.Id
	described, err := c.DescribeUserPool(t.Context(), &idp.DescribeUserPoolInput{UserPoolId: &id})
	if err != nil {
		t.Fatal(err)
	}
	p := described.UserPool
	if want := "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/" + id; *p.Arn != want || !strings.HasPrefix(id, "eu-central-1_") {
		t.Errorf("got ARN %s, want %s", *p.Arn, want)
	}
	if p.UsernameAttributes[0] != "email" || *p.UsernameConfiguration.CaseSensitive || p.AutoVerifiedAttributes[0] != "email" || p.UserPoolTags["team"] != "identity" || !p.AdminCreateUserConfig.AllowAdminCreateUserOnly {
		t.Errorf("got %+v, want what was asked for", p)
	}
	if policy := p.Policies.PasswordPolicy; *policy.MinimumLength != 12 || policy.RequireUppercase || !policy.RequireNumbers || policy.TemporaryPasswordValidityDays != 3 {
		t.Errorf("got policy %+v, want 12 characters with numbers, 3 days", policy)
	}
	rows := map[string]types.SchemaAttributeType{}
	for _, a := range p.SchemaAttributes {
		rows[*a.Name] = a
	}
	if got := rows["custom:scim"].StringAttributeConstraints; *got.MaxLength != "100" || *got.MinLength != "0" {
		t.Errorf("got custom:scim of %s to %s characters, want 0 to 100", *got.MinLength, *got.MaxLength)
	}
	if !*rows["email"].Required || !*rows["dev:custom:internal"].DeveloperOnlyAttribute {
		t.Errorf("got email required %t, dev:custom:internal %t; want both", *rows["email"].Required, *rows["dev:custom:internal"].DeveloperOnlyAttribute)
	}
	_, err = c.DeleteUserPool(t.Context(), &idp.DeleteUserPoolInput{UserPoolId: &id})
	wantError(t, err, "InvalidParameterException", "deletion protection is activated")
}

func TestListAndDeletePools(t *testing.T) {
	t.Parallel()
	c := sdk(emulator.New(emulator.Config{Seed: 1}))
	for range 5 {
		if _, err := c.CreateUserPool(t.Context(), &idp.CreateUserPoolInput{PoolName: aws.String("p")}); err != nil {
			t.Fatal(err)
		}
	}
	count := func() (n int) {
		pages := idp.NewListUserPoolsPaginator(c, &idp.ListUserPoolsInput{MaxResults: aws.Int32(2)})
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			n += len(out.UserPools)
		}
		return n
	}
	if got := count(); got != 5 {
		t.Errorf("got %d pools, want 5", got)
	}
	out, err := c.ListUserPools(t.Context(), &idp.ListUserPoolsInput{MaxResults: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteUserPool(t.Context(), &idp.DeleteUserPoolInput{UserPoolId: out.UserPools[0].Id}); err != nil {
		t.Fatal(err)
	}
	if got := count(); got != 4 {
		t.Errorf("got %d pools after a deletion, want 4", got)
	}
	_, err = c.ListUserPools(t.Context(), &idp.ListUserPoolsInput{MaxResults: aws.Int32(61)})
	wantError(t, err, "InvalidParameterException", "Member must have value less than or equal to 60")
}

// TestPoolFaults covers pools that cannot be, over the wire and by CreatePool.
func TestPoolFaults(t *testing.T) {
	t.Parallel()
	e := emulator.New(emulator.Config{Seed: 1})
	for _, tc := range []struct{ name, body, within string }{
		{"both styles", `{"PoolName":"p","AliasAttributes":["email"],"UsernameAttributes":["email"]}`, "Only one of the aliasAttributes or usernameAttributes can be set"},
		{"a custom attribute twice", `{"PoolName":"p","Schema":[{"Name":"x"},{"Name":"x"}]}`, "custom:x: Existing attribute already has name custom:x."},
		{"another type of a standard attribute", `{"PoolName":"p","Schema":[{"Name":"email","AttributeDataType":"Number"}]}`, "You can not change AttributeDataType"},
		{"a required custom attribute", `{"PoolName":"p","Schema":[{"Name":"x","Required":true}]}`, "Required custom attributes are not supported currently."},
		{"an attribute without a name", `{"PoolName":"p","Schema":[{"AttributeDataType":"String"}]}`, "Value null at 'name'"},
		{"a length that is no number", `{"PoolName":"p","Schema":[{"Name":"x","AttributeDataType":"String","StringAttributeConstraints":{"MaxLength":"long"}}]}`, "maxLength"},
		{"a length out of range", `{"PoolName":"p","Schema":[{"Name":"x","AttributeDataType":"String","StringAttributeConstraints":{"MaxLength":"2049"}}]}`, "maxLength"},
		{"verification of what is not verified", `{"PoolName":"p","UserAttributeUpdateSettings":{"AttributesRequireVerificationBeforeUpdate":["email"]}}`, "auto-verified"},
		{"a short password", `{"PoolName":"p","Policies":{"PasswordPolicy":{"MinimumLength":5}}}`, "at 'policies.passwordPolicy.minimumLength'"},
	} {
		w := call(e, "CreateUserPool", tc.body)
		if w.Code != 400 || !strings.Contains(w.Header().Get("X-Amzn-Errormessage"), tc.within) {
			t.Errorf("%s: got %d %s, want 400 with %q", tc.name, w.Code, w.Body, tc.within)
		}
	}
	for _, tc := range []struct {
		name   string
		pool   emulator.PoolConfig
		within string
	}{
		{"an id without an underscore", emulator.PoolConfig{ID: "local"}, `the id "local"`},
		{"a long attribute", emulator.PoolConfig{CustomAttributes: []emulator.CustomAttribute{{Name: strings.Repeat("x", 21)}}}, "less than or equal to 20"},
		{"an unknown kind", emulator.PoolConfig{CustomAttributes: []emulator.CustomAttribute{{Name: "x", Kind: "string"}}}, "[String, Number, DateTime, Boolean]"},
		{"an unknown style", emulator.PoolConfig{UsernameAttributes: []string{"name"}}, "[phone_number, email]"},
		{"an unknown standard attribute", emulator.PoolConfig{Required: []string{"title"}}, `"title" is not a standard attribute`},
	} {
		if err := e.CreatePool(tc.pool); err == nil || !strings.Contains(err.Error(), tc.within) {
			t.Errorf("%s: got error %v, want one with %q", tc.name, err, tc.within)
		}
	}
	must(t, e.CreatePool(emulator.PoolConfig{ID: poolID}))
	if err := e.CreatePool(emulator.PoolConfig{ID: poolID}); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("a taken id: got error %v, want one that says so", err)
	}
}
