package schemas

import (
	"fmt"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// Selector reads one text of a user by the path of its attribute.
type Selector struct {
	path  string
	place mapped
}

// NewSelector reads a path: "externalId", "name.familyName", `emails[type eq "work"].value`, "urn:…:User:employeeNumber".
// A multi-valued attribute named alone ("emails") means its value. Errors say what is wrong with the path.
func NewSelector(users *ResourceType, path string) (*Selector, error) {
	p, err := filter.ParsePath(path)
	if err != nil {
		return nil, err
	}
	top, sub := p.Resolve(users.Tree)
	if top != nil && sub == nil && top.MultiValued && top.Type == attribute.Complex {
		sub = top.Lookup("value")
	}
	s := &Selector{path: path, place: mapped{path: p, top: top, sub: sub}}
	switch {
	case top == nil:
		return nil, fmt.Errorf("users have no such SCIM attribute")
	case top.Name != "userName" && isUnmapped(top.Name) || top.Mutability == attribute.ReadOnly:
		return nil, fmt.Errorf("%s is not the identity provider's to set, or secret", top.Name)
	case top.Type == attribute.Complex && sub == nil:
		return nil, fmt.Errorf("%s has sub-attributes: name one of them", top.Path())
	case p.Where != nil && !top.MultiValued:
		return nil, fmt.Errorf("%s has a single value, which no filter in brackets can select", top.Path())
	case s.place.leaf().Type == attribute.Boolean || top.MultiValued && top.Type != attribute.Complex:
		return nil, fmt.Errorf("%s does not name anybody", s.place.leaf().Path())
	}
	if p.Where != nil {
		if s.place.where, err = filter.CompileValue(top, p.Where); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// String is the path.
func (s *Selector) String() string { return s.path }

// Of is what r says there: of a multi-valued attribute the primary element, else the first. "" when it says nothing.
func (s *Selector) Of(r Resource) string {
	holder, name := s.place.holder(r, false)
	if holder == nil {
		return ""
	}
	if !s.place.top.MultiValued {
		text, _ := textOf(holder[name])
		return text
	}
	elements, _ := holder[name].([]any)
	for _, element := range s.place.candidates(elements) {
		if text, ok := textOf(element[s.place.sub.Name]); ok && text != "" {
			return text
		}
	}
	return ""
}
