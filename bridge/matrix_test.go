package bridge_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
	"github.com/scim-cognito/scim-cognito/store"
)

var updateMatrix = flag.Bool("update-matrix", false, "write what the pools do into docs/cognito.md")

const matrixFile = "../docs/cognito.md"

// row is a pool style, and somebody's names as an identity provider sends them.
type row struct {
	name            string
	pool            cip.CreateUserPoolInput
	userName, email string
	// what they become, and what somebody else has
	newName, newEmail     string
	othersName, othersTwo string
}

// The names have letters of both cases, to see what becomes of them.
var matrixRows = []row{
	{name: "Plain usernames", userName: "Ada", newName: "Countess", othersName: "Bob"},
	{name: "E-mail as an alias; userName is none", pool: aliases("email"), userName: "Ada", newName: "Countess", othersName: "Bob"},
	{name: "E-mail as an alias; userName is the e-mail address", pool: aliases("email"),
		userName: "Ada@Example.com", email: "Ada@Example.com", newName: "Countess@Example.com", othersName: "Bob@Example.com", othersTwo: "Bob@Example.com"},
	{name: "E-mail and phone number as aliases; userName is a phone number", pool: aliases("email", "phone_number"),
		userName: "+4930123", newName: "+4930456", othersName: "+4930789"},
	{name: "preferred_username as an alias", pool: aliases("preferred_username"), userName: "Ada", newName: "Countess", othersName: "Bob"},
	{name: "E-mail as username; userName is an e-mail address", pool: logins("email"),
		userName: "Ada@Example.com", email: "Ada@Example.com", newName: "Countess@Example.com", othersName: "Bob@Example.com", othersTwo: "Bob@Example.com"},
	{name: "E-mail as username; userName is none", pool: logins("email"), userName: "Ada", newName: "Countess", othersName: "Bob"},
	{name: "E-mail or phone number as username; userName is a phone number", pool: logins("email", "phone_number"),
		userName: "+4930123", newName: "+4930456", othersName: "+4930789"},
	{name: "Phone number as username", pool: logins("phone_number"), userName: "+4930123", newName: "+4930456", othersName: "+4930789"},
}

func aliases(names ...types.AliasAttributeType) cip.CreateUserPoolInput {
	return cip.CreateUserPoolInput{AliasAttributes: names}
}

func logins(names ...types.UsernameAttributeType) cip.CreateUserPoolInput {
	return cip.CreateUserPoolInput{UsernameAttributes: names}
}

// complete fills in the addresses that most rows share.
func (r row) complete() row {
	if r.email == "" {
		r.email, r.othersTwo = "Ada@Example.com", "Bob@Example.com"
	}
	r.newEmail = "King@Example.com"
	return r
}

var matrixCells = []string{"create", "find", "change userName", "change e-mail", "deactivate", "delete", "re-create"}

// live runs one person's life in a pool of the row's style and says what became of each step.
func (r row) live(t *testing.T, e endpoint, exact bool) map[string]string {
	r = r.complete()
	style := r.pool
	style.UsernameConfiguration = &types.UsernameConfigurationType{CaseSensitive: &exact}
	pool := e.newPool(t, style)
	d := e.open(t, pool, false, bridge.ConnectionConfig{})
	d.appClient()
	cell := map[string]string{}

	var doc store.Doc
	made := d.calls.during(func() { doc = d.create(r.userName, r.email) })
	d.setPassword(doc.PoolName)
	names := []called{{"userName", r.userName}, {"e-mail", r.email}}
	cell["create"] = fmt.Sprintf("%s; Username: %s; %s", words(made), r.describe(doc), d.signIns(doc.ID, names))

	cell["find"] = r.find(func() *desk { return e.open(t, pool, true, bridge.ConnectionConfig{}) }, doc.ID)

	d.create(r.othersName, r.othersTwo)
	made = d.calls.during(func() { doc = d.must(d.change(doc.ID, "userName", r.newName)) })
	names = []called{{"userName", r.newName}, {"former userName", r.userName}, {"e-mail", r.email}}
	_, err := d.change(doc.ID, "userName", r.othersName)
	cell["change userName"] = fmt.Sprintf("%s; %s; a taken one: %s; the freed one: %s", words(made), d.signIns(doc.ID, names), outcome(err), r.freed(d))

	made = d.calls.during(func() { doc = d.must(d.email(doc.ID, r.newEmail)) })
	names = []called{{"userName", r.newName}, {"former userName", r.userName}, {"e-mail", r.newEmail}, {"former e-mail", r.email}}
	what := fmt.Sprintf("%s; %s", words(made), d.signIns(doc.ID, names))
	_, err = d.email(doc.ID, r.othersTwo)
	cell["change e-mail"] = fmt.Sprintf("%s; a taken one: %s", what, outcome(err))

	session := d.session(doc.PoolName)
	made = d.calls.during(func() { d.must(d.change(doc.ID, "active", false)) })
	cell["deactivate"] = fmt.Sprintf("%s; %s; %s", words(made), d.signIns(doc.ID, names), d.lasts(session))

	made = d.calls.during(func() {
		if err := d.DeleteUser(t.Context(), doc.ID); err != nil {
			t.Errorf("deleting: %v", err)
		}
	})
	_, err = d.User(t.Context(), doc.ID)
	cell["delete"] = fmt.Sprintf("%s; afterwards %s", words(made), outcome(err))

	again := d.create(r.userName, r.email)
	d.setPassword(again.PoolName)
	if again.ID == doc.ID {
		t.Errorf("created again with the id %s of the deleted user", doc.ID)
	}
	names = []called{{"userName", r.userName}, {"e-mail", r.email}}
	cell["re-create"] = fmt.Sprintf("another id; Username: %s; %s", r.describe(again), d.signIns(again.ID, names))
	if all := d.everybody(); len(all) != 2 {
		t.Errorf("users in the pool: got %q, want two", all)
	}
	return cell
}

// freed lets somebody new have the userName that was freed, and go again.
func (r row) freed(d *desk) string {
	d.t.Helper()
	email := "new@example.com"
	if r.email == r.userName {
		email = r.userName
	}
	doc, err := d.CreateUser(d.t.Context(), somebody(r.userName, email))
	if err != nil {
		return outcome(err)
	}
	if err := d.DeleteUser(d.t.Context(), doc.ID); err != nil {
		d.t.Errorf("deleting: %v", err)
	}
	return "Username " + r.describe(doc)
}

// find says by what the user is found when the mirror knows nobody yet.
func (r row) find(cold func() *desk, id string) string {
	var found []string
	later := ""
	for _, look := range []struct{ what, where, value string }{
		{"userName", `userName eq "%s"`, r.userName}, {"userName in other case", `userName eq "%s"`, swapCase(r.userName)},
		{"e-mail", `emails.value eq "%s"`, r.email}, {"e-mail in other case", `emails eq "%s"`, swapCase(r.email)},
	} {
		d := cold()
		if look.value == r.userName && look.what == "userName in other case" {
			continue // a number
		}
		var ids []string
		var err error
		made := d.calls.during(func() { ids, err = d.look(fmt.Sprintf(look.where, look.value)) })
		if len(made) > 1 || len(made) == 1 && made["ListUsers"] != 1 {
			d.t.Errorf("looking by %s made calls %v, want one at most", look.what, made)
		}
		switch {
		case kindOf(err) == "too many":
			later = "; by userName once the mirror is complete"
		case err != nil:
			d.t.Errorf("looking by %s: %v", look.what, err)
		case len(ids) == 1 && ids[0] == id:
			found = append(found, look.what)
		case len(ids) > 0:
			d.t.Errorf("looking by %s found %v, want %s alone", look.what, ids, id)
		}
	}
	return "by " + strings.Join(found, ", ") + later
}

func (d *desk) must(doc store.Doc, err error) store.Doc {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("changing the user: %v", err)
	}
	return doc
}

// called is a name under which somebody may sign in.
type called struct{ what, name string }

// signIns says with which names the user with the id signs in.
func (d *desk) signIns(id string, names []called) string {
	d.t.Helper()
	var with, done []string
	for _, n := range names {
		if slices.Contains(done, n.name) {
			continue
		}
		done = append(done, n.name)
		exact, swapped := d.signsIn(n.name, id), d.signsIn(swapCase(n.name), id)
		switch {
		case exact && swapped && swapCase(n.name) != n.name:
			with = append(with, n.what+" in any case")
		case exact:
			with = append(with, n.what)
		case swapped:
			with = append(with, n.what+" in other case")
		}
	}
	if with == nil {
		return "nobody signs in"
	}
	return "signs in with " + strings.Join(with, ", ")
}

// describe says what the Username has to do with the userName.
func (r row) describe(doc store.Doc) string {
	lower := strings.ToLower(r.userName)
	switch name := doc.PoolName; {
	case name == doc.ID:
		return "the sub"
	case name == r.userName:
		return "the userName"
	case name == lower:
		return "the userName in lower case"
	case strings.HasPrefix(name, r.userName+"_"), strings.HasPrefix(name, lower+"_"):
		return "`userName" + name[len(lower):] + "`"
	case strings.HasPrefix(name, "scim.") && strings.Contains(name, "_"):
		return "generated, `…" + name[strings.Index(name, "_"):] + "`"
	case strings.HasPrefix(name, "scim."):
		return "generated"
	default:
		return name
	}
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

// words is what calls are made, for people.
func words(made map[string]int) string {
	changes, lookUps := 0, 0
	for op, n := range made {
		if op == "AdminGetUser" || op == "ListUsers" {
			lookUps += n
		} else {
			changes += n
		}
	}
	text := fmt.Sprintf("%d call", changes)
	if changes != 1 {
		text += "s"
	}
	switch lookUps {
	case 0:
		return text
	case 1:
		return text + " and a look-up"
	}
	return fmt.Sprintf("%s and %d look-ups", text, lookUps)
}

// outcome is an error's status, for people.
func outcome(err error) string {
	status := map[string]string{"none": "allowed", "exists": "409", "invalid": "400", "mutability": "400", "not found": "404"}
	if s := status[kindOf(err)]; s != "" {
		return s
	}
	return kindOf(err)
}

func onEmulator() endpoint {
	e := emulator.New(emulator.Config{Seed: 1})
	return endpoint{url: "http://127.0.0.1:1", wire: pooltest.InProcess(e), aws: audit.Client(e)}
}

// TestMatrix lives through every pool style, and compares each step with what docs/cognito.md says.
func TestMatrix(t *testing.T) {
	document, err := os.ReadFile(matrixFile)
	if err != nil {
		t.Fatal(err)
	}
	told := readMatrix(t, string(document))
	var table strings.Builder
	for _, r := range matrixRows {
		cells := map[bool]map[string]string{}
		for _, exact := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/case-sensitive=%v", r.name, exact), func(t *testing.T) {
				cells[exact] = r.live(t, onEmulator(), exact)
				for _, name := range matrixCells {
					t.Run(name, func(t *testing.T) {
						if want := told[place{r.name, name, exact}]; cells[exact][name] != want && !*updateMatrix {
							t.Errorf("got %q, docs/cognito.md says %q", cells[exact][name], want)
						}
					})
				}
			})
		}
		fmt.Fprintf(&table, "\n### %s\n\n| | case-sensitive | not case-sensitive |\n|---|---|---|\n", r.name)
		for _, name := range matrixCells {
			fmt.Fprintf(&table, "| %s | %s | %s |\n", name, cells[true][name], cells[false][name])
		}
	}
	if *updateMatrix {
		text := splice(t, string(document), table.String())
		if err := os.WriteFile(matrixFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !t.Failed() && splice(t, string(document), table.String()) != string(document) {
		t.Error("docs/cognito.md has other rows than the matrix: go test ./bridge -run TestMatrix -update-matrix writes them")
	}
}

const matrixBegins, matrixEnds = "<!-- matrix -->\n", "\n<!-- end of the matrix -->"

func splice(t *testing.T, document, table string) string {
	t.Helper()
	before, rest, ok := strings.Cut(document, matrixBegins)
	_, after, alsoOK := strings.Cut(rest, matrixEnds)
	if !ok || !alsoOK {
		t.Fatalf("%s lacks %q or %q", matrixFile, matrixBegins, matrixEnds)
	}
	return before + matrixBegins + table + matrixEnds + after
}

// place is a cell of the matrix.
type place struct {
	row, cell string
	exact     bool
}

// readMatrix reads the tables of the document.
func readMatrix(t *testing.T, document string) map[place]string {
	t.Helper()
	_, rest, _ := strings.Cut(document, matrixBegins)
	table, _, _ := strings.Cut(rest, matrixEnds)
	told := map[place]string{}
	heading := ""
	for line := range strings.Lines(table) {
		line = strings.TrimSpace(line)
		if after, ok := strings.CutPrefix(line, "### "); ok {
			heading = after
		}
		if columns := strings.Split(strings.Trim(line, "| "), " | "); len(columns) == 3 {
			told[place{heading, columns[0], true}], told[place{heading, columns[0], false}] = columns[1], columns[2]
		}
	}
	return told
}
