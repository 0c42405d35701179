package operator_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cmd/scim-cognito/operator"
)

func TestInvite(t *testing.T) {
	t.Parallel()
	a := &directory{pool: "A", here: map[string]bool{}}
	b := &directory{pool: "B", here: map[string]bool{"invite 1 by EMAIL": true, "invite 1 by SMS": true}}
	l := listen(a, b)
	for _, c := range []struct {
		body   string
		status int
		says   string
	}{
		{`{"user":"1","by":"email"}`, 200, ""},
		{`{"user":"1","by":"sms","pool":"B"}`, 200, ""},
		{`{"user":"1","by":"email","pool":"A"}`, 404, `no user with the id "1" in A`},
		{`{"user":"2","by":"email"}`, 404, "in A, B"},
		{`{"user":"1"}`, 400, "email or sms"},
		{`{"user":"1","by":"post"}`, 400, "email or sms"},
		{`{"by":"email"}`, 400, `"user" is missing`},
	} {
		l.activity.recorded = nil
		status, answer, _ := ask[struct{ Error, Pool string }](t, l, http.MethodPost, "/-/invite", c.body)
		if status != c.status || !strings.Contains(answer.Error, c.says) || (answer.Pool == "B") != (status == 200) {
			t.Errorf("%s: got %d %+v, want %d with %q", c.body, status, answer, c.status, c.says)
		}
		if (len(l.activity.recorded) == 1) != (status == 200) {
			t.Errorf("%s: got the records %v, want one of what was done", c.body, l.activity.recorded)
		}
	}
}

type guards struct {
	Error  string
	Held   int
	Guards []operator.Guard
}

func TestGuards(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	okta := bridge.GuardStatus{Connection: "okta", Held: 450, Passed: 50, Limit: 50, Listed: 500, Window: "1h0m0s", Began: at, Ends: at.Add(time.Hour)}
	former := bridge.GuardStatus{Connection: "former", Held: 3, Gone: true}
	a := &directory{pool: "A", guards: []bridge.GuardStatus{former, okta}}
	b := &directory{pool: "B", guards: []bridge.GuardStatus{{Connection: "okta", Limit: 7}}}
	l := listen(a, b)
	_, got, _ := ask[guards](t, l, http.MethodGet, "/-/guard", "")
	want := guards{Held: 453, Guards: []operator.Guard{{Pool: "A", GuardStatus: former}, {Pool: "A", GuardStatus: okta}, {Pool: "B", GuardStatus: b.guards[0]}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the guards (-want +got):\n%s", diff)
	}
	if _, got, _ := ask[guards](t, l, http.MethodGet, "/-/guard?connection=okta&pool=A", ""); got.Held != 450 || len(got.Guards) != 1 {
		t.Errorf("one guard: got %+v, want okta's in A", got)
	}
	for _, c := range []struct {
		path, body string
		status     int
		says       string
		asked      [2][]string
	}{
		{"release", `{}`, 200, "", [2][]string{{"release okta"}, {"release okta"}}},
		{"release", `{"pool":"B"}`, 200, "", [2][]string{nil, {"release okta"}}},
		{"release", `{"connection":"former"}`, 404, "no connection has a guard", [2][]string{}},
		{"release", `{"connection":"entra"}`, 404, `no connection "entra" has a guard`, [2][]string{}},
		{"release", `{"connection":""}`, 400, "not empty", [2][]string{}},
		{"release", `{"conection":"okta"}`, 400, "unknown key", [2][]string{}},
		{"release", `{"pool":"C"}`, 404, "it has A, B", [2][]string{}},
		{"drop", `{"connection":"former"}`, 200, "", [2][]string{{"give up former"}, nil}},
		{"drop", `{"pool":"A"}`, 200, "", [2][]string{{"give up former", "give up okta"}, nil}},
	} {
		a.asked, b.asked, l.activity.recorded = nil, nil, nil
		status, answer, _ := ask[guards](t, l, http.MethodPost, "/-/guard/"+c.path, c.body)
		if status != c.status || !strings.Contains(answer.Error, c.says) {
			t.Errorf("%s %s: got %d %+v, want %d with %q", c.path, c.body, status, answer, c.status, c.says)
		}
		if diff := cmp.Diff(c.asked, [2][]string{a.asked, b.asked}); diff != "" {
			t.Errorf("%s %s: asked of the pools (-want +got):\n%s", c.path, c.body, diff)
		}
		if got, want := len(l.activity.recorded), len(a.asked)+len(b.asked); got != want {
			t.Errorf("%s %s: got %d records of what the operator did, want %d", c.path, c.body, got, want)
		}
	}
	if _, answer, _ := ask[guards](t, l, http.MethodPost, "/-/guard/drop", `{"pool":"B"}`); answer.Held != 0 || len(answer.Guards) != 1 || answer.Guards[0].Dropped != 2 {
		t.Errorf("giving up two that were held since the guard was read: got %+v, want none held any more", answer)
	}
	a.err = errors.New("disk full")
	if status, answer, _ := ask[guards](t, l, http.MethodPost, "/-/guard/release", `{}`); status != 500 || !strings.Contains(answer.Error, "disk full") {
		t.Errorf("a store that fails: got %d %+v, want 500 with its reason", status, answer)
	}
}
