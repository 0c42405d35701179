package filter

import (
	"strings"
	"time"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// ParseStrict is Parse without what is more than the grammar: no text without quotes, and no sub-attribute after a value
// filter.
func ParseStrict(s string) (*Expr, error) {
	p := parser{s: s, strict: true}
	e, err := p.all()
	if err != nil {
		return nil, err.scim(scim.ScimTypeInvalidFilter, "filter", s)
	}
	return e, nil
}

// CheckStrict refuses what Compile takes for more than is written: booleans in quotes, a dateTime without zone, the
// attribute of an extension without the extension's URN. Errors as for Compile.
func CheckStrict(def *attribute.Tree, e *Expr) error {
	switch {
	case e == nil:
		return nil
	case e.Left != nil && e.Op != Has:
		if err := CheckStrict(def, e.Left); err != nil {
			return err
		}
		return CheckStrict(def, e.Right)
	}
	top, sub := e.Path.Resolve(def)
	if top != nil && e.Path.URN == "" && top.Extension() != "" {
		return refuse(e, "%s is an attribute of an extension: write %s", e.Path, top.Path())
	}
	if e.Op == Has {
		return strictWithin(top, e.Left)
	}
	if sub == nil {
		sub = top
	}
	return strictValue(sub, e)
}

// strictWithin is CheckStrict for a value filter.
func strictWithin(parent *attribute.Attribute, e *Expr) error {
	if e == nil || parent == nil {
		return nil
	}
	if e.Left != nil {
		if err := strictWithin(parent, e.Left); err != nil {
			return err
		}
		return strictWithin(parent, e.Right)
	}
	return strictValue(parent.Lookup(e.Path.Name), e)
}

func strictValue(a *attribute.Attribute, e *Expr) error {
	s, isText := e.Value.(string)
	if a == nil || !isText {
		return nil
	}
	switch a.Type {
	case attribute.Boolean, attribute.Decimal, attribute.Integer:
		return refuse(e, "%s is %s: write the value without quotes", a.Path(), a.Type)
	case attribute.DateTime:
		if _, err := time.Parse(time.RFC3339, strings.ToUpper(s)); err != nil {
			return refuse(e, "%s is dateTime: write it with a zone, such as 2011-05-13T04:42:34Z", a.Path())
		}
	}
	return nil
}
