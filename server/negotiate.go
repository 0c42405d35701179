package server

import (
	"net/http"
	"strings"

	scim "github.com/elimity-com/scim/errors"
)

// negotiate refuses who cannot read SCIM JSON (RFC 7644 section 3.8), before anything is done for them. No Accept header
// accepts everything; parameters, q among them, are ignored.
func (s *Server) negotiate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !acceptsJSON(r.Header.Values("Accept")) {
			s.fail(w, r, scim.ScimError{Status: http.StatusNotAcceptable,
				Detail: "Answers are application/scim+json, which the Accept header excludes."})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func acceptsJSON(accept []string) bool {
	blank := true
	for _, header := range accept {
		for entry := range strings.SplitSeq(header, ",") {
			switch essence(entry) {
			case "application/scim+json", "application/json", "application/*", "*/*":
				return true
			case "":
			default:
				blank = false
			}
		}
	}
	return blank
}

// checkContent refuses a body that is not plain JSON. A missing Content-Type is tolerated, parameters are ignored: the
// text has to be UTF-8 whatever they say (RFC 8259 section 8.1).
func checkContent(h http.Header) error {
	switch encoding := strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))); encoding {
	case "", "identity":
	default:
		return scim.ScimError{Status: http.StatusUnsupportedMediaType,
			Detail: "The request body must not be compressed: Content-Encoding is not supported here."}
	}
	switch essence(h.Get("Content-Type")) {
	case "application/scim+json", "application/json", "":
		return nil
	}
	return scim.ScimError{Status: http.StatusUnsupportedMediaType,
		Detail: "The Content-Type of a request body must be application/scim+json or application/json."}
}

// essence is a media type or range without its parameters.
func essence(value string) string {
	kind, _, _ := strings.Cut(value, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}
