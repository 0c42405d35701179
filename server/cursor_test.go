package server_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// page is a ListResponse as far as paging is concerned.
type page struct {
	names []string // userName, or else displayName
	total float64
	next  string
	form  map[string]any
}

func (r reply) page() page {
	r.t.Helper()
	p := page{form: r.want(200).object()}
	for _, e := range p.form["Resources"].([]any) {
		resource := e.(map[string]any)
		name, ok := resource["userName"].(string)
		if !ok {
			name, _ = resource["displayName"].(string)
		}
		p.names = append(p.names, name)
	}
	p.total, _ = p.form["totalResults"].(float64)
	p.next, _ = p.form["nextCursor"].(string)
	return p
}

// unreserved are the characters that RFC 9865 section 2 allows in a cursor.
var unreserved = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

// follow reads all pages of a query, by GET or as a SearchRequest, doing something between them.
func (w *world) follow(t *testing.T, get bool, path, filter, sortBy string, count int, between func()) (names []string) {
	t.Helper()
	for cursor := ""; ; between() {
		var p page
		if get {
			p = w.do(t, "GET", path+"?cursor="+cursor+"&count="+fmt.Sprint(count)+"&sortBy="+sortBy+"&filter="+url.QueryEscape(filter), "").page()
		} else {
			p = w.do(t, "POST", path+"/.search", fmt.Sprintf(`{"cursor":%q,"count":%d,"sortBy":%q,"filter":%q}`, cursor, count, sortBy, filter)).page()
		}
		names = append(names, p.names...)
		if _, there := p.form["startIndex"]; there || p.form["itemsPerPage"] != float64(len(p.names)) {
			t.Errorf("a page by cursor: got %v, want no startIndex, and itemsPerPage %d", p.form, len(p.names))
		}
		if p.next == "" {
			return names
		}
		if len(p.names) != count || !unreserved.MatchString(p.next) || tells(t, p.next, "ann") {
			t.Fatalf("a page that is not the last: got %d resources and cursor %s, want %d and an opaque one of unreserved characters", len(p.names), p.next, count)
		}
		cursor = p.next
	}
}

// TestCursor is RFC 9865 section 2: each resource is met once, in order, while others come and go.
func TestCursor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		get            bool
		filter, sortBy string
	}{
		{true, "id pr", ""}, {true, "id pr", "userName"}, {true, `userName sw "a" or userName sw "n" or userName sw "l"`, "displayName"},
		{false, "id pr", ""}, {false, "id pr", "title"}, {false, `meta.resourceType eq "User"`, "meta.created"},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var leavers []string
			for i := range 9 {
				w.do(t, "POST", "/scim/v2/Users", fmt.Sprintf(`{"userName":"ann%d","displayName":"Ann %d","title":"T%d"}`, i, 9-i, i%3)).want(201)
				leavers = append(leavers, w.user(t, fmt.Sprintf("leaver%d", i)))
			}
			n := 0
			names := w.follow(t, c.get, "/scim/v2/Users", c.filter, c.sortBy, 2, func() {
				w.user(t, fmt.Sprintf("new%d", n))
				if n < len(leavers) {
					w.do(t, "DELETE", "/scim/v2/Users/"+leavers[len(leavers)-1-n], "").want(204)
				}
				if n++; n > 40 {
					t.Fatal("paging does not end")
				}
			})
			for i := range 9 {
				name := fmt.Sprintf("ann%d", i)
				if got := len(slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s != name })); got != 1 {
					t.Errorf("%s: met %d times in %q, want once", name, got, names)
				}
			}
			slices.Sort(names)
			if len(slices.Compact(names)) != len(names) {
				t.Errorf("got %q, want nobody twice", names)
			}
		})
	}
}

// TestCursorAtRoot: users come before groups, and a page may hold both.
func TestCursorAtRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []string
	for i := range 5 {
		w.user(t, fmt.Sprintf("u%d", i))
		want = append(want, fmt.Sprintf("u%d", i))
	}
	for i := range 4 {
		w.group(t, fmt.Sprintf("g%d", i))
		want = append(want, fmt.Sprintf("g%d", i))
	}
	for count := 1; count <= 10; count++ {
		if got := w.follow(t, false, "/scim/v2", "id pr", "", count, func() {}); !slices.Equal(got, want) {
			t.Errorf("%d a page: got %q, want %q", count, got, want)
		}
	}
	if got := w.follow(t, false, "/scim/v2", `meta.resourceType eq "Group"`, "", 3, func() {}); !slices.Equal(got, want[5:]) {
		t.Errorf("groups alone: got %q, want %q", got, want[5:])
	}
}

// TestCursorRefused is RFC 9865 section 2.1.
func TestCursorRefused(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	configure := func(c *worldConfig) {
		c.other = strings.Repeat("o", 40)
		c.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	}
	w := newWorld(t, configure)
	for i := range 4 {
		w.user(t, fmt.Sprintf("ann%d", i))
		w.group(t, fmt.Sprintf("g%d", i))
	}
	const all = "/scim/v2/Users?count=2&filter=id+pr&cursor="
	first := w.do(t, "GET", all, "").page()
	if len(first.names) != 2 || first.total != 4 {
		t.Fatalf("first page: got %v, want 2 of 4", first.form)
	}
	cursor, flipped := first.next, []byte(first.next)
	flipped[len(flipped)/2] ^= 1
	for _, c := range []struct{ name, target, scimType, detail string }{
		{"words", all + "next", "invalidCursor", "an empty cursor begins again"},
		{"one bit", all + string(flipped), "invalidCursor", "nextCursor of the answer before"},
		{"shorter", all + cursor[:len(cursor)-4], "invalidCursor", ""},
		{"longer", all + cursor + "AAAA", "invalidCursor", ""},
		{"padding", all + cursor + "%3D", "invalidCursor", ""},
		{"with a line break", all + cursor + "%0A", "invalidCursor", ""},
		{"50,000 letters", all + strings.Repeat("A", 50_000), "invalidCursor", ""},
		{"another filter", "/scim/v2/Users?count=2&filter=title+pr&cursor=" + cursor, "invalidCursor", "filter"},
		{"no filter", "/scim/v2/Users?count=2&cursor=" + cursor, "invalidCursor", ""},
		{"another order", all + cursor + "&sortBy=userName", "invalidCursor", "sortBy"},
		{"another direction", all + cursor + "&sortOrder=descending", "invalidCursor", ""},
		{"another type", "/scim/v2/Groups?count=2&filter=id+pr&cursor=" + cursor, "invalidCursor", ""},
		{"another count", "/scim/v2/Users?count=3&filter=id+pr&cursor=" + cursor, "invalidCount", "it was 2, now it is 3"},
		{"no count", "/scim/v2/Users?filter=id+pr&cursor=" + cursor, "invalidCount", ""},
		{"count in words", "/scim/v2/Users?count=all&cursor", "invalidCount", "count must be an integer"},
		{"an index, too", all + cursor + "&startIndex=3", "invalidValue", "startIndex and cursor exclude each other"},
		{"an index on the first page", "/scim/v2/Users?cursor&startIndex=1", "invalidValue", "exclude each other"},
		{"twice", all + "&cursor=" + cursor, "invalidValue", "cursor is given twice"},
	} {
		t.Run(c.name, func(t *testing.T) { w.do(t, "GET", c.target, "").refused(400, c.scimType, c.detail) })
	}
	w.do(t, "POST", "/scim/v2/Users/.search", `{"cursor":7}`).refused(400, "invalidValue", "cursor must be a string")
	w.do(t, "POST", "/scim/v2/.search", `{"count":2,"filter":"id pr","cursor":"`+cursor+`"}`).refused(400, "invalidCursor", "")
	w.do(t, "GET", all+cursor, "", "Authorization: Bearer "+strings.Repeat("o", 40)).refused(400, "invalidCursor", "")
	newWorld(t, configure).do(t, "GET", all+cursor, "").refused(400, "invalidCursor", "restart")

	if got := w.do(t, "POST", "/scim/v2/Users/.search", `{"count":2,"filter":"id pr","cursor":"`+cursor+`"}`).page().names; len(got) != 2 {
		t.Errorf("the cursor of a GET in a SearchRequest: got %q, want the other two", got)
	}
	ahead.Store(int64(time.Hour - time.Minute))
	if got := w.do(t, "GET", all+cursor, "").page(); len(got.names) != 2 || got.next != "" {
		t.Errorf("just before it expires: got %v, want the last page", got.form)
	}
	ahead.Store(int64(time.Hour + time.Minute))
	w.do(t, "GET", all+cursor, "").refused(400, "expiredCursor", "3600 seconds")
}

// TestCursorCounts: 0 asks for the total, and more than there may be is as much as there may be.
func TestCursorCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *worldConfig) { c.Limits.PageMax = 3 })
	for i := range 4 {
		w.user(t, fmt.Sprintf("ann%d", i))
	}
	for count, want := range map[string]int{"0": 0, "-1": 0, "3": 3, "99999999999999999999": 3} {
		got := w.do(t, "GET", "/scim/v2/Users?cursor&count="+count, "").page()
		if len(got.names) != want || got.total != 4 || (got.next != "") != (want > 0) {
			t.Errorf("count %s: got %v, want %d of 4", count, got.form, want)
		}
	}
	if got := w.do(t, "GET", "/scim/v2/Users?count=2", "").page(); got.next != "" || got.form["startIndex"] != 1.0 {
		t.Errorf("without cursor: got %v, want a page by index", got.form)
	}
}

// tells reports whether a cursor holds a text for all to read.
func tells(t *testing.T, cursor, text string) bool {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatalf("cursor %q: %v", cursor, err)
	}
	return strings.Contains(string(raw), text)
}
