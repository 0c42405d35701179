package bridge_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// victimized is a resource whose deletion is asked for, of either kind.
type victimized struct {
	*rig
	group bool
	id    string
}

// eachVictim tells a story about a user and about a group.
func eachVictim(t *testing.T, story func(t *testing.T, v *victimized)) {
	for name, group := range map[string]bool{"user": false, "group": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &victimized{rig: newRig(t, func(c *rigConfig) { c.dir.Lag = time.Millisecond }), group: group}
			v.id = must(v.create())
			story(t, v)
		})
	}
}

func (v *victimized) create() (string, error) {
	if v.group {
		doc, err := v.CreateGroup(v.t.Context(), v.resource(schemas.Groups, `{"displayName":"Staff"}`))
		return doc.ID, err
	}
	doc, err := v.CreateUser(v.t.Context(), v.resource(schemas.Users, ada))
	return doc.ID, err
}

func (v *victimized) delete() error {
	if v.group {
		return v.DeleteGroup(v.t.Context(), v.id)
	}
	return v.DeleteUser(v.t.Context(), v.id)
}

func (v *victimized) patch(op string) error {
	body := `{"Operations":[` + op + `]}`
	if v.group {
		_, err := v.patchGroup(v.id, body)
		return err
	}
	_, err := v.patchUser(v.id, body)
	return err
}

// patchNothing changes nothing, as far as the mirror knows.
func (v *victimized) patchNothing() error {
	if v.group {
		return v.patch(`{"op":"replace","path":"displayName","value":"Staff"}`)
	}
	return v.patch(`{"op":"replace","path":"locale","value":"en-US"}`)
}

func (v *victimized) read() error {
	if v.group {
		_, err := v.Group(v.t.Context(), v.id)
		return err
	}
	_, err := v.User(v.t.Context(), v.id)
	return err
}

// makeByHand makes what has the name in the pool now.
func (v *victimized) makeByHand() error {
	if v.group {
		_, err := v.pool.CreateGroup(v.t.Context(), "Staff", "made by hand")
		return err
	}
	_, err := v.pool.CreateUser(v.t.Context(), "ada@example.com", nil)
	return err
}

// there reports whether the pool has the name, and whether it is the resource's that was to be deleted.
func (v *victimized) there() (taken, same bool) {
	v.t.Helper()
	if v.group {
		g, err := v.pool.Group(v.t.Context(), "Staff")
		if err != nil && cognito.KindOf(err) != cognito.GroupNotFound {
			v.t.Fatal(err)
		}
		return err == nil, err == nil && strings.Contains(g.Description, v.id)
	}
	u, err := v.pool.User(v.t.Context(), "ada@example.com")
	if err != nil && cognito.KindOf(err) != cognito.NotFound {
		v.t.Fatal(err)
	}
	return err == nil, err == nil && u.Sub == v.id
}

// deleteInDoubt has the deletion fail, applied or not, such that no read can tell.
func (v *victimized) deleteInDoubt(applied bool) {
	v.t.Helper()
	v.until("the row is old enough for reads to be believed", pastLag())
	call, read := "AdminDeleteUser", "AdminGetUser"
	if v.group {
		call, read = "DeleteGroup", "GetGroup"
	}
	if applied {
		v.fault(emulator.Fault{Operation: call, Kind: emulator.ResetAfter, Count: 1})
	}
	v.fault(emulator.Fault{Operation: call, Kind: emulator.ServerError})
	v.fault(emulator.Fault{Operation: read, Kind: emulator.ServerError})
	if err := v.delete(); kindOf(err) != "unavailable" {
		v.t.Fatalf("DELETE: %v, want unavailable", err)
	}
	if work, err := v.dir.Journal(v.t.Context()); err != nil || len(work) != 1 || !strings.HasSuffix(work[0].Key, ":"+v.id) || work[0].Work != "delete" {
		v.t.Fatalf("the journal: %+v, %v; want the deletion", work, err)
	}
	v.emulator.ClearFaults()
}

func pastLag() func() bool {
	since := time.Now()
	return func() bool { return time.Since(since) > 3*time.Millisecond }
}

func TestTheJournalFinishesADeletion(t *testing.T) {
	for name, applied := range map[string]bool{"applied": true, "not applied": false} {
		t.Run(name, func(t *testing.T) {
			eachVictim(t, func(t *testing.T, v *victimized) {
				v.deleteInDoubt(applied)
				v.shutDown()
				v.start()
				v.until("the journal is empty", func() bool { return v.journal() == 0 })
				if taken, _ := v.there(); taken {
					t.Error("it is still in the pool")
				}
				if err := v.read(); kindOf(err) != "not found" {
					t.Errorf("reading it: %v, want not found", err)
				}
				if err := v.delete(); kindOf(err) != "not found" {
					t.Errorf("the DELETE again: %v, want not found", err)
				}
				if id, err := v.create(); err != nil || id == v.id {
					t.Errorf("the POST again: id %s, %v; want a new one", id, err)
				}
			})
		})
	}
}

func TestADeletionIsRepeatedByItsClient(t *testing.T) {
	for name, applied := range map[string]bool{"applied": true, "not applied": false} {
		t.Run(name, func(t *testing.T) {
			eachVictim(t, func(t *testing.T, v *victimized) {
				v.deleteInDoubt(applied)
				if err := v.delete(); err != nil {
					t.Errorf("the DELETE again: %v, want none", err)
				}
				if taken, _ := v.there(); taken || v.journal() != 0 {
					t.Errorf("in the pool %v, %d entries in the journal; want neither", taken, v.journal())
				}
			})
		})
	}
}

func TestADeletionSparesWhatOthersMadeMeanwhile(t *testing.T) {
	eachVictim(t, func(t *testing.T, v *victimized) {
		v.deleteInDoubt(true)
		v.shutDown()
		if err := v.makeByHand(); err != nil {
			t.Fatal(err)
		}
		v.start()
		v.until("the journal is empty", func() bool { return v.journal() == 0 })
		if taken, same := v.there(); !taken || same {
			t.Errorf("in the pool %v, the old one %v; want what was made by hand", taken, same)
		}
		if err := v.read(); kindOf(err) != "not found" {
			t.Errorf("reading the old one: %v, want not found", err)
		}
	})
}

func TestANewerRequestSupersedesADeletion(t *testing.T) {
	change := func(v *victimized) error { return v.patch(`{"op":"replace","path":"displayName","value":"Other"}`) }
	for name, c := range map[string]struct {
		applied bool
		then    func(*victimized) error
		want    string
	}{
		"not applied, changed":            {false, change, "none"},
		"not applied, changed in nothing": {false, (*victimized).patchNothing, "none"},
		"applied, changed":                {true, change, "not found"},
		"applied, changed in nothing":     {true, (*victimized).patchNothing, "not found"},
	} {
		t.Run(name, func(t *testing.T) {
			eachVictim(t, func(t *testing.T, v *victimized) {
				v.deleteInDoubt(c.applied)
				if err := c.then(v); kindOf(err) != c.want {
					t.Errorf("the PATCH: %v, want %s", err, c.want)
				}
				if n := v.journal(); n != 0 {
					t.Errorf("%d entries left in the journal, want none", n)
				}
				if taken, same := v.there(); taken == c.applied || same == c.applied {
					t.Errorf("in the pool: %v, the same: %v; want both %v", taken, same, !c.applied)
				}
				if err := v.read(); kindOf(err) != c.want {
					t.Errorf("reading it: %v, want %s", err, c.want)
				}
			})
		})
	}
}

// TestANameWaitsForADeletion: while nobody knows whether the name is free, 409 would be final, and wrong.
func TestANameWaitsForADeletion(t *testing.T) {
	eachVictim(t, func(t *testing.T, v *victimized) {
		other := v.createUser(`{"userName":"bob"}`)
		crew := v.createGroup(`{"displayName":"Crew"}`)
		v.deleteInDoubt(true)
		if _, err := v.create(); kindOf(err) != "too many" {
			t.Errorf("the POST at once: %v, want too many", err)
		}
		var err error
		if v.group {
			_, err = v.patchGroup(crew.ID, `{"Operations":[{"op":"replace","path":"displayName","value":"staff"}]}`)
		} else {
			_, err = v.patchUser(other.ID, `{"Operations":[{"op":"replace","path":"userName","value":"ADA@example.com"}]}`)
		}
		if kindOf(err) != "too many" {
			t.Errorf("a rename to the name: %v, want too many", err)
		}
		v.until("the POST is answered", func() bool {
			id, err := v.create()
			if err != nil && kindOf(err) != "too many" {
				t.Fatalf("the POST later: %v, want none", err)
			}
			return err == nil && id != v.id
		})
	})
}

func TestParkedWorkGoesWithItsResource(t *testing.T) {
	for name, then := range map[string]func(*victimized) error{
		"deleted": (*victimized).delete,
		"changed": func(v *victimized) error { return v.patch(`{"op":"replace","path":"displayName","value":"Other"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			eachVictim(t, func(t *testing.T, v *victimized) {
				v.park()
				if err := then(v); err != nil {
					t.Fatal(err)
				}
				if n := v.journal(); n != 0 {
					t.Errorf("%d entries left in the journal, want none: tried again, they would undo what came later", n)
				}
			})
		})
	}
}

// park leaves work of the resource's that can never succeed.
func (v *victimized) park() {
	v.t.Helper()
	key := map[bool]string{false: "user:", true: "group:"}[v.group] + v.id
	mirror, err := v.store.Directory(v.t.Context(), poolID, v.pool.Info().Created)
	if err != nil {
		v.t.Fatal(err)
	}
	v.parkWork(mirror, key)
}

func TestAnEmptiedGroupIsDeletedAlthoughItsRequestIsOver(t *testing.T) {
	t.Parallel()
	r := newRig(t, paced, func(c *rigConfig) { c.emulator.Unverified.KeepNonEmptyGroups = true })
	ids := r.crowd(60)
	group := r.createGroup(`{"displayName":"Staff","members":` + values(ids...) + `}`)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := r.DeleteGroup(ctx, group.ID); kindOf(err) != "too many" {
		t.Fatalf("err = %v, want too many", err)
	}
	r.until("the group is deleted", func() bool {
		_, err := r.Group(t.Context(), group.ID)
		return kindOf(err) == "not found" && r.journal() == 0
	})
	if _, err := r.pool.Group(t.Context(), "Staff"); cognito.KindOf(err) != cognito.GroupNotFound {
		t.Errorf("the group in the pool: %v, want it gone", err)
	}
}

func TestAHalfEmptiedGroupIsFilledAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *rigConfig) { c.emulator.Unverified.KeepNonEmptyGroups = true })
	ids := r.crowd(30)
	body := `{"displayName":"Staff","members":` + values(ids...) + `}`
	group := r.createGroup(body)
	r.fault(emulator.Fault{Operation: "AdminRemoveUserFromGroup", Kind: emulator.ServerError, After: 10})
	if err := r.DeleteGroup(t.Context(), group.ID); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	if n := len(r.members("Staff")); n == 30 || n == 0 {
		t.Fatalf("%d members, want some of 30 removed", n)
	}
	if _, err := r.ReplaceGroup(t.Context(), group.ID, r.resource(schemas.Groups, body)); err != nil {
		t.Fatal(err)
	}
	if n := len(r.members("Staff")); n != 30 || r.journal() != 0 {
		t.Errorf("%d members, %d entries in the journal; want 30 and none: the newer request wants the group", n, r.journal())
	}
}

// TestAGroupThatIsBeingEmptiedIsFilledAgain: the newer request cuts off a removal that Cognito has made already.
func TestAGroupThatIsBeingEmptiedIsFilledAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *rigConfig) { c.emulator.Unverified.KeepNonEmptyGroups = true })
	ids := r.crowd(30)
	body := `{"displayName":"Staff","members":` + values(ids...) + `}`
	group := r.createGroup(body)
	r.fault(emulator.Fault{Operation: "AdminRemoveUserFromGroup", Kind: emulator.TimeoutAfter, After: 5, Count: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	if err := r.DeleteGroup(ctx, group.ID); kindOf(err) != "too many" {
		t.Fatalf("err = %v, want too many", err)
	}
	if _, err := r.ReplaceGroup(t.Context(), group.ID, r.resource(schemas.Groups, body)); err != nil {
		t.Fatal(err)
	}
	if n := len(r.members("Staff")); n != 30 || r.journal() != 0 {
		t.Errorf("%d members, %d entries in the journal; want 30 and none: the newer request wants the group", n, r.journal())
	}
}
