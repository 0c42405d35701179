package bridge_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/schemas"
)

const ada = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@example.com",
 "name":{"givenName":"Ada","familyName":"Lovelace"},"emails":[{"primary":true,"value":"ada@example.com","type":"work"}],
 "displayName":"Ada Lovelace","locale":"en-US","externalId":"00u1","groups":[],"password":"1mz050nq","active":true}`

func kindOf(err error) string {
	var e *bridge.Error
	if errors.As(err, &e) {
		return e.Kind.String()
	}
	if err != nil {
		return err.Error()
	}
	return "none"
}

func TestCreateUserPutsEverythingInThePool(t *testing.T) {
	r := newRig(t)
	doc := r.createUser(ada)
	u := r.inPool("ada@example.com")
	if u.Sub != doc.ID {
		t.Errorf("id = %s, want the sub %s", doc.ID, u.Sub)
	}
	want := map[string]string{
		"given_name": "Ada", "family_name": "Lovelace", "name": "Ada Lovelace", "locale": "en-US",
		"email": "ada@example.com", "email_verified": "true",
		"custom:scim": `{"emails":[{"primary":true,"type":"work","value":null}],"externalId":"00u1"}`,
	}
	if diff := cmp.Diff(want, u.Attributes); diff != "" {
		t.Errorf("attributes in the pool (-want +got):\n%s", diff)
	}
	if !u.Enabled || u.Status != "FORCE_CHANGE_PASSWORD" {
		t.Errorf("enabled %v, status %s; want an enabled user without a password of its own", u.Enabled, u.Status)
	}
	if n := r.emulator.Invitations(); n != 0 {
		t.Errorf("%d invitations were sent, want none", n)
	}
	got, _ := schemas.ParseJSON(doc.JSON)
	if diff := cmp.Diff([]any{map[string]any{"primary": true, "type": "work", "value": "ada@example.com"}}, got["emails"]); diff != "" {
		t.Errorf("emails (-want +got):\n%s", diff)
	}
}

func TestCallsPerUserRequest(t *testing.T) {
	r := newRig(t)
	var id string
	put := func(body string) func() {
		return func() {
			if _, err := r.ReplaceUser(t.Context(), id, r.resource(schemas.Users, body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	patch := func(ops string) func() {
		return func() {
			if _, err := r.patchUser(id, `{"Operations":[`+ops+`]}`); err != nil {
				t.Fatal(err)
			}
		}
	}
	retitled := strings.Replace(ada, `"locale":"en-US"`, `"locale":"de-DE","title":"Countess","nickName":"Ada"`, 1)
	steps := []struct {
		name string
		do   func()
		want map[string]int64
	}{
		{"create", func() { id = r.createUser(ada).ID }, map[string]int64{"AdminCreateUser": 1}},
		{"read", func() { _, _ = r.User(t.Context(), id) }, map[string]int64{}},
		{"put the same", put(ada), map[string]int64{}},
		{"put many attributes", put(retitled), map[string]int64{"AdminUpdateUserAttributes": 1}},
		{"put without active", put(strings.Replace(retitled, `,"active":true`, ``, 1)), map[string]int64{}},
		{"patch what is so", patch(`{"op":"replace","value":{"active":true,"title":"Countess"}}`), map[string]int64{}},
		{"deactivate", patch(`{"op":"replace","value":{"active":false}}`), map[string]int64{"AdminDisableUser": 1, "AdminUserGlobalSignOut": 1}},
		{"deactivate again", patch(`{"op":"Replace","path":"active","value":"False"}`), map[string]int64{"AdminDisableUser": 1, "AdminUserGlobalSignOut": 1}},
		{"patch an inactive user", patch(`{"op":"replace","path":"title","value":"Dr"}`), map[string]int64{"AdminUpdateUserAttributes": 1}},
		{"reactivate", patch(`{"op":"replace","value":{"active":true}}`), map[string]int64{"AdminEnableUser": 1}},
		{"put inactive", put(strings.Replace(retitled, `"active":true`, `"active":false`, 1)),
			map[string]int64{"AdminDisableUser": 1, "AdminUserGlobalSignOut": 1, "AdminUpdateUserAttributes": 1}},
		{"delete", func() {
			if err := r.DeleteUser(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}, map[string]int64{"AdminDeleteUser": 1}},
		{"create inactive", func() { r.createUser(strings.Replace(ada, `"active":true`, `"active":false`, 1)) },
			map[string]int64{"AdminCreateUser": 1, "AdminDisableUser": 1}},
		{"create under a uuid", func() { r.createUser(`{"userName":"34c84488-e0e1-70ae-d2ee-991ad1a898c8"}`) },
			map[string]int64{"AdminCreateUser": 1, "ListUsers": 1}},
	}
	for _, s := range steps {
		if diff := cmp.Diff(s.want, r.calls(s.do)); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", s.name, diff)
		}
	}
	if u := r.inPool("ada@example.com"); u.Enabled {
		t.Error("a user created inactive is enabled in the pool")
	}
}

func TestUserNameIsUniqueWithoutCaseAndReturnedAsSent(t *testing.T) {
	r := newRig(t)
	first := r.createUser(`{"userName":"Grace@Example.com"}`)
	if first.Display != "Grace@Example.com" {
		t.Errorf("userName = %q, want it as sent", first.Display)
	}
	if _, err := r.CreateUser(t.Context(), r.resource(schemas.Users, `{"userName":"grace@example.COM"}`)); kindOf(err) != "exists" {
		t.Errorf("creating it in other letters: %v, want exists", err)
	}
	var mu sync.Mutex
	outcomes := map[string]int{}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := r.CreateUser(t.Context(), schemas.Resource{"userName": "race@example.com"})
			mu.Lock()
			defer mu.Unlock()
			outcomes[kindOf(err)]++
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[string]int{"none": 1, "exists": 19}, outcomes); diff != "" {
		t.Errorf("20 creates at once (-want +got):\n%s", diff)
	}
}

func TestRenameKeepsIDAndUsername(t *testing.T) {
	r := newRig(t)
	doc := r.createUser(ada)
	r.createUser(`{"userName":"taken@example.com"}`)
	renamed, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","path":"userName","value":"ada.king@example.com"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if renamed.ID != doc.ID || renamed.Display != "ada.king@example.com" || renamed.PoolName != "ada@example.com" {
		t.Errorf("id %s, userName %s, Username %s; want the same id and Username and the new userName", renamed.ID, renamed.Display, renamed.PoolName)
	}
	if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","path":"userName","value":"TAKEN@example.com"}]}`); kindOf(err) != "exists" {
		t.Errorf("renaming to a taken userName: %v, want exists", err)
	}
	// Somebody new gets the freed userName, under a Username of its own.
	other := r.createUser(`{"userName":"ada@example.com"}`)
	if other.ID == doc.ID || other.PoolName != "ada@example.com_2" {
		t.Errorf("the freed userName: id %s, Username %s", other.ID, other.PoolName)
	}
}

func TestNobodyIsNamedAfterAnothersSub(t *testing.T) {
	r := newRig(t)
	doc := r.createUser(ada)
	if _, err := r.CreateUser(t.Context(), schemas.Resource{"userName": doc.ID}); kindOf(err) != "exists" {
		t.Errorf("a userName equal to another's sub: %v, want exists", err)
	}
}

func TestDeactivationIsNeverRefused(t *testing.T) {
	for name, ops := range map[string]string{
		"a value of the wrong type": `{"op":"replace","path":"emails","value":7},{"op":"Replace","path":"active","value":"False"}`,
		"an unknown attribute":      `{"op":"Add","path":"shoeSize","value":"44"},{"op":"Replace","path":"active","value":"False"}`,
		"no target":                 `{"op":"replace","path":"emails[value co \"@\"].display","value":"A"},{"op":"replace","value":{"active":false}}`,
		"a taken userName":          `{"op":"replace","value":{"active":false,"userName":"taken"}}`,
		"an illegal userName":       `{"op":"replace","value":{"active":false,"userName":"with space"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.createUser(`{"userName":"taken"}`)
			doc := r.createUser(ada)
			if _, err := r.patchUser(doc.ID, `{"Operations":[`+ops+`]}`); err != nil {
				t.Errorf("PATCH: %v", err)
			}
			if r.inPool("ada@example.com").Enabled {
				t.Error("the user is still enabled in the pool")
			}
		})
	}
}

func TestDeleteUser(t *testing.T) {
	r := newRig(t)
	doc := r.createUser(ada)
	if err := r.DeleteUser(t.Context(), doc.ID); err != nil {
		t.Fatal(err)
	}
	if err := r.DeleteUser(t.Context(), doc.ID); kindOf(err) != "not found" {
		t.Errorf("deleting again: %v, want not found", err)
	}
	if _, err := r.User(t.Context(), doc.ID); kindOf(err) != "not found" {
		t.Errorf("reading it: %v, want not found", err)
	}
	gone := r.createUser(`{"userName":"gone"}`)
	if err := r.pool.DeleteUser(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	if err := r.DeleteUser(t.Context(), gone.ID); err != nil {
		t.Errorf("deleting what the pool has lost, and we still listed: %v", err)
	}
	if _, err := r.User(t.Context(), gone.ID); kindOf(err) != "not found" {
		t.Errorf("the mirror still has what the pool has lost: %v", err)
	}
}

func TestOverflow(t *testing.T) {
	long := `{"userName":"long","title":"` + strings.Repeat("t", 4000) + `","externalId":"x","nickName":"` + strings.Repeat("n", 3000) + `"}`
	t.Run("keep", func(t *testing.T) {
		r := newRig(t)
		var got map[string]any
		if err := json.Unmarshal(r.createUser(long).JSON, &got); err != nil {
			t.Fatal(err)
		}
		if got["externalId"] != "x" || got["nickName"] != nil && got["title"] != nil {
			t.Errorf("kept externalId %v; title %v and nickName %v cannot both have room", got["externalId"], got["title"] != nil, got["nickName"] != nil)
		}
		if got["title"] == nil && got["nickName"] == nil {
			t.Error("both long values were left out: one has room")
		}
	})
	t.Run("reject", func(t *testing.T) {
		r := newRig(t, func(c *rigConfig) { c.bridge.Overflow = bridge.RejectOverflow })
		_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, long))
		if kindOf(err) != "invalid" || !strings.Contains(err.Error(), "title") {
			t.Errorf("err = %v, want invalid and the attribute's name", err)
		}
	})
}

func TestAUserWhomOthersDeletedIsNotFound(t *testing.T) {
	r := newRig(t)
	for _, ops := range []string{`{"op":"replace","path":"title","value":"x"}`, `{"op":"replace","value":{"active":false}}`} {
		doc := r.createUser(ada)
		if err := r.pool.DeleteUser(t.Context(), doc.PoolName); err != nil {
			t.Fatal(err)
		}
		if _, err := r.patchUser(doc.ID, `{"Operations":[`+ops+`]}`); kindOf(err) != "not found" {
			t.Errorf("%s: %v, want not found", ops, err)
		}
		if _, err := r.User(t.Context(), doc.ID); kindOf(err) != "not found" {
			t.Errorf("%s: the mirror still has the user: %v", ops, err)
		}
		if n := r.journal(); n != 0 {
			t.Errorf("%s: %d entries left in the journal", ops, n)
		}
	}
}
