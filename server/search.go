package server

import (
	"fmt"
	"net/http"
	"strings"

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
	case name == "filter":
		s, ok := v.(string)
		if !ok {
			return "", invalidValue("filter must be a string.")
		}
		return s, nil
	default:
		return fmt.Sprint(v), nil // a number, or what listQuery refuses
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

// answerList writes the ListResponse to a query over one resource type, or several one after another. itemsPerPage comes
// after Resources, when their number is known.
func (s *Server) answerList(w http.ResponseWriter, r *http.Request, query map[string]string, endpoints ...*endpoint) error {
	q, err := s.listQuery(query)
	if err != nil {
		return err
	}
	parts := make([]part, len(endpoints))
	total, left := 0, q.Count
	for i, e := range endpoints {
		if parts[i].view, err = e.viewOf(r, query); err != nil {
			return err
		}
		own := q
		own.Kind, own.Start, own.Count = e.kind, max(q.Start-total, 1), left
		if parts[i].Page, err = connection(r.Context()).List(r.Context(), own); err != nil {
			return err
		}
		parts[i].endpoint = e
		left -= max(min(left, parts[i].Total-own.Start+1), 0)
		total += parts[i].Total
	}
	return sendParts(w, r, q.Start, total, parts)
}

// part is the page of one resource type.
type part struct {
	store.Page
	*endpoint
	view *view
}

func sendParts(w http.ResponseWriter, r *http.Request, start, total int, parts []part) error {
	a := newAnswer(w, http.StatusOK)
	defer a.release()
	a.buf = fmt.Appendf(a.buf, `{"schemas":["%s"],"totalResults":%d,"startIndex":%d,"Resources":[`, listURN, total, start)
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
