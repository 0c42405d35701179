package bridge_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

const formerPassword = "Somebody-else-0"

// A password that comes with an adoption or a return takes the place of the random one with which both begin: whoever had the
// account before cannot sign in, whatever becomes of the one that is sent. One that a change brings is refused, one that a
// create brings is left out.
func TestPasswordOfWhoIsTakenOver(t *testing.T) {
	t.Parallel()
	adopted := func(r *rig) func(password string) (store.Doc, error) {
		if _, err := r.pool.CreateUser(r.t.Context(), "ada", map[string]string{"email": "ada@example.com", "email_verified": "true"}); err != nil {
			r.t.Fatal(err)
		}
		if err := r.pool.SetPassword(r.t.Context(), "ada", formerPassword, true); err != nil {
			r.t.Fatal(err)
		}
		r.dir.Resync()
		r.until("the mirror knows the account", func() bool {
			_, err := r.User(r.t.Context(), r.inPool("ada").Sub)
			return err == nil
		})
		return func(password string) (store.Doc, error) {
			return put(r, r.inPool("ada").Sub, user("ada", `,"active":true,"password":"`+password+`"`))
		}
	}
	returned := func(r *rig) func(password string) (store.Doc, error) {
		doc := r.createUser(user("ada", `,"externalId":"x","password":"`+formerPassword+`"`))
		if err := r.DeleteUser(r.t.Context(), doc.ID); err != nil {
			r.t.Fatal(err)
		}
		return func(password string) (store.Doc, error) {
			return r.CreateUser(r.t.Context(), r.resource(schemas.Users, user("ada", `,"externalId":"x","password":"`+password+`"`)))
		}
	}
	for name, c := range map[string]struct {
		begin  func(*rig) func(string) (store.Doc, error)
		change bool
	}{"adoption": {adopted, true}, "return": {returned, false}} {
		open := func() (*rig, func(string) (store.Doc, error)) {
			r := newRig(t, withPasswords(bridge.SyncPasswords), func(cfg *rigConfig) {
				cfg.bridge.Deletion, cfg.pool.AdminOnly, cfg.dir.AdoptSelfSignedUp = bridge.DisableUsers, false, true
			})
			return r, c.begin(r)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, ask := open()
			if _, err := ask(firstPassword); err != nil {
				t.Fatal(err)
			}
			r.wantSignIn("ada", firstPassword, true)
			r.wantSignIn("ada", formerPassword, false)
		})
		t.Run(name+" with one that the policy refuses", func(t *testing.T) {
			t.Parallel()
			r, ask := open()
			_, err := ask(placeholder)
			var e *bridge.Error
			if refused := errors.As(err, &e) && e.Kind == bridge.Invalid; refused != c.change || err != nil && !refused {
				t.Errorf("got %v, want it refused of a change alone", err)
			}
			r.wantSignIn("ada", formerPassword, false)
			if c.change {
				if _, err := ask(secondPassword); err != nil {
					t.Errorf("repeated with a better one: got %v", err)
				}
				r.wantSignIn("ada", secondPassword, true)
			}
		})
		t.Run(name+" that fails", func(t *testing.T) {
			t.Parallel()
			for after := range 2 { // of the calls that set a password: the random one, the given one
				r, ask := open()
				if err := r.emulator.AddFault(emulator.Fault{Operation: "AdminSetUserPassword", Kind: emulator.AccessDenied, After: after}); err != nil {
					t.Fatal(err)
				}
				if _, err := ask(firstPassword); err == nil {
					t.Errorf("after %d: got no error", after)
				}
				r.emulator.ClearFaults()
				r.shutDown()
				r.start()
				r.until("the journal has done the rest", func() bool {
					work, err := r.dir.Journal(t.Context())
					return err == nil && len(work) == 0
				})
				r.wantSignIn("ada", formerPassword, false)
				r.wantSignIn("ada", firstPassword, false)
				if doc, err := ask(secondPassword); err != nil || doc.ID != r.inPool("ada").Sub {
					t.Errorf("after %d, repeated: got %s, %v", after, doc.ID, err)
				}
				r.wantSignIn("ada", secondPassword, true)
				if got := r.activity(); !strings.Contains(got, "finished without the password") {
					t.Errorf("after %d: activity: got %s, want it to say that the password is missing", after, got)
				}
			}
		})
	}
}
