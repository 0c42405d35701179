package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sections are those of RFC 7644 and of RFC 9865 that ask something of a server.
var sections = strings.Fields(`2 2.1 2.2 3.1 3.2 3.3 3.3.1 3.4.1 3.4.2 3.4.2.1 3.4.2.2 3.4.2.3 3.4.2.4 3.4.2.5 3.4.3 3.5.1 3.5.2 3.5.2.1 3.5.2.2 3.5.2.3
	3.6 3.7 3.7.1 3.7.2 3.7.3 3.7.4 3.8 3.9 3.10 3.11 3.12 3.13 3.14 4 5 6 6.1 6.2 7.1 7.2 7.3 7.4 7.5.1 7.5.2 7.6 7.7 7.8
	9865,2 9865,2.1 9865,2.2 9865,2.3 9865,2.4 9865,3 9865,4`)

var (
	sectionRow = regexp.MustCompile(`(?m)^\| ([\d., ]+) \| [^|]+ \| (.+) \|$`)
	testName   = regexp.MustCompile("^`([a-z]+)\\.((?:Test|Fuzz)[A-Za-z0-9]+)`$")
)

// TestEverySectionIsProven reads docs/rfc.md: each section has its row, and the tests that it names are there.
func TestEverySectionIsProven(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("docs/rfc.md")
	if err != nil {
		t.Fatal(err)
	}
	protocol, schema, ok := strings.Cut(string(doc), "## RFC 7643")
	if !ok {
		t.Fatal("docs/rfc.md: got no tables, want those of the RFCs")
	}
	tests := testsByPackage(t)
	var got []string
	for i, text := range []string{protocol, schema} {
		rows := sectionRow.FindAllStringSubmatch(text, -1)
		if n := strings.Count(text, "\n| ") - 1; len(rows) != n {
			t.Errorf("docs/rfc.md, table %d: got %d rows of the right form, want all %d", i+1, len(rows), n)
		}
		for _, row := range rows {
			if i == 0 {
				got = append(got, strings.ReplaceAll(row[1], " ", ""))
			}
			for _, name := range strings.Fields(row[2]) {
				m := testName.FindStringSubmatch(name)
				if m == nil || !slices.Contains(tests[m[1]], m[2]) {
					t.Errorf("docs/rfc.md, section %s: there is no test %s", row[1], name)
				}
			}
		}
	}
	if !slices.Equal(got, sections) {
		t.Errorf("docs/rfc.md: got sections %q, want %q", got, sections)
	}
}

// testsByPackage returns the names of all tests, by the last element of their package's path.
func testsByPackage(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, p := range goList(t, "./...") {
		files, err := filepath.Glob(filepath.Join(p.Dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatalf("reading %s: %v", file, err)
			}
			for _, d := range parsed.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
					found[filepath.Base(p.Dir)] = append(found[filepath.Base(p.Dir)], f.Name.Name)
				}
			}
		}
	}
	return found
}
