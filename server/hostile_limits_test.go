package server_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// row is a line of a table in docs/limits.md whose value is set in the code.
var row = regexp.MustCompile("(?m)^\\| ([^|]+) \\| ([0-9,]+)( [^|]+)? \\| `([^`]+\\.go)` `([A-Za-z]+)` \\|")

// units are what a value is counted in, where that is not one; durations are in nanoseconds.
var units = map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "s": 1e9, "min": 60e9, "h": 3600e9, "d": 24 * 3600e9}

// TestLimitsAreAsDocumented compares docs/limits.md with the code.
func TestLimitsAreAsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := row.FindAllStringSubmatch(string(doc), -1)
	if len(rows) < 45 {
		t.Errorf("docs/limits.md: got %d values that the code sets, want at least 45", len(rows))
	}
	for _, r := range rows {
		what, file, name := r[1], r[4], r[5]
		want := constant.MakeFromLiteral(strings.ReplaceAll(r[2], ",", ""), gotoken.INT, 0)
		if unit, ok := units[strings.TrimSpace(r[3])]; ok {
			want = constant.BinaryOp(want, gotoken.MUL, constant.MakeInt64(unit))
		}
		got := settings(t, filepath.Join("..", file), name)
		if len(got) != 1 || !constant.Compare(got[0], gotoken.EQL, want) {
			t.Errorf("%s: got %v for %s in %s, want it once, as %s", what, got, name, file, want)
		}
	}
}

// settings are the numbers that a file gives to a name: a constant, a field of a literal, or a variable or field where it
// is assigned.
func settings(t *testing.T, path, name string) []constant.Value {
	t.Helper()
	file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []constant.Value
	note := func(to, v ast.Expr) {
		if s, ok := to.(*ast.SelectorExpr); ok {
			to = s.Sel
		}
		id, ok := to.(*ast.Ident)
		if !ok || id.Name != name {
			return
		}
		if n := number(v); n.Kind() != constant.Unknown {
			found = append(found, n)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i := range n.Values {
				note(n.Names[i], n.Values[i])
			}
		case *ast.KeyValueExpr:
			note(n.Key, n.Value)
		case *ast.AssignStmt:
			for i := range n.Rhs {
				note(n.Lhs[i], n.Rhs[i])
			}
		}
		return true
	})
	return found
}

// number evaluates an expression of numbers and durations, and of a default: cmp.Or(x, default).
func number(e ast.Expr) constant.Value {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == gotoken.INT {
			return constant.MakeFromLiteral(e.Value, gotoken.INT, 0)
		}
	case *ast.SelectorExpr:
		if n, ok := map[string]int64{"Second": 1e9, "Minute": 60e9, "Hour": 3600e9}[e.Sel.Name]; ok {
			return constant.MakeInt64(n)
		}
	case *ast.CallExpr:
		if s, ok := e.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Or" && len(e.Args) == 2 {
			return number(e.Args[1])
		}
	case *ast.BinaryExpr:
		x, y := number(e.X), number(e.Y)
		if x.Kind() == constant.Unknown || y.Kind() == constant.Unknown {
			break
		}
		if e.Op == gotoken.SHL {
			n, _ := constant.Uint64Val(y)
			return constant.Shift(x, gotoken.SHL, uint(n))
		}
		return constant.BinaryOp(x, e.Op, y)
	}
	return constant.MakeUnknown()
}
