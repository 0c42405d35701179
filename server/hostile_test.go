package server_test

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/server"
)

// attack is one request that no well-meaning client sends, or that asks for nothing, and its exact answer. Whatever the
// answer, neither pool nor store may be any different afterwards.
type attack struct {
	name, method, target, body string // with the names of a fortress in braces
	status                     int
	scimType                   string
	says                       string // in the detail of an error, or in the answer
	headers                    []string
}

const (
	syntax  = "invalidSyntax"
	value   = "invalidValue"
	fixed   = "mutability"
	badPath = "invalidPath"
	badTerm = "invalidFilter"

	users  = "/scim/v2/Users"
	groups = "/scim/v2/Groups"
	ann    = users + "/{ann}"
	staff  = groups + "/{staff}"
)

const (
	otherToken   = "entra-token-0123456789-0123456789-0123456"
	expiredToken = "retired-token-0123456789-0123456789-01234"
)

// fortress is a world with something to lose: a pool with the users ann, bob and cid, who is inactive, and the group
// staff, in which ann is; another connection's pool with the user eve. Its file and pools can be looked at from outside.
type fortress struct {
	*world
	names *strings.Replacer
	db    *sql.DB
}

// within gives a test's temporary files a folder that is known.
type within struct {
	testing.TB
	folder string
}

// TempDir is the folder.
func (w within) TempDir() string { return w.folder }

func newFortress(t testing.TB, configure ...func(*worldConfig)) *fortress {
	t.Helper()
	folder := t.TempDir()
	configure = append(configure, func(c *worldConfig) {
		c.other = otherToken
		c.tokens = []server.Token{{Name: "2026", Secret: server.NewSecret(token)},
			{Name: "2025", Secret: server.NewSecret(expiredToken), Expires: time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC)}}
	})
	f := &fortress{world: newWorld(within{t, folder}, configure...)}
	var err error
	if f.db, err = sql.Open("sqlite", "file:"+filepath.Join(folder, "scim.db")+"?mode=ro"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.db.Close(); err != nil {
			t.Error(err)
		}
	})
	annID := f.user(t, "ann")
	cid := f.user(t, "cid")
	f.do(t, "PATCH", users+"/"+cid, patchOf(`{"op":"replace","path":"active","value":false}`)).want(200)
	gone := f.user(t, "gone")
	f.do(t, "DELETE", users+"/"+gone, "").want(204)
	eve := f.do(t, "POST", users, `{"userName":"eve"}`, "Authorization: Bearer "+otherToken).want(201).id()
	f.names = strings.NewReplacer("{ann}", annID, "{ANN}", strings.ToUpper(annID), "{bob}", f.user(t, "bob"), "{cid}", cid, "{gone}", gone, "{eve}", eve,
		"{staff}", f.group(t, "Staff", annID), "{token}", token, "{other}", otherToken, "{expired}", expiredToken)
	f.log.take(t)
	return f
}

func patchOf(operations ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + strings.Join(operations, ",") + `]}`
}

// state is all that pools and store hold, the activity excepted, a line each.
func (f *fortress) state(t testing.TB) []string {
	t.Helper()
	var pools strings.Builder
	if err := f.emulator.Save(&pools); err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(pools.String()))
	for _, table := range f.rows(t, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'activity' ORDER BY name") {
		for _, row := range f.rows(t, `SELECT * FROM "`+table+`"`) {
			lines = append(lines, table+" "+row)
		}
	}
	return lines
}

// rows returns what a query of the store's file answers, a line each, sorted.
func (f *fortress) rows(t testing.TB, query string) []string {
	t.Helper()
	rows, err := f.db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		texts, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range texts {
			into[i] = &texts[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		fields := make([]string, len(columns))
		for i, text := range texts {
			fields[i] = text.String
		}
		lines = append(lines, strings.Join(fields, " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

// unchanged fails the test if pools or store are not as they were.
func (f *fortress) unchanged(t testing.TB, before []string) {
	t.Helper()
	if diff := cmp.Diff(before, f.state(t)); diff != "" {
		t.Errorf("pools or store have changed (-before +after):\n%s", diff)
	}
}

// suffers sends an attack and checks its answer and that nothing came of it.
func (f *fortress) suffers(t *testing.T, a attack) {
	t.Helper()
	before := f.state(t)
	headers := slices.Clone(a.headers)
	for i := range headers {
		headers[i] = f.names.Replace(headers[i])
	}
	r := f.do(t, a.method, f.names.Replace(a.target), f.names.Replace(a.body), headers...)
	if len(r.what) > 200 {
		r.what = r.what[:200] + "…"
	}
	if a.status >= 400 {
		r.refused(a.status, a.scimType, f.names.Replace(a.says))
		f.discreet(t, r)
	} else if r.want(a.status); !strings.Contains(r.text, f.names.Replace(a.says)) {
		t.Errorf("%s: got %s, want an answer that holds %s", r.what, r.text, a.says)
	}
	f.unchanged(t, before)
	f.calm(t)
}

// discreet checks that an error tells a stranger nothing about the inside, and does not repeat everything it was told.
func (f *fortress) discreet(t testing.TB, r reply) {
	t.Helper()
	for _, inside := range []string{token, otherToken, expiredToken, ".go:", "goroutine", "panic", "runtime error", "sqlite", "SELECT ", "us-east-1", "custom:", "0xc0", "entra"} {
		if strings.Contains(r.text, inside) {
			t.Errorf("%s: got %s, want nothing about %q", r.what, r.text, inside)
		}
	}
	if len(r.text) > 8<<10 {
		t.Errorf("%s: got an error of %d bytes, want it short", r.what, len(r.text))
	}
}

// calm checks that the log reports nothing for the operator to look at, and no secret.
func (f *fortress) calm(t testing.TB) {
	t.Helper()
	lines, text := f.log.take(t)
	for _, line := range lines {
		if line["level"] == slog.LevelError.String() || line["stack"] != nil {
			t.Errorf("the log: got %v, want no error of ours", line)
		}
	}
	if strings.Contains(text, token) || strings.Contains(text, otherToken) {
		t.Errorf("the log: got %s, want no token", text)
	}
}

// attacks are all tables of requests that are sent one by one, by what they are about.
var attacks = map[string][]attack{
	"bodies": bodyAttacks, "users": userAttacks, "groups": groupAttacks, "names": nameAttacks,
	"patches": patchAttacks, "member patches": memberAttacks, "paths": pathAttacks, "methods": methodAttacks,
	"filters": filterAttacks, "parameters": parameterAttacks, "tokens": tokenAttacks, "headers": headerAttacks,
	"bulk": bulkAttacks, "searches": searchAttacks,
}

func TestHostile(t *testing.T) {
	t.Parallel()
	n := 0
	for about, table := range attacks {
		n += len(table)
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			f := newFortress(t)
			names := map[string]bool{}
			for _, a := range table {
				if names[a.name] {
					t.Errorf("%s: got two attacks of this name, want one", a.name)
				}
				names[a.name] = true
				t.Run(a.name, func(t *testing.T) { f.suffers(t, a) })
			}
		})
	}
	if n < 600 {
		t.Errorf("got %d hostile requests, want at least 600", n)
	}
	t.Logf("%d hostile requests", n)
}
