package bridge_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// styled sets a rig's pool style; in the emulator, as reports have it of Cognito, updates take aliases from their holders.
func styled(logins, aliases []string) func(*rigConfig) {
	return func(c *rigConfig) {
		c.pool.UsernameAttributes, c.pool.AliasAttributes = logins, aliases
		c.emulator.Unverified.StealAliasOnUpdate = true
	}
}

var (
	byEmail    = styled([]string{"email"}, nil)
	emailAlias = styled(nil, []string{"email"})
)

func (r *rig) emailed(id, address string) error {
	r.t.Helper()
	_, err := r.patchUser(id, `{"Operations":[{"op":"replace","path":"emails[type eq \"work\"].value","value":"`+address+`"}]}`)
	return err
}

func (r *rig) renamed(id, userName string) error {
	r.t.Helper()
	_, err := r.patchUser(id, `{"Operations":[{"op":"replace","path":"userName","value":"`+userName+`"}]}`)
	return err
}

// TestNobodyLosesASignInName: the ways in which SCIM could give somebody's sign-in name to another.
func TestNobodyLosesASignInName(t *testing.T) {
	const victim = "ceo@example.com"
	for _, c := range []struct {
		name   string
		style  func(*rigConfig)
		attack func(r *rig) error
		others int64 // creations that the attack needs
	}{
		{"a new address, e-mail as an alias", emailAlias, func(r *rig) error {
			return r.emailed(r.create(somebody("mallory", "m@example.com")).ID, victim)
		}, 0},
		{"a new address by PUT", emailAlias, func(r *rig) error {
			doc := r.create(somebody("mallory", "m@example.com"))
			_, err := r.ReplaceUser(r.t.Context(), doc.ID, somebody("mallory", victim))
			return err
		}, 0},
		{"a first address", emailAlias, func(r *rig) error { return r.emailed(r.create(somebody("mallory", "")).ID, victim) }, 0},
		{"creation with the address", emailAlias, func(r *rig) error {
			_, err := r.CreateUser(r.t.Context(), somebody("mallory", victim))
			return err
		}, 0},
		{"creation with the address as userName", emailAlias, func(r *rig) error {
			_, err := r.CreateUser(r.t.Context(), somebody(victim, victim))
			return err
		}, 0},
		{"the first write to somebody who is not managed, and whose address is not verified", emailAlias, func(r *rig) error {
			u, err := r.pool.CreateUser(r.t.Context(), "mallory", map[string]string{"email": victim})
			if err != nil {
				r.t.Fatal(err)
			}
			if _, err := r.dir.ResyncUser(r.t.Context(), u.Sub); err != nil {
				r.t.Fatal(err)
			}
			_, err = r.ReplaceUser(r.t.Context(), u.Sub, somebody("mallory", victim))
			return err
		}, 0},
		{"a new userName, e-mail as username", byEmail, func(r *rig) error {
			return r.renamed(r.create(somebody("m@example.com", "")).ID, victim)
		}, 0},
		{"creation, e-mail as username", byEmail, func(r *rig) error {
			_, err := r.CreateUser(r.t.Context(), somebody(victim, ""))
			return err
		}, 0},
		{"a new address of somebody who signs in with it, e-mail as username", byEmail, func(r *rig) error {
			return r.emailed(r.create(somebody("mallory", "m@example.com")).ID, victim)
		}, 0},
		{"preferred_username that is a Username", styledRow("preferred_username"), func(r *rig) error {
			doc := r.create(somebody("mallory", ""))
			_, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","path":"nickName","value":"victim"}]}`)
			return err
		}, 0},
		{"preferred_username that is a sub", styledRow("preferred_username"), func(r *rig) error {
			doc := r.create(somebody("mallory", ""))
			_, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","path":"nickName","value":"`+r.inPool("victim").Sub+`"}]}`)
			return err
		}, 0},
		{"creation with a preferred_username as Username", styledRow("preferred_username"), func(r *rig) error {
			doc := r.create(somebody("other", ""))
			if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","path":"nickName","value":"boss"}]}`); err != nil {
				r.t.Fatal(err)
			}
			_, err := r.CreateUser(r.t.Context(), somebody("boss", ""))
			return err
		}, 1},
		{"a userName that is a sub", emailAlias, func(r *rig) error {
			_, err := r.CreateUser(r.t.Context(), somebody(r.inPool("victim").Sub, "m@example.com"))
			return err
		}, 0},
		{"a userName that is a sub in capitals", emailAlias, func(r *rig) error {
			_, err := r.CreateUser(r.t.Context(), somebody(strings.ToUpper(r.inPool("victim").Sub), "m@example.com"))
			return err
		}, 0},
		{"a new userName that is a sub", byEmail, func(r *rig) error {
			return r.renamed(r.create(somebody("mallory", "m@example.com")).ID, r.inPool(victim).Sub)
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.style)
			name := "victim"
			if len(r.cfg.pool.UsernameAttributes) > 0 {
				name = victim
			}
			before := r.create(somebody(name, victim))
			made := r.calls(func() {
				if err := c.attack(r); kindOf(err) != "exists" {
					t.Errorf("got %v, want exists", err)
				}
			})
			if strings.HasPrefix(c.name, "creation") && !strings.Contains(c.name, "e-mail as username") && made["AdminCreateUser"] != c.others {
				t.Errorf("%d creations were tried, want only %d, of others: Cognito must not have to refuse it", made["AdminCreateUser"], c.others)
			}
			if after := r.inPool(name); after.Sub != before.ID {
				t.Errorf("%s is user %s, want %s", name, after.Sub, before.ID)
			}
			for _, alias := range slices.Concat(r.cfg.pool.UsernameAttributes, r.cfg.pool.AliasAttributes) {
				if alias != "email" {
					continue
				}
				if after := r.inPool(victim); after.Sub != before.ID || after.Attributes["email_verified"] != "true" {
					t.Errorf("%s is user %s, verified %s; want %s, verified", victim, after.Sub, after.Attributes["email_verified"], before.ID)
				}
			}
		})
	}
}

// TestNobodyIsNamedAfterSomebodyWhomListingsDoNotShowYet: the mirror knows whom we have just created.
func TestNobodyIsNamedAfterSomebodyWhomListingsDoNotShowYet(t *testing.T) {
	r := newRig(t, func(c *rigConfig) { c.emulator.Lag = time.Hour })
	doc := r.create(somebody("ann", ""))
	if _, err := r.CreateUser(t.Context(), somebody(doc.ID, "")); kindOf(err) != "exists" {
		t.Errorf("a userName that is a sub: %v, want exists", err)
	}
}

// styledRow is a pool with an alias that nickName is mapped to.
func styledRow(alias string) func(*rigConfig) {
	return func(c *rigConfig) {
		styled(nil, []string{alias})(c)
		c.dir.Attributes = []schemas.Row{{SCIM: "nickName", Cognito: alias}}
	}
}

func (r *rig) create(user schemas.Resource) (doc struct{ ID, PoolName string }) {
	r.t.Helper()
	made, err := r.CreateUser(r.t.Context(), user)
	if err != nil {
		r.t.Fatalf("creating %s: %v", user, err)
	}
	doc.ID, doc.PoolName = made.ID, made.PoolName
	return doc
}

// TestTwoChangesToOneAddressAtOnce: one of many wins.
func TestTwoChangesToOneAddressAtOnce(t *testing.T) {
	for name, style := range map[string]func(*rigConfig){"e-mail as an alias": emailAlias, "e-mail as username": byEmail} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, style, func(c *rigConfig) { c.emulator.Latency = 5 * time.Millisecond })
			var ids []string
			for _, who := range []string{"a", "b", "c", "d", "e", "f"} {
				ids = append(ids, r.create(somebody(who, who+"@example.com")).ID)
			}
			var wg sync.WaitGroup
			var mu sync.Mutex
			outcomes := map[string]int{}
			for _, id := range ids {
				wg.Go(func() {
					err := r.emailed(id, "one@example.com")
					mu.Lock()
					defer mu.Unlock()
					outcomes[kindOf(err)]++
				})
			}
			for _, who := range []string{"x", "y"} {
				wg.Go(func() {
					_, err := r.CreateUser(t.Context(), somebody(who, "one@example.com"))
					mu.Lock()
					defer mu.Unlock()
					outcomes[kindOf(err)]++
				})
			}
			wg.Wait()
			if outcomes["none"] != 1 || outcomes["exists"] != 7 {
				t.Errorf("eight changes to one address: %v, want one to succeed and seven conflicts", outcomes)
			}
			holders, err := r.pool.FindUsers(t.Context(), "email", "one@example.com")
			if err != nil || len(holders) != 1 {
				t.Errorf("%d users have the address (%v), want one", len(holders), err)
			}
		})
	}
}

// TestAddressesOutsideTheDomainsAreNotVerified: what a connection may not vouch for is nobody's name to sign in with.
func TestAddressesOutsideTheDomainsAreNotVerified(t *testing.T) {
	only := func(c *rigConfig) { c.bridge.Domains = []string{"Partner.example"} }
	verified := func(r *rig, username, want string) {
		t.Helper()
		if got := r.inPool(username).Attributes["email_verified"]; got != want {
			t.Errorf("%s: email_verified %q, want %q", username, got, want)
		}
	}
	t.Run("plain", func(t *testing.T) {
		r := newRig(t, only)
		for address, want := range map[string]string{
			"a@partner.example": "true", "a@PARTNER.EXAMPLE": "true", "a@example.com": "false", "a@sub.partner.example": "false", "a@notpartner.example": "false",
		} {
			doc := r.create(somebody(strings.ReplaceAll(address, "PARTNER", "big"), address))
			verified(r, doc.PoolName, want)
			for _, change := range []string{"b@partner.example", "b@example.com", "c@partner.example"} {
				if err := r.emailed(doc.ID, change); err != nil {
					t.Fatal(err)
				}
			}
			verified(r, doc.PoolName, "true")
		}
	})
	t.Run("e-mail as an alias", func(t *testing.T) {
		r := newRig(t, emailAlias, only)
		ceo, err := r.pool.CreateUser(t.Context(), "ceo", map[string]string{"email": "ceo@example.com", "email_verified": "true"})
		if err != nil {
			t.Fatal(err)
		}
		mallory := r.create(somebody("mallory", "ceo@example.com")) // allowed: it is nobody's name this way
		verified(r, mallory.PoolName, "false")
		if got := r.inPool("ceo@example.com"); got.Sub != ceo.Sub || got.Attributes["email_verified"] != "true" {
			t.Errorf("ceo@example.com is %s, verified %s; want the same as before", got.Username, got.Attributes["email_verified"])
		}
		if _, err := r.CreateUser(t.Context(), somebody("x@example.com", "x@example.com")); kindOf(err) != "invalid" {
			t.Errorf("somebody who could not sign in: %v, want invalid", err)
		}
	})
	t.Run("e-mail as username", func(t *testing.T) {
		r := newRig(t, byEmail, only)
		r.create(somebody("x@example.com", ""))
		verified(r, "x@example.com", "false")
		doc := r.create(somebody("x@partner.example", ""))
		verified(r, "x@partner.example", "true")
		if err := r.renamed(doc.ID, "y@example.com"); err != nil {
			t.Fatal(err)
		}
		verified(r, "y@example.com", "false")
	})
	t.Run("a pool that waits for the verification", func(t *testing.T) {
		r := newRig(t, only, func(c *rigConfig) {
			c.pool.AutoVerified, c.pool.VerifyBeforeUpdate = []string{"email"}, []string{"email"}
		})
		doc := r.create(somebody("ann", "a@partner.example"))
		if err := r.emailed(doc.ID, "b@partner.example"); err != nil {
			t.Errorf("inside the domains: %v", err)
		}
		if err := r.emailed(doc.ID, "b@example.com"); kindOf(err) != "invalid" {
			t.Errorf("outside the domains, where it would be kept back: %v, want invalid", err)
		}
		if got := r.inPool("ann").Attributes["email"]; got != "b@partner.example" {
			t.Errorf("the address is %s, want b@partner.example", got)
		}
	})
	t.Run("the journal keeps what was vouched for", func(t *testing.T) {
		r := newRig(t, only)
		in, out := r.create(somebody("in", "")), r.create(somebody("out", ""))
		r.fault(emulator.Fault{Operation: "AdminUpdateUserAttributes", Kind: emulator.ServerError})
		for id, address := range map[string]string{in.ID: "a@partner.example", out.ID: "a@example.com"} {
			if err := r.emailed(id, address); kindOf(err) != "unavailable" {
				t.Fatalf("got %v, want unavailable", err)
			}
		}
		r.emulator.ClearFaults()
		r.until("the journal is empty", func() bool { return r.journal() == 0 })
		verified(r, "in", "true")
		verified(r, "out", "false")
	})
}

// TestAUserNameThatCannotBeAUsername has the table of docs/cognito.md.
func TestAUserNameThatCannotBeAUsername(t *testing.T) {
	long := strings.Repeat("a", 129)
	for _, c := range []struct {
		style           func(*rigConfig)
		userName, email string
		want            string // Username, "scim." for a generated one, "sub"; or what the refusal says
	}{
		{styled(nil, nil), "ada@example.com", "", "ada@example.com"},
		{styled(nil, nil), "with space", "a@b.c", "without spaces"},
		{styled(nil, nil), long, "a@b.c", "1 to 128"},
		{emailAlias, "ada", "", "ada"},
		{emailAlias, "+4930", "", "+4930"},
		{emailAlias, "with space", "a@b.c", "scim."},
		{emailAlias, long, "a@b.c", "scim."},
		{emailAlias, "a@b.c", "other@b.c", "scim."},
		{emailAlias, "ada@local", "a@b.c", "scim."},
		{emailAlias, "with space", "", "nothing else to sign in with"},
		{emailAlias, "a@b.c", "", "nothing else to sign in with"},
		{styled(nil, []string{"phone_number"}), "ada@example.com", "", "ada@example.com"},
		{styled(nil, []string{"phone_number"}), "+4930", "a@b.c", "nothing else to sign in with"},
		{styled(nil, []string{"phone_number", "email"}), "4930", "a@b.c", "scim."},
		{byEmail, "a@b.c", "", "sub"},
		{byEmail, "a@b.c", "other@b.c", "sub"},
		{byEmail, "with space", "a@b.c", "sub"},
		{byEmail, long, "a@b.c", "sub"},
		{emailAlias, strings.Repeat("a ", 257), "a@b.c", "514 bytes, of at most 512"},
		{emailAlias, strings.Repeat("\u2028", 170), "a@b.c", "scim."}, // six bytes each in JSON
		{byEmail, strings.Repeat("a", 500_000), "a@b.c", "of at most 512"},
		{byEmail, "ada", "", "signs people in with an e-mail address"},
		{byEmail, "ada", "no address", "signs people in with an e-mail address"},
		{byEmail, "ada", strings.Repeat("a", 125) + "@b.c", "at most 128"},
		{styled([]string{"phone_number"}, nil), "+4930", "", "sub"},
		{styled([]string{"phone_number"}, nil), "a@b.c", "a@b.c", "signs people in with a phone number"},
		{styled([]string{"phone_number", "email"}, nil), "ada", "a@b.c", "sub"},
		{styled([]string{"phone_number", "email"}, nil), "ada", "", "a phone number such as +4930123456 or an e-mail address"},
	} {
		r := newRig(t, c.style)
		doc, err := r.CreateUser(t.Context(), somebody(c.userName, c.email))
		style := append(r.cfg.pool.UsernameAttributes, r.cfg.pool.AliasAttributes...)
		if err != nil {
			if kindOf(err) != "invalid" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, %.20s, %.20s: got error %v, want %q", style, c.userName, c.email, err, c.want)
			}
			if n := r.emulator.Calls()["AdminCreateUser"]; n != 0 {
				t.Errorf("%v, %.20s: Cognito was asked to create somebody who cannot be", style, c.userName)
			}
			continue
		}
		got := doc.PoolName
		if got == doc.ID {
			got = "sub"
		}
		if got != c.want && !(c.want == "scim." && strings.HasPrefix(got, "scim.")) {
			t.Errorf("%v, %.20s, %.20s: got Username %s, want %s", style, c.userName, c.email, got, c.want)
		}
		if doc.Display != c.userName {
			t.Errorf("%v: got userName %s, want %s", style, doc.Display, c.userName)
		}
		if u := r.inPool(doc.PoolName); u.Sub != doc.ID {
			t.Errorf("%v: the Username %s is user %s, want %s", style, doc.PoolName, u.Sub, doc.ID)
		}
	}
}

func TestRefusingUserNameChanges(t *testing.T) {
	refuse := func(c *rigConfig) { c.bridge.UserNameChange = bridge.RefuseUserName }
	for _, style := range []func(*rigConfig){styled(nil, nil), emailAlias} {
		r := newRig(t, style, refuse)
		doc := r.create(somebody("ann", "a@example.com"))
		if err := r.renamed(doc.ID, "beth"); kindOf(err) != "mutability" {
			t.Errorf("%v: got %v, want mutability", r.cfg.pool.AliasAttributes, err)
		}
		if err := r.renamed(doc.ID, "ANN"); err != nil {
			t.Errorf("other letters of the same name: %v, want none", err)
		}
		if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","value":{"userName":"beth","active":false}}]}`); err != nil || r.inPool("ann").Enabled {
			t.Errorf("a deactivation beside it: %v, enabled %v; want the deactivation made", err, r.inPool("ann").Enabled)
		}
	}
	r := newRig(t, byEmail, refuse)
	doc := r.create(somebody("a@example.com", "a@example.com"))
	if err := r.renamed(doc.ID, "b@example.com"); err != nil || r.inPool("b@example.com").Sub != doc.ID {
		t.Errorf("where the sign-in name follows: %v, want none", err)
	}
}

// TestADeactivationBesideATakenAddress: the address is refused, the leaver is out.
func TestADeactivationBesideATakenAddress(t *testing.T) {
	for _, style := range []func(*rigConfig){emailAlias, byEmail} {
		r := newRig(t, style)
		r.create(somebody("victim", "victim@example.com"))
		doc := r.create(somebody("leaver", "leaver@example.com"))
		if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","path":"emails","value":[{"value":"victim@example.com"}]},{"op":"replace","value":{"active":false}}]}`); err != nil {
			t.Errorf("got %v, want none", err)
		}
		if u := r.inPool(doc.PoolName); u.Enabled || u.Attributes["email"] != "leaver@example.com" {
			t.Errorf("enabled %v, address %s; want disabled with the former address", u.Enabled, u.Attributes["email"])
		}
	}
}

// TestADeactivationWhileTheAddressCannotBeAsked: the leaver is out at once, and neither the address beside it nor one that an
// earlier request has left is lost.
func TestADeactivationWhileTheAddressCannotBeAsked(t *testing.T) {
	for _, style := range []func(*rigConfig){emailAlias, byEmail} {
		r := newRig(t, style)
		doc := r.create(somebody("leaver", "leaver@example.com"))
		r.fault(emulator.Fault{Operation: "AdminGetUser", Kind: emulator.ServerError})
		leave := `{"Operations":[{"op":"replace","path":"emails","value":[{"value":"new@example.com"}]},{"op":"replace","value":{"active":false}}]}`
		if _, err := r.patchUser(doc.ID, leave); kindOf(err) != "unavailable" {
			t.Errorf("got %v, want unavailable: the address is not made", err)
		}
		r.emulator.ClearFaults()
		if r.inPool(doc.PoolName).Enabled {
			t.Error("enabled, want the deactivation made")
		}
		if _, err := r.patchUser(doc.ID, leave); err != nil || r.inPool(doc.PoolName).Attributes["email"] != "new@example.com" {
			t.Errorf("repeated: %v, address %s; want the new one", err, r.inPool(doc.PoolName).Attributes["email"])
		}

		r.fault(emulator.Fault{Operation: "AdminUpdateUserAttributes", Kind: emulator.ServerError})
		if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","path":"emails","value":[{"value":"newer@example.com"}]},{"op":"replace","value":{"active":true}}]}`); kindOf(err) != "unavailable" {
			t.Errorf("got %v, want unavailable", err)
		}
		r.fault(emulator.Fault{Operation: "AdminGetUser", Kind: emulator.ServerError})
		if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","value":{"active":false}}]}`); kindOf(err) != "unavailable" {
			t.Errorf("got %v, want unavailable: the earlier address is not made", err)
		}
		r.emulator.ClearFaults()
		r.journalEmpty()
		if u := r.inPool(doc.PoolName); u.Enabled || u.Attributes["email"] != "newer@example.com" {
			t.Errorf("enabled %v, address %s; want disabled with the newer address, from the journal", u.Enabled, u.Attributes["email"])
		}
	}
}
