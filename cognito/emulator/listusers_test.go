package emulator_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// list walks a chain of ListUsers pages and returns the usernames, sorted, and the size of each page.
func list(t *testing.T, c *idp.Client, filter string, limit int32) (names []string, pages []int) {
	t.Helper()
	in := idp.ListUsersInput{UserPoolId: aws.String(poolID), Filter: &filter}
	if limit > 0 {
		in.Limit = &limit
	}
	for {
		out, err := c.ListUsers(t.Context(), &in)
		if err != nil {
			t.Fatalf("listing %s: %v", filter, err)
		}
		pages = append(pages, len(out.Users))
		for _, u := range out.Users {
			names = append(names, *u.Username)
		}
		if in.PaginationToken = out.PaginationToken; in.PaginationToken == nil {
			slices.Sort(names)
			return names, pages
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{CustomAttributes: []emulator.CustomAttribute{{Name: "scim"}}})
	sub := value(create(t, c, "ada", "email", "Ada@example.com", "given_name", "Ada", "family_name", "Lovelace", "name", `Ada "the Countess" \ Lovelace`).Attributes, "sub")
	create(t, c, "Adam", "email", "adam@example.com", "given_name", "Adam", "phone_number", "+14255550100")
	create(t, c, "grace", "email", "grace@example.org", "family_name", "Hopper", "preferred_username", "Amazing", "given_name", "Ünal")
	if _, err := c.AdminDisableUser(t.Context(), &idp.AdminDisableUserInput{UserPoolId: aws.String(poolID), Username: aws.String("grace")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordInput{UserPoolId: aws.String(poolID), Username: aws.String("ada"), Password: aws.String("Secret-1234"), Permanent: true}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		filter string
		want   []string
	}{
		{``, []string{"Adam", "ada", "grace"}},
		{`  `, []string{"Adam", "ada", "grace"}},
		{`username = "ada"`, []string{"ada"}},
		{`username = "ADA"`, nil},
		{`username ^= "ad"`, []string{"ada"}},
		{`username ^= ""`, []string{"Adam", "ada", "grace"}},
		{`sub = "` + sub + `"`, []string{"ada"}},
		{`sub ^= "` + sub[:13] + `"`, []string{"ada"}},
		{`sub = "` + strings.ToUpper(sub) + `"`, nil},
		{`email = "ada@EXAMPLE.com"`, []string{"ada"}},
		{`email="ada@example.com"`, []string{"ada"}},
		{`email ^= "ADA"`, []string{"Adam", "ada"}},
		{`email^="ada"`, []string{"Adam", "ada"}},
		{"email\t=  \"ada@example.com\"", []string{"ada"}},
		{`email = ""`, nil},
		{`given_name = "ÜNAL"`, []string{"grace"}},
		{`given_name ^= "ü"`, []string{"grace"}},
		{`family_name ^= "h"`, []string{"grace"}},
		{`name = "ada \"the countess\" \\ lovelace"`, []string{"ada"}},
		{`name ^= "ada \""`, []string{"ada"}},
		{`phone_number ^= "+1425"`, []string{"Adam"}},
		{`preferred_username = "amazing"`, []string{"grace"}},
		{`status = "Enabled"`, []string{"Adam", "ada"}},
		{`status = "Disabled"`, []string{"grace"}},
		{`status = "disabled"`, nil},
		{`cognito:user_status = "confirmed"`, []string{"ada"}},
		{`cognito:user_status ^= "FORCE"`, []string{"Adam", "grace"}},
	} {
		if got, _ := list(t, c, tc.filter, 0); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.filter, got, tc.want)
		}
	}
	for filter, message := range map[string]string{
		`email`:                        "Error while parsing filter.",
		`email "x"`:                    "Error while parsing filter.",
		`email = x`:                    "Error while parsing filter.",
		`email = "x`:                   "Error while parsing filter.",
		`email = "x\`:                  "Error while parsing filter.",
		`email = "x" and status = "y"`: "Error while parsing filter.",
		`email eq "x"`:                 "Error while parsing filter.",
		`email != "x"`:                 "Error while parsing filter.",
		`email co "x"`:                 "Error while parsing filter.",
		`email pr`:                     "Error while parsing filter.",
		`= "x"`:                        "Error while parsing filter.",
		`"email" = "x"`:                "Error while parsing filter.",
		`custom:scim = "x"`:            "Invalid search attribute: custom:scim",
		`locale = "x"`:                 "Invalid search attribute: locale",
		`Email = "x"`:                  "Invalid search attribute: Email",
		`nickname ^= "` + strings.Repeat("x", 250) + `"`: "Value '",
	} {
		_, err := c.ListUsers(t.Context(), &idp.ListUsersInput{UserPoolId: aws.String(poolID), Filter: &filter})
		wantError(t, err, "InvalidParameterException", message)
	}
}

func TestUsernameFilterFolds(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{Unverified: emulator.Unverified{FoldUsernameFilter: true}}, emulator.PoolConfig{})
	create(t, c, "Ada")
	if got, _ := list(t, c, `username = "aDA"`, 0); !slices.Equal(got, []string{"Ada"}) {
		t.Errorf("got %q, want Ada", got)
	}
}

func TestListUsersPages(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	if err := e.SeedUsers(poolID, 125); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		filter string
		limit  int32
		pages  []int
	}{
		{"", 0, []int{60, 60, 5}},
		{"", 25, []int{25, 25, 25, 25, 25}},
		{`email ^= "user"`, 60, []int{60, 60, 5}},
		{`status = "Enabled"`, 50, []int{50, 50, 25}},
		{`username ^= "user000001"`, 7, []int{7, 3}},
	} {
		names, pages := list(t, c, tc.filter, tc.limit)
		if diff := cmp.Diff(tc.pages, pages); diff != "" {
			t.Errorf("%q with Limit %d: pages (-want +got):\n%s", tc.filter, tc.limit, diff)
		}
		if distinct := len(slices.Compact(names)); distinct != sum(tc.pages) {
			t.Errorf("%q: got %d users, want %d", tc.filter, distinct, sum(tc.pages))
		}
	}
	zero := int32(0)
	out, err := c.ListUsers(t.Context(), &idp.ListUsersInput{UserPoolId: aws.String(poolID), Limit: &zero})
	if err != nil || len(out.Users) != 60 {
		t.Errorf("Limit 0: got %d users, error %v; want 60", len(out.Users), err)
	}
}

func sum(list []int) (n int) {
	for _, x := range list {
		n += x
	}
	return n
}

// TestChainSurvivesChanges deletes and changes users while their pages are read: nobody comes twice, and nobody who stays is missed.
func TestChainSurvivesChanges(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	if err := e.SeedUsers(poolID, 40); err != nil {
		t.Fatal(err)
	}
	for _, filter := range []string{"", `cognito:user_status = "CONFIRMED"`} {
		seen := map[string]bool{}
		in := idp.ListUsersInput{UserPoolId: aws.String(poolID), Filter: &filter, Limit: aws.Int32(10)}
		for page := 0; page == 0 || in.PaginationToken != nil; page++ {
			out, err := c.ListUsers(t.Context(), &in)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range out.Users {
				if seen[*u.Username] {
					t.Errorf("%q: %s came twice", filter, *u.Username)
				}
				seen[*u.Username] = true
			}
			// The last one of the page goes away, and so does the mark's user; another one is written to.
			for _, gone := range out.Users[len(out.Users)-1:] {
				if _, err := c.AdminDeleteUser(t.Context(), &idp.AdminDeleteUserInput{UserPoolId: aws.String(poolID), Username: gone.Username}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := c.AdminUpdateUserAttributes(t.Context(), &idp.AdminUpdateUserAttributesInput{UserPoolId: aws.String(poolID), Username: out.Users[0].Username, UserAttributes: attributes("nickname", "x")}); err != nil {
				t.Fatal(err)
			}
			in.PaginationToken = out.PaginationToken
		}
		rest, _ := list(t, c, filter, 0)
		for _, name := range rest {
			if !seen[name] {
				t.Errorf("%q: %s was missed", filter, name)
			}
		}
	}
}

func TestPaginationTokens(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	if err := e.SeedUsers(poolID, 5); err != nil {
		t.Fatal(err)
	}
	if err := e.CreatePool(emulator.PoolConfig{ID: "us-east-1_other"}); err != nil {
		t.Fatal(err)
	}
	filter := `username ^= "user"`
	page := func(pool, filter, token string) (*idp.ListUsersOutput, error) {
		in := idp.ListUsersInput{UserPoolId: &pool, Filter: &filter, Limit: aws.Int32(2)}
		if token != "" {
			in.PaginationToken = &token
		}
		return c.ListUsers(t.Context(), &in)
	}
	out, err := page(poolID, filter, "")
	if err != nil {
		t.Fatal(err)
	}
	token := *out.PaginationToken
	for name, call := range map[string]func() (*idp.ListUsersOutput, error){
		"another filter": func() (*idp.ListUsersOutput, error) { return page(poolID, `username ^= "use"`, token) },
		"no filter":      func() (*idp.ListUsersOutput, error) { return page(poolID, "", token) },
		"another pool":   func() (*idp.ListUsersOutput, error) { return page("us-east-1_other", filter, token) },
		"made up":        func() (*idp.ListUsersOutput, error) { return page(poolID, filter, "bm90aGluZw") },
		"changed": func() (*idp.ListUsersOutput, error) {
			return page(poolID, filter, strings.Map(func(r rune) rune { return map[bool]rune{true: 'A', false: r}[r == 'e'] }, token))
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := call()
			wantError(t, err, "InvalidParameterException", "Paging Marker is Invalid for Request")
		})
	}
	e.Advance(59 * time.Minute)
	if _, err := page(poolID, filter, token); err != nil {
		t.Errorf("after 59 minutes: got %v, want a page", err)
	}
	e.Advance(2 * time.Minute)
	_, err = page(poolID, filter, token)
	wantError(t, err, "InvalidParameterException", "Paging Marker is Invalid for Request")
}

func TestAttributesToGet(t *testing.T) {
	t.Parallel()
	e, _ := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	call(e, "AdminCreateUser", `{"UserPoolId":"`+poolID+`","Username":"ada","UserAttributes":[{"Name":"email","Value":"a@x.org"},{"Name":"nickname","Value":"x"}]}`)
	for _, tc := range []struct{ names, want string }{
		{`["email"]`, `"Attributes":[{"Name":"email","Value":"a@x.org"}]`},
		{`[]`, `"Attributes":[]`},
		{`["sub"]`, "Input fails to satisfy the constraints."},
		{`["email","phone_number"]`, "One or more requested attributes do not exist."},
	} {
		w := call(e, "ListUsers", `{"UserPoolId":"`+poolID+`","AttributesToGet":`+tc.names+`}`)
		if !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s: got %s, want it to contain %s", tc.names, w.Body, tc.want)
		}
	}
}

func TestSparsePages(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{SparsePages: true}, emulator.PoolConfig{})
	if err := e.SeedUsers(poolID, 25); err != nil {
		t.Fatal(err)
	}
	if err := e.SeedGroups(poolID, 1, 25); err != nil {
		t.Fatal(err)
	}
	names, pages := list(t, c, "", 20)
	if diff := cmp.Diff([]int{0, 10, 10, 5}, pages); diff != "" || len(names) != 25 {
		t.Errorf("got %d users, want 25; pages (-want +got):\n%s", len(names), diff)
	}
	var sizes []int
	in := idp.ListUsersInGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("group00001"), Limit: aws.Int32(20)}
	for len(sizes) == 0 || in.NextToken != nil {
		out, err := c.ListUsersInGroup(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(out.Users))
		in.NextToken = out.NextToken
	}
	if diff := cmp.Diff([]int{0, 10, 10, 5}, sizes); diff != "" {
		t.Errorf("pages of members (-want +got):\n%s", diff)
	}
}

// TestSearchAgrees plays random writes, and compares searches with a naive look at what AdminGetUser says of everybody.
func TestSearchAgrees(t *testing.T) {
	t.Parallel()
	_, c := newPool(t, emulator.Config{}, emulator.PoolConfig{})
	draw := rand.New(rand.NewPCG(1, 2))
	values := []string{"a", "A", "ab", "Ab", "b", "äb", "ÄB", ""}
	alive := map[string]bool{}
	for range 600 {
		name := fmt.Sprintf("u%d", draw.IntN(25))
		v := values[draw.IntN(len(values))]
		var err error
		switch {
		case !alive[name]:
			create(t, c, name, "given_name", v)
			alive[name] = true
		case draw.IntN(6) == 0:
			_, err = c.AdminDeleteUser(t.Context(), &idp.AdminDeleteUserInput{UserPoolId: aws.String(poolID), Username: &name})
			delete(alive, name)
		case draw.IntN(3) == 0:
			_, err = c.AdminDisableUser(t.Context(), &idp.AdminDisableUserInput{UserPoolId: aws.String(poolID), Username: &name})
		default:
			_, err = c.AdminUpdateUserAttributes(t.Context(), &idp.AdminUpdateUserAttributesInput{UserPoolId: aws.String(poolID), Username: &name, UserAttributes: attributes("given_name", v)})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range values {
		var exact, prefix, disabled []string
		for name := range alive {
			u := get(t, c, name)
			if got := value(u.UserAttributes, "given_name"); got != "<none>" {
				if strings.EqualFold(got, v) {
					exact = append(exact, name)
				}
				if strings.HasPrefix(strings.ToLower(got), strings.ToLower(v)) {
					prefix = append(prefix, name)
				}
			}
			if !u.Enabled {
				disabled = append(disabled, name)
			}
		}
		for filter, want := range map[string][]string{`given_name = "` + v + `"`: exact, `given_name ^= "` + v + `"`: prefix, `status = "Disabled"`: disabled} {
			slices.Sort(want)
			if got, _ := list(t, c, filter, 3); !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", filter, got, want)
			}
		}
	}
}

// wantMembers checks the members of a group, in any order.
func wantMembers(t *testing.T, c *idp.Client, group string, want ...string) {
	t.Helper()
	var got []string
	pages := idp.NewListUsersInGroupPaginator(c, &idp.ListUsersInGroupInput{UserPoolId: aws.String(poolID), GroupName: &group})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, usernames(out.Users)...)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("members of %s: got %q, want %q", group, got, want)
	}
}

func usernames(users []types.UserType) (names []string) {
	for _, u := range users {
		names = append(names, *u.Username)
	}
	return names
}
