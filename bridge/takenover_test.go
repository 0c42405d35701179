package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// Mallory signs up under Ada's name before Ada's employer provisions her, and hopes for her rights.

// mallory makes the account: her own address and number are verified, as signing up does. She is signed in.
func (o *bureau) mallory(username string) (id string, s session) {
	o.t.Helper()
	id = o.account(username, "email", "mallory@evil.example", "email_verified", "true", "phone_number", "+15550100", "phone_number_verified", "true", "nickname", "Mallory")
	s, err := o.signIn(username)
	if err != nil {
		o.t.Fatal(err)
	}
	o.resync()
	return id, s
}

func TestASelfSignedUpAccountIsNotAdoptedUnasked(t *testing.T) {
	t.Parallel()
	o := newBureau(t, worldConfig{pool: signUp})
	id, s := o.mallory("ada")
	for _, filter := range []string{`userName eq "ada"`, `emails.value eq "mallory@evil.example"`, fmt.Sprintf("id eq %q", id), ""} {
		if got := o.found("/Users", filter); got != nil {
			t.Errorf("%s: got %q, want nobody", filter, got)
		}
	}
	o.status(409, "POST", "/Users", adaBody())
	o.status(404, "PUT", "/Users/"+id, adaBody())
	o.status(404, "DELETE", "/Users/"+id, "")
	group := o.status(201, "POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Admins"}, id)).ID()
	o.status(200, "PATCH", "/Groups/"+group, idp.PatchBody(idp.Add(id)))
	if got := o.groupsOf("ada"); got != nil {
		t.Errorf("groups: got %q, want none", got)
	}
	if _, err := o.client.GetUser(t.Context(), &cip.GetUserInput{AccessToken: &s.access}); err != nil {
		t.Errorf("her own account is none of ours: %v", err)
	}
}

// TestASelfSignedUpAccountIsTakenOver: acknowledged, adoption leaves Mallory with nothing.
func TestASelfSignedUpAccountIsTakenOver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		write          func(o *bureau, id string)
		email, checked string // in the pool afterwards, and whether it counts as verified
	}{
		{"PUT", func(o *bureau, id string) { o.status(200, "PUT", "/Users/"+id, adaBody()) }, adaMail, "true"},
		{"PUT of what GET has shown", func(o *bureau, id string) {
			r := o.status(200, "GET", "/Users/"+id, "").Object()
			r["externalId"] = "00u1"
			o.status(200, "PUT", "/Users/"+id, idp.UserBody(r))
		}, "mallory@evil.example", "false"},
		{"PUT without an address", func(o *bureau, id string) { o.status(200, "PUT", "/Users/"+id, adaBody("emails", nil)) }, "", ""},
		{"PATCH", func(o *bureau, id string) {
			o.status(200, "PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "add", Path: "externalId", Value: "00u1"}))
		}, "mallory@evil.example", "false"},
		{"PATCH of the address", func(o *bureau, id string) {
			o.status(200, "PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "replace", Path: `emails[type eq "work"].value`, Value: adaMail},
				idp.Op{Op: "remove", Path: `emails[value eq "mallory@evil.example"]`}))
		}, adaMail, "true"},
		{"deactivation", func(o *bureau, id string) {
			o.status(200, "PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": false}}))
		}, "mallory@evil.example", "false"},
		{"new member", func(o *bureau, id string) {
			o.status(201, "POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Admins"}, id))
		}, "mallory@evil.example", "false"},
	} {
		for name, adoption := range map[string]bridge.Adoption{"match": bridge.AdoptMatches, "all": bridge.AdoptAll} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				t.Parallel()
				cfg := policy(adoption, true)
				cfg.pool = signUp
				o := newBureau(t, cfg)
				id, s := o.mallory("ada")
				c.write(o, id)
				o.dead("ada", s)
				u := o.pooled("ada")
				if u["sub"] != id || u["custom:scim"] == "" || u["status"] != "FORCE_CHANGE_PASSWORD" {
					t.Errorf("in the pool: got %v, want it managed, with a password that nobody knows", u)
				}
				if u["email"] != c.email || u["email_verified"] != c.checked || u["phone_number_verified"] == "true" {
					t.Errorf("in the pool: got %v, want the address %q, verified %q, and no verified number", u, c.email, c.checked)
				}
				o.agree()
			})
		}
	}
}

// TestAnAddressThatIsTheUserNameStaysVerified: who provisions ada@example.com vouches for the address.
func TestAnAddressThatIsTheUserNameStaysVerified(t *testing.T) {
	t.Parallel()
	cfg := policy(bridge.AdoptMatches, true)
	cfg.pool = signUp
	o := newBureau(t, cfg)
	id := o.account(adaMail, "email", adaMail, "email_verified", "true")
	s, err := o.signIn(adaMail)
	if err != nil {
		t.Fatal(err)
	}
	o.resync()
	o.status(200, "PUT", "/Users/"+id, adaBody("userName", adaMail))
	if u := o.pooled(adaMail); u["email_verified"] != "true" || u["email"] != adaMail {
		t.Errorf("in the pool: got %v, want the address verified", u)
	}
	o.dead(adaMail, s)
}

// TestMarkComesLast: while the password or the sessions could not be taken away, the account is not SCIM's, and in no group.
func TestMarkComesLast(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"AdminSetUserPassword", "AdminUserGlobalSignOut", "AdminUpdateUserAttributes"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			cfg := policy(bridge.AdoptMatches, true)
			cfg.pool, cfg.idp.Attempts, cfg.idp.Wait = signUp, 2, idp.Hasty(time.Millisecond)
			o := newBureau(t, cfg)
			id, s := o.mallory("ada")
			if err := o.emulator.AddFault(emulator.Fault{Operation: op, Kind: emulator.ServerError}); err != nil {
				t.Fatal(err)
			}
			_, err := o.idp.Push(t.Context(), "PUT", "/Users/"+id, adaBody())
			_, groupErr := o.idp.Push(t.Context(), "POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Admins"}, id))
			if !errors.Is(err, idp.ErrGaveUp) || !errors.Is(groupErr, idp.ErrGaveUp) {
				t.Fatalf("writes: got %v and %v, want them never to succeed", err, groupErr)
			}
			if u := o.pooled("ada"); u["custom:scim"] != "" || o.groupsOf("ada") != nil {
				t.Errorf("in the pool: got %v in groups %q, want it not managed, and in none", u, o.groupsOf("ada"))
			}
			o.emulator.ClearFaults()
			o.settled() // without being asked again
			o.dead("ada", s)
			if u := o.pooled("ada"); u["custom:scim"] == "" || u["email"] != adaMail || u["email_verified"] != "true" {
				t.Errorf("in the pool, when the journal is done: got %v, want it adopted", u)
			}
			o.status(200, "PUT", "/Users/"+id, adaBody())
			o.agree()
		})
	}
}

// TestAnAccountLinkedElsewhereIsNotTakenOver: the link would outlive password and sessions.
func TestAnAccountLinkedElsewhereIsNotTakenOver(t *testing.T) {
	t.Parallel()
	cfg := policy(bridge.AdoptMatches, true)
	cfg.pool = signUp
	o := newBureau(t, cfg)
	o.federate()
	id, _ := o.mallory("ada")
	_, err := o.client.AdminLinkProviderForUser(t.Context(), &cip.AdminLinkProviderForUserInput{UserPoolId: aws.String(stack.PoolID),
		DestinationUser: &types.ProviderUserIdentifierType{ProviderName: aws.String("Cognito"), ProviderAttributeValue: aws.String("ada")},
		SourceUser: &types.ProviderUserIdentifierType{ProviderName: aws.String("Okta"), ProviderAttributeName: aws.String("Cognito_Subject"),
			ProviderAttributeValue: aws.String("mallory")}})
	if err != nil {
		t.Fatal(err)
	}
	out := o.status(409, "PUT", "/Users/"+id, adaBody())
	if detail, _ := out.Object()["detail"].(string); !strings.Contains(detail, "AdminDisableProviderForUser") {
		t.Errorf("got the detail %q, want it to say what to do", detail)
	}
	ben := o.pushed("POST", "/Users", idp.UserBody(map[string]any{"userName": "ben"})).ID()
	o.status(201, "POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Admins"}, id, ben)) // she does not stop the others
	if u := o.pooled("ada"); u["custom:scim"] != "" || u["nickname"] != "Mallory" || o.groupsOf("ada") != nil || o.groupsOf("ben") == nil {
		t.Errorf("in the pool: got %v in groups %q, want it untouched, and ben in one: %q", u, o.groupsOf("ada"), o.groupsOf("ben"))
	}
	o.status(200, "PUT", "/Users/"+id, adaBody("active", false)) // a deactivation is never refused
	if u := o.pooled("ada"); u["enabled"] != "false" || u["custom:scim"] != "" {
		t.Errorf("in the pool: got %v, want it disabled and not managed", u)
	}
}

// TestWhereAnAddressIsVerifiedFirst: only a new address is kept back there. The one that the account has is not verified
// any more.
func TestWhereAnAddressIsVerifiedFirst(t *testing.T) {
	t.Parallel()
	cfg := policy(bridge.AdoptMatches, true)
	cfg.pool = func(p *emulator.PoolConfig) {
		signUp(p)
		p.AutoVerified, p.VerifyBeforeUpdate = []string{"email"}, []string{"email"}
	}
	cfg.connection.Domains = []string{"example.com"}
	o := newBureau(t, cfg)
	id, s := o.mallory("ada")
	other := idp.PatchBody(idp.Op{Op: "replace", Path: "emails", Value: []any{map[string]any{"value": "ada@elsewhere.example"}}})
	o.status(400, "PATCH", "/Users/"+id, other)
	if _, err := o.signIn("ada"); err != nil {
		t.Errorf("a refused adoption has changed the account: %v", err)
	}
	o.status(200, "PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "add", Path: "externalId", Value: "00u1"}))
	o.dead("ada", s)
	if u := o.pooled("ada"); u["custom:scim"] == "" || u["email_verified"] != "false" {
		t.Errorf("in the pool: got %v, want it adopted, and no verified address", u)
	}
	o.status(400, "PATCH", "/Users/"+id, other)
}

// TestAdoptionMustBeAcknowledged: what the program does not start with.
func TestAdoptionMustBeAcknowledged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		adoption             bridge.Adoption
		ack, admin, passkeys bool
		want                 string // in the error; "": none
	}{
		{bridge.AdoptMatches, false, false, false, "adoptSelfSignedUp"},
		{bridge.AdoptAll, false, false, false, "adoptSelfSignedUp"},
		{bridge.AdoptMatches, true, false, false, ""},
		{bridge.AdoptByPool, false, false, false, ""},
		{bridge.AdoptByPool, false, false, true, ""},
		{bridge.AdoptNone, false, false, true, ""},
		{bridge.AdoptAll, false, true, false, ""},
		{bridge.AdoptAll, false, true, true, ""},
		{bridge.AdoptMatches, true, false, true, "passkeys"},
		{bridge.AdoptMatches, true, true, true, "passkeys"},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t.Parallel()
			made := must(stack.NewEmulator(emulator.Config{Seed: 1}, func(p *emulator.PoolConfig) { p.AdminOnly = c.admin }))
			cfg := stack.Config{File: t.TempDir() + "/scim.db", Emulator: made}
			cfg.Directory.Adoption, cfg.Directory.AdoptSelfSignedUp = c.adoption, c.ack
			cfg.Cognito = cognito.Config{Endpoint: "http://127.0.0.1:1", Transport: pooltest.InProcess(made)}
			if c.passkeys {
				cfg.Cognito.Transport = pooltest.InProcess(described{Handler: made, old: `"Policies":{`,
					new: `"Policies":{"SignInPolicy":{"AllowedFirstAuthFactors":["PASSWORD","WEB_AUTHN"]},`})
			}
			s, err := stack.Open(context.WithoutCancel(t.Context()), cfg)
			if err == nil {
				err = s.Close()
			}
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("starting: got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// described is a pool that says something else of itself than the emulator does, once after has been used up.
type described struct {
	http.Handler
	old, new string
	after    *atomic.Int64 // so many descriptions are the emulator's; nil: none
}

func (d described) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeUserPool") || d.after != nil && d.after.Add(-1) >= 0 {
		d.Handler.ServeHTTP(w, r)
		return
	}
	d.Handler.ServeHTTP(edited{w, strings.NewReplacer(d.old, d.new)}, r)
}

type edited struct {
	http.ResponseWriter
	replace *strings.Replacer
}

func (e edited) Write(b []byte) (int, error) {
	e.Header().Del("Content-Length")
	e.Header().Del("X-Amz-Crc32")
	_, err := e.replace.WriteString(e.ResponseWriter, string(b))
	return len(b), err
}

// TestAPoolThatIsOpenedMeanwhile: from then on nobody is adopted, until that is acknowledged; who is managed is.
func TestAPoolThatIsOpenedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, adoption := range map[string]bridge.Adoption{"match": bridge.AdoptMatches, "all": bridge.AdoptAll} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newBureau(t, policy(adoption, false))
			made := o.pushed("POST", "/Users", idp.UserBody(map[string]any{"userName": "made"})).ID()
			group := o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Staff"})).ID()
			o.restart(false, func(s *stack.Config) {
				after := new(atomic.Int64)
				after.Store(1)
				s.Cognito.Endpoint = "http://127.0.0.1:1"
				s.Cognito.Transport = pooltest.InProcess(described{s.Emulator, `"AllowAdminCreateUserOnly":true`, `"AllowAdminCreateUserOnly":false`, after})
			})
			o.warm()
			n := 0
			o.until("the pool was looked at", func() bool { // who comes before that is adopted
				n++
				name := fmt.Sprintf("ada%d", n)
				id := o.account(name, "email", name+"@example.com", "email_verified", "true")
				if got := o.found("/Users", fmt.Sprintf("emails.value eq %q", name+"@example.com")); !slices.Equal(got, []string{id}) {
					t.Fatalf("look-up of %s: got %q, want %q", name, got, id)
				}
				out := o.push("PUT", "/Users/"+id, adaBody("userName", name))
				if out.Status == http.StatusOK {
					return false
				}
				if u := o.pooled(name); u["custom:scim"] != "" || out.Status != http.StatusConflict || !strings.Contains(string(out.Body), "adoptSelfSignedUp") {
					t.Errorf("PUT: got %d %s and %v in the pool, want 409 that names what to acknowledge, and nothing done", out.Status, out.Body, u)
				}
				o.status(200, "PATCH", "/Groups/"+group, idp.PatchBody(idp.Add(id, made)))
				o.status(201, "POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Admins"}, id, made))
				if got := o.groupsOf(name); got != nil {
					t.Errorf("groups: got %q, want none", got)
				}
				return true
			})
			o.status(200, "PATCH", "/Users/"+made, idp.PatchBody(idp.Op{Op: "add", Path: "title", Value: "x"}))
			if got := o.groupsOf("made"); !slices.Equal(got, []string{"Admins", "Staff"}) {
				t.Errorf("groups of who is managed: got %q, want Admins and Staff", got)
			}
		})
	}
}

// takenOver are the writes that adopt a user.
var takenOver = []write{
	{"adopt by PUT", haveAccount("ada"), func(c *trial) (string, string, string) {
		return "PUT", c.at("/Users/", "ada"), c.userBody("ada", "Ada", true)
	}, 200, 0, wantTakenOver("ada", true)},
	{"adopt by a deactivation", haveAccount("ada"), func(c *trial) (string, string, string) {
		return "PUT", c.at("/Users/", "ada"), c.userBody("ada", "Ada", false)
	}, 200, 2, wantTakenOver("ada", false)},
}

func TestAdoptionUnderFaults(t *testing.T) {
	t.Parallel()
	underFaults(t, policy(bridge.AdoptMatches, true), takenOver...)
}

// TestKilledWhileAdopting kills the program at every call that changes something: two reads come first.
func TestKilledWhileAdopting(t *testing.T) {
	t.Parallel()
	killedAt(t, takenOver[0], []int{2, 3, 4}, `"adoption": "match"`, `"adoptSelfSignedUp": true`)
}

// haveAccount has somebody make an account, and the identity provider look it up.
func haveAccount(who string) func(*trial) {
	return func(c *trial) {
		c.t.Helper()
		o := &bureau{world: c.world}
		mail := c.name(who) + "@example.com"
		c.ids[who] = o.account(c.name(who), "email", mail, "email_verified", "true", "nickname", "Mallory")
		if got := o.found("/Users", fmt.Sprintf("emails.value eq %q", mail)); !slices.Equal(got, []string{c.ids[who]}) {
			c.t.Fatalf("%s: looking up %s: got %q, want %q", c.what, mail, got, c.ids[who])
		}
	}
}

// wantTakenOver is wantUser for an account that must not be its maker's any more.
func wantTakenOver(who string, active bool) func(*trial) {
	return func(c *trial) {
		c.t.Helper()
		wantUser(who, "Ada", active)(c)
		u := (&bureau{world: c.world}).pooled(c.name(who))
		if u["status"] != "FORCE_CHANGE_PASSWORD" || u["nickname"] != "" || u["email_verified"] != "false" {
			c.t.Errorf("%s: in the pool: got %v, want nothing of its maker's left", c.what, u)
		}
	}
}
