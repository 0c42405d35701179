package server_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// question is a list request; what is empty is not sent.
type question struct{ filter, startIndex, count, attributes, excluded, sortBy, sortOrder string }

// FuzzQuery compares lists with the whole: which resources match and on which page they are, and which attributes they
// show, is worked out from all resources as they are shown one by one. Cursors lead through the same list.
func FuzzQuery(f *testing.F) {
	for _, q := range []question{
		{}, {filter: `userName eq "ANN"`}, {filter: `emails[type eq "work" and value co "@"].value ew ".com" or not (title pr)`, count: "2"},
		{filter: `groups.display sw "S" and active eq "true"`, startIndex: "2"}, {filter: `members.value eq "x" or displayName gt "a"`, attributes: "displayName,members.value"},
		{filter: `meta.created gt "2020-01-01T00:00:00Z" and id pr`, excluded: "emails,meta.location"}, {startIndex: "-1", count: "99999999999999999999"},
		{filter: `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "Eng"`, attributes: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"},
		{filter: `id pr`, sortBy: "emails", sortOrder: "descending", count: "2"}, {sortBy: "name.familyName", startIndex: "3"}, {sortBy: "meta.lastModified", sortOrder: "Ascending"},
		{sortBy: "password"}, {sortBy: "name"}, {sortBy: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"},
		{filter: `schemas co "enterprise" or externalId eq "E1" or externalId eq "e1"`}, {filter: `password pr`}, {filter: `groups eq "x" or groups[display eq "Crew"]`},
	} {
		f.Add(q.filter, q.startIndex, q.count, q.attributes, q.excluded, q.sortBy, q.sortOrder, false)
		f.Add(q.filter, q.startIndex, q.count, q.attributes, q.excluded, q.sortBy, q.sortOrder, true)
	}
	l := newLibrary(f)
	f.Fuzz(func(t *testing.T, where, startIndex, count, attributes, excluded, sortBy, sortOrder string, ofGroups bool) {
		l.ask(t, question{where, startIndex, count, attributes, excluded, sortBy, sortOrder}, ofGroups)
	})
}

// library is a world with a few resources, and all of them as they are shown.
type library struct {
	*world
	users, groups []map[string]any
}

func newLibrary(t testing.TB) *library {
	t.Helper()
	l := &library{world: newWorld(t)}
	var ids []string
	for _, body := range []string{
		`{"userName":"ann","displayName":"Ann","externalId":"E1","title":"Boss","emails":[{"value":"Ann@Example.com","type":"work","primary":true},{"value":"a@home.example"}],"active":true}`,
		`{"userName":"Bob","name":{"givenName":"Bob","familyName":"Lee"},"phoneNumbers":[{"value":"+1 425","type":"mobile"}],"active":false,"` + enterpriseURN + `":{"department":"Eng","manager":{"value":"x"}}}`,
		`{"userName":"çid","nickName":"` + strings.Repeat("n", 600) + `","roles":[{"value":"r","primary":true},{"value":"s"}],"externalId":"e1"}`,
		`{"userName":"dee","title":"","addresses":[{"type":"work","locality":"Köln","formatted":"a\nb"}],"profileUrl":"https://example.com/d","locale":"de"}`,
		`{"userName":"eve","displayName":"ANN","emails":[{"value":"eve@example.com"}],"x509Certificates":[{"value":"aGk="}]}`,
	} {
		ids = append(ids, l.do(t, "POST", users, body).want(201).id())
	}
	l.group(t, "Staff", ids[0], ids[2])
	l.group(t, "crew", ids[0])
	l.group(t, "Nobody & Co")
	for _, id := range ids {
		l.users = append(l.users, l.do(t, "GET", users+"/"+id, "").want(200).object())
	}
	var all struct{ Resources []map[string]any }
	l.do(t, "GET", groups, "").want(200).decode(&all)
	l.groups = all.Resources
	return l
}

// ask sends a question and compares the answer.
func (l *library) ask(t *testing.T, q question, ofGroups bool) {
	t.Helper()
	path, rt, all := users, schemas.Users, l.users
	if ofGroups {
		path, rt, all = groups, schemas.Groups, l.groups
	}
	got := l.get(t, path, q)
	want, ok := matching(rt, all, q.filter)
	start, startOK := whole32(q.startIndex, 1)
	count, countOK := whole32(q.count, 100)
	if !ok || !startOK || !countOK || !q.projects() || !q.sorts(rt) {
		if got.status != 400 {
			t.Fatalf("%s: got %d %s, want 400", got.what, got.status, got.text)
		}
		got.refused(400, map[bool]string{true: badTerm, false: value}[strings.Contains(got.text, badTerm)], "")
		return
	}
	if q.sortBy != "" {
		want = l.sorted(t, path, q, want)
	}
	var answer listed
	got.want(200).decode(&answer)
	start = max(start, 1)
	page := want[min(start-1, len(want)):min(start-1+min(max(count, 0), 1000), len(want))]
	if answer.TotalResults != len(want) || answer.StartIndex != start || answer.ItemsPerPage != len(page) || len(answer.Resources) != len(page) {
		t.Fatalf("%s: got %s, want %d of %d resources from %d", got.what, got.text, len(page), len(want), start)
	}
	for i, r := range answer.Resources {
		if r["id"] != page[i]["id"] {
			t.Fatalf("%s: resource %d: got %v, want %v", got.what, i, r["id"], page[i]["id"])
		}
		q.check(t, rt, page[i], r)
	}
	l.follows(t, path, q, want)
}

// listed is a ListResponse.
type listed struct {
	TotalResults, StartIndex, ItemsPerPage int
	Resources                              []map[string]any
	NextCursor                             string
}

// get asks a question, with more parameters.
func (l *library) get(t *testing.T, path string, q question, more ...string) reply {
	t.Helper()
	query := url.Values{}
	for name, v := range map[string]string{"filter": q.filter, "startIndex": q.startIndex, "count": q.count, "attributes": q.attributes, "excludedAttributes": q.excluded,
		"sortBy": q.sortBy, "sortOrder": q.sortOrder} {
		if v != "" {
			query.Set(name, v)
		}
	}
	for _, each := range more {
		name, v, _ := strings.Cut(each, "=")
		query.Set(name, v)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.URL.RawQuery = query.Encode()
	r.Header.Set("Authorization", "Bearer "+token)
	rec := httptest.NewRecorder()
	l.ServeHTTP(rec, r)
	return reply{t, "GET " + path + "?" + r.URL.RawQuery, rec.Code, rec.Header(), rec.Body.String()}
}

// sorted returns resources in the order in which one page of them all comes; none may be missing.
func (l *library) sorted(t *testing.T, path string, q question, want []map[string]any) []map[string]any {
	t.Helper()
	var all listed
	got := l.get(t, path, question{filter: q.filter, sortBy: q.sortBy, sortOrder: q.sortOrder})
	got.want(200).decode(&all)
	byID := map[any]map[string]any{}
	for _, r := range want {
		byID[r["id"]] = r
	}
	var ordered []map[string]any
	for _, r := range all.Resources {
		if byID[r["id"]] != nil {
			ordered = append(ordered, byID[r["id"]])
			delete(byID, r["id"])
		}
	}
	if len(ordered) != len(want) || len(all.Resources) != len(want) {
		t.Fatalf("%s: got %s, want %d resources, each once", got.what, got.text, len(want))
	}
	return ordered
}

// follows reads the list by cursor, two resources a page.
func (l *library) follows(t *testing.T, path string, q question, want []map[string]any) {
	t.Helper()
	q.startIndex, q.count = "", "2"
	for cursor, n := "", 0; ; {
		var p listed
		got := l.get(t, path, q, "cursor="+cursor)
		got.want(200).decode(&p)
		for i, r := range p.Resources {
			if n+i >= len(want) || r["id"] != want[n+i]["id"] {
				t.Fatalf("%s: got %s, want the next of %d resources behind %d", got.what, got.text, len(want), n)
			}
		}
		n += len(p.Resources)
		if cursor = p.NextCursor; cursor == "" && n == len(want) {
			return
		}
		if cursor == "" || len(p.Resources) == 0 {
			t.Fatalf("%s: got %s, want more: there are %d of %d", got.what, got.text, n, len(want))
		}
	}
}

// sorts reports whether the parameters of sorting make sense.
func (q question) sorts(rt *schemas.ResourceType) bool {
	if q.sortOrder != "" && !strings.EqualFold(q.sortOrder, "ascending") && !strings.EqualFold(q.sortOrder, "descending") {
		return false
	}
	if q.sortBy == "" {
		return true
	}
	p, err := filter.ParsePath(q.sortBy)
	if err != nil || p.Where != nil {
		return false
	}
	top, sub := p.Resolve(rt.Tree)
	switch {
	case top == nil:
		return true
	case sub == nil && top.Lookup("value") != nil:
		sub = top.Lookup("value")
	case sub == nil && top.Type == attribute.Complex:
		return false
	}
	return top.Returned != attribute.Never && (sub == nil || sub.Returned != attribute.Never)
}

// matching are the resources that match a filter; ok is false for a filter that cannot be.
func matching(rt *schemas.ResourceType, all []map[string]any, where string) (found []map[string]any, ok bool) {
	if where == "" {
		return all, true
	}
	e, err := filter.Parse(where)
	if err != nil {
		return nil, false
	}
	m, err := filter.Compile(rt.Tree, e)
	if err != nil {
		return nil, false
	}
	for _, r := range all {
		if m.Match(searched(r)) {
			found = append(found, r)
		}
	}
	return found, true
}

// searched is a resource as filters see it: what depends on how it is served is not there.
func searched(r map[string]any) map[string]any {
	seen := map[string]any{}
	for name, v := range r {
		switch list, isList := v.([]any); {
		case name == "meta":
			meta := v.(map[string]any)
			v = map[string]any{"resourceType": meta["resourceType"], "created": meta["created"], "lastModified": meta["lastModified"]}
		case isList && (name == "members" || name == "groups"):
			var refs []any
			for _, e := range list {
				ref := e.(map[string]any)
				refs = append(refs, map[string]any{"value": ref["value"], "display": ref["display"], "type": ref["type"]})
			}
			v = refs
		}
		seen[name] = v
	}
	return seen
}

// whole32 reads an integer parameter: beyond 32 bits it is as large as can be.
func whole32(text string, otherwise int) (int, bool) {
	if text == "" {
		return otherwise, true
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return 0, false
	}
	low, high := big.NewInt(-1<<31), big.NewInt(1<<31-1)
	if n.Cmp(low) < 0 {
		n = low
	} else if n.Cmp(high) > 0 {
		n = high
	}
	return int(n.Int64()), true
}

// named are the entries of attributes or excludedAttributes; ok is false if one cannot be a name.
func named(list string) (entries []*filter.Path, ok bool) {
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		p, err := filter.ParsePath(entry)
		if err != nil || p.Where != nil {
			return nil, false
		}
		entries = append(entries, p)
	}
	return entries, true
}

// projects reports whether the two parameters make sense.
func (q question) projects() bool {
	only, without := strings.TrimSpace(q.attributes) != "", strings.TrimSpace(q.excluded) != ""
	_, ok := named(q.attributes)
	if without {
		_, ok = named(q.excluded)
	}
	return ok && !(only && without)
}

// check compares what an answer shows of a resource with the whole of it.
func (q question) check(t *testing.T, rt *schemas.ResourceType, all, shown map[string]any) {
	t.Helper()
	only := strings.TrimSpace(q.attributes) != ""
	entries, _ := named(q.attributes + "," + q.excluded)
	touched := map[string]bool{} // top-level keys of which an entry names something
	for _, p := range entries {
		if top, _ := p.Resolve(rt.Tree); top != nil && top.Extension() != "" {
			touched[top.Extension()] = true
		} else if top != nil {
			touched[top.Name] = true
		}
		if urn, ok := p.Schema(); ok {
			for _, a := range rt.Tree.Attributes(urn) {
				touched[a.Name] = true
			}
			if urn, ok := rt.Tree.Extension(urn); ok {
				touched[urn] = true
			}
		}
	}
	for name, v := range shown {
		if name != "id" && name != "schemas" && only && !touched[name] {
			t.Errorf("attributes=%q: got %s, want only what is asked for", q.attributes, name)
		}
		if !touched[name] && name != "schemas" && text(v) != text(all[name]) {
			t.Errorf("%+v: %s: got %s, want %s", q, name, text(v), text(all[name]))
		}
	}
	for name := range all {
		if _, there := shown[name]; !there && !only && !touched[name] {
			t.Errorf("excludedAttributes=%q: got no %s, want it", q.excluded, name)
		}
	}
	if !slices.Contains([]any{all["id"]}, shown["id"]) {
		t.Errorf("%+v: got id %v, want %v", q, shown["id"], all["id"])
	}
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
