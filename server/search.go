package server

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

// searchPath is what RFC 7644 section 3.4.3 appends to an endpoint, or to the base URL: a query by POST keeps filters out
// of URLs, and so out of other people's logs.
const searchPath = "/.search"

// searchQuery reads a SearchRequest into the parameters of a GET.
func searchQuery(w http.ResponseWriter, r *http.Request, limit int64) (map[string]string, error) {
	body, err := decodeBody(w, r, limit)
	if err != nil {
		return nil, err
	}
	object, ok := body.(map[string]any)
	if !ok {
		return nil, invalidSyntax("The request body must be a SearchRequest object (RFC 7644 section 3.4.3).")
	}
	query := map[string]string{}
	for key, v := range object {
		name, ok := parameter(key)
		if !ok || v == nil {
			continue
		}
		if query[name], err = searchValue(name, v); err != nil {
			return nil, err
		}
	}
	return query, nil
}

// parameter returns the name of a query parameter that key spells in any case.
func parameter(key string) (string, bool) {
	for _, name := range parameters {
		if strings.EqualFold(name, key) {
			return name, true
		}
	}
	return "", false
}

func searchValue(name string, v any) (string, error) {
	list, ok := v.([]any)
	switch {
	case name == "attributes" || name == "excludedAttributes":
		names := make([]string, len(list))
		for i, e := range list {
			s, isText := e.(string)
			if ok = ok && isText && !strings.Contains(s, ","); !ok {
				break
			}
			names[i] = s
		}
		if !ok {
			return "", invalidValue("%s must be a list of attribute names.", name)
		}
		return strings.Join(names, ","), nil
	case name == "startIndex" || name == "count":
		return fmt.Sprint(v), nil // a number, or what listQuery refuses
	default:
		s, ok := v.(string)
		if !ok {
			return "", invalidValue("%s must be a string.", name)
		}
		return s, nil
	}
}

// searchAll is RFC 7644 section 3.4.3 at the root: over all resource types.
func (s *Server) searchAll(w http.ResponseWriter, r *http.Request) error {
	query, err := searchQuery(w, r, s.limits.Body)
	if err != nil {
		return err
	}
	return s.answerList(w, r, query, s.users(), s.groups())
}

// part is what a list holds of one resource type.
type part struct {
	*endpoint
	view  *view
	query store.Query
	store.Page
}

func (p *part) read(r *http.Request) (err error) {
	p.Page, err = connection(r.Context()).List(r.Context(), p.query)
	return err
}

// parts prepares a query over one resource type, or several one after another. Of several there is no common order: an
// attribute of one may not be the other's.
func (s *Server) parts(r *http.Request, query map[string]string, q store.Query, endpoints []*endpoint) ([]*part, error) {
	if len(endpoints) > 1 && query["sortBy"] != "" {
		return nil, invalidValue("sortBy needs one resource type: send the request to %s%s or %s%s.", endpoints[0].rt.Endpoint, searchPath, endpoints[1].rt.Endpoint, searchPath)
	}
	var parts []*part
	for _, e := range endpoints {
		p := &part{endpoint: e, query: q}
		var err error
		if p.view, err = e.viewOf(r, query); err != nil {
			return nil, err
		}
		p.query.Kind = e.kind
		if connection(r.Context()).Strict() {
			if err = filter.CheckStrict(e.rt.Tree, q.Where); err != nil {
				return nil, err
			}
		}
		if p.query.Sort, p.query.Desc, err = sorting(query, e.rt.Tree); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// answerList writes the ListResponse to a query over one resource type, or several one after another: by index unless
// there is a cursor.
func (s *Server) answerList(w http.ResponseWriter, r *http.Request, query map[string]string, endpoints ...*endpoint) error {
	q, err := s.listQuery(query, connection(r.Context()).Strict())
	if err != nil {
		return err
	}
	parts, err := s.parts(r, query, q, endpoints)
	if err != nil {
		return err
	}
	if _, byCursor := query["cursor"]; !byCursor {
		if err := readPage(r, q.Start, q.Count, parts); err != nil {
			return err
		}
		return sendParts(w, r, parts, fmt.Sprintf(`"startIndex":%d,`, q.Start))
	}
	next, err := s.turnPage(r, query, q.Count, parts)
	if err != nil {
		return err
	}
	if next != "" {
		next = fmt.Sprintf(`"nextCursor":"%s",`, next)
	}
	return sendParts(w, r, parts, next)
}

// readPage reads a page by index (RFC 7644 section 3.4.2.4).
func readPage(r *http.Request, start, count int, parts []*part) error {
	total := 0
	for _, p := range parts {
		p.query.Start, p.query.Count = max(start-total, 1), count
		if err := p.read(r); err != nil {
			return err
		}
		count -= p.Len
		total += p.Total
	}
	return nil
}

// sendParts writes a ListResponse; place says in JSON where in the whole it stands. itemsPerPage comes after Resources,
// when their number is known.
func sendParts(w http.ResponseWriter, r *http.Request, parts []*part, place string) error {
	a := newAnswer(w, http.StatusOK)
	defer a.release()
	total := 0
	for _, p := range parts {
		total += p.Total
	}
	a.buf = fmt.Appendf(a.buf, `{"schemas":["%s"],"totalResults":%d,%s"Resources":[`, listURN, total, place)
	n := 0
	for _, p := range parts {
		for doc, err := range p.Docs {
			if err != nil {
				return fmt.Errorf("listing: %w", err)
			}
			if n++; n > 1 {
				a.buf = append(a.buf, ',')
			}
			if a.buf, err = p.append(r.Context(), a.buf, p.view, doc); err != nil {
				return err
			}
			if err := a.spillOver(); err != nil {
				return err
			}
		}
	}
	a.buf = fmt.Appendf(a.buf, `],"itemsPerPage":%d}`, n)
	return a.finish()
}
