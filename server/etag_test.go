package server_test

import "testing"

// RFC 7644 section 3.14.
func TestVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tag := func(r reply) string {
		t.Helper()
		got := r.header.Get("ETag")
		if got == "" {
			t.Fatalf("%s: no ETag", r.what)
		}
		return got
	}
	created := w.do(t, "POST", "/scim/v2/Users", `{"userName":"ann"}`).want(201)
	user := "/scim/v2/Users/" + created.id()
	first := tag(created)
	if meta, _ := created.object()["meta"].(map[string]any); meta["version"] != first {
		t.Errorf("meta.version %v, ETag %s; want the same", meta["version"], first)
	}
	if got := w.do(t, "GET", user, "", "If-None-Match: "+first); got.status != 304 || got.text != "" || tag(got) != first {
		t.Errorf("GET of a known version: %d %q", got.status, got.text)
	}
	if got := tag(w.do(t, "PUT", user, `{"userName":"ann"}`).want(200)); got != first {
		t.Errorf("a PUT that changes nothing: version %s, want %s still", got, first)
	}
	const title = `{"Operations":[{"op":"replace","path":"title","value":"Dr"}]}`
	w.do(t, "PATCH", user, title, `If-Match: W/"other"`).refused(412, "", "version")
	w.do(t, "PATCH", user, title, `If-None-Match: *`).refused(412, "", "version")
	second := tag(w.do(t, "PATCH", user, title, `If-Match: "other", `+first).want(200))
	if second == first {
		t.Error("a changed attribute left the version as it was")
	}
	w.do(t, "PUT", user, `{"userName":"ann"}`, "If-Match: "+first).refused(412, "", second)
	w.do(t, "DELETE", user, "", "If-Match: "+first).refused(412, "", second)

	group := w.do(t, "POST", "/scim/v2/Groups", `{"displayName":"Staff"}`).want(201)
	path := "/scim/v2/Groups/" + group.id()
	joined := w.do(t, "PATCH", path, `{"Operations":[{"op":"add","path":"members","value":[{"value":"`+created.id()+`"}]}]}`, "If-Match: "+tag(group)).want(200)
	if tag(joined) == tag(group) {
		t.Error("a new member left the group's version as it was")
	}
	third := tag(w.do(t, "GET", user, "").want(200))
	if third == second {
		t.Error("a membership left the user's version as it was")
	}
	w.do(t, "DELETE", path, "", "If-Match: "+tag(group)).refused(412, "", tag(joined))
	w.do(t, "DELETE", path, "", "If-Match: *").want(204)
	if got := tag(w.do(t, "GET", user, "").want(200)); got != second {
		t.Errorf("without the group the user's version is %s, want %s again", got, second)
	}
	w.do(t, "DELETE", user, "", "If-Match: "+second).want(204)
}
