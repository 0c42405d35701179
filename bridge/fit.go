package bridge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// MissingAttributes returns the custom attributes that the mapping needs and the pool lacks, without their "custom:", for
// Pool.AddCustomAttributes.
//
// Rows that cannot be are an error: nothing may be added to a pool, for ever, on their account.
func MissingAttributes(types *schemas.Types, info cognito.Info, rows []schemas.Row) ([]string, error) {
	if _, err := schemas.NewMapping(types.Users, rows, nil); err != nil {
		return nil, fmt.Errorf("connections[].attributes: %w", err)
	}
	var missing []string
	for _, name := range needed(rows) {
		short, custom := strings.CutPrefix(name, "custom:")
		if _, there := info.Attributes[name]; custom && !there {
			missing = append(missing, short)
		}
	}
	return missing, nil
}

func needed(rows []schemas.Row) []string {
	names := schemas.OverflowNames()
	for _, row := range rows {
		if !slices.Contains(names, row.Cognito) {
			names = append(names, row.Cognito)
		}
	}
	return names
}

// fit makes the mapping for a pool, or says what about the pool must change first.
func fit(types *schemas.Types, info cognito.Info, rows []schemas.Row) (*schemas.Mapping, error) {
	missing, err := MissingAttributes(types, info, rows)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("pool %s lacks the custom attributes %s: start once with --create-attributes, or add them as mutable strings of up to %d characters (Cognito can never remove them)",
			info.ID, strings.Join(missing, ", "), schemas.MaxValue)
	}
	limits := map[string]schemas.Limit{}
	for _, name := range needed(rows) {
		a, there := info.Attributes[name]
		switch {
		case !there: // a standard attribute that the answer does not list
			continue
		case !a.Mutable:
			return nil, fmt.Errorf("attribute %s of pool %s is immutable, which Cognito cannot change: map another attribute, or use another pool", name, info.ID)
		case strings.HasPrefix(name, schemas.Overflow) && (a.Type != "String" || a.MaxLength != 0 && a.MaxLength < schemas.MaxValue):
			return nil, fmt.Errorf("attribute %s of pool %s must be a String of up to %d characters; it is a %s of up to %d, which Cognito cannot change: use another pool",
				name, info.ID, schemas.MaxValue, a.Type, a.MaxLength)
		}
		limits[name] = schemas.Limit{Number: a.Type == "Number", Min: a.MinLength, Max: a.MaxLength}
	}
	mapping, err := schemas.NewMapping(types.Users, rows, limits, info.UsernameAttributes...)
	if err != nil {
		return nil, fmt.Errorf("connections[].attributes: %w", err)
	}
	for _, name := range mapping.Cognito() {
		if a, there := info.Attributes[name]; there && !a.Mutable {
			return nil, fmt.Errorf("attribute %s of pool %s is immutable, so changes from the identity provider could not be stored: use a pool in which it is mutable", name, info.ID)
		}
	}
	if slices.Contains(info.VerifyBeforeUpdate, "phone_number") && slices.Contains(mapping.Cognito(), "phone_number") {
		return nil, fmt.Errorf("pool %s does not take a new phone number before it is verified, which SCIM cannot do: turn that off (UserAttributeUpdateSettings), "+
			"or map phoneNumbers.value to a custom attribute", info.ID)
	}
	return mapping, nil
}
