package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
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

// TestPoliciesTogether follows somebody who was there before: adopted, linked and granted, then given another role and
// another subject, deactivated, deleted but kept, brought back, and deleted for good by another identity provider. After
// each step the pool is asked, and once everything was made while Cognito fails.
func TestPoliciesTogether(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]*emulator.Fault{
		"all is well":            nil,
		"replies are lost":       {Kind: emulator.ResetAfter, Probability: 0.2},
		"Cognito fails at times": {Kind: emulator.ServerError, Probability: 0.2},
	} {
		for pool, open := range map[string]func(*rigConfig){"administrators create users": func(*rigConfig) {}, "people sign up": signUps} {
			t.Run(name+", "+pool, func(t *testing.T) {
				t.Parallel()
				s := &life{rig: newRig(t, everyPolicy, open, func(c *rigConfig) { c.attempts = 2 }), fault: fault}
				s.begin()
				s.live()
			})
		}
	}
}

// life is that of ada in a pool, in which fault happens at times; nil for never.
type life struct {
	*rig
	fault     *emulator.Fault
	id        string
	client    string // app client
	session   string // of before the adoption
	elsewhere *bridge.Connection
}

// begin makes groups, and ada's account, into which she, or who has made it, is signed in.
func (s *life) begin() {
	s.t.Helper()
	for _, name := range []string{"Admins", "Auditors", "Support", "Others", "app-mail"} {
		s.createGroup(`{"displayName":"` + name + `"}`)
	}
	s.elsewhere = bridge.NewConnection(bridge.ConnectionConfig{Name: "elsewhere", Directory: s.dir})
	s.id = s.account("ada", map[string]string{"email": "old@example.com", "email_verified": "true"})
	s.client = s.app()
	if err := s.pool.SetPassword(s.t.Context(), "ada", hunter2, true); err != nil {
		s.t.Fatal(err)
	}
	var err error
	if s.session, err = s.password(s.client, "ada", hunter2); err != nil {
		s.t.Fatal(err)
	}
	s.fails()
}

func (s *life) fails() {
	if s.fault != nil {
		s.rig.fault(*s.fault)
	}
}

// step repeats a request as identity providers do, and looks into the pool when it has come to an end.
func (s *life) step(step string, enabled bool, links, groups string, request func() error) {
	s.t.Helper()
	s.until(step, func() bool {
		switch err := request(); kindOf(err) {
		case "unavailable", "too many":
			return false
		case "none":
			return true
		default:
			s.t.Fatalf("%s: %v", step, err)
			return false
		}
	})
	s.emulator.ClearFaults()
	s.journalEmpty()
	if u := s.inPool("ada"); u.Sub != s.id || u.Enabled != enabled {
		s.t.Errorf("%s: got the user %s, enabled %v; want %s, %v", step, u.Sub, u.Enabled, s.id, enabled)
	}
	if got := s.identities("ada"); got != links {
		s.t.Errorf("%s: got links %q, want %q", step, got, links)
	}
	if got := s.inGroups("ada"); got != groups {
		s.t.Errorf("%s: got groups %q, want %q", step, got, groups)
	}
}

// patch is a request that changes ada.
func (s *life) patch(operation string) func() error {
	return func() error {
		_, err := s.patchUser(s.id, `{"Operations":[`+operation+`]}`)
		return err
	}
}

func (s *life) live() {
	t := s.t
	s.step("adopted", true, "Okta/00u1", "Admins", func() error {
		_, err := s.ReplaceUser(t.Context(), s.id, s.resource(schemas.Users, together))
		return err
	})
	s.lands("00u1", s.id)
	if takenOver := s.cfg.dir.AdoptSelfSignedUp; (s.refresh(s.client, s.session) != nil) != takenOver {
		t.Errorf("adopted: whether the session of before has ended is %v, want %v", !takenOver, takenOver)
	}
	s.fails()
	s.step("another role and subject", true, "Okta/00u2", "Auditors",
		s.patch(`{"op":"replace","value":{"externalId":"00u2","roles":[{"value":"auditor"}]}}`))
	s.lands("00u2", s.id)
	s.fails()
	s.step("deactivated", false, "Okta/00u2", "Auditors", s.patch(`{"op":"replace","value":{"active":false}}`))
	if in, err := s.signIn("00u2"); err == nil {
		t.Errorf("deactivated: signs in all the same: %+v", in)
	}
	s.refused("deactivated: the session of before", s.refresh(s.client, s.session))
	s.fails()
	s.step("deleted", false, "", "", func() error {
		if err := s.DeleteUser(t.Context(), s.id); kindOf(err) != "not found" {
			return err
		}
		return nil
	})
	s.fails()
	s.step("brought back", true, "Okta/00u2", "Admins app-mail", func() error {
		doc, err := s.CreateUser(t.Context(), s.resource(schemas.Users, `{"userName":"ada.king","externalId":"00u2","roles":[{"value":"admin"}],"entitlements":[{"value":"mail"}]}`))
		if err == nil && doc.ID != s.id {
			t.Errorf("brought back: got the id %s, want the former one, %s", doc.ID, s.id)
		}
		return err
	})
	s.lands("00u2", s.id)
	if _, err := s.password(s.client, "ada", hunter2); err == nil {
		t.Error("brought back: the password of before signs in")
	}
	for _, note := range []string{"adopted: it was not made through SCIM", "brought back: it was deleted through SCIM, and kept"} {
		if got := s.activity(); !strings.Contains(got, note) {
			t.Errorf("activity: got %s, want %q in it", got, note)
		}
	}
	// For good, and the links are free.
	if err := s.elsewhere.DeleteUser(t.Context(), s.id); err != nil {
		t.Fatal(err)
	}
	s.gone("ada")
	next := s.createUser(subjected("ada.king", "00u2"))
	if next.ID == s.id {
		t.Error("deleted for good: the same user has come back")
	}
	s.lands("00u2", next.ID)
}

// TestAnAdoptionWhoseReplyIsLost: the pool has the user marked, the mirror does not know it, and does not believe the pool's
// lists so soon. The request repeated finds the user all the same.
func TestAnAdoptionWhoseReplyIsLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, bySubject, func(c *rigConfig) { c.attempts, c.dir.Adoption = 1, bridge.AdoptMatches })
	id := r.account("ada", map[string]string{"email": adaMail, "email_verified": "true"})
	body := r.resource(schemas.Users, subjected("ada", "00u1"))
	r.fault(emulator.Fault{Operation: "AdminUpdateUserAttributes", Kind: emulator.ResetAfter, Count: 1})
	if _, err := r.ReplaceUser(t.Context(), id, body); kindOf(err) != "unavailable" {
		t.Fatalf("got %v, want unavailable", err)
	}
	if _, err := r.User(t.Context(), id); err != nil {
		t.Errorf("reading the user: %v", err)
	}
	if _, err := r.ReplaceUser(t.Context(), id, body); err != nil {
		t.Errorf("repeated: %v", err)
	}
	r.journalEmpty()
	r.lands("00u1", id)
}

// TestAnAdoptionThatIsOvertakenByANewName: the link that it has made for the former userName, and has not told, is no
// stranger's.
func TestAnAdoptionThatIsOvertakenByANewName(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *rigConfig) {
		c.attempts, c.pool.AdminOnly, c.dir.Adoption, c.dir.AdoptSelfSignedUp = 1, false, bridge.AdoptMatches, true
		c.federation = bridge.FederationConfig{Provider: "Okta", SubjectFrom: "userName", Attribute: cognito.Subject}
	})
	id := r.account("ada", map[string]string{"email": adaMail, "email_verified": "true"})
	r.fault(emulator.Fault{Operation: "AdminUpdateUserAttributes", Kind: emulator.ServerError})
	if _, err := r.patchUser(id, `{"Operations":[{"op":"replace","value":{"active":false}}]}`); kindOf(err) != "unavailable" {
		t.Fatalf("got %v, want unavailable", err)
	}
	if got := r.identities("ada"); got != "Okta/ada" {
		t.Fatalf("links: got %q, want the one of the adoption that goes on", got)
	}
	r.emulator.ClearFaults()
	if _, err := r.ReplaceUser(t.Context(), id, r.resource(schemas.Users, `{"userName":"countess","title":"Countess","active":false}`)); err != nil {
		t.Fatal(err)
	}
	doc, err := r.User(t.Context(), id)
	if got, _ := schemas.ParseJSON(doc.JSON); err != nil || got["title"] != "Countess" || got["userName"] != "countess" {
		t.Errorf("got %v, %v; want what was asked", got, err)
	}
	if got := r.identities("ada"); got != "Okta/countess" {
		t.Errorf("links: got %q, want the one of the new name alone", got)
	}
}

// TestARefusedAdoptionLinksNobody: what is made of a change all the same, the deactivation, links nobody to an account that
// stays its maker's, and the request repeated adopts it.
func TestARefusedAdoptionLinksNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *rigConfig) {
		c.attempts, c.pool.AdminOnly, c.pool.AliasAttributes = 1, false, []string{"email"}
		c.dir.Adoption, c.dir.AdoptSelfSignedUp = bridge.AdoptAll, true
		c.federation = bridge.FederationConfig{Provider: "Okta", SubjectFrom: "userName", Attribute: cognito.Subject}
	})
	id := r.account("ada", map[string]string{"email": adaMail, "email_verified": "true"})
	body := r.resource(schemas.Users, `{"userName":"countess","title":"Countess","active":false,"emails":[{"value":"new@example.com"}]}`)
	r.fault(emulator.Fault{Operation: "AdminGetUser", Kind: emulator.ServerError, After: 1, Count: 1}) // the read before comes through
	if _, err := r.ReplaceUser(t.Context(), id, body); kindOf(err) != "unavailable" {
		t.Fatalf("got %v, want unavailable", err)
	}
	if u := r.inPool("ada"); u.Enabled || r.identities("ada") != "" {
		t.Errorf("got enabled %v, links %q; want the deactivation alone", u.Enabled, r.identities("ada"))
	}
	if _, err := r.ReplaceUser(t.Context(), id, body); err != nil {
		t.Fatal(err)
	}
	if got := r.identities("ada"); got != "Okta/countess" {
		t.Errorf("links: got %q, want the one asked for", got)
	}
}
