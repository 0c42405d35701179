package pooltest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scim-cognito/scim-cognito/cognito"
)

// many is more than one page.
const many = 65

var pageCases = []testCase{
	{"pages: users", pagesUsers},
	{"pages: groups", pagesGroups},
	{"pages: members", pagesMembers},
	{"pages: groups of a user", pagesUserGroups},
	{"pages: a token that means nothing is refused", pagesBadToken},
}

// wantPages checks a list of more than one page: each page within Cognito's limit,
// each of our names once.
func wantPages[E any](t T, f *fixture, want []string, name func(E) string, page func(token string) ([]E, string, error)) {
	t.Helper()
	slices.Sort(want)
	f.eventually(t, func() error {
		longest := 0
		all, pages, err := walk(func(token string) ([]E, string, error) {
			some, next, err := page(token)
			longest = max(longest, len(some))
			return some, next, err
		})
		if err != nil {
			return err
		}
		var ours []string
		for _, e := range all {
			if n := name(e); strings.HasPrefix(n, f.prefix) {
				ours = append(ours, n)
			}
		}
		slices.Sort(ours)
		if !slices.Equal(ours, want) {
			return fmt.Errorf("got %d of %d names: %v", len(ours), len(want), ours)
		}
		if pages < 2 || longest > 60 {
			return fmt.Errorf("got %d names on %d pages, the longest of %d, want more than one page and no more than 60", len(all), pages, longest)
		}
		return nil
	})
}

func userName(u cognito.User) string   { return u.Username }
func groupName(g cognito.Group) string { return g.Name }

func pagesUsers(t T, f *fixture) {
	var want []string
	for i := range many {
		want = append(want, f.user(t, fmt.Sprint(i), map[string]string{Attribute: strings.Repeat("x", 100)}).Username)
	}
	wantPages(t, f, want, userName, func(token string) ([]cognito.User, string, error) { return f.pool.UsersPage(t.Context(), token) })
}

func pagesGroups(t T, f *fixture) {
	var want []string
	for i := range many {
		want = append(want, f.group(t, fmt.Sprint(i), "").Name)
	}
	wantPages(t, f, want, groupName, func(token string) ([]cognito.Group, string, error) { return f.pool.GroupsPage(t.Context(), token) })
}

func pagesMembers(t T, f *fixture) {
	group := f.group(t, "g", "").Name
	var want []string
	for i := range many {
		u := f.user(t, fmt.Sprint(i), nil).Username
		wantNone(t, "adding", f.pool.AddMember(t.Context(), group, u))
		want = append(want, u)
	}
	wantPages(t, f, want, userName, func(token string) ([]cognito.User, string, error) {
		return f.pool.MembersPage(t.Context(), group, token)
	})
}

func pagesUserGroups(t T, f *fixture) {
	u := f.user(t, "a", nil).Username
	var want []string
	for i := range many {
		group := f.group(t, fmt.Sprint(i), "").Name
		wantNone(t, "adding", f.pool.AddMember(t.Context(), group, u))
		want = append(want, group)
	}
	wantPages(t, f, want, groupName, func(token string) ([]cognito.Group, string, error) {
		return f.pool.UserGroupsPage(t.Context(), u, token)
	})
}

func pagesBadToken(t T, f *fixture) {
	_, _, err := f.pool.UsersPage(t.Context(), "no-token-of-this-pool")
	wantKind(t, "users", err, cognito.Invalid)
	_, _, err = f.pool.GroupsPage(t.Context(), "no-token-of-this-pool")
	wantKind(t, "groups", err, cognito.Invalid)
}
