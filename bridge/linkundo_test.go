package bridge_test

import (
	"fmt"
	"testing"

	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// unlinkByHand takes ada's link away behind the mirror's back, and lets the mirror see it.
func (r *rig) unlinkByHand(id, subject string) {
	r.t.Helper()
	if err := r.pool.Unlink(r.t.Context(), cognito.External{Provider: "Okta", Attribute: cognito.Subject, Value: subject}); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.dir.ResyncUser(r.t.Context(), id); err != nil {
		r.t.Fatal(err)
	}
}

// A change that Cognito refuses once its link was to be made leaves all links as they were: those that it has made go, and
// nothing that was there before, or is another user's.
func TestARefusedChangeLeavesLinksAsTheyWere(t *testing.T) {
	t.Parallel()
	const asks = `{"userName":"ada","externalId":%q,"nickName":%q,"password":%q}`
	for what, refused := range map[string]string{
		"an attribute": fmt.Sprintf(asks, "%s", "", ""),
		"the password": fmt.Sprintf(asks, "%s", "A", "short"),
	} {
		for name, c := range map[string]struct {
			meanwhile func(r *rig, ada string)
			asked     string
			ada, eve  string // identities
		}{
			"a new subject": {asked: "00u3", ada: "Okta/00u1", eve: "Okta/00u2"},
			"a new subject, and the link's reply is lost": {asked: "00u3", ada: "Okta/00u1", eve: "Okta/00u2", meanwhile: func(r *rig, _ string) {
				r.fault(emulator.Fault{Operation: "AdminLinkProviderForUser", Kind: emulator.ResetAfter, Count: 1})
			}},
			"a subject that is linked meanwhile": {asked: "00u1", ada: "Okta/00u1", eve: "Okta/00u2", meanwhile: func(r *rig, ada string) {
				r.unlinkByHand(ada, "00u1")
				r.link("ada", "00u1")
			}},
			"a subject that is somebody else's meanwhile": {asked: "00u1", eve: "Okta/00u2 Okta/00u1", meanwhile: func(r *rig, ada string) {
				r.unlinkByHand(ada, "00u1")
				r.link("eve", "00u1")
			}},
		} {
			t.Run(what+" is refused, "+name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, bySubject, func(c *rigConfig) {
					c.pool.Required, c.emulator.Unverified.EnforceRequired = []string{"nickname"}, true
					c.bridge.Passwords = bridge.SyncPasswords
				})
				ada := r.createUser(`{"userName":"ada","externalId":"00u1","nickName":"A"}`)
				r.createUser(`{"userName":"eve","externalId":"00u2","nickName":"E"}`)
				if c.meanwhile != nil {
					c.meanwhile(r, ada.ID)
				}
				_, err := r.ReplaceUser(t.Context(), ada.ID, r.resource(schemas.Users, fmt.Sprintf(refused, c.asked)))
				if kindOf(err) != "invalid" {
					t.Errorf("got %v, want a refusal", err)
				}
				for username, want := range map[string]string{"ada": c.ada, "eve": c.eve} {
					if got := r.identities(username); got != want {
						t.Errorf("%s: identities %q, want %q as before", username, got, want)
					}
				}
				if c.eve != "Okta/00u2" {
					return
				}
				// The mirror knows what was taken back.
				if _, err := r.ReplaceUser(t.Context(), ada.ID, r.resource(schemas.Users, fmt.Sprintf(asks, c.asked, "B", ""))); err != nil {
					t.Fatal(err)
				}
				if got, want := r.identities("ada"), "Okta/"+c.asked; got != want {
					t.Errorf("after a good change: identities %q, want %q", got, want)
				}
			})
		}
	}
}

// TestALinkIsNotTakenByACallMadeAgain: Cognito unlinks a person from whomever it finds linked, so that a call which is made
// again, since its reply was lost, must not come after the person's link to somebody else.
func TestALinkIsNotTakenByACallMadeAgain(t *testing.T) {
	t.Parallel()
	o := newBureau(t, worldConfig{federation: bridge.FederationConfig{Provider: "Okta", SubjectFrom: "externalId", Attribute: cognito.Subject},
		cognito: cognito.Config{Quotas: &cognito.Quotas{}, MaxBackoff: 1, Attempts: 2}})
	ada := o.pushed("POST", "/Users", subjected("ada", "00u1")).ID()
	var grace string
	o.overtaking("AdminDisableProviderForUser", true,
		func() { o.status(200, "PUT", "/Users/"+ada, subjected("ada", "00u9")) },
		func() { grace = o.push("POST", "/Users", subjected("grace", "00u1")).ID() })
	for subject, want := range map[string]string{"00u9": ada, "00u1": grace} {
		in, err := o.emulator.SignInFederated(emulator.FederatedSignIn{Pool: stack.PoolID, Provider: "Okta", Subject: subject})
		if err != nil || in.Sub != want || !in.Linked {
			t.Errorf("%s signs in: got %+v, %v; want the user %s", subject, in, err, want)
		}
	}
}

// A creation of which the link could not be made at first, and is somebody else's when the request is repeated, is a conflict,
// and leaves nothing behind.
func TestARepeatedCreationThatCannotBeFinished(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject)
	r.createUser(subjected("eve", "00u2"))
	r.fault(emulator.Fault{Operation: "AdminLinkProviderForUser", Kind: emulator.ServerError})
	_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, subjected("ada", "00u1")))
	if kindOf(err) != "unavailable" {
		t.Fatalf("err = %v, want unavailable", err)
	}
	r.emulator.ClearFaults()
	r.link("eve", "00u1")
	_, err = r.CreateUser(t.Context(), r.resource(schemas.Users, subjected("ada", "00u1")))
	if kindOf(err) != "exists" {
		t.Errorf("repeated: %v, want a conflict", err)
	}
	r.gone("ada")
	r.journalEmpty()
}
