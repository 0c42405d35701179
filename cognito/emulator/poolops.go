package emulator

import (
	"cmp"
	"strconv"
	"strings"
)

// Inputs and outputs of the operations on pools, by the model's names.
type (
	createUserPoolInput struct {
		PoolName                                                                                                                          string `aws:"UserPoolNameType,required"`
		LambdaConfig                                                                                                                      refused
		UserPoolAddOns                                                                                                                    refused
		DeviceConfiguration                                                                                                               refused
		SmsVerificationMessage, EmailVerificationMessage, EmailVerificationSubject, VerificationMessageTemplate, SmsAuthenticationMessage ignored
		EmailConfiguration, SmsConfiguration, AccountRecoverySetting                                                                      ignored
		Policies                                                                                                                          *poolPolicies          `aws:"UserPoolPolicyType"`
		DeletionProtection                                                                                                                string                 `aws:"DeletionProtectionType"`
		AutoVerifiedAttributes                                                                                                            []string               `aws:"VerifiedAttributesListType"`
		AliasAttributes                                                                                                                   []string               `aws:"AliasAttributesListType"`
		UsernameAttributes                                                                                                                []string               `aws:"UsernameAttributesListType"`
		MfaConfiguration                                                                                                                  string                 `aws:"UserPoolMfaType"`
		UserAttributeUpdateSettings                                                                                                       *updateSettings        `aws:"UserAttributeUpdateSettingsType"`
		UserPoolTags                                                                                                                      map[string]string      `aws:"UserPoolTagsType"`
		AdminCreateUserConfig                                                                                                             *adminCreateUserConfig `aws:"AdminCreateUserConfigType"`
		Schema                                                                                                                            []schemaAttribute      `aws:"SchemaAttributesListType"`
		UsernameConfiguration                                                                                                             *usernameConfiguration `aws:"UsernameConfigurationType"`
		UserPoolTier                                                                                                                      string                 `aws:"UserPoolTierType"`
	}
	poolPolicies struct {
		PasswordPolicy *passwordPolicy `aws:"PasswordPolicyType"`
		SignInPolicy   refused         `json:"-"`
	}
	updateSettings struct {
		AttributesRequireVerificationBeforeUpdate []string `aws:"AttributesRequireVerificationBeforeUpdateType"`
	}
	adminCreateUserConfig struct {
		AllowAdminCreateUserOnly  bool    `aws:"BooleanType"`
		UnusedAccountValidityDays int64   `aws:"AdminCreateUserUnusedAccountValidityDaysType" json:",omitempty"`
		InviteMessageTemplate     ignored `json:"-"`
	}
	usernameConfiguration struct {
		CaseSensitive bool `aws:"WrappedBooleanType,required"`
	}
	schemaAttribute struct {
		Name                       string             `aws:"CustomAttributeNameType"`
		AttributeDataType          string             `aws:"AttributeDataType"`
		DeveloperOnlyAttribute     bool               `aws:"BooleanType"`
		Mutable                    *bool              `aws:"BooleanType"`
		Required                   bool               `aws:"BooleanType"`
		NumberAttributeConstraints *numberConstraints `aws:"NumberAttributeConstraintsType" json:",omitempty"`
		StringAttributeConstraints *stringConstraints `aws:"StringAttributeConstraintsType" json:",omitempty"`
	}
	numberConstraints struct {
		MinValue string `aws:"StringType" json:",omitempty"`
		MaxValue string `aws:"StringType" json:",omitempty"`
	}
	stringConstraints struct {
		MinLength string `aws:"StringType" json:",omitempty"`
		MaxLength string `aws:"StringType" json:",omitempty"`
	}

	listUserPoolsInput struct {
		NextToken  string `aws:"PaginationKeyType"`
		MaxResults *int64 `aws:"PoolQueryLimitType,required"`
	}
	addCustomAttributesInput struct {
		ofPool
		CustomAttributes []schemaAttribute `aws:"CustomAttributesListType,required"`
	}

	userPoolOutput struct {
		Id                     string
		Name                   string
		Policies               poolPolicies
		CreationDate           epoch
		LastModifiedDate       epoch
		SchemaAttributes       []schemaAttribute
		UsernameAttributes     []string `json:",omitempty"`
		AliasAttributes        []string `json:",omitempty"`
		UsernameConfiguration  usernameConfiguration
		EstimatedNumberOfUsers int
		Arn                    string
		LambdaConfig           unit
		poolSettings
	}
	describedPool struct{ UserPool userPoolOutput }

	poolSummary struct {
		Id, Name                       string
		LambdaConfig                   unit
		CreationDate, LastModifiedDate epoch
	}
	listedPools struct {
		UserPools []poolSummary
		NextToken string `json:",omitempty"`
	}
)

func (in *createUserPoolInput) settings() poolSettings {
	s := poolSettings{
		AutoVerifiedAttributes: in.AutoVerifiedAttributes, DeletionProtection: cmp.Or(in.DeletionProtection, "INACTIVE"),
		MfaConfiguration: cmp.Or(in.MfaConfiguration, "OFF"), UserPoolTier: cmp.Or(in.UserPoolTier, "ESSENTIALS"),
		UserPoolTags: in.UserPoolTags, UserAttributeUpdateSettings: in.UserAttributeUpdateSettings,
	}
	if in.AdminCreateUserConfig != nil {
		s.AdminCreateUserConfig = *in.AdminCreateUserConfig
	}
	return s
}

// createUserPool makes a pool. What would change the pool's behaviour in ways that are not emulated is refused.
func (e *Emulator) createUserPool(in *createUserPoolInput) (any, error) {
	if in.MfaConfiguration == "ON" || in.MfaConfiguration == "OPTIONAL" {
		return nil, invalidParameter("MfaConfiguration %s is not emulated", in.MfaConfiguration)
	}
	p, err := e.newPool(in, "")
	if err != nil {
		return nil, err
	}
	p.Lock()
	defer p.Unlock()
	return describedPool{p.describe()}, nil
}

func (e *Emulator) describeUserPool(in *ofPool) (any, error) {
	p, err := e.pool(in.UserPoolId)
	if err != nil {
		return nil, err
	}
	p.Lock()
	defer p.Unlock()
	return describedPool{p.describe()}, nil
}

func (p *pool) describe() userPoolOutput {
	rows := make([]schemaAttribute, len(p.schema.rows))
	for i, a := range p.schema.rows {
		rows[i] = a.describe()
	}
	policy := p.policy
	return userPoolOutput{
		Id: p.id, Name: p.name, Arn: p.arn, CreationDate: p.created, LastModifiedDate: p.modified,
		Policies: poolPolicies{PasswordPolicy: &policy}, SchemaAttributes: rows,
		UsernameAttributes: p.userNames, AliasAttributes: p.aliasNames, UsernameConfiguration: usernameConfiguration{p.caseSensitive},
		EstimatedNumberOfUsers: len(p.users), poolSettings: p.described,
	}
}

func (a *attribute) describe() schemaAttribute {
	out := schemaAttribute{Name: a.name, AttributeDataType: a.kind, DeveloperOnlyAttribute: a.developer, Mutable: &a.mutable, Required: a.required}
	switch {
	case a.kind == "String" && a.bounded:
		out.StringAttributeConstraints = &stringConstraints{strconv.FormatInt(a.least, 10), strconv.FormatInt(a.most, 10)}
	case a.kind == "String":
		out.StringAttributeConstraints = &stringConstraints{}
	case a.kind == "Number" && a.name == "updated_at":
		out.NumberAttributeConstraints = &numberConstraints{MinValue: "0"}
	case a.kind == "Number" && a.bounded:
		out.NumberAttributeConstraints = &numberConstraints{strconv.FormatInt(a.least, 10), strconv.FormatInt(a.most, 10)}
	case a.kind == "Number":
		out.NumberAttributeConstraints = &numberConstraints{}
	}
	return out
}

// listUserPools pages through the pools by id; the token is the last id of the page before.
func (e *Emulator) listUserPools(in *listUserPoolsInput) (any, error) {
	after, err := e.openToken(in.NextToken, "pools", "")
	if err != nil {
		return nil, err
	}
	out := listedPools{UserPools: []poolSummary{}}
	for _, p := range e.allPools() {
		if p.id <= after.Key {
			continue
		}
		if int64(len(out.UserPools)) == *in.MaxResults {
			out.NextToken = e.sealToken("pools", "", mark{Key: out.UserPools[len(out.UserPools)-1].Id})
			break
		}
		out.UserPools = append(out.UserPools, poolSummary{Id: p.id, Name: p.name, CreationDate: p.created, LastModifiedDate: p.modified})
	}
	return out, nil
}

func (e *Emulator) deleteUserPool(in *ofPool) (any, error) {
	p, err := e.pool(in.UserPoolId)
	if err != nil {
		return nil, err
	}
	if p.described.DeletionProtection == "ACTIVE" {
		return nil, invalidParameter("The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.")
	}
	e.pools.Lock()
	defer e.pools.Unlock()
	delete(e.pools.byID, p.id)
	return nil, nil
}

// maxCustomAttributes is a hard quota of a pool.
const maxCustomAttributes = 50

func (e *Emulator) addCustomAttributes(in *addCustomAttributesInput) (any, error) {
	p, err := e.pool(in.UserPoolId)
	if err != nil {
		return nil, err
	}
	p.Lock()
	defer p.Unlock()
	s := p.schema
	for _, a := range in.CustomAttributes {
		if s, err = a.addCustomTo(s); err != nil {
			return nil, err
		}
	}
	if s.custom() > maxCustomAttributes {
		return nil, invalidParameter("Custom attributes exceed the limit of %d.", maxCustomAttributes) // no LimitExceeded is modelled
	}
	p.schema, p.modified = s, epochOf(e.Now())
	return unit{}, nil
}

func (s *schema) custom() int {
	n := 0
	for _, a := range s.rows {
		if strings.Contains(a.name, ":") {
			n++
		}
	}
	return n
}
