package bridge_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// TestWhateverCognitoDoes lives through one story with each behaviour that nobody has verified on AWS turned the other
// way (docs/unverified.md): what an identity provider sees is the same.
func TestWhateverCognitoDoes(t *testing.T) {
	switches := reflect.TypeFor[emulator.Unverified]()
	for i := -1; i < switches.NumField(); i++ {
		name, flip := "as believed", func(*emulator.Unverified) {}
		if i >= 0 {
			name = switches.Field(i).Name
			flip = func(u *emulator.Unverified) {
				field := reflect.ValueOf(u).Elem().Field(i)
				if field.Kind() == reflect.Bool {
					field.SetBool(true)
				} else {
					field.SetString("Too many requests")
				}
			}
		}
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *rigConfig) {
				flip(&c.emulator.Unverified)
				c.pool.AutoVerified = []string{"email"}
			})
			story(t, r)
		})
	}
}

func story(t *testing.T, r *rig) {
	doc := r.createUser(ada)
	patch := func(ops string) {
		t.Helper()
		if _, err := r.patchUser(doc.ID, `{"Operations":[`+ops+`]}`); err != nil {
			t.Errorf("%s: %v", ops, err)
		}
	}
	patch(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"countess@example.com"}`)
	if got := r.inPool(doc.PoolName).Attributes; got["email"] != "countess@example.com" || got["email_verified"] != "true" {
		t.Errorf("a new address: %s, verified %s; want it verified", got["email"], got["email_verified"])
	}
	patch(`{"op":"remove","path":"emails"}`)
	if got := r.inPool(doc.PoolName).Attributes["email"]; got != "" {
		t.Errorf("a removed address is still %s", got)
	}
	if _, err := r.CreateUser(t.Context(), schemas.Resource{"userName": "ADA@example.com"}); kindOf(err) != "exists" {
		t.Errorf("the same userName in capitals: %v, want exists", err)
	}
	r.fault(emulator.Fault{Operation: "AdminDisableUser", Kind: emulator.Throttle, Count: 1})
	patch(`{"op":"replace","value":{"active":false}}`)
	patch(`{"op":"replace","value":{"active":true}}`)

	group := r.createGroup(`{"displayName":"Staff","members":` + values(doc.ID) + `}`)
	if _, err := r.CreateGroup(t.Context(), schemas.Resource{"displayName": "STAFF"}); kindOf(err) != "exists" {
		t.Errorf("the same displayName in capitals: %v, want exists", err)
	}
	for i := range 99 {
		if _, err := r.pool.CreateGroup(t.Context(), fmt.Sprintf("g%d", i), ""); err != nil {
			t.Fatal(err)
		}
		if err := r.pool.AddMember(t.Context(), fmt.Sprintf("g%d", i), doc.PoolName); err != nil {
			t.Fatal(err)
		}
	}
	other := r.createUser(`{"userName":"other"}`)
	full := r.createGroup(`{"displayName":"Hundred and one","members":` + values(doc.ID, other.ID) + `}`)
	if got := strings.Join(r.mirrored(full), " "); got != "other" {
		t.Errorf("members beside somebody in 100 groups: %s, want other", got)
	}
	if err := r.DeleteGroup(t.Context(), group.ID); err != nil {
		t.Errorf("deleting a group with members: %v", err)
	}
	if err := r.DeleteUser(t.Context(), doc.ID); err != nil {
		t.Errorf("deleting the user: %v", err)
	}
	if n := r.journal(); n != 0 {
		t.Errorf("%d entries left in the journal", n)
	}
}
