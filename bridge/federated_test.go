package bridge_test

import (
	"errors"
	"fmt"
	"strings"
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

// trust makes the pool trust a SAML provider.
func trust(t *testing.T, e *emulator.Emulator, name string, mapping map[string]string) {
	t.Helper()
	_, err := audit.Client(e).CreateIdentityProvider(t.Context(), &cip.CreateIdentityProviderInput{
		UserPoolId: aws.String(poolID), ProviderName: &name, ProviderType: types.IdentityProviderTypeTypeSaml,
		ProviderDetails: map[string]string{"MetadataURL": "https://idp.example.com/metadata"}, AttributeMapping: mapping,
	})
	if err != nil {
		t.Fatalf("CreateIdentityProvider: %v", err)
	}
}

// bySubject is a federation with Okta by externalId.
func bySubject(c *rigConfig) {
	c.federation = bridge.FederationConfig{Provider: "Okta", SubjectFrom: "externalId", Attribute: cognito.Subject}
}

// byMail links people by an address that Okta's users have in mail.
func byMail(c *rigConfig) {
	c.federation = bridge.FederationConfig{Provider: "Okta", SubjectFrom: "emails", Attribute: "email"}
	c.mapping = map[string]string{"email": "mail", "email_verified": "verified"}
}

// mailed is the body of a user with an address, after which the externalId is called.
func mailed(name, mail string) string {
	return fmt.Sprintf(`{"userName":%q,"externalId":"of %s","emails":[{"value":%q}]}`, name, mail, mail)
}

// subjected is the body of a user with a subject.
func subjected(name, subject string) string {
	return fmt.Sprintf(`{"userName":%q,"externalId":%q}`, name, subject)
}

// app makes an app client, through which people sign in.
func (r *rig) app() string {
	r.t.Helper()
	out, err := audit.Client(r.emulator).CreateUserPoolClient(r.t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: aws.String(poolID), ClientName: aws.String("app"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return aws.ToString(out.UserPoolClient.ClientId)
}

// signIn plays somebody's sign-in through Okta.
func (r *rig) signIn(subject string, more ...func(*emulator.FederatedSignIn)) (emulator.SignedIn, error) {
	r.t.Helper()
	s := emulator.FederatedSignIn{Pool: poolID, Provider: "Okta", Subject: subject}
	for _, f := range more {
		f(&s)
	}
	return r.emulator.SignInFederated(s)
}

// lands checks that a subject signs in as the user with the sub.
func (r *rig) lands(subject, sub string, more ...func(*emulator.FederatedSignIn)) emulator.SignedIn {
	r.t.Helper()
	in, err := r.signIn(subject, more...)
	if err != nil || in.Sub != sub || in.Created || !in.Linked {
		r.t.Errorf("%s signs in: got %+v, %v; want the user %s by a link", subject, in, err, sub)
	}
	return in
}

// identities are the subjects by which people sign in as a user.
func (r *rig) identities(username string) string {
	r.t.Helper()
	var all []string
	for _, i := range r.inPool(username).Identities {
		all = append(all, i.Provider+"/"+i.Subject)
	}
	return strings.Join(all, " ")
}

func (r *rig) link(username, subject string) {
	r.t.Helper()
	if err := r.pool.LinkUser(r.t.Context(), username, cognito.External{Provider: "Okta", Attribute: cognito.Subject, Value: subject}); err != nil {
		r.t.Fatalf("linking %s to %s: %v", username, subject, err)
	}
}

// disabling takes the link of a subject at Okta away.
func disabling(subject string) *cip.AdminDisableProviderForUserInput {
	return &cip.AdminDisableProviderForUserInput{UserPoolId: aws.String(poolID), User: &types.ProviderUserIdentifierType{
		ProviderName: aws.String("Okta"), ProviderAttributeName: aws.String(cognito.Subject), ProviderAttributeValue: &subject}}
}

// journalEmpty waits until no work is left.
func (r *rig) journalEmpty() {
	r.t.Helper()
	r.until("the journal is empty", func() bool {
		work, err := r.dir.Journal(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		return len(work) == 0
	})
}

func wantDetail(t *testing.T, what string, err error, kind bridge.Kind, detail string) {
	t.Helper()
	var e *bridge.Error
	if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Detail, detail) {
		t.Errorf("%s: got %v, want %s with %q in its detail", what, err, kind, detail)
	}
}

func (r *rig) gone(username string) {
	r.t.Helper()
	if _, err := r.pool.User(r.t.Context(), username); cognito.KindOf(err) != cognito.NotFound {
		r.t.Errorf("the pool has %s, or %v; want nobody", username, err)
	}
}

// The first sign-in after provisioning lands on the provisioned profile, its groups in place.
func TestFirstSignInLandsOnTheProvisionedProfile(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject)
	var id string
	made := r.calls(func() { id = r.createUser(subjected("ada", "00u1")).ID })
	if len(made) != 2 || made["AdminCreateUser"] != 1 || made["AdminLinkProviderForUser"] != 1 {
		t.Errorf("creating made %v, want one creation and one link", made)
	}
	r.createGroup(fmt.Sprintf(`{"displayName":"Staff","members":[{"value":%q}]}`, id))
	r.lands("00u1", id)
	r.lands("00u1", id)
	if got := r.members("Staff"); len(got) != 1 || got[0] != "ada" {
		t.Errorf("members of Staff: %v, want ada", got)
	}
	made = r.calls(func() {
		if _, err := r.ReplaceUser(t.Context(), id, r.resource(schemas.Users, subjected("ada", "00u1"))); err != nil {
			t.Fatal(err)
		}
	})
	if len(made) > 0 {
		t.Errorf("a PUT of the same made calls: %v", made)
	}
	// Who leaves takes the link along, and somebody new may have it.
	made = r.calls(func() {
		if err := r.DeleteUser(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	})
	if len(made) != 2 || made["AdminDeleteUser"] != 1 || made["AdminGetUser"] != 1 {
		t.Errorf("deleting made %v, want one deletion and one look for a federated profile", made)
	}
	r.lands("00u1", r.createUser(subjected("ada", "00u1")).ID)
}

func TestNobodyIsCreatedWithoutASubject(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject)
	made := r.calls(func() {
		_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, `{"userName":"ada"}`))
		wantDetail(t, "creating without externalId", err, bridge.Invalid, "externalId is needed")
	})
	if len(made) > 0 {
		t.Errorf("it made calls: %v", made)
	}
	doc := r.createUser(subjected("ada", "00u1"))
	_, err := r.patchUser(doc.ID, `{"schemas":[],"Operations":[{"op":"remove","path":"externalId"}]}`)
	wantDetail(t, "removing externalId", err, bridge.Invalid, "externalId is needed")
	if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"remove","path":"externalId"},{"op":"replace","path":"active","value":false}]}`); err != nil {
		t.Errorf("removing externalId while deactivating: %v, want the deactivation alone", err)
	}
	if u := r.inPool("ada"); u.Enabled || r.identities("ada") != "Okta/00u1" {
		t.Errorf("ada: enabled %v, identities %s; want disabled and still linked", u.Enabled, r.identities("ada"))
	}
}

func TestFederatedProfileInTheWay(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprintf("known to the mirror: %v", known), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bySubject)
			profile, err := r.signIn("00u1")
			if err != nil || !profile.Created {
				t.Fatalf("signing in before being provisioned: %+v, %v", profile, err)
			}
			if known {
				mirror, err := r.store.Directory(t.Context(), poolID, r.pool.Info().Created)
				if err != nil {
					t.Fatal(err)
				}
				r.dir.Resync()
				r.until("the mirror has the profile", func() bool {
					_, err := mirror.ByPoolName(t.Context(), store.User, "Okta_00u1")
					return err == nil
				})
			}
			body := r.resource(schemas.Users, subjected("ada", "00u1"))
			for range 2 {
				_, err := r.CreateUser(t.Context(), body)
				wantDetail(t, "creating", err, bridge.Exists, "admin-delete-user --user-pool-id POOL_ID --username Okta_00u1)")
				r.gone("ada")
				known = true
			}
			made := r.calls(func() { _, _ = r.CreateUser(t.Context(), body) })
			if made["AdminCreateUser"] != 0 || made["AdminGetUser"] != 1 {
				t.Errorf("a refusal that was foreseen made %v, want one AdminGetUser", made)
			}
			r.journalEmpty()
			// The advice helps at once.
			if err := r.pool.DeleteUser(t.Context(), "Okta_00u1"); err != nil {
				t.Fatal(err)
			}
			r.lands("00u1", r.createUser(subjected("ada", "00u1")).ID)
		})
	}
}

func TestReplaceProfile(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject, func(c *rigConfig) { c.federation.ReplaceProfile = true })
	profile, err := r.signIn("00u1")
	if err != nil {
		t.Fatal(err)
	}
	doc := r.createUser(subjected("ada", "00u1"))
	r.gone("Okta_00u1")
	if got := r.activity(); !strings.Contains(got, "Okta_00u1") || !strings.Contains(got, profile.Sub) {
		t.Errorf("activity: %s; want it to name the profile and its sub", got)
	}
	r.lands("00u1", doc.ID)
	// Of what bears the name of a profile, only profiles are replaced.
	if _, err := r.pool.CreateUser(t.Context(), "Okta_00u2", nil); err != nil {
		t.Fatal(err)
	}
	r.createUser(subjected("bea", "00u2"))
	r.inPool("Okta_00u2")
}

// Somebody may sign in between the two calls of a creation: the journal then does as the request would have done, and says so.
func TestASignInBeforeTheLink(t *testing.T) {
	t.Parallel()
	for _, replace := range []bool{true, false} {
		t.Run(fmt.Sprintf("replaceProfile: %v", replace), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bySubject, func(c *rigConfig) { c.federation.ReplaceProfile, c.attempts = replace, 1 })
			r.fault(emulator.Fault{Operation: "AdminLinkProviderForUser", Kind: emulator.ServerError, Count: 1})
			if _, err := r.CreateUser(t.Context(), r.resource(schemas.Users, subjected("ada", "00u1"))); !comesBack(err) {
				t.Errorf("creating: got %v, want an error that may pass", err)
			}
			if in, err := r.signIn("00u1"); err != nil || !in.Created {
				t.Fatalf("signing in: %+v, %v; want a profile", in, err)
			}
			r.journalEmpty()
			want := "removed again"
			if replace {
				want = "profile Okta_00u1"
				r.lands("00u1", r.inPool("ada").Sub)
			} else {
				r.gone("ada")
			}
			if got := r.activity(); !strings.Contains(got, want) {
				t.Errorf("activity: %s; want %q in it", got, want)
			}
		})
	}
}

func TestALinkIsNeverStolen(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject)
	ada := r.createUser(subjected("ada", "00u1"))
	_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, subjected("eve", "00u1")))
	wantDetail(t, "creating eve with ada's subject", err, bridge.Exists, "linked to another user")
	r.gone("eve")
	eve := r.createUser(subjected("eve", "00u2"))
	_, err = r.patchUser(eve.ID, `{"Operations":[{"op":"replace","path":"externalId","value":"00u1"},{"op":"replace","path":"nickName","value":"E"}]}`)
	wantDetail(t, "giving eve ada's subject", err, bridge.Exists, "linked to another user")
	if u := r.inPool("eve"); u.Attributes["nickname"] != "" || r.identities("eve") != "Okta/00u2" {
		t.Errorf("eve: nickname %q, identities %s; want nothing changed", u.Attributes["nickname"], r.identities("eve"))
	}
	r.lands("00u1", ada.ID)
	// The mirror may be wrong about whom a former subject leads to: it may be another's by now.
	if _, err := audit.Client(r.emulator).AdminDisableProviderForUser(t.Context(), disabling("00u2")); err != nil {
		t.Fatal(err)
	}
	r.link("ada", "00u2")
	if _, err := r.patchUser(eve.ID, `{"Operations":[{"op":"replace","path":"externalId","value":"00u3"}]}`); err != nil {
		t.Fatal(err)
	}
	if got := r.identities("ada"); got != "Okta/00u1 Okta/00u2" {
		t.Errorf("ada's identities: %s, want both untouched", got)
	}
	r.lands("00u3", eve.ID)
	_, err = r.CreateUser(t.Context(), r.resource(schemas.Users, subjected("okta_00u9", "00u4")))
	wantDetail(t, "creating somebody named like a profile", err, bridge.Invalid, "userName")
}

func TestFiveLinks(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject)
	doc := r.createUser(subjected("ada", "00u1"))
	for i := range 4 {
		r.link("ada", fmt.Sprintf("more%d", i))
	}
	_, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","path":"externalId","value":"00u2"}]}`)
	wantDetail(t, "a sixth link", err, bridge.Full, "5 links")
	r.lands("00u1", doc.ID)
}

// A new subject takes the place of the old one, whose sessions and federated profile end.
func TestTheSubjectChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject)
	doc := r.createUser(subjected("ada", "00u1"))
	client := r.app()
	in := r.lands("00u1", doc.ID, func(s *emulator.FederatedSignIn) { s.Client = client })
	made := r.calls(func() {
		if _, err := r.ReplaceUser(t.Context(), doc.ID, r.resource(schemas.Users, subjected("ada", "00u2"))); err != nil {
			t.Fatal(err)
		}
	})
	want := map[string]int64{"AdminLinkProviderForUser": 1, "AdminUpdateUserAttributes": 1, "AdminGetUser": 2, "AdminDisableProviderForUser": 1, "AdminUserGlobalSignOut": 1}
	if fmt.Sprint(made) != fmt.Sprint(want) {
		t.Errorf("it made %v, want %v", made, want)
	}
	r.lands("00u2", doc.ID)
	if got := r.identities("ada"); got != "Okta/00u2" {
		t.Errorf("identities: %s, want the new one alone", got)
	}
	r.refused("refreshing a session of the old subject", r.refresh(client, in.RefreshToken))
	// Back again, although somebody has signed in by the old one meanwhile.
	if _, err := r.signIn("00u1"); err != nil {
		t.Fatal(err)
	}
	_, err := r.ReplaceUser(t.Context(), doc.ID, r.resource(schemas.Users, subjected("ada", "00u1")))
	wantDetail(t, "a subject with a profile of its own", err, bridge.Exists, "Okta_00u1")
	r.lands("00u2", doc.ID)
}

// A command that an operator pastes runs nothing of what people call themselves at the identity provider.
func TestAProfilesNameIsOneWord(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject)
	for subject, want := range map[string]string{
		"ada@example.com":        `--username Okta_ada@example.com)`,
		"x;touch${IFS}/tmp/y":    `--username 'Okta_x;touch${IFS}/tmp/y')`,
		"o'$(id)":                `--username 'Okta_o'\''$(id)')`,
		"Ada@Grün.example":       `--username 'Okta_Ada@Grün.example')`,
		"a`id`&&b|c>d\"e\\f*?~!": `--username 'Okta_a` + "`id`" + `&&b|c>d"e\f*?~!')`,
	} {
		if _, err := r.signIn(subject); err != nil {
			t.Fatal(err)
		}
		_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, subjected("ada", subject)))
		wantDetail(t, "creating somebody with the subject "+subject, err, bridge.Exists, want)
	}
}
