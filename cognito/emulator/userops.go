package emulator

import (
	"slices"
	"strings"
	"time"
)

// Inputs and outputs of the administrative operations on users, by the model's names.
type (
	adminResetUserPasswordInput struct {
		ofUser
		ClientMetadata map[string]string `aws:"ClientMetadataType"`
	}
	adminCreateUserInput struct {
		ofUser
		UserAttributes         []attributeInput  `aws:"AttributeListType"`
		ValidationData         []attributeInput  `aws:"AttributeListType"`
		TemporaryPassword      string            `aws:"PasswordType"`
		ForceAliasCreation     bool              `aws:"ForceAliasCreation"`
		MessageAction          string            `aws:"MessageActionType"`
		DesiredDeliveryMediums []string          `aws:"DeliveryMediumListType"`
		ClientMetadata         map[string]string `aws:"ClientMetadataType"`
	}
	createdUser struct{ User userOutput }

	adminUpdateUserAttributesInput struct {
		ofUser
		UserAttributes []attributeInput  `aws:"AttributeListType,required"`
		ClientMetadata map[string]string `aws:"ClientMetadataType"`
	}
	adminDeleteUserAttributesInput struct {
		ofUser
		UserAttributeNames []string `aws:"AttributeNameListType,required"`
	}
	adminSetUserPasswordInput struct {
		ofUser
		Password  string `aws:"PasswordType,required"`
		Permanent bool   `aws:"BooleanType"`
	}
	gotUser struct {
		Username             string
		UserAttributes       []attributeInput
		UserCreateDate       epoch
		UserLastModifiedDate epoch
		Enabled              bool
		UserStatus           string
	}
)

func (e *Emulator) adminCreateUser(in *adminCreateUserInput) (any, error) {
	p, err := e.pool(in.UserPoolId)
	if err != nil {
		return nil, err
	}
	password, sub, now := in.TemporaryPassword, e.uuid(), e.Now()
	if password == "" {
		password = e.generate(p.policy)
	} else if err := p.policy.check(password); err != nil {
		return nil, err
	}
	p.Lock()
	defer p.Unlock()
	if in.MessageAction == "RESEND" {
		return e.resend(p, in, password, now)
	}
	username, given, err := p.nameNew(in.Username, in.UserAttributes, sub)
	if err != nil {
		return nil, err
	}
	r := &record{status: forceChangePassword, enabled: true, modified: epochOf(now)}
	if r.attrs, err = p.createAttributes(given); err != nil {
		return nil, err
	}
	code := "AliasExistsException"
	if p.unverified.AliasConflictIsUsernameExists || p.usernameIsAlias() {
		code = "UsernameExistsException"
	}
	if err := p.makeRoom(nil, r, in.ForceAliasCreation, code, now); err != nil {
		return nil, err
	}
	u := p.newUser(username, sub, r, now)
	u.temporaryPassword(password, p.policy, now)
	if in.MessageAction == "" {
		e.calls.invited()
	}
	return createdUser{view{u, r}.output()}, nil
}

// temporaryPassword sets a password that must be changed at the first sign-in and expires as the policy says.
func (u *user) temporaryPassword(password string, policy passwordPolicy, now time.Time) {
	u.secret = &credentials{hash: hashPassword(u, password), expires: now.AddDate(0, 0, int(policy.TemporaryPasswordValidityDays))}
}

// resend acts on MessageAction RESEND: a new temporary password for a user who has not yet signed in.
func (e *Emulator) resend(p *pool, in *adminCreateUserInput, password string, now time.Time) (any, error) {
	u, err := p.find(in.Username)
	if err != nil {
		return nil, err
	}
	if u.now.status != forceChangePassword {
		return nil, clientError("UnsupportedUserStateException", "Resend not possible. %s status is not FORCE_CHANGE_PASSWORD", u.username)
	}
	u.temporaryPassword(password, p.policy, now)
	e.calls.invited()
	return createdUser{view{u, u.now}.output()}, nil
}

// nameNew decides a new user's Username by the pool's style, and adds the attribute that the name stands for.
func (p *pool) nameNew(name string, given []attributeInput, sub string) (string, []attributeInput, error) {
	if p.usernameIsAlias() {
		return p.nameByAttribute(name, given, sub)
	}
	if slices.Contains(p.aliasNames, "email") && emailForm.MatchString(name) {
		return "", nil, invalidParameter("Username cannot be of email format, since user pool is configured for email alias.")
	}
	if slices.Contains(p.aliasNames, "phone_number") && phoneForm.MatchString(name) {
		return "", nil, invalidParameter("Username cannot be of phone number format, since user pool is configured for phone number alias.")
	}
	name = p.fold(name)
	taken := p.users[name] != nil || p.aliases[claim{"preferred_username", name}] != nil
	if taken {
		return "", nil, clientError("UsernameExistsException", "User account already exists")
	}
	return name, given, nil
}

// nameByAttribute names a user of a pool in which e-mail or phone is the username: the Username is the sub.
func (p *pool) nameByAttribute(name string, given []attributeInput, sub string) (string, []attributeInput, error) {
	var attribute string
	switch {
	case slices.Contains(p.userNames, "email") && emailForm.MatchString(name):
		attribute = "email"
	case slices.Contains(p.userNames, "phone_number") && phoneForm.MatchString(name):
		attribute = "phone_number"
	case len(p.userNames) == 2:
		return "", nil, invalidParameter("Username should be either an email or a phone number.")
	case p.userNames[0] == "email":
		return "", nil, invalidParameter("Username should be an email.")
	default:
		return "", nil, invalidParameter("Username should be a phone number.")
	}
	if p.aliases[claim{attribute, p.fold(name)}] != nil {
		return "", nil, clientError("UsernameExistsException", "An account with the given %s already exists.", attribute)
	}
	if i := slices.IndexFunc(given, func(a attributeInput) bool { return a.Name == attribute }); i < 0 {
		given = append(slices.Clone(given), attributeInput{attribute, name})
	} else if p.fold(given[i].Value) != p.fold(name) {
		return "", nil, invalidParameter("The attribute %s does not match the username.", attribute)
	}
	return sub, given, nil
}

// withUser runs act on a user under the pool's lock.
func (e *Emulator) withUser(in ofUser, act func(p *pool, u *user, now time.Time) (any, error)) (any, error) {
	p, err := e.pool(in.UserPoolId)
	if err != nil {
		return nil, err
	}
	now := e.Now()
	p.Lock()
	defer p.Unlock()
	u, err := p.find(in.Username)
	if err != nil {
		return nil, err
	}
	return act(p, u, now)
}

func (e *Emulator) adminGetUser(in *ofUser) (any, error) {
	return e.withUser(*in, func(_ *pool, u *user, _ time.Time) (any, error) {
		v := view{u, u.now}
		return gotUser{v.username, v.attributes(), v.created, v.modified, v.enabled, v.status}, nil
	})
}

func (e *Emulator) adminUpdateUserAttributes(in *adminUpdateUserAttributesInput) (any, error) {
	return e.withUser(in.ofUser, func(p *pool, u *user, now time.Time) (any, error) {
		return unit{}, p.updateAttributes(u, in.UserAttributes, now)
	})
}

// updateAttributes writes attributes of a user, all or none.
func (p *pool) updateAttributes(u *user, given []attributeInput, now time.Time) error {
	attrs, err := p.changeAttributes(u.now.attrs, given)
	if err != nil {
		return err
	}
	r := *u.now
	r.attrs, r.modified = attrs, epochOf(now)
	if err := p.makeRoom(u, &r, p.unverified.StealAliasOnUpdate, "AliasExistsException", now); err != nil {
		return err
	}
	p.change(u, &r, now)
	return nil
}

func (e *Emulator) adminDeleteUserAttributes(in *adminDeleteUserAttributesInput) (any, error) {
	return e.withUser(in.ofUser, func(p *pool, u *user, now time.Time) (any, error) {
		var blanks []attributeInput
		for _, name := range in.UserAttributeNames {
			blanks = append(blanks, attributeInput{Name: name})
		}
		var faults []string
		for _, a := range blanks {
			_, set := u.now.attrs.find(a.Name)
			switch {
			case p.schema.byName[a.Name] == nil:
				faults = append(faults, a.Name+": Attribute does not exist in the schema.")
			case p.unverified.UnsetAttributeFails && !set && a.Name != "sub":
				faults = append(faults, a.Name+": Attribute does not exist.")
			}
		}
		if faults != nil {
			return nil, invalidParameter("Invalid user attributes: %s", strings.Join(faults, "\n"))
		}
		return unit{}, p.updateAttributes(u, blanks, now)
	})
}

func (e *Emulator) adminEnableUser(in *ofUser) (any, error)  { return e.enable(*in, true) }
func (e *Emulator) adminDisableUser(in *ofUser) (any, error) { return e.enable(*in, false) }

// enable sets the flag; doing so again changes nothing but succeeds.
func (e *Emulator) enable(in ofUser, enabled bool) (any, error) {
	return e.withUser(in, func(p *pool, u *user, now time.Time) (any, error) {
		p.enableUser(u, enabled, now)
		return unit{}, nil
	})
}

func (p *pool) enableUser(u *user, enabled bool, now time.Time) {
	if u.now.enabled != enabled {
		r := *u.now
		r.enabled, r.modified = enabled, epochOf(now)
		p.change(u, &r, now)
	}
	if !enabled {
		u.revokeAccess()
	}
}

func (e *Emulator) adminDeleteUser(in *ofUser) (any, error) {
	return e.withUser(*in, func(p *pool, u *user, now time.Time) (any, error) {
		p.dropUser(u, now)
		return nil, nil
	})
}

func (e *Emulator) adminUserGlobalSignOut(in *ofUser) (any, error) {
	return e.withUser(*in, func(_ *pool, u *user, _ time.Time) (any, error) {
		u.signOut()
		return unit{}, nil
	})
}

func (e *Emulator) adminSetUserPassword(in *adminSetUserPasswordInput) (any, error) {
	return e.withUser(in.ofUser, func(p *pool, u *user, now time.Time) (any, error) {
		if err := p.policy.check(in.Password); err != nil {
			return nil, err
		}
		r := *u.now
		r.modified = epochOf(now)
		if in.Permanent {
			r.status = confirmed // of a federated profile, too, which AWS advises against
			u.secret = &credentials{hash: hashPassword(u, in.Password)}
		} else {
			r.status = forceChangePassword
			u.temporaryPassword(in.Password, p.policy, now)
		}
		p.change(u, &r, now)
		return unit{}, nil
	})
}

// adminResetUserPassword makes a user choose a new password by a code, which can be sent to a verified address only.
func (e *Emulator) adminResetUserPassword(in *adminResetUserPasswordInput) (any, error) {
	return e.withUser(in.ofUser, func(p *pool, u *user, now time.Time) (any, error) {
		attrs := u.now.attrs
		switch {
		case u.now.status == forceChangePassword || u.now.status == externalProvider:
			return nil, notAuthorized("User password cannot be reset in the current state.")
		case attrs.get("email_verified") != "true" && attrs.get("phone_number_verified") != "true":
			return nil, invalidParameter("Cannot reset password for the user as there is no registered/verified email or phone_number")
		}
		p.setStatus(u, resetRequired, now)
		return unit{}, nil
	})
}
