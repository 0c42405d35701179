package server_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestSorting is RFC 7644 section 3.4.2.3.
func TestSorting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, body := range []string{
		`{"userName":"carl","displayName":"beta","name":{"familyName":"Ödön"},"emails":[{"value":"z@x.org"},{"value":"b@x.org","primary":true}],"active":false}`,
		`{"userName":"Ann","displayName":"Alpha","name":{"familyName":"abel"},"emails":[{"value":"c@x.org"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"b"}}`,
		`{"userName":"bob","externalId":"B"}`,
		`{"userName":"dora","displayName":"ALPHA","name":{"familyName":"Zola"},"externalId":"a","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"A"}}`,
	} {
		w.do(t, "POST", "/scim/v2/Users", body).want(201)
	}
	w.group(t, "staff")
	w.group(t, "Admins")
	for query, want := range map[string]string{
		"sortBy=userName":                                      "Ann bob carl dora",
		"sortBy=USERNAME&sortOrder=ascending":                  "Ann bob carl dora",
		"sortBy=userName&sortOrder=descending":                 "dora carl bob Ann",
		"sortBy=userName&sortOrder=Descending":                 "dora carl bob Ann",
		"sortBy=userName&startIndex=2&count=2":                 "bob carl",
		"sortBy=displayName":                                   "Ann dora carl bob",
		"sortBy=displayName&sortOrder=descending":              "bob carl dora Ann",
		"sortBy=name.familyName":                               "Ann dora carl bob",
		"sortBy=emails":                                        "carl Ann bob dora",
		"sortBy=emails.value&sortOrder=descending":             "dora bob Ann carl",
		"sortBy=externalId":                                    "bob dora carl Ann", // case exact
		"sortBy=active":                                        "carl Ann bob dora",
		"sortBy=meta.created":                                  "carl Ann bob dora",
		"sortBy=meta.created&sortOrder=descending":             "dora bob Ann carl",
		"sortBy=department":                                    "dora Ann carl bob",
		"sortBy=shoeSize":                                      "carl Ann bob dora",
		"sortBy=":                                              "carl Ann bob dora",
		"sortOrder=descending":                                 "carl Ann bob dora", // of nothing
		"sortBy=userName&filter=emails+pr":                     "Ann carl",
		"sortBy=userName&sortOrder=descending&filter=title+pr": "",
		"sortBy=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "dora Ann carl bob",
		"sortBy=urn:ietf:params:scim:schemas:core:2.0:User:userName":                   "Ann bob carl dora",
	} {
		if got := w.do(t, "GET", "/scim/v2/Users?"+query, "").page().names; !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: got %q, want %s", query, got, want)
		}
	}
	if got := w.do(t, "GET", "/scim/v2/Groups?sortBy=displayName", "").page().names; !slices.Equal(got, []string{"Admins", "staff"}) {
		t.Errorf("groups: got %q, want Admins and staff", got)
	}
	if got := w.do(t, "POST", "/scim/v2/Users/.search", `{"sortBy":"userName","sortOrder":"descending","count":1}`).page().names; !slices.Equal(got, []string{"dora"}) {
		t.Errorf("by POST: got %q, want dora", got)
	}
}

func TestSortingRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for query, detail := range map[string]string{
		"sortBy=userName&sortOrder=up":     "sortOrder must be ascending or descending",
		"sortOrder=1":                      "sortOrder must be",
		"sortBy=password":                  "password, which is never returned",
		"sortBy=name":                      "name, which is complex",
		"sortBy=name&sortOrder=descending": "such as name.formatted",
		"sortBy=meta":                      "meta, which is complex",
		"sortBy=" + url.QueryEscape(`emails[type eq "work"]`):    "not the name of an attribute",
		"sortBy=" + url.QueryEscape("userName,id"):               "not the name of an attribute",
		"sortBy=" + url.QueryEscape("userName; DROP TABLE term"): "not the name of an attribute",
		"sortBy=userName&sortBy=id":                              "sortBy is given twice",
		"sortBy=name.familyName.first":                           "not the name of an attribute",
	} {
		w.do(t, "GET", "/scim/v2/Users?"+query, "").refused(400, "invalidValue", detail)
	}
	w.do(t, "POST", "/scim/v2/.search", `{"sortBy":"id"}`).refused(400, "invalidValue", "/Users/.search or /Groups/.search")
	w.do(t, "POST", "/scim/v2/Users/.search", `{"sortBy":["id"]}`).refused(400, "invalidValue", "sortBy must be a string")
}
