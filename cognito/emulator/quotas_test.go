package emulator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// TestQuotas counts how many of a burst of calls each quota lets through, and how many a second later.
func TestQuotas(t *testing.T) {
	t.Parallel()
	in := func(s string) func(int) string {
		return func(int) string { return `{"UserPoolId":"` + poolID + `"` + s + `}` }
	}
	many := func(s string) func(int) string {
		return func(i int) string { return fmt.Sprintf(`{"UserPoolId":"%s",`+s+`}`, poolID, i) }
	}
	aws := emulator.AWSQuotas()
	for _, tc := range []struct {
		operation string
		body      func(int) string
		quotas    emulator.Quotas
		passed    int
	}{
		{"AdminCreateUser", many(`"Username":"new%d"`), aws, 50},
		{"AdminGetUser", many(`"Username":"user%d"`), aws, 120},
		{"AdminGetUser", in(`,"Username":"ada"`), aws, 10},
		{"AdminDisableUser", many(`"Username":"user%d"`), aws, 25},
		{"AdminDisableUser", in(`,"Username":"ada"`), aws, 10},
		{"AdminAddUserToGroup", many(`"GroupName":"g","Username":"user%d"`), aws, 25},
		{"AdminRemoveUserFromGroup", many(`"GroupName":"g","Username":"user%d"`), aws, 25},
		{"AdminLinkProviderForUser", many(`"DestinationUser":{"ProviderName":"Cognito","ProviderAttributeValue":"u%d"},"SourceUser":{}`), aws, 25},
		{"AdminSetUserPassword", many(`"Password":"x","Username":"user%d"`), aws, 30},
		{"AdminListGroupsForUser", many(`"Username":"user%d"`), aws, 50},
		{"ListUsers", in(``), aws, 30},
		{"ListUsersInGroup", in(`,"GroupName":"g"`), aws, 30},
		{"DescribeUserPool", in(``), aws, 15},
		{"CreateGroup", many(`"GroupName":"g%d"`), aws, 5},
		{"GetGroup", in(`,"GroupName":"g"`), aws, 5},
		{"ListGroups", in(``), aws, 5},
		{"DescribeUserPoolClient", in(`,"ClientId":"x"`), aws, 5},
		{"ListUsers", in(``), emulator.Quotas{Rates: map[emulator.Category]float64{emulator.UserList: 2}}, 2},
		{"ListUsers", in(``), emulator.Quotas{Rates: map[emulator.Category]float64{emulator.UserRead: 2}}, 200},
		{"GetGroup", in(`,"GroupName":"g"`), emulator.Quotas{Rates: map[emulator.Category]float64{emulator.UserPoolResourceRead: 20}}, 20},
		{"AdminGetUser", in(`,"Username":"ada"`), emulator.Quotas{}, 200},
	} {
		e, _ := newPool(t, emulator.Config{Quotas: tc.quotas, Clock: fixed}, emulator.PoolConfig{})
		burst := func() (passed int) {
			for i := range 200 {
				if w := call(e, tc.operation, tc.body(i)); w.Header().Get("X-Amzn-Errortype") != "TooManyRequestsException:" {
					passed++
				}
			}
			return passed
		}
		if got := burst(); got != tc.passed {
			t.Errorf("%s: got %d calls through, want %d", tc.operation, got, tc.passed)
		}
		if got, want := e.Throttled()[tc.operation], int64(200-tc.passed); got != want {
			t.Errorf("%s: got %d throttled, want %d", tc.operation, got, want)
		}
		if tc.passed == 200 {
			continue
		}
		e.Advance(time.Second)
		if got := burst(); got != tc.passed {
			t.Errorf("%s, a second later: got %d calls through, want %d", tc.operation, got, tc.passed)
		}
	}
}

// TestQuotasAreShared checks that a category is one for all its operations and pools, that an operation's own limit is per pool, and
// that a call which one quota refuses uses nothing of another.
func TestQuotasAreShared(t *testing.T) {
	t.Parallel()
	e, _ := newPool(t, emulator.Config{Quotas: emulator.AWSQuotas(), Clock: fixed, Unverified: emulator.Unverified{ThrottleMessage: "Too many requests"}}, emulator.PoolConfig{})
	must(t, e.CreatePool(emulator.PoolConfig{ID: "us-east-1_other"}))
	passed := func(operation, body string, n int) (passed int) {
		for range n {
			if w := call(e, operation, body); w.Header().Get("X-Amzn-Errormessage") != "Too many requests" {
				passed++
			}
		}
		return passed
	}
	for _, tc := range []struct {
		operation, body string
		n, want         int
	}{
		{"ListGroups", `{"UserPoolId":"` + poolID + `"}`, 100, 5},
		{"ListGroups", `{"UserPoolId":"us-east-1_other"}`, 100, 5},
		{"GetGroup", `{"UserPoolId":"` + poolID + `","GroupName":"g"}`, 100, 5},
		{"GetGroup", `{"UserPoolId":"us-east-1_other","GroupName":"g"}`, 100, 5},
		{"DescribeIdentityProvider", `{"UserPoolId":"` + poolID + `","ProviderName":"g"}`, 100, 0}, // the category's 20 are gone
		{"ListUsers", `{"UserPoolId":"` + poolID + `"}`, 20, 20},
		{"ListUsersInGroup", `{"UserPoolId":"us-east-1_other","GroupName":"g"}`, 20, 10},
		{"AdminGetUser", `{"UserPoolId":"` + poolID + `","Username":"ada"}`, 200, 10},
		{"AdminGetUser", `{"UserPoolId":"` + poolID + `","Username":"grace"}`, 200, 10}, // ada's refused calls used nothing
	} {
		if got := passed(tc.operation, tc.body, tc.n); got != tc.want {
			t.Errorf("%s %s: got %d of %d through, want %d", tc.operation, tc.body, got, tc.n, tc.want)
		}
	}
	e.Advance(100 * time.Millisecond)
	if got := passed("ListUsers", `{"UserPoolId":"`+poolID+`"}`, 10); got != 3 {
		t.Errorf("after a tenth of a second: got %d calls of ListUsers through, want 3", got)
	}
}

// TestManyUsersQuotas checks that per-user limits hold while more users are written to than the emulator remembers.
func TestManyUsersQuotas(t *testing.T) {
	t.Parallel()
	e, _ := newPool(t, emulator.Config{Quotas: emulator.Quotas{UserWrites: 1}, Clock: fixed}, emulator.PoolConfig{})
	disable := func(i int) string {
		return call(e, "AdminDisableUser", fmt.Sprintf(`{"UserPoolId":"%s","Username":"u%d"}`, poolID, i)).Header().Get("X-Amzn-Errortype")
	}
	for range 2 {
		for i := range 11_000 {
			if got := disable(i); got != "UserNotFoundException:" {
				t.Fatalf("user %d: got %s, want UserNotFoundException", i, got)
			}
		}
		for _, i := range []int{0, 5_000, 10_999} {
			if got := disable(i); got != "TooManyRequestsException:" {
				t.Errorf("user %d again: got %s, want TooManyRequestsException", i, got)
			}
		}
		e.Advance(time.Second)
	}
}
