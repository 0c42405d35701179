package emulator_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// TestSaveAndLoad fills an emulator with some of everything, and compares what its copy answers.
func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	e, c := federated(t, emulator.Unverified{}, emulator.PoolConfig{
		Name: "people", AliasAttributes: []string{"email"}, CustomAttributes: []emulator.CustomAttribute{{Name: "scim", MaxLength: 100}}, Immutable: []string{"birthdate"},
	})
	must(t, e.CreatePool(emulator.PoolConfig{ID: "us-east-1_logins", UsernameAttributes: []string{"email"}, CaseInsensitive: true}))
	a := newApp(t, c, idp.CreateUserPoolClientInput{GenerateSecret: false, WriteAttributes: []string{"nickname"}})
	person(t, c, a)
	must(t, e.SeedUsers(poolID, 70), createGroup(t, c, "staff"), join(t, c, "ada", "staff"), update(t, c, "custom:scim", `{"<&>":1}`))
	create(t, c, "grace")
	must(t, setPassword(t, c, "grace", password, false), link(t, c, "grace", "email", "grace@example.com"), link(t, c, "grace", "Cognito_Subject", "00u9"))
	adminCall(t, c, "disable")
	_, err := signIn(e, "00u1", "x@example.com", "X")
	must(t, err)
	_, err = signIn(e, "00u2", "grace@example.com", "Grace")
	must(t, err)
	e.Advance(time.Hour)

	var saved bytes.Buffer
	must(t, e.Save(&saved))
	copied := emulator.New(emulator.Config{Seed: 99})
	must(t, copied.Load(bytes.NewReader(saved.Bytes())))
	for _, request := range []string{
		`DescribeUserPool {"UserPoolId":"` + poolID + `"}`,
		`DescribeUserPool {"UserPoolId":"us-east-1_logins"}`,
		`AdminGetUser {"UserPoolId":"` + poolID + `","Username":"ada@example.com"}`,
		`AdminGetUser {"UserPoolId":"` + poolID + `","Username":"grace"}`,
		`AdminGetUser {"UserPoolId":"` + poolID + `","Username":"Okta_00u1"}`,
		`ListUsers {"UserPoolId":"` + poolID + `","Filter":"username = \"user0000042\""}`,
		`ListGroups {"UserPoolId":"` + poolID + `"}`,
		`ListUsersInGroup {"UserPoolId":"` + poolID + `","GroupName":"staff"}`,
		`AdminListGroupsForUser {"UserPoolId":"` + poolID + `","Username":"Okta_00u1"}`,
		`DescribeIdentityProvider {"UserPoolId":"` + poolID + `","ProviderName":"Okta"}`,
		`DescribeUserPoolClient {"UserPoolId":"` + poolID + `","ClientId":"` + a.id + `"}`,
	} {
		operation, body, _ := strings.Cut(request, " ")
		want, got := call(e, operation, body), call(copied, operation, body)
		if want.Code != 200 {
			t.Errorf("%s: got %d %s of the original, want 200", request, want.Code, want.Body)
		}
		if diff := cmp.Diff(want.Body.String(), got.Body.String()); diff != "" {
			t.Errorf("%s (-original +copy):\n%s", request, diff)
		}
	}
	if e.Now().Sub(copied.Now()).Abs() > time.Minute {
		t.Errorf("got time %s, want %s", copied.Now(), e.Now())
	}
	// What does not show: passwords, links by attribute and by subject, and the order of users.
	cc := sdk(copied)
	adminCall(t, cc, "enable")
	_, err = app{cc, a.id}.signIn(t, "ada", password)
	must(t, err)
	for subject, want := range map[string]string{"00u2": "grace", "00u9": "grace", "00u1": "Okta_00u1"} {
		if in, err := signIn(copied, subject, "changed@example.com", "G"); err != nil || in.Username != want {
			t.Errorf("%s: got %+v, error %v; want %s", subject, in, err, want)
		}
	}
	var again bytes.Buffer
	fresh := emulator.New(emulator.Config{Seed: 5})
	must(t, fresh.Load(bytes.NewReader(saved.Bytes())), fresh.Save(&again))
	if diff := cmp.Diff(saved.String(), again.String()); diff != "" {
		t.Errorf("saved again (-first +second):\n%s", diff)
	}
	if strings.Contains(saved.String(), password) {
		t.Error("the state has a password in it")
	}
}

// TestSaveIgnoresLag checks that what searches do not see yet is saved all the same.
func TestSaveIgnoresLag(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{Lag: time.Hour}, emulator.PoolConfig{})
	create(t, c, "ada")
	must(t, createGroup(t, c, "staff"), join(t, c, "ada", "staff"))
	var saved bytes.Buffer
	copied := emulator.New(emulator.Config{Lag: time.Hour})
	must(t, e.Save(&saved), copied.Load(&saved))
	wantMembers(t, sdk(copied), "staff", "ada")
	if got, _ := list(t, sdk(copied), "", 0); len(got) != 1 {
		t.Errorf("got users %q, want ada", got)
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	const head = `{"version":1}` + "\n"
	const pool = head + `{"pool":{"id":"us-east-1_test","schema":[{"name":"email","kind":"String"}]}}` + "\n"
	for _, tc := range []struct{ name, state, within string }{
		{"nothing", "", "EOF"},
		{"not JSON", "state", "invalid character"},
		{"a later version", `{"version":2}`, "version 2, want 1"},
		{"an unknown key", head + `{"colour":"green"}`, `unknown field "colour"`},
		{"a user before a pool", head + `{"user":{"username":"ada"}}`, "value 2 comes before any pool"},
		{"an empty value", pool + `{}`, "value 3: neither pool, group nor user"},
		{"a user twice", pool + `{"user":{"username":"ada","sub":"1"}}{"user":{"username":"ada","sub":"2"}}`, "value 4: user ada is there twice"},
		{"a group twice", pool + `{"group":{"name":"staff"}}{"group":{"name":"staff"}}`, "group staff is there twice"},
		{"an unknown attribute", pool + `{"user":{"username":"ada","sub":"1","attributes":[["name","Ada"]]}}`, "user ada has name, which is not in the schema"},
		{"an unknown group", pool + `{"user":{"username":"ada","sub":"1","groups":["staff"]}}`, "user ada is in group staff: ResourceNotFoundException"},
		{"a short hash", pool + `{"user":{"username":"ada","sub":"1","passwordHash":"AAAA"}}`, "password hash of 3 bytes, want 32"},
		{"a pool twice", pool + `{"pool":{"id":"us-east-1_test"}}`, "pool us-east-1_test is there twice"},
	} {
		e := emulator.New(emulator.Config{})
		wantRefusal(t, e.Load(strings.NewReader(tc.state)), tc.within)
		if w := call(e, "ListUsers", `{"UserPoolId":"us-east-1_test"}`); w.Code != 400 {
			t.Errorf("%s: got %d, want 400: nothing is loaded", tc.name, w.Code)
		}
	}
	e := emulator.New(emulator.Config{})
	must(t, e.Load(strings.NewReader(pool)))
	wantRefusal(t, e.Load(strings.NewReader(pool)), "pool us-east-1_test exists")
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{AliasAttributes: []string{"email"}})
	create(t, c, "user0000002")
	must(t, e.SeedUsers(poolID, 3), e.SeedUsers(poolID, 2), e.SeedGroups(poolID, 3, 4))
	names, _ := list(t, c, "", 0)
	if diff := cmp.Diff([]string{"user0000001", "user0000002", "user0000003", "user0000004", "user0000005", "user0000006"}, names); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	u := get(t, c, "user0000003@example.com")
	if *u.Username != "user0000003" || u.UserStatus != types.UserStatusTypeConfirmed || value(u.UserAttributes, "name") != value(u.UserAttributes, "given_name")+" "+value(u.UserAttributes, "family_name") {
		t.Errorf("got %s, %s, %v; want user0000003, CONFIRMED, a name", *u.Username, u.UserStatus, u.UserAttributes)
	}
	wantMembers(t, c, "group00001", "user0000001", "user0000002", "user0000003", "user0000004")
	wantMembers(t, c, "group00002", "user0000001", "user0000002", "user0000005", "user0000006")
	// Seeded users are like others.
	if _, err := c.AdminDeleteUser(t.Context(), &idp.AdminDeleteUserInput{UserPoolId: aws.String(poolID), Username: aws.String("user0000001")}); err != nil {
		t.Fatal(err)
	}
	wantMembers(t, c, "group00001", "user0000002", "user0000003", "user0000004")

	must(t, e.CreatePool(emulator.PoolConfig{ID: "us-east-1_logins", UsernameAttributes: []string{"email"}}), e.SeedUsers("us-east-1_logins", 1))
	w := call(e, "AdminGetUser", `{"UserPoolId":"us-east-1_logins","Username":"user0000001@example.com"}`)
	if w.Code != 200 {
		t.Errorf("got %d %s, want the user by e-mail", w.Code, w.Body)
	}
	wantRefusal(t, e.SeedUsers("us-east-1_none", 1), "does not exist")
	wantRefusal(t, e.SeedUsers(poolID, -1), "negative")
	wantRefusal(t, e.SeedGroups("us-east-1_none", 1, 0), "does not exist")
	wantRefusal(t, e.SeedGroups(poolID, -1, 0), "negative")
	wantRefusal(t, e.SeedGroups(poolID, 1, 100), "more than the pool's 5 users")
	wantRefusal(t, e.SeedGroups(poolID, 10_000, 0), "more than a pool's 10000")
	wantRefusal(t, e.SeedGroups(poolID, 101, 5), "is in 100 groups, the most there can be")
}
