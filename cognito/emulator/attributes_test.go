package emulator_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// update writes attributes of ada.
func update(t *testing.T, c *idp.Client, pairs ...string) error {
	t.Helper()
	_, err := c.AdminUpdateUserAttributes(t.Context(), &idp.AdminUpdateUserAttributesInput{UserPoolId: aws.String(poolID), Username: aws.String("ada"), UserAttributes: attributes(pairs...)})
	return err
}

// richPool has custom attributes of all kinds, one that is immutable, and given_name required and immutable.
func richPool(t *testing.T, u emulator.Unverified) *idp.Client {
	t.Helper()
	_, c := newPool(t, emulator.Config{Unverified: u}, emulator.PoolConfig{
		CustomAttributes: []emulator.CustomAttribute{{Name: "short", MaxLength: 3}, {Name: "badge", Immutable: true}, {Name: "active", Kind: "Boolean"}, {Name: "since", Kind: "DateTime"}},
		Required:         []string{"family_name"},
		Immutable:        []string{"given_name"},
	})
	yes := true
	if _, err := c.AddCustomAttributes(t.Context(), &idp.AddCustomAttributesInput{UserPoolId: aws.String(poolID), CustomAttributes: []types.SchemaAttributeType{
		{Name: aws.String("level"), AttributeDataType: types.AttributeDataTypeNumber, Mutable: &yes, NumberAttributeConstraints: &types.NumberAttributeConstraintsType{MinValue: aws.String("1"), MaxValue: aws.String("9")}},
	}}); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAttributeFaults(t *testing.T) {
	t.Parallel()
	c := richPool(t, emulator.Unverified{})
	create(t, c, "ada", "given_name", "Ada", "custom:badge", "7")
	const conform = "Attributes did not conform to the schema: "
	for _, tc := range []struct {
		name, attribute, value string
		onCreate, onUpdate     string // messages; empty is success
	}{
		{"fine", "nickname", "x", "", ""},
		{"unknown", "custom:none", "x", conform + "custom:none: Attribute does not exist in the schema.", "user.custom:none: Attribute does not exist in the schema."},
		{"an unknown standard one", "title", "x", conform + "title: Attribute does not exist in the schema.", "user.title: Attribute does not exist in the schema."},
		{"sub", "sub", "x", conform + "sub: Attribute cannot be set.", "user.sub: Attribute cannot be updated."},
		{"identities", "identities", "[]", conform + "identities: Attribute cannot be set.", "user.identities: Attribute cannot be updated."},
		{"immutable", "custom:badge", "7", "", "user.custom:badge: Attribute cannot be updated."},
		{"immutable standard", "given_name", "Ada", "", "user.given_name: Attribute cannot be updated."},
		{"too many characters", "custom:short", "four", conform + "custom:short: String must be no longer than 3 characters", "user.custom:short: String must be no longer than 3 characters"},
		{"as many characters as allowed", "custom:short", "äöü", "", ""},
		{"too many bytes", "nickname", strings.Repeat("ä", 1025), conform + "nickname: String must be no longer than 2048 bytes", "user.nickname: String must be no longer than 2048 bytes"},
		{"as many bytes as allowed", "nickname", strings.Repeat("ä", 1024), "", ""},
		{"too many characters for the API", "nickname", strings.Repeat("x", 2049), "Value at 'userAttributes.1.member.value' failed to satisfy constraint: Member must have length less than or equal to 2048", "Value at 'userAttributes.1.member.value' failed to satisfy constraint: Member must have length less than or equal to 2048"},
		{"birthdate too short", "birthdate", "1815", conform + "birthdate: String must be no shorter than 10 characters", "user.birthdate: String must be no shorter than 10 characters"},
		{"birthdate not a date", "birthdate", "10/12/1815", conform + "birthdate: Value must be a date in the form YYYY-MM-DD", "user.birthdate: Value must be a date in the form YYYY-MM-DD"},
		{"birthdate", "birthdate", "1815-12-10", "", ""},
		{"e-mail without a domain", "email", "ada@", "Invalid email address format.", "Invalid email address format."},
		{"e-mail with a space", "email", "ada lovelace@example.com", "Invalid email address format.", "Invalid email address format."},
		{"phone with spaces", "phone_number", "+1 4255550100", "Invalid phone number format.", "Invalid phone number format."},
		{"phone without a plus", "phone_number", "14255550100", "Invalid phone number format.", "Invalid phone number format."},
		{"phone", "phone_number", "+14255550100", "", ""},
		{"not a number", "updated_at", "now", conform + "updated_at: Value must be a number", "user.updated_at: Value must be a number"},
		{"a negative time", "updated_at", "-1", conform + "updated_at: Number must be no less than 0", "user.updated_at: Number must be no less than 0"},
		{"a number too large", "custom:level", "10", conform + "custom:level: Number must be no greater than 9", "user.custom:level: Number must be no greater than 9"},
		{"a number in range", "custom:level", "9", "", ""},
		{"not a flag", "custom:active", "yes", conform + "custom:active: Value must be true or false", "user.custom:active: Value must be true or false"},
		{"a flag", "custom:active", "TRUE", "", ""},
		{"not a time", "custom:since", "yesterday", conform + "custom:since: Value must be a date and time", "user.custom:since: Value must be a date and time"},
		{"a time", "custom:since", "2026-01-02T03:04:05Z", "", ""},
		{"verified without an e-mail", "email_verified", "true", "Email is required to verify/un-verify an email", ""}, // ada has one by now, see below
		{"verified without a phone", "phone_number_verified", "false", "Phone number is required to verify/un-verify a phone number", ""},
		{"required, blank", "family_name", "", "", "user.family_name: The attribute is required"},
		{"immutable, blank", "given_name", "", "", "user.given_name: Attribute cannot be updated."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := update(t, c, "email", "ada@example.com", "phone_number", "+14255550199"); err != nil {
				t.Fatal(err)
			}
			check := func(what, want string, err error) {
				if want == "" && err != nil {
					t.Errorf("%s: got %v, want success", what, err)
				} else if want != "" {
					wantError(t, err, "InvalidParameterException", want)
				}
			}
			_, err := c.AdminCreateUser(t.Context(), &idp.AdminCreateUserInput{UserPoolId: aws.String(poolID), Username: aws.String(strings.ReplaceAll(tc.name, " ", "_")), UserAttributes: attributes(tc.attribute, tc.value)})
			check("create", tc.onCreate, err)
			check("update", tc.onUpdate, update(t, c, tc.attribute, tc.value))
		})
	}
	wantError(t, update(t, c, "sub", "x", "nope", "y"), "InvalidParameterException", "user.sub: Attribute cannot be updated.\nuser.nope: Attribute does not exist in the schema.")
}

// TestUpdateIsAtomic checks that an update with one bad attribute writes none.
func TestUpdateIsAtomic(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	create(t, c, "ada", "nickname", "old")
	wantError(t, update(t, c, "nickname", "new", "email", "nonsense"), "InvalidParameterException", "Invalid email address format.")
	if got := value(get(t, c, "ada").UserAttributes, "nickname"); got != "old" {
		t.Errorf("got nickname %s, want old", got)
	}
}

func TestVerifiedFlags(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		unverified emulator.Unverified
		pool       emulator.PoolConfig
		update     []string
		email      string
		verified   string
		phone      string // phone_number_verified
	}{
		{"another e-mail", emulator.Unverified{}, emulator.PoolConfig{}, []string{"email", "b@x.org"}, "b@x.org", "false", "true"},
		{"another e-mail, verified", emulator.Unverified{}, emulator.PoolConfig{}, []string{"email", "b@x.org", "email_verified", "True"}, "b@x.org", "true", "true"},
		{"the same e-mail", emulator.Unverified{}, emulator.PoolConfig{}, []string{"email", "a@x.org"}, "a@x.org", "true", "true"},
		{"the same e-mail, doubtful", emulator.Unverified{ResetVerifiedOnSameValue: true}, emulator.PoolConfig{}, []string{"email", "a@x.org"}, "a@x.org", "false", "true"},
		{"something else, doubtful", emulator.Unverified{ResetVerifiedOnSameValue: true}, emulator.PoolConfig{}, []string{"nickname", "a"}, "a@x.org", "true", "true"},
		{"no e-mail", emulator.Unverified{}, emulator.PoolConfig{}, []string{"email", ""}, "<none>", "<none>", "true"},
		{"no e-mail, flag kept", emulator.Unverified{KeepVerifiedOnDelete: true}, emulator.PoolConfig{}, []string{"email", ""}, "<none>", "false", "true"},
		{"another phone", emulator.Unverified{}, emulator.PoolConfig{}, []string{"phone_number", "+4915112345678"}, "a@x.org", "true", "false"},
		{"the flag alone", emulator.Unverified{}, emulator.PoolConfig{}, []string{"email_verified", "false"}, "a@x.org", "false", "true"},
		{"verification first", emulator.Unverified{}, emulator.PoolConfig{AutoVerified: []string{"email"}, VerifyBeforeUpdate: []string{"email"}}, []string{"email", "b@x.org"}, "a@x.org", "true", "true"},
		{"verification first, verified", emulator.Unverified{}, emulator.PoolConfig{AutoVerified: []string{"email"}, VerifyBeforeUpdate: []string{"email"}}, []string{"email", "b@x.org", "email_verified", "true"}, "b@x.org", "true", "true"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, c := newPool(t, emulator.Config{Unverified: tc.unverified}, tc.pool)
			create(t, c, "ada", "email", "a@x.org", "email_verified", "true", "phone_number", "+14255550100", "phone_number_verified", "true")
			if err := update(t, c, tc.update...); err != nil {
				t.Fatal(err)
			}
			list := get(t, c, "ada").UserAttributes
			got := []string{value(list, "email"), value(list, "email_verified"), value(list, "phone_number_verified")}
			if diff := cmp.Diff([]string{tc.email, tc.verified, tc.phone}, got); diff != "" {
				t.Errorf("email and flags (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeleteAttributes(t *testing.T) {
	t.Parallel()
	remove := func(c *idp.Client, names ...string) error {
		_, err := c.AdminDeleteUserAttributes(t.Context(), &idp.AdminDeleteUserAttributesInput{UserPoolId: aws.String(poolID), Username: aws.String("ada"), UserAttributeNames: names})
		return err
	}
	c := richPool(t, emulator.Unverified{})
	create(t, c, "ada", "nickname", "x", "family_name", "Lovelace", "given_name", "Ada")
	for range 2 { // unset the second time
		if err := remove(c, "nickname"); err != nil {
			t.Fatal(err)
		}
	}
	if got := value(get(t, c, "ada").UserAttributes, "nickname"); got != "<none>" {
		t.Errorf("got nickname %s, want <none>", got)
	}
	wantError(t, remove(c, "custom:none"), "InvalidParameterException", "Invalid user attributes: custom:none: Attribute does not exist in the schema.")
	wantError(t, remove(c, "family_name"), "InvalidParameterException", "user.family_name: The attribute is required")
	wantError(t, remove(c, "given_name"), "InvalidParameterException", "user.given_name: Attribute cannot be updated.")
	wantError(t, remove(c, "sub"), "InvalidParameterException", "user.sub: Attribute cannot be updated.")

	strict := richPool(t, emulator.Unverified{UnsetAttributeFails: true})
	create(t, strict, "ada")
	wantError(t, remove(strict, "nickname"), "InvalidParameterException", "nickname: Attribute does not exist.")
}

func TestEnforceRequired(t *testing.T) {
	t.Parallel()
	c := richPool(t, emulator.Unverified{EnforceRequired: true})
	_, err := c.AdminCreateUser(t.Context(), &idp.AdminCreateUserInput{UserPoolId: aws.String(poolID), Username: aws.String("ada")})
	wantError(t, err, "InvalidParameterException", "Attributes did not conform to the schema: family_name: The attribute is required")
	create(t, c, "ada", "family_name", "Lovelace")
	if err := update(t, c, "nickname", "x"); err != nil {
		t.Errorf("got %v, want success", err)
	}
	lenient := richPool(t, emulator.Unverified{})
	create(t, lenient, "ada")
	if err := update(t, lenient, "nickname", "x"); err != nil {
		t.Errorf("got %v, want success", err)
	}
}

func TestCustomAttributes(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{CustomAttributes: []emulator.CustomAttribute{{Name: "scim"}}})
	add := func(rows ...types.SchemaAttributeType) error {
		_, err := c.AddCustomAttributes(t.Context(), &idp.AddCustomAttributesInput{UserPoolId: aws.String(poolID), CustomAttributes: rows})
		return err
	}
	row := func(name string) types.SchemaAttributeType { return types.SchemaAttributeType{Name: &name} }
	wantError(t, add(row("scim")), "InvalidParameterException", "custom:scim: Existing attribute already has name custom:scim.")
	wantError(t, add(row(strings.Repeat("x", 21))), "InvalidParameterException", "Member must have length less than or equal to 20")
	wantError(t, add(types.SchemaAttributeType{Name: aws.String("x"), Required: aws.Bool(true)}), "InvalidParameterException", "Required custom attributes are not supported currently.")
	many := func(prefix string, n int) (rows []types.SchemaAttributeType) {
		for i := range n {
			rows = append(rows, row(prefix+string(rune('a'+i))))
		}
		return rows
	}
	if err := add(many("p", 25)...); err != nil {
		t.Fatal(err)
	}
	wantError(t, add(many("q", 25)...), "InvalidParameterException", "limit of 50")
	if err := add(many("q", 24)...); err != nil {
		t.Fatal(err)
	}
	out, err := c.DescribeUserPool(t.Context(), &idp.DescribeUserPoolInput{UserPoolId: aws.String(poolID)})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(out.UserPool.SchemaAttributes); got != 21+50 {
		t.Errorf("got %d attributes, want 71", got)
	}
	for _, a := range out.UserPool.SchemaAttributes {
		if *a.Name == "custom:scim" && (*a.StringAttributeConstraints.MaxLength != "2048" || !*a.Mutable) {
			t.Errorf("got max %s, mutable %t; want 2048, true", *a.StringAttributeConstraints.MaxLength, *a.Mutable)
		}
	}
}
