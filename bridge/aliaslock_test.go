package bridge_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/schemas"
)

// nicknamed is a User body whose nickName styledRow's pools keep as preferred_username.
func nicknamed(userName, email, nickName string) schemas.Resource {
	r := somebody(userName, email)
	r["nickName"] = nickName
	return r
}

// TestSignInNamesThatDifferByCaseAreAllLookedUp: where names differ by case, an address in other letters does not hide the one
// that somebody has.
func TestSignInNamesThatDifferByCaseAreAllLookedUp(t *testing.T) {
	for _, aliases := range [][]string{{"email", "preferred_username"}, {"preferred_username", "email"}} {
		for _, names := range [][2]string{{"CEO@example.com", "ceo@example.com"}, {"ceo@example.com", "CEO@example.com"}} {
			r := newRig(t, styledRow("preferred_username"), func(c *rigConfig) { c.pool.AliasAttributes = aliases })
			ceo := r.create(somebody("ceo", "ceo@example.com"))
			if _, err := r.CreateUser(t.Context(), nicknamed("mallory", names[0], names[1])); kindOf(err) != "exists" {
				t.Errorf("%v: a creation with e-mail %s and preferred_username %s: %v, want exists", aliases, names[0], names[1], err)
			}
			mallory := r.create(somebody("mallory", ""))
			if _, err := r.ReplaceUser(t.Context(), mallory.ID, nicknamed("mallory", names[0], names[1])); kindOf(err) != "exists" {
				t.Errorf("%v: a change to e-mail %s and preferred_username %s: %v, want exists", aliases, names[0], names[1], err)
			}
			if got := r.inPool("ceo@example.com").Sub; got != ceo.ID {
				t.Errorf("%v: ceo@example.com is user %s, want %s", aliases, got, ceo.ID)
			}
		}
	}
}

// TestTwoAddressesThatThePoolTakesForOne: Unicode has letters whose lower case another letter has, too.
func TestTwoAddressesThatThePoolTakesForOne(t *testing.T) {
	for _, pair := range [][2]string{{"i@example.com", "İ@example.com"}, {"k@example.com", "\u212a@example.com"}, {"å@example.com", "\u212b@example.com"}} {
		for name, style := range map[string]func(*rigConfig){"e-mail as an alias": emailAlias, "e-mail as username": byEmail} {
			r := newRig(t, style, func(c *rigConfig) { c.pool.CaseInsensitive, c.emulator.Latency = true, 5*time.Millisecond })
			ids := []string{r.create(somebody("a", "a@example.com")).ID, r.create(somebody("b", "b@example.com")).ID}
			outcomes := make([]string, 2)
			var wg sync.WaitGroup
			for i, id := range ids {
				wg.Go(func() { outcomes[i] = kindOf(r.emailed(id, pair[i])) })
			}
			wg.Wait()
			if slices.Sort(outcomes); !slices.Equal(outcomes, []string{"exists", "none"}) {
				t.Errorf("%s: two changes at once to %s and %s: %v, want one to succeed", name, pair[0], pair[1], outcomes)
			}
			if holders, err := r.pool.FindUsers(t.Context(), "email", pair[0]); err != nil || len(holders) != 1 {
				t.Errorf("%s: %d users have the address %s (%v), want one", name, len(holders), pair[0], err)
			}
		}
	}
}

// TestTwoWhoWantEachOthersNamesDoNotWaitForEachOther: each wants a Username that is the other's alias to be.
func TestTwoWhoWantEachOthersNamesDoNotWaitForEachOther(t *testing.T) {
	r := newRig(t, styledRow("preferred_username"))
	enough := time.Now().Add(5 * time.Second)
	var pairs sync.WaitGroup
	for n := range 16 { // the order in which they come to the locks is chance
		pairs.Go(func() {
			for round := 0; round < 100 && (round < 5 || time.Now().Before(enough)); round++ {
				if !r.rivals(fmt.Sprintf("ada%d", n), fmt.Sprintf("bob%d", n)) {
					return
				}
			}
		})
	}
	pairs.Wait()
}

// rivals creates two users at once, each of whom is to sign in with the other's userName, too, and deletes the one who could be.
// It reports whether all went well, and soon.
func (r *rig) rivals(ada, bob string) bool {
	ctx, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
	defer cancel()
	var both sync.WaitGroup
	ids, errs := make([]string, 2), make([]error, 2)
	for i, who := range [][2]string{{ada, bob}, {bob, ada}} {
		both.Go(func() {
			doc, err := r.CreateUser(ctx, nicknamed(who[0], "", who[1]))
			ids[i], errs[i] = doc.ID, err
		})
	}
	both.Wait()
	outcomes := []string{kindOf(errs[0]), kindOf(errs[1])}
	if slices.Sort(outcomes); !slices.Equal(outcomes, []string{"exists", "none"}) {
		r.t.Errorf("creations of %s, who signs in as %s, too, and the reverse: %v, want one to succeed", ada, bob, errs)
		return false
	}
	if err := r.DeleteUser(ctx, ids[0]+ids[1]); err != nil {
		r.t.Errorf("deleting: %v", err)
		return false
	}
	return true
}

// TestWorkForOneWhoIsGoneIsNotDoneToTheHolderOfTheName: others have deleted a user, whose Username becomes an alias.
func TestWorkForOneWhoIsGoneIsNotDoneToTheHolderOfTheName(t *testing.T) {
	for _, insensitive := range []bool{false, true} {
		r := newRig(t, styledRow("preferred_username"), func(c *rigConfig) { c.pool.CaseInsensitive = insensitive })
		boss := r.create(somebody("Boss", ""))
		group := r.createGroup(`{"displayName":"Admins"}`)
		if err := r.pool.DeleteUser(t.Context(), boss.PoolName); err != nil {
			t.Fatal(err)
		}
		ada, err := r.CreateUser(t.Context(), nicknamed("ada", "", "Boss"))
		if err != nil {
			t.Fatalf("a preferred_username that nobody has any more: %v", err)
		}
		_, patched := r.patchUser(boss.ID, `{"Operations":[{"op":"replace","value":{"displayName":"The Boss","active":false}}]}`)
		deleted := r.DeleteUser(t.Context(), boss.ID)
		if kindOf(patched) != "not found" || kindOf(deleted) != "not found" {
			t.Errorf("a change and a deletion of the one who is gone: %v, %v; want not found", patched, deleted)
		}
		if _, err := r.patchGroup(group.ID, `{"Operations":[{"op":"add","path":"members","value":`+values(boss.ID)+`}]}`); err != nil {
			t.Fatal(err)
		}
		if got := r.members("Admins"); len(got) != 0 {
			t.Errorf("Admins: got members %v, want none", got)
		}
		if u := r.inPool("ada"); u.Sub != ada.ID || !u.Enabled || u.Attributes["name"] != "" {
			t.Errorf("ada is called %q, enabled %v; want her as she was", u.Attributes["name"], u.Enabled)
		}
	}
}
