package emulator_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// TestControl plays one session of control calls; each row builds on those before it.
func TestControl(t *testing.T) {
	t.Parallel()
	e, _ := newPool(t, emulator.Config{Clock: fixed, Quotas: emulator.Quotas{Rates: map[emulator.Category]float64{emulator.UserList: 2}}}, emulator.PoolConfig{})
	for range 3 {
		call(e, "ListUsers", `{"UserPoolId":"`+poolID+`"}`)
	}
	const none = `{"operations":{},"throttled":{},"faulted":{},"invitations":0}`
	for _, tc := range []struct {
		request, body string
		status        int
		want          string // JSON; for errors, a part of the text
	}{
		{"GET /-/calls", "", 200, `{"operations":{"ListUsers":3},"throttled":{"ListUsers":1},"faulted":{},"invitations":0}`},
		{"DELETE /-/calls", "", 200, none},
		{"GET /-/calls", "", 200, none},
		{"POST /-/faults", `{"operation":"ListUsers","kind":"throttle","count":3,"probability":0.5,"after":2,"pool":"us-east-1_test"}`, 200, `{"faults":[{"operation":"ListUsers","pool":"us-east-1_test","kind":"throttle","count":3,"after":2,"probability":0.5}]}`},
		{"GET /-/faults", "", 200, `{"faults":[{"operation":"ListUsers","pool":"us-east-1_test","kind":"throttle","count":3,"after":2,"probability":0.5}]}`},
		{"POST /-/faults", `{"kind":"sometimes"}`, 400, `kind "sometimes" is none of`},
		{"POST /-/faults", `{"kind":"throttle","times":3}`, 400, `unknown field "times"`},
		{"POST /-/faults", `{"kind":"throttle"`, 400, "reading the body"},
		{"POST /-/faults", ``, 400, "reading the body: EOF"},
		{"DELETE /-/faults", "", 200, `{"faults":[]}`},
		{"GET /-/clock", "", 200, `{"now":"2026-01-02T03:04:05.678Z","offset":"0s"}`},
		{"POST /-/clock", `{"advance":"24h"}`, 200, `{"now":"2026-01-03T03:04:05.678Z","offset":"24h0m0s"}`},
		{"POST /-/clock", `{"set":"2026-01-02T04:04:05.678Z"}`, 200, `{"now":"2026-01-02T04:04:05.678Z","offset":"1h0m0s"}`},
		{"POST /-/clock", `{}`, 400, "exactly one of"},
		{"POST /-/clock", `{"advance":"1h","set":"2026-01-02T04:04:05Z"}`, 400, "exactly one of"},
		{"POST /-/clock", `{"advance":"soon"}`, 400, "advance: time: invalid duration"},
		{"POST /-/clock", `{"set":"noon"}`, 400, "set: parsing time"},
		{"POST /-/clock", `{"advance":"1h"} {}`, 400, "more than one JSON value"},
		{"POST /-/seed", `{"pool":"us-east-1_test","users":10,"groups":2,"members":5}`, 200, `{"seeded":"10 users, 2 groups"}`},
		{"POST /-/seed", `{"pool":"us-east-1_none","users":10}`, 400, "User pool us-east-1_none does not exist."},
		{"POST /-/federated-sign-in", `{"pool":"us-east-1_test","provider":"Okta","subject":"ada"}`, 400, "Identity provider Okta does not exist."},
		{"POST /-/federated-sign-in", `{"pool":"us-east-1_test"}`, 400, "provider and subject are needed"},
	} {
		method, path, _ := strings.Cut(tc.request, " ")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(tc.body)))
		if w.Code != tc.status {
			t.Errorf("%s %s: got %d %s, want %d", tc.request, tc.body, w.Code, w.Body, tc.status)
			continue
		}
		var got, want any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Errorf("%s: got %q: %v", tc.request, w.Body, err)
		} else if tc.status != 200 {
			if text, _ := got.(map[string]any)["error"].(string); !strings.Contains(text, tc.want) {
				t.Errorf("%s %s: got error %q, want one with %q", tc.request, tc.body, text, tc.want)
			}
		} else if err := json.Unmarshal([]byte(tc.want), &want); err != nil {
			t.Fatal(err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tc.request, tc.body, diff)
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	e, _ := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	must(t, e.AddFault(emulator.Fault{Kind: emulator.Throttle, Count: 1}))
	call(e, "ListUsers", `{"UserPoolId":"`+poolID+`"}`)
	call(e, "ListUsers", `{"UserPoolId":"`+poolID+`"}`)
	call(e, "GetGroup", `{}`)
	call(e, "NoSuchOperation", `{}`)
	if diff := cmp.Diff(map[string]int64{"ListUsers": 2, "GetGroup": 1}, e.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int64{"ListUsers": 1}, e.Faulted()); diff != "" {
		t.Errorf("faulted (-want +got):\n%s", diff)
	}
	e.ResetCalls()
	if got := len(e.Calls()) + len(e.Faulted()) + len(e.Throttled()); got != 0 {
		t.Errorf("got %d counts after a reset, want none", got)
	}
}
