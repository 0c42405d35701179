package filter_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	scim "github.com/elimity-com/scim/errors"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

func term(op filter.Op, name string, v any) *filter.Expr {
	return &filter.Expr{Op: op, Path: filter.Path{Name: name}, Value: v}
}

func join(op filter.Op, l, r *filter.Expr) *filter.Expr {
	return &filter.Expr{Op: op, Left: l, Right: r}
}

func TestParseTree(t *testing.T) {
	t.Parallel()
	a, b, c := term(filter.Present, "a", nil), term(filter.Present, "b", nil), term(filter.Present, "c", nil)
	work := term(filter.Eq, "type", "work")
	for _, test := range []struct {
		in   string
		want *filter.Expr
	}{
		{`userName eq "a@b.c"`, term(filter.Eq, "userName", "a@b.c")},
		{`a pr or b pr and c pr`, join(filter.Or, a, join(filter.And, b, c))},
		{`a pr and b pr or c pr`, join(filter.Or, join(filter.And, a, b), c)},
		{`a pr and b pr and c pr`, join(filter.And, join(filter.And, a, b), c)},
		{`a pr and (b pr and c pr)`, join(filter.And, a, join(filter.And, b, c))},
		{`(a pr or b pr) and c pr`, join(filter.And, join(filter.Or, a, b), c)},
		{`not (a pr) and b pr`, join(filter.And, &filter.Expr{Op: filter.Not, Left: a}, b)},
		{`not(a pr or b pr)`, &filter.Expr{Op: filter.Not, Left: join(filter.Or, a, b)}},
		{`emails[type eq "work"]`, &filter.Expr{Op: filter.Has, Path: filter.Path{Name: "emails"}, Left: work}},
		{`emails[type eq "work"].value eq "x"`, &filter.Expr{Op: filter.Eq, Path: filter.Path{Name: "emails", Sub: "value", Where: work}, Value: "x"}},
		{`emails[type eq "work"].value pr`, &filter.Expr{Op: filter.Present, Path: filter.Path{Name: "emails", Sub: "value", Where: work}}},
		{`urn:ietf:params:scim:schemas:core:2.0:User:name.familyName sw "J"`, &filter.Expr{
			Op: filter.Sw, Path: filter.Path{URN: "urn:ietf:params:scim:schemas:core:2.0:User", Name: "name", Sub: "familyName"}, Value: "J",
		}},
		{`urn:x:1.0:emails[type eq "work"]`, &filter.Expr{Op: filter.Has, Path: filter.Path{URN: "urn:x:1.0", Name: "emails"}, Left: work}},
	} {
		got, err := filter.Parse(test.in)
		if err != nil {
			t.Errorf("Parse(%s): %v", test.in, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Parse(%s) (-want +got):\n%s", test.in, diff)
		}
	}
}

// The examples of RFC 7644 §3.4.2.2, figure 2, and what identity providers send beyond the grammar, with the canonical
// text; "" where that is the text itself.
var accepted = []struct{ in, want string }{
	{`userName eq "bjensen"`, ""},
	{`name.familyName co "O'Malley"`, ""},
	{`userName sw "J"`, ""},
	{`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"`, ""},
	{`title pr`, ""},
	{`meta.lastModified gt "2011-05-13T04:42:34Z"`, ""},
	{`meta.lastModified ge "2011-05-13T04:42:34Z"`, ""},
	{`meta.lastModified lt "2011-05-13T04:42:34Z"`, ""},
	{`meta.lastModified le "2011-05-13T04:42:34Z"`, ""},
	{`title pr and userType eq "Employee"`, ""},
	{`title pr or userType eq "Intern"`, ""},
	{`schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`, ""},
	{`userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")`, ""},
	{`userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")`, ""},
	{`userType eq "Employee" and (emails.type eq "work")`, `userType eq "Employee" and emails.type eq "work"`},
	{`userType eq "Employee" and emails[type eq "work" and value co "@example.com"]`, ""},
	{`emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]`, ""},
	// Spaces, letter case, parentheses.
	{"  userName\t EQ   \"x\"  ", `userName eq "x"`},
	{`a PR AND (((b Pr)))`, `a pr and b pr`},
	{`NOT ( a pr )`, `not (a pr)`},
	{`not (not (a pr))`, ""},
	{`a eq"x"and(b pr)`, `a eq "x" and b pr`},
	{`emails [ type eq "work" ]`, `emails[type eq "work"]`},
	{`a pr or (b pr or c pr)`, ""},
	{`(a pr or b pr) or c pr`, `a pr or b pr or c pr`},
	// Keywords are attributes where an attribute must stand.
	{`not pr`, ""},
	{`and eq "x" and or pr`, ""},
	{`eq eq eq`, `eq eq "eq"`},
	{`$ref pr`, ""},
	{`x-y_z1 pr`, ""},
	// Values.
	{`active eq true`, ""},
	{`active eq FALSE`, `active eq false`},
	{`active eq "True"`, ""},
	{`x eq NULL`, `x eq null`},
	{`x eq -12.50e+3`, ""},
	{`x eq 0`, ""},
	{`x eq 12345678901234567890`, ""},
	{`x eq 007`, `x eq "007"`},
	{`x eq -`, `x eq "-"`},
	{`x eq 1.`, `x eq "1."`},
	{`x eq 1e`, `x eq "1e"`},
	{`x eq +1-555`, `x eq "+1-555"`},
	{`externalId eq jyoung`, `externalId eq "jyoung"`},
	{`(externalId eq jyoung)`, `externalId eq "jyoung"`},
	{`x eq a@b.c and y pr`, `x eq "a@b.c" and y pr`},
	{`x eq ""`, ""},
	{`x eq "a) or (b"`, ""},
	{`x eq "\"\\\/\b\f\n\r\t"`, `x eq "\"\\/\u0008\u000c\u000a\u000d\u0009"`},
	{`x eq "\u00e9\ud83d\ude00"`, `x eq "é😀"`},
	{`x eq "\ud83d"`, `x eq "` + "\uFFFD" + `"`},
	{`x eq "日本"`, ""},
	// Entra.
	{`emails[type eq "work"].value eq "x"`, ""},
	{`roles[primary eq "True"].value eq "x"`, ""},
	{`id eq "X" and manager eq "Y"`, ""},
	{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "26118915"`, ""},
	{`http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group:displayName pr`, ""},
}

func TestParseCanonical(t *testing.T) {
	t.Parallel()
	for _, test := range accepted {
		want := test.want
		if want == "" {
			want = test.in
		}
		e, err := filter.Parse(test.in)
		if err != nil {
			t.Errorf("Parse(%s): %v", test.in, err)
			continue
		}
		if got := e.String(); got != want {
			t.Errorf("Parse(%s).String(): got %s, want %s", test.in, got, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{``, `filter: at character 1: expected the name of an attribute, got the end`},
		{`   `, `filter: at character 4: expected the name of an attribute, got the end`},
		{`userName`, `filter: at character 9: expected one of eq, ne, co, sw, ew, gt, ge, lt, le, pr, got the end`},
		{`userName eq`, `filter: at character 12: expected a value: a text in double quotes, a number, true, false or null, got the end`},
		{`userName is "x"`, `filter: at character 10: expected one of eq, ne, co, sw, ew, gt, ge, lt, le, pr, got "is \"x\""`},
		{`userName eq "x`, `filter: at character 13: expected a double quote at the end of this text, got "\"x"`},
		{`userName eq "x\`, `filter: at character 13: expected a double quote at the end of this text, got "\"x\\"`},
		{`userName eq "\x"`, `filter: at character 13: expected a text with JSON escapes (\" \\ \/ \b \f \n \r \t \u0000), got "\"\\x\""`},
		{"x eq \"a\nb\"", `filter: at character 8: expected control characters as escapes, such as \n, got "\nb\""`},
		{`userName eq 'x'`, `filter: at character 13: expected a text in double quotes, got "'x'"`},
		{`é eq "x"`, `filter: at character 1: expected the name of an attribute, got "é eq \"x\""`},
		{`x eq "é" zz`, `filter: at character 10: expected and, or, or the end, got "zz"`},
		{`1x eq "x"`, `filter: at character 1: expected the name of an attribute, got "1x eq \"x\""`},
		{`name. eq "x"`, `filter: at character 6: expected the name of a sub-attribute, got " eq \"x\""`},
		{`a.b.c eq "x"`, `filter: at character 3: expected the name of a sub-attribute, got "b.c eq \"x\""`},
		{`:x eq "x"`, `filter: at character 1: expected the name of an attribute, got ":x eq \"x\""`},
		{`urn:x: eq "x"`, `filter: at character 1: expected the name of an attribute, got "urn:x: eq \"x\""`},
		{`a pr and`, `filter: at character 9: expected the name of an attribute, got the end`},
		{`a pr b pr`, `filter: at character 6: expected and, or, or the end, got "b pr"`},
		{`(a pr`, `filter: at character 6: expected and, or, or ')' for the '(' before, got the end`},
		{`a pr)`, `filter: at character 5: expected and, or, or the end, got ")"`},
		{`not a pr`, `filter: at character 5: expected one of eq, ne, co, sw, ew, gt, ge, lt, le, pr, got "a pr"`},
		{`emails[type eq "work"`, `filter: at character 22: expected and, or, or ']' for the '[' before, got the end`},
		{`emails[]`, `filter: at character 8: expected the name of an attribute, got "]"`},
		{`emails[a[b pr]]`, `filter: at character 9: expected one of eq, ne, co, sw, ew, gt, ge, lt, le, pr, got "[b pr]]"`},
		{`emails[a pr].`, `filter: at character 14: expected the name of a sub-attribute, got the end`},
		{`emails[a pr] pr`, `filter: at character 14: expected and, or, or the end, got "pr"`},
		{`emails.value[a pr]`, `filter: at character 13: expected one of eq, ne, co, sw, ew, gt, ge, lt, le, pr, got "[a pr]"`},
		{"x eq \"\uFFFD\xff\"", "filter: at character 8: expected UTF-8, got \"\uFFFD\\\"\""},
		{`x eq "` + strings.Repeat("y", 200), `filter: at character 6: expected a double quote at the end of this text, got "\"yyyyyyyyyyyyyyyyyyyyyyy"…`},
	} {
		e, err := filter.Parse(test.in)
		checkError(t, test.in, e, err, scim.ScimTypeInvalidFilter, test.want)
	}
}

func TestParsePath(t *testing.T) {
	t.Parallel()
	work := term(filter.Eq, "type", "work")
	for _, test := range []struct {
		in   string
		want filter.Path
	}{
		{`members`, filter.Path{Name: "members"}},
		{`name.familyName`, filter.Path{Name: "name", Sub: "familyName"}},
		{` addresses[type eq "work"] `, filter.Path{Name: "addresses", Where: work}},
		{`addresses[type eq "work"].streetAddress`, filter.Path{Name: "addresses", Where: work, Sub: "streetAddress"}},
		{
			`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName`,
			filter.Path{URN: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", Name: "manager", Sub: "displayName"},
		},
		{
			`urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work"].value`,
			filter.Path{URN: "urn:ietf:params:scim:schemas:core:2.0:User", Name: "emails", Where: work, Sub: "value"},
		},
		{
			`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`,
			filter.Path{URN: "urn:ietf:params:scim:schemas:extension:enterprise:2.0", Name: "User"},
		},
	} {
		got, err := filter.ParsePath(test.in)
		if err != nil {
			t.Errorf("ParsePath(%s): %v", test.in, err)
			continue
		}
		if diff := cmp.Diff(&test.want, got); diff != "" {
			t.Errorf("ParsePath(%s) (-want +got):\n%s", test.in, diff)
		}
		if s := got.String(); s != strings.TrimSpace(test.in) {
			t.Errorf("ParsePath(%s).String(): got %s", test.in, s)
		}
	}
}

func TestParsePathErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{``, `path: at character 1: expected the name of an attribute, got the end`},
		{`/emails`, `path: at character 1: expected the name of an attribute, got "/emails"`},
		{`emails value`, `path: at character 8: expected the end of the path, got "value"`},
		{`emails[type eq "work"]value`, `path: at character 23: expected the end of the path, got "value"`},
		{`emails[type eq "work"].value.x`, `path: at character 24: expected the name of a sub-attribute, got "value.x"`},
		{`emails[type eq "work"][x pr]`, `path: at character 23: expected the end of the path, got "[x pr]"`},
		{`emails[0]`, `path: at character 8: expected the name of an attribute, got "0]"`},
		{`urn:acme:ext:2.0`, `path: at character 1: expected the name of an attribute, got "urn:acme:ext:2.0"`},
		{`emails["x"]`, `path: at character 8: expected the name of an attribute, got "\"x\"]"`},
		{"a\xff", "path: at character 2: expected UTF-8, got \"\uFFFD\""},
	} {
		p, err := filter.ParsePath(test.in)
		checkError(t, test.in, p, err, scim.ScimTypeInvalidPath, test.want)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("(", n) + "a pr" + strings.Repeat(")", n) }
	negated := func(n int) string { return strings.Repeat("not (", n) + "a pr" + strings.Repeat(")", n) }
	chain := func(n int) string { return strings.TrimSuffix(strings.Repeat("a pr or ", n), " or ") }
	long := func(n int) string { return `a eq "` + strings.Repeat("x", n-len(`a eq ""`)) + `"` }
	for _, test := range []struct {
		name  string
		make  func(int) string
		limit int
	}{
		{"parentheses", nested, filter.MaxDepth},
		{"negations", negated, filter.MaxDepth},
		{"comparisons", chain, filter.MaxTerms},
		{"bytes", long, filter.MaxLength},
	} {
		if _, err := filter.Parse(test.make(test.limit)); err != nil {
			t.Errorf("%d %s: %v", test.limit, test.name, err)
		}
		e, err := filter.Parse(test.make(test.limit + 1))
		var refusal scim.ScimError
		if !errors.As(err, &refusal) || refusal.ScimType != scim.ScimTypeInvalidFilter || !strings.Contains(refusal.Detail, "expected at most") {
			t.Errorf("%d %s: got %v, %v, want invalidFilter that names the limit", test.limit+1, test.name, e, err)
		}
	}
	if _, err := filter.Parse(strings.Repeat("(", 1<<20)); err == nil {
		t.Error("a megabyte of parentheses: got no error")
	}
}

func checkError[T any](t *testing.T, in string, got *T, err error, kind scim.ScimType, detail string) {
	t.Helper()
	want := scim.ScimError{Status: 400, ScimType: kind, Detail: detail}
	var refusal scim.ScimError
	if !errors.As(err, &refusal) {
		t.Errorf("%s: got %v and error %v, want %v", in, got, err, want)
		return
	}
	if diff := cmp.Diff(want, refusal); diff != "" {
		t.Errorf("%s: error (-want +got):\n%s", in, diff)
	}
	if got != nil {
		t.Errorf("%s: got %v beside the error, want nil", in, got)
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		`a pr`: 1, `a eq 1 and not (b pr or c pr)`: 3, `emails[type eq "work" and primary eq true]`: 2, `emails[type eq "work"].value eq "x"`: 2,
	} {
		e, err := filter.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Terms(); got != want {
			t.Errorf("%s: got %d comparisons, want %d", in, got, want)
		}
	}
}

func TestStringOfValue(t *testing.T) {
	t.Parallel()
	e := join(filter.And, term(filter.Eq, "a", json.Number("1.50")), term(filter.Ne, "b", nil))
	if got, want := e.String(), `a eq 1.50 and b ne null`; got != want {
		t.Errorf("String: got %s, want %s", got, want)
	}
	if got, want := filter.Op(99).String(), "op(99)"; got != want {
		t.Errorf("Op(99): got %s, want %s", got, want)
	}
}

// A look-up's filter takes two allocations, the tree and its value: every provisioning cycle sends thousands.
func TestParseAllocations(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		if _, err := filter.Parse(`userName eq "a@b.c"`); err != nil {
			t.Fatal(err)
		}
	}); n > 2 {
		t.Errorf("allocations: got %v, want at most 2", n)
	}
}

func BenchmarkParse(b *testing.B) {
	for name, s := range map[string]string{
		"lookup": `userName eq "a@b.c"`,
		"entra":  `emails[type eq "work"].value eq "a@b.c" and not (active eq "False")`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := filter.Parse(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
