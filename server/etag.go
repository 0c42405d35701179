package server

import (
	"net/http"
	"strconv"
	"strings"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/store"
)

// version is a document's entity tag (RFC 7644 section 3.14), as the header and meta.version hold it. It is weak: it
// changes with the attributes and with the set of references, but not with how a reference is displayed.
func version(doc store.Doc) string {
	return string(appendVersion(nil, doc))
}

func appendVersion(dst []byte, doc store.Doc) []byte {
	return append(strconv.AppendUint(append(dst, `W/"`...), doc.Version, 16), '"')
}

// precondition returns what If-Match and If-None-Match demand of a resource before it is changed; nil for nothing.
func precondition(r *http.Request) func(store.Doc) error {
	match, none := r.Header.Values("If-Match"), r.Header.Values("If-None-Match")
	if len(match) == 0 && len(none) == 0 {
		return nil
	}
	return func(doc store.Doc) error {
		if len(match) > 0 && !names(match, doc) || len(none) > 0 && names(none, doc) {
			return scim.ScimError{Status: http.StatusPreconditionFailed,
				Detail: "The resource has another version than the request expects: it is " + version(doc) + ". Read it again."}
		}
		return nil
	}
}

// unchanged reports whether a reader has the document already (RFC 9110 section 13.1.2).
func unchanged(r *http.Request, doc store.Doc) bool {
	return names(r.Header.Values("If-None-Match"), doc)
}

// names reports whether a list of entity tags names the document's version, or is *. Tags are compared weakly, as RFC
// 7644 section 3.14 demands by its examples: whether one is marked weak makes no difference.
func names(lists []string, doc store.Doc) bool {
	opaque := strings.TrimPrefix(version(doc), "W/")
	for _, list := range lists {
		for tag := range strings.SplitSeq(list, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" || strings.TrimPrefix(tag, "W/") == opaque {
				return true
			}
		}
	}
	return false
}
