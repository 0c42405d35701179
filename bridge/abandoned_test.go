package bridge_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

// Identity providers do not always repeat what was answered with an error. What the journal holds of it must neither be
// lost to a newer request about something else, nor undo a newer request about the same.

func TestANewerRequestKeepsARemovalThatNobodyRepeats(t *testing.T) {
	r := newRig(t)
	ids := r.crowd(3)
	group := r.createGroup(`{"displayName":"Staff","members":` + values(ids[:2]...) + `}`)
	r.fault(emulator.Fault{Operation: "AdminRemoveUserFromGroup", Kind: emulator.ServerError})
	remove := `{"Operations":[{"op":"remove","path":"members[value eq \"` + ids[0] + `\"]"},{"op":"remove","path":"members[value eq \"` + ids[1] + `\"]"}]}`
	if _, err := r.patchGroup(group.ID, remove); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	if _, err := r.patchGroup(group.ID, `{"Operations":[{"op":"add","path":"members","value":`+values(ids[2])+`}]}`); err != nil {
		t.Fatal(err)
	}
	if got := r.members("Staff"); !slices.Equal(got, []string{"u2"}) {
		t.Errorf("members %v, want u2 alone", got)
	}
	if n := r.journal(); n != 0 {
		t.Errorf("%d entries left in the journal, want none", n)
	}
}

func TestAnAbandonedCreationDoesNotUndoWhatFollows(t *testing.T) {
	r := newRig(t)
	r.fault(emulator.Fault{Operation: "AdminDisableUser", Kind: emulator.ServerError})
	inactive := r.resource(schemas.Users, `{"userName":"ada@example.com","active":false}`)
	if _, err := r.CreateUser(t.Context(), inactive); kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	page, err := r.List(t.Context(), store.Query{Kind: store.User, Where: must(filter.Parse(`userName eq "ada@example.com"`)), Count: 1})
	if err != nil || page.Total != 1 {
		t.Fatalf("looking the user up: total %d, %v; want one", page.Total, err)
	}
	for doc := range page.Docs {
		if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","value":{"active":true,"title":"Countess"}}]}`); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.journal(); n != 0 {
		t.Errorf("%d entries left in the journal, want none: the newer request has taken their place", n)
	}
	if u := r.inPool("ada@example.com"); !u.Enabled {
		t.Error("the user is disabled, want enabled: the newer request says so")
	}
}

// TestALostCreationDoesNotUndoWhatFollows: the user is found and changed before the journal learns that it was created.
func TestALostCreationDoesNotUndoWhatFollows(t *testing.T) {
	for _, active := range []bool{true, false} {
		t.Run(fmt.Sprintf("active=%v", active), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(c *rigConfig) { c.dir.Lag = time.Millisecond })
			r.lostCreation(schemas.Resource{"userName": "ada", "displayName": "Old", "active": active})
			r.dir.Resync()
			r.until("the sweep has found the user", func() bool { return r.idOf("ada") != "" })
			if _, err := r.patchUser(r.idOf("ada"), `{"Operations":[{"op":"replace","path":"displayName","value":"New"}]}`); err != nil {
				t.Fatal(err)
			}
			r.emulator.ClearFaults()
			r.until("the journal is empty", func() bool { return r.journal() == 0 })
			if u := r.inPool("ada"); u.Attributes["name"] != "New" || u.Enabled != active {
				t.Errorf("the user is called %s, enabled %v; want New, %v", u.Attributes["name"], u.Enabled, active)
			}
		})
	}
}

// TestALostCreationIsNotTheUserOfThatAlias: Cognito finds people by preferred_username where it is asked for a Username.
func TestALostCreationIsNotTheUserOfThatAlias(t *testing.T) {
	r := newRig(t, styledRow("preferred_username"))
	r.fault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.ServerError})
	if _, err := r.CreateUser(t.Context(), schemas.Resource{"userName": "boss", "active": false}); kindOf(err) != "unavailable" {
		t.Fatalf("creating: %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	if _, err := r.pool.CreateUser(t.Context(), "mallory", map[string]string{"preferred_username": "boss", "custom:scim": "{}"}); err != nil {
		t.Fatal(err)
	}
	r.until("the creation is given up", func() bool {
		work, err := r.dir.Journal(t.Context())
		return err == nil && len(work) == 1 && work[0].Parked != ""
	})
	if u := r.inPool("mallory"); !u.Enabled {
		t.Error("the creation of boss has disabled mallory, whose preferred_username that is")
	}
}
