package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

// TestWarmUp starts on a pool that is there already, whose listings lag behind, and pushes while the mirror is filled:
// credential tests and point look-ups are answered at once, lists only when they are right.
func TestWarmUp(t *testing.T) {
	users, groups := 20_000, 40
	if raceEnabled {
		users = 1_000
	}
	r := newRig(t, func(c *rigConfig) {
		c.cold = true
		c.emulator.Lag = 200 * time.Millisecond
		c.emulator.SparsePages = true
		c.dir.Lag = time.Second
		quotas := cognito.AWSQuotas()
		quotas.Category[cognito.UserList] *= 20 // 12 seconds' worth of a page a second would be the real thing
		c.quotas = &quotas
	})
	if err := r.emulator.SeedUsers(poolID, users); err != nil {
		t.Fatal(err)
	}
	if err := r.emulator.SeedGroups(poolID, groups, 50); err != nil {
		t.Fatal(err)
	}
	leaver := must(r.pool.CreateUser(t.Context(), "leaver", nil))
	time.Sleep(2 * r.cfg.emulator.Lag) // all that is long ago
	r.shutDown()
	r.cfg.cold, r.cfg.impatient = false, true
	r.start()

	list := func(where string, count int) (store.Page, error) {
		q := store.Query{Kind: store.User, Start: 1, Count: count}
		if where != "" {
			q.Where = must(filter.Parse(where))
		}
		return r.List(t.Context(), q)
	}
	want := users
	answered, refused := 0, 0
	for i := 0; r.Ready() != nil; i++ {
		if page, err := list("", 2); err != nil || page.Total < users {
			t.Fatalf("credential test during warm-up: total %d, %v", page.Total, err)
		}
		name := fmt.Sprintf("user%07d", 1+(i*7919)%users)
		if page, err := list(fmt.Sprintf("userName eq %q", name), 10); err != nil || page.Total != 1 {
			t.Fatalf("look-up of %s during warm-up: total %d, %v", name, page.Total, err)
		}
		if page, err := list(fmt.Sprintf(`userName eq "nobody%d"`, i), 10); err != nil || page.Total != 0 {
			t.Fatalf("look-up of nobody during warm-up: total %d, %v", page.Total, err)
		}
		// Whether somebody was renamed to a name, or is kept to be brought back, only a complete mirror can tell.
		switch doc, err := r.CreateUser(t.Context(), schemas.Resource{"userName": fmt.Sprintf("new%d", i)}); {
		case kindOf(err) == "too many":
		case err != nil:
			t.Fatalf("creating a user during warm-up: %v", err)
		case r.Ready() != nil:
			t.Fatalf("user %s was created before the mirror was complete", doc.ID)
		default:
			want++
		}
		if i == 0 {
			if err := r.DeleteUser(t.Context(), leaver.Sub); err != nil {
				t.Fatalf("deleting a user during warm-up: %v", err)
			}
		}
		switch page, err := list("", 100); {
		case kindOf(err) == "too many":
			refused++
		case err != nil || page.Total != want:
			t.Fatalf("list during warm-up: total %d, %v; want %d or too many", page.Total, err, want)
		default:
			answered++
		}
	}
	if refused == 0 {
		t.Error("no list came during the warm-up: the test tests nothing")
	}
	page, err := list("", 100)
	if err != nil || page.Total != want {
		t.Errorf("list after warm-up: total %d, %v; want %d", page.Total, err, want)
	}
	if page, err := r.List(t.Context(), store.Query{Kind: store.Group, Start: 1, Count: groups}); err != nil || page.Total != groups {
		t.Errorf("groups after warm-up: %d, %v; want %d", page.Total, err, groups)
	} else {
		for group := range page.Docs {
			if n, err := r.MemberCount(t.Context(), group); err != nil || n != 50 {
				t.Errorf("group %s: %d members, %v; want 50", group.Display, n, err)
			}
		}
	}
	t.Logf("%d users: %d lists refused while the mirror was filled, %d answered", want, refused, answered)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestARestartServesAtOnce: a mirror that was complete once is served from the start.
func TestARestartServesAtOnce(t *testing.T) {
	r := newRig(t)
	r.createUser(ada)
	r.shutDown()
	r.cfg.cold = true // and not even a sweep
	r.start()
	page, err := r.List(t.Context(), store.Query{Kind: store.User, Where: must(filter.Parse(`externalId eq "00u1"`)), Start: 1, Count: 10})
	if err != nil || page.Total != 1 {
		t.Errorf("total %d, %v; want the user", page.Total, err)
	}
	if _, err := r.CreateGroup(t.Context(), schemas.Resource{"displayName": "Staff"}); err != nil {
		t.Errorf("creating a group: %v", err)
	}
}
