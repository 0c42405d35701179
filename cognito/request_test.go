package cognito_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito"
)

// TestRequests holds what goes over the wire, method by method: no invitation, no
// temporary password, no role, pages as long as they may be.
func TestRequests(t *testing.T) {
	t.Parallel()
	cases := []struct {
		call func(context.Context, *cognito.Pool) error
		op   string
		body string // without UserPoolId
	}{
		{
			func(ctx context.Context, p *cognito.Pool) error {
				_, err := p.CreateUser(ctx, "alice", map[string]string{"name": "Alice", "email": "a@b.c", "nickname": ""})
				return err
			},
			"AdminCreateUser",
			`{"Username":"alice","MessageAction":"SUPPRESS","UserAttributes":[{"Name":"email","Value":"a@b.c"},{"Name":"name","Value":"Alice"}]}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { _, err := p.User(ctx, "alice"); return err },
			"AdminGetUser", `{"Username":"alice"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error {
				return p.UpdateUser(ctx, "alice", map[string]string{"name": "", "email": "a@b.c"})
			},
			"AdminUpdateUserAttributes",
			`{"Username":"alice","UserAttributes":[{"Name":"email","Value":"a@b.c"},{"Name":"name","Value":""}]}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { return p.EnableUser(ctx, "alice") },
			"AdminEnableUser", `{"Username":"alice"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { return p.DisableUser(ctx, "alice") },
			"AdminDisableUser", `{"Username":"alice"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { return p.SignOut(ctx, "alice") },
			"AdminUserGlobalSignOut", `{"Username":"alice"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { return p.DeleteUser(ctx, "alice") },
			"AdminDeleteUser", `{"Username":"alice"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { return p.SetPassword(ctx, "alice", "secret", true) },
			"AdminSetUserPassword", `{"Username":"alice","Password":"secret","Permanent":true}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error {
				_, err := p.FindUsers(ctx, "name", `A "B" \ C`)
				return err
			},
			"ListUsers", `{"Limit":60,"Filter":"name = \"A \\\"B\\\" \\\\ C\""}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { _, _, err := p.UsersPage(ctx, ""); return err },
			"ListUsers", `{"Limit":60}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { _, _, err := p.UsersPage(ctx, "t"); return err },
			"ListUsers", `{"Limit":60,"PaginationToken":"t"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { _, err := p.CreateGroup(ctx, "g", "d"); return err },
			"CreateGroup", `{"GroupName":"g","Description":"d"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { _, err := p.Group(ctx, "g"); return err },
			"GetGroup", `{"GroupName":"g"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { return p.UpdateGroup(ctx, "g", "") },
			"UpdateGroup", `{"GroupName":"g","Description":""}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { return p.DeleteGroup(ctx, "g") },
			"DeleteGroup", `{"GroupName":"g"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { _, _, err := p.GroupsPage(ctx, "t"); return err },
			"ListGroups", `{"Limit":60,"NextToken":"t"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { return p.AddMember(ctx, "g", "alice") },
			"AdminAddUserToGroup", `{"GroupName":"g","Username":"alice"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { return p.RemoveMember(ctx, "g", "alice") },
			"AdminRemoveUserFromGroup", `{"GroupName":"g","Username":"alice"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error {
				_, _, err := p.MembersPage(ctx, "g", "t")
				return err
			},
			"ListUsersInGroup", `{"GroupName":"g","Limit":60,"NextToken":"t"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error {
				_, _, err := p.UserGroupsPage(ctx, "alice", "t")
				return err
			},
			"AdminListGroupsForUser", `{"Username":"alice","Limit":60,"NextToken":"t"}`,
		},
		{
			func(ctx context.Context, p *cognito.Pool) error { return p.AddCustomAttributes(ctx, "scim") },
			"AddCustomAttributes",
			`{"CustomAttributes":[{"Name":"scim","AttributeDataType":"String","Mutable":true,"StringAttributeConstraints":{"MinLength":"0","MaxLength":"2048"}}]}`,
		},
	}
	for _, c := range cases {
		var op string
		var body map[string]any
		pool := inProcess(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, op, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
			body = nil
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Errorf("%s: %v", c.op, err)
			}
			ok(`{"UserPool":{},"User":{},"Group":{}}`)(w, r)
		}), nil)
		if err := c.call(t.Context(), pool); err != nil {
			t.Errorf("%s: %v", c.op, err)
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(c.body), &want); err != nil {
			t.Fatalf("%s: %v", c.op, err)
		}
		want["UserPoolId"] = fakePool
		if op != c.op {
			t.Errorf("got operation %s, want %s", op, c.op)
		}
		if diff := cmp.Diff(want, body); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.op, diff)
		}
	}
}

// TestNothingToUpdate: an empty set is no call.
func TestNothingToUpdate(t *testing.T) {
	t.Parallel()
	f := &fake{answers: []answer{ok("{}")}}
	if err := inProcess(t, f, nil).UpdateUser(t.Context(), "alice", nil); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	if got := len(f.calls()); got != 0 {
		t.Errorf("got %d calls, want 0", got)
	}
}

// TestFindUsersReadsOn: an empty page with a token is not the end, and a search that
// never ends is given up.
func TestFindUsersReadsOn(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		answers []answer
		calls   int
		found   int
	}{
		"an empty page first": {[]answer{ok(`{"Users":[],"PaginationToken":"t"}`), ok(`{"Users":[{"Username":"alice"}]}`)}, 2, 1},
		"no end":              {[]answer{ok(`{"Users":[{"Username":"alice"}],"PaginationToken":"t"}`)}, 5, 5},
	}
	for name, c := range cases {
		f := &fake{answers: c.answers}
		users, err := inProcess(t, f, nil).FindUsers(t.Context(), "username", "alice")
		if err != nil || len(users) != c.found || len(f.calls()) != c.calls {
			t.Errorf("%s: got %d users by %d calls and error %v, want %d by %d", name, len(users), len(f.calls()), err, c.found, c.calls)
		}
	}
}

// TestConnectionsAreKept: as many calls as the quotas allow at once do not dial anew.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const together = 60
	var dialed atomic.Int64
	arrived := make(chan struct{}, together)
	release := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".AdminEnableUser") {
			arrived <- struct{}{}
			<-release
		}
		ok(`{"UserPool":{}}`)(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			dialed.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	pool := open(t, server.URL, nil)
	for range 3 {
		var done sync.WaitGroup
		for i := range together {
			done.Go(func() {
				if err := pool.EnableUser(t.Context(), fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			})
		}
		for range together {
			<-arrived
		}
		for range together {
			release <- struct{}{}
		}
		done.Wait()
	}
	if got := dialed.Load(); got > together+1 {
		t.Errorf("got %d connections for 3 rounds of %d calls, want no more than %d", got, together, together+1)
	}
}

// TestHugeAnswer: an answer that is longer than any of Cognito's is not kept.
func TestHugeAnswer(t *testing.T) {
	t.Parallel()
	endless := func(w http.ResponseWriter, _ *http.Request) {
		if _, err := io.CopyN(w, spaces{}, 17<<20); err != nil {
			return // the client has gone, as it should
		}
	}
	server := httptest.NewServer(&fake{answers: []answer{endless}})
	t.Cleanup(server.Close)
	_, _, err := open(t, server.URL, func(cfg *cognito.Config) { cfg.Attempts = 1 }).UsersPage(within(t, time.Minute), "")
	if cognito.KindOf(err) != cognito.Unavailable || !strings.Contains(err.Error(), "an answer of more than 16777216 bytes") {
		t.Errorf("got %v, want it to be unavailable for its length", err)
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
