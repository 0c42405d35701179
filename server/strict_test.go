package server_test

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/schemas"
)

// spoken is one dialect's request and what a strict connection answers.
type spoken struct {
	dialect            schemas.Dialect
	method, path, body string
	status             int // when strict
	scimType, detail   string
	authorization      string // "": the usual one
}

const (
	coreURN  = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`
	bossPath = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
)

func filtered(filter string) string { return "/scim/v2/Users?filter=" + url.QueryEscape(filter) }

// dialects has a request for each dialect, one place where it is spoken a line.
var dialects = []spoken{
	{dialect: schemas.BareToken, method: "GET", path: "/scim/v2/Users", status: 401, detail: "Bearer <token>", authorization: token},
	{dialect: schemas.LooseSchemas, method: "POST", path: "/scim/v2/Users", body: `{"userName":"bob"}`, status: 400, scimType: "invalidSyntax", detail: "schemas must hold"},
	{dialect: schemas.LooseSchemas, method: "POST", path: "/scim/v2/Users", body: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0User"],"userName":"cid"}`,
		status: 400, scimType: "invalidSyntax", detail: "2.0User"},
	{dialect: schemas.LooseSchemas, method: "PATCH", path: "/scim/v2/Users/{ann}", body: `{"Operations":[{"op":"replace","path":"title","value":"x"}]}`, status: 400, scimType: "invalidSyntax", detail: "PatchOp"},
	{dialect: schemas.UndefinedAttributes, method: "POST", path: "/scim/v2/Users", body: `{` + coreURN + `,"userName":"dan","shoeSize":9}`, status: 400, scimType: "invalidSyntax", detail: "shoeSize"},
	{dialect: schemas.UndefinedAttributes, method: "PUT", path: "/scim/v2/Users/{ann}", body: `{` + coreURN + `,"userName":"ann","name":{"nick":"x"}}`, status: 400, scimType: "invalidSyntax", detail: "name.nick"},
	{dialect: schemas.UndefinedAttributes, method: "PUT", path: "/scim/v2/Users/{ann}", body: `{` + coreURN + `,"userName":"ann","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"hat":"x"}}`,
		status: 400, scimType: "invalidSyntax", detail: "enterprise:2.0:User:hat"},
	{dialect: schemas.UndefinedPaths, method: "PATCH", path: "/scim/v2/Users/{ann}", body: patchBy(`"replace","path":"shoeSize","value":9`), status: 400, scimType: "noTarget", detail: "shoeSize"},
	{dialect: schemas.WordForBoolean, method: "PATCH", path: "/scim/v2/Users/{ann}", body: patchBy(`"replace","path":"active","value":"True"`), status: 400, scimType: "invalidValue", detail: "active must be true or false"},
	{dialect: schemas.WordForBoolean, method: "PUT", path: "/scim/v2/Users/{ann}", body: `{` + coreURN + `,"userName":"ann","active":"False"}`, status: 400, scimType: "invalidValue", detail: "active must be true or false"},
	{dialect: schemas.ListForSingle, method: "PATCH", path: "/scim/v2/Users/{ann}", body: patchBy(`"replace","path":"` + bossPath + `","value":[{"value":"7"}]`), status: 400, scimType: "invalidValue", detail: "must be a JSON object"},
	{dialect: schemas.SingleForList, method: "POST", path: "/scim/v2/Users", body: `{` + coreURN + `,"userName":"eli","emails":{"value":"eli@x.org"}}`, status: 400, scimType: "invalidValue", detail: "emails must be a list"},
	{dialect: schemas.TextForReference, method: "PATCH", path: "/scim/v2/Users/{ann}", body: patchBy(`"replace","path":"` + bossPath + `","value":"271"`), status: 400, scimType: "invalidValue", detail: "must be a JSON object"},
	{dialect: schemas.TextForReference, method: "PATCH", path: "/scim/v2/Groups/{staff}", body: patchBy(`"add","path":"members","value":["{ann}"]`), status: 400, scimType: "invalidValue", detail: "members must be a JSON object"},
	{dialect: schemas.OpInAnyCase, method: "PATCH", path: "/scim/v2/Users/{ann}", body: patchBy(`"Replace","path":"title","value":"x"`), status: 400, scimType: "invalidSyntax", detail: "op must be add, replace or remove"},
	{dialect: schemas.PathsAsKeys, method: "PATCH", path: "/scim/v2/Users/{ann}", body: patchBy(`"replace","value":{"name.givenName":"Ann"}`), status: 400, scimType: "invalidSyntax", detail: "name.givenName"},
	{dialect: schemas.PathsAsKeys, method: "PATCH", path: "/scim/v2/Users/{ann}", body: patchBy(`"replace","value":{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"R"}`),
		status: 400, scimType: "invalidSyntax", detail: "User:department"},
	{dialect: schemas.ReadOnlyInPatch, method: "PATCH", path: "/scim/v2/Groups/{staff}", body: patchBy(`"replace","value":{"id":"{staff}","displayName":"Staff"}`), status: 400, scimType: "mutability", detail: "id is readOnly"},
	{dialect: schemas.ValuePathCreates, method: "PATCH", path: "/scim/v2/Users/{ann}", body: patchBy(`"replace","path":"emails[type eq \"home\"].value","value":"h@x.org"`), status: 400, scimType: "noTarget", detail: "no element of emails"},
	{dialect: schemas.RemoveWithValue, method: "PATCH", path: "/scim/v2/Groups/{staff}", body: patchBy(`"remove","path":"members","value":[{"value":"{ann}"}]`), status: 400, scimType: "invalidValue", detail: "remove takes no value"},
	{dialect: schemas.RemoveOfNothing, method: "PATCH", path: "/scim/v2/Users/{ann}", body: patchBy(`"remove","path":"emails[type eq \"fax\"]"`), status: 400, scimType: "noTarget", detail: "no element of emails"},
	{dialect: schemas.BareExtensionAttribute, method: "PATCH", path: "/scim/v2/Users/{ann}", body: patchBy(`"replace","path":"manager","value":{"value":"7"}`), status: 400, scimType: "noTarget", detail: bossPath},
	{dialect: schemas.BareExtensionAttribute, method: "GET", path: filtered(`manager.value eq "7"`), status: 400, scimType: "invalidFilter", detail: bossPath},
	{dialect: schemas.UnquotedText, method: "GET", path: filtered(`externalId eq jyoung`), status: 400, scimType: "invalidFilter", detail: "double quotes"},
	{dialect: schemas.QuotedBoolean, method: "GET", path: filtered(`active eq "True"`), status: 400, scimType: "invalidFilter", detail: "without quotes"},
	{dialect: schemas.QuotedBoolean, method: "GET", path: filtered(`emails[primary eq "True"]`), status: 400, scimType: "invalidFilter", detail: "without quotes"},
	{dialect: schemas.SubAfterValueFilter, method: "GET", path: filtered(`emails[type eq "work"].value eq "a@x.org"`), status: 400, scimType: "invalidFilter", detail: "inside the brackets"},
	{dialect: schemas.TimeWithoutZone, method: "GET", path: filtered(`meta.created gt "2020-01-01T00:00:00"`), status: 400, scimType: "invalidFilter", detail: "zone"},
}

// Each dialect is understood, unless the connection is strict: then it is refused, and nothing has changed.
func TestDialects(t *testing.T) {
	t.Parallel()
	lenient, strict := newWorld(t), newWorld(t, func(c *worldConfig) { c.policy.Strict = true })
	fill := func(w *world) *strings.Replacer {
		ann := w.user(t, "ann")
		return strings.NewReplacer("{ann}", ann, "{staff}", w.group(t, "Staff", ann))
	}
	names, strictNames := fill(lenient), fill(strict)
	for i, d := range dialects {
		t.Run(fmt.Sprintf("%s/%d", d.dialect, i), func(t *testing.T) {
			headers := []string{}
			if d.authorization != "" {
				headers = append(headers, "Authorization: "+d.authorization)
			}
			if r := lenient.do(t, d.method, names.Replace(d.path), names.Replace(d.body), headers...); r.status >= 300 {
				t.Errorf("lenient: got %d %s, want it understood", r.status, r.text)
			}
			calls := strict.changes()
			r := strict.do(t, d.method, strictNames.Replace(d.path), strictNames.Replace(d.body), headers...)
			r.refused(d.status, d.scimType, d.detail)
			for op, n := range strict.changes() {
				if n != calls[op] {
					t.Errorf("strict: got a call of %s, want none", op)
				}
			}
		})
	}
}

// What a strict connection understands is SCIM as the RFCs have it.
func TestStrictUnderstandsTheRFCs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *worldConfig) { c.policy.Strict = true })
	made := w.do(t, "POST", "/scim/v2/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"id":"ignored","meta":{},"userName":"ann","emails":[{"value":"a@x.org","type":"work"}],"active":true,
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R","manager":{"value":"7"}}}`).want(201)
	id := made.id()
	w.do(t, "PUT", "/scim/v2/Users/"+id, made.text).want(200)
	for _, op := range []string{
		`"replace","path":"emails[type eq \"work\"].value","value":"b@x.org"`, `"add","path":"emails","value":{"value":"c@x.org"}`,
		`"add","value":{"emails":[{"value":"d@x.org"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"division":"D"}}`,
		`"remove","path":"emails[value eq \"c@x.org\"]"`, `"replace","path":"` + bossPath + `","value":{"value":"8"}`, `"replace","path":"NAME.givenName","value":"Ann"`,
		`"replace","value":{"active":false}`, `"remove","path":"name"`,
	} {
		w.do(t, "PATCH", "/scim/v2/Users/"+id, patchBy(op)).want(200)
	}
	for _, filter := range []string{`active eq false`, `userName eq "ANN" and emails[type eq "work" and value sw "b"]`, `meta.created gt "2020-01-01T00:00:00Z"`,
		bossPath + `.value eq "8"`, `emails co "x.org"`, `not (title pr)`} {
		var page struct{ TotalResults int }
		if w.do(t, "GET", filtered(filter), "").want(200).decode(&page); page.TotalResults != 1 {
			t.Errorf("%s: got %d users, want 1", filter, page.TotalResults)
		}
	}
	group := w.group(t, "Staff", id)
	w.do(t, "PATCH", "/scim/v2/Groups/"+group, patchBy(`"remove","path":"members[value eq \"`+id+`\"]"`)).want(200)
	// The rule that a leaver must be out is no dialect.
	w.do(t, "PATCH", "/scim/v2/Users/"+id, patchBy(`"replace","path":"active","value":true`)).want(200)
	out := w.do(t, "PATCH", "/scim/v2/Users/"+id, patchOf(`{"op":"replace","path":"emails","value":7}`, `{"op":"replace","path":"active","value":false}`)).want(200)
	if out.object()["active"] != false {
		t.Errorf("got %s, want the deactivation made", out.text)
	}
}

// The dialects in the code, in the tests above and in the docs are the same.
func TestDialectsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/divergences.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## Dialects")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| [^|]+ \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(table, -1) {
		documented = append(documented, row[1])
	}
	var named, tested []string
	for _, d := range schemas.Dialects {
		named = append(named, string(d))
	}
	for _, d := range dialects {
		tested = append(tested, string(d.dialect))
	}
	slices.Sort(documented)
	slices.Sort(named)
	slices.Sort(tested)
	tested = slices.Compact(tested)
	if !slices.Equal(documented, named) || !slices.Equal(tested, named) {
		t.Errorf("documented: %v\ntested: %v\nwant both to be %v", documented, tested, named)
	}
}
