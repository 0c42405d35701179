package attribute

import (
	"strings"

	"github.com/elimity-com/scim/schema"
)

// Tree holds the definitions of one resource type: its core schema with the common attributes, and its extensions.
// It does not change after New and is safe for concurrent use.
type Tree struct {
	core       section
	extensions []section
	open       bool
}

// section is one schema's top-level attributes.
type section struct {
	urn        string
	attributes []*Attribute
	byName     map[string]*Attribute // keys in lower case
}

// New builds the tree of a resource type from elimity's definitions. The common attributes (RFC 7643 §3.1 and the
// schemas attribute of §3) come first, unless core defines one of that name itself. What those definitions get wrong
// is put right here; see corrections.
func New(core schema.Schema, extensions ...schema.Schema) *Tree {
	t := &Tree{core: section{urn: core.ID, byName: map[string]*Attribute{}}}
	for _, def := range schema.CommonAttributes() {
		if _, taken := core.Attributes.ContainsAttribute(def.Name()); !taken {
			t.core.add(convert("", def, nil, false))
		}
	}
	for _, def := range core.Attributes {
		t.core.add(convert(core.ID, def, nil, false))
	}
	for _, ext := range extensions {
		s := section{urn: ext.ID, byName: map[string]*Attribute{}}
		for _, def := range ext.Attributes {
			s.add(convert(ext.ID, def, nil, true))
		}
		t.extensions = append(t.extensions, s)
	}
	return t
}

// Open returns a tree with the same definitions whose resources keep extensions that it does not define; see Keeps.
func (t *Tree) Open() *Tree {
	open := *t
	open.open = true
	return &open
}

// IsOpen reports whether Open has made the tree.
func (t *Tree) IsOpen() bool { return t.open }

// Keeps reports whether a resource may hold an extension of this name without there being a definition of it: an open
// tree's may, if the name is a URN that neither a schema nor an attribute of one has.
func (t *Tree) Keeps(name string) bool {
	const scheme = "urn:"
	if !t.open || len(name) <= len(scheme) || !sameName(scheme, name[:len(scheme)]) {
		return false
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"()[],`, c) >= 0 {
			return false
		}
	}
	return t.section(name) == nil && t.section(name[:strings.LastIndexByte(name, ':')]) == nil
}

// Schema returns the URN of the core schema.
func (t *Tree) Schema() string { return t.core.urn }

// Extensions returns the extensions' URNs, in the order given to New.
func (t *Tree) Extensions() []string {
	urns := make([]string, len(t.extensions))
	for i, s := range t.extensions {
		urns[i] = s.urn
	}
	return urns
}

// Extension returns the canonical spelling of an extension's URN; ok is false when the resource type has no such
// extension.
func (t *Tree) Extension(urn string) (canonical string, ok bool) {
	for i := range t.extensions {
		if sameName(t.extensions[i].urn, urn) {
			return t.extensions[i].urn, true
		}
	}
	return "", false
}

// Attributes returns the top-level attributes of the core schema and the common ones (urn is "" or the core schema's
// URN), or of an extension. It is nil for a URN that the resource type does not have. The slice must not be changed.
func (t *Tree) Attributes(urn string) []*Attribute {
	if s := t.section(urn); s != nil {
		return s.attributes
	}
	return nil
}

// Lookup returns the top-level attribute called name, in any case: of the core schema and the common attributes (urn
// is "" or the core schema's URN), or of an extension. It is nil when there is none, and it does not allocate.
func (t *Tree) Lookup(urn, name string) *Attribute {
	s := t.section(urn)
	if s == nil {
		return nil
	}
	if a := s.byName[name]; a != nil {
		return a
	}
	var buf [64]byte
	if len(name) > len(buf) {
		return s.scan(name)
	}
	for i := range len(name) {
		buf[i] = lower(name[i])
	}
	return s.byName[string(buf[:len(name)])]
}

func (t *Tree) section(urn string) *section {
	if urn == "" || sameName(t.core.urn, urn) {
		return &t.core
	}
	for i := range t.extensions {
		if sameName(t.extensions[i].urn, urn) {
			return &t.extensions[i]
		}
	}
	return nil
}

func (s *section) add(a *Attribute) {
	s.attributes = append(s.attributes, a)
	key := []byte(a.Name)
	for i, c := range key {
		key[i] = lower(c)
	}
	s.byName[string(key)] = a
}

// scan serves names too long for Lookup's buffer.
func (s *section) scan(name string) *Attribute {
	for _, a := range s.attributes {
		if sameName(a.Name, name) {
			return a
		}
	}
	return nil
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func convert(urn string, def schema.CoreAttribute, parent *Attribute, extension bool) *Attribute {
	a := &Attribute{
		Schema:      urn,
		Name:        def.Name(),
		Parent:      parent,
		Type:        Type(index(typeNames[:], def.AttributeType())),
		MultiValued: def.MultiValued(),
		Required:    def.Required(),
		CaseExact:   def.CaseExact(),
		Mutability:  Mutability(index(mutabilityNames[:], def.Mutability())),
		Returned:    Returned(index(returnedNames[:], def.Returned())),
		Uniqueness:  def.Uniqueness(),
		Canonical:   def.CanonicalValues(),
		Description: def.Description(),
		extension:   extension,
	}
	for _, r := range def.ReferenceTypes() {
		a.References = append(a.References, string(r))
	}
	for _, sub := range def.SubAttributes() {
		a.Sub = append(a.Sub, convert(urn, sub, a, extension))
	}
	if fix := corrections[correction{urn, a.Path()}]; fix != nil {
		fix(a)
	}
	return a
}

// index finds a keyword that elimity spells as the RFC does; the first one is the RFC's default.
func index(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return 0
}
