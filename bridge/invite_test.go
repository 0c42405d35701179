package bridge_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

func TestInvitations(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *rigConfig) { c.bridge.Invite = cognito.ByEmail })
	invited := func(want int64, what string) {
		t.Helper()
		if got := r.emulator.Invitations(); got != want {
			t.Errorf("%s: got %d invitations so far, want %d", what, got, want)
		}
	}
	ada := r.createUser(user("ada", `,"emails":[{"value":"ada@example.com","primary":true}]`))
	invited(1, "creating")
	if err := r.emulator.AddFault(emulator.Fault{Operation: "AdminCreateUser", Kind: emulator.ResetAfter, Count: 1}); err != nil {
		t.Fatal(err)
	}
	r.createUser(user("grace", `,"emails":[{"value":"grace@example.com"}]`))
	invited(2, "creating, with a lost reply")
	idle := r.createUser(user("idle", `,"active":false,"emails":[{"value":"idle@example.com"}]`))
	invited(2, "creating somebody inactive")
	if err := r.dir.Invite(t.Context(), ada.ID, cognito.ByEmail); err != nil {
		t.Errorf("inviting again: got %v", err)
	}
	invited(3, "inviting again")
	var e *bridge.Error
	if err := r.dir.Invite(t.Context(), idle.ID, cognito.ByEmail); !errors.As(err, &e) || e.Kind != bridge.Invalid {
		t.Errorf("inviting somebody inactive: got %v, want it refused", err)
	}
	if err := r.pool.SetPassword(t.Context(), "ada", firstPassword, true); err != nil {
		t.Fatal(err)
	}
	if err := r.dir.Invite(t.Context(), ada.ID, cognito.ByEmail); !errors.As(err, &e) || e.Kind != bridge.Invalid {
		t.Errorf("inviting somebody who has a password: got %v, want it refused", err)
	}
	if err := r.dir.Invite(t.Context(), "00000000-0000-0000-0000-000000000000", cognito.ByEmail); !errors.As(err, &e) || e.Kind != bridge.NotFound {
		t.Errorf("inviting nobody: got %v, want not found", err)
	}
	invited(3, "refused invitations")
}

// Whoever cannot be reached is created without an invitation: by its reference, Cognito wants the attribute by which one is
// to come. A phone number that Cognito does not take as one is none.
func TestInvitationNeedsAnAddress(t *testing.T) {
	t.Parallel()
	const address, number = `,"emails":[{"value":"ada@example.com"}]`, `,"phoneNumbers":[{"value":"+4930123456"}]`
	for _, c := range []struct {
		by                    cognito.Courier
		more, missing, reason string
	}{
		{cognito.ByEmail, address, number, "has no email"},
		{cognito.BySMS, number, address, "has no phone_number"},
		{cognito.BySMS, number, `,"phoneNumbers":[{"value":"030 123 456"}]`, "has no phone_number"},
	} {
		r := newRig(t, func(cfg *rigConfig) { cfg.bridge.Invite = c.by })
		r.createUser(user("ada", c.more))
		if got := r.emulator.Invitations(); got != 1 {
			t.Errorf("%s with %s: got %d invitations, want 1", c.by, c.more, got)
		}
		doc := r.createUser(user("grace", c.missing))
		if got := r.emulator.Invitations(); got != 1 || !strings.Contains(r.activity(), c.reason) {
			t.Errorf("%s with %s: got %d invitations and %s, want none for her and why", c.by, c.missing, got-1, r.activity())
		}
		var e *bridge.Error
		if err := r.dir.Invite(t.Context(), doc.ID, c.by); !errors.As(err, &e) || e.Kind != bridge.Invalid || !strings.Contains(e.Detail, c.reason) {
			t.Errorf("%s, inviting again with %s: got %v, want it refused", c.by, c.missing, err)
		}
	}
}

// An invitation that Cognito cannot deliver leaves the user there, and whoever asked for another one is told.
func TestInvitationThatIsNotDelivered(t *testing.T) {
	t.Parallel()
	fails := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".AdminCreateUser") {
				next.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(httptest.NewRecorder(), r) // done, but for the message
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.Header().Set("X-Amzn-Errortype", "CodeDeliveryFailureException")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"__type":"CodeDeliveryFailureException","message":"Unable to send the message"}`))
		})
	}
	var log lockedLog
	r := newRig(t, func(c *rigConfig) { c.bridge.Invite, c.front, c.log = cognito.ByEmail, fails, &log })
	doc := r.createUser(user("ada", `,"emails":[{"value":"ada@example.com"}]`))
	if got := r.inPool("ada").Sub; doc.ID != got {
		t.Errorf("creating: got %s, want the user in the pool, %s", doc.ID, got)
	}
	var e *bridge.Error
	if err := r.dir.Invite(t.Context(), doc.ID, cognito.ByEmail); !errors.As(err, &e) || e.Kind != bridge.Unavailable || !strings.Contains(e.Detail, "deliver") {
		t.Errorf("inviting again: got %v, want it told that it was not delivered", err)
	}
	if got := strings.Count(r.activity(), "invite | not delivered"); got != 2 {
		t.Errorf("activity: got %s, want both said", r.activity())
	}
	if got := log.String(); strings.Count(got, "not delivered") != 2 || strings.Contains(got, "ada@example.com") {
		t.Errorf("log: got %s, want both said, without the address", got)
	}
}

// Where the address is the username, the invitation goes there, and another one to the Username that Cognito has made up.
func TestInvitationWhereTheAddressIsTheName(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *rigConfig) { c.bridge.Invite, c.pool.UsernameAttributes = cognito.ByEmail, []string{"email"} })
	doc := r.createUser(user("ada@example.com", ""))
	if err := r.dir.Invite(t.Context(), doc.ID, cognito.ByEmail); err != nil {
		t.Errorf("inviting again: got %v", err)
	}
	if got := r.emulator.Invitations(); got != 2 {
		t.Errorf("got %d invitations, want 2", got)
	}
}
