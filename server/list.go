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

// ours reports whether a query parameter is one of RFC 7644 section 3.4.2 that means something here. Sorting is not
// supported, which ServiceProviderConfig says, and then sortBy and sortOrder are ignored.
func ours(parameter string) bool { return slices.Contains(parameters, parameter) }

var parameters = []string{"filter", "startIndex", "count", "attributes", "excludedAttributes"}

// listQuery makes the store's query from filter, startIndex and count (RFC 7644 section 3.4.2.4: 1-based; less than 1
// means 1, a negative count means 0, and 0 asks for the total alone). A number out of range is as large as can be.
func (s *Server) listQuery(query map[string]string) (store.Query, error) {
	q := store.Query{Start: 1, Count: s.limits.PageDefault}
	var err error
	if raw, ok := query["startIndex"]; ok {
		if q.Start, err = integer("startIndex", raw); err != nil {
			return q, err
		}
		q.Start = max(q.Start, 1)
	}
	if raw, ok := query["count"]; ok {
		if q.Count, err = integer("count", raw); err != nil {
			return q, err
		}
		q.Count = min(max(q.Count, 0), s.limits.PageMax)
	}
	if raw, ok := query["filter"]; ok {
		if q.Where, err = filter.Parse(raw); err != nil {
			return q, err
		}
	}
	return q, nil
}

func integer(parameter, raw string) (int, error) {
	n, err := strconv.ParseInt(raw, 10, 32)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // out of range, n is the nearest number within
		return 0, invalidValue("The query parameter %s must be an integer, not %.40q.", parameter, raw)
	}
	return int(n), nil
}

func invalidValue(format string, args ...any) error {
	return scim.ScimError{Status: http.StatusBadRequest, ScimType: scim.ScimTypeInvalidValue, Detail: fmt.Sprintf(format, args...)}
}
