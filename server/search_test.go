package server_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// RFC 7644 section 3.4.3.
func TestSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 3 {
		w.do(t, "POST", "/scim/v2/Users", fmt.Sprintf(`{"userName":"u%d","displayName":"Same"}`, i)).want(201)
		w.do(t, "POST", "/scim/v2/Groups", fmt.Sprintf(`{"displayName":"g%d","externalId":"x"}`, i)).want(201)
	}
	names := func(answer reply) (total any, names []string) {
		list := answer.object()
		for _, e := range list["Resources"].([]any) {
			resource := e.(map[string]any)
			if userName, ok := resource["userName"].(string); ok {
				names = append(names, userName)
			} else {
				names = append(names, fmt.Sprint(resource["displayName"]))
			}
		}
		return list["totalResults"], names
	}
	for _, c := range []struct {
		path, body string
		total      float64
		names      []string
	}{
		{"/Users", `{"schemas":["` + "urn:ietf:params:scim:api:messages:2.0:SearchRequest" + `"],"filter":"userName eq \"U1\""}`, 1, []string{"u1"}},
		{"/Users", `{"startIndex":2,"count":1}`, 3, []string{"u1"}},
		{"/Users", `{"Count":0,"sortBy":"userName"}`, 3, nil},
		{"/Groups", `{"filter":"externalId eq \"x\"","attributes":["displayName"]}`, 3, []string{"g0", "g1", "g2"}},
		{"", `{"startIndex":2,"count":3}`, 6, []string{"u1", "u2", "g0"}},
		{"", `{"startIndex":5,"count":10}`, 6, []string{"g1", "g2"}},
		{"", `{"startIndex":9}`, 6, nil},
		{"", `{"filter":"meta.resourceType eq \"Group\"","count":2}`, 3, []string{"g0", "g1"}},
		{"", `{"filter":"displayName eq \"same\" or displayName eq \"g2\""}`, 4, []string{"u0", "u1", "u2", "g2"}},
	} {
		total, got := names(w.do(t, "POST", "/scim/v2"+c.path+"/.search", c.body).want(200))
		if diff := cmp.Diff(c.names, got); diff != "" || total != c.total {
			t.Errorf("%s %s: total %v, want %v; resources (-want +got):\n%s", c.path, c.body, total, c.total, diff)
		}
	}
	projected := w.do(t, "POST", "/scim/v2/Users/.search", `{"attributes":["userName"],"count":1}`).want(200).object()["Resources"].([]any)[0].(map[string]any)
	if projected["userName"] != "u0" || projected["displayName"] != nil || projected["id"] == nil {
		t.Errorf("attributes userName: got %v, want id and userName alone", projected)
	}
	w.do(t, "POST", "/scim/v2/Users/.search", `[]`).refused(400, "invalidSyntax", "SearchRequest")
	w.do(t, "POST", "/scim/v2/Users/.search", `{"filter":7}`).refused(400, "invalidValue", "filter must be a string")
	w.do(t, "POST", "/scim/v2/Users/.search", `{"count":"many"}`).refused(400, "invalidValue", "count must be an integer")
	w.do(t, "POST", "/scim/v2/Users/.search", `{"attributes":"userName"}`).refused(400, "invalidValue", "attributes must be a list")
	w.do(t, "POST", "/scim/v2/.search", `{"filter":"userName eq"}`).refused(400, "invalidFilter", "")
	w.do(t, "GET", "/scim/v2/.search", "").refused(405, "", "POST")
}
