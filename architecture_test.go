// Package architecture holds no code: its test holds the arrows between the packages.
package architecture_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/scim-cognito/scim-cognito"

// allowed lists, for each package of ours, which others of ours and which foreign modules its code may import. What a
// test imports is its own affair. A new package needs a row: think where it belongs before writing one.
var allowed = map[string]struct{ ours, foreign []string }{
	"cmd/scim-cognito": {
		ours: []string{"cmd/scim-cognito/operator", "config", "server", "bridge", "cognito", "cognito/emulator", "store", "schemas",
			"schemas/attribute"},
		foreign: []string{"github.com/alecthomas/kong", "golang.org/x/sync"},
	},
	"cmd/scim-cognito/operator": {ours: []string{"bridge", "cognito", "store"}},
	"config":                    {foreign: []string{"github.com/go-playground/validator/v10"}},
	"server": {
		ours:    []string{"bridge", "schemas", "schemas/attribute", "schemas/filter", "schemas/patch", "store"},
		foreign: []string{"github.com/go-chi/chi/v5", "github.com/elimity-com/scim"},
	},
	"bridge": {
		ours:    []string{"cognito", "schemas", "schemas/attribute", "schemas/filter", "schemas/patch", "store"},
		foreign: []string{"github.com/google/uuid", "github.com/elimity-com/scim", "golang.org/x/sync", "golang.org/x/text"},
	},
	"store": {
		ours:    []string{"schemas", "schemas/attribute", "schemas/filter", "schemas/patch"},
		foreign: []string{"modernc.org/sqlite", "github.com/pressly/goose/v3"},
	},
	"schemas":           {ours: []string{"schemas/attribute", "schemas/filter", "schemas/patch"}, foreign: []string{"github.com/elimity-com/scim"}},
	"schemas/attribute": {foreign: []string{"github.com/elimity-com/scim"}},
	"schemas/filter":    {ours: []string{"schemas/attribute"}, foreign: []string{"github.com/elimity-com/scim"}},
	"schemas/patch":     {ours: []string{"schemas/attribute", "schemas/filter"}, foreign: []string{"github.com/elimity-com/scim"}},
	"cognito":           {foreign: []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"}},
	"cognito/emulator":  {},
	"cognito/pooltest":  {ours: []string{"cognito"}, foreign: []string{"github.com/google/go-cmp"}},
	// What large tests share. No row lists them: the program does not depend on its measuring instruments.
	"bench/idp":   {},
	"bench/audit": {ours: []string{"bench/idp", "cognito/emulator", "cognito/pooltest", "schemas"}, foreign: []string{"github.com/aws/aws-sdk-go-v2"}},
	"bench/stack": {ours: []string{"bridge", "cognito", "cognito/emulator", "cognito/pooltest", "schemas", "schemas/attribute", "server", "store"}},
	"bench/load":  {ours: []string{"bench/idp", "bench/stack", "cognito", "cognito/emulator", "server"}},
	"bench/soak":  {ours: []string{"bench/audit", "bench/idp", "bench/stack", "bridge", "cognito", "cognito/emulator", "server"}},
}

// never lists edges that are forbidden whatever stands between their ends: a package and, by prefix, what must not be
// among its dependencies.
var never = map[string][]string{
	"cognito":          {module + "/schemas", module + "/bridge", module + "/server", module + "/store", module + "/cognito/emulator"},
	"cognito/emulator": {module + "/", "github.com/", "golang.org/", "modernc.org/"}, // a shared bug would cancel out
	"store":            {module + "/bridge", module + "/server", module + "/cognito", "github.com/aws/"},
	"schemas":          {module + "/bridge", module + "/server", module + "/store", module + "/cognito", "github.com/aws/", "database/sql"},
	"config":           {module + "/", "github.com/aws/", "database/sql"},
}

// pure are packages without network, context, log, database or operating system of their own. (elimity's packages
// import net/http for its status constants, so the dependencies' dependencies cannot be held to this.)
var (
	pure   = []string{"schemas", "schemas/attribute", "schemas/filter", "schemas/patch"}
	impure = []string{"net", "net/http", "context", "log", "log/slog", "database/sql", "os", "os/exec", "syscall", "crypto/rand", "math/rand", "math/rand/v2"}
)

type listed struct {
	ImportPath    string
	Dir           string
	Standard      bool
	GoFiles       []string
	Imports, Deps []string
}

// goList asks the go command about packages of this module.
func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Dir,Standard,GoFiles,Imports,Deps"}, args...)...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", strings.Join(args, " "), err, complaints.String())
	}
	var packages []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages
		case err != nil:
			t.Fatalf("reading the answer of go list: %v", err)
		}
		packages = append(packages, p)
	}
}

func within(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return path == p || strings.HasPrefix(path, strings.TrimSuffix(p, "/")+"/") })
}

func TestImports(t *testing.T) {
	t.Parallel()
	standard := make(map[string]bool)
	for _, p := range goList(t, "std") {
		standard[p.ImportPath] = true
	}
	seen := make(map[string]bool)
	for _, p := range goList(t, "./...") {
		if len(p.GoFiles) == 0 {
			continue // only tests
		}
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		rule, known := allowed[name]
		if !known {
			t.Errorf("package %s: nobody has said what it may import; give it a row here and a line in the README", name)
			continue
		}
		seen[name] = true
		for _, imported := range p.Imports {
			ours, is := strings.CutPrefix(imported, module+"/")
			switch {
			case is && !slices.Contains(rule.ours, ours):
				t.Errorf("%s → %s: this arrow is not allowed, the allowed ones are %q", name, ours, rule.ours)
			case !is && !standard[imported] && !within(imported, rule.foreign):
				t.Errorf("%s → %s: this module belongs elsewhere, the ones allowed here are %q", name, imported, rule.foreign)
			case slices.Contains(pure, name) && slices.Contains(impure, imported):
				t.Errorf("%s → %s: this package is pure: no network, context, log, database, system or randomness", name, imported)
			case name == "server" && within(imported, []string{"database"}):
				t.Errorf("%s → %s: server opens no database", name, imported)
			}
		}
		for _, dependency := range p.Deps {
			if within(dependency, never[name]) {
				t.Errorf("%s depends on %s, which it must never, through whatever", name, dependency)
			}
		}
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("package %s: got no such package with code, want it or its row gone", name)
		}
	}
}

// uses are the selectors of an imported package in the code of one of ours, such as "Now" of "time".
func uses(t *testing.T, folder, imported string) map[string]token.Position {
	t.Helper()
	found := make(map[string]token.Position)
	files := token.NewFileSet()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name := ""
		for _, i := range file.Imports {
			if strings.Trim(i.Path.Value, `"`) == imported {
				name = imported[strings.LastIndexByte(imported, '/')+1:]
				if i.Name != nil {
					name = i.Name.Name
				}
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && name != "" && x.Name == name {
					found[s.Sel.Name] = files.Position(s.Pos())
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatalf("reading the code of %s: %v", folder, err)
	}
	return found
}

// Some arrows carry types only: an import alone does not show it.
func TestUses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		folder, imported, why string
		forbidden             []string
	}{
		{"schemas", "time", "the clock is an argument", []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}},
		{"server", module + "/schemas", "the types in force come with the config", []string{"Users", "Groups", "NewTypes"}},
		{"bridge", module + "/schemas", "the types in force come with the config", []string{"Users", "Groups", "NewTypes"}},
		{"cmd", module + "/schemas", "the types in force are built once", []string{"Plain", "Users", "Groups"}},
		{"server", module + "/store", "server opens nothing: its connections come from cmd", []string{"Open"}},
		{"server", module + "/bridge", "server opens nothing: its connections come from cmd", []string{"OpenDirectory", "NewConnection"}},
	} {
		used := uses(t, c.folder, c.imported)
		if len(used) == 0 && c.imported != "time" {
			t.Errorf("%s: got no use of %s at all; this rule checks nothing", c.folder, c.imported)
		}
		for _, name := range c.forbidden {
			if at, there := used[name]; there {
				t.Errorf("%s: %s.%s: %s", at, c.imported, name, c.why)
			}
		}
	}
}
