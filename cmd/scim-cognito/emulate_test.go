package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// emulateWith starts the stand-alone emulator with flags.
func emulateWith(t *testing.T, flags ...string) (*command, *cip.Client) {
	t.Helper()
	c := start(t, nil, append([]string{"emulate", "--listen=127.0.0.1:0", "--quotas=off"}, flags...)...)
	endpoint := c.await(t, c.out, `Cognito emulator +(http://127\.0\.0\.1:\d+) `)
	c.await(t, c.out, `(Its calls)`)
	return c, sdk(endpoint)
}

// usernames lists a pool's users, page by page.
func usernames(t *testing.T, pool *cip.Client) []string {
	t.Helper()
	var names []string
	in := &cip.ListUsersInput{UserPoolId: localPool}
	for pages := cip.NewListUsersPaginator(pool, in); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			names = append(names, aws.ToString(u.Username))
		}
	}
	return names
}

// members lists a group's.
func members(t *testing.T, pool *cip.Client, group string) []string {
	t.Helper()
	var names []string
	in := &cip.ListUsersInGroupInput{UserPoolId: localPool, GroupName: aws.String(group)}
	for pages := cip.NewListUsersInGroupPaginator(pool, in); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			names = append(names, aws.ToString(u.Username))
		}
	}
	return names
}

func addUser(t *testing.T, pool *cip.Client, name string) error {
	t.Helper()
	_, err := pool.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: localPool, Username: aws.String(name), MessageAction: types.MessageActionTypeSuppress})
	return err
}

func TestEmulateSeeds(t *testing.T) {
	t.Parallel()
	_, pool := emulateWith(t, "--users=130", "--groups=3", "--members=70", "--seed=7")
	names := usernames(t, pool)
	slices.Sort(names)
	if names = slices.Compact(names); len(names) != 130 {
		t.Errorf("got %d users, want 130", len(names))
	}
	groups, err := pool.ListGroups(t.Context(), &cip.ListGroupsInput{UserPoolId: localPool})
	if err != nil || len(groups.Groups) != 3 {
		t.Fatalf("got groups %v, %v, want 3", groups, err)
	}
	if got := members(t, pool, aws.ToString(groups.Groups[0].GroupName)); len(got) != 70 {
		t.Errorf("got %d members, want 70", len(got))
	}

	_, again := emulateWith(t, "--users=130", "--seed=7")
	of := func(client *cip.Client) string {
		got, err := client.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: localPool, Username: aws.String(names[0])})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(got.UserAttributes[slices.IndexFunc(got.UserAttributes, func(a types.AttributeType) bool { return aws.ToString(a.Name) == "sub" })].Value)
	}
	if a, b := of(pool), of(again); a != b {
		t.Errorf("the same --seed: got the subs %s and %s, want the same", a, b)
	}
}

func TestMembersByDefault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ users, groups, want int }{
		{0, 0, 0}, {0, 5, 0}, {4, 5, 4}, {1000, 0, 10}, {1_000_000, 10_000, 10}, {50, 1000, 5}, {3, 1000, 0},
	} {
		if got := membersByDefault(c.users, c.groups); got != c.want {
			t.Errorf("%d users, %d groups: got %d members each, want %d", c.users, c.groups, got, c.want)
		}
	}
}

func TestEmulatePoolStyles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flags []string
		check func(*types.UserPoolType) bool
	}{
		{nil, func(p *types.UserPoolType) bool { return p.AliasAttributes == nil && p.UsernameAttributes == nil }},
		{[]string{"--alias=email,preferred_username"}, func(p *types.UserPoolType) bool { return len(p.AliasAttributes) == 2 }},
		{[]string{"--username-attributes=email"}, func(p *types.UserPoolType) bool { return len(p.UsernameAttributes) == 1 }},
		{[]string{"--case-insensitive"}, func(p *types.UserPoolType) bool { return !aws.ToBool(p.UsernameConfiguration.CaseSensitive) }},
	} {
		_, pool := emulateWith(t, c.flags...)
		got, err := pool.DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: localPool})
		if err != nil || !c.check(got.UserPool) {
			t.Errorf("%v: got %+v, %v, want a pool of that style", c.flags, got, err)
		}
	}
}

func TestEmulateBehaviour(t *testing.T) {
	t.Parallel()
	t.Run("latency", func(t *testing.T) {
		t.Parallel()
		_, pool := emulateWith(t, "--latency=80ms")
		begun := time.Now()
		usernames(t, pool)
		if took := time.Since(begun); took < 80*time.Millisecond {
			t.Errorf("got an answer after %s, want it to take 80ms at least", took)
		}
	})
	t.Run("lag", func(t *testing.T) {
		t.Parallel()
		_, pool := emulateWith(t, "--lag=1h")
		if err := addUser(t, pool, "ada"); err != nil {
			t.Fatal(err)
		}
		if got := usernames(t, pool); len(got) != 0 {
			t.Errorf("within the lag: got %v listed, want nobody", got)
		}
		if err := addUser(t, pool, "ada"); err == nil {
			t.Error("a second ada: got no error, want that writes see each other")
		}
	})
	t.Run("sparse pages", func(t *testing.T) {
		t.Parallel()
		_, pool := emulateWith(t, "--users=3", "--sparse-pages")
		page, err := pool.ListUsers(t.Context(), &cip.ListUsersInput{UserPoolId: localPool})
		if err != nil || len(page.Users) != 0 || page.PaginationToken == nil {
			t.Errorf("the first page: got %d users, token %v, %v, want none and a token", len(page.Users), page.PaginationToken, err)
		}
	})
	t.Run("faults", func(t *testing.T) {
		t.Parallel()
		c, pool := emulateWith(t, "--fault=ListUsers:throttle:1", "--fault=*:503:0:0.25", "--fault=GetGroup:reset-after", "--throttle-message=Slow, please")
		_, err := pool.ListUsers(t.Context(), &cip.ListUsersInput{UserPoolId: localPool}, func(o *cip.Options) { o.RetryMaxAttempts = 1 })
		if throttled, ok := errors.AsType[*types.TooManyRequestsException](err); !ok || throttled.ErrorMessage() != "Slow, please" {
			t.Errorf("the first call: got %v, want it throttled with --throttle-message", err)
		}
		_, body := get(t, c.await(t, c.out, `curl (http://\S+)/-/calls`)+"/-/faults")
		var got struct{ Faults []emulator.Fault }
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		want := []emulator.Fault{{Kind: emulator.Unavailable, Probability: 0.25}, {Operation: "GetGroup", Kind: emulator.ResetAfter}}
		if !slices.Equal(got.Faults, want) {
			t.Errorf("faults after that: got %+v, want %+v", got.Faults, want)
		}
	})
	t.Run("unverified", func(t *testing.T) {
		t.Parallel()
		_, pool := emulateWith(t, "--unverified=fold-group-names,enforce-required")
		create := func(name string) error {
			_, err := pool.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: localPool, GroupName: aws.String(name)})
			return err
		}
		if err := create("Staff"); err != nil {
			t.Fatal(err)
		}
		if err := create("STAFF"); err == nil {
			t.Error("STAFF beside Staff: got no error, want the names to be the same")
		}
	})
}

// Each switch that nobody has verified has a name of its own on the command line.
func TestUnverifiedSwitches(t *testing.T) {
	t.Parallel()
	var switches int
	for field := range reflect.TypeFor[emulator.Unverified]().Fields() {
		if field.Type.Kind() == reflect.Bool {
			switches++
		}
	}
	if len(unverified) != switches {
		t.Errorf("got %d names, want one for each of the %d switches", len(unverified), switches)
	}
	for name := range unverified {
		var by unverifiedBy
		var u emulator.Unverified
		if err := by.UnmarshalText([]byte(name)); err != nil {
			t.Errorf("%s: got %v, want it known", name, err)
			continue
		}
		*by.field(&u) = true
		field := strings.ReplaceAll(name, "-", "")
		value := reflect.ValueOf(u).FieldByNameFunc(func(is string) bool { return strings.EqualFold(is, field) })
		if !value.IsValid() || !value.Bool() {
			t.Errorf("%s: got %+v, want the switch of that name on", name, u)
		}
	}
}

// The state outlives the process; the flags that make a pool do not count a second time.
func TestEmulateState(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pool.json")
	flags := []string{"--state=" + file, "--users=5", "--groups=2", "--case-insensitive"}
	first, pool := emulateWith(t, flags...)
	if err := addUser(t, pool, "Ada"); err != nil {
		t.Fatal(err)
	}
	before := usernames(t, pool)
	first.stop(t)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file: got %v, %v, want one for its owner alone", info, err)
	}

	second, pool := emulateWith(t, flags...)
	if got := usernames(t, pool); len(got) != 6 || !slices.Equal(got, before) {
		t.Errorf("after a restart: got %v, want %v", got, before)
	}
	if got := members(t, pool, "group00001"); len(got) != 5 {
		t.Errorf("after a restart: got the members %v, want five", got)
	}
	saved, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := get(t, second.await(t, second.out, `curl (http://\S+)/-/calls`)+"/-/clock"); status != http.StatusOK {
		t.Errorf("the clock: got %d %s, want 200", status, body)
	}
	second.stop(t)
	left, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(left) != 1 {
		t.Errorf("the folder: got %v, %v, want the state alone", left, err)
	}
	if info, err := os.Stat(file); err != nil || !info.ModTime().Equal(saved.ModTime()) {
		t.Errorf("after listing alone: got %v, %v, want the file not written again", info, err)
	}

	if err := os.WriteFile(file, []byte(`{"version":1`), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := start(t, nil, append([]string{"emulate", "--listen=127.0.0.1:0"}, flags...)...)
	if err := broken.wait(t); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "left as it is") {
		t.Errorf("a broken file: got %v, want an error that names it", err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != `{"version":1` {
		t.Errorf("a broken file: got %q, %v, want it untouched", got, err)
	}
}
