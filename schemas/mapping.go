package schemas

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// MaxValue is the size in bytes of the largest attribute value that Cognito keeps (quota "attribute length").
const MaxValue = 2048

// Row is one line of the mapping table: the SCIM attribute that a Cognito attribute holds.
type Row struct {
	SCIM    string // path: "name.givenName", "title", "urn:…:User:department", `addresses[type eq "work"].formatted`
	Cognito string // full name: "given_name", "custom:department"
}

// rows is the mapping that every pool has: Cognito's standard attributes. A multi-valued attribute gives its primary
// value, or its first that fits. userName and active are no attributes in Cognito: they are Username and Enabled.
var rows = []Row{
	{"name.givenName", "given_name"},
	{"name.familyName", "family_name"},
	{"name.middleName", "middle_name"},
	{"displayName", "name"},
	{"nickName", "nickname"},
	{"emails.value", "email"},
	{"phoneNumbers.value", "phone_number"},
	{"photos.value", "picture"},
	{"profileUrl", "profile"},
	{"locale", "locale"},
	{"timezone", "zoneinfo"},
}

// unmapped are the attributes of a User that never reach a Cognito attribute, the overflow included: the server derives
// them, Cognito has a place for them, or they are secret.
var unmapped = []string{"schemas", "id", "meta", "groups", "active", "password", "userName"}

// Limit is what a pool allows in one custom attribute; its zero value is a string of up to MaxValue bytes.
type Limit struct {
	Number   bool // decimal digits only
	Min, Max int  // bytes of a string; Max 0 means MaxValue
}

// Mapping is the table of one directory, ready for use in both directions. It is safe for concurrent use.
type Mapping struct {
	users  *ResourceType
	rows   []mapped
	limits map[string]Limit
	logins []string // UsernameAttributes: see Login
}

type mapped struct {
	cognito string
	path    *filter.Path
	top     *attribute.Attribute
	sub     *attribute.Attribute // nil for a simple attribute
	where   *filter.Matcher      // the element of a multi-valued attribute; nil: the primary one
}

// NewMapping returns the standard table for users with extra rows, which win over standard ones for the same SCIM attribute.
// limits holds what the pool allows in custom attributes, by full name; logins are the pool's UsernameAttributes. Errors name
// the row and what is wrong with it.
func NewMapping(users *ResourceType, extra []Row, limits map[string]Limit, logins ...string) (*Mapping, error) {
	m := &Mapping{users: users, limits: limits, logins: logins}
	scimTaken, cognitoTaken := map[string]bool{}, map[string]bool{}
	for _, row := range extra {
		r, err := resolve(users.Tree, row)
		if err != nil {
			return nil, fmt.Errorf("attribute row %q → %q: %w", row.SCIM, row.Cognito, err)
		}
		if key := strings.ToLower(row.SCIM); scimTaken[key] || cognitoTaken[row.Cognito] {
			return nil, fmt.Errorf("attribute row %q → %q: one side is mapped twice", row.SCIM, row.Cognito)
		}
		scimTaken[strings.ToLower(row.SCIM)], cognitoTaken[row.Cognito] = true, true
		m.rows = append(m.rows, r)
	}
	for _, row := range rows {
		if scimTaken[strings.ToLower(row.SCIM)] || cognitoTaken[row.Cognito] {
			continue
		}
		r, err := resolve(users.Tree, row)
		if err != nil {
			return nil, err
		}
		m.rows = append(m.rows, r)
	}
	return m, nil
}

func resolve(users *attribute.Tree, row Row) (mapped, error) {
	if strings.HasPrefix(row.Cognito, Overflow) || row.Cognito == "sub" || strings.HasSuffix(row.Cognito, "_verified") || row.Cognito == "" {
		return mapped{}, fmt.Errorf("the Cognito attribute is not free to be mapped")
	}
	if top, _, _ := strings.Cut(row.SCIM, "."); row.Cognito == "email" && !strings.HasPrefix(strings.ToLower(top), "emails") {
		return mapped{}, fmt.Errorf("email is marked as verified, so that only emails may be mapped to it")
	}
	p, err := filter.ParsePath(row.SCIM)
	if err != nil {
		return mapped{}, err
	}
	top, sub := p.Resolve(users)
	switch {
	case top == nil:
		return mapped{}, fmt.Errorf("users have no such SCIM attribute")
	case isUnmapped(top.Name) || top.Mutability == attribute.ReadOnly:
		return mapped{}, fmt.Errorf("%s cannot be mapped", top.Name)
	case top.Type == attribute.Complex && sub == nil:
		return mapped{}, fmt.Errorf("%s has sub-attributes: name one of them", top.Path())
	case p.Where != nil && !top.MultiValued:
		return mapped{}, fmt.Errorf("%s has a single value, which no filter in brackets can select", top.Path())
	case top.MultiValued && sub == nil:
		return mapped{}, fmt.Errorf("%s has many values: only one of a kind, such as %s[type eq \"work\"].value, can be mapped", top.Path(), top.Name)
	}
	r := mapped{cognito: row.Cognito, path: p, top: top, sub: sub}
	if p.Where != nil {
		if mentions(p.Where, sub.Name) {
			return mapped{}, fmt.Errorf("the filter reads %s, which the Cognito attribute takes away", sub.Path())
		}
		if r.where, err = filter.CompileValue(top, p.Where); err != nil {
			return mapped{}, err
		}
	}
	return r, nil
}

// mentions reports whether a value filter reads a sub-attribute.
func mentions(e *filter.Expr, sub string) bool {
	return e != nil && (strings.EqualFold(e.Path.Name, sub) || mentions(e.Left, sub) || mentions(e.Right, sub))
}

func isUnmapped(name string) bool {
	for _, each := range unmapped {
		if each == name {
			return true
		}
	}
	return false
}

// Cognito returns the full names of the Cognito attributes that the table writes, without the overflow's.
func (m *Mapping) Cognito() []string {
	names := make([]string, len(m.rows))
	for i, r := range m.rows {
		names[i] = r.cognito
	}
	return names
}

// Holding returns the full names of the Cognito attributes that the table writes some of an attribute of users to; sub is the
// sub-attribute in question, nil for any.
func (m *Mapping) Holding(top, sub *attribute.Attribute) []string {
	var names []string
	for _, r := range m.rows {
		if r.top == top && (sub == nil || r.sub == nil || r.sub == sub) {
			names = append(names, r.cognito)
		}
	}
	return names
}

var (
	e164 = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)
	mail = regexp.MustCompile(`^[^\s\p{Z}\p{C}@]+@[^\s\p{Z}\p{C}@]+\.[^\s\p{Z}\p{C}@.]+$`)
)

// accepts reports whether Cognito's typed attribute takes the text. What it refuses stays in the overflow, so that a
// phone number with spaces in it stops nobody's provisioning.
func (m *Mapping) accepts(cognito, text string) bool {
	limit := m.limits[cognito]
	most := limit.Max
	if most == 0 {
		most = MaxValue
	}
	if len(text) > most || len(text) < limit.Min {
		return false
	}
	switch {
	case cognito == "phone_number":
		return e164.MatchString(text)
	case cognito == "email":
		return mail.MatchString(text)
	case cognito == "birthdate":
		return len(text) == 10
	case limit.Number || cognito == "updated_at":
		_, err := strconv.ParseInt(text, 10, 64)
		return err == nil
	}
	return true
}
