package bridge_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// linkWrite is a change that is about single sign-on: its request, its end, and what the pool must then hold.
type linkWrite struct {
	name    string
	replace bool
	prepare func(*rig) (id string)
	request func(r *rig, id string) error
	refused bool // with a conflict, however often
	gone    bool // its repetition is a 404
	check   func(r *rig, id string) error
}

var linkWrites = []linkWrite{
	{name: "create", request: createAda("00u1"), check: adaIs("Okta/00u1")},
	{name: "create an inactive user",
		request: func(r *rig, _ string) error {
			_, err := r.CreateUser(r.t.Context(), r.resource(schemas.Users, `{"userName":"ada","externalId":"00u1","active":false}`))
			return err
		},
		check: func(r *rig, id string) error {
			if r.inPool("ada").Enabled {
				return errors.New("ada is enabled")
			}
			return adaIs("Okta/00u1")(r, id)
		}},
	{name: "create in place of a profile", replace: true, prepare: profileBeside, request: createAda("00u1"),
		check: func(r *rig, id string) error {
			r.gone("Okta_00u1")
			return adaIs("Okta/00u1")(r, id)
		}},
	{name: "create in vain", refused: true, prepare: profileBeside, request: createAda("00u1"),
		check: func(r *rig, _ string) error {
			r.gone("ada")
			return nil
		}},
	{name: "create with somebody else's subject", refused: true,
		prepare: func(r *rig) string { return r.createUser(subjected("bea", "00u1")).ID }, request: createAda("00u1"),
		check: func(r *rig, _ string) error {
			r.gone("ada")
			if got := r.identities("bea"); got != "Okta/00u1" {
				return fmt.Errorf("bea's identities: %s", got)
			}
			return nil
		}},
	{name: "change the subject", prepare: linkedAda, request: replaceAda("00u2"), check: adaIs("Okta/00u2")},
	{name: "deactivate", prepare: adaAndProfile, request: func(r *rig, id string) error {
		_, err := r.patchUser(id, `{"Operations":[{"op":"replace","path":"active","value":false}]}`)
		return err
	}, check: func(r *rig, _ string) error {
		if r.inPool("ada").Enabled || r.inPool("Okta_00u1").Enabled {
			return errors.New("somebody is still enabled")
		}
		return nil
	}},
	{name: "delete", gone: true, prepare: adaAndProfile,
		request: func(r *rig, id string) error { return r.DeleteUser(r.t.Context(), id) },
		check: func(r *rig, _ string) error {
			r.gone("ada")
			if r.inPool("Okta_00u1").Enabled {
				return errors.New("the federated profile is still enabled")
			}
			return nil
		}},
}

func createAda(subject string) func(*rig, string) error {
	return func(r *rig, _ string) error {
		_, err := r.CreateUser(r.t.Context(), r.resource(schemas.Users, subjected("ada", subject)))
		return err
	}
}

func replaceAda(subject string) func(*rig, string) error {
	return func(r *rig, id string) error {
		_, err := r.ReplaceUser(r.t.Context(), id, r.resource(schemas.Users, subjected("ada", subject)))
		return err
	}
}

func linkedAda(r *rig) string { return r.createUser(subjected("ada", "00u1")).ID }

func profileBeside(r *rig) string {
	if _, err := r.signIn("00u1"); err != nil {
		r.t.Fatal(err)
	}
	return ""
}

// adaAndProfile is somebody who has two profiles.
func adaAndProfile(r *rig) string {
	id := linkedAda(r)
	if err := r.pool.Unlink(r.t.Context(), cognito.External{Provider: "Okta", Attribute: cognito.Subject, Value: "00u1"}); err != nil {
		r.t.Fatal(err)
	}
	if in, err := r.signIn("00u1"); err != nil || !in.Created {
		r.t.Fatalf("signing in: %+v, %v; want a profile", in, err)
	}
	return id
}

func adaIs(identities string) func(*rig, string) error {
	return func(r *rig, _ string) error {
		if got := r.identities("ada"); got != identities {
			return fmt.Errorf("ada's identities: %q, want %q", got, identities)
		}
		return nil
	}
}

// TestLinkingWhileFaultsStrike lets each call of each change fail in every way, once within the client's own attempts and
// once seen by the request, which is then repeated until it is answered for good.
func TestLinkingWhileFaultsStrike(t *testing.T) {
	t.Parallel()
	for _, w := range linkWrites {
		for i, kind := range []emulator.FaultKind{emulator.ServerError, emulator.ResetBefore, emulator.ResetAfter, emulator.Throttle, emulator.AccessDenied} {
			for j, attempts := range []int{0, 1} {
				if !thorough && (i+j+len(w.name))%3 != 0 {
					continue
				}
				t.Run(fmt.Sprintf("%s, %s, attempts %d", w.name, kind, attempts), func(t *testing.T) {
					t.Parallel()
					for k := 0; strikeLink(t, w, emulator.Fault{Kind: kind, After: k, Count: 1}, attempts); k++ {
						if k > 20 {
							t.Fatal("there is no end to the calls")
						}
					}
				})
			}
		}
	}
}

// strikeLink reports whether the fault has struck.
func strikeLink(t *testing.T, w linkWrite, fault emulator.Fault, attempts int) bool {
	t.Helper()
	r := newRig(t, bySubject, func(c *rigConfig) { c.attempts, c.federation.ReplaceProfile = attempts, w.replace })
	var id string
	if w.prepare != nil {
		id = w.prepare(r)
	}
	if err := r.emulator.AddFault(fault); err != nil {
		t.Fatal(err)
	}
	what := fmt.Sprintf("call %d", fault.After)
	struck := func() (n int64) {
		for _, each := range r.emulator.Faulted() {
			n += each
		}
		return n
	}
	err := w.request(r, id)
	for again := 0; comesBack(err); again++ {
		if again == 20 {
			t.Fatalf("%s: still %v", what, err)
		}
		err = w.request(r, id)
	}
	hit := struck() > 0
	r.emulator.ClearFaults()
	switch {
	case w.refused && kindOf(err) != "exists":
		t.Errorf("%s: got %v, want a conflict", what, err)
	case !w.refused && err != nil && !(w.gone && hit && kindOf(err) == "not found"):
		t.Errorf("%s: got %v, want success", what, err)
	}
	r.until(what+": nothing is left", func() bool {
		work, err := r.dir.Journal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(work) == 0
	})
	if err := w.check(r, id); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	return hit
}

// comesBack reports what an identity provider repeats: 429 and 5xx.
func comesBack(err error) bool {
	var e *bridge.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case bridge.TooMany, bridge.Unavailable, bridge.Internal, bridge.Denied:
		return true
	}
	return false
}
