package bridge_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

func (r *rig) fault(f emulator.Fault) {
	r.t.Helper()
	if err := r.emulator.AddFault(f); err != nil {
		r.t.Fatal(err)
	}
}

// journal is how many entries are left in the journal.
func (r *rig) journal() int {
	r.t.Helper()
	d, err := r.store.Directory(r.t.Context(), poolID, r.pool.Info().Created)
	if err != nil {
		r.t.Fatal(err)
	}
	list, err := d.JournalList(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return len(list)
}

func TestACreateWhoseReplyIsLostIsFoundAgain(t *testing.T) {
	r := newRig(t)
	r.fault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.ResetAfter, Count: 1})
	doc := r.createUser(ada)
	if u := r.inPool("ada@example.com"); u.Sub != doc.ID {
		t.Errorf("id %s, want the pool's %s", doc.ID, u.Sub)
	}
	r.fault(emulator.Fault{Operation: "CreateGroup", Kind: emulator.ResetAfter, Count: 1})
	group := r.createGroup(`{"displayName":"Staff"}`)
	if g, err := r.pool.Group(t.Context(), "Staff"); err != nil || !strings.Contains(g.Description, group.ID) {
		t.Errorf("group %v, %v; want the id %s in it", g, err, group.ID)
	}
}

func TestAPostAnsweredWithAnErrorIsAnswered201WhenRepeated(t *testing.T) {
	r := newRig(t)
	// Created, but neither the reply nor the read that would settle it comes through.
	r.fault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.ResetAfter, Count: 1})
	r.fault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.ServerError})
	r.fault(emulator.Fault{Operation: "AdminGetUser", Kind: emulator.ServerError})
	body := r.resource(schemas.Users, ada)
	if _, err := r.CreateUser(t.Context(), body); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	doc, err := r.CreateUser(t.Context(), body)
	if err != nil {
		t.Fatalf("repeated: %v, want the user", err)
	}
	if u := r.inPool("ada@example.com"); u.Sub != doc.ID {
		t.Errorf("id %s, want the pool's %s", doc.ID, u.Sub)
	}
	if _, err := r.CreateUser(t.Context(), body); kindOf(err) != "exists" {
		t.Errorf("repeated once more: %v, want exists", err)
	}
}

func TestADeactivationOutlivesAFailingCognitoAndARestart(t *testing.T) {
	r := newRig(t)
	doc := r.createUser(ada)
	r.fault(emulator.Fault{Operation: "AdminUserGlobalSignOut", Kind: emulator.ServerError})
	if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","value":{"active":false}}]}`); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	if r.inPool("ada@example.com").Enabled {
		t.Error("the first call was not made")
	}
	if n := r.journal(); n != 1 {
		t.Fatalf("%d entries in the journal, want 1", n)
	}
	r.shutDown()
	r.emulator.ClearFaults()
	r.cfg.impatient = true
	made := r.calls(func() {
		r.start()
		r.until("the journal is empty", func() bool { return r.journal() == 0 })
	})
	if made["AdminUserGlobalSignOut"] == 0 {
		t.Error("the sign-out was never made")
	}
}

func TestAChangeFirstFinishesWhatTheJournalHolds(t *testing.T) {
	r := newRig(t)
	ids := r.crowd(4)
	group := r.createGroup(`{"displayName":"Staff"}`)
	r.fault(emulator.Fault{Operation: "AdminAddUserToGroup", Kind: emulator.ServerError})
	if _, err := r.patchGroup(group.ID, `{"Operations":[{"op":"add","path":"members","value":`+values(ids[:3]...)+`}]}`); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	if _, err := r.patchGroup(group.ID, `{"Operations":[{"op":"remove","path":"members[value eq \"`+ids[0]+`\"]"},{"op":"add","path":"members","value":`+values(ids[3])+`}]}`); err != nil {
		t.Fatal(err)
	}
	got := r.members("Staff")
	slices.Sort(got)
	if !slices.Equal(got, []string{"u1", "u2", "u3"}) {
		t.Errorf("members %v, want u1, u2 and u3", got)
	}
	if n := r.journal(); n != 0 {
		t.Errorf("%d entries left in the journal", n)
	}
}

func TestWorkGoesOnWhenItsRequestRunsOutOfTime(t *testing.T) {
	r := newRig(t, func(c *rigConfig) { c.emulator.Latency = 20 * time.Millisecond })
	ids := r.crowd(40)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second+30*time.Millisecond)
	defer cancel()
	body := r.resource(schemas.Groups, `{"displayName":"Staff","members":`+values(ids...)+`}`)
	_, err := r.CreateGroup(ctx, body)
	if kind := kindOf(err); kind != "too many" && kind != "unavailable" { // the latter when a busy machine has not even begun
		t.Fatalf("err = %v, want too many", err)
	}
	doc, err := r.CreateGroup(t.Context(), body) // waits behind the work, then finds it done
	if err != nil {
		t.Fatalf("repeated: %v, want the group", err)
	}
	if got := len(r.mirrored(doc)); got != 40 || len(r.members("Staff")) != 40 {
		t.Errorf("%d members in the mirror, %d in the pool, want 40", got, len(r.members("Staff")))
	}
}

func TestColdMirror(t *testing.T) {
	r := newRig(t, func(c *rigConfig) { c.cold = true })
	for i := range 5 {
		if _, err := r.pool.CreateUser(t.Context(), fmt.Sprintf("old%d", i), map[string]string{"email": fmt.Sprintf("old%d@example.com", i), "name": "Old", "custom:scim": `{"externalId":"x"}`}); err != nil {
			t.Fatal(err)
		}
	}
	list := func(kind store.Kind, where string, count int) (store.Page, error) {
		q := store.Query{Kind: kind, Start: 1, Count: count}
		if where != "" {
			e, err := filter.Parse(where)
			if err != nil {
				t.Fatal(err)
			}
			q.Where = e
		}
		return r.List(t.Context(), q)
	}
	for _, c := range []struct {
		kind  store.Kind
		where string
		count int
		err   string
		total int
		calls int64
	}{
		{store.User, "", 2, "none", 5, 1},
		{store.User, "", 100, "too many", 0, 0},
		{store.User, `externalId eq "x"`, 100, "too many", 0, 0},
		{store.User, `userName eq "nobody"`, 100, "none", 0, 1},
		{store.User, `userName eq "no body"`, 100, "none", 0, 0},
		{store.User, `emails.value eq "old3@example.com"`, 100, "none", 1, 0}, // seen by the first test's page
		{store.Group, "", 2, "none", 0, 1},
		{store.Group, `displayName eq "Staff"`, 100, "too many", 0, 0},
	} {
		var page store.Page
		var err error
		made := r.calls(func() { page, err = list(c.kind, c.where, c.count) })
		if kindOf(err) != c.err || page.Total != c.total || made["ListUsers"]+made["ListGroups"] != c.calls {
			t.Errorf("%s %q count %d: %v, total %d, calls %v; want %s, total %d, %d calls", c.kind, c.where, c.count, err, page.Total, made, c.err, c.total, c.calls)
		}
	}
	if _, err := r.CreateGroup(t.Context(), schemas.Resource{"displayName": "Staff"}); kindOf(err) != "too many" {
		t.Errorf("creating a group before all are known: %v, want too many", err)
	}
}

func TestSweepHealsWhatOthersChanged(t *testing.T) {
	r := newRig(t, func(c *rigConfig) { c.dir.SweepEvery = 20 * time.Millisecond; c.dir.Lag = time.Millisecond })
	ids := r.crowd(3)
	group := r.createGroup(`{"displayName":"Staff","members":` + values(ids...) + `}`)
	time.Sleep(5 * time.Millisecond) // past the lag allowance
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(r.pool.UpdateUser(ctx, "u0", map[string]string{"given_name": "Changed"}))
	must(r.pool.DisableUser(ctx, "u0"))
	must(r.pool.RemoveMember(ctx, "Staff", "u1"))
	must(r.pool.DeleteUser(ctx, "u2"))
	_, err := r.pool.CreateUser(ctx, "new", nil)
	must(err)
	must(r.pool.AddMember(ctx, "Staff", "new"))
	r.until("the mirror shows all of it", func() bool {
		doc, err := r.User(ctx, ids[0])
		must(err)
		u, _ := schemas.ParseJSON(doc.JSON)
		name, _ := u["name"].(map[string]any)
		_, gone := r.User(ctx, ids[2])
		group, err = r.Group(ctx, group.ID)
		must(err)
		return name["givenName"] == "Changed" && u["active"] == false && kindOf(gone) == "not found" && slices.Equal(r.mirrored(group), []string{"u0", "new"})
	})
	if _, err := r.pool.User(ctx, "u2"); cognito.KindOf(err) != cognito.NotFound {
		t.Errorf("u2 in the pool: %v, want it gone", err)
	}
}

func TestAReplayAddsOnlyWhomTheMirrorLacks(t *testing.T) {
	r := newRig(t)
	ids := r.crowd(30)
	group := r.createGroup(`{"displayName":"Staff"}`)
	r.fault(emulator.Fault{Operation: "AdminAddUserToGroup", Kind: emulator.ServerError, After: 20})
	if _, err := r.patchGroup(group.ID, `{"Operations":[{"op":"add","path":"members","value":`+values(ids...)+`}]}`); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	there := len(r.members("Staff"))
	r.shutDown()
	r.emulator.ClearFaults()
	made := r.calls(func() {
		r.start()
		r.until("the journal is empty", func() bool { return r.journal() == 0 })
	})
	if got := len(r.members("Staff")); got != 30 || made["AdminAddUserToGroup"] > int64(30-there) {
		t.Errorf("%d members after %d more calls, want 30 after at most %d", got, made["AdminAddUserToGroup"], 30-there)
	}
}

func TestAReplayDoesNotTouchAGroupThatOthersMadeMeanwhile(t *testing.T) {
	r := newRig(t)
	ids := r.crowd(2)
	r.fault(emulator.Fault{Operation: "CreateGroup", Kind: emulator.ServerError})
	if _, err := r.CreateGroup(t.Context(), r.resource(schemas.Groups, `{"displayName":"Admins","members":`+values(ids...)+`}`)); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	r.shutDown()
	if _, err := r.pool.CreateGroup(t.Context(), "Admins", "made by hand"); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.until("the work is parked", func() bool {
		work, err := r.dir.Journal(t.Context())
		return err == nil && len(work) == 1 && work[0].Parked != ""
	})
	if got := r.members("Admins"); len(got) != 0 {
		t.Errorf("members of the foreign group: %v, want none", got)
	}
}

func TestResyncOfAUserWhomTheMirrorLacks(t *testing.T) {
	r := newRig(t)
	u, err := r.pool.CreateUser(t.Context(), "late", nil)
	if err != nil {
		t.Fatal(err)
	}
	if there, err := r.dir.ResyncUser(t.Context(), u.Sub); err != nil || !there {
		t.Errorf("there %v, %v; want the user", there, err)
	}
	if doc, err := r.User(t.Context(), u.Sub); err != nil || doc.Display != "late" {
		t.Errorf("the mirror has %q, %v; want late", doc.Display, err)
	}
}

// parkWork leaves a change under a key, as one that was refused for good.
func (r *rig) parkWork(mirror *store.Directory, key string) {
	r.t.Helper()
	err := mirror.Update(r.t.Context(), func(tx *store.Tx) error {
		_, err := tx.JournalPut(store.Entry{Key: key, Body: []byte(`{}`), Parked: "refused"})
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestWorkForAUserIsNotDoneToTheNextOneOfTheName(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a change":   ada,
		"a creation": strings.Replace(ada, `"active":true`, `"active":false`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.fault(emulator.Fault{Operation: "AdminDisableUser", Kind: emulator.ServerError})
			doc, err := r.CreateUser(t.Context(), r.resource(schemas.Users, body))
			if err == nil {
				_, err = r.patchUser(doc.ID, `{"Operations":[{"op":"replace","value":{"active":false,"title":"Boss"}}]}`)
			}
			if kindOf(err) != "unavailable" {
				t.Fatalf("err = %v, want unavailable", err)
			}
			r.emulator.ClearFaults()
			r.shutDown()
			if err := r.pool.DeleteUser(t.Context(), "ada@example.com"); err != nil {
				t.Fatal(err)
			}
			next, err := r.pool.CreateUser(t.Context(), "ada@example.com", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.start()
			r.until("the journal is empty", func() bool { return r.journal() == 0 })
			if u := r.inPool("ada@example.com"); u.Sub != next.Sub || !u.Enabled || u.Attributes["custom:scim"] != "" {
				t.Errorf("the pool has %+v, want the new user untouched", u)
			}
		})
	}
}

func TestACreatedUserWhomOthersDeletedStaysDeleted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fault(emulator.Fault{Operation: "AdminDisableUser", Kind: emulator.ServerError})
	if _, err := r.CreateUser(t.Context(), r.resource(schemas.Users, `{"userName":"ann","active":false}`)); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	r.shutDown()
	if err := r.pool.DeleteUser(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.until("the journal is empty", func() bool { return r.journal() == 0 })
	if _, err := r.pool.User(t.Context(), "ann"); cognito.KindOf(err) != cognito.NotFound {
		t.Errorf("ann in the pool: %v, want her gone", err)
	}
}

// TestAReadThatDoesNotShowAGroupYetIsNotBelieved: right after a group was made, reads may not know it.
func TestAReadThatDoesNotShowAGroupYetIsNotBelieved(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *rigConfig) { c.emulator.Lag, c.dir.Lag = 1500*time.Millisecond, 2*time.Second })
	ids := r.crowd(2)
	group := r.createGroup(`{"displayName":"Staff"}`)
	r.fault(emulator.Fault{Operation: "AdminAddUserToGroup", Kind: emulator.ServerError})
	if _, err := r.patchGroup(group.ID, `{"Operations":[{"op":"add","path":"members","value":`+values(ids...)+`}]}`); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	r.shutDown()
	r.start() // and the work is due at once
	r.until("the journal is empty", func() bool { return r.journal() == 0 })
	r.until("the members are there", func() bool { return len(r.members("Staff")) == 2 })
}

// TestAConflictIsNoPromise: a POST that was refused because the name is taken must not be answered 201 when it is repeated.
func TestAConflictIsNoPromise(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	// Of a first POST nobody knows what has become; it was made, is seen, and changed.
	r.fault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.ResetAfter, Count: 1})
	r.fault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.ServerError})
	r.fault(emulator.Fault{Operation: "AdminGetUser", Kind: emulator.ServerError})
	if _, err := r.CreateUser(t.Context(), r.resource(schemas.Users, `{"userName":"ann","title":"A"}`)); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	r.dir.Resync()
	var page store.Page
	r.until("the sweep has seen her", func() bool {
		var err error
		if page, err = r.List(t.Context(), store.Query{Kind: store.User, Where: must(filter.Parse(`userName eq "ann"`)), Count: 1}); err != nil {
			t.Fatal(err)
		}
		return page.Total == 1
	})
	for doc := range page.Docs {
		if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","path":"title","value":"B"}]}`); err != nil {
			t.Fatal(err)
		}
	}
	// Another POST asks for just what is there now, while the first cannot be settled.
	other := r.resource(schemas.Users, `{"userName":"ann","title":"B"}`)
	if _, err := r.CreateUser(t.Context(), other); kindOf(err) != "unavailable" {
		t.Fatalf("the other POST: %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	if _, err := r.CreateUser(t.Context(), other); kindOf(err) != "exists" {
		t.Errorf("the other POST again: %v, want exists: it has created nobody", err)
	}
}
