package oracle_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// tolerated are the reasons for which we refuse what the oracle reads.
var tolerated = []struct {
	sentence string
	text     *regexp.Regexp
}{
	{`RFC 7643 §2.1: nameChar = "$" / "-" / "_" / DIGIT / ALPHA: no "%"`, regexp.MustCompile(`\w%|%\w`)},
	{`RFC 7643 §2.1: ATTRNAME = ALPHA *(nameChar): a letter at the beginning`, regexp.MustCompile(`(^|[ (\[]|User:|name\.)[-\d]`)},
	{`RFC 7644 §3.4.2.2: attrPath has one subAttr at most`, regexp.MustCompile(`(^|[ (])\w+\.\w+\.\w+ `)},
	{`RFC 7643 §2.3.8: no sub-attribute is complex, so none has elements to choose from`, regexp.MustCompile(`\w\.\w+\[`)},
	{`RFC 7644 §3.4.2.2: a name comes after "." and after ":"`, regexp.MustCompile(`[.:][ .\[]`)},
	{`RFC 7644 §3.4.2.2: "not" comes before "("`, regexp.MustCompile(`(?i)(^|[ (])not +[^( ]`)},
	{`RFC 7644 §3.4.2.2: "and" or "or" comes between two expressions, also before "not"`, regexp.MustCompile(`(?i)["\])elr] *not *\(`)},
	{`RFC 8259 §7: these are the escapes`, regexp.MustCompile(`\\[^"\\/bfnrtu]`)},
}

// respelled are the reasons for which the oracle refuses what we read, or reads it otherwise; it reads the canonical form
// as we do.
var respelled = []lesson[*filter.Expr]{
	{
		sentence: `docs/divergences.md, 3.4.2.2: an unquoted word is a string (Entra ID)`,
		teach:    func(e *filter.Expr) *filter.Expr { return e }, // canonical form quotes it
	},
	{
		sentence: `RFC 7644 §3.4.2.2: "URI" is that of RFC 3986, in which "," and "'" may stand`,
		teach: func(e *filter.Expr) *filter.Expr {
			return rewritten(e, func(e filter.Expr) *filter.Expr {
				e.Path.URN = strings.Trim(strings.NewReplacer(",", "", "'", "", "$", "").Replace(e.Path.URN), ".")
				return &e
			})
		},
	},
}

// TestRefuseAsOthersDo spoils 5,000 filters and compares who reads them still, and as what.
func TestRefuseAsOthersDo(t *testing.T) {
	t.Parallel()
	const cases = 5000
	o, seed := newOracle(t), seedOf(t)
	r := rand.New(rand.NewPCG(seed, 0))
	both, seen := 0, map[string]int{}
	for i := range cases {
		text := spoiled(r, spell(plainFilter(r, 2), r.Uint64()))
		ours, err := filter.Parse(text)
		a := o.ask(map[string]any{"parse": text})
		switch {
		case err != nil && a.Refused != "":
			both++
		case err != nil:
			reason := ""
			for _, r := range tolerated {
				if r.text.MatchString(text) {
					reason = r.sentence
				}
			}
			if seen[reason]++; reason == "" {
				t.Errorf("seed %d, case %d: %s: refused: %v; the oracle reads it as %s", seed, i, text, err, indented(a.Tree))
			}
		case a.Refused == "" && cmp.Equal(flat(ourShape(ours)), flat(theirShape(a.Tree))):
		default:
			reason := respelling(o, ours)
			if seen[reason]++; reason == "" {
				t.Errorf("seed %d, case %d: %s: read as %s; the oracle says %s %s", seed, i, text, ours, indented(a.Tree), a.Refused)
			}
		}
	}
	t.Logf("spoiled filters: %d asked, %d refused by both, differences: %v", cases, both, seen)
	var reasons []string
	for _, r := range tolerated {
		reasons = append(reasons, r.sentence)
	}
	for _, r := range respelled {
		reasons = append(reasons, r.sentence)
	}
	for _, reason := range reasons {
		if seen[reason] == 0 && seed == usualSeed {
			t.Errorf("no difference has this reason, take it out: %s", reason)
		}
	}
	if both < cases/3 {
		t.Errorf("refused by both: got %d of %d, want a third at least, or the test says little", both, cases)
	}
}

// respelling returns why the oracle did not read a filter as we did: the first lesson after which it does.
func respelling(o *oracle, e *filter.Expr) string {
	for _, l := range parseLessons {
		e = l.teach(sentenceQ{e: e}).e
	}
	for _, l := range respelled {
		e = l.teach(e)
		if a := o.ask(map[string]any{"parse": e.String()}); a.Refused == "" && cmp.Equal(flat(ourShape(e)), flat(theirShape(a.Tree))) {
			return l.sentence
		}
	}
	return ""
}

func plainFilter(r *rand.Rand, depth int) *filter.Expr {
	if depth > 0 && r.IntN(2) == 0 {
		switch r.IntN(4) {
		case 0:
			return &filter.Expr{Op: filter.Not, Left: plainFilter(r, depth-1)}
		case 1:
			return &filter.Expr{Op: filter.Has, Path: filter.Path{Name: "emails"}, Left: &filter.Expr{Op: filter.Eq, Path: filter.Path{Name: "type"}, Value: "work"}}
		}
		return &filter.Expr{Op: pick(r, filter.And, filter.Or), Left: plainFilter(r, depth-1), Right: plainFilter(r, depth-1)}
	}
	return pick(r,
		&filter.Expr{Op: filter.Present, Path: filter.Path{Name: "title"}},
		&filter.Expr{Op: filter.Sw, Path: filter.Path{Name: "name", Sub: "givenName"}, Value: "a b"},
		&filter.Expr{Op: filter.Eq, Path: filter.Path{Name: "active"}, Value: true},
		&filter.Expr{Op: filter.Ne, Path: filter.Path{URN: "urn:x:2.0:User", Name: "age"}, Value: nil},
	)
}

// spoiled changes a text in one place, so that it mostly is no filter any more.
func spoiled(r *rand.Rand, text string) string {
	words := strings.SplitAfter(text, " ")
	i := r.IntN(len(words))
	switch r.IntN(5) {
	case 0:
		return strings.Join(append(words[:i:i], words[i+1:]...), "")
	case 1:
		return strings.Join(append(words[:i+1:i+1], words[i:]...), "")
	case 2:
		at := r.IntN(len(text))
		return text[:at] + text[at+1:]
	case 3:
		return text[:r.IntN(len(text))]
	}
	at := r.IntN(len(text))
	return text[:at] + pick(r, " ", `"`, "(", ")", "[", "]", ".", ":", "\\", "-", "1", "é", "'", ",", "$", "\t", "%") + text[at:]
}
