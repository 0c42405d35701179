package server

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

// catalogue is a list of what values of a user's attribute grant: Okta Identity Governance reads it, people are assigned
// from it, and what they are assigned comes back as that attribute. It is there for connections with such grants only.
type catalogue struct {
	*Server
	rt        *schemas.ResourceType
	attribute string // of users
}

func (s *Server) catalogues() []*catalogue {
	return []*catalogue{{s, schemas.Roles, "roles"}, {s, schemas.Entitlements, "entitlements"}}
}

// items are the catalogue's resources as documents.
func (c *catalogue) items(r *http.Request) ([]store.Doc, error) {
	if !connection(r.Context()).Grants(c.attribute) {
		return nil, notFound("Nothing is configured to be listed here: grants of this connection name no " + c.attribute + ".")
	}
	granted, err := connection(r.Context()).Grantables(r.Context(), c.attribute)
	if err != nil {
		return nil, err
	}
	docs := make([]store.Doc, len(granted))
	for i, g := range granted {
		docs[i] = store.Doc{ID: g.ID, JSON: c.document(g).JSON()}
	}
	return docs, nil
}

func (c *catalogue) document(g bridge.Grantable) schemas.Resource {
	item := schemas.Resource{"displayName": g.Display}
	if g.Description != "" {
		item["description"] = g.Description
	}
	if c.rt.Tree.Lookup("", "type") != nil {
		item["type"] = c.rt.Name
	}
	return item
}

// view renders items: they have no times and no version.
func (c *catalogue) view(r *http.Request, query map[string]string) (*view, error) {
	project, err := newProjection(c.rt.Tree, query)
	if err != nil {
		return nil, err
	}
	v := newView(c.rt, references{}, project, c.origin.of(r))
	for _, name := range []string{"created", "lastModified", "version"} {
		delete(v.metaOf, name)
	}
	return v, nil
}

// list is RFC 7644 section 3.4.2, by index: the list is short.
func (c *catalogue) list(w http.ResponseWriter, r *http.Request) error {
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	q, err := c.listQuery(query, connection(r.Context()).Strict())
	if err != nil {
		return err
	}
	v, err := c.view(r, query)
	if err != nil {
		return err
	}
	docs, err := c.items(r)
	if err == nil && q.Where != nil {
		docs, err = c.matching(docs, q.Where)
	}
	if err != nil {
		return err
	}
	total := len(docs)
	docs = docs[min(q.Start-1, total):]
	docs = docs[:min(q.Count, len(docs))]
	a := newAnswer(w, http.StatusOK)
	defer a.release()
	a.buf = fmt.Appendf(a.buf, `{"schemas":["%s"],"totalResults":%d,"startIndex":%d,"itemsPerPage":%d,"Resources":[`, listURN, total, q.Start, len(docs))
	for i, doc := range docs {
		if i > 0 {
			a.buf = append(a.buf, ',')
		}
		if a.buf, err = v.resource(a.buf, doc, nil); err != nil {
			return err
		}
	}
	a.buf = append(a.buf, "]}"...)
	return a.finish()
}

func (c *catalogue) matching(docs []store.Doc, where *filter.Expr) ([]store.Doc, error) {
	m, err := filter.Compile(c.rt.Tree, where)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(docs, func(doc store.Doc) bool {
		item, _ := schemas.ParseJSON(doc.JSON)
		item["id"] = doc.ID
		return !m.Match(item)
	}), nil
}

// get is RFC 7644 section 3.4.1.
func (c *catalogue) get(w http.ResponseWriter, r *http.Request) error {
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	v, err := c.view(r, query)
	if err != nil {
		return err
	}
	docs, err := c.items(r)
	if err != nil {
		return err
	}
	id := pathID(r)
	for _, doc := range docs {
		if doc.ID == id {
			a := newAnswer(w, http.StatusOK)
			defer a.release()
			if a.buf, err = v.resource(a.buf, doc, nil); err != nil {
				return err
			}
			return a.finish()
		}
	}
	return notFound("There is no " + c.rt.Name + " of this id.")
}
