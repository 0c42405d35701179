package store

import (
	"fmt"
	"slices"
	"time"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// match is a filter with what it must be given: a row's document lacks what is added when it is rendered, and that is
// looked up only for a filter that reads it.
type match struct {
	dir     int64
	kind    Kind
	def     *attribute.Tree
	matcher *filter.Matcher

	attrs   []string // top-level keys of the document that the filter reads
	schemas bool     // reads schemas
	groups  bool     // reads a user's groups
	members bool     // reads a group's members
	// among restricts members to these ids (folded), nil: all. It is set when the filter asks of members only whether
	// certain ones are there, for which a large group need not be loaded.
	among []string
}

// newMatch compiles a filter. Errors are those of filter.Compile.
func newMatch(d *Directory, kind Kind, def *attribute.Tree, e *filter.Expr) (*match, error) {
	matcher, err := filter.Compile(def, e)
	if err != nil {
		return nil, err
	}
	m := &match{dir: d.dir, kind: kind, def: def, matcher: matcher}
	restricted := true
	m.reads(e, &restricted)
	if !restricted {
		m.among = nil
	}
	return m, nil
}

// reads notes what e reads.
func (m *match) reads(e *filter.Expr, restricted *bool) {
	switch e.Op {
	case filter.And, filter.Or:
		m.reads(e.Left, restricted)
		m.reads(e.Right, restricted)
		return
	case filter.Not:
		m.reads(e.Left, restricted)
		return
	}
	top, sub := e.Path.Resolve(m.def)
	switch {
	case top == nil: // nothing, or an extension as a whole
		if urn, ok := e.Path.Schema(); ok {
			urn, _ = m.def.Extension(urn)
			m.attrs = append(m.attrs, urn)
		}
	case top.Extension() != "":
		m.attrs = append(m.attrs, top.Extension())
	case top.Name == "id" || top.Name == "meta":
	case top.Name == "schemas":
		m.schemas = true
	case top.Name == "groups" && m.kind == User:
		m.groups = true
	case top.Name == "members" && m.kind == Group:
		m.members = true
		asked := membersAsked(top, sub, e)
		*restricted = *restricted && asked != nil
		m.among = append(m.among, asked...)
	default:
		m.attrs = append(m.attrs, top.Name)
	}
}

// membersAsked returns the ids (folded) outside of which members cannot change the truth of a term; nil when there is
// no such bound.
func membersAsked(members, sub *attribute.Attribute, e *filter.Expr) []string {
	id, isText := e.Value.(string)
	switch {
	case e.Op == filter.Eq && e.Path.Where == nil && isText && (sub == nil || sub.Name == "value"):
		return []string{filter.Fold(id)}
	case e.Op == filter.Has:
		return elementsAsked(members, e.Left)
	}
	return nil
}

// elementsAsked is membersAsked for a value filter: one of its and-ed terms must name the value.
func elementsAsked(members *attribute.Attribute, e *filter.Expr) []string {
	id, isText := e.Value.(string)
	switch {
	case e.Op == filter.And:
		return append(elementsAsked(members, e.Left), elementsAsked(members, e.Right)...)
	case e.Op == filter.Eq && isText && e.Path.Sub == "" && members.Lookup(e.Path.Name) == members.Lookup("value"):
		return []string{filter.Fold(id)}
	}
	return nil
}

// match says whether a row matches.
func (m *match) match(c *conn, d Doc) (bool, error) {
	res, err := m.read(d.JSON)
	if err != nil {
		return false, err
	}
	res["id"] = d.ID
	res["meta"] = map[string]any{"resourceType": d.Kind.String(), "created": timestamp(d.Created), "lastModified": timestamp(d.Modified)}
	var found []Ref
	switch {
	case m.groups && len(d.Refs) > 0:
		found, err = groups(c, m.dir, d.Seq)
	case m.members && m.among != nil:
		found, err = m.membersAmong(c, d.Seq)
	case m.members:
		found, err = members(c, m.dir, d.Seq)
	}
	if err != nil {
		return false, err
	}
	if len(found) > 0 {
		res[references(m.kind)] = elements(m.kind, found)
	}
	return m.matcher.Match(res), nil
}

// read decodes what the filter reads of a document.
func (m *match) read(doc []byte) (map[string]any, error) {
	res := map[string]any{}
	if m.schemas {
		res["schemas"] = []any{m.def.Schema()}
	}
	if m.attrs == nil && !m.schemas {
		return res, nil
	}
	for name, raw := range fields(doc) {
		if slices.Contains(m.attrs, name) {
			v, err := decode(raw)
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", name, err)
			}
			res[name] = v
		}
		if _, defined := m.def.Extension(name); m.schemas && (defined || m.def.Keeps(name)) {
			res["schemas"] = append(res["schemas"].([]any), name)
		}
	}
	return res, nil
}

// membersAmong returns those of m.among that are listed members of a group.
func (m *match) membersAmong(c *conn, group int64) ([]Ref, error) {
	var among []Ref
	for _, id := range m.among {
		users, err := idSeqs(c, m.dir, User, id, false)
		if err != nil {
			return nil, err
		}
		for _, user := range users {
			found, err := refs(c, "SELECT usr, id, display FROM member WHERE grp = ? AND usr = ?", group, user)
			if err != nil {
				return nil, err
			}
			among = append(among, found...)
		}
	}
	return among, nil
}

// elements renders references as filters read them (RFC 7643 §4.1.2 and §4.2). A user's group is direct: Cognito has
// no nested groups.
func elements(kind Kind, refs []Ref) []any {
	typ := "User"
	if kind == User {
		typ = "direct"
	}
	list := make([]any, len(refs))
	for i, r := range refs {
		list[i] = map[string]any{"value": r.ID, "display": r.Display, "type": typ}
	}
	return list
}

// timestamp renders a stored time as a dateTime (RFC 7643 §2.3.5).
func timestamp(at int64) string {
	return fromMS(at).Format(time.RFC3339Nano)
}
