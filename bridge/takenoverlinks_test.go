package bridge_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// signUps is a rig's pool in which people make accounts themselves, which are adopted.
func signUps(c *rigConfig) {
	c.pool.AdminOnly = false
	c.dir.Adoption, c.dir.AdoptSelfSignedUp = bridge.AdoptMatches, true
}

// TestAStrangersLinkIsNotTakenForOurs: where links are by e-mail address, they show the subject of whoever has signed in, so
// that the link of the account's maker looks like one of ours.
func TestAStrangersLinkIsNotTakenForOurs(t *testing.T) {
	t.Parallel()
	r := newRig(t, byMail, signUps)
	id := r.account("ada", map[string]string{"email": "mallory@evil.example"})
	r.link("ada", "mallory")
	r.lands("mallory", id)
	ben := r.createUser(mailed("ben", "ben@example.com"))
	body := r.resource(schemas.Users, mailed("ada", adaMail))
	_, err := r.ReplaceUser(t.Context(), id, body)
	wantDetail(t, "adopting", err, bridge.Exists, "AdminDisableProviderForUser")
	r.createGroup(fmt.Sprintf(`{"displayName":"Admins","members":[{"value":%q},{"value":%q}]}`, id, ben.ID))
	if got := r.members("Admins"); !slices.Equal(got, []string{"ben"}) {
		t.Errorf("members of Admins: got %q, want ben alone", got)
	}
	if u := r.inPool("ada"); u.Attributes["custom:scim"] != "" {
		t.Errorf("in the pool: got %v, want it not managed", u.Attributes)
	}
	// The advice helps.
	if _, err := audit.Client(r.emulator).AdminDisableProviderForUser(t.Context(), disabling("mallory")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReplaceUser(t.Context(), id, body); err != nil {
		t.Fatal(err)
	}
	if got := r.identities("ada"); got != "Okta/"+adaMail {
		t.Errorf("links: got %q, want the one by the address", got)
	}
}

// TestNobodyIsLinkedToAnAccountThatIsItsMakers: as long as its maker can get in, the person does not sign in to it, and leaves
// nothing there for the maker to read.
func TestNobodyIsLinkedToAnAccountThatIsItsMakers(t *testing.T) {
	t.Parallel()
	for _, active := range []string{"", `,"active":true`, `,"active":false`} {
		for _, op := range []string{"AdminSetUserPassword", "AdminUserGlobalSignOut"} {
			t.Run(op+active, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, bySubject, signUps, func(c *rigConfig) { c.attempts = 1 })
				id := r.account("ada", map[string]string{"email": "mallory@evil.example"})
				body := r.resource(schemas.Users, `{"userName":"ada","externalId":"00u1"`+active+`}`)
				r.fault(emulator.Fault{Operation: op, Kind: emulator.ServerError})
				if _, err := r.ReplaceUser(t.Context(), id, body); kindOf(err) != "unavailable" {
					t.Fatalf("adopting: got %v, want unavailable", err)
				}
				if got := r.identities("ada"); got != "" {
					t.Errorf("links while %s fails: got %q, want none", op, got)
				}
				r.emulator.ClearFaults()
				if _, err := r.ReplaceUser(t.Context(), id, body); err != nil {
					t.Fatal(err)
				}
				if got := r.identities("ada"); got != "Okta/00u1" {
					t.Errorf("links when it is done: got %q, want Okta/00u1", got)
				}
			})
		}
	}
}

// TestTheMakerIsThereMeanwhile: whatever the account's maker does while it is taken over, nothing of it is left.
func TestTheMakerIsThereMeanwhile(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"AdminSetUserPassword", "AdminUserGlobalSignOut", "AdminUpdateUserAttributes"} {
		t.Run("before "+op, func(t *testing.T) {
			t.Parallel()
			cfg := policy(bridge.AdoptMatches, true)
			cfg.pool, cfg.directory.Grants = signUp, byNickName
			o := newBureau(t, cfg)
			o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Admins"}))
			id := o.account("ada")
			s, err := o.signIn("ada")
			if err != nil {
				t.Fatal(err)
			}
			h := &held{Handler: o.emulator, op: op, reached: make(chan struct{}), let: make(chan struct{})}
			o.restart(false, func(s *stack.Config) {
				s.Cognito.Endpoint, s.Cognito.Transport = "http://127.0.0.1:1", pooltest.InProcess(h)
			})
			o.warm()
			o.resync()
			var wg sync.WaitGroup
			wg.Go(func() { o.status(200, "PUT", "/Users/"+id, adaBody()) })
			<-h.reached
			sessions := []session{s}
			if another, err := o.signIn("ada"); err == nil {
				sessions = append(sessions, another)
			}
			_, err = o.client.UpdateUserAttributes(t.Context(), &cip.UpdateUserAttributesInput{AccessToken: &s.access, UserAttributes: []types.AttributeType{
				{Name: aws.String("nickname"), Value: aws.String("admin")}, {Name: aws.String("email"), Value: aws.String("mallory@evil.example")},
				{Name: aws.String("phone_number"), Value: aws.String("+15550100")}}})
			if in := op != "AdminUpdateUserAttributes"; (err == nil) != in {
				t.Errorf("the maker changes attributes: %v, want that to work: %v", err, in)
			}
			close(h.let)
			wg.Wait()
			for _, s := range sessions {
				o.dead("ada", s)
			}
			o.resync()
			o.settled()
			if u := o.pooled("ada"); u["nickname"] != "" || u["email"] != adaMail || u["email_verified"] != "true" || u["phone_number"] != "" || o.groupsOf("ada") != nil {
				t.Errorf("in the pool: got %v in groups %q, want what the identity provider says, and no group", u, o.groupsOf("ada"))
			}
			o.agree()
		})
	}
}
