package bridge_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// through is another connection on the rig's pool. Its provider, if it has one, is trusted by the pool already.
func (r *rig) through(cfg bridge.ConnectionConfig, f bridge.FederationConfig) *rig {
	r.t.Helper()
	other := *r
	cfg.Directory, f.Directory, f.Logger = r.dir, r.dir, r.cfg.federation.Logger
	var err error
	if cfg.Federation, err = bridge.OpenFederation(r.t.Context(), f); err != nil {
		r.t.Fatalf("OpenFederation: %v", err)
	}
	other.Connection = bridge.NewConnection(cfg)
	return &other
}

// entra is a connection whose people come from Entra by userName.
func (r *rig) entra(deletion bridge.Deletion) *rig {
	r.t.Helper()
	trust(r.t, r.emulator, "Entra", nil)
	return r.through(bridge.ConnectionConfig{Name: "entra", Deletion: deletion},
		bridge.FederationConfig{Provider: "Entra", SubjectFrom: "userName", Attribute: cognito.Subject})
}

// Whoever leaves is out at every provider of the pool that connections name, whichever of them says so: also by the
// profiles beside the user, of which only one provider's connection knows the subject.
func TestLeaversAreOutAtEveryProvider(t *testing.T) {
	t.Parallel()
	atEntra := func(s *emulator.FederatedSignIn) { s.Provider, s.Subject = "Entra", "ada" }
	for leave, how := range map[string]func(by *rig, id string) error{
		"deactivated": func(by *rig, id string) error {
			_, err := by.patchUser(id, `{"Operations":[{"op":"replace","path":"active","value":false}]}`)
			return err
		},
		"deleted": func(by *rig, id string) error { return by.DeleteUser(by.t.Context(), id) },
	} {
		for _, by := range []string{"okta", "entra", "neither", "who keeps the deleted"} {
			t.Run(leave+" by "+by, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, bySubject)
				entra := r.entra(bridge.DeleteUsers)
				none := bridge.FederationConfig{Provider: bridge.NoProvider}
				id, client := r.createUser(subjected("ada", "00u1")).ID, r.app()
				r.unlinkByHand(id, "00u1")
				sessions := map[string]string{}
				for username, who := range map[string]func(*emulator.FederatedSignIn){"Okta_00u1": func(*emulator.FederatedSignIn) {}, "Entra_ada": atEntra} {
					in, err := r.signIn("00u1", who, func(s *emulator.FederatedSignIn) { s.Client = client })
					if err != nil || in.Username != username {
						t.Fatalf("signing in as %s: %+v, %v", username, in, err)
					}
					sessions[username] = in.RefreshToken
				}
				connection := map[string]func() *rig{
					"okta": func() *rig { return r }, "entra": func() *rig { return entra },
					"neither": func() *rig { return r.through(bridge.ConnectionConfig{Name: "hr"}, none) },
					"who keeps the deleted": func() *rig {
						return r.through(bridge.ConnectionConfig{Name: "hr", Deletion: bridge.DisableUsers}, none)
					},
				}[by]()
				if err := how(connection, id); err != nil {
					t.Fatal(err)
				}
				_, err := r.signIn("00u1")
				r.refused("signing in through Okta", err)
				_, err = r.signIn("", atEntra)
				r.refused("signing in through Entra", err)
				for username, token := range sessions {
					r.refused("refreshing the session of "+username, r.refresh(client, token))
				}
			})
		}
	}
}

// Nobody is named so that a provider's people could not sign in, whichever connection names them.
func TestNobodyIsNamedLikeAProfile(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject)
	entra := r.entra(bridge.DeleteUsers)
	none := r.through(bridge.ConnectionConfig{Name: "hr"}, bridge.FederationConfig{Provider: bridge.NoProvider})
	for _, by := range []*rig{r, entra, none} {
		for _, name := range []string{"Okta_00u9", "okta_00u9", "Entra_eve"} {
			_, err := by.CreateUser(t.Context(), r.resource(schemas.Users, subjected(name, "00u8")))
			wantDetail(t, by.Name()+" creating "+name, err, bridge.Invalid, "userName")
		}
	}
}

// Where the userName is not the Username, it is in no profile's way.
func TestAUserNameThatIsNoUsername(t *testing.T) {
	t.Parallel()
	for name, pool := range map[string]emulator.PoolConfig{
		"address as username": {UsernameAttributes: []string{"email"}}, "address as alias": {AliasAttributes: []string{"email"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bySubject, func(c *rigConfig) {
				c.pool.UsernameAttributes, c.pool.AliasAttributes = pool.UsernameAttributes, pool.AliasAttributes
			})
			const bot = `{"userName":"okta_bot@example.com","externalId":"00u1","emails":[{"value":"okta_bot@example.com"}]}`
			r.lands("00u1", r.createUser(bot).ID)
			if in, err := r.signIn("bot@example.com"); err != nil || !in.Created {
				t.Errorf("somebody else's first sign-in: %+v, %v; want a profile", in, err)
			}
		})
	}
}

// Links follow who somebody is at a provider, whichever connection changes that: nobody else comes in by the former
// subject.
func TestLinksFollowAnotherConnection(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]struct {
		federation           func(*rigConfig)
		before, after, alone string // bodies
		linked               string
	}{
		"subject": {bySubject, subjected("ada", "00u1"), subjected("ada", "00u2"), `{"userName":"ada"}`, "Okta/00u2"},
		"address": {byMail, mailed("ada", "ada@old.example"), mailed("ada", "ada@new.example"), `{"userName":"ada"}`, "Okta/ada@new.example"},
	} {
		for gone, c := range map[bool]struct{ body, want string }{false: {by.after, by.linked}, true: {by.alone, ""}} {
			t.Run(fmt.Sprintf("%s, goes: %v", name, gone), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, by.federation)
				id, client := r.createUser(by.before).ID, r.app()
				in := r.lands("00u1", id, func(s *emulator.FederatedSignIn) {
					s.Client, s.Attributes = client, map[string]string{"mail": "ada@old.example", "verified": "true"}
				})
				other := r.through(bridge.ConnectionConfig{Name: "hr"}, bridge.FederationConfig{Provider: bridge.NoProvider})
				if _, err := other.ReplaceUser(t.Context(), id, r.resource(schemas.Users, c.body)); err != nil {
					t.Fatal(err)
				}
				if got := r.identities("ada"); got != c.want {
					t.Errorf("identities: %q, want %q", got, c.want)
				}
				r.refused("refreshing a session of the former subject", r.refresh(client, in.RefreshToken))
				if _, err := r.ReplaceUser(t.Context(), id, r.resource(schemas.Users, by.after)); err != nil {
					t.Fatal(err)
				}
				if got := r.identities("ada"); got != by.linked {
					t.Errorf("after the connection's own change: identities %q, want %q", got, by.linked)
				}
			})
		}
	}
}

// Links follow also the config: a subject that is read from elsewhere since replaces the former with the next change, and
// so it does with links that others have made.
func TestLinksFollowTheConfig(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject)
	trust(t, r.emulator, "Entra", nil)
	id, client := r.createUser(subjected("ada", "00u1")).ID, r.app()
	if err := r.pool.LinkUser(t.Context(), "ada", cognito.External{Provider: "Entra", Attribute: cognito.Subject, Value: "a"}); err != nil {
		t.Fatal(err)
	}
	in := r.lands("00u1", id, func(s *emulator.FederatedSignIn) { s.Client = client })
	r.shutDown()
	r.cfg.federation.SubjectFrom = "userName"
	r.start()
	replace := func() {
		if _, err := r.ReplaceUser(t.Context(), id, r.resource(schemas.Users, `{"userName":"ada","externalId":"00u1","nickName":"A"}`)); err != nil {
			t.Fatal(err)
		}
	}
	replace()
	if got := r.identities("ada"); got != "Entra/a Okta/ada" {
		t.Errorf("identities: %s, want the new one at Okta alone", got)
	}
	r.refused("refreshing a session of the former subject", r.refresh(client, in.RefreshToken))
	if made := r.calls(replace); len(made) > 0 {
		t.Errorf("the same again made calls: %v", made)
	}
}

// A provider that is taken out of the pool while the server runs stops what needs it, with an error that says so, and nothing
// else; least of all a leaver.
func TestAProviderThatIsRemoved(t *testing.T) {
	t.Parallel()
	for _, deletion := range []bridge.Deletion{bridge.DeleteUsers, bridge.DisableUsers} {
		r := newRig(t, bySubject, func(c *rigConfig) { c.bridge.Deletion = deletion })
		id := r.createUser(subjected("ada", "00u1")).ID
		if _, err := audit.Client(r.emulator).DeleteIdentityProvider(t.Context(),
			&cip.DeleteIdentityProviderInput{UserPoolId: aws.String(poolID), ProviderName: aws.String("Okta")}); err != nil {
			t.Fatal(err)
		}
		_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, subjected("eve", "00u2")))
		wantDetail(t, "creating", err, bridge.Denied, "identity provider")
		r.gone("eve")
		_, err = r.ReplaceUser(t.Context(), id, r.resource(schemas.Users, subjected("ada", "00u3")))
		wantDetail(t, "changing the subject", err, bridge.Denied, "identity provider")
		for _, change := range []string{`"path":"nickName","value":"A"`, `"path":"active","value":false`} {
			if _, err := r.patchUser(id, `{"Operations":[{"op":"replace",`+change+`}]}`); err != nil {
				t.Errorf("%s: %v, want it made", change, err)
			}
		}
		if r.inPool("ada").Enabled {
			t.Error("ada is enabled after her deactivation")
		}
		if err := r.DeleteUser(t.Context(), id); err != nil {
			t.Errorf("deleting: %v", err)
		}
		r.journalEmpty()
	}
}

// Somebody who was not linked, and never signed in, before leaving does not come in by a new profile afterwards, whether or
// not the mirror has seen that others have taken the link away.
func TestLeaversGetNoProfileLater(t *testing.T) {
	t.Parallel()
	for before, calls := range map[string]map[string]int64{
		"linked":              {"AdminDisableUser": 1, "AdminUserGlobalSignOut": 1, "AdminGetUser": 2},
		"unlinked":            {"AdminDisableUser": 1, "AdminUserGlobalSignOut": 1, "AdminGetUser": 2, "AdminLinkProviderForUser": 1},
		"seen to be unlinked": {"AdminDisableUser": 1, "AdminUserGlobalSignOut": 1, "AdminGetUser": 1, "AdminLinkProviderForUser": 1},
	} {
		r := newRig(t, bySubject)
		id := r.createUser(subjected("ada", "00u1")).ID
		switch before {
		case "unlinked":
			if err := r.pool.Unlink(t.Context(), cognito.External{Provider: "Okta", Attribute: cognito.Subject, Value: "00u1"}); err != nil {
				t.Fatal(err)
			}
		case "seen to be unlinked":
			r.unlinkByHand(id, "00u1")
		}
		made := r.calls(func() {
			if _, err := r.patchUser(id, `{"Operations":[{"op":"replace","path":"active","value":false}]}`); err != nil {
				t.Fatal(err)
			}
		})
		if diff := cmp.Diff(calls, made); diff != "" {
			t.Errorf("%s: calls of the deactivation (-want +got):\n%s", before, diff)
		}
		_, err := r.signIn("00u1")
		r.refused(before+": the first sign-in, after leaving", err)
		if _, err := r.patchUser(id, `{"Operations":[{"op":"replace","path":"active","value":true}]}`); err != nil {
			t.Fatal(err)
		}
		r.lands("00u1", id)
	}
}
