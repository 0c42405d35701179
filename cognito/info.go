package cognito

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// Info is what a pool says of itself.
type Info struct {
	ID, Name, ARN string
	Created       time.Time
	// Attributes by full name: "email", "custom:scim". Some emulators list only the
	// attributes that were given when the pool was made.
	Attributes map[string]AttributeInfo
	// EstimatedUsers: a rough count, hours old.
	EstimatedUsers int
	// UsernameAttributes: "email", "phone_number": a user is created with such a
	// value as username, and the pool makes its sub the Username. Empty: usernames
	// are as given.
	UsernameAttributes []string
	// AliasAttributes: "email", "phone_number", "preferred_username": sign-in names
	// beside the username, unique when verified.
	AliasAttributes []string
	// AutoVerified: attributes whose change sends a verification message unless they
	// are set as verified in the same call.
	AutoVerified []string
	// VerifyBeforeUpdate: attributes whose new value does not count until verified.
	VerifyBeforeUpdate []string
	// CaseSensitive: usernames and aliases differ by case. Otherwise the pool
	// returns username, email and preferred_username in lower case.
	CaseSensitive bool
	// SelfSignUp: people can make accounts themselves (AllowAdminCreateUserOnly is not
	// set), under any username that is free.
	SelfSignUp bool
	// Passkeys: people can sign in with passkeys (WebAuthn), which no admin can list
	// or take away.
	Passkeys bool
	// MinPassword: the shortest password that the pool's policy takes, in characters;
	// 0: not said.
	MinPassword int
}

// AttributeInfo is one attribute of a pool's schema.
type AttributeInfo struct {
	Type      string // String, Number, DateTime, Boolean
	Mutable   bool
	Required  bool
	MinLength int // of a String, in characters
	MaxLength int // of a String, in characters; 0: not said
	MinValue  string
	MaxValue  string // of a Number, in decimal; empty: none
}

// Info is what the pool said when it was opened.
func (p *Pool) Info() Info { return p.info }

// Describe asks the pool anew (DescribeUserPool).
func (p *Pool) Describe(ctx context.Context) (Info, error) {
	out, err := call(ctx, p, describeUserPool, "", (*cip.Client).DescribeUserPool,
		&cip.DescribeUserPoolInput{UserPoolId: &p.id})
	if err != nil {
		return Info{}, err
	}
	return infoFrom(p.id, out.UserPool)
}

func infoFrom(id string, pool *types.UserPoolType) (Info, error) {
	if pool == nil {
		return Info{}, &Error{Op: describeUserPool.name, Kind: Unavailable, Message: "the answer holds no pool"}
	}
	info := Info{
		ID: id, Name: aws.ToString(pool.Name), ARN: aws.ToString(pool.Arn), Created: aws.ToTime(pool.CreationDate),
		Attributes:         make(map[string]AttributeInfo, len(pool.SchemaAttributes)),
		EstimatedUsers:     int(pool.EstimatedNumberOfUsers),
		UsernameAttributes: plain(pool.UsernameAttributes),
		AliasAttributes:    plain(pool.AliasAttributes),
		AutoVerified:       plain(pool.AutoVerifiedAttributes),
		CaseSensitive:      true, // the API's default
		SelfSignUp:         pool.AdminCreateUserConfig == nil || !pool.AdminCreateUserConfig.AllowAdminCreateUserOnly,
	}
	if p := pool.Policies; p != nil && p.SignInPolicy != nil {
		info.Passkeys = slices.Contains(p.SignInPolicy.AllowedFirstAuthFactors, types.AuthFactorTypeWebAuthn)
	}
	if p := pool.Policies; p != nil && p.PasswordPolicy != nil {
		info.MinPassword = int(aws.ToInt32(p.PasswordPolicy.MinimumLength))
	}
	if c := pool.UsernameConfiguration; c != nil && c.CaseSensitive != nil {
		info.CaseSensitive = *c.CaseSensitive
	}
	if u := pool.UserAttributeUpdateSettings; u != nil {
		info.VerifyBeforeUpdate = plain(u.AttributesRequireVerificationBeforeUpdate)
	}
	for _, a := range pool.SchemaAttributes {
		attribute, err := attributeFrom(a)
		if err != nil {
			return Info{}, &Error{Op: describeUserPool.name, Kind: Unavailable, Err: err,
				Message: fmt.Sprintf("attribute %q: %v", aws.ToString(a.Name), err)}
		}
		info.Attributes[aws.ToString(a.Name)] = attribute
	}
	return info, nil
}

func attributeFrom(a types.SchemaAttributeType) (AttributeInfo, error) {
	info := AttributeInfo{Type: string(a.AttributeDataType), Mutable: aws.ToBool(a.Mutable), Required: aws.ToBool(a.Required)}
	if n := a.NumberAttributeConstraints; n != nil {
		info.MinValue, info.MaxValue = aws.ToString(n.MinValue), aws.ToString(n.MaxValue)
	}
	var least, most error
	if s := a.StringAttributeConstraints; s != nil {
		info.MinLength, least = length(s.MinLength)
		info.MaxLength, most = length(s.MaxLength)
	}
	return info, errors.Join(least, most)
}

// length reads a constraint, which Cognito sends as text.
func length(s *string) (int, error) {
	if aws.ToString(s) == "" {
		return 0, nil
	}
	return strconv.Atoi(*s)
}

func plain[T ~string](values []T) []string {
	var out []string
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

// AddCustomAttributes adds String attributes to the pool's schema: mutable, up to
// 2,048 characters, without their "custom:". It is for ever: Cognito cannot remove,
// rename or change one. At most 25 a call and 50 a pool.
func (p *Pool) AddCustomAttributes(ctx context.Context, names ...string) error {
	attributes := make([]types.SchemaAttributeType, len(names))
	for i, name := range names {
		attributes[i] = types.SchemaAttributeType{
			Name: aws.String(name), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true),
			StringAttributeConstraints: &types.StringAttributeConstraintsType{MinLength: aws.String("0"), MaxLength: aws.String("2048")},
		}
	}
	_, err := call(ctx, p, addCustomAttributes, "", (*cip.Client).AddCustomAttributes,
		&cip.AddCustomAttributesInput{UserPoolId: &p.id, CustomAttributes: attributes})
	return err
}
