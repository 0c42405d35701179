package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// projection says which attributes an answer holds: by each attribute's returned characteristic (RFC 7643 section 7),
// and by the client's attributes or excludedAttributes (RFC 7644 section 3.9).
type projection struct {
	tree   *attribute.Tree
	only   bool                          // attributes was given: the rest is left out
	named  map[*attribute.Attribute]bool // what the parameter names
	inside map[*attribute.Attribute]bool // complex attributes of which it names a part
	// unknown are the paths that it names and no schema has, in lower case: they may be in an extension that is kept.
	unknown map[string]bool
}

// newProjection reads the two parameters. Names that the resource type does not have select nothing, since clients ask
// every server for the same; what cannot be a name at all is refused.
func newProjection(tree *attribute.Tree, query map[string]string) (*projection, error) {
	p := &projection{tree: tree, named: map[*attribute.Attribute]bool{}, inside: map[*attribute.Attribute]bool{},
		unknown: map[string]bool{}}
	list, parameter := query["attributes"], "attributes"
	p.only = strings.TrimSpace(list) != ""
	if excluded := query["excludedAttributes"]; strings.TrimSpace(excluded) != "" {
		if p.only {
			return nil, invalidValue("The query parameters attributes and excludedAttributes exclude each other (RFC 7644 section 3.9).")
		}
		list, parameter = excluded, "excludedAttributes"
	}
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		path, err := filter.ParsePath(entry)
		if err != nil || path.Where != nil {
			return nil, invalidValue("The query parameter %s holds %.64q, which is not the name of an attribute; write attribute, attribute.subAttribute or URN:attribute.",
				parameter, entry)
		}
		p.name(*path)
	}
	return p, nil
}

// name marks what one entry stands for: a sub-attribute, an attribute, or all attributes of a schema.
func (p *projection) name(path filter.Path) {
	if urn, ok := path.Schema(); ok {
		for _, a := range p.tree.Attributes(urn) {
			if a.Schema != "" {
				p.named[a] = true
			}
		}
	}
	switch top, sub := path.Resolve(p.tree); {
	case sub != nil:
		p.named[sub], p.inside[top] = true, true
	case top != nil:
		p.named[top] = true
	case path.URN != "":
		p.unknown[strings.ToLower(path.String())] = true
	}
}

// shows reports whether an answer holds the attribute; for a sub-attribute, inside a parent that it holds.
func (p *projection) shows(a *attribute.Attribute) bool {
	switch {
	case a.Returned == attribute.Always:
		return true
	case a.Returned == attribute.Never:
		return false
	case !p.only:
		return !p.named[a] && a.Returned != attribute.Request
	case p.named[a]:
		return true
	case a.Parent != nil:
		return p.named[a.Parent] && a.Returned != attribute.Request
	}
	return p.inside[a]
}

// whole reports whether an answer holds all of what a stored document of the tree can hold, so that the document can be
// copied as it is. It never holds what is never returned.
func (p *projection) whole() bool {
	if p.only || len(p.unknown) > 0 {
		return false
	}
	for a := range p.stored() {
		if a.Returned != attribute.Never && (!p.shows(a) || !p.wholly(a)) {
			return false
		}
	}
	return true
}

// stored yields the top-level attributes that a stored document may hold: not those that are added when it is rendered.
func (p *projection) stored() func(yield func(*attribute.Attribute) bool) {
	return func(yield func(*attribute.Attribute) bool) {
		for _, urn := range append([]string{""}, p.tree.Extensions()...) {
			for _, a := range p.tree.Attributes(urn) {
				if !addedLater(a) && !yield(a) {
					return
				}
			}
		}
	}
}

func addedLater(a *attribute.Attribute) bool {
	if a.Extension() != "" {
		return false
	}
	switch a.Name {
	case "schemas", "id", "meta", "members", "groups":
		return true
	}
	return false
}

// wholly reports whether an attribute that is shown is shown with all its sub-attributes.
func (p *projection) wholly(a *attribute.Attribute) bool {
	for _, sub := range a.Sub {
		if !p.shows(sub) {
			return false
		}
	}
	return true
}

// object returns the part of a stored document that is shown, as the text of a JSON object with sorted names.
func (p *projection) object(document []byte) ([]byte, error) {
	attributes, err := members(document)
	if err != nil {
		return nil, err
	}
	kept := map[string]json.RawMessage{}
	for name, raw := range attributes {
		switch urn, isExtension := p.tree.Extension(name); {
		case isExtension:
			raw, err = p.extension(urn, raw)
		case p.tree.Keeps(name):
			raw, err = p.untyped(name, raw)
		default:
			raw, err = p.part("", name, raw)
		}
		if err != nil {
			return nil, err
		}
		if raw != nil {
			kept[name] = raw
		}
	}
	return encode(kept), nil
}

// extension returns the part of an extension's object that is shown; nil when nothing is.
func (p *projection) extension(urn string, raw json.RawMessage) (json.RawMessage, error) {
	if !bytes.HasPrefix(raw, []byte("{")) {
		return nil, nil
	}
	attributes, err := members(raw)
	if err != nil {
		return nil, err
	}
	kept := map[string]json.RawMessage{}
	for name, value := range attributes {
		if value, err = p.part(urn, name, value); err != nil {
			return nil, err
		}
		if value != nil {
			kept[name] = value
		}
	}
	if len(kept) == 0 {
		return nil, nil
	}
	return encode(kept), nil
}

// untyped returns the part of an unknown extension that is shown; nil when nothing is.
func (p *projection) untyped(urn string, raw json.RawMessage) (json.RawMessage, error) {
	urn = strings.ToLower(urn)
	switch {
	case p.unknown[urn] && p.only, !p.only && len(p.unknown) == 0:
		return raw, nil
	case p.unknown[urn]:
		return nil, nil
	}
	attributes, err := members(raw)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(attributes, func(name string, _ json.RawMessage) bool {
		return p.unknown[urn+":"+strings.ToLower(name)] != p.only
	})
	if len(attributes) == 0 {
		return nil, nil
	}
	return encode(attributes), nil
}

// part returns what is shown of one attribute's value; nil when nothing is.
func (p *projection) part(urn, name string, raw json.RawMessage) (json.RawMessage, error) {
	a := p.tree.Lookup(urn, name)
	switch {
	case a == nil:
		if p.only {
			return nil, nil
		}
		return raw, nil
	case !p.shows(a):
		return nil, nil
	case p.wholly(a):
		return raw, nil
	case bytes.HasPrefix(raw, []byte("[")):
		return p.elements(a, raw)
	}
	return p.subAttributes(a, raw)
}

func (p *projection) elements(a *attribute.Attribute, raw json.RawMessage) (json.RawMessage, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("decoding stored %s: %w", a.Path(), err)
	}
	out := []byte("[")
	for _, element := range list {
		part, err := p.subAttributes(a, element)
		if err != nil {
			return nil, err
		}
		if part == nil {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, part...)
	}
	if len(out) == 1 {
		return nil, nil
	}
	return append(out, ']'), nil
}

// subAttributes returns the part of a complex value that is shown. What is none was stored when the definitions were others,
// and has not been read again yet: it is no value.
func (p *projection) subAttributes(a *attribute.Attribute, raw json.RawMessage) (json.RawMessage, error) {
	if !bytes.HasPrefix(raw, []byte("{")) {
		return nil, nil
	}
	values, err := members(raw)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(values, func(name string, _ json.RawMessage) bool {
		sub := a.Lookup(name)
		return sub == nil || !p.shows(sub)
	})
	if len(values) == 0 {
		return nil, nil
	}
	return encode(values), nil
}

func members(object []byte) (map[string]json.RawMessage, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(object, &m); err != nil {
		return nil, fmt.Errorf("decoding a stored object: %w", err)
	}
	return m, nil
}

// encode writes an object with sorted names.
func encode(object map[string]json.RawMessage) []byte {
	out := []byte("{")
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(appendString(out, name), ':')
		out = append(out, object[name]...)
	}
	return append(out, '}')
}
