package bridge_test

import (
	"fmt"
	"testing"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// A link by an attribute goes with whom it led to, before anybody has signed in by it and after: the address may be
// somebody else's then.
func TestAnAddressCanHaveANewOwner(t *testing.T) {
	t.Parallel()
	const address = "ada@example.com"
	for _, signedIn := range []bool{false, true} {
		for name, c := range map[string]struct {
			deletion  bridge.Deletion
			meanwhile func(*rig)
			leave     func(r *rig, id string) error
		}{
			"deleted":          {leave: func(r *rig, id string) error { return r.DeleteUser(t.Context(), id) }},
			"deleted and kept": {deletion: bridge.DisableUsers, leave: func(r *rig, id string) error { return r.DeleteUser(t.Context(), id) }},
			"deleted and kept, linked by others, too": {deletion: bridge.DisableUsers, meanwhile: func(r *rig) { r.link("ada", "n9") },
				leave: func(r *rig, id string) error {
					err := r.DeleteUser(t.Context(), id)
					if got := r.identities("ada"); got != "" {
						t.Errorf("ada's identities: %s, want none", got)
					}
					return err
				}},
			"renamed": {leave: func(r *rig, id string) error {
				_, err := r.ReplaceUser(t.Context(), id, r.resource(schemas.Users, mailed("ada", "countess@example.com")))
				return err
			}},
			// Cognito then takes the address for the profile's subject, and disables that.
			"renamed beside a profile of that subject": {
				meanwhile: func(r *rig) {
					if in, err := r.signIn(address); err != nil || !in.Created {
						t.Fatalf("signing in without a claim: %+v, %v; want a profile", in, err)
					}
				},
				leave: func(r *rig, id string) error {
					_, err := r.ReplaceUser(t.Context(), id, r.resource(schemas.Users, mailed("ada", "countess@example.com")))
					return err
				}},
		} {
			t.Run(fmt.Sprintf("%s, signed in before: %v", name, signedIn), func(t *testing.T) {
				t.Parallel()
				deletion := c.deletion
				r := newRig(t, byMail, func(c *rigConfig) { c.bridge.Deletion = deletion })
				doc := r.createUser(mailed("ada", address))
				if c.meanwhile != nil {
					c.meanwhile(r)
				}
				claims := func(s *emulator.FederatedSignIn) {
					s.Attributes = map[string]string{"mail": address, "verified": "true"}
				}
				if signedIn {
					r.lands("n1", doc.ID, claims)
				}
				if err := c.leave(r, doc.ID); err != nil {
					t.Fatal(err)
				}
				bea := r.createUser(mailed("bea", address))
				r.lands("n2", bea.ID, claims)
			})
		}
	}
}

// An account that somebody may have made is adopted with the link that it shall have.
func TestAdoptionKeepsTheLinkThatIsOurs(t *testing.T) {
	t.Parallel()
	r := newRig(t, byMail, func(c *rigConfig) { c.pool.AdminOnly, c.dir.AdoptSelfSignedUp = false, true })
	id := r.account("ada", map[string]string{"email": adaMail, "email_verified": "true"})
	r.link("ada", adaMail)
	if _, err := r.ReplaceUser(t.Context(), id, r.resource(schemas.Users, mailed("ada", adaMail))); err != nil {
		t.Errorf("adopting ada: %v, want none", err)
	}
	if got := r.identities("ada"); got != "Okta/"+adaMail {
		t.Errorf("links: got %q, want the one by the address", got)
	}
}

// What a link is by may be the name of an attribute, and of a claim that is mapped to another one: the attribute is meant.
func TestAnAttributeNamedLikeAClaim(t *testing.T) {
	t.Parallel()
	r := newRig(t, byMail, func(c *rigConfig) {
		c.mapping = map[string]string{"email": "upn", "email_verified": "verified", "address": "email"}
	})
	profile, err := r.signIn("n1", func(s *emulator.FederatedSignIn) {
		s.Attributes = map[string]string{"upn": "ada@example.com", "email": "Ada's", "verified": "true"}
	})
	if err != nil || !profile.Created {
		t.Fatalf("signing in: %+v, %v; want a profile", profile, err)
	}
	doc := r.createUser(mailed("ada", "ada@example.com"))
	if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","path":"active","value":false}]}`); err != nil {
		t.Fatal(err)
	}
	if r.inPool(profile.Username).Enabled {
		t.Error("the profile with ada's address is enabled after her deactivation")
	}
}
