package bridge_test

import (
	"slices"
	"testing"

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
