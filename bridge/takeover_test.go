package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

// outlived makes a push to a new group that takes seconds at AWS's quotas, and returns the group's id while it goes on.
func (r *rig) outlived(ids []string) string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 3500*time.Millisecond) // 60 calls take three seconds, and an answer one
	defer cancel()
	body := r.resource(schemas.Groups, `{"displayName":"Staff","members":`+values(ids...)+`}`)
	if _, err := r.CreateGroup(ctx, body); kindOf(err) != "too many" {
		r.t.Fatalf("err = %v, want too many", err)
	}
	where, err := filter.Parse(`displayName eq "Staff"`)
	if err != nil {
		r.t.Fatal(err)
	}
	id := ""
	r.until("the group is there", func() bool {
		page, err := r.List(r.t.Context(), store.Query{Kind: store.Group, Where: where, Count: 1})
		if err != nil {
			r.t.Fatal(err)
		}
		for doc := range page.Docs {
			id = doc.ID
		}
		return id != ""
	})
	return id
}

func paced(c *rigConfig) {
	quotas := cognito.AWSQuotas()
	c.quotas = &quotas
}

func TestANewerRequestOvertakesAPushThatGoesOn(t *testing.T) {
	r := newRig(t, paced)
	ids := r.crowd(60)
	group := r.outlived(ids)
	_, err := r.patchGroup(group, `{"Operations":[{"op":"remove","path":"members[value eq \"`+ids[59]+`\"]"},{"op":"replace","path":"displayName","value":"All"}]}`)
	if err != nil {
		t.Fatalf("removing a member meanwhile: %v", err)
	}
	got := r.members("Staff")
	if len(got) != 59 || slices.Contains(got, "u59") {
		t.Errorf("%d members, u59 among them: %v; want the other 59: what the push had left is taken over", len(got), slices.Contains(got, "u59"))
	}
	if n := r.journal(); n != 0 {
		t.Errorf("%d entries left in the journal", n)
	}
}

func TestAReplacementLeavesNothingOfAPushThatGoesOn(t *testing.T) {
	r := newRig(t, paced)
	ids := r.crowd(60)
	group := r.outlived(ids)
	body := r.resource(schemas.Groups, `{"displayName":"Staff","members":`+values(ids[0], ids[59])+`}`)
	if _, err := r.ReplaceGroup(t.Context(), group, body); err != nil {
		t.Fatal(err)
	}
	got := r.members("Staff")
	slices.Sort(got)
	if !slices.Equal(got, []string{"u0", "u59"}) {
		t.Errorf("members %v, want u0 and u59", got)
	}
}

func TestADeactivationTakesOverAProfileChangeThatCannotBeMade(t *testing.T) {
	r := newRig(t)
	doc := r.createUser(ada)
	r.fault(emulator.Fault{Operation: "AdminUpdateUserAttributes", Kind: emulator.ServerError})
	reactivate := `{"op":"replace","value":{"title":"Countess","active":true}}`
	if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","value":{"active":false}}]}`); err != nil {
		t.Fatal(err)
	}
	if _, err := r.patchUser(doc.ID, `{"Operations":[`+reactivate+`]}`); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	if n := r.journal(); n != 1 {
		t.Fatalf("%d entries in the journal, want 1", n)
	}
	// The title is still owed; the deactivation goes first all the same.
	if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","value":{"active":false}}]}`); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	r.until("the journal is empty", func() bool { return r.journal() == 0 })
	u := r.inPool("ada@example.com")
	if u.Enabled || u.Attributes["custom:scim"] == "" {
		t.Errorf("enabled %v, custom:scim %s; want a disabled user with a title", u.Enabled, u.Attributes["custom:scim"])
	}
	shown, err := r.User(t.Context(), doc.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := schemas.ParseJSON(shown.JSON); got["title"] != "Countess" || got["active"] != false {
		t.Errorf("title %v, active %v in the mirror; want Countess, false", got["title"], got["active"])
	}
}

func TestAPushBeyondItsDeadlineIsToldSoAtOnce(t *testing.T) {
	r := newRig(t, paced)
	ids := r.crowd(40)
	ctx, cancel := context.WithTimeout(t.Context(), 2700*time.Millisecond)
	defer cancel()
	started := time.Now()
	_, err := r.CreateGroup(ctx, r.resource(schemas.Groups, `{"displayName":"Staff","members":`+values(ids...)+`}`))
	var e *bridge.Error
	if took := time.Since(started); !errors.As(err, &e) || e.Kind != bridge.TooMany || took > 1500*time.Millisecond {
		t.Errorf("%v after %s; want too many, at once", err, took)
	} else if e.RetryAfter < time.Second || e.RetryAfter > 5*time.Second {
		t.Errorf("Retry-After %s for 40 calls at 20 a second, want about 2 s", e.RetryAfter)
	}
	r.until("the push is done", func() bool { return r.journal() == 0 && len(r.members("Staff")) == 40 })
}

func TestRemovingNobodyRemovesNobody(t *testing.T) {
	for _, value := range []string{`[]`, `[{}]`, `[{"value":""}]`, `[{"$ref":null,"value":null}]`, `""`} {
		r := newRig(t)
		ids := r.crowd(2)
		group := r.createGroup(`{"displayName":"Staff","members":` + values(ids...) + `}`)
		_, err := r.patchGroup(group.ID, `{"Operations":[{"op":"Remove","path":"members","value":`+value+`}]}`)
		if got := r.members("Staff"); len(got) != 2 {
			t.Errorf("remove members with value %s: %v; members %v, want both still there", value, err, got)
		}
	}
}

func TestARemovalByFilterSparesWhomTheSameRequestAdds(t *testing.T) {
	r := newRig(t)
	ids := r.crowd(2)
	group := r.createGroup(`{"displayName":"Staff","members":` + values(ids...) + `}`)
	if _, err := r.patchGroup(group.ID, `{"Operations":[{"op":"remove","path":"members[display sw \"u\"]"},{"op":"add","path":"members","value":`+values(ids[1])+`}]}`); err != nil {
		t.Fatal(err)
	}
	if got := r.members("Staff"); !slices.Equal(got, []string{"u1"}) {
		t.Errorf("members %v, want u1", got)
	}
}

func TestManyPatchesOfOneGroupDoNotStopEachOther(t *testing.T) {
	r := newRig(t)
	ids := r.crowd(200)
	group := r.createGroup(`{"displayName":"Staff"}`)
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			if _, err := r.patchGroup(group.ID, `{"Operations":[{"op":"add","path":"members","value":`+values(id)+`}]}`); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := r.members("Staff"); len(got) != 200 {
		t.Errorf("%d members, want 200", len(got))
	}
}

// TestARepeatedPushDoesNotBeginAnew: whom the first attempt has put into the group is not put there again.
func TestARepeatedPushDoesNotBeginAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ids := r.crowd(30)
	group := r.createGroup(`{"displayName":"Staff"}`)
	push := map[string]func() error{
		"PATCH": func() error {
			_, err := r.patchGroup(group.ID, `{"Operations":[{"op":"add","path":"members","value":`+values(ids[:15]...)+`}]}`)
			return err
		},
		"PUT": func() error {
			_, err := r.ReplaceGroup(t.Context(), group.ID, r.resource(schemas.Groups, `{"displayName":"Staff","members":`+values(ids...)+`}`))
			return err
		},
	}
	for _, method := range []string{"PATCH", "PUT"} {
		r.fault(emulator.Fault{Operation: "AdminAddUserToGroup", Kind: emulator.ServerError, After: 8})
		if err := push[method](); kindOf(err) != "unavailable" {
			t.Fatalf("%s: %v, want unavailable", method, err)
		}
		r.emulator.ClearFaults()
		there := len(r.mirrored(group)) // what it has not noted is uncertain, and sent again
		made := r.calls(func() {
			if err := push[method](); err != nil {
				t.Fatal(err)
			}
		})
		if got := len(r.members("Staff")); made["AdminAddUserToGroup"] != int64(got-there) {
			t.Errorf("%s again: %d calls for %d of %d members, want one call for each that the mirror lacked", method, made["AdminAddUserToGroup"], got-there, got)
		}
	}
}

// TestTooMuchAtOnceWaitsInTheJournal: work that goes on when its request is answered is bounded, but not for leavers.
func TestTooMuchAtOnceWaitsInTheJournal(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *rigConfig) { c.dir.AtOnce = 2 })
	ids := r.crowd(4)
	groups := make([]string, 3)
	for i := range groups {
		groups[i] = r.createGroup(fmt.Sprintf(`{"displayName":"Staff%d"}`, i)).ID
	}
	r.fault(emulator.Fault{Operation: "AdminAddUserToGroup", Kind: emulator.TimeoutBefore})
	push := func(ctx context.Context, group string) error {
		ops, _, err := schemas.Groups.DecodePatch(r.decode(`{"Operations":[{"op":"add","path":"members","value":` + values(ids[:2]...) + `}]}`))
		if err != nil {
			return err
		}
		_, err = r.PatchGroup(ctx, group, ops)
		return err
	}
	for _, group := range groups[:2] {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		if err := push(ctx, group); kindOf(err) != "too many" {
			t.Fatalf("err = %v, want too many: it goes on", err)
		}
		cancel()
	}
	if err := push(t.Context(), groups[2]); kindOf(err) != "too many" {
		t.Errorf("the third push: %v, want too many, though it has all the time", err)
	}
	if _, err := r.patchUser(ids[3], `{"Operations":[{"op":"replace","value":{"active":false}}]}`); err != nil {
		t.Errorf("a deactivation meanwhile: %v, want none", err)
	}
	r.emulator.ClearFaults()
	r.until("all is done", func() bool {
		return r.journal() == 0 && len(r.members("Staff0"))+len(r.members("Staff1"))+len(r.members("Staff2")) == 6
	})
}
