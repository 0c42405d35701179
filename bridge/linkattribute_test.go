package bridge_test

import (
	"fmt"
	"testing"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// byAddress is a federation with Okta by e-mail address.
func byAddress(c *rigConfig) {
	c.federation = bridge.FederationConfig{Provider: "Okta", SubjectFrom: "emails", Attribute: "email"}
	c.mapping = map[string]string{"email": "mail", "email_verified": "verified"}
}

// addressed is the body of a user with an e-mail address.
func addressed(name, address string) string {
	return fmt.Sprintf(`{"userName":%q,"emails":[{"value":%q}]}`, name, address)
}

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
				_, err := r.ReplaceUser(t.Context(), id, r.resource(schemas.Users, addressed("ada", "countess@example.com")))
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
					_, err := r.ReplaceUser(t.Context(), id, r.resource(schemas.Users, addressed("ada", "countess@example.com")))
					return err
				}},
		} {
			t.Run(fmt.Sprintf("%s, signed in before: %v", name, signedIn), func(t *testing.T) {
				t.Parallel()
				deletion := c.deletion
				r := newRig(t, byAddress, func(c *rigConfig) { c.bridge.Deletion = deletion })
				doc := r.createUser(addressed("ada", address))
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
				bea := r.createUser(addressed("bea", address))
				r.lands("n2", bea.ID, claims)
			})
		}
	}
}

// An account that somebody may have made is not adopted with a link of which nobody can tell whose it is.
func TestAdoptionLeavesNobodyElseIn(t *testing.T) {
	t.Parallel()
	for subject, refused := range map[string]bool{"ada@example.com": false, "stranger": true} {
		t.Run("linked to "+subject, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, byAddress, func(c *rigConfig) {
				c.pool.AdminOnly, c.dir.AdoptSelfSignedUp = false, true
			})
			ada, err := r.pool.CreateUser(t.Context(), "ada", map[string]string{"email": "ada@example.com", "email_verified": "true"})
			if err != nil {
				t.Fatal(err)
			}
			r.link("ada", subject)
			r.dir.Resync()
			r.until("ada is offered", func() bool {
				_, err := r.User(t.Context(), ada.Sub)
				return err == nil
			})
			_, err = r.ReplaceUser(t.Context(), ada.Sub, r.resource(schemas.Users, addressed("ada", "ada@example.com")))
			if refused {
				wantDetail(t, "adopting ada", err, bridge.Exists, "AdminDisableProviderForUser")
			} else if err != nil {
				t.Errorf("adopting ada: %v, want none", err)
			}
		})
	}
}

// What a link is by may be the name of an attribute, and of a claim that is mapped to another one: the attribute is meant.
func TestAnAttributeNamedLikeAClaim(t *testing.T) {
	t.Parallel()
	r := newRig(t, byAddress, func(c *rigConfig) {
		c.mapping = map[string]string{"email": "upn", "email_verified": "verified", "address": "email"}
	})
	profile, err := r.signIn("n1", func(s *emulator.FederatedSignIn) {
		s.Attributes = map[string]string{"upn": "ada@example.com", "email": "Ada's", "verified": "true"}
	})
	if err != nil || !profile.Created {
		t.Fatalf("signing in: %+v, %v; want a profile", profile, err)
	}
	doc := r.createUser(addressed("ada", "ada@example.com"))
	if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","path":"active","value":false}]}`); err != nil {
		t.Fatal(err)
	}
	if r.inPool(profile.Username).Enabled {
		t.Error("the profile with ada's address is enabled after her deactivation")
	}
}
