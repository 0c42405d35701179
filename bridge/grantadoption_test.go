package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// byNickName grants Admins to whoever has a nickName, which is an attribute of the pool's own, that people write themselves.
var byNickName = []bridge.Grant{{Attribute: "nickName", Value: "admin", Group: "Admins"}}

// TestNobodyGrantsThemselves: who signs up with the values of an administrator becomes none, neither while nobody has adopted
// the account, nor by its adoption. What the identity provider says counts.
func TestNobodyGrantsThemselves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		write  func(o *bureau, id string)
		groups []string
	}{
		{"not adopted", func(*bureau, string) {}, nil},
		{"PUT", func(o *bureau, id string) { o.status(200, "PUT", "/Users/"+id, adaBody()) }, nil},
		{"PUT of what GET has shown", func(o *bureau, id string) {
			r := o.status(200, "GET", "/Users/"+id, "").Object()
			r["externalId"] = "00u1"
			o.status(200, "PUT", "/Users/"+id, idp.UserBody(r))
		}, nil},
		{"PATCH", func(o *bureau, id string) {
			o.status(200, "PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "add", Path: "externalId", Value: "00u1"}))
		}, nil},
		{"new member", func(o *bureau, id string) {
			o.status(201, "POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Staff"}, id))
		}, []string{"Staff"}},
		{"PUT that says so", func(o *bureau, id string) { o.status(200, "PUT", "/Users/"+id, adaBody("nickName", "admin")) }, []string{"Admins"}},
	} {
		for name, adoption := range map[string]bridge.Adoption{"match": bridge.AdoptMatches, "all": bridge.AdoptAll} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				t.Parallel()
				cfg := policy(adoption, true)
				cfg.pool, cfg.directory.Grants = signUp, byNickName
				o := newBureau(t, cfg)
				o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Admins"}))
				id := o.account("ada", "nickname", "admin", "given_name", "Ada", "custom:scim_2", `{"externalId":"00u9"}`)
				o.resync()
				if out := o.status(200, "GET", "/Users/"+id, ""); strings.Contains(string(out.Body), "admin") || strings.Contains(string(out.Body), "00u9") {
					t.Errorf("before its adoption: got %s, want neither the nickName nor an externalId", out.Body)
				}
				c.write(o, id)
				o.resync()
				o.settled()
				if got := o.groupsOf("ada"); !slices.Equal(got, c.groups) {
					t.Errorf("groups: got %q, want %q", got, c.groups)
				}
				if u := o.pooled("ada"); u["custom:scim"] != "" && (u["nickname"] != "" != slices.Contains(c.groups, "Admins") || u["custom:scim_2"] != "") {
					t.Errorf("in the pool: got %v, want nothing left by which its maker granted something", u)
				}
			})
		}
	}
}

// TestTheSweepGrantsNothingBeforeAdoption: what administrators have written counts from the adoption on.
func TestTheSweepGrantsNothingBeforeAdoption(t *testing.T) {
	t.Parallel()
	cfg := policy(bridge.AdoptAll, false)
	cfg.directory.Grants = byNickName
	o := newBureau(t, cfg)
	o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Admins"}))
	id := o.account("ada", "nickname", "admin")
	o.resync()
	o.settled()
	if got := o.groupsOf("ada"); got != nil {
		t.Errorf("not adopted: got groups %q, want none", got)
	}
	o.status(200, "PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "add", Path: "externalId", Value: "00u1"}))
	if got := o.groupsOf("ada"); !slices.Equal(got, []string{"Admins"}) {
		t.Errorf("adopted: got groups %q, want Admins", got)
	}
	// Who is managed keeps it, also when others have changed the user so that the row does not tell all.
	if err := o.served.Load().Pool.RemoveMember(t.Context(), "Admins", "ada"); err != nil {
		t.Fatal(err)
	}
	o.set("ada", "custom:scim", fmt.Sprintf("%s ", o.pooled("ada")["custom:scim"]))
	o.resync()
	o.settled()
	if got := o.groupsOf("ada"); !slices.Equal(got, []string{"Admins"}) {
		t.Errorf("taken out by hand: got groups %q, want Admins again", got)
	}
}

// TestWhatIsHiddenFromTheNextStartOn: a mirror of before does not show what the changed configuration hides.
func TestWhatIsHiddenFromTheNextStartOn(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*stack.Config){
		"accounts are taken over": func(s *stack.Config) { s.Directory.AdoptSelfSignedUp = true },
		"another grant":           func(s *stack.Config) { s.Directory.Grants = byNickName },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := policy(bridge.AdoptAll, name == "another grant")
			if name != "another grant" {
				cfg.directory.Grants = byNickName
			}
			o := newBureau(t, cfg)
			o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Admins"}))
			id := o.account("ada", "nickname", "admin")
			o.resync()
			if out := o.status(200, "GET", "/Users/"+id, ""); !strings.Contains(string(out.Body), "admin") {
				t.Fatalf("before: got %s, want the nickName", out.Body)
			}
			sweep := &held{Handler: o.emulator, op: "ListGroups", reached: make(chan struct{}), let: make(chan struct{})}
			o.restart(false, func(s *stack.Config) {
				change(s)
				s.Cognito.Endpoint, s.Cognito.Transport = "http://127.0.0.1:1", pooltest.InProcess(sweep)
			})
			<-sweep.reached
			if out := o.status(200, "GET", "/Users/"+id, ""); strings.Contains(string(out.Body), "admin") {
				t.Errorf("before the first sweep: got %s, want no nickName", out.Body)
			}
			close(sweep.let)
			o.warm()
			if out := o.status(200, "GET", "/Users/"+id, ""); strings.Contains(string(out.Body), "admin") {
				t.Errorf("after it: got %s, want no nickName", out.Body)
			}
		})
	}
}
