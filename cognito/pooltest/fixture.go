package pooltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
)

// password is one that Cognito's default policy takes.
const password = "Correct-Horse-7-Staple"

// fixture is a case's hold on the pool: it remembers what the case made.
type fixture struct {
	pool   *cognito.Pool
	config cognito.Config
	lag    time.Duration
	prefix string

	mu            sync.Mutex
	users, groups []string
}

// name is a name that nobody else uses.
func (f *fixture) name(suffix string) string { return f.prefix + "-" + suffix }

// address is such an e-mail address.
func (f *fixture) address(suffix string) string { return f.prefix + "-" + suffix + "@example.com" }

// tryUser creates a user, to be removed at the end.
func (f *fixture) tryUser(ctx context.Context, username string, attributes map[string]string) (cognito.User, error) {
	user, err := f.pool.CreateUser(ctx, username, attributes)
	if err == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.users = append(f.users, user.Username)
	}
	return user, err
}

// user creates a user of which the case needs nothing but that there is one.
func (f *fixture) user(t T, suffix string, attributes map[string]string) cognito.User {
	t.Helper()
	user, err := f.tryUser(t.Context(), f.name(suffix), attributes)
	if err != nil {
		t.Fatalf("creating user %s: %v", suffix, err)
	}
	return user
}

func (f *fixture) tryGroup(ctx context.Context, name, description string) (cognito.Group, error) {
	group, err := f.pool.CreateGroup(ctx, name, description)
	if err == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.groups = append(f.groups, group.Name)
	}
	return group, err
}

func (f *fixture) group(t T, suffix, description string) cognito.Group {
	t.Helper()
	group, err := f.tryGroup(t.Context(), f.name(suffix), description)
	if err != nil {
		t.Fatalf("creating group %s: %v", suffix, err)
	}
	return group
}

// cleanUp removes what the case made and did not remove itself: users first, since a pool may keep a group that has
// members.
func (f *fixture) cleanUp(t *testing.T) {
	t.Helper()
	slices.Sort(f.users)
	slices.Sort(f.groups)
	for _, name := range slices.Compact(f.users) {
		if err := f.pool.DeleteUser(t.Context(), name); err != nil && cognito.KindOf(err) != cognito.NotFound {
			t.Errorf("removing user %s: %v", name, err)
		}
	}
	for _, name := range slices.Compact(f.groups) {
		if err := f.pool.DeleteGroup(t.Context(), name); err != nil && cognito.KindOf(err) != cognito.GroupNotFound {
			t.Errorf("removing group %s: %v", name, err)
		}
	}
}

// eventually checks a list or search until it is as it should be, for as long as the
// target's lists may lag.
func (f *fixture) eventually(t T, check func() error) {
	t.Helper()
	every := max(f.lag/200, time.Millisecond)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for left := f.lag; ; left -= every {
		err := check()
		if err == nil {
			return
		}
		if left <= 0 {
			t.Fatalf("%v", err)
		}
		<-ticker.C
	}
}

// wantKind checks that a call failed in the way the bridge decides by.
func wantKind(t T, what string, err error, kind cognito.Kind) {
	t.Helper()
	var e *cognito.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Sent {
		t.Errorf("%s: got error %v, want one of kind %q, not sent", what, err, kind)
	}
}

// wantNone checks that a call succeeded.
func wantNone(t T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: got error %v, want none", what, err)
	}
}

// walk reads all pages of a list.
func walk[E any](page func(token string) ([]E, string, error)) (all []E, pages int, err error) {
	const most = 10_000
	for token := ""; pages < most; pages++ {
		some, next, err := page(token)
		if err != nil {
			return nil, pages, err
		}
		all = append(all, some...)
		if next == "" {
			return all, pages + 1, nil
		}
		token = next
	}
	return nil, pages, fmt.Errorf("the list does not end within %d pages", most)
}

func usernames(users []cognito.User) []string {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = u.Username
	}
	slices.Sort(names)
	return names
}

func groupNames(groups []cognito.Group) []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
	}
	slices.Sort(names)
	return names
}
