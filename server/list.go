package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

// parseQuery splits a query string. Unlike url.ParseQuery it takes a semicolon for what RFC 3986 says it is, a character
// like others: it may stand in a filter. A parameter that is not ours, such as Entra ID's aadOptscim062020, is nobody's
// business; one of ours may stand there once.
func parseQuery(raw string) (map[string]string, error) {
	query := map[string]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(key)
		if err != nil || !ours(key) {
			continue
		}
		if _, twice := query[key]; twice {
			return nil, invalidValue("The query parameter %s is given twice.", key)
		}
		if query[key], err = url.QueryUnescape(value); err != nil {
			return nil, invalidValue("The query parameter %s is not percent-encoded properly.", key)
		}
	}
	return query, nil
}

// ours reports whether a query parameter is one of RFC 7644 section 3.4.2 or RFC 9865 section 2.
func ours(parameter string) bool { return slices.Contains(parameters, parameter) }

var parameters = []string{"filter", "startIndex", "count", "attributes", "excludedAttributes", "sortBy", "sortOrder", "cursor"}

// listQuery makes the store's query from filter, startIndex and count (RFC 7644 section 3.4.2.4: 1-based; less than 1
// means 1, a negative count means 0, and 0 asks for the total alone; RFC 9865 section 2 says the same of count). A number
// out of range is as large as can be. startIndex and cursor ask for two methods of paging: only one can be meant.
func (s *Server) listQuery(query map[string]string, strict bool) (store.Query, error) {
	q := store.Query{Start: 1, Count: s.limits.PageDefault}
	_, byCursor := query["cursor"]
	var err error
	if raw, ok := query["startIndex"]; ok {
		if byCursor {
			return q, invalidValue("The query parameters startIndex and cursor exclude each other (RFC 9865 section 2.3).")
		}
		if q.Start, err = integer("startIndex", raw); err != nil {
			return q, err
		}
		q.Start = max(q.Start, 1)
	}
	if raw, ok := query["count"]; ok {
		if q.Count, err = integer("count", raw); err != nil && byCursor {
			return q, refusedPage(invalidCount, "The query parameter count must be an integer, not %.40q.", raw)
		} else if err != nil {
			return q, err
		}
		q.Count = min(max(q.Count, 0), s.limits.PageMax)
	}
	if raw, ok := query["filter"]; ok {
		parse := filter.Parse
		if strict {
			parse = filter.ParseStrict
		}
		if q.Where, err = parse(raw); err != nil {
			return q, err
		}
	}
	return q, nil
}

// sorting reads sortBy and sortOrder (RFC 7644 section 3.4.2.3) for resources of one type. The path is nil when they are
// to stay in the order of their creation: without sortBy, and by an attribute that the type does not have, for nobody has a
// value of it, as filters see it, too (section 3.4.2.1). What the order of would tell a client more than it may read is
// refused.
func sorting(query map[string]string, tree *attribute.Tree) (by *filter.Path, descending bool, err error) {
	switch order := query["sortOrder"]; {
	case strings.EqualFold(order, "descending"):
		descending = true
	case order != "" && !strings.EqualFold(order, "ascending"):
		return nil, false, invalidValue("The query parameter sortOrder must be ascending or descending, not %.40q.", order)
	}
	raw := query["sortBy"]
	if raw == "" {
		return nil, false, nil
	}
	if by, err = filter.ParsePath(raw); err != nil || by.Where != nil {
		return nil, false, invalidValue("The query parameter sortBy holds %.64q, which is not the name of an attribute; write attribute, attribute.subAttribute or URN:attribute.", raw)
	}
	top, sub := by.Resolve(tree)
	if top == nil {
		return nil, false, nil
	}
	if sub == nil {
		sub = top.Lookup("value") // of emails, the addresses
	}
	for _, a := range []*attribute.Attribute{top, sub} {
		if a != nil && a.Returned == attribute.Never {
			return nil, false, invalidValue("The query parameter sortBy names %s, which is never returned, so nothing is sorted by it.", a.Path())
		}
	}
	if sub == nil && top.Type == attribute.Complex {
		return nil, false, invalidValue("The query parameter sortBy names %s, which is complex: name a sub-attribute, such as %s.", top.Path(), top.Sub[0].Path())
	}
	return by, descending, nil
}

func integer(parameter, raw string) (int, error) {
	n, err := strconv.ParseInt(raw, 10, 32)
	tooFar := errors.Is(err, strconv.ErrRange) && strings.Trim(raw[1:], "0123456789") == "" // n is the nearest number within
	if err != nil && !tooFar {
		return 0, invalidValue("The query parameter %s must be an integer, not %.40q.", parameter, raw)
	}
	return int(n), nil
}

func invalidValue(format string, args ...any) error {
	return scim.ScimError{Status: http.StatusBadRequest, ScimType: scim.ScimTypeInvalidValue, Detail: fmt.Sprintf(format, args...)}
}
