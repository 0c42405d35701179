package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

var localPool = aws.String(emulatorPool)

// says runs a command to its end and returns what it printed.
func says(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := start(t, nil, args...)
	err := c.wait(t)
	return c.out.String(), err
}

// eventually repeats a check until it holds, leaving the processors to what it waits for in between.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-pause.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: has not come true within %s", what, patience)
		}
	}
}

// createUser pushes one user and returns its id.
func createUser(t *testing.T, e emulated, name string) string {
	t.Helper()
	status, made := scim(t, http.MethodPost, e.base+"/Users", e.token,
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+name+`"}`)
	if status != http.StatusCreated {
		t.Fatalf("creating %s: got %d %v, want 201", name, status, made)
	}
	return made["id"].(string)
}

// Somebody changes the pool with other tools; an operator has the server look.
func TestResyncCommand(t *testing.T) {
	t.Parallel()
	e := startEmulated(t, nil)
	at := "--private=" + strings.TrimPrefix(e.private, "http://")
	e.ready(t)
	ada, grace := createUser(t, e, "ada@example.com"), createUser(t, e, "grace@example.com")
	pool := sdk(e.endpoint)
	if _, err := pool.AdminDisableUser(t.Context(), &cip.AdminDisableUserInput{UserPoolId: localPool, Username: aws.String("ada@example.com")}); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: localPool, Username: aws.String("grace@example.com")}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ id, want string }{{ada, "in step"}, {grace, "no more"}} {
		got, err := says(t, "resync", at, "--user", c.id)
		if err != nil || !strings.Contains(got, emulatorPool) || !strings.Contains(got, c.want) {
			t.Errorf("resync of %s: got %q, %v, want the pool and %q", c.id, got, err, c.want)
		}
	}
	if status, got := scim(t, http.MethodGet, e.base+"/Users/"+ada, e.token, ""); status != http.StatusOK || got["active"] != false {
		t.Errorf("the disabled user: got %d %v, want active false", status, got)
	}
	if status, got := scim(t, http.MethodGet, e.base+"/Users/"+grace, e.token, ""); status != http.StatusNotFound {
		t.Errorf("the deleted user: got %d %v, want 404", status, got)
	}

	if _, err := pool.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: localPool, GroupName: aws.String("Builders")}); err != nil {
		t.Fatal(err)
	}
	if got, err := says(t, "resync", at); err != nil || !strings.Contains(got, "whole pool") {
		t.Fatalf("resync: got %q, %v, want that the whole pool is being read", got, err)
	}
	var group string
	eventually(t, "the group made in the pool is listed", func() bool {
		_, found := scim(t, http.MethodGet, e.base+"/Groups?filter=displayName+eq+%22Builders%22", e.token, "")
		if all, _ := found["Resources"].([]any); len(all) == 1 {
			group = all[0].(map[string]any)["id"].(string)
		}
		return group != ""
	})
	if _, err := pool.AdminAddUserToGroup(t.Context(), &cip.AdminAddUserToGroupInput{UserPoolId: localPool, GroupName: aws.String("Builders"), Username: aws.String("ada@example.com")}); err != nil {
		t.Fatal(err)
	}
	if got, err := says(t, "resync", at, "--group", group, "--pool", emulatorPool); err != nil || !strings.Contains(got, "in step") {
		t.Errorf("resync of the group: got %q, %v, want that it is in step", got, err)
	}
	if _, got := scim(t, http.MethodGet, e.base+"/Groups/"+group, e.token, ""); len(got["members"].([]any)) != 1 {
		t.Errorf("the group: got members %v, want the one that was added in the pool", got["members"])
	}
	if got, err := says(t, "activity", at, "--id", group); err != nil || !strings.Contains(got, "drift") || !strings.Contains(got, "membership") {
		t.Errorf("activity of the group: got %q, %v, want the drift of its memberships", got, err)
	}

	for _, c := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"--user", "00000000-0000-0000-0000-000000000000"}, "no user with the id", 1},
		{[]string{"--group", "nobody"}, "no group with the id", 1},
		{[]string{"--pool", "us-east-1_other"}, "it has " + emulatorPool, 1},
		{[]string{"--user", ""}, "--user is empty", 2},
		{[]string{"--user", "a", "--group", "b"}, "--group", 2},
	} {
		got, err := says(t, append([]string{"resync", at}, c.args...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) || exitCode(err, newTranscript()) != c.code || got != "" {
			t.Errorf("resync %v: got %q, %v, want exit code %d with %q", c.args, got, err, c.code, c.want)
		}
	}
}

// Work that Cognito refuses stays in the journal, where an operator sees it and decides.
func TestJournalCommand(t *testing.T) {
	t.Parallel()
	e := startEmulated(t, nil)
	at := "--private=" + strings.TrimPrefix(e.private, "http://")
	e.ready(t)
	if got, err := says(t, "journal", at); err != nil || !strings.Contains(got, "is empty") {
		t.Errorf("an empty journal: got %q, %v, want words for it", got, err)
	}
	ada, grace := createUser(t, e, "ada@example.com"), createUser(t, e, "grace@example.com")
	control(t, http.MethodPost, e.endpoint+"/-/faults", `{"operation":"AdminUserGlobalSignOut","kind":"access-denied"}`)
	for _, id := range []string{ada, grace} {
		status, got := scim(t, http.MethodPatch, e.base+"/Users/"+id, e.token,
			`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}`)
		if status < http.StatusInternalServerError {
			t.Fatalf("deactivating while signing out fails: got %d %v, want a failure", status, got)
		}
	}
	got, err := says(t, "journal", "list", at, "--pool", emulatorPool)
	for _, want := range []string{"KEY", "ATTEMPTS", "user:" + ada, "user:" + grace} {
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("journal: got %q, %v, want %q in it", got, err, want)
		}
	}
	if got, err := says(t, "journal", "drop", at, "user:"+grace); err != nil || !strings.Contains(got, "given up") {
		t.Errorf("drop: got %q, %v, want that it is given up", got, err)
	}
	if got, err := says(t, "journal", at); err != nil || strings.Contains(got, grace) || !strings.Contains(got, ada) {
		t.Errorf("after the drop: got %q, %v, want the work of %s alone", got, err, ada)
	}
	if got, err := says(t, "activity", at, "--id", grace, "--limit=1"); err != nil || !strings.Contains(got, "given up by the operator") {
		t.Errorf("activity: got %q, %v, want the drop", got, err)
	}
	if got, err := says(t, "journal", "drop", at, "user:"+grace); err == nil || !strings.Contains(err.Error(), "no work under the key") {
		t.Errorf("a second drop: got %q, %v, want that there is nothing", got, err)
	}

	control(t, http.MethodDelete, e.endpoint+"/-/faults", "")
	if got, err := says(t, "journal", "retry", "user:"+ada, at); err != nil || !strings.Contains(got, "tried again") {
		t.Errorf("retry: got %q, %v, want that it is tried again", got, err)
	}
	eventually(t, "the retried work is done", func() bool {
		got, err := says(t, "journal", at)
		return err == nil && strings.Contains(got, "is empty")
	})
	if strings.Contains(e.log.String(), "ada@") || strings.Contains(e.log.String(), "grace@") {
		t.Errorf("the log holds people's names:\n%s", e.log)
	}
}

// control steers the emulator.
func control(t *testing.T, method, url, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if text := readAll(t, answer.Body); answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: got %d %s, want 200", method, url, answer.StatusCode, text)
	}
}

func TestActivityCommand(t *testing.T) {
	t.Parallel()
	e := startEmulated(t, nil)
	at := "--private=" + strings.TrimPrefix(e.private, "http://")
	e.ready(t)
	if got, err := says(t, "activity", at); err != nil || !strings.Contains(got, "Nothing is recorded") {
		t.Errorf("at the start: got %q, %v, want words for nothing", got, err)
	}
	id := createUser(t, e, "ada@example.com")
	got, err := says(t, "activity", at, "--connection=emulator")
	for _, want := range []string{"REQUEST", "emulator", "create", id, "done", "planned ", "CreateUser"} {
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("activity: got %q, %v, want %q in it", got, err, want)
		}
	}
	request := strings.Fields(strings.Split(got, "\n")[1])[1]
	if got, err := says(t, "activity", at, "--request", request); err != nil || !strings.Contains(got, id) {
		t.Errorf("activity of request %s: got %q, %v, want it", request, got, err)
	}
	if got, err := says(t, "activity", at, "--request", "another"); err != nil || !strings.Contains(got, "Nothing is recorded") {
		t.Errorf("activity of another request: got %q, %v, want nothing", got, err)
	}
	if _, err := says(t, "activity", at, "--limit=0"); err == nil || !strings.Contains(err.Error(), "1 to 1000") {
		t.Errorf("limit 0: got error %v, want one that names the bounds", err)
	}
}

// A command that does not reach a private listener says what to do about it.
func TestCommandsWithoutServer(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"401"}`))
	}))
	defer other.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
	defer page.Close()
	for address, want := range map[string]string{
		"127.0.0.1:1":                            "no server answers on 127.0.0.1:1: start it, or give the address of its private listener with --private",
		strings.TrimPrefix(other.URL, "http://"): "not as the private listener",
		strings.TrimPrefix(page.URL, "http://"):  "not as the private listener",
		"127.0.0.1:port":                         "not the address of a private listener",
		"http://127.0.0.1:8081":                  "not the address of a private listener",
	} {
		for _, args := range [][]string{{"resync"}, {"journal"}, {"journal", "retry", "user:1"}, {"journal", "drop", "user:1"}, {"guard"}, {"guard", "release"}, {"guard", "drop"}, {"invite", "1"}, {"activity"}} {
			got, err := says(t, append(args, "--private="+address)...)
			if err == nil || !strings.Contains(err.Error(), want) || exitCode(err, newTranscript()) != 1 || got != "" {
				t.Errorf("%v at %s: got %q, %v, want exit code 1 with %q", args, address, got, err, want)
			}
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	out := new(strings.Builder)
	list := newTable(out, "KEY", "NEXT")
	list.row("user:größe", "now")
	list.under("noted \x1b[2J")
	list.row("userName:a\tb", "later")
	if err := list.end(); err != nil {
		t.Fatal(err)
	}
	want := "KEY              NEXT\nuser:größe       now\n    \"noted \\x1b[2J\"\n\"userName:a\\tb\"  later\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}
