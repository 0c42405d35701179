package emulator

import (
	"slices"
	"strings"
)

// createAttributes checks and stores the attributes of a new user. Faults of several attributes come in one message.
func (p *pool) createAttributes(given []attributeInput) (attrs, error) {
	var as attrs
	var faults []string
	for _, a := range given {
		row := p.schema.byName[a.Name]
		switch {
		case row == nil:
			faults = append(faults, a.Name+": Attribute does not exist in the schema.")
			continue
		case row.readOnly:
			faults = append(faults, a.Name+": Attribute cannot be set.")
			continue
		case a.Value == "":
			continue // blank is the same as not given
		}
		if err := checkFormat(row, a.Value); err != nil {
			return nil, err
		}
		if fault := row.fault(a.Value); fault != "" {
			faults = append(faults, a.Name+": "+fault)
			continue
		}
		as = as.with(row, p.canonical(row, a.Value))
	}
	if missing := p.schema.missing(as); missing != "" && p.unverified.EnforceRequired {
		faults = append(faults, missing+": The attribute is required")
	}
	if faults != nil {
		return nil, invalidParameter("Attributes did not conform to the schema: %s", strings.Join(faults, "\n"))
	}
	return as, p.checkVerified(as, given)
}

// changeAttributes applies an update to a user's attributes: a blank value takes one away, others stay. Changing e-mail or phone
// resets its verified flag, unless the update says what that is.
func (p *pool) changeAttributes(old attrs, given []attributeInput) (attrs, error) {
	as := old
	var faults []string
	for _, a := range given {
		row := p.schema.byName[a.Name]
		if fault := row.changeFault(a); fault != "" {
			faults = append(faults, "user."+a.Name+": "+fault)
			continue
		}
		if a.Value != "" {
			if err := checkFormat(row, a.Value); err != nil {
				return nil, err
			}
		}
		if !p.awaitsVerification(row, given) {
			as = as.with(row, p.canonical(row, a.Value))
		}
	}
	if missing := p.schema.missing(as); missing != "" && faults == nil && p.unverified.EnforceRequired {
		faults = append(faults, "user."+missing+": The attribute is required")
	}
	if faults != nil {
		return nil, invalidParameter("%s", strings.Join(faults, "\n"))
	}
	for _, name := range []string{"email", "phone_number"} {
		as = p.resetVerified(old, as, given, name)
	}
	return as, p.checkVerified(as, given)
}

// changeFault says why an attribute of a user cannot be given this value, or "". A nil row is an attribute that does not exist.
func (row *attribute) changeFault(a attributeInput) string {
	switch {
	case row == nil:
		return "Attribute does not exist in the schema."
	case row.readOnly || !row.mutable:
		return "Attribute cannot be updated." // even to the value that it has
	case a.Value == "" && row.required:
		return "The attribute is required"
	case a.Value == "":
		return ""
	}
	return row.fault(a.Value)
}

// resetVerified clears <name>_verified when name's value changes or goes, unless the update sets the flag itself.
func (p *pool) resetVerified(old, as attrs, given []attributeInput, name string) attrs {
	flag := p.schema.byName[name+"_verified"]
	before, after := old.get(name), as.get(name)
	wrote := func(name string) bool {
		return slices.ContainsFunc(given, func(a attributeInput) bool { return a.Name == name })
	}
	switch {
	case wrote(flag.name) || !wrote(name):
		return as
	case before == after && (after == "" || !p.unverified.ResetVerifiedOnSameValue):
		return as
	case after == "" && !p.unverified.KeepVerifiedOnDelete:
		return as.with(flag, "")
	}
	return as.with(flag, "false")
}

// awaitsVerification reports whether a new e-mail or phone number is only remembered until it is verified, as the pool's
// UserAttributeUpdateSettings ask, unless the update itself says that it is.
func (p *pool) awaitsVerification(row *attribute, given []attributeInput) bool {
	settings := p.described.UserAttributeUpdateSettings
	if settings == nil || !slices.Contains(settings.AttributesRequireVerificationBeforeUpdate, row.name) {
		return false
	}
	return !slices.ContainsFunc(given, func(a attributeInput) bool {
		return a.Name == row.name+"_verified" && strings.EqualFold(a.Value, "true")
	})
}

// checkVerified refuses an update that sets a verified flag of a user who has no such attribute.
func (p *pool) checkVerified(as attrs, given []attributeInput) error {
	for _, a := range given {
		switch {
		case a.Name == "email_verified" && a.Value != "" && as.get("email") == "":
			return invalidParameter("Email is required to verify/un-verify an email")
		case a.Name == "phone_number_verified" && a.Value != "" && as.get("phone_number") == "":
			return invalidParameter("Phone number is required to verify/un-verify a phone number")
		}
	}
	return nil
}

// canonical is the form in which the pool keeps a value: flags in lower case, and in case-insensitive pools the names that people
// sign in with, too (developer guide, "User pool case sensitivity").
func (p *pool) canonical(row *attribute, value string) string {
	switch {
	case row.kind == "Boolean":
		return strings.ToLower(value)
	case row.name == "email" || row.name == "preferred_username":
		return p.fold(value)
	}
	return value
}
