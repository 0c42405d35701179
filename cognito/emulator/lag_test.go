package emulator_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// TestLag checks what searches and group reads see of writes, and when, while reads of one user see them at once.
func TestLag(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{Lag: time.Minute, Clock: fixed}, emulator.PoolConfig{})
	pool := aws.String(poolID)
	wantList := func(when, filter string, want ...string) {
		t.Helper()
		if got, _ := list(t, c, filter, 0); !slices.Equal(got, want) {
			t.Errorf("%s: %s: got %q, want %q", when, filter, got, want)
		}
	}
	create(t, c, "ada", "email", "old@x.org")
	get(t, c, "ada")
	wantList("at once", "")
	e.Advance(time.Minute)
	wantList("a minute later", "", "ada")

	if err := update(t, c, "email", ""); err != nil {
		t.Fatal(err)
	}
	out, err := c.ListUsers(t.Context(), &idp.ListUsersInput{UserPoolId: pool, Filter: aws.String(`email = "old@x.org"`)})
	if err != nil || len(out.Users) != 1 || value(out.Users[0].Attributes, "email") != "old@x.org" {
		t.Errorf("a blanked e-mail: got %v, error %v; want the old record", out.Users, err)
	}
	e.Advance(time.Minute)
	wantList("a minute later", `email = "old@x.org"`)

	group := &idp.CreateGroupInput{UserPoolId: pool, GroupName: aws.String("staff")}
	if _, err := c.CreateGroup(t.Context(), group); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetGroup(t.Context(), &idp.GetGroupInput{UserPoolId: pool, GroupName: group.GroupName})
	wantError(t, err, "ResourceNotFoundException", "Group not found.")
	_, err = c.CreateGroup(t.Context(), group)
	wantError(t, err, "GroupExistsException", "A group with the name already exists.")
	if _, err := c.AdminAddUserToGroup(t.Context(), &idp.AdminAddUserToGroupInput{UserPoolId: pool, GroupName: group.GroupName, Username: aws.String("ada")}); err != nil {
		t.Fatal(err)
	}
	e.Advance(time.Minute)
	wantMembers(t, c, "staff", "ada")
	if _, err := c.AdminRemoveUserFromGroup(t.Context(), &idp.AdminRemoveUserFromGroupInput{UserPoolId: pool, GroupName: group.GroupName, Username: aws.String("ada")}); err != nil {
		t.Fatal(err)
	}
	wantMembers(t, c, "staff", "ada")
	e.Advance(time.Minute)
	wantMembers(t, c, "staff")

	if _, err := c.AdminDeleteUser(t.Context(), &idp.AdminDeleteUserInput{UserPoolId: pool, Username: aws.String("ada")}); err != nil {
		t.Fatal(err)
	}
	create(t, c, "ada")
	wantList("deleted and made again", "", "ada")
	e.Advance(time.Minute)
	wantList("a minute later", "", "ada")
}

// TestRejoin leaves and joins again before reads have seen it.
func TestRejoin(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{Lag: time.Minute}, emulator.PoolConfig{})
	create(t, c, "ada")
	must(t, createGroup(t, c, "staff"), join(t, c, "ada", "staff"))
	e.Advance(time.Minute)
	wantMembers(t, c, "staff", "ada")
	must(t, leave(t, c, "ada", "staff"))
	e.Advance(30 * time.Second)
	must(t, join(t, c, "ada", "staff"))
	e.Advance(30 * time.Second)
	wantMembers(t, c, "staff") // the past: she had left
	e.Advance(30 * time.Second)
	wantMembers(t, c, "staff", "ada")
	if diff := cmp.Diff([]string{"staff"}, groupsOf(t, c, "ada", 60)); diff != "" {
		t.Errorf("groups of ada (-want +got):\n%s", diff)
	}
}

// TestRejoinOften joins once more when reads have seen the first of several departures, and are still to see the others.
func TestRejoinOften(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{Lag: time.Minute, Clock: fixed}, emulator.PoolConfig{})
	create(t, c, "ada")
	must(t, createGroup(t, c, "staff"), join(t, c, "ada", "staff"))
	for _, again := range []func() error{
		func() error { return leave(t, c, "ada", "staff") },
		func() error { return join(t, c, "ada", "staff") },
		func() error { return leave(t, c, "ada", "staff") },
	} {
		e.Advance(15 * time.Second)
		must(t, again())
	}
	e.Advance(45 * time.Second)
	must(t, join(t, c, "ada", "staff"))
	e.Advance(time.Minute)
	wantMembers(t, c, "staff", "ada")
}
