package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// everyPolicy is a connection with all policies that make calls of their own.
func everyPolicy(c *rigConfig) {
	bySubject(c)
	c.dir.Grants, c.dir.Adoption, c.dir.Lag = table, bridge.AdoptMatches, time.Millisecond
	c.bridge.Deletion, c.bridge.Passwords = bridge.DisableUsers, bridge.RandomPasswords
}

const together = `{"userName":"ada","externalId":"00u1","roles":[{"value":"admin"}]}`

// inGroups are the groups of a user as the pool itself says.
func (r *rig) inGroups(username string) string {
	r.t.Helper()
	groups, next, err := r.pool.UserGroupsPage(r.t.Context(), username, "")
	if err != nil || next != "" {
		r.t.Fatalf("AdminListGroupsForUser(%s): more %q, %v", username, next, err)
	}
	var names []string
	for _, g := range groups {
		names = append(names, g.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// account makes an account without SCIM, of which the mirror learns, and returns its sub.
func (r *rig) account(username string, attributes map[string]string) string {
	r.t.Helper()
	made, err := r.pool.CreateUser(r.t.Context(), username, attributes)
	if err != nil {
		r.t.Fatal(err)
	}
	r.dir.Resync()
	r.until("the sweep has found "+username, func() bool {
		_, err := r.User(r.t.Context(), made.Sub)
		return err == nil
	})
	return made.Sub
}

// TestPoliciesTogether follows somebody who was there before: adopted, linked and granted, then deactivated, deleted but
// kept, and brought back. After each step the pool is asked, and once everything was made while Cognito fails.
func TestPoliciesTogether(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]*emulator.Fault{
		"all is well":            nil,
		"replies are lost":       {Kind: emulator.ResetAfter, Probability: 0.2},
		"Cognito fails at times": {Kind: emulator.ServerError, Probability: 0.2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, everyPolicy, func(c *rigConfig) { c.attempts = 2 })
			for _, name := range []string{"Admins", "Auditors", "Support", "Others", "app-mail"} {
				r.createGroup(`{"displayName":"` + name + `"}`)
			}
			id := r.account("ada", map[string]string{"email": "old@example.com", "email_verified": "true"})
			if fault != nil {
				r.fault(*fault)
			}
			// persist repeats a request as identity providers do.
			persist := func(what string, request func() error) {
				t.Helper()
				r.until(what, func() bool {
					switch err := request(); kindOf(err) {
					case "unavailable", "too many":
						return false
					case "none":
						return true
					default:
						t.Fatalf("%s: %v", what, err)
						return false
					}
				})
			}
			expect := func(step string, enabled bool, links, groups string) {
				t.Helper()
				r.emulator.ClearFaults()
				r.journalEmpty()
				if u := r.inPool("ada"); u.Sub != id || u.Enabled != enabled {
					t.Errorf("%s: got the user %s, enabled %v; want %s, %v", step, u.Sub, u.Enabled, id, enabled)
				}
				if got := r.identities("ada"); got != links {
					t.Errorf("%s: got links %q, want %q", step, got, links)
				}
				if got := r.inGroups("ada"); got != groups {
					t.Errorf("%s: got groups %q, want %q", step, got, groups)
				}
				if fault != nil {
					r.fault(*fault)
				}
			}
			persist("adopted", func() error {
				_, err := r.ReplaceUser(t.Context(), id, r.resource(schemas.Users, together))
				return err
			})
			expect("adopted", true, "Okta/00u1", "Admins")
			r.lands("00u1", id)
			persist("deactivated", func() error {
				_, err := r.patchUser(id, `{"Operations":[{"op":"replace","value":{"active":false}}]}`)
				return err
			})
			expect("deactivated", false, "Okta/00u1", "Admins")
			if in, err := r.signIn("00u1"); err == nil {
				t.Errorf("deactivated: signs in all the same: %+v", in)
			}
			persist("deleted", func() error {
				if err := r.DeleteUser(t.Context(), id); kindOf(err) != "not found" {
					return err
				}
				return nil
			})
			expect("deleted", false, "", "")
			persist("brought back", func() error {
				doc, err := r.CreateUser(t.Context(), r.resource(schemas.Users, together))
				if err == nil && doc.ID != id {
					t.Errorf("brought back: got the id %s, want the former one, %s", doc.ID, id)
				}
				return err
			})
			expect("brought back", true, "Okta/00u1", "Admins")
			r.lands("00u1", id)
		})
	}
}
