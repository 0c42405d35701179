package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/store"
)

// references says how the resources that a resource refers to are rendered: a group's members, a user's groups
// (RFC 7643 sections 4.1.2 and 4.2).
type references struct {
	attribute string // "members"
	endpoint  string // "/Users": where $ref leads
	kind      string // the type of each: "User", or "direct"
	always    bool   // an empty list is said, rather than left out
}

// view renders documents of one resource type for one request: it adds what the store leaves out.
type view struct {
	rt      *schemas.ResourceType
	project *projection
	copied  bool   // documents are copied as they are
	base    string // absolute URL of /scim/v2
	refs    references

	refsAttribute, meta *attribute.Attribute
}

func newView(rt *schemas.ResourceType, refs references, project *projection, base string) *view {
	return &view{
		rt: rt, project: project, copied: project.whole(), base: base, refs: refs,
		refsAttribute: rt.Tree.Lookup("", refs.attribute),
		meta:          rt.Tree.Lookup("", "meta"),
	}
}

// wantsReferences reports whether answers hold members or groups. If not, nobody has to look for them.
func (v *view) wantsReferences() bool { return v.project.shows(v.refsAttribute) }

// location returns the absolute URL of a resource.
func (v *view) location(id string) string { return v.base + v.rt.Endpoint + "/" + url.PathEscape(id) }

// resource appends the SCIM form of doc. What related yields is rendered only if wantsReferences.
func (v *view) resource(dst []byte, doc store.Doc, related iter.Seq2[store.Ref, error]) ([]byte, error) {
	body := doc.JSON
	if !v.copied {
		var err error
		if body, err = v.project.object(body); err != nil {
			return dst, err
		}
	}
	if len(body) < 2 || body[0] != '{' || body[len(body)-1] != '}' {
		return dst, errors.New("a stored document is not an object")
	}
	dst = v.schemas(append(dst, '{'), body)
	dst = appendString(append(dst, `,"id":`...), doc.ID)
	if inner := body[1 : len(body)-1]; len(inner) > 0 {
		dst = append(append(dst, ','), inner...)
	}
	if v.wantsReferences() {
		var err error
		if dst, err = v.references(dst, related); err != nil {
			return dst, err
		}
	}
	if v.project.shows(v.meta) {
		dst = v.metadata(dst, doc)
	}
	return append(dst, '}'), nil
}

// schemas appends the schemas attribute: the core schema, and the extensions of which body holds something. A quoted URN
// followed by a colon can only be a name in body: inside a string, its closing quote would be escaped.
func (v *view) schemas(dst, body []byte) []byte {
	dst = append(dst, `"schemas":[`...)
	dst = appendString(dst, v.rt.Tree.Schema())
	for _, urn := range v.rt.Tree.Extensions() {
		if bytes.Contains(body, append(appendString(nil, urn), ':')) {
			dst = appendString(append(dst, ','), urn)
		}
	}
	return append(dst, ']')
}

// references appends members or groups, each with the sub-attributes that are shown.
func (v *view) references(dst []byte, related iter.Seq2[store.Ref, error]) ([]byte, error) {
	shows := func(sub string) bool {
		a := v.refsAttribute.Lookup(sub)
		return a != nil && v.project.shows(a)
	}
	value, ref, kind, display := shows("value"), shows("$ref"), shows("type"), shows("display")
	target := appendString(nil, v.base+v.refs.endpoint+"/")
	target = target[:len(target)-1]
	ending := appendString([]byte(`"type":`), v.refs.kind)

	if !value && !ref && !kind && !display {
		return dst, nil
	}
	start := len(dst)
	dst = append(append(append(dst, `,"`...), v.refs.attribute...), `":[`...)
	empty := len(dst)
	for r, err := range related {
		if err != nil {
			return dst[:start], fmt.Errorf("reading %s: %w", v.refs.attribute, err)
		}
		if len(dst) > empty {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		if value {
			dst = append(appendString(append(dst, `"value":`...), r.ID), ',')
		}
		if ref {
			dst = append(appendEscaped(append(append(dst, `"$ref":`...), target...), r.ID), `",`...)
		}
		if display && r.Display != "" {
			dst = append(appendString(append(dst, `"display":`...), r.Display), ',')
		}
		if kind {
			dst = append(append(dst, ending...), ',')
		}
		if dst[len(dst)-1] == ',' {
			dst = dst[:len(dst)-1]
		}
		dst = append(dst, '}')
	}
	if len(dst) == empty && !v.refs.always {
		return dst[:start], nil
	}
	return append(dst, ']'), nil
}

// metadata appends meta (RFC 7643 section 3.1). There is no version: ETags are not supported yet.
func (v *view) metadata(dst []byte, doc store.Doc) []byte {
	start := len(dst)
	dst = append(dst, `,"meta":{`...)
	fields := []struct {
		name   string
		append func([]byte) []byte
	}{
		{"resourceType", func(b []byte) []byte { return appendString(b, v.rt.Name) }},
		{"created", func(b []byte) []byte { return appendTime(b, doc.Created) }},
		{"lastModified", func(b []byte) []byte { return appendTime(b, doc.Modified) }},
		{"location", func(b []byte) []byte { return appendString(b, v.location(doc.ID)) }},
	}
	for _, f := range fields {
		if !v.project.shows(v.meta.Lookup(f.name)) {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = f.append(append(appendString(dst, f.name), ':'))
	}
	if dst[len(dst)-1] == '{' {
		return dst[:start]
	}
	return append(dst, '}')
}

// appendTime appends Unix milliseconds as an RFC 3339 time in UTC (RFC 7643 section 2.3.5).
func appendTime(dst []byte, ms int64) []byte {
	return time.UnixMilli(ms).UTC().AppendFormat(dst, `"2006-01-02T15:04:05.000Z"`)
}

// appendEscaped appends an id as a segment of a URL.
func appendEscaped(dst []byte, id string) []byte {
	for _, c := range []byte(id) {
		if !isAlphanumeric(c) && c != '-' {
			return append(dst, url.PathEscape(id)...)
		}
	}
	return append(dst, id...)
}

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	for _, c := range []byte(s) {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendQuoted(dst, s)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

func appendQuoted(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Errorf("encoding a string: %w", err)) // a string always has a JSON form
	}
	return append(dst, quoted...)
}
