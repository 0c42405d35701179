package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/server"
)

const bulkFrame = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],%s"Operations":[%s]}`

// statuses sends operations and returns the status of each, with the bulkId in front.
func statuses(t *testing.T, w *world, extra string, operations ...string) ([]string, []map[string]any) {
	t.Helper()
	answer := w.do(t, "POST", "/scim/v2/Bulk", fmt.Sprintf(bulkFrame, extra, strings.Join(operations, ","))).want(200).object()
	var said []string
	var all []map[string]any
	for _, e := range answer["Operations"].([]any) {
		op := e.(map[string]any)
		said = append(said, fmt.Sprintf("%v %v %v", op["bulkId"], op["method"], op["status"]))
		all = append(all, op)
	}
	return said, all
}

// RFC 7644 section 3.7.
func TestBulk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := func(id, name string) string {
		return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%q,"data":{"userName":%q}}`, id, name)
	}
	// The group comes first and refers to users who come later.
	got, all := statuses(t, w, "",
		`{"method":"POST","path":"/Groups","bulkId":"g","data":{"displayName":"Staff","members":[{"value":"bulkId:a"},{"value":"bulkId:b"}]}}`,
		user("a", "ann"), user("b", "bob"), user("c", ""),
		`{"method":"PATCH","path":"/Groups/bulkId:g","data":{"Operations":[{"op":"replace","path":"displayName","value":"All"}]}}`,
		`{"method":"PATCH","path":"/Users/bulkId:c","data":{"Operations":[]}}`,
		`{"method":"DELETE","path":"/Users/nobody"}`,
		`{"method":"GET","path":"/Users"}`,
		`{"method":"POST","path":"/Users","data":{"userName":"x"}}`,
		`{"method":"POST","path":"/Nowhere","bulkId":"n","data":{}}`)
	want := []string{"g POST 201", "a POST 201", "b POST 201", "c POST 400", "<nil> PATCH 200", "<nil> PATCH 409", "<nil> DELETE 404", "<nil> GET 400", "<nil> POST 400", "n POST 404"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("statuses (-want +got):\n%s", diff)
	}
	group := w.do(t, "GET", strings.TrimPrefix(fmt.Sprint(all[0]["location"]), public), "").want(200).object()
	if members, _ := group["members"].([]any); len(members) != 2 || group["displayName"] != "All" {
		t.Errorf("the group: %v, want two members and its new name", group)
	}
	if all[4]["version"] == nil || all[4]["version"] == all[0]["version"] {
		t.Errorf("versions %v and then %v, want the change to show", all[0]["version"], all[4]["version"])
	}
	detail, _ := all[3]["response"].(map[string]any)
	if detail["status"] != "400" || detail["scimType"] != "invalidValue" {
		t.Errorf("response of the refused operation: %v, want the error", detail)
	}

	// Operations on one resource go in their order; version is If-Match.
	ann := fmt.Sprint(all[1]["location"])[len(public+"/scim/v2"):]
	title := func(v, version string) string {
		return fmt.Sprintf(`{"method":"PATCH","path":%q,"version":%q,"data":{"Operations":[{"op":"replace","path":"title","value":%q}]}}`, ann, version, v)
	}
	got, _ = statuses(t, w, "", title("1", ""), title("2", `W/"old"`), title("3", ""), `{"method":"DELETE","path":"`+ann+`"}`, title("4", ""))
	if diff := cmp.Diff([]string{"<nil> PATCH 200", "<nil> PATCH 412", "<nil> PATCH 200", "<nil> DELETE 204", "<nil> PATCH 404"}, got); diff != "" {
		t.Errorf("one after another (-want +got):\n%s", diff)
	}

	got, _ = statuses(t, w, `"failOnErrors":1,`, user("d", "dan"), user("e", "dan"), user("f", "fay"))
	if diff := cmp.Diff([]string{"d POST 201", "e POST 409"}, got); diff != "" {
		t.Errorf("failOnErrors (-want +got):\n%s", diff)
	}
	got, _ = statuses(t, w, "",
		`{"method":"POST","path":"/Groups","bulkId":"x","data":{"displayName":"X","members":[{"value":"bulkId:y"}]}}`,
		`{"method":"POST","path":"/Groups","bulkId":"y","data":{"displayName":"Y","members":[{"value":"bulkId:x"}]}}`,
		`{"method":"POST","path":"/Groups","bulkId":"z","data":{"displayName":"Z","members":[{"value":"bulkId:x"}]}}`)
	if diff := cmp.Diff([]string{"x POST 409", "y POST 409", "z POST 409"}, got); diff != "" {
		t.Errorf("a circle, and who needs it (-want +got):\n%s", diff)
	}
}

func TestBulkLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *worldConfig) { c.Limits = server.Limits{BulkOperations: 2, BulkBody: 400} })
	op := `{"method":"DELETE","path":"/Users/x"}`
	w.do(t, "POST", "/scim/v2/Bulk", fmt.Sprintf(bulkFrame, "", op+","+op+","+op)).refused(413, "", "at most 2")
	w.do(t, "POST", "/scim/v2/Bulk", fmt.Sprintf(bulkFrame, "", strings.Repeat(" ", 400)+op)).refused(413, "", "400 bytes")
	for body, detail := range map[string]string{
		`[]`: "BulkRequest", `{}`: "Operations must be a list", `{"Operations":[]}`: "at least one", `{"Operations":[7]}`: "Operations[0]",
		`{"Operations":[{}]}`: "method", `{"failOnErrors":0,"Operations":[` + op + `]}`: "failOnErrors", `{"failOnErrors":"x","Operations":[` + op + `]}`: "failOnErrors",
	} {
		scimType := "invalidSyntax"
		if strings.Contains(body, "failOnErrors") {
			scimType = "invalidValue"
		}
		w.do(t, "POST", "/scim/v2/Bulk", body).refused(400, scimType, detail)
	}
	w.do(t, "GET", "/scim/v2/Bulk", "").refused(405, "", "POST")
}
