package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas"
)

const acme = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"

// acmeTypes has an attribute of every type.
func acmeTypes(unknown bool) *schemas.Types {
	return schemas.NewTypes(schemas.TypesConfig{KeepUnknown: unknown, Extensions: []schemas.Extension{{
		ID: acme, Name: "Acme", Description: "What Acme knows",
		Attributes: []schemas.Definition{
			{Name: "costCode", CaseExact: true, CanonicalValues: []string{"A-1", "B-2"}, Description: "Where hours are booked"},
			{Name: "floor", Type: "integer"},
			{Name: "quota", Type: "decimal"},
			{Name: "contractor", Type: "boolean"},
			{Name: "since", Type: "dateTime"},
			{Name: "page", Type: "reference", ReferenceTypes: []string{"external"}},
			{Name: "key", Type: "binary"},
			{Name: "skills", MultiValued: true},
			{Name: "badge", Type: "complex", SubAttributes: []schemas.Definition{{Name: "number", Type: "integer"}, {Name: "color"}}},
			{Name: "cards", Type: "complex", MultiValued: true, SubAttributes: []schemas.Definition{
				{Name: "value", Required: true}, {Name: "type"}, {Name: "primary", Type: "boolean"}}},
			{Name: "born", Mutability: "immutable"},
			{Name: "pin", Mutability: "writeOnly", Returned: "never"},
			{Name: "secretive", Returned: "request"},
		},
	}}})
}

func acmeWorld(t *testing.T, unknown bool) *world {
	return newWorld(t, func(c *worldConfig) {
		c.Types = acmeTypes(unknown)
		c.rows = []schemas.Row{{SCIM: acme + ":costCode", Cognito: "custom:cost_code"}, {SCIM: acme + ":floor", Cognito: "custom:floor"},
			{SCIM: acme + `:cards[type eq "door"].value`, Cognito: "custom:door"}}
	})
}

// changes are the calls so far that change something: a look at the pool may come at any time.
func (w *world) changes() map[string]int64 {
	calls := w.emulator.Calls()
	maps.DeleteFunc(calls, func(op string, _ int64) bool {
		return strings.HasPrefix(op, "List") || strings.HasPrefix(op, "Describe") || strings.HasPrefix(op, "Get") || op == "AdminGetUser"
	})
	return calls
}

func acmeUser(name, extension string) string {
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","` + acme + `"],"userName":"` + name + `","` + acme + `":` + extension + `}`
}

const annAtAcme = `{"costCode":"A-1","floor":3,"quota":1.5,"contractor":true,"since":"2026-01-31T08:00:00Z","page":"https://a/b","key":"aGk=",
	"skills":["go","sql"],"badge":{"number":7,"color":"red"},"cards":[{"value":"c1","type":"door"},{"value":"c2","type":"gate","primary":true}],
	"born":"Ulm","pin":"1234","secretive":"x"}`

// extension is what an answer holds under acme's URN.
func (r reply) extension() map[string]any {
	r.t.Helper()
	e, _ := r.object()[acme].(map[string]any)
	return e
}

func TestExtensionIsStoredAndShown(t *testing.T) {
	t.Parallel()
	w := acmeWorld(t, false)
	made := w.do(t, "POST", "/scim/v2/Users", acmeUser("ann", annAtAcme)).want(201)
	var want map[string]any
	if err := json.Unmarshal([]byte(annAtAcme), &want); err != nil {
		t.Fatal(err)
	}
	delete(want, "pin")
	delete(want, "secretive")
	if diff := cmp.Diff(want, made.extension()); diff != "" {
		t.Errorf("the extension in the answer (-want +got):\n%s", diff)
	}
	if got := made.object()["schemas"]; !reflect.DeepEqual(got, []any{"urn:ietf:params:scim:schemas:core:2.0:User", acme}) {
		t.Errorf("schemas: got %v, want the core schema and acme's", got)
	}
	inPool, err := w.pool.User(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"custom:cost_code": "A-1", "custom:floor": "3", "custom:door": "c1"} {
		if got := inPool.Attributes[name]; got != want {
			t.Errorf("%s in the pool: got %q, want %q: applications get it as a claim", name, got, want)
		}
	}
	before := w.changes()
	again := w.do(t, "PUT", "/scim/v2/Users/"+made.id(), strings.Replace(made.text, `"born":"Ulm",`, "", 1)).want(200)
	if after := w.changes(); after["AdminUpdateUserAttributes"] == before["AdminUpdateUserAttributes"] {
		// pin and secretive were not in the answer, so that this PUT takes them away; born, immutable, stays.
		t.Error("a PUT without pin and secretive made no call")
	}
	if got := again.extension()["born"]; got != "Ulm" {
		t.Errorf("born after a PUT without it: got %v, want Ulm: it is immutable", got)
	}
	calls := w.changes()
	same := w.do(t, "PUT", "/scim/v2/Users/"+made.id(), again.text).want(200)
	if same.header.Get("ETag") != again.header.Get("ETag") || !reflect.DeepEqual(calls, w.changes()) {
		t.Errorf("PUT of a GET: got version %s and calls %v, want %s and none", same.header.Get("ETag"), w.changes(), again.header.Get("ETag"))
	}
}

func TestExtensionIsValidated(t *testing.T) {
	t.Parallel()
	w := acmeWorld(t, false)
	for extension, detail := range map[string]string{
		`{"floor":"third"}`:        "floor must be a whole number, not a string",
		`{"floor":1.5}`:            "floor must be a whole number",
		`{"quota":"much"}`:         "quota must be a number",
		`{"contractor":"perhaps"}`: "contractor must be true or false",
		`{"since":"yesterday"}`:    "since must be a date and time",
		`{"key":"%"}`:              "key must be base64",
		`{"costCode":7}`:           "costCode must be a string",
		`{"badge":"red"}`:          "badge must be a JSON object",
		`{"badge":{"number":"x"}}`: "badge.number must be a whole number",
		`{"cards":[{"type":"door"},{"value":"c","type":"x"},{"display":"y","type":"z"}]}`: "",
		`{"cards":[{"value":"a","primary":true},{"value":"b","primary":true}]}`:           "at most one",
		`7`: "must be a JSON object",
	} {
		r := w.do(t, "POST", "/scim/v2/Users", acmeUser("bob", extension))
		if detail == "" {
			r.want(201) // what has nothing but its type is no value, and what nobody defines is none
			continue
		}
		r.refused(400, "invalidValue", detail)
		if !strings.Contains(r.text, acme) {
			t.Errorf("%s: got %s, want the attribute's whole name in it", extension, r.text)
		}
	}
}

func TestExtensionIsFilteredAndSorted(t *testing.T) {
	t.Parallel()
	w := acmeWorld(t, false)
	for name, extension := range map[string]string{"ann": annAtAcme, "bob": `{"costCode":"a-1","floor":12,"skills":["SQL"]}`, "eve": `{"floor":-4,"born":"Bonn"}`} {
		w.do(t, "POST", "/scim/v2/Users", acmeUser(name, extension)).want(201)
	}
	w.user(t, "zoe")
	names := func(query string) string {
		t.Helper()
		var page struct{ Resources []struct{ UserName string } }
		w.do(t, "GET", "/scim/v2/Users?attributes=userName&"+query, "").want(200).decode(&page)
		var found []string
		for _, r := range page.Resources {
			found = append(found, r.UserName)
		}
		if !strings.Contains(query, "sortBy") {
			slices.Sort(found)
		}
		return strings.Join(found, " ")
	}
	for filter, want := range map[string]string{
		acme + `:costCode eq "A-1"`:                      "ann",
		acme + `:skills eq "sql"`:                        "ann bob",
		acme + `:floor gt 2`:                             "ann bob",
		acme + `:floor eq -4`:                            "eve",
		acme + `:quota le 1.5`:                           "ann",
		acme + `:contractor eq true`:                     "ann",
		acme + `:since lt "2026-02-01T00:00:00Z"`:        "ann",
		acme + `:badge.color eq "RED"`:                   "ann",
		acme + `:cards[type eq "door" and value sw "c"]`: "ann",
		acme + `:born pr`:                                "ann eve",
		acme + ` pr`:                                     "ann bob eve",
		`schemas eq "` + acme + `"`:                      "ann bob eve",
		`not (` + acme + `:floor pr)`:                    "zoe",
		strings.ToUpper(acme) + `:COSTCODE pr`:           "ann bob",
	} {
		if got := names("filter=" + url.QueryEscape(filter)); got != want {
			t.Errorf("%s: got %q, want %q", filter, got, want)
		}
	}
	if got := names("sortBy=" + acme + ":floor"); got != "eve ann bob zoe" {
		t.Errorf("sorted by floor: got %q, want eve ann bob zoe", got)
	}
	w.do(t, "GET", "/scim/v2/Users?filter="+url.QueryEscape(acme+`:pin eq "1234"`), "").refused(400, "invalidFilter", "never returned")
	w.do(t, "GET", "/scim/v2/Users?sortBy="+acme+":pin", "").refused(400, "invalidValue", "never returned")
	w.do(t, "GET", "/scim/v2/Users?filter="+url.QueryEscape(acme+`:floor co "3"`), "").refused(400, "invalidFilter", "integer")
}

func TestExtensionIsPatched(t *testing.T) {
	t.Parallel()
	w := acmeWorld(t, false)
	id := w.do(t, "POST", "/scim/v2/Users", acmeUser("ann", annAtAcme)).want(201).id()
	for _, c := range []struct{ op, path, want string }{
		{`"replace","path":"` + acme + `:costCode","value":"C-3"`, "costCode", `C-3`},
		{`"Replace","path":"` + acme + `:contractor","value":"False"`, "contractor", `false`},
		{`"add","path":"` + acme + `:skills","value":["go","css"]`, "skills", `[go sql css]`},
		{`"remove","path":"` + acme + `:badge.color"`, "badge", `map[number:7]`},
		{`"replace","path":"` + acme + `:cards[type eq \"door\"].value","value":"c9"`, "cards", `[map[type:door value:c9] map[primary:true type:gate value:c2]]`},
		{`"replace","value":{"` + acme + `:floor":5}`, "floor", `5`},
		{`"replace","value":{"` + acme + `":{"floor":6,"quota":null}}`, "quota", `<nil>`},
		{`"add","path":"` + acme + `","value":{"quota":2}`, "quota", `2`},
		{`"remove","path":"` + acme + `:since"`, "since", `<nil>`},
	} {
		got := w.do(t, "PATCH", "/scim/v2/Users/"+id, patchBy(c.op)).want(200).extension()[c.path]
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: got %s %v, want %s", c.op, c.path, got, c.want)
		}
	}
	inPool, err := w.pool.User(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if inPool.Attributes["custom:cost_code"] != "C-3" || inPool.Attributes["custom:floor"] != "6" || inPool.Attributes["custom:door"] != "c9" {
		t.Errorf("in the pool: got %v, want the mapped attributes changed", inPool.Attributes)
	}
	w.do(t, "PATCH", "/scim/v2/Users/"+id, patchBy(`"replace","path":"`+acme+`:born","value":"Bonn"`)).refused(400, "mutability", "immutable")
	w.do(t, "PATCH", "/scim/v2/Users/"+id, patchBy(`"replace","path":"`+acme+`:floor","value":"x"`)).refused(400, "invalidValue", acme+":floor")
	put := strings.Replace(w.do(t, "GET", "/scim/v2/Users/"+id, "").text, "Ulm", "Bonn", 1)
	w.do(t, "PUT", "/scim/v2/Users/"+id, put).refused(400, "mutability", acme+":born is immutable")
	leaver := strings.Replace(put, `"active":true`, `"active":false`, 1)
	if got := w.do(t, "PUT", "/scim/v2/Users/"+id, leaver).want(200); got.object()["active"] != false || got.extension()["born"] != "Ulm" {
		t.Errorf("a PUT that deactivates and is refused: got %s, want the deactivation alone", got.text)
	}
	w.do(t, "PATCH", "/scim/v2/Users/"+id, patchBy(`"remove","path":"`+acme+`"`)).refused(400, "mutability", "immutable")
}

func patchBy(op string) string {
	return patchOf(`{"op":` + op + `}`)
}

func TestExtensionIsProjected(t *testing.T) {
	t.Parallel()
	w := acmeWorld(t, false)
	id := w.do(t, "POST", "/scim/v2/Users", acmeUser("ann", annAtAcme)).want(201).id()
	for query, want := range map[string]string{
		"attributes=" + acme + ":costCode":                          `{"costCode":"A-1"}`,
		"attributes=" + acme + ":badge.color":                       `{"badge":{"color":"red"}}`,
		"attributes=" + acme + ":secretive," + acme + ":pin":        `{"secretive":"x"}`,
		"attributes=userName":                                       `null`,
		"excludedAttributes=" + acme:                                `null`,
		"excludedAttributes=" + acme + ":cards," + acme + ":skills": `{"badge":{"color":"red","number":7},"born":"Ulm","contractor":true,"costCode":"A-1","floor":3,"key":"aGk=","page":"https://a/b","quota":1.5,"since":"2026-01-31T08:00:00Z"}`,
	} {
		got, err := json.Marshal(w.do(t, "GET", "/scim/v2/Users/"+id+"?"+query, "").want(200).object()[acme])
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", query, got, err, want)
		}
	}
}

func TestExtensionIsDiscovered(t *testing.T) {
	t.Parallel()
	w := acmeWorld(t, true)
	var types struct {
		SchemaExtensions []struct {
			Schema   string
			Required bool
		}
	}
	w.do(t, "GET", "/scim/v2/ResourceTypes/User", "").want(200).decode(&types)
	if n := len(types.SchemaExtensions); n != 2 || types.SchemaExtensions[1].Schema != acme {
		t.Errorf("schemaExtensions: got %v, want the enterprise one and acme's", types.SchemaExtensions)
	}
	var schema struct {
		ID, Name, Description string
		Attributes            []map[string]any
	}
	w.do(t, "GET", "/scim/v2/Schemas/"+acme, "").want(200).decode(&schema)
	if schema.Name != "Acme" || schema.Description != "What Acme knows" || len(schema.Attributes) != 13 {
		t.Fatalf("got %+v, want acme's 13 attributes", schema)
	}
	want := map[string]any{"name": "costCode", "type": "string", "multiValued": false, "description": "Where hours are booked", "required": false,
		"canonicalValues": []any{"A-1", "B-2"}, "caseExact": true, "mutability": "readWrite", "returned": "default", "uniqueness": "none"}
	if diff := cmp.Diff(want, schema.Attributes[0]); diff != "" {
		t.Errorf("costCode (-want +got):\n%s", diff)
	}
	for i, typ := range []string{"string", "integer", "decimal", "boolean", "dateTime", "reference", "binary", "string", "complex", "complex"} {
		if got := schema.Attributes[i]["type"]; got != typ {
			t.Errorf("%v: got type %v, want %s", schema.Attributes[i]["name"], got, typ)
		}
	}
}
