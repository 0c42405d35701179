package bridge_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

func keepDeleted(c *rigConfig) { c.bridge.Deletion = bridge.DisableUsers }

// mailClaims are what Okta says of somebody whose address is this.
func mailClaims(mail string) func(*emulator.FederatedSignIn) {
	return func(s *emulator.FederatedSignIn) { s.Attributes = map[string]string{"mail": mail, "verified": "true"} }
}

// beside is another connection to the rig's pool, whose people sign in through another provider.
func (r *rig) beside(provider, subjectFrom, attribute string) *bridge.Connection {
	r.t.Helper()
	trust(r.t, r.emulator, provider, map[string]string{"email": "mail", "email_verified": "verified"})
	f, err := bridge.OpenFederation(r.t.Context(), bridge.FederationConfig{
		Directory: r.dir, Provider: provider, SubjectFrom: subjectFrom, Attribute: attribute, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		r.t.Fatal(err)
	}
	return bridge.NewConnection(bridge.ConnectionConfig{Name: provider, Directory: r.dir, Federation: f, Deletion: r.cfg.bridge.Deletion})
}

// TestATombstoneHasNoLinks: whatever they were made by, through whichever connection, and whether or not somebody has signed
// in by them. The person may be linked to another user then.
func TestATombstoneHasNoLinks(t *testing.T) {
	t.Parallel()
	for _, signedIn := range []bool{false, true} {
		for _, other := range []string{"okta", "entra"} {
			t.Run(fmt.Sprintf("signed in: %v, deleted through %s", signedIn, other), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, byMail, keepDeleted)
				entra := r.beside("Entra", "externalId", cognito.Subject)
				body := r.resource(schemas.Users, mailed("ada", adaMail))
				id := r.createUser(mailed("ada", adaMail)).ID
				if _, err := entra.ReplaceUser(t.Context(), id, body); err != nil {
					t.Fatal(err)
				}
				if got, want := r.identities("ada"), "Okta/"+adaMail+" Entra/of "+adaMail; got != want {
					t.Fatalf("links: got %q, want %q", got, want)
				}
				if signedIn {
					r.lands("00u1", id, mailClaims(adaMail))
				}
				r.dir.Resync()
				through := map[string]*bridge.Connection{"okta": r.Connection, "entra": entra}[other]
				if err := through.DeleteUser(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				if got := r.identities("ada"); got != "" {
					t.Errorf("links of the tombstone: got %q, want none", got)
				}
				back, err := entra.CreateUser(t.Context(), body)
				if err != nil || back.ID != id || r.identities("ada") != "Entra/of "+adaMail {
					t.Errorf("brought back through Entra: got %s, links %q, %v; want %s, linked there alone", back.ID, r.identities("ada"), err, id)
				}
				grace := r.createUser(mailed("grace", adaMail)).ID
				r.lands("00u1", grace, mailClaims(adaMail))
			})
		}
	}
}

// TestWhoComesBackHasNoOtherLinks: one that others have made meanwhile would let somebody in whom nobody provisions.
func TestWhoComesBackHasNoOtherLinks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		by   func(*rigConfig)
		body string
		want string
	}{
		"by subject": {bySubject, subjected("ada", "00u1"), "Okta/00u1"},
		"by address": {byMail, mailed("ada", adaMail), "Okta/" + adaMail},
	} {
		for _, op := range []string{"", "AdminDisableProviderForUser", "AdminLinkProviderForUser", "AdminListGroupsForUser", "AdminUpdateUserAttributes", "AdminEnableUser"} {
			for _, kind := range []emulator.FaultKind{emulator.ResetBefore, emulator.ResetAfter} {
				t.Run(fmt.Sprintf("%s, %s %s", name, op, kind), func(t *testing.T) {
					t.Parallel()
					r := newRig(t, c.by, keepDeleted, func(c *rigConfig) { c.attempts = 1 })
					id := r.createUser(c.body).ID
					if err := r.DeleteUser(t.Context(), id); err != nil {
						t.Fatal(err)
					}
					r.link("ada", "stranger")
					if _, err := r.signIn("stranger"); err == nil {
						t.Error("a tombstone is signed in to")
					}
					if op != "" {
						r.fault(emulator.Fault{Operation: op, Kind: kind, Count: 1})
					}
					_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, c.body))
					if op != "" && kindOf(err) == "unavailable" {
						r.shutDown()
						r.start()
						r.journalEmpty() // without being asked again
						var again store.Doc
						if again, err = r.CreateUser(t.Context(), r.resource(schemas.Users, c.body)); again.ID != id {
							t.Errorf("the POST repeated: got %q, want %s", again.ID, id)
						}
					}
					if err != nil {
						t.Fatalf("coming back: %v", err)
					}
					if u := r.inPool("ada"); u.Sub != id || !u.Enabled || r.identities("ada") != c.want {
						t.Errorf("got %s, enabled %v, links %q; want %s, enabled, linked by %s alone", u.Sub, u.Enabled, r.identities("ada"), id, c.want)
					}
					if in, err := r.signIn("stranger"); err != nil || in.Sub == id {
						t.Errorf("the stranger signs in: got %+v, %v; want a profile of their own", in, err)
					}
				})
			}
		}
	}
}

// TestALinkToAProviderThatIsNoMore: the mirror may not know yet that it is gone, which stops no deletion.
func TestALinkToAProviderThatIsNoMore(t *testing.T) {
	t.Parallel()
	r := newRig(t, keepDeleted) // without a federation, so that the links are others'
	trust(t, r.emulator, "Former", nil)
	id := r.createUser(subjected("ada", "00u1")).ID
	if err := r.pool.LinkUser(t.Context(), "ada", cognito.External{Provider: "Former", Attribute: cognito.Subject, Value: "f1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.dir.ResyncUser(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	_, err := audit.Client(r.emulator).DeleteIdentityProvider(t.Context(), &cip.DeleteIdentityProviderInput{UserPoolId: aws.String(poolID), ProviderName: aws.String("Former")})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.DeleteUser(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := r.User(t.Context(), id); kindOf(err) != "not found" {
		t.Errorf("GET: got %v, want not found", err)
	}
}

// TestCallsOfADeletionThatKeepsALinkedUser: beside its own, a look for a federated profile, a read, and one a link and group.
func TestCallsOfADeletionThatKeepsALinkedUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject, keepDeleted)
	id := r.createUser(subjected("ada", "00u1")).ID
	r.createGroup(`{"displayName":"Staff","members":[{"value":"` + id + `"}]}`)
	made := r.calls(func() {
		if err := r.DeleteUser(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	})
	want := map[string]int64{"AdminDisableUser": 1, "AdminUserGlobalSignOut": 1, "AdminGetUser": 2, "AdminDisableProviderForUser": 1,
		"AdminListGroupsForUser": 1, "AdminRemoveUserFromGroup": 1, "AdminUpdateUserAttributes": 1}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestNobodyComesBackByAnothersSubject: it is refused, and the tombstone stays one.
func TestNobodyComesBackByAnothersSubject(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject, keepDeleted)
	id := r.createUser(subjected("ada", "00u1")).ID
	if err := r.DeleteUser(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	eve := r.createUser(subjected("eve", "00u2"))
	r.link("eve", "00u1")
	_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, subjected("ada", "00u1")))
	wantDetail(t, "coming back", err, bridge.Exists, "linked to another user")
	if u := r.inPool("ada"); u.Enabled || r.identities("ada") != "" || r.identities("eve") != "Okta/00u2 Okta/00u1" {
		t.Errorf("in the pool: got ada enabled %v, links %q, eve's %q; want nothing changed", u.Enabled, r.identities("ada"), r.identities("eve"))
	}
	if _, err := r.User(t.Context(), id); kindOf(err) != "not found" {
		t.Errorf("GET of the tombstone: got %v, want not found", err)
	}
	if err := r.DeleteUser(t.Context(), eve.ID); err != nil {
		t.Fatal(err)
	}
	r.lands("00u1", r.createUser(subjected("ada", "00u1")).ID)
	if got := r.identities("ada"); got != "Okta/00u1" || r.inPool("ada").Sub != id {
		t.Errorf("came back: got links %q of %s, want Okta/00u1 of %s", got, r.inPool("ada").Sub, id)
	}
}

// TestADeletionIsOvertaken: until the user is marked as deleted a newer request that lets the user in again finds links and
// groups as they were; from then on, though the reply to that was lost, there is no such user, and the deletion repeated, or
// the journal, finishes it.
func TestADeletionIsOvertaken(t *testing.T) {
	t.Parallel()
	const reactivate = `{"Operations":[{"op":"replace","value":{"active":true}}]}`
	for op, marked := range map[string]bool{"AdminDisableUser": false, "AdminUserGlobalSignOut": false, "AdminUpdateUserAttributes": false,
		"AdminDisableProviderForUser": true, "AdminListGroupsForUser": true, "AdminRemoveUserFromGroup": true} {
		for _, kind := range []emulator.FaultKind{emulator.ServerError, emulator.ResetAfter} {
			marked := marked || op == "AdminUpdateUserAttributes" && kind == emulator.ResetAfter
			t.Run(fmt.Sprint(op, " ", kind), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, everyPolicy, func(c *rigConfig) { c.attempts = 1 })
				for _, name := range []string{"Admins", "Auditors", "Support", "app-mail"} {
					r.createGroup(`{"displayName":"` + name + `"}`)
				}
				id := r.createUser(together).ID
				others := r.createGroup(`{"displayName":"Others","members":` + values(id) + `}`).ID
				r.fault(emulator.Fault{Operation: op, Kind: kind})
				if err := r.DeleteUser(t.Context(), id); kindOf(err) != "unavailable" {
					t.Fatalf("deleting: got %v, want unavailable", err)
				}
				if marked {
					if _, err := r.patchUser(id, reactivate); kindOf(err) != "not found" {
						t.Errorf("reactivating: got %v, want not found", err)
					}
					if _, err := r.patchGroup(others, `{"Operations":[{"op":"add","path":"members","value":`+values(id)+`}]}`); err != nil {
						t.Error(err)
					}
					if kind == emulator.ServerError { // a call whose reply is lost has been made
						if err := r.DeleteUser(t.Context(), id); kindOf(err) != "unavailable" {
							t.Errorf("deleting again while Cognito fails: got %v, want unavailable", err)
						}
					}
					r.emulator.ClearFaults()
					if err := r.DeleteUser(t.Context(), id); err != nil {
						t.Errorf("deleting again: got %v", err)
					}
					if links, groups := r.identities("ada"), r.inGroups("ada"); links != "" || groups != "" || r.inPool("ada").Enabled {
						t.Errorf("got links %q and groups %q, enabled %v; want none of it", links, groups, r.inPool("ada").Enabled)
					}
					if n := r.journal(); n != 0 {
						t.Errorf("%d entries in the journal, want none", n)
					}
					return
				}
				r.emulator.ClearFaults()
				if _, err := r.patchUser(id, reactivate); err != nil {
					t.Fatal(err)
				}
				r.journalEmpty()
				if links, groups := r.identities("ada"), r.inGroups("ada"); links != "Okta/00u1" || groups != "Admins Others" {
					t.Errorf("got links %q and groups %q, want Okta/00u1, and Admins and Others", links, groups)
				}
				r.lands("00u1", id)
			})
		}
	}
}

// TestASubjectWaitsForADeletion: whose deletion is not finished is still linked, which is no conflict for good.
func TestASubjectWaitsForADeletion(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]func(*rigConfig){"deleted": func(*rigConfig) {}, "kept": keepDeleted} {
		for _, op := range []string{"AdminDeleteUser", "AdminUserGlobalSignOut", "AdminUpdateUserAttributes", "AdminDisableProviderForUser"} {
			t.Run(name+", "+op, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, bySubject, keep, func(c *rigConfig) { c.attempts = 1 })
				r.fault(emulator.Fault{Operation: op, Kind: emulator.ServerError, Count: 1})
				_ = r.DeleteUser(t.Context(), r.createUser(subjected("ada", "00u1")).ID) // where the call is one of its own
				body := r.resource(schemas.Users, `{"userName":"grace","externalId":"00u1"}`)
				var id string
				r.until("the subject is another's", func() bool {
					doc, err := r.CreateUser(t.Context(), body)
					if kind := kindOf(err); err != nil && kind != "unavailable" && kind != "too many" {
						t.Fatalf("creating: got %v, want unavailable", err)
					}
					id = doc.ID
					return err == nil
				})
				r.journalEmpty()
				r.lands("00u1", id)
			})
		}
	}
}
