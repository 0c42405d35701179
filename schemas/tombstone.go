package schemas

import (
	"strings"
	"time"
)

// A tombstone is a user whom SCIM has deleted and the pool keeps. The pool knows it by the overflow, so that a mirror that
// is built anew knows it, too: instead of what has no attribute of its own, the overflow then holds keyDeleted, which is no
// SCIM attribute's name, and the externalId, by which the person is known again.
const keyDeleted = "deleted"

// Tombstone returns the overflow of a tombstone, all its parts: "" unsets one. at is the time of the deletion. An
// externalId that has no room is left out; nobody is known again by it.
func Tombstone(externalID string, at time.Time) map[string]string {
	rest := map[string]any{keyDeleted: at.UTC().Format(time.RFC3339)}
	if externalID != "" {
		rest["externalId"] = externalID
	}
	parts, _ := pack(rest)
	for _, name := range OverflowNames() {
		if _, ok := parts[name]; !ok {
			parts[name] = ""
		}
	}
	return parts
}

// TombstoneOf reports whether attributes, as the pool holds them, are those of a tombstone, and its externalId, "" when it
// has none.
func TombstoneOf(attributes map[string]string) (externalID string, ok bool) {
	if !strings.Contains(attributes[Overflow], keyDeleted) {
		return "", false
	}
	rest, _ := unpack(attributes)
	if _, ok = rest[keyDeleted].(string); !ok {
		return "", false
	}
	externalID, _ = rest["externalId"].(string)
	return externalID, true
}

// Marked reports whether attributes, as the pool holds them, carry our marker: SCIM has created the user, or adopted it.
func Marked(attributes map[string]string) bool { return attributes[Overflow] != "" }
