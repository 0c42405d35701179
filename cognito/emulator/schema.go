package emulator

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// attribute is one row of a pool's schema.
type attribute struct {
	name      string // with its prefix: email, custom:scim, dev:custom:x
	kind      string // String, Number, DateTime or Boolean
	mutable   bool
	required  bool
	readOnly  bool // never writable: sub, identities
	developer bool
	// bounded says that least and most hold: a String's length in characters or a Number's value.
	bounded     bool
	least, most int64
	at          int // the row's place in the schema
}

// schema is what a pool knows of attributes, in DescribeUserPool's order.
type schema struct {
	rows   []*attribute
	byName map[string]*attribute
}

// standardSchema returns the attributes that every pool has: OpenID Connect's standard claims and Cognito's own.
func standardSchema() *schema {
	s := &schema{byName: map[string]*attribute{}}
	plain := func(name string) *attribute {
		return &attribute{name: name, kind: "String", mutable: true, bounded: true, most: 2048}
	}
	s.add(&attribute{name: "sub", kind: "String", required: true, readOnly: true, bounded: true, least: 1, most: 2048})
	for _, name := range []string{"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "email"} {
		s.add(plain(name))
	}
	s.add(&attribute{name: "email_verified", kind: "Boolean", mutable: true})
	s.add(plain("gender"))
	s.add(&attribute{name: "birthdate", kind: "String", mutable: true, bounded: true, least: 10, most: 10})
	for _, name := range []string{"zoneinfo", "locale", "phone_number"} {
		s.add(plain(name))
	}
	s.add(&attribute{name: "phone_number_verified", kind: "Boolean", mutable: true})
	s.add(plain("address"))
	s.add(&attribute{name: "updated_at", kind: "Number", mutable: true, bounded: true, most: 1<<63 - 1})
	s.add(&attribute{name: "identities", kind: "String", mutable: true, readOnly: true})
	return s
}

func (s *schema) add(a *attribute) {
	a.at = len(s.rows)
	s.rows = append(s.rows, a)
	s.byName[a.name] = a
}

// withRow returns a schema in which a replaces the row of the same name, or comes last; users keep pointing at rows, so a schema in
// use only ever grows by rows, and a row never changes.
func (s *schema) withRow(a *attribute) *schema {
	t := &schema{rows: slices.Clone(s.rows), byName: maps.Clone(s.byName)}
	if old := t.byName[a.name]; old != nil {
		a.at = old.at
		t.rows[a.at], t.byName[a.name] = a, a
		return t
	}
	t.add(a)
	return t
}

// missing names a required attribute that as lacks, or "".
func (s *schema) missing(as attrs) string {
	for _, row := range s.rows {
		if _, ok := as.find(row.name); row.required && !row.readOnly && !ok {
			return row.name
		}
	}
	return ""
}

// attributeInput is the model's AttributeType.
type attributeInput struct {
	Name  string `aws:"AttributeNameType,required" json:"Name"`
	Value string `aws:"AttributeValueType" json:"Value"`
}

var (
	emailForm     = regexp.MustCompile(`^[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+\.[^\s@.\x00-\x1f\x7f]+$`)
	phoneForm     = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`) // E.164
	birthdateForm = time.DateOnly
)

// checkFormat reports values whose form Cognito checks beside the schema; the messages name no attribute.
func checkFormat(a *attribute, value string) error {
	switch a.name {
	case "email":
		if !emailForm.MatchString(value) {
			return invalidParameter("Invalid email address format.")
		}
	case "phone_number":
		if !phoneForm.MatchString(value) {
			return invalidParameter("Invalid phone number format.")
		}
	}
	return nil
}

// fault says which rule of the schema a value breaks, in Cognito's words where they are known, or "".
func (a *attribute) fault(value string) string {
	if len(value) > 2048 { // bytes, whatever the schema says: the quota on an attribute's size
		return "String must be no longer than 2048 bytes"
	}
	switch a.kind {
	case "String":
		return a.stringFault(value)
	case "Number":
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err != nil:
			return "Value must be a number"
		case a.bounded && n < a.least:
			return "Number must be no less than " + strconv.FormatInt(a.least, 10)
		case a.bounded && n > a.most:
			return "Number must be no greater than " + strconv.FormatInt(a.most, 10)
		}
	case "Boolean":
		if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
			return "Value must be true or false"
		}
	case "DateTime":
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			return "Value must be a date and time"
		}
	}
	return ""
}

func (a *attribute) stringFault(value string) string {
	n := int64(len([]rune(value)))
	switch {
	case a.bounded && n < a.least:
		return "String must be no shorter than " + strconv.FormatInt(a.least, 10) + " characters"
	case a.bounded && n > a.most:
		return "String must be no longer than " + strconv.FormatInt(a.most, 10) + " characters"
	}
	if a.name == "birthdate" {
		if _, err := time.Parse(birthdateForm, value); err != nil {
			return "Value must be a date in the form YYYY-MM-DD"
		}
	}
	return ""
}

// attr is one attribute of a user.
type attr struct {
	*attribute
	value string
}

// attrs are a user's attributes in schema order, without sub. A value is never changed in place: readers hold it without a lock.
type attrs []attr

func (as attrs) find(name string) (value string, ok bool) {
	for _, a := range as {
		if a.name == name {
			return a.value, true
		}
	}
	return "", false
}

func (as attrs) get(name string) string {
	value, _ := as.find(name)
	return value
}

// with returns a copy in which row has value; "" takes the attribute away.
func (as attrs) with(row *attribute, value string) attrs {
	at, found := slices.BinarySearchFunc(as, row, func(a attr, row *attribute) int { return cmp.Compare(a.at, row.at) })
	switch {
	case found && value == "":
		return slices.Delete(slices.Clone(as), at, at+1)
	case found:
		as = slices.Clone(as)
		as[at] = attr{row, value}
		return as
	case value == "":
		return as
	}
	return slices.Insert(slices.Clone(as), at, attr{row, value})
}
