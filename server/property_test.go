package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

// What holds for any user whatever, asked of the whole server: each property once, over random users. Those of paging
// stand in cursor_test.go and in store/sort_test.go, those of filters in SQL in store/model_test.go.

// anyone makes users out of the definitions. It is small, so that none overflows.
type anyone struct{ *rand.Rand }

func draws(seed uint64) anyone { return anyone{rand.New(rand.NewPCG(seed, 0))} }

func (g anyone) of(list ...string) string { return list[g.IntN(len(list))] }

// user draws a user with a userName of its own, in which any other attribute may be.
func (g anyone) user(n int) map[string]any {
	u := map[string]any{"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": fmt.Sprint("user", n)}
	for _, urn := range append([]string{""}, schemas.Users.Tree.Extensions()...) {
		into := u
		if urn != "" {
			into = map[string]any{}
		}
		for _, a := range schemas.Users.Tree.Attributes(urn) {
			if a.Mutability == attribute.ReadWrite && into[a.Name] == nil && g.IntN(3) == 0 {
				into[a.Name] = g.value(a)
			}
		}
		if urn != "" && len(into) > 0 {
			u[urn] = into
		}
	}
	return u
}

// value draws a legal value of an attribute.
func (g anyone) value(a *attribute.Attribute) any {
	if !a.MultiValued {
		return g.single(a, 0)
	}
	var list []any
	for i := range 1 + g.IntN(3) {
		list = append(list, g.single(a, i))
	}
	return list
}

func (g anyone) single(a *attribute.Attribute, i int) any {
	switch a.Type {
	case attribute.Boolean:
		return a.Name != "primary" && g.IntN(2) == 0 || a.Name == "primary" && i == 0
	case attribute.Binary:
		return g.of("QUJD", "AAAA")
	case attribute.Complex:
		m := map[string]any{}
		for _, sub := range a.Sub {
			if sub.Mutability != attribute.ReadOnly && (sub.Name == "value" || sub.Name == "formatted" || g.IntN(2) == 0) {
				m[sub.Name] = g.single(sub, i)
			}
		}
		return m
	}
	if a.Name == "type" {
		return g.of("work", "home", "other")
	}
	return g.of("Ada", "ada", "Grace Hopper", "ÄÖ ß", "a@b.example", "+49 30 123", `"quoted" \`, "日本") + strings.Repeat("'", i)
}

// answered is a resource as the server has it.
func (w *world) answered(t *testing.T, id, query string) map[string]any {
	t.Helper()
	return w.do(t, "GET", "/scim/v2/Users/"+id+query, "").want(200).object()
}

func body(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPutOfAGetChangesNothing: Okta sends back what it has read. Nothing is called, and not even the version changes.
func TestPutOfAGetChangesNothing(t *testing.T) {
	t.Parallel()
	w, g := newWorld(t), draws(1)
	for i := range 150 / slower {
		sent := g.user(i)
		sent["active"] = true // false signs people out again, each time
		id := w.do(t, "POST", "/scim/v2/Users", body(t, sent)).want(201).id()
		paths := []string{"/scim/v2/Users/" + id}
		if i%3 == 0 {
			paths = append(paths, "/scim/v2/Groups/"+w.group(t, fmt.Sprint("group", i), id))
		}
		for _, path := range paths {
			before := w.do(t, "GET", path, "").want(200).text
			w.emulator.ResetCalls()
			after := w.do(t, "PUT", path, before).want(200).text
			if after != before {
				t.Fatalf("user %d: got\n%s after a PUT of\n%s", i, after, before)
			}
			if calls := w.writes(); len(calls) > 0 {
				t.Fatalf("user %d: got calls %v by a PUT of %s, want none", i, calls, before)
			}
		}
	}
}

// writes are the calls that change the pool, by name.
func (w *world) writes() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(w.emulator.Calls())), func(operation string) bool {
		return strings.HasPrefix(operation, "List") || strings.HasPrefix(operation, "Describe") || strings.Contains(operation, "Get")
	})
}

// TestPatchThenGetEqualsTheModel: what a PATCH makes of a user, by package patch alone, is what the server then answers. Package
// patch itself is held against other implementations, in schemas/oracle.
func TestPatchThenGetEqualsTheModel(t *testing.T) {
	t.Parallel()
	w, g := newWorld(t), draws(2)
	const people = 200 / slower
	changed, refused := 0, 0
	for i := range people {
		id := w.do(t, "POST", "/scim/v2/Users", body(t, g.user(i))).want(201).id()
		for range 3 {
			before := w.answered(t, id, "")
			operations := map[string]any{"schemas": []any{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": g.operations()}
			want, err := patched(t, before, operations)
			if want != nil && want["active"] == nil {
				want["active"] = before["active"] // who may sign in is never undefined
			}
			r := w.do(t, "PATCH", "/scim/v2/Users/"+id, body(t, operations))
			after := w.answered(t, id, "")
			if err != nil {
				refused++
				if r.want(400); !cmp.Equal(before, after) {
					t.Fatalf("user %d: refused %s (%v), but it changed: %s", i, body(t, operations), err, cmp.Diff(before, after))
				}
				continue
			}
			if diff := cmp.Diff(bare(want), bare(r.want(200).object())); diff != "" {
				t.Fatalf("user %d: %s on %s: (-model +answer)\n%s", i, body(t, operations), body(t, before), diff)
			}
			if diff := cmp.Diff(r.object(), after); diff != "" {
				t.Fatalf("user %d: %s: (-answer +GET)\n%s", i, body(t, operations), diff)
			}
			if !cmp.Equal(bare(before), bare(after)) {
				changed++
			} else if before["meta"].(map[string]any)["version"] != after["meta"].(map[string]any)["version"] {
				t.Fatalf("user %d: %s changed nothing but the version", i, body(t, operations))
			}
		}
	}
	if changed < people || refused == 0 {
		t.Errorf("got %d changed and %d refused of %d, want a third at least to change something, and some to be refused", changed, refused, 3*people)
	}
}

// patched is the model.
func patched(t *testing.T, before, operations map[string]any) (map[string]any, error) {
	t.Helper()
	ops, _, err := schemas.Users.DecodePatch(decodeNumbers(t, operations))
	if err != nil {
		return nil, err
	}
	after, err := patch.Apply(schemas.Users.Tree, bare(before), ops)
	if err != nil {
		return nil, err
	}
	return schemas.Users.Settle(before, after)
}

func decodeNumbers(t *testing.T, v any) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(body(t, v)))
	dec.UseNumber()
	var decoded any
	if err := dec.Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

// bare is a resource without what the server adds.
func bare(u map[string]any) map[string]any {
	u = maps.Clone(u)
	delete(u, "schemas")
	delete(u, "meta")
	delete(u, "groups")
	return u
}

// operations draws one to three operations.
func (g anyone) operations() []any {
	var list []any
	for range 1 + g.IntN(3) {
		attributes := slices.Concat(schemas.Users.Tree.Attributes(""), schemas.Users.Tree.Attributes(schemas.EnterpriseURN))
		a := attributes[g.IntN(len(attributes))]
		if a.Returned == attribute.Never || a.Name == "userName" || a.Mutability == attribute.ReadOnly && g.IntN(4) > 0 {
			continue
		}
		op := map[string]any{"op": g.of("add", "replace", "replace", "remove"), "path": a.Path(), "value": g.value(a)}
		if a.Type == attribute.Complex && g.IntN(2) == 0 {
			sub := a.Sub[g.IntN(len(a.Sub))]
			op["path"], op["value"] = a.Path()+"."+sub.Name, g.single(sub, 1)
			if a.MultiValued {
				op["path"] = fmt.Sprintf(`%s[type eq "%s"].%s`, a.Path(), g.of("work", "home"), sub.Name)
			}
		}
		switch {
		case op["op"] == "remove":
			delete(op, "value")
		case op["path"] == a.Path() && a.Extension() == "" && g.IntN(3) == 0:
			delete(op, "path")
			op["value"] = map[string]any{a.Name: op["value"]}
		}
		list = append(list, op)
	}
	if list == nil {
		return g.operations()
	}
	return list
}

// TestAFilterAndItsNegationPartition: whoever does not match a filter matches "not", and nobody both (RFC 7644 section
// 3.4.2.2), whatever they have no value of.
func TestAFilterAndItsNegationPartition(t *testing.T) {
	t.Parallel()
	w, g := newWorld(t), draws(3)
	const people = 40
	for i := range people {
		w.do(t, "POST", "/scim/v2/Users", body(t, g.user(i))).want(201)
	}
	some := 0
	const filters = 300 / slower
	for range filters {
		f := g.filter(2)
		yes, no := w.found(t, f), w.found(t, "not ("+f+")")
		if len(yes)+len(no) != people || slices.ContainsFunc(yes, func(id string) bool { return slices.Contains(no, id) }) {
			t.Fatalf("%s: got %d, and by its negation %d, want %d in all, each once", f, len(yes), len(no), people)
		}
		if len(yes) > 0 && len(no) > 0 {
			some++
		}
	}
	if some < filters/3 {
		t.Errorf("got %d filters of %d that split the users, want a third, or the test says little", some, filters)
	}
}

func (w *world) found(t *testing.T, filter string) (ids []string) {
	t.Helper()
	list := w.do(t, "GET", "/scim/v2/Users?count=1000&attributes=id&filter="+url.QueryEscape(filter), "").want(200).object()
	resources, _ := list["Resources"].([]any)
	for _, r := range resources {
		ids = append(ids, r.(map[string]any)["id"].(string))
	}
	return ids
}

func (g anyone) filter(depth int) string {
	if depth > 0 && g.IntN(2) == 0 {
		return fmt.Sprintf("(%s) %s %s", g.filter(depth-1), g.of("and", "or"), g.filter(depth-1))
	}
	value := strconv.Quote(g.of("Ada", "ada", "a", "Grace Hopper", "user1", "work", "日本", ""))
	return g.of(
		g.of("userName", "displayName", "title", "externalId", "name.familyName", "emails.value", "emails.type", "emails", "roles.value", "manager.value", "nonsense",
			schemas.EnterpriseURN+":department", "groups.value")+" "+g.of("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le")+" "+value,
		g.of("active", "emails.primary")+" "+g.of("eq", "ne")+" "+g.of("true", "false"),
		g.of("title", "emails", "name", "active", "nonsense", schemas.EnterpriseURN)+" pr",
		g.of("title", "emails", "active")+" "+g.of("eq", "ne")+" null",
		`emails[type `+g.of("eq", "ne")+` "work" and not (value sw `+value+`)]`,
		`roles[primary eq true].value `+g.of("eq", "ne", "pr or title eq")+` `+value,
	)
}

// TestProjectionNeverAdds: attributes and excludedAttributes leave parts of the whole answer out, and between them nothing
// (RFC 7644 section 3.9).
func TestProjectionNeverAdds(t *testing.T) {
	t.Parallel()
	w, g := newWorld(t), draws(4)
	for i := range 40 / slower {
		id := w.do(t, "POST", "/scim/v2/Users", body(t, g.user(i))).want(201).id()
		w.group(t, fmt.Sprint("group", i), id)
		whole := leaves(w.answered(t, id, ""))
		for range 10 {
			var names []string
			for range 1 + g.IntN(3) {
				names = append(names, g.of("userName", "name", "name.givenName", "emails", "emails.value", "EMAILS.TYPE", "groups", "groups.display", "meta", "meta.version", "id",
					"schemas", "password", "nonsense", schemas.EnterpriseURN, schemas.EnterpriseURN+":manager.value", "urn:ietf:params:scim:schemas:core:2.0:User:title"))
			}
			list := url.QueryEscape(strings.Join(names, ","))
			with, without := leaves(w.answered(t, id, "?attributes="+list)), leaves(w.answered(t, id, "?excludedAttributes="+list))
			if with["id"] == nil || with["schemas"] == nil || without["id"] == nil || without["schemas"] == nil {
				t.Fatalf("%v: got %v and %v, want id and schemas in any answer", names, with, without)
			}
			delete(with, "schemas") // names what the answer holds
			delete(without, "schemas")
			for path, values := range with {
				if !cmp.Equal(values, whole[path]) {
					t.Fatalf("%s of attributes=%v: got %q, the whole has %q", path, names, values, whole[path])
				}
			}
			for path, values := range without {
				if !cmp.Equal(values, whole[path]) {
					t.Fatalf("%s of excludedAttributes=%v: got %q, the whole has %q", path, names, values, whole[path])
				}
			}
			for path := range whole {
				if (with[path] != nil) == (without[path] != nil) && path != "id" && path != "schemas" {
					t.Fatalf("%s of %v: got it with attributes: %q, with excludedAttributes: %q; want one of them", path, names, with[path], without[path])
				}
			}
		}
	}
}

// leaves are the simple values in a resource, by their path, in their order.
func leaves(resource map[string]any) map[string][]string {
	found := map[string][]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, sub := range v {
				walk(strings.TrimPrefix(path+"."+name, "."), sub)
			}
		case []any:
			for _, e := range v {
				walk(path, e)
			}
		default:
			found[path] = append(found[path], fmt.Sprint(v))
		}
	}
	walk("", resource)
	return found
}

// TestProjectionOfEveryVerb is RFC 7644 section 3.9: the parameters go with every request that answers a resource, and PATCH
// must then answer one however large it is (section 3.5.2).
func TestProjectionOfEveryVerb(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *worldConfig) { c.Limits.PatchMembers = 1 })
	const ann = `{"userName":"ann","title":"Dr","name":{"givenName":"Ann","familyName":"Lee"}}`
	made := w.do(t, "POST", "/scim/v2/Users?attributes=title", ann).want(201)
	user := "/scim/v2/Users/" + made.id()
	group := "/scim/v2/Groups/" + w.group(t, "staff", made.id(), w.user(t, "bob"))
	const retitle = `{"Operations":[{"op":"replace","path":"title","value":"Dr"}]}`
	const rename = `{"Operations":[{"op":"replace","path":"displayName","value":"Staff"}]}`
	for what, r := range map[string]reply{
		"POST":           made,
		"GET":            w.do(t, "GET", user+"?attributes=title", ""),
		"PUT":            w.do(t, "PUT", user+"?attributes=title", ann),
		"PATCH":          w.do(t, "PATCH", user+"?attributes=TITLE", retitle),
		"excluding":      w.do(t, "PUT", user+"?excludedAttributes=userName,name,meta,active,groups", ann),
		"a search":       w.do(t, "POST", "/scim/v2/Users/.search", `{"filter":"userName eq \"ann\"","attributes":["title"]}`),
		"a list":         w.do(t, "GET", "/scim/v2/Users?attributes=title&filter=userName+eq+%22ann%22", ""),
		"PATCH of large": w.do(t, "PATCH", group+"?attributes=displayName", rename),
	} {
		got := r.object()
		if list, ok := got["Resources"].([]any); ok && len(list) == 1 {
			got, _ = list[0].(map[string]any)
		}
		want := []string{"id", "schemas", "title"}
		if strings.Contains(what, "large") {
			want = []string{"displayName", "id", "schemas"}
		}
		if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
			t.Errorf("%s: got %d with %q, want %q", what, r.status, names, want)
		}
	}
	w.do(t, "PATCH", group, rename).want(204)
	w.do(t, "PATCH", user+"?attributes=title&excludedAttributes=id", retitle).refused(400, "invalidValue", "exclude each other")
}
