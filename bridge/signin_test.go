package bridge_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

func (r *rig) refresh(client, token string) error {
	r.t.Helper()
	_, err := audit.Client(r.emulator).InitiateAuth(r.t.Context(), &cip.InitiateAuthInput{ClientId: &client,
		AuthFlow: types.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": token}})
	return err
}

func (r *rig) password(client, username, password string) (token string, err error) {
	r.t.Helper()
	out, err := audit.Client(r.emulator).InitiateAuth(r.t.Context(), &cip.InitiateAuthInput{ClientId: &client,
		AuthFlow: types.AuthFlowTypeUserPasswordAuth, AuthParameters: map[string]string{"USERNAME": username, "PASSWORD": password}})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.AuthenticationResult.RefreshToken), nil
}

func (r *rig) refused(what string, err error) {
	r.t.Helper()
	if err == nil || !strings.Contains(err.Error(), "NotAuthorized") && !strings.Contains(err.Error(), "disabled") {
		r.t.Errorf("%s: got %v, want a refusal", what, err)
	}
}

// Whoever is deactivated is out: by password, by single sign-on, by the federated profile beside, by a refresh token.
func TestDeactivatedPeopleAreOut(t *testing.T) {
	t.Parallel()
	const secret = "Correct-Horse-7-Staple"
	for _, leave := range []string{"deactivate", "delete"} {
		for _, linked := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, linked: %v", leave, linked), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, bySubject)
				client := r.app()
				through := func(s *emulator.FederatedSignIn) { s.Client = client }
				doc := r.createUser(subjected("ada", "00u1"))
				if !linked { // provisioned before there was single sign-on
					who := cognito.External{Provider: "Okta", Attribute: cognito.Subject, Value: "00u1"}
					if err := r.pool.Unlink(t.Context(), who); err != nil {
						t.Fatal(err)
					}
				}
				if err := r.pool.SetPassword(t.Context(), "ada", secret, true); err != nil {
					t.Fatal(err)
				}
				native, err := r.password(client, "ada", secret)
				if err != nil {
					t.Fatalf("signing in by password: %v", err)
				}
				federated, err := r.signIn("00u1", through)
				if err != nil || federated.Linked != linked {
					t.Fatalf("signing in through Okta: %+v, %v", federated, err)
				}
				if leave == "delete" {
					err = r.DeleteUser(t.Context(), doc.ID)
				} else {
					_, err = r.patchUser(doc.ID, `{"Operations":[{"op":"replace","path":"active","value":false}]}`)
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, err := r.password(client, "ada", secret); err == nil {
					t.Error("signing in by password works")
				}
				r.refused("refreshing after a password", r.refresh(client, native))
				r.refused("refreshing after single sign-on", r.refresh(client, federated.RefreshToken))
				if in, err := r.signIn("00u1", through); err == nil && !in.Created {
					t.Errorf("signing in through Okta works: %+v", in)
				} else if err == nil && (leave != "delete" || !linked) {
					t.Errorf("signing in through Okta has made another profile: %+v", in)
				}
			})
		}
	}
}

// Somebody who was provisioned before there was single sign-on is linked by the next change of any kind, if that can be; if
// not, the change is made all the same. Letting somebody in again without the link is refused.
func TestPeopleOfBefore(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject)
	doc := r.createUser(subjected("ada", "00u1"))
	unlink := func() {
		if err := r.pool.Unlink(t.Context(), cognito.External{Provider: "Okta", Attribute: cognito.Subject, Value: "00u1"}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.dir.ResyncUser(t.Context(), doc.ID); err != nil {
			t.Fatal(err)
		}
	}
	patch := func(path, value string) error {
		_, err := r.patchUser(doc.ID, fmt.Sprintf(`{"Operations":[{"op":"replace","path":%q,"value":%s}]}`, path, value))
		return err
	}
	unlink()
	if err := patch("nickName", `"A"`); err != nil {
		t.Fatal(err)
	}
	if got := r.identities("ada"); got != "Okta/00u1" {
		t.Errorf("after a change: identities %q, want Okta/00u1", got)
	}
	unlink()
	if _, err := r.signIn("00u1"); err != nil {
		t.Fatal(err)
	}
	if err := patch("nickName", `"B"`); err != nil || r.inPool("ada").Attributes["nickname"] != "B" {
		t.Errorf("a change of somebody who cannot be linked: %v, want it made", err)
	}
	records, err := r.store.Activities(t.Context(), store.ActivityQuery{Limit: 1, ID: doc.ID})
	if err != nil || len(records) != 1 || !strings.Contains(strings.Join(records[0].Notes, "\n"), "Okta_00u1") {
		t.Errorf("activity: %+v, %v; want a note with the profile's name", records, err)
	}
	made := r.calls(func() {
		if err := patch("nickName", `"B"`); err != nil {
			t.Fatal(err)
		}
	})
	if len(made) > 0 {
		t.Errorf("the same again made calls: %v", made)
	}
	if err := patch("active", "false"); err != nil {
		t.Fatal(err)
	}
	if r.inPool("Okta_00u1").Enabled {
		t.Error("the federated profile is enabled after the deactivation")
	}
	wantDetail(t, "letting somebody in by two profiles", patch("active", "true"), bridge.Exists, "Okta_00u1")
	if r.inPool("ada").Enabled {
		t.Error("ada is enabled, although that was refused")
	}
	if err := r.pool.DeleteUser(t.Context(), "Okta_00u1"); err != nil {
		t.Fatal(err)
	}
	if err := patch("active", "true"); err != nil {
		t.Fatal(err)
	}
	r.lands("00u1", doc.ID)
}

// Links can be by an attribute that the provider maps.
func TestLinkedByAttribute(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *rigConfig) {
		c.federation = bridge.FederationConfig{Provider: "Okta", SubjectFrom: "emails", Attribute: "email"}
		c.mapping = map[string]string{"email": "mail", "email_verified": "verified"}
	})
	mail := func(address string) func(*emulator.FederatedSignIn) {
		return func(s *emulator.FederatedSignIn) {
			s.Attributes = map[string]string{"mail": address, "verified": "true"}
		}
	}
	body := func(address string) schemas.Resource {
		return r.resource(schemas.Users, fmt.Sprintf(`{"userName":"ada","emails":[{"value":%q}]}`, address))
	}
	doc := r.createUser(`{"userName":"ada","emails":[{"value":"ada@old.example"}]}`)
	r.lands("n1", doc.ID, mail("ada@old.example"))
	if _, err := r.dir.ResyncUser(t.Context(), doc.ID); err != nil {
		t.Fatal(err)
	}
	made := r.calls(func() {
		if _, err := r.ReplaceUser(t.Context(), doc.ID, body("ada@old.example")); err != nil {
			t.Fatal(err)
		}
	})
	if len(made) > 0 {
		t.Errorf("a PUT of the same after the first sign-in made calls: %v", made)
	}
	if _, err := r.ReplaceUser(t.Context(), doc.ID, body("ada@new.example")); err != nil {
		t.Fatal(err)
	}
	if got := r.identities("ada"); got != "Okta/ada@new.example" {
		t.Errorf("identities: %s, want the new address alone", got)
	}
	r.lands("n1", doc.ID, mail("ada@new.example"))
	// A profile is found by the attribute.
	stranger, err := r.signIn("n2", mail("bea@old.example"))
	if err != nil || !stranger.Created {
		t.Fatalf("%+v, %v", stranger, err)
	}
	bea := r.createUser(`{"userName":"bea","emails":[{"value":"bea@old.example"}]}`)
	if _, err := r.patchUser(bea.ID, `{"Operations":[{"op":"replace","path":"active","value":false}]}`); err != nil {
		t.Fatal(err)
	}
	if r.inPool("Okta_n2").Enabled {
		t.Error("the federated profile with bea's address is enabled after her deactivation")
	}
}

// What a request has left to do about links is part of what a newer one does.
func TestANewerRequestTakesLinksOver(t *testing.T) {
	t.Parallel()
	for _, landed := range []bool{false, true} {
		t.Run(fmt.Sprintf("the link was made: %v", landed), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bySubject, func(c *rigConfig) { c.attempts = 1 })
			doc := r.createUser(subjected("ada", "00u1"))
			kind := emulator.ServerError
			if landed {
				kind = emulator.ResetAfter
			}
			r.fault(emulator.Fault{Operation: "AdminLinkProviderForUser", Kind: kind})
			replace := func(subject string) error {
				_, err := r.ReplaceUser(t.Context(), doc.ID, r.resource(schemas.Users, subjected("ada", subject)))
				return err
			}
			if err := replace("00u2"); !comesBack(err) {
				t.Errorf("a change whose link fails: got %v, want an error that may pass", err)
			}
			r.emulator.ClearFaults()
			if err := replace("00u3"); err != nil {
				t.Fatal(err)
			}
			r.journalEmpty()
			if got := r.identities("ada"); got != "Okta/00u3" {
				t.Errorf("identities: %s, want the newest alone", got)
			}
			r.lands("00u3", doc.ID)
		})
	}
}

// A change that would be a conflict is one also when its first attempt has failed for another reason.
func TestAConflictThatComesLater(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject, func(c *rigConfig) { c.attempts = 1 })
	bea := r.createUser(subjected("bea", "00u2"))
	ada := r.createUser(subjected("ada", "00u1"))
	r.fault(emulator.Fault{Operation: "AdminLinkProviderForUser", Kind: emulator.ServerError, Count: 1})
	replace := func() error {
		_, err := r.ReplaceUser(t.Context(), ada.ID, r.resource(schemas.Users, subjected("ada", "00u2")))
		return err
	}
	if err := replace(); !comesBack(err) {
		t.Errorf("a change whose link fails: got %v, want an error that may pass", err)
	}
	for range 2 {
		wantDetail(t, "the same again", replace(), bridge.Exists, "linked to another user")
	}
	r.journalEmpty()
	r.lands("00u1", ada.ID)
	r.lands("00u2", bea.ID)
}

// A connection that links nobody finishes what another one has left to do about links.
func TestLinksOfAnotherConnection(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject, func(c *rigConfig) { c.attempts = 1 })
	doc := r.createUser(subjected("ada", "00u1"))
	r.fault(emulator.Fault{Operation: "AdminLinkProviderForUser", Kind: emulator.ServerError, Count: 1})
	if _, err := r.ReplaceUser(t.Context(), doc.ID, r.resource(schemas.Users, subjected("ada", "00u2"))); !comesBack(err) {
		t.Errorf("a change whose link fails: got %v, want an error that may pass", err)
	}
	other := bridge.NewConnection(bridge.ConnectionConfig{Name: "other", Directory: r.dir})
	if _, err := other.ReplaceUser(t.Context(), doc.ID, r.resource(schemas.Users, `{"userName":"ada","externalId":"00u2","nickName":"A"}`)); err != nil {
		t.Fatal(err)
	}
	r.journalEmpty()
	if got := r.identities("ada"); got != "Okta/00u2" {
		t.Errorf("identities: %s, want what the first connection asked for", got)
	}
}

// Of many who claim one subject at once, one is created.
func TestManyClaimOneSubject(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject)
	var wg sync.WaitGroup
	outcomes := make([]string, 8)
	for i := range outcomes {
		wg.Go(func() {
			_, err := r.CreateUser(t.Context(), schemas.Resource{"userName": fmt.Sprintf("u%d", i), "externalId": "00u1"})
			outcomes[i] = kindOf(err)
		})
	}
	wg.Wait()
	made := 0
	for i, outcome := range outcomes {
		switch outcome {
		case "none":
			made++
			r.lands("00u1", r.inPool(fmt.Sprintf("u%d", i)).Sub)
		case "exists":
			r.gone(fmt.Sprintf("u%d", i))
		default:
			t.Errorf("u%d: got %s, want created or a conflict", i, outcome)
		}
	}
	if made != 1 {
		t.Errorf("%d were created, want one", made)
	}
	r.journalEmpty()
}

// A sign-in by a link may turn the provisioned user external; it is SCIM's all the same, and no profile to be stopped.
func TestLinkedPeopleStayListed(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject, func(c *rigConfig) { c.emulator.Unverified.LinkedSignInMakesExternal = true })
	doc := r.createUser(subjected("ada", "00u1"))
	r.lands("00u1", doc.ID)
	if got := r.inPool("ada").Status; got != "EXTERNAL_PROVIDER" {
		t.Fatalf("status %s, want EXTERNAL_PROVIDER", got)
	}
	profile, err := r.signIn("00u2")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r.dir.Resync()
		if _, err := r.dir.ResyncUser(t.Context(), doc.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := r.User(t.Context(), doc.ID); err != nil {
			t.Errorf("the provisioned user after a sign-in: %v", err)
		}
		if _, err := r.User(t.Context(), profile.Sub); kindOf(err) != "not found" {
			t.Errorf("the federated profile: %v, want not found", err)
		}
	}
}

// Pools that are not case-sensitive keep a profile's name in lower case, and subjects as they are.
func TestProfilesInAPoolWithoutCase(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject, func(c *rigConfig) { c.pool.CaseInsensitive = true })
	if in, err := r.signIn("Ada@Example.com"); err != nil || in.Username != "okta_ada@example.com" {
		t.Fatalf("signing in: %+v, %v; want a profile in lower case", in, err)
	}
	_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, subjected("ada", "Ada@Example.com")))
	wantDetail(t, "creating somebody who has a profile", err, bridge.Exists, "okta_ada@example.com")
	if err := r.pool.DeleteUser(t.Context(), "okta_ada@example.com"); err != nil {
		t.Fatal(err)
	}
	doc := r.createUser(subjected("ada", "Ada@Example.com"))
	r.lands("Ada@Example.com", doc.ID)
	if _, err := r.ReplaceUser(t.Context(), doc.ID, r.resource(schemas.Users, subjected("ada", "ADA@Example.com"))); err != nil {
		t.Fatal(err)
	}
	r.lands("ADA@Example.com", doc.ID)
}

// The sessions of a former subject end, whatever becomes of its link, and of the calls.
func TestSessionsOfAFormerSubjectEnd(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*rig){
		"signing out fails": func(r *rig) {
			r.fault(emulator.Fault{Operation: "AdminUserGlobalSignOut", Kind: emulator.ServerError, Count: 1})
		},
		"others have unlinked it": func(r *rig) {
			if err := r.pool.Unlink(t.Context(), cognito.External{Provider: "Okta", Attribute: cognito.Subject, Value: "00u1"}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bySubject, func(c *rigConfig) { c.attempts = 1 })
			doc, client := r.createUser(subjected("ada", "00u1")), r.app()
			in := r.lands("00u1", doc.ID, func(s *emulator.FederatedSignIn) { s.Client = client })
			meanwhile(r)
			_, err := r.ReplaceUser(t.Context(), doc.ID, r.resource(schemas.Users, subjected("ada", "00u2")))
			if err != nil && !comesBack(err) {
				t.Fatal(err)
			}
			r.journalEmpty()
			r.refused("refreshing a session of the former subject", r.refresh(client, in.RefreshToken))
			r.lands("00u2", doc.ID)
		})
	}
}
