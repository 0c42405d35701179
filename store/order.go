package store

import (
	"fmt"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// order is how a list is sorted: by the key of an attribute, rows of one key by insertion. Descending is the exact
// reverse, so that an index serves both.
type order struct {
	d        *Directory
	kind     Kind
	top, sub *attribute.Attribute
	desc     bool
}

// newOrder returns the order that a query asks for; nil for that of insertion. An attribute that the kind does not have
// is one that nobody has a value of, and orders nothing (RFC 7644 §3.4.2.1 and §3.4.2.3).
func newOrder(d *Directory, q Query) (*order, error) {
	def := d.s.indexes.trees[q.Kind]
	if q.Sort == nil || def == nil {
		return nil, nil
	}
	o := &order{d: d, kind: q.Kind, desc: q.Desc}
	if o.top, o.sub = q.Sort.Resolve(def); o.top == nil {
		return nil, nil
	}
	if o.sub == nil && o.top.Type == attribute.Complex {
		o.sub = o.top.Lookup("value") // as filters take it
	}
	if q.Sort.Where != nil || o.sub == nil && o.top.Type == attribute.Complex || o.attr().Type == attribute.Complex {
		return nil, fmt.Errorf("store: lists cannot be sorted by %s", q.Sort)
	}
	return o, nil
}

// attr is the attribute whose values are compared.
func (o *order) attr() *attribute.Attribute {
	if o.sub != nil {
		return o.sub
	}
	return o.top
}

// key returns the key of a row.
func (o *order) key(c *conn, d Doc) (string, error) {
	switch o.top.Path() {
	case "id":
		return keyOfText(o.top, d.ID), nil
	case "schemas":
		return keyOf(o.top, nil, o.d.s.indexes.trees[o.kind].Schema()), nil
	case "meta":
		return o.keyOfMeta(d), nil
	case references(o.kind):
		first, err := o.firstRef(c, d)
		if err != nil || first == nil {
			return unkeyed, err
		}
		return keyOf(o.top, o.sub, elements(o.kind, first)), nil
	}
	return o.keyOfStored(d.JSON)
}

// keyOfMeta is the key of a part of meta. Locations are in the order of ids: they begin alike.
func (o *order) keyOfMeta(d Doc) string {
	switch o.sub.Name {
	case "created":
		return keyOfTime(d.Created)
	case "lastModified":
		return keyOfTime(d.Modified)
	case "location":
		return keyOfText(o.sub, d.ID)
	case "version":
		return fmt.Sprintf("%s%016x", keyed, d.Version)
	case "resourceType":
		return keyOfText(o.sub, o.kind.String())
	}
	return unkeyed
}

// firstRef returns the first listed membership of a row: a large group need not be loaded to be sorted.
func (o *order) firstRef(c *conn, d Doc) ([]Ref, error) {
	if o.kind == Group {
		return refs(c, memberRefs+" LIMIT 1", d.Seq, o.d.dir)
	}
	if len(d.Refs) == 0 {
		return nil, nil
	}
	return refs(c, groupRefs+" LIMIT 1", d.Seq, o.d.dir)
}

// keyOfStored is the key of an attribute in the document.
func (o *order) keyOfStored(doc []byte) (string, error) {
	name, urn := o.top.Name, o.top.Extension()
	if urn != "" {
		name = urn
	}
	for field, raw := range fields(doc) {
		if field != name {
			continue
		}
		v, err := decode(raw)
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", name, err)
		}
		if urn != "" {
			extension, _ := v.(map[string]any)
			v = extension[o.top.Name]
		}
		return keyOf(o.top, o.sub, v), nil
	}
	return unkeyed, nil
}
