package filter_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// randomExpr makes any tree that Parse can return, of at most depth levels.
func randomExpr(r *rand.Rand, depth int, bracket bool) *filter.Expr {
	if depth > 0 {
		switch r.IntN(6) {
		case 0, 1:
			return &filter.Expr{Op: pick(r, filter.And, filter.Or), Left: randomExpr(r, depth-1, bracket), Right: randomExpr(r, depth-1, bracket)}
		case 2:
			return &filter.Expr{Op: filter.Not, Left: randomExpr(r, depth-1, bracket)}
		case 3:
			if !bracket {
				return &filter.Expr{Op: filter.Has, Path: filter.Path{Name: "emails"}, Left: randomExpr(r, depth-1, true)}
			}
		}
	}
	e := &filter.Expr{
		Op:   pick(r, filter.Present, filter.Eq, filter.Ne, filter.Co, filter.Sw, filter.Ew, filter.Gt, filter.Ge, filter.Lt, filter.Le),
		Path: filter.Path{URN: pick(r, "", "", "urn:x:2.0:User"), Name: pick(r, "userName", "not", "and", "pr", "$ref", "a-b_1")},
	}
	if e.Path.Sub = pick(r, "", "value", "or"); e.Path.Sub != "" && depth > 0 && !bracket {
		e.Path.Where = randomExpr(r, depth-1, true)
	}
	if e.Op != filter.Present {
		e.Value = pick[any](r, nil, true, false, json.Number("-1.5e3"), "", "null", "a b", `"\`, "é\n\x00\U0001F600", "[(]")
	}
	return e
}

func TestParseOfString(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		want := randomExpr(r, 5, false)
		text := want.String()
		got, err := filter.Parse(text)
		if err != nil {
			t.Fatalf("Parse(%s): %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("Parse(%s) (-want +got):\n%s", text, diff)
		}
	}
}

// Fold must agree with the standard library's comparison on every rune, or the store's index and Match differ.
func TestFoldIsEqualFold(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r >= 0xD800 && r < 0xE000 {
			continue // surrogates are no runes
		}
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			if got, want := filter.Fold(string(f)), filter.Fold(string(r)); got != want {
				t.Errorf("Fold(%q): got %q, want %q as for %q", f, got, want, r)
			}
		}
		if folded := filter.Fold(string(r)); !strings.EqualFold(folded, string(r)) {
			t.Errorf("Fold(%q): got %q, which strings.EqualFold tells from it", r, folded)
		}
	}
	for in, want := range map[string]string{"": "", "abc": "abc", "ABC é": "abc É", "\u212A": "k", "\u017F": "s", "İ": "İ"} {
		if got := filter.Fold(in); got != want {
			t.Errorf("Fold(%q): got %q, want %q", in, got, want)
		}
	}
}

func TestInstant(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"2011-05-13T04:42:34Z":          "2011-05-13T04:42:34Z",
		"2011-05-13T04:42:34.25Z":       "2011-05-13T04:42:34.25Z",
		"2011-05-13T04:42:34.25+02:00":  "2011-05-13T02:42:34.25Z",
		"2011-05-13t04:42:34z":          "2011-05-13T04:42:34Z",
		"2011-05-13T04:42:34":           "2011-05-13T04:42:34Z",
		"2011-05-13T04:42:34.123456789": "2011-05-13T04:42:34.123456789Z",
		"2011-05-13":                    "",
		"2011-02-30T00:00:00Z":          "",
		"":                              "",
	} {
		got, err := filter.Instant(in)
		if err != nil {
			if want != "" {
				t.Errorf("Instant(%q): %v", in, err)
			}
			continue
		}
		if text := got.UTC().Format("2006-01-02T15:04:05.999999999Z07:00"); text != want {
			t.Errorf("Instant(%q): got %s, want %q", in, text, want)
		}
	}
}
