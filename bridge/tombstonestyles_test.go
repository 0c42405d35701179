package bridge_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// TestWhoComesBackInEveryKindOfPool: as if never deleted, with all that people sign in by, although somebody else has had it
// meanwhile; and not as long as somebody has it.
func TestWhoComesBackInEveryKindOfPool(t *testing.T) {
	t.Parallel()
	for name, pool := range map[string]func(*emulator.PoolConfig){
		"plain":        func(*emulator.PoolConfig) {},
		"without case": func(p *emulator.PoolConfig) { p.CaseInsensitive = true },
		"all aliases": func(p *emulator.PoolConfig) {
			p.AliasAttributes = []string{"email", "phone_number", "preferred_username"}
		},
		"e-mail as alias without case": func(p *emulator.PoolConfig) { p.AliasAttributes, p.CaseInsensitive = []string{"email"}, true },
		"e-mail as username":           func(p *emulator.PoolConfig) { p.UsernameAttributes = []string{"email"} },
		"number as username":           func(p *emulator.PoolConfig) { p.UsernameAttributes = []string{"phone_number"} },
		"either as username":           func(p *emulator.PoolConfig) { p.UsernameAttributes = []string{"email", "phone_number"} },
	} {
		for _, userName := range []string{"Ada", "Ada@Example.com"} {
			t.Run(name+", "+userName, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, keepDeleted, func(c *rigConfig) { pool(&c.pool) })
				body := func(externalID string) string {
					return fmt.Sprintf(`{"userName":%q,"externalId":%q,"nickName":"Countess","title":"Programmer","emails":[{"value":"Ada@Example.com"}],
						"phoneNumbers":[{"value":"+4930123456"}]}`, userName, externalID)
				}
				ada := r.createUser(body("00u1"))
				before := r.inPool(ada.PoolName)
				for range 2 {
					if err := r.DeleteUser(t.Context(), ada.ID); err != nil {
						t.Fatal(err)
					}
					other := r.createUser(body("00u2"))
					if _, err := r.CreateUser(t.Context(), r.resource(schemas.Users, body("00u1"))); kindOf(err) != "exists" {
						t.Errorf("coming back while another has the names: got %v, want exists", err)
					}
					if err := r.DeleteUser(t.Context(), other.ID); err != nil {
						t.Fatal(err)
					}
					back := r.createUser(body("00u1"))
					if back.ID != ada.ID || string(back.JSON) != string(ada.JSON) {
						t.Errorf("back: got %s %s, want %s %s", back.ID, back.JSON, ada.ID, ada.JSON)
					}
					after := r.inPool(ada.PoolName)
					after.Modified = before.Modified
					if after.Attributes["phone_number_verified"] == "false" {
						delete(after.Attributes, "phone_number_verified") // as good as none
					}
					if diff := cmp.Diff(before, after); diff != "" {
						t.Errorf("in the pool (-before +after):\n%s", diff)
					}
				}
			})
		}
	}
}
