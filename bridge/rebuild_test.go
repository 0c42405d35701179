package bridge_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// listed is every listed user as SCIM shows it, by id, Username included.
func (r *rig) listed() map[string]string {
	r.t.Helper()
	page, err := r.List(r.t.Context(), store.Query{Kind: store.User, Start: 1, Count: 100})
	if err != nil {
		r.t.Fatalf("listing users: %v", err)
	}
	all := map[string]string{}
	for doc, err := range page.Docs {
		if err != nil {
			r.t.Fatal(err)
		}
		all[doc.ID] = fmt.Sprintf("%s %s, all ours: %v", doc.PoolName, doc.JSON, doc.Managed)
	}
	return all
}

// lose begins with another mirror, as if the store had been thrown away. A cold one stays empty.
func (r *rig) lose(cold bool) {
	r.t.Helper()
	r.shutDown()
	r.cfg.cold = cold
	r.file += ".new"
	r.start()
}

// namedLike are names of all shapes, and what becomes of them.
var namedLike = []string{
	"Ada", "Ada@Example.com", "İpek", "İpek@Example.com", "straße", "STRASSE", "Kelvin", "\u212Aelvin@Example.com", "+4930123", "0049", "with Space",
	strings.Repeat("B", 129), "ＦＵＬＬ", "ſam", "Σίσυφος", "scim.0123456789abcdef0123456789abcdef", "quo\"te\\", "name_2",
}

// TestTheMirrorIsRebuiltAsItWas: whatever style the pool has, everybody's userName, addresses, externalId and id are in it.
func TestTheMirrorIsRebuiltAsItWas(t *testing.T) {
	for _, style := range []struct {
		name            string
		logins, aliases []string
	}{
		{"plain", nil, nil}, {"e-mail as an alias", nil, []string{"email"}}, {"all aliases", nil, []string{"email", "phone_number", "preferred_username"}},
		{"e-mail as username", []string{"email"}, nil}, {"phone number as username", []string{"phone_number"}, nil},
		{"both as username", []string{"phone_number", "email"}, nil},
	} {
		for _, exact := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/case-sensitive=%v", style.name, exact), func(t *testing.T) {
				r := newRig(t, styledRow("preferred_username"), func(c *rigConfig) {
					c.pool.UsernameAttributes, c.pool.AliasAttributes, c.pool.CaseInsensitive = style.logins, style.aliases, !exact
				})
				var ids []string
				for i, name := range namedLike {
					user := nicknamed(name, fmt.Sprintf("Mail%d@Example.com", i), fmt.Sprintf("Nick%d", i))
					user["phoneNumbers"] = []any{map[string]any{"value": fmt.Sprintf("+49301%d", i), "type": "work"}}
					if strings.Contains(name, "@") {
						user["emails"] = []any{map[string]any{"value": "Other" + name, "type": "home"}, map[string]any{"value": name, "type": "work", "primary": true}}
					}
					doc, err := r.CreateUser(t.Context(), user)
					if plain := len(style.logins)+len(style.aliases) == 0; plain && kindOf(err) == "invalid" && (utf8.RuneCountInString(name) > 128 || strings.Contains(name, " ")) {
						continue
					}
					if err != nil {
						t.Fatalf("creating %s: %v", name, err)
					}
					shown, _ := schemas.ParseJSON(doc.JSON)
					delete(shown, "active")
					if diff := cmp.Diff(map[string]any(user), map[string]any(shown)); diff != "" {
						t.Errorf("creating %s (-sent +shown):\n%s", name, diff)
					}
					ids = append(ids, doc.ID)
				}
				for i, id := range ids {
					var err error
					switch i % 4 {
					case 1:
						err = r.renamed(id, fmt.Sprintf("Nëw%d@Example.com", i))
					case 2:
						err = r.emailed(id, fmt.Sprintf("NewMail%d@Example.com", i))
					case 3:
						_, err = r.patchUser(id, fmt.Sprintf(`{"Operations":[{"op":"replace","value":{"nickName":"İNick%d","userName":"name %[1]d"}}]}`, i))
						if len(style.logins)+len(style.aliases) == 0 && kindOf(err) == "invalid" {
							err = nil
						}
					}
					if err != nil {
						t.Fatalf("changing %s: %v", namedLike[i], err)
					}
				}
				before := r.listed()
				r.lose(false)
				if diff := cmp.Diff(before, r.listed()); diff != "" {
					t.Errorf("shown before the mirror was lost, and after (-before +after):\n%s", diff)
				}
				for id := range maps.Keys(before) {
					doc, err := r.User(t.Context(), id)
					if err != nil {
						t.Fatal(err)
					}
					shown, _ := schemas.ParseJSON(doc.JSON)
					if made := r.calls(func() { _, err = r.ReplaceUser(t.Context(), id, shown) }); err != nil || len(made) > 0 {
						t.Errorf("sending %s as it is shown: %v, calls %v; want none", doc.Display, err, made)
					}
				}
			})
		}
	}
}
