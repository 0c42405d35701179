package schemas_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden is one file of testdata/mapping: a user as it is sent, what the pool holds of it, and what is left out.
type golden struct {
	Rows       []schemas.Row     `json:"rows,omitempty"`
	Username   string            `json:"username"`
	User       map[string]any    `json:"user"`
	Attributes map[string]string `json:"attributes"`
	Dropped    []string          `json:"dropped,omitempty"`
}

func TestMappingGoldenFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/mapping/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			var want golden
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := decode(text, &want); err != nil {
				t.Fatal(err)
			}
			m, err := schemas.NewMapping(schemas.Users, want.Rows, nil)
			if err != nil {
				t.Fatal(err)
			}
			r, _, err := schemas.Users.Decode(want.User)
			if err != nil {
				t.Fatal(err)
			}
			got := want
			got.Attributes, got.Dropped = m.ToCognito(r, want.Username)
			if *update {
				writeGolden(t, file, got)
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("in the pool (-want +got):\n%s", diff)
			}
			back, managed := m.FromCognito(schemas.PoolUser{Username: want.Username, Sub: "id", Enabled: true, Attributes: got.Attributes})
			if !managed {
				t.Error("the marker is missing")
			}
			expect := r
			expect["id"], expect["active"] = "id", true
			delete(expect, "password")
			for _, name := range got.Dropped {
				delete(expect, name)
			}
			if diff := cmp.Diff(map[string]any(expect), map[string]any(back)); diff != "" {
				t.Errorf("read back (-sent +read):\n%s", diff)
			}
		})
	}
}

func decode(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	d.DisallowUnknownFields()
	return d.Decode(v)
}

func writeGolden(t *testing.T, file string, g golden) {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(g); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestMappingIsLossless: whatever fits comes back as it was, for random users, in each pool style.
func TestMappingIsLossless(t *testing.T) {
	for _, logins := range [][]string{nil, {"email"}, {"phone_number"}, {"email", "phone_number"}, {"phone_number", "email"}} {
		t.Run(strings.Join(logins, " "), func(t *testing.T) { losesNothing(t, logins) })
	}
}

func losesNothing(t *testing.T, logins []string) {
	m, err := schemas.NewMapping(schemas.Users, []schemas.Row{{SCIM: "title", Cognito: "custom:title"}, {SCIM: schemas.EnterpriseURN + ":department", Cognito: "custom:dept"},
		{SCIM: `addresses[type eq "work"].locality`, Cognito: "address"}, {SCIM: `emails[type eq "home"].value`, Cognito: "custom:home"},
		{SCIM: `phoneNumbers[type eq "work"].value`, Cognito: "custom:work"}, {SCIM: schemas.EnterpriseURN + ":manager.value", Cognito: "custom:manager"}}, nil, logins...)
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	draw := rand.New(rand.NewPCG(seed, 0))
	for range 1000 {
		sent, _, err := schemas.Users.Decode(randomUser(draw))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		sent["id"], sent["active"] = "id", true
		attributes, dropped := m.ToCognito(sent, "name")
		if len(dropped) > 0 {
			t.Fatalf("seed %d: dropped %v", seed, dropped)
		}
		got, _ := m.FromCognito(schemas.PoolUser{Username: "name", Sub: "id", Enabled: true, Attributes: attributes})
		if diff := cmp.Diff(map[string]any(sent), map[string]any(got)); diff != "" {
			t.Fatalf("seed %d (-sent +read):\n%s\nattributes %v", seed, diff, attributes)
		}
		if login := m.Login(sent.String("userName")); login != "" && attributes[login] != sent.String("userName") {
			t.Fatalf("seed %d: %s is %q, want the userName %q", seed, login, attributes[login], sent["userName"])
		}
		for _, name := range logins { // as a pool that is not case-sensitive returns them
			attributes[name] = strings.ToLower(attributes[name])
		}
		lower, _ := m.FromCognito(schemas.PoolUser{Username: "sub", Sub: "id", Enabled: true, Attributes: attributes})
		if diff := cmp.Diff(map[string]any(sent), map[string]any(lower)); len(logins) > 0 && diff != "" {
			t.Fatalf("seed %d, in lower case (-sent +read):\n%s\nattributes %v", seed, diff, attributes)
		}
		attributes, _ = m.ToCognito(sent, "name")
		again, _ := m.ToCognito(got, "name")
		if diff := cmp.Diff(attributes, again); diff != "" {
			t.Fatalf("seed %d: a PUT of a GET would change (-first +again):\n%s", seed, diff)
		}
	}
}

func randomUser(draw *rand.Rand) map[string]any {
	word := func() string {
		return []string{"a", "Ä b", "x@example.com", "Y@Example.com", "+4930123", "(030) 1 23", "true", "<&>", "\"quoted\"", "日本"}[draw.IntN(10)]
	}
	maybe := func(object map[string]any, name string, v any) {
		if draw.IntN(3) > 0 {
			object[name] = v
		}
	}
	list := func(subs ...string) any {
		var out []any
		for i := range draw.IntN(4) {
			object := map[string]any{}
			for _, sub := range subs {
				maybe(object, sub, word())
			}
			if i == 0 {
				maybe(object, "primary", true)
			}
			maybe(object, "type", []string{"work", "home"}[draw.IntN(2)])
			out = append(out, object)
		}
		return out
	}
	u := map[string]any{"userName": word()}
	for _, name := range []string{"displayName", "nickName", "profileUrl", "title", "locale", "timezone", "externalId", "userType"} {
		maybe(u, name, word())
	}
	maybe(u, "name", map[string]any{"givenName": word(), "familyName": word(), "formatted": word()})
	maybe(u, "emails", list("value", "display"))
	maybe(u, "phoneNumbers", list("value"))
	maybe(u, "photos", list("value"))
	maybe(u, "addresses", list("formatted", "locality"))
	maybe(u, "roles", list("value", "display"))
	maybe(u, schemas.EnterpriseURN, map[string]any{"department": word(), "manager": map[string]any{"value": word()}})
	return u
}

func TestMappingOfUsersWhomOthersMadeOrChanged(t *testing.T) {
	m, err := schemas.NewMapping(schemas.Users, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		attributes map[string]string
		want       map[string]any
		managed    bool
	}{
		{"unmanaged", map[string]string{"email": "a@b.c", "phone_number": "+49", "name": "A"},
			map[string]any{"emails": []any{map[string]any{"value": "a@b.c", "primary": true}}, "phoneNumbers": []any{map[string]any{"value": "+49", "primary": true}}, "displayName": "A"}, false},
		{"e-mail changed in the console", map[string]string{"email": "new@b.c", "custom:scim": `{"email":"A@b.c","emails":[{"type":"work","value":null}]}`},
			map[string]any{"emails": []any{map[string]any{"value": "new@b.c", "type": "work"}}}, true},
		{"e-mail in lower case, as some pools keep it", map[string]string{"email": "a@b.c", "custom:scim": `{"email":"A@b.c"}`},
			map[string]any{"emails": []any{map[string]any{"value": "A@b.c"}}}, true},
		{"e-mail removed in the console", map[string]string{"email": "", "custom:scim": `{"emails":[{"type":"work","value":null},{"type":"home","value":"h@b.c"}]}`},
			map[string]any{"emails": []any{map[string]any{"value": "h@b.c", "type": "home"}}}, true},
		{"two e-mails removed in the console", map[string]string{"custom:scim": `{"emails":[{"type":"work","value":null},{"type":"home","value":null}]}`}, map[string]any{}, true},
		{"overflow edited by hand", map[string]string{"given_name": "A", "custom:scim": `{"externalId":`},
			map[string]any{"name": map[string]any{"givenName": "A"}}, true},
		{"overflow over three attributes", map[string]string{"custom:scim": `{"tit`, "custom:scim_2": `le":"x`, "custom:scim_3": `y"}`}, map[string]any{"title": "xy"}, true},
	} {
		got, managed := m.FromCognito(schemas.PoolUser{Username: "u", Sub: "s", Enabled: true, Attributes: c.attributes})
		c.want["id"], c.want["userName"], c.want["active"] = "s", "u", true
		if diff := cmp.Diff(c.want, map[string]any(got)); diff != "" || managed != c.managed {
			t.Errorf("%s: managed %v, want %v; (-want +got):\n%s", c.name, managed, c.managed, diff)
		}
	}
}

func TestMappingRowsThatCannotBe(t *testing.T) {
	for _, c := range []struct{ scim, cognito, want string }{
		{"shoeSize", "custom:shoe", "no such SCIM attribute"},
		{"emails", "custom:mail", "sub-attributes"},
		{"name", "custom:name", "sub-attributes"},
		{"password", "custom:pw", "cannot be mapped"},
		{"groups.value", "custom:groups", "cannot be mapped"},
		{"title", "custom:scim_2", "not free"},
		{"title", "email_verified", "not free"},
		{"title eq", "custom:title", ""},
		{`title[value eq "x"]`, "custom:title", "single value"},
		{`emails[Value sw "a"].value`, "custom:mail", "the filter reads emails.value"},
	} {
		_, err := schemas.NewMapping(schemas.Users, []schemas.Row{{SCIM: c.scim, Cognito: c.cognito}}, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s: %v, want an error with %q", c.scim, c.cognito, err, c.want)
		}
	}
	twice := []schemas.Row{{SCIM: "title", Cognito: "custom:a"}, {SCIM: "Title", Cognito: "custom:b"}}
	if _, err := schemas.NewMapping(schemas.Users, twice, nil); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("an attribute mapped twice: %v, want an error", err)
	}
}
