package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/server"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created := w.do(t, "POST", "/scim/v2/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"Ann@Example.com",
		"name":{"givenName":"Ann","familyName":"Lee"},"emails":[{"value":"ann@example.com","type":"work","primary":true}],
		"externalId":"00u1","password":"1mz050nq","active":true,"groups":[]}`).want(201)
	id := created.id()
	location := public + "/scim/v2/Users/" + id
	for _, header := range []string{"Location", "Content-Location"} {
		if got := created.header.Get(header); got != location {
			t.Errorf("POST: got %s %q, want %q", header, got, location)
		}
	}
	user := created.object()
	meta, _ := user["meta"].(map[string]any)
	if meta["location"] != location || meta["resourceType"] != "User" {
		t.Errorf("POST: got meta %v, want resourceType User and location %s", meta, location)
	}
	for _, name := range []string{"created", "lastModified"} {
		if _, err := time.Parse("2006-01-02T15:04:05.000Z", fmt.Sprint(meta[name])); err != nil {
			t.Errorf("POST: meta.%s: %v, want a UTC time with milliseconds", name, err)
		}
	}
	if user["userName"] != "Ann@Example.com" || user["active"] != true || user["password"] != nil {
		t.Errorf("POST: got %s, want userName as sent, active and no password", created.text)
	}

	got := w.do(t, "GET", "/scim/v2/Users/"+id, "").want(200)
	if diff := cmp.Diff(user, got.object()); diff != "" {
		t.Errorf("GET after POST: (-POST +GET)\n%s", diff)
	}
	// Okta sends back what it was answered.
	echoed := w.do(t, "PUT", "/scim/v2/Users/"+id, got.text).want(200)
	if diff := cmp.Diff(user, echoed.object()); diff != "" {
		t.Errorf("PUT of what GET answered: (-GET +PUT)\n%s", diff)
	}
	patched := w.do(t, "PATCH", "/scim/v2/Users/"+id,
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`).want(200)
	if patched.object()["active"] != false {
		t.Errorf("PATCH: got %s, want active false", patched.text)
	}
	w.do(t, "POST", "/scim/v2/Users", `{"userName":"ann@example.com"}`).refused(409, "uniqueness", "userName")
	w.do(t, "DELETE", "/scim/v2/Users/"+id, "").want(204)
	for _, method := range []string{"GET", "DELETE"} {
		w.do(t, method, "/scim/v2/Users/"+id, "").refused(404, "", id)
	}
	w.do(t, "PUT", "/scim/v2/Users/"+id, got.text).refused(404, "", id)
}

func TestGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.user(t, "ann")
	created := w.do(t, "POST", "/scim/v2/Groups", groupBody("All Staff", ann)).want(201)
	id := created.id()
	want := []any{map[string]any{"value": ann, "$ref": public + "/scim/v2/Users/" + ann, "type": "User", "display": "ann"}}
	if diff := cmp.Diff(want, created.object()["members"]); diff != "" {
		t.Errorf("POST: members (-want +got)\n%s", diff)
	}
	user := w.do(t, "GET", "/scim/v2/Users/"+ann, "").want(200).object()
	want = []any{map[string]any{"value": id, "$ref": public + "/scim/v2/Groups/" + id, "type": "direct", "display": "All Staff"}}
	if diff := cmp.Diff(want, user["groups"]); diff != "" {
		t.Errorf("GET of the member: groups (-want +got)\n%s", diff)
	}
	renamed := w.do(t, "PUT", "/scim/v2/Groups/"+id, groupBody("Everybody")).want(200).object()
	if members, ok := renamed["members"].([]any); !ok || len(members) != 0 || renamed["displayName"] != "Everybody" {
		t.Errorf("PUT: got %v, want displayName Everybody and members []", renamed)
	}
	if user := w.do(t, "GET", "/scim/v2/Users/"+ann, "").want(200); strings.Contains(user.text, `"groups"`) {
		t.Errorf("GET of the former member: got %s, want no groups", user.text)
	}
	w.do(t, "DELETE", "/scim/v2/Groups/"+id, "").want(204)
	w.do(t, "GET", "/scim/v2/Groups/"+id, "").refused(404, "", id)
}

// TestPatchGroupAnswers: 200 with the group up to the limit, 204 above, unless attributes are asked for.
func TestPatchGroupAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *worldConfig) { c.Limits.PatchMembers = 2 })
	a, b, c := w.user(t, "a"), w.user(t, "b"), w.user(t, "c")
	group := "/scim/v2/Groups/" + w.group(t, "G")
	change := func(op string, ids ...string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"` + op + `","path":"members","value":` + memberList(ids...) + `}]}`
	}
	two := w.do(t, "PATCH", group, change("add", a, b)).want(200).object()
	if members, _ := two["members"].([]any); len(members) != 2 {
		t.Errorf("PATCH to two members: got %v, want both", two)
	}
	w.do(t, "PATCH", group, change("add", c)).want(204)
	w.do(t, "PATCH", group+"?excludedAttributes=members", change("add", c)).want(204)
	named := w.do(t, "PATCH", group+"?attributes=displayName", change("add", c)).want(200).object()
	if diff := cmp.Diff(map[string]any{"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "id": named["id"], "displayName": "G"}, named); diff != "" {
		t.Errorf("PATCH with attributes: (-want +got)\n%s", diff)
	}
	w.do(t, "PATCH", group, change("remove", c)).want(200)
}

func TestList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := []string{"ann", "bob", "cid", "dee", "eve"}
	for _, name := range names {
		w.user(t, name+"@example.com")
	}
	w.group(t, "Staff")
	for query, want := range map[string]struct {
		total, start int
		names        string
	}{
		"":                       {5, 1, "ann bob cid dee eve"},
		"?startIndex=1&count=2":  {5, 1, "ann bob"},
		"?startIndex=3&count=2":  {5, 3, "cid dee"},
		"?startIndex=5&count=2":  {5, 5, "eve"},
		"?startIndex=6&count=2":  {5, 6, ""},
		"?startIndex=-3&count=1": {5, 1, "ann"},
		"?count=0":               {5, 1, ""},
		"?count=-2":              {5, 1, ""},
		"?filter=userName%20eq%20%22BOB%40example.com%22&startIndex=1&count=100": {1, 1, "bob"},
		"?filter=userName+eq+%22nobody%40example.com%22":                         {0, 1, ""},
		"?filter=userName%20gt%20%22c%22&count=2":                                {3, 1, "cid dee"},
		"?aadOptscim062020&filter=active+eq+true&sortBy=userName&count=1":        {5, 1, "ann"},
	} {
		var got struct {
			Schemas      []string
			TotalResults int
			StartIndex   int
			ItemsPerPage int
			Resources    []map[string]any
		}
		r := w.do(t, "GET", "/scim/v2/Users"+query, "").want(200)
		r.decode(&got)
		var list []string
		for _, u := range got.Resources {
			list = append(list, strings.TrimSuffix(fmt.Sprint(u["userName"]), "@example.com"))
		}
		if got.TotalResults != want.total || got.StartIndex != want.start || got.ItemsPerPage != len(list) || strings.Join(list, " ") != want.names {
			t.Errorf("%s: got total %d, start %d, items %d: %v, want %+v", query, got.TotalResults, got.StartIndex, got.ItemsPerPage, list, want)
		}
		if !strings.Contains(r.text, `"Resources":[`) || len(got.Schemas) != 1 || got.Schemas[0] != "urn:ietf:params:scim:api:messages:2.0:ListResponse" {
			t.Errorf("%s: got %s, want a ListResponse with Resources", query, r.text)
		}
	}
	w.do(t, "GET", "/scim/v2/Users?count=x", "").refused(400, "invalidValue", "count")
	w.do(t, "GET", "/scim/v2/Users?filter=userName%20is%20x", "").refused(400, "invalidFilter", "")
	w.do(t, "GET", "/scim/v2/Users?attributes=userName&excludedAttributes=name", "").refused(400, "invalidValue", "exclude each other")
	ids := w.do(t, "GET", "/scim/v2/Users?attributes=id&count=1", "").want(200)
	if user, _ := ids.object()["Resources"].([]any)[0].(map[string]any); len(user) != 2 || user["id"] == nil || user["schemas"] == nil {
		t.Errorf("attributes=id: got %s, want id and schemas alone", ids.text)
	}
	groups := w.do(t, "GET", "/scim/v2/Groups?excludedAttributes=members&filter=displayName+eq+%22staff%22", "").want(200)
	if strings.Contains(groups.text, "members") || !strings.Contains(groups.text, `"totalResults":1`) {
		t.Errorf("group look-up: got %s, want one group without members", groups.text)
	}
}

// TestBadBodies: what is wrong with a body is said, and nothing changes.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user(t, "ann")
	before := w.do(t, "GET", "/scim/v2/Users/"+id, "").want(200).text
	long := `{"userName":"` + strings.Repeat("x", 1<<20) + `"}`
	for name, tc := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		scimType, detail   string
	}{
		"not JSON":           {"POST", "/Users", `userName=x`, nil, 400, "invalidSyntax", "not valid JSON"},
		"empty":              {"PUT", "/Users/" + id, ``, nil, 400, "invalidSyntax", "empty"},
		"a list":             {"POST", "/Users", `[]`, nil, 400, "invalidSyntax", "object"},
		"a name twice":       {"PUT", "/Users/" + id, `{"userName":"ann","username":"bob"}`, nil, 400, "invalidSyntax", `"username"`},
		"no userName":        {"POST", "/Users", `{"active":true}`, nil, 400, "invalidValue", "userName"},
		"wrong type":         {"POST", "/Users", `{"userName":"x","active":"perhaps"}`, nil, 400, "invalidValue", "active"},
		"no operations":      {"PATCH", "/Users/" + id, `{}`, nil, 400, "invalidSyntax", "Operations"},
		"wrong path":         {"PATCH", "/Users/" + id, `{"Operations":[{"op":"replace","path":"emails[","value":1}]}`, nil, 400, "invalidPath", "Operations[0]"},
		"form":               {"POST", "/Users", `a=b`, []string{"Content-Type: application/x-www-form-urlencoded"}, 415, "", "application/scim+json"},
		"compressed":         {"POST", "/Users", `{}`, []string{"Content-Encoding: gzip"}, 415, "", "compressed"},
		"long user":          {"POST", "/Users", long, nil, 413, "", "1048576"},
		"long user in PATCH": {"PATCH", "/Users/" + id, long, nil, 413, "", "1048576"},
		"bad parameter":      {"PATCH", "/Users/" + id + "?attributes=a%20b", `{"Operations":[{"op":"replace","path":"active","value":false}]}`, nil, 400, "invalidValue", "attributes"},
		"reads HTML only":    {"PATCH", "/Users/" + id, `{"Operations":[{"op":"replace","path":"active","value":false}]}`, []string{"Accept: text/html"}, 406, "", "Accept"},
	} {
		t.Run(name, func(t *testing.T) {
			w.do(t, tc.method, "/scim/v2"+tc.path, tc.body, tc.headers...).refused(tc.status, tc.scimType, tc.detail)
		})
	}
	after := w.do(t, "GET", "/scim/v2/Users?attributes=id", "").want(200)
	if !strings.Contains(after.text, `"totalResults":1`) {
		t.Errorf("got %s, want still one user", after.text)
	}
	if got := w.do(t, "GET", "/scim/v2/Users/"+id, "").want(200).text; got != before {
		t.Errorf("got %s, want unchanged %s", got, before)
	}
}

// TestLongGroup: a group's body may be longer than a user's.
func TestLongGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *worldConfig) { c.Limits = server.Limits{Body: 100, GroupBody: 1000} })
	ann := w.do(t, "POST", "/scim/v2/Users", `{"userName":"ann"}`).want(201).id()
	w.do(t, "POST", "/scim/v2/Groups", groupBody("G", ann)+strings.Repeat(" ", 500)).want(201)
	w.do(t, "POST", "/scim/v2/Groups", groupBody("H", ann)+strings.Repeat(" ", 1000)).refused(413, "", "1000")
	w.do(t, "POST", "/scim/v2/Users", `{"userName":"bob"}`+strings.Repeat(" ", 100)).refused(413, "", "100")
}

// TestColdMirror: until the mirror is complete, a list is answered 429 and the client comes back.
func TestColdMirror(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *worldConfig) { c.cold = true })
	r := w.do(t, "GET", "/scim/v2/Users?startIndex=1&count=100", "").refused(429, "", "")
	if seconds := r.header.Get("Retry-After"); strings.Trim(seconds, "0123456789") != "" || seconds == "" {
		t.Errorf("got Retry-After %q, want whole seconds", seconds)
	}
	w.do(t, "GET", "/scim/v2/Users?startIndex=1&count=2", "").want(200) // a credential test
}

// TestDeadline: a pool that does not answer does not hold the request.
func TestDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *worldConfig) { c.hang, c.Limits.Deadline = true, 50*time.Millisecond })
	started := time.Now()
	r := w.do(t, "POST", "/scim/v2/Users", `{"userName":"ann"}`)
	if r.status != http.StatusServiceUnavailable && r.status != http.StatusTooManyRequests {
		t.Errorf("got %d %s, want 503 or 429", r.status, r.text)
	}
	if r.header.Get("Retry-After") == "" {
		t.Error("got no Retry-After, want one")
	}
	if took := time.Since(started); took > 30*time.Second {
		t.Errorf("took %v, want about the deadline of 50 ms", took)
	}
}

// A leaver must be out, whatever else the identity provider got wrong in the same PUT.
func TestPutDeactivatesEvenIfTheRestIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.do(t, "POST", "/scim/v2/Users", `{"userName":"ann","title":"Dr"}`).want(201).id()
	w.do(t, "PUT", "/scim/v2/Users/"+id, `{"userName":"ann","emails":7,"active":true}`).refused(400, "invalidValue", "emails")
	got := w.do(t, "PUT", "/scim/v2/Users/"+id, `{"userName":"ann","emails":7,"active":"False"}`).want(200).object()
	if got["active"] != false || got["title"] != "Dr" {
		t.Errorf("got active %v and title %v, want the deactivation alone", got["active"], got["title"])
	}
	w.do(t, "PUT", "/scim/v2/Users/nobody", `{"userName":7,"active":false}`).refused(404, "", "nobody")
}
