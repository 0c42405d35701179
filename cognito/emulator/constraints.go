package emulator

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// constraint is what the service model says of a shape. Lengths are in characters, of lists in members; -1 is no bound.
type constraint struct {
	min, max  int64
	pattern   string
	enum      []string
	member    string // a list's member shape
	sensitive bool   // the value is left out of error messages
	matches   *regexp.Regexp
}

const (
	anyName = `[\p{L}\p{M}\p{S}\p{N}\p{P}]+`
	arnForm = `arn:[\w+=/,.@-]+:[\w+=/,.@-]+:([\w+=/,.@-]*)?:[0-9]+:[\w+=/,.@-]+(:[\w+=/,.@-]+)?(:[\w+=/,.@-]+)?`
)

// shapes are the constrained shapes of the service model (botocore's cognito-idp 2016-04-18) that inputs of the emulated operations
// use, by name. A shape without constraints is not listed.
var shapes = compile(map[string]constraint{
	"UserPoolIdType":                    text(1, 55, `[\w-]+_[0-9a-zA-Z]+`),
	"UserPoolNameType":                  text(1, 128, `[\w\s+=,.@-]+`),
	"UsernameType":                      text(1, 128, anyName).secret(),
	"GroupNameType":                     text(1, 128, anyName),
	"DescriptionType":                   text(-1, 2048, ""),
	"ArnType":                           text(20, 2048, arnForm),
	"AttributeNameType":                 text(1, 32, `[\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r ]+`),
	"AttributeValueType":                text(-1, 2048, "").secret(),
	"CustomAttributeNameType":           text(1, 20, anyName),
	"PasswordType":                      text(-1, 256, `[\S]+`).secret(),
	"UserFilterType":                    text(-1, 256, ""),
	"SearchPaginationTokenType":         text(1, -1, `[\S]+`),
	"PaginationKey":                     text(1, 131072, `[\S]+`),
	"PaginationKeyType":                 text(1, -1, `[\S]+`),
	"StringType":                        text(0, 131072, ""),
	"TagKeysType":                       text(1, 128, ""),
	"TagValueType":                      text(0, 256, ""),
	"PrecedenceType":                    number(0, -1),
	"QueryLimitType":                    number(0, 60),
	"QueryLimit":                        number(1, 60),
	"PoolQueryLimitType":                number(1, 60),
	"PasswordPolicyMinLengthType":       number(6, 99),
	"TemporaryPasswordValidityDaysType": number(0, 365),
	"AdminCreateUserUnusedAccountValidityDaysType":  number(0, 365),
	"MessageActionType":                             oneOf("RESEND", "SUPPRESS"),
	"DeliveryMediumType":                            oneOf("SMS", "EMAIL"),
	"AttributeDataType":                             oneOf("String", "Number", "DateTime", "Boolean"),
	"DeletionProtectionType":                        oneOf("ACTIVE", "INACTIVE"),
	"UserPoolMfaType":                               oneOf("OFF", "ON", "OPTIONAL"),
	"UserPoolTierType":                              oneOf("LITE", "ESSENTIALS", "PLUS"),
	"VerifiedAttributeType":                         oneOf("phone_number", "email"),
	"AliasAttributeType":                            oneOf("phone_number", "email", "preferred_username"),
	"UsernameAttributeType":                         oneOf("phone_number", "email"),
	"AttributeListType":                             list(-1, -1, "AttributeType"),
	"AttributeNameListType":                         list(-1, -1, "AttributeNameType"),
	"SearchedAttributeNamesListType":                list(-1, -1, "AttributeNameType"),
	"DeliveryMediumListType":                        list(-1, -1, "DeliveryMediumType"),
	"CustomAttributesListType":                      list(1, 25, "SchemaAttributeType"),
	"SchemaAttributesListType":                      list(1, 50, "SchemaAttributeType"),
	"VerifiedAttributesListType":                    list(-1, -1, "VerifiedAttributeType"),
	"AliasAttributesListType":                       list(-1, -1, "AliasAttributeType"),
	"UsernameAttributesListType":                    list(-1, -1, "UsernameAttributeType"),
	"AttributesRequireVerificationBeforeUpdateType": list(-1, -1, "VerifiedAttributeType"),

	"ClientIdType":             text(1, 128, `[\w+]+`).secret(),
	"ClientNameType":           text(1, 128, `[\w\s+=,.@-]+`),
	"ClientSecretType":         text(24, 64, `[\w+]+`).secret(),
	"ClientPermissionType":     text(1, 2048, ""),
	"ClientPermissionListType": list(-1, -1, "ClientPermissionType"),
	"RefreshTokenValidityType": number(0, 315360000),
	"AccessTokenValidityType":  number(1, 86400),
	"IdTokenValidityType":      number(1, 86400),
	"AuthSessionValidityType":  number(3, 15),
	"TimeUnitsType":            oneOf("seconds", "minutes", "hours", "days"),
	"ExplicitAuthFlowsType": oneOf(
		"ADMIN_NO_SRP_AUTH", "CUSTOM_AUTH_FLOW_ONLY", "USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH",
		"ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_AUTH",
	),
	"ExplicitAuthFlowsListType":          list(-1, -1, "ExplicitAuthFlowsType"),
	"SupportedIdentityProvidersListType": list(-1, -1, "ProviderNameType"),
	"RedirectUrlType":                    text(1, 1024, anyName),
	"CallbackURLsListType":               list(0, 100, "RedirectUrlType"),
	"LogoutURLsListType":                 list(0, 100, "RedirectUrlType"),
	"OAuthFlowType":                      oneOf("code", "implicit", "client_credentials"),
	"OAuthFlowsType":                     list(0, 3, "OAuthFlowType"),
	"ScopeType":                          text(1, 256, `[\x21\x23-\x5B\x5D-\x7E]+`),
	"ScopeListType":                      list(-1, 50, "ScopeType"),
	"PreventUserExistenceErrorTypes":     oneOf("LEGACY", "ENABLED"),
	"AuthFlowType": oneOf(
		"USER_SRP_AUTH", "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN", "CUSTOM_AUTH", "ADMIN_NO_SRP_AUTH", "USER_PASSWORD_AUTH",
		"ADMIN_USER_PASSWORD_AUTH", "USER_AUTH",
	),
	"ChallengeNameType": oneOf(
		"SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA", "SELECT_MFA_TYPE", "MFA_SETUP", "PASSWORD_VERIFIER", "CUSTOM_CHALLENGE",
		"SELECT_CHALLENGE", "DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER", "ADMIN_NO_SRP_AUTH", "NEW_PASSWORD_REQUIRED", "SMS_OTP",
		"PASSWORD", "WEB_AUTHN", "PASSWORD_SRP",
	),
	"SessionType":    text(20, 2048, "").secret(),
	"TokenModelType": text(-1, -1, `[A-Za-z0-9-_=.]+`).secret(),

	"ProviderNameType":         text(1, 32, `[\p{L}\p{M}\p{S}\p{N}\p{P}\p{Z}]+`),
	"ProviderNameTypeV2":       text(1, 32, `[^_\p{Z}][\p{L}\p{M}\p{S}\p{N}\p{P}][^_\p{Z}]+`),
	"IdentityProviderTypeType": oneOf("SAML", "Facebook", "Google", "LoginWithAmazon", "SignInWithApple", "OIDC"),
	"IdpIdentifierType":        text(1, 40, `[\w\s+=.@-]+`),
	"IdpIdentifiersListType":   list(0, 50, "IdpIdentifierType"),
	"ListProvidersLimitType":   number(0, 60),
})

func text(least, most int64, pattern string) constraint {
	return constraint{min: least, max: most, pattern: pattern}
}
func number(least, most int64) constraint { return constraint{min: least, max: most} }
func oneOf(values ...string) constraint   { return constraint{min: -1, max: -1, enum: values} }
func list(least, most int64, member string) constraint {
	return constraint{min: least, max: most, member: member}
}
func (c constraint) secret() constraint { c.sensitive = true; return c }

func compile(table map[string]constraint) map[string]constraint {
	for name, c := range table {
		if c.pattern != "" {
			c.matches = regexp.MustCompile(`^(?:` + c.pattern + `)$`)
			table[name] = c
		}
	}
	return table
}

func (c constraint) checkString(s string, broken func(rule string)) {
	c.checkLength(utf8.RuneCountInString(s), broken)
	if c.matches != nil && !c.matches.MatchString(s) {
		broken("Member must satisfy regular expression pattern: " + c.pattern)
	}
	if c.enum != nil && !slices.Contains(c.enum, s) {
		broken("Member must satisfy enum value set: [" + strings.Join(c.enum, ", ") + "]")
	}
}

func (c constraint) checkLength(n int, broken func(rule string)) {
	if c.unbounded() {
		return
	}
	if c.max >= 0 && int64(n) > c.max {
		broken(fmt.Sprintf("Member must have length less than or equal to %d", c.max))
	}
	if int64(n) < c.min {
		broken(fmt.Sprintf("Member must have length greater than or equal to %d", c.min))
	}
}

func (c constraint) checkNumber(n int64, broken func(rule string)) {
	if c.unbounded() {
		return
	}
	if c.max >= 0 && n > c.max {
		broken(fmt.Sprintf("Member must have value less than or equal to %d", c.max))
	}
	if n < c.min {
		broken(fmt.Sprintf("Member must have value greater than or equal to %d", c.min))
	}
}

// unbounded holds for shapes that the table does not list, whose bounds are the zero value.
func (c constraint) unbounded() bool { return c.min == 0 && c.max == 0 }
