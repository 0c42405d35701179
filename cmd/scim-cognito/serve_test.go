package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

// The README's first command: everything is there, what it prints is true, and nothing stays behind.
func TestServeEmulator(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	e := startEmulated(t, nil)
	if len(e.token) < 32 {
		t.Errorf("token: got %d characters, want at least 32", len(e.token))
	}
	e.ready(t)
	status, made := scim(t, http.MethodPost, e.base+"/Users", e.token, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
		"userName":"ada@example.com","name":{"givenName":"Ada","familyName":"Lovelace"},"externalId":"00u1",
		"emails":[{"primary":true,"value":"ada@example.com","type":"work"}],"active":true,"password":"1mz050nq"}`)
	if status != http.StatusCreated {
		t.Fatalf("create: got %d %v, want 201", status, made)
	}
	id := made["id"].(string)
	for _, filter := range []string{"userName%20eq%20%22ADA%40example.com%22", "externalId+eq+%2200u1%22"} {
		status, found := scim(t, http.MethodGet, e.base+"/Users?startIndex=1&count=100&filter="+filter, e.token, "")
		if status != http.StatusOK || found["totalResults"] != 1.0 {
			t.Errorf("find by %s: got %d %v, want one user", filter, status, found)
		}
	}
	status, changed := scim(t, http.MethodPatch, e.base+"/Users/"+id, e.token,
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}`)
	if status != http.StatusOK || changed["active"] != false {
		t.Fatalf("deactivate: got %d %v, want 200 and active false", status, changed)
	}

	inside, err := sdk(e.endpoint).ListUsers(t.Context(), &cip.ListUsersInput{UserPoolId: aws.String("us-east-1_local")})
	if err != nil || len(inside.Users) != 1 {
		t.Fatalf("the pool: got %v, %v, want one user", inside, err)
	}
	if user := inside.Users[0]; aws.ToString(user.Username) != "ada@example.com" || user.Enabled {
		t.Errorf("the pool's user: got %q, enabled %v, want ada@example.com, disabled", aws.ToString(user.Username), user.Enabled)
	}

	pushGroup(t, e, id)
	if status, answer := scim(t, http.MethodDelete, e.base+"/Users/"+id, e.token, ""); status != http.StatusNoContent {
		t.Errorf("delete: got %d %v, want 204", status, answer)
	}
	onlyAllowedCalls(t, e)

	e.stop(t)
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files: got %v, %v, want none left", left, err)
	}
	if _, err := http.Get(e.endpoint); err == nil {
		t.Error("the emulator still answers, want it stopped with the server")
	}
	if strings.Contains(e.log.String(), e.token) || strings.Contains(e.log.String(), "ada@") {
		t.Errorf("the log holds the token or a person's name:\n%s", e.log)
	}
}

// pushGroup makes a group with one member, looks into the pool, takes the member out, renames the group and deletes it.
func pushGroup(t *testing.T, e emulated, member string) {
	t.Helper()
	status, made := scim(t, http.MethodPost, e.base+"/Groups", e.token, fmt.Sprintf(
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Engineers","members":[{"value":%q}]}`, member))
	if status != http.StatusCreated {
		t.Fatalf("create group: got %d %v, want 201", status, made)
	}
	inside, err := sdk(e.endpoint).ListUsersInGroup(t.Context(), &cip.ListUsersInGroupInput{UserPoolId: aws.String("us-east-1_local"), GroupName: aws.String("Engineers")})
	if err != nil || len(inside.Users) != 1 {
		t.Errorf("the pool's group: got %v, %v, want one member", inside, err)
	}
	url := e.base + "/Groups/" + made["id"].(string)
	status, changed := scim(t, http.MethodPatch, url, e.token, fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
		"Operations":[{"op":"remove","path":"members[value eq \"%s\"]"},{"op":"replace","value":{"displayName":"Builders"}}]}`, member))
	if status != http.StatusOK || changed["displayName"] != "Builders" {
		t.Errorf("change group: got %d %v, want 200 and the new name", status, changed)
	}
	if status, answer := scim(t, http.MethodDelete, url, e.token, ""); status != http.StatusNoContent {
		t.Errorf("delete group: got %d %v, want 204", status, answer)
	}
}

// onlyAllowedCalls holds the README's IAM policy against what the emulator was asked for.
func onlyAllowedCalls(t *testing.T, e emulated) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, body := get(t, e.endpoint+"/-/calls")
	var calls struct{ Operations map[string]int }
	if err := json.Unmarshal([]byte(body), &calls); err != nil || len(calls.Operations) < 10 {
		t.Fatalf("calls: got %s, %v, want those of a whole life", body, err)
	}
	for operation := range calls.Operations {
		if !strings.Contains(string(readme), `"cognito-idp:`+operation+`"`) {
			t.Errorf("%s was called, want it in the README's policy", operation)
		}
	}
}

func TestServeEmulatorTakesItsTokenFromTheEnvironment(t *testing.T) {
	t.Parallel()
	e := startEmulated(t, map[string]string{"SCIM_TOKEN": "it's-mine"}, "--emulator-quotas=off", "--private=")
	if e.token != "it's-mine" || e.private != "http://off" {
		t.Errorf("got token %q and private listener %q, want SCIM_TOKEN's and none", e.token, e.private)
	}
	if status, answer := scim(t, http.MethodGet, e.base+"/Users?startIndex=1&count=2", e.token, ""); status != http.StatusOK {
		t.Errorf("with the token: got %d %v, want 200", status, answer)
	}
	if status, answer := scim(t, http.MethodGet, e.base+"/Users", "it-is-yours", ""); status != http.StatusUnauthorized {
		t.Errorf("with another: got %d %v, want 401", status, answer)
	}
	want := `curl -H 'Authorization: Bearer it'\''s-mine' '` + e.base + `/Users?startIndex=1&count=2'`
	if !strings.Contains(e.out.String(), want) {
		t.Errorf("got no line %s in:\n%s", want, e.out)
	}
}

func TestServeEmulatorWithAPoolStyle(t *testing.T) {
	t.Parallel()
	e := startEmulated(t, nil, "--emulator-username-attributes=email", "--emulator-case-insensitive")
	e.ready(t)
	status, answer := scim(t, http.MethodPost, e.base+"/Users", e.token, `{"userName":"Ada@Example.com"}`)
	if status != http.StatusCreated || answer["userName"] != "Ada@Example.com" {
		t.Errorf("an e-mail address as userName: got %d %v, want 201", status, answer)
	}
	if status, answer := scim(t, http.MethodPost, e.base+"/Users", e.token, `{"userName":"ada"}`); status != http.StatusBadRequest {
		t.Errorf("a name without an address: got %d %v, want 400", status, answer)
	}
}

func TestPrivateListener(t *testing.T) {
	t.Parallel()
	e := startEmulated(t, nil)
	e.ready(t)
	for _, c := range []struct {
		path, want string
		status     int
	}{
		{"/healthz", "", http.StatusOK},
		{"/readyz", "", http.StatusOK},
		{"/-/journal", `"work": []`, http.StatusOK},
		{"/-/activity", `"activity"`, http.StatusOK},
		{"/-/calls", `"error"`, http.StatusNotFound},
		{"/scim/v2/Users", `"error"`, http.StatusNotFound},
	} {
		if status, body := get(t, e.private+c.path); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: got %d %s, want %d with %s", c.path, status, body, c.status, c.want)
		}
	}
}

// A page that has bound its own name to this machine's address gets nothing from the private listener.
func TestPrivateListenerKnowsItsName(t *testing.T) {
	t.Parallel()
	e := startEmulated(t, nil)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.private+"/-/journal", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "evil.example"
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if text := readAll(t, answer.Body); answer.StatusCode != http.StatusMisdirectedRequest || strings.Contains(text, "work") {
		t.Errorf("got %d %s, want 421", answer.StatusCode, text)
	}
}

// A request that is under way when the order to stop comes is answered.
func TestServeDrains(t *testing.T) {
	t.Parallel()
	e := startEmulated(t, nil)
	e.ready(t)
	host := strings.TrimSuffix(strings.TrimPrefix(e.base, "http://"), "/scim/v2")
	connection, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	body := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"late@example.com"}`
	fmt.Fprintf(connection, "POST /scim/v2/Users HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\n"+
		"Content-Type: application/scim+json\r\nContent-Length: %d\r\n\r\n", host, e.token, len(body))
	reader := bufio.NewReader(connection)
	if line, err := reader.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("got %q, %v, want the server to wait for the body", line, err)
	}
	if _, err := reader.ReadString('\n'); err != nil { // the empty line after it
		t.Fatal(err)
	}
	e.interrupt()
	e.await(t, e.log, `msg=(draining)`)
	fmt.Fprint(connection, body)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatalf("got error %v, want an answer while draining", err)
	}
	if text := readAll(t, answer.Body); answer.StatusCode != http.StatusCreated {
		t.Errorf("got %d %s, want 201", answer.StatusCode, text)
	}
	e.stop(t)
	if !strings.Contains(e.log.String(), "msg=stopped") {
		t.Errorf("got no word of having stopped in:\n%s", e.log)
	}
}
