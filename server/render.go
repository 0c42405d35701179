package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
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
	refs    references
	base    string // absolute URL of /scim/v2

	copied   bool            // documents are copied as they are
	keys     [][]byte        // the extensions' URNs as names in a document
	refsName []byte          // `,"members":[`
	refsOf   map[string]bool // the sub-attributes of references that are shown; nil: none at all
	refsType []byte          // `"type":"User"`
	target   []byte          // the beginning of every $ref, as JSON: `"https://…/Users/`
	metaOf   map[string]bool // the sub-attributes of meta that are shown; nil: none at all
	self     []byte          // the beginning of every location, as JSON
}

func newView(rt *schemas.ResourceType, refs references, project *projection, base string) *view {
	v := &view{rt: rt, project: project, refs: refs, base: base, copied: project.whole()}
	for _, urn := range rt.Tree.Extensions() {
		v.keys = append(v.keys, append(appendString(nil, urn), ':'))
	}
	v.refsOf = v.shown(rt.Tree.Lookup("", refs.attribute))
	v.metaOf = v.shown(rt.Tree.Lookup("", "meta"))
	v.refsName = append(appendString([]byte(","), refs.attribute), ":["...)
	v.refsType = appendString([]byte(`"type":`), refs.kind)
	v.target = openString(base + refs.endpoint + "/")
	v.self = openString(base + rt.Endpoint + "/")
	return v
}

// shown returns the sub-attributes of a that are shown; nil when there are none.
func (v *view) shown(a *attribute.Attribute) map[string]bool {
	if a == nil || !v.project.shows(a) {
		return nil
	}
	var names map[string]bool
	for _, sub := range a.Sub {
		if v.project.shows(sub) {
			if names == nil {
				names = map[string]bool{}
			}
			names[sub.Name] = true
		}
	}
	return names
}

// wantsReferences reports whether answers hold members or groups. If not, nobody has to look for them.
func (v *view) wantsReferences() bool { return v.refsOf != nil }

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
	dst, err := v.schemas(append(dst, '{'), body)
	if err != nil {
		return dst, err
	}
	dst = appendString(append(dst, `,"id":`...), doc.ID)
	if inner := body[1 : len(body)-1]; len(inner) > 0 {
		dst = append(append(dst, ','), inner...)
	}
	if v.wantsReferences() {
		if dst, err = v.references(dst, related); err != nil {
			return dst, err
		}
	}
	if v.metaOf != nil {
		dst = v.metadata(dst, doc)
	}
	return append(dst, '}'), nil
}

// schemas appends the schemas attribute: the core schema, and the extensions of which body holds something. A quoted URN
// followed by a colon can only be a name in body: inside a string, its closing quote would be escaped. Where extensions
// are kept that nobody has defined it may be a name within one of those: then the names of body itself count.
func (v *view) schemas(dst, body []byte) ([]byte, error) {
	dst = append(dst, `"schemas":[`...)
	dst = appendString(dst, v.rt.Tree.Schema())
	if !v.rt.Tree.IsOpen() {
		for _, key := range v.keys {
			if bytes.Contains(body, key) {
				dst = append(append(dst, ','), key[:len(key)-1]...)
			}
		}
		return append(dst, ']'), nil
	}
	attributes, err := members(body)
	if err != nil {
		return dst, err
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if _, defined := v.rt.Tree.Extension(name); defined || v.rt.Tree.Keeps(name) {
			dst = appendString(append(dst, ','), name)
		}
	}
	return append(dst, ']'), nil
}

// references appends members or groups, each with the sub-attributes that are shown.
func (v *view) references(dst []byte, related iter.Seq2[store.Ref, error]) ([]byte, error) {
	value, ref, display, kind := v.refsOf["value"], v.refsOf["$ref"], v.refsOf["display"], v.refsOf["type"]
	start := len(dst)
	dst = append(dst, v.refsName...)
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
			dst = append(appendURL(append(dst, `"$ref":`...), v.target, r.ID), ',')
		}
		if display && r.Display != "" {
			dst = append(appendString(append(dst, `"display":`...), r.Display), ',')
		}
		if kind {
			dst = append(append(dst, v.refsType...), ',')
		}
		dst = append(bytes.TrimSuffix(dst, comma), '}')
	}
	if len(dst) == empty && !v.refs.always {
		return dst[:start], nil
	}
	return append(dst, ']'), nil
}

var comma = []byte(",")

// metadata appends meta (RFC 7643 section 3.1).
func (v *view) metadata(dst []byte, doc store.Doc) []byte {
	start := len(dst)
	dst = append(dst, `,"meta":{`...)
	empty := len(dst)
	if v.metaOf["resourceType"] {
		dst = append(appendString(append(dst, `"resourceType":`...), v.rt.Name), ',')
	}
	if v.metaOf["created"] {
		dst = append(appendTime(append(dst, `"created":`...), doc.Created), ',')
	}
	if v.metaOf["lastModified"] {
		dst = append(appendTime(append(dst, `"lastModified":`...), doc.Modified), ',')
	}
	if v.metaOf["location"] {
		dst = append(appendURL(append(dst, `"location":`...), v.self, doc.ID), ',')
	}
	if v.metaOf["version"] {
		dst = append(appendString(append(dst, `"version":`...), version(doc)), ',')
	}
	if len(dst) == empty {
		return dst[:start]
	}
	return append(bytes.TrimSuffix(dst, comma), '}')
}

// appendTime appends Unix milliseconds as an RFC 3339 time in UTC (RFC 7643 section 2.3.5).
func appendTime(dst []byte, ms int64) []byte {
	return time.UnixMilli(ms).UTC().AppendFormat(dst, `"2006-01-02T15:04:05.000Z"`)
}

// openString returns the JSON string of s without its closing quote.
func openString(s string) []byte {
	quoted := appendString(nil, s)
	return quoted[:len(quoted)-1]
}

// appendURL appends, as a JSON string, the URL that an opened string and an id as its last segment make.
func appendURL(dst, opened []byte, id string) []byte {
	dst = append(dst, opened...)
	for _, c := range []byte(id) {
		if !isAlphanumeric(c) && c != '-' {
			return append(append(dst, url.PathEscape(id)...), '"')
		}
	}
	return append(append(dst, id...), '"')
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
