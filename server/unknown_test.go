package server_test

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

const (
	globex = "urn:ietf:params:scim:schemas:extension:globex:2.0:User" // nobody has defined it
	okta   = "urn:okta:onprem_app:1.0:user:custom"
)

const annAtGlobex = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","` + globex + `"],"userName":"ann","active":true,
	"` + globex + `":{"level":3,"tags":["a","b"],"room":{"floor":1},"empty":"","none":null},
	"` + okta + `":{"hat":"red"},"urn:of:nothing":7,"` + acme + `:costCode":"A-1"}`

func TestUnknownExtensionIsKept(t *testing.T) {
	t.Parallel()
	w := acmeWorld(t, true)
	made := w.do(t, "POST", "/scim/v2/Users", annAtGlobex).want(201)
	id := made.id()
	want := map[string]any{"level": 3.0, "tags": []any{"a", "b"}, "room": map[string]any{"floor": 1.0}}
	if got := made.object()[globex]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := made.object()["schemas"], []any{"urn:ietf:params:scim:schemas:core:2.0:User", globex, okta}; !reflect.DeepEqual(got, want) {
		t.Errorf("schemas: got %v, want %v", got, want)
	}
	calls := w.changes()
	put := w.do(t, "PUT", "/scim/v2/Users/"+id, made.text).want(200)
	if put.header.Get("ETag") != made.header.Get("ETag") || !reflect.DeepEqual(calls, w.changes()) {
		t.Errorf("PUT of a GET: got version %s, want %s, and no call", put.header.Get("ETag"), made.header.Get("ETag"))
	}
	for _, c := range []struct{ op, want string }{
		{`"replace","path":"` + globex + `:level","value":4`, `{"level":4,"room":{"floor":1},"tags":["a","b"]}`},
		{`"add","path":"` + strings.ToUpper(globex) + `:TAGS","value":["b","c"]`, `{"level":4,"room":{"floor":1},"tags":["a","b","c"]}`},
		{`"remove","path":"` + globex + `:room"`, `{"level":4,"tags":["a","b","c"]}`},
		{`"replace","path":"` + globex + `:room.floor","value":2`, `{"level":4,"tags":["a","b","c"]}`}, // nothing tells what it is
		{`"replace","value":{"` + globex + `":{"level":null,"hat":"blue"}}`, `{"hat":"blue","tags":["a","b","c"]}`},
		{`"replace","value":{"` + globex + `:hat":"green"}`, `{"hat":"green","tags":["a","b","c"]}`},
		{`"remove","path":"` + globex + `:tags"`, `{"hat":"green"}`},
		{`"add","path":"` + globex + `","value":{"tags":"x"}`, `{"hat":"green","tags":"x"}`},
		{`"remove","path":"` + globex + `"`, `null`},
		{`"replace","path":"` + globex + `:hat","value":"pink"`, `{"hat":"pink"}`},
		{`"remove","path":"` + globex + `:hat"`, `null`},
	} {
		got, err := json.Marshal(w.do(t, "PATCH", "/scim/v2/Users/"+id, patchBy(c.op)).want(200).object()[globex])
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.op, got, c.want)
		}
	}
	w.do(t, "GET", "/scim/v2/Users?filter="+url.QueryEscape(okta+`:hat eq "red"`), "").want(200)
	for filter, want := range map[string]int{okta + `:hat eq "red"`: 0, `schemas eq "` + okta + `"`: 1, `schemas eq "` + globex + `"`: 0} {
		var page struct{ TotalResults int }
		w.do(t, "GET", "/scim/v2/Users?filter="+url.QueryEscape(filter), "").want(200).decode(&page)
		if page.TotalResults != want {
			t.Errorf("%s: got %d users, want %d", filter, page.TotalResults, want)
		}
	}
}

func TestUnknownExtensionIsProjected(t *testing.T) {
	t.Parallel()
	w := acmeWorld(t, true)
	id := w.do(t, "POST", "/scim/v2/Users", annAtGlobex).want(201).id()
	for query, want := range map[string]string{
		"attributes=userName":                       `null null`,
		"attributes=" + globex:                      `{"level":3,"room":{"floor":1},"tags":["a","b"]} null`,
		"attributes=" + globex + ":LEVEL," + okta:   `{"level":3} {"hat":"red"}`,
		"excludedAttributes=" + globex:              `null {"hat":"red"}`,
		"excludedAttributes=" + globex + ":room":    `{"level":3,"tags":["a","b"]} {"hat":"red"}`,
		"excludedAttributes=userName":               `{"level":3,"room":{"floor":1},"tags":["a","b"]} {"hat":"red"}`,
		"excludedAttributes=urn:nobody:has:1:thing": `{"level":3,"room":{"floor":1},"tags":["a","b"]} {"hat":"red"}`,
	} {
		got := w.do(t, "GET", "/scim/v2/Users/"+id+"?"+query, "").want(200).object()
		one, err := json.Marshal(got[globex])
		other, otherErr := json.Marshal(got[okta])
		if err != nil || otherErr != nil || string(one)+" "+string(other) != want {
			t.Errorf("%s: got %s %s, want %s", query, one, other, want)
		}
	}
}

func TestUnknownExtensionIsIgnored(t *testing.T) {
	t.Parallel()
	w := acmeWorld(t, false)
	made := w.do(t, "POST", "/scim/v2/Users", annAtGlobex).want(201)
	for _, op := range []string{`"replace","path":"` + globex + `:level","value":4`, `"remove","path":"` + globex + `"`,
		`"add","value":{"` + globex + `":{"level":4},"` + okta + `:hat":"x"}`} {
		r := w.do(t, "PATCH", "/scim/v2/Users/"+made.id(), patchBy(op)).want(200)
		if strings.Contains(r.text, "globex") || strings.Contains(r.text, "okta") {
			t.Errorf("%s: got %s, want none of it", op, r.text)
		}
	}
	user, err := w.pool.User(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if got := user.Attributes["custom:scim"]; strings.Contains(got, "urn:") || strings.Contains(made.text, "globex") {
		t.Errorf("got %s in the pool and %s, want nothing of the extension", got, made.text)
	}
}
