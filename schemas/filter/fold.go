package filter

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Fold maps texts that differ only in case to one text, by simple Unicode case folding: Fold(a) == Fold(b) exactly when
// strings.EqualFold(a, b), for valid UTF-8. ASCII letters become lower-case. Attributes that are not caseExact compare
// by it; the byte order of folded texts is the order of gt and lt, and of sorting.
func Fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return strings.Map(foldRune, s)
		}
	}
	return s
}

// foldRune returns the smallest rune of r's folding orbit, or its lower case when that is ASCII.
func foldRune(r rune) rune {
	if r >= utf8.RuneSelf {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			if f < r {
				r = f
			}
		}
	}
	if 'A' <= r && r <= 'Z' {
		r += 'a' - 'A'
	}
	return r
}

// Instant reads a dateTime (RFC 7643 §2.3.5): an xsd:dateTime such as "2011-05-13T04:42:34.5Z", with or without
// fraction. One without a zone is taken as UTC.
func Instant(s string) (time.Time, error) {
	upper := strings.ToUpper(s) // RFC 3339 §5.6 allows "t" and "z"
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, upper); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a dateTime such as 2011-05-13T04:42:34Z", s)
}
