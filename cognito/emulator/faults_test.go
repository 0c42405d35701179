package emulator_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// TestFaultKinds acts out each kind over a real connection: what the client sees, and whether the group is there afterwards.
func TestFaultKinds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind    emulator.FaultKind
		code    string // of an API error; empty is another error
		applied bool
	}{
		{emulator.Throttle, "TooManyRequestsException", false},
		{emulator.ServerError, "InternalErrorException", false},
		{emulator.Unavailable, "UnknownError", false},
		{emulator.AccessDenied, "AccessDeniedException", false},
		{emulator.ExpiredCredentials, "ExpiredTokenException", false},
		{emulator.ResetBefore, "", false},
		{emulator.ResetAfter, "", true},
		{emulator.TimeoutBefore, "", false},
		{emulator.TimeoutAfter, "", true},
		{emulator.GarbageBody, "", true},
	} {
		t.Run(string(tc.kind), func(t *testing.T) {
			t.Parallel()
			e, _ := newPool(t, emulator.Config{}, emulator.PoolConfig{})
			server := httptest.NewServer(e)
			defer server.Close()
			c := idp.New(idp.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Retryer: aws.NopRetryer{}, Credentials: anybody})
			must(t, e.AddFault(emulator.Fault{Operation: "CreateGroup", Kind: tc.kind, Count: 1}))
			ctx, giveUp := context.WithCancel(t.Context())
			defer giveUp()
			if strings.HasPrefix(string(tc.kind), "timeout") {
				go func() {
					for e.Faulted()["CreateGroup"] == 0 && ctx.Err() == nil {
						time.Sleep(time.Millisecond)
					}
					giveUp()
				}()
			}
			_, err := c.CreateGroup(ctx, &idp.CreateGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("staff")})
			if tc.code != "" {
				wantError(t, err, tc.code, "")
			} else if err == nil {
				t.Error("got success, want an error")
			}
			applied := func() bool {
				return call(e, "GetGroup", `{"UserPoolId":"`+poolID+`","GroupName":"staff"}`).Code == http.StatusOK
			}
			for patience := 0; applied() != tc.applied && patience < 5000; patience++ {
				time.Sleep(time.Millisecond) // the client is not told when the call is applied
			}
			if got := applied(); got != tc.applied {
				t.Errorf("got applied %t, want %t", got, tc.applied)
			}
			if diff := cmp.Diff(map[string]int64{"CreateGroup": 1}, e.Faulted()); diff != "" {
				t.Errorf("faulted calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFaultsInProcess checks that a handler called without a socket breaks the connection by panicking, and that a hanging call ends
// with the client's patience, in the bubble's time.
func TestFaultsInProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, c := newPool(t, emulator.Config{Latency: time.Second}, emulator.PoolConfig{})
		must(t, e.AddFault(emulator.Fault{Kind: emulator.ResetAfter, Count: 1}), e.AddFault(emulator.Fault{Kind: emulator.TimeoutBefore, Count: 1}))
		if err := createGroup(t, c, "staff"); err == nil || !strings.Contains(err.Error(), "connection reset") {
			t.Errorf("got %v, want a broken connection", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		_, err := c.ListGroups(ctx, &idp.ListGroupsInput{UserPoolId: aws.String(poolID)})
		if !errors.Is(err, context.DeadlineExceeded) && (err == nil || !strings.Contains(err.Error(), "connection reset")) {
			t.Errorf("got %v, want a time-out", err)
		}
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("got an answer after %s, want it after 10s", took)
		}
		begin = time.Now()
		out, err := c.ListGroups(t.Context(), &idp.ListGroupsInput{UserPoolId: aws.String(poolID)})
		if err != nil || len(out.Groups) != 1 {
			t.Errorf("got %v, error %v; want the group that was made before the reset", out, err)
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("got an answer after %s, want the latency of 1s", took)
		}
	})
}

// TestLatencyEndsWithClient checks that a call whose client leaves during the latency is not applied.
func TestLatencyEndsWithClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, c := newPool(t, emulator.Config{Latency: time.Minute}, emulator.PoolConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.CreateGroup(ctx, &idp.CreateGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("staff")}); err == nil {
			t.Error("got success, want an error")
		}
		_, err := c.GetGroup(t.Context(), &idp.GetGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("staff")})
		wantError(t, err, "ResourceNotFoundException", "Group not found.")
		if got := e.Calls()["CreateGroup"]; got != 1 {
			t.Errorf("got %d calls of CreateGroup, want 1", got)
		}
	})
}

// TestFaultSelection checks which calls of a series fail.
func TestFaultSelection(t *testing.T) {
	t.Parallel()
	const list = `{"UserPoolId":"` + poolID + `"}`
	for _, tc := range []struct {
		name   string
		faults []emulator.Fault
		want   string // x is a failure
	}{
		{"always", []emulator.Fault{{Kind: emulator.Throttle}}, "xxxxxxxx"},
		{"twice", []emulator.Fault{{Kind: emulator.Throttle, Count: 2}}, "xx......"},
		{"after three", []emulator.Fault{{Kind: emulator.Throttle, After: 3, Count: 1}}, "...x...."},
		{"another operation", []emulator.Fault{{Operation: "GetGroup", Kind: emulator.Throttle}}, "........"},
		{"this operation", []emulator.Fault{{Operation: "ListUsers", Kind: emulator.Throttle, Count: 1}}, "x......."},
		{"another pool", []emulator.Fault{{Pool: "us-east-1_other", Kind: emulator.Throttle}}, "........"},
		{"this pool", []emulator.Fault{{Pool: poolID, Kind: emulator.Throttle, Count: 1}}, "x......."},
		{"two in a row", []emulator.Fault{{Kind: emulator.Throttle, Count: 1}, {Kind: emulator.ServerError, Count: 1}}, "xx......"},
		{"hardly ever", []emulator.Fault{{Kind: emulator.Throttle, Probability: 1e-12}}, "........"},
	} {
		e, _ := newPool(t, emulator.Config{}, emulator.PoolConfig{})
		for _, f := range tc.faults {
			must(t, e.AddFault(f))
		}
		got := ""
		for range len(tc.want) {
			if call(e, "ListUsers", list).Code == http.StatusOK {
				got += "."
			} else {
				got += "x"
			}
		}
		if got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
		e.ClearFaults()
		if w := call(e, "ListUsers", list); w.Code != http.StatusOK {
			t.Errorf("%s, cleared: got %d, want 200", tc.name, w.Code)
		}
	}
}

// TestFaultProbability checks that draws follow the probability, and the seed.
func TestFaultProbability(t *testing.T) {
	t.Parallel()
	var runs [2]string
	for i := range runs {
		e, _ := newPool(t, emulator.Config{Seed: 5}, emulator.PoolConfig{})
		must(t, e.AddFault(emulator.Fault{Kind: emulator.Throttle, Probability: 0.3}))
		for range 1000 {
			runs[i] += fmt.Sprint(call(e, "ListUsers", `{"UserPoolId":"`+poolID+`"}`).Code, " ")
		}
	}
	if runs[0] != runs[1] {
		t.Error("one seed draws different faults")
	}
	if n := strings.Count(runs[0], "400"); n < 250 || n > 350 {
		t.Errorf("got %d faults in 1,000 calls, want about 300", n)
	}
}

func TestFaultErrors(t *testing.T) {
	t.Parallel()
	e := emulator.New(emulator.Config{})
	for _, tc := range []struct {
		fault  emulator.Fault
		within string
	}{
		{emulator.Fault{}, `kind "" is none of`},
		{emulator.Fault{Kind: "fire"}, `kind "fire" is none of`},
		{emulator.Fault{Kind: emulator.Throttle, Operation: "GetGrop"}, `operation "GetGrop" is not emulated`},
		{emulator.Fault{Kind: emulator.Throttle, Count: -1}, "negative"},
		{emulator.Fault{Kind: emulator.Throttle, Probability: 1.5}, "between 0 and 1"},
	} {
		if err := e.AddFault(tc.fault); err == nil || !strings.Contains(err.Error(), tc.within) {
			t.Errorf("%+v: got error %v, want one with %q", tc.fault, err, tc.within)
		}
	}
	if got := e.Faults(); len(got) != 0 {
		t.Errorf("got faults %v, want none", got)
	}
}
