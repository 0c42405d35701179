package bridge_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// policies is what a run of TestModelPolicies has drawn.
type policies struct {
	Style       string
	NoCase      bool // the pool's names do not differ by case
	Grants      bool
	Adoption    bridge.Adoption
	SignUp      bool      // people make accounts themselves, which adoption takes over
	Connections []pushing // one or two
}

// pushing is the policies of a connection.
type pushing struct {
	Provider string // through which its people sign in
	Subject  string // the SCIM attribute by which they are linked to it; "" for nobody
	Keep     bool   // deleted users stay in the pool, as tombstones
	Guard    int    // people in a quarter of a second; 0 for no guard
	Password bridge.Passwords
}

// roleNames are the values that Grants makes memberships of the groups in grantGroups.
var (
	roleNames   = []string{"admin", "auditor"}
	grantGroups = map[string]string{"admin": "Admins", "auditor": "Auditors"}
)

// stranger is a user whom others have made, with a verified address that is also what an identity provider would call it.
type stranger struct{ id, address string }

// poolStyles are how pools can name people.
var poolStyles = map[string]func(*emulator.PoolConfig){
	"plain":              func(*emulator.PoolConfig) {},
	"alias":              func(p *emulator.PoolConfig) { p.AliasAttributes = []string{"email"} },
	"preferred_username": func(p *emulator.PoolConfig) { p.AliasAttributes = []string{"email", "preferred_username"} },
	"email":              func(p *emulator.PoolConfig) { p.UsernameAttributes = []string{"email"} },
}

func drawPolicies(seed uint64) policies {
	random := rand.New(rand.NewPCG(seed, 2))
	maybe := func() bool { return random.IntN(2) == 0 }
	p := policies{Style: slices.Sorted(maps.Keys(poolStyles))[random.IntN(len(poolStyles))], NoCase: maybe(), Grants: maybe(),
		Adoption: []bridge.Adoption{bridge.AdoptNone, bridge.AdoptMatches, bridge.AdoptAll}[random.IntN(3)], SignUp: maybe()}
	for _, provider := range []string{"Okta", "Entra"}[:1+random.IntN(2)] {
		p.Connections = append(p.Connections, pushing{Provider: provider, Subject: []string{"", "externalId", "userName"}[random.IntN(3)], Keep: maybe(),
			Guard: []int{0, 0, 3}[random.IntN(3)], Password: []bridge.Passwords{bridge.IgnorePasswords, bridge.RandomPasswords}[random.IntN(2)]})
	}
	return p
}

// subject is what the provider says of a person at sign-in.
func (p pushing) subject(of *person) string {
	if p.Subject == "externalId" {
		return of.external
	}
	return of.userName
}

// config is a connection with such policies.
func (p pushing) config() (bridge.ConnectionConfig, bridge.FederationConfig) {
	c := bridge.ConnectionConfig{Passwords: p.Password, Guard: bridge.Guard{People: p.Guard, Window: 250 * time.Millisecond}}
	if p.Keep {
		c.Deletion = bridge.DisableUsers
	}
	if p.Subject == "" {
		return c, bridge.FederationConfig{}
	}
	return c, bridge.FederationConfig{Provider: p.Provider, SubjectFrom: p.Subject, Attribute: cognito.Subject}
}

// TestModelPolicies is TestModel with policies and a pool style that the seed draws. What they promise must be true whenever
// a client has its answer: who is deactivated or deleted is out, who is active lands on their own user. At the end links,
// granted groups and tombstones must be just those, and a mirror made anew from the pool must be the same.
func TestModelPolicies(t *testing.T) {
	t.Parallel()
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	p := drawPolicies(seed)
	t.Logf("seed %d: repeat with -run TestModelPolicies -model.seed %d: %+v", seed, seed, p)
	cfg := circumstances(seed)
	cfg.pool = func(c *emulator.PoolConfig) {
		poolStyles[p.Style](c)
		c.CaseInsensitive, c.AdminOnly = p.NoCase, !p.SignUp
	}
	cfg.directory.Adoption, cfg.directory.AdoptSelfSignedUp = p.Adoption, p.SignUp
	cfg.connection, cfg.federation = p.Connections[0].config()
	for _, c := range p.Connections[1:] {
		other := stack.Other{Name: strings.ToLower(c.Provider), Token: stack.Token + c.Provider}
		other.Connection, other.Federation = c.config()
		cfg.others = append(cfg.others, other)
	}
	if p.Grants {
		for role, group := range grantGroups {
			cfg.directory.Grants = append(cfg.directory.Grants, bridge.Grant{Attribute: "roles", Value: role, Group: group})
		}
	}
	w := newWorld(t, cfg)
	m := &model{world: w, restart: w.crash, kinds: faultKinds, work: w.journal, policies: p, foreign: map[string]bool{}}
	for i := range 12 {
		m.strangers = append(m.strangers, m.stranger(fmt.Sprintf("Before%d@Example.com", i)))
	}
	w.until("the pool lists everybody", func() bool { return len(w.inPool().Users) == len(m.strangers) })
	w.resync()
	if p.Grants {
		m.granted = map[string]*crew{}
		for role, display := range grantGroups {
			g := &crew{display: display, members: map[string]bool{}}
			g.id = w.pushed("POST", "/Groups", g.body()).ID()
			m.granted[role] = g
		}
	}
	duration := modelDuration(8 * time.Second)
	if *modelTime == 0 {
		duration = min(duration, 20*time.Second) // seeds differ more than minutes do
	}
	m.run(seed, duration)
	if t.Failed() {
		return
	}
	m.agreeOnSCIMs()
	w.restart(true, func(*stack.Config) {})
	w.warm()
	m.agreeOnSCIMs()
}

// stranger makes a user without SCIM.
func (m *model) stranger(address string) stranger {
	m.t.Helper()
	username := address
	if m.policies.mustHaveMail() {
		username, _, _ = strings.Cut(address, "@") // no Username where an address is an alias
	}
	made, err := m.client.AdminCreateUser(m.t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: aws.String(stack.PoolID), Username: &username, MessageAction: types.MessageActionTypeSuppress, UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: &address}, {Name: aws.String("email_verified"), Value: aws.String("true")},
		}})
	if err != nil {
		m.t.Fatalf("AdminCreateUser(%s): %v", username, err)
	}
	for _, a := range made.User.Attributes {
		if *a.Name == "sub" {
			m.foreign[*a.Value] = true
			return stranger{id: *a.Value, address: address}
		}
	}
	m.t.Fatalf("AdminCreateUser(%s): no sub", username)
	return stranger{}
}

// agreeOnSCIMs checks that SCIM lists what the pool has, but for the strangers whom nobody adopted and policy does not list.
func (m *model) agreeOnSCIMs() {
	m.t.Helper()
	pool := m.settledPool()
	if m.policies.Adoption != bridge.AdoptAll {
		for id := range m.foreign {
			delete(pool.Users, id)
		}
	}
	if diff := cmp.Diff(pool, m.inMirror()); diff != "" {
		m.t.Errorf("the mirror (-pool +mirror):\n%s", diff)
	}
}

// mustHaveMail reports whether people need an address to sign in with, because an address as userName is no Username.
func (p policies) mustHaveMail() bool { return p.Style == "alias" || p.Style == "preferred_username" }

// compareWays checks how people can sign in, and what is left of those who cannot any more.
func (m *model) compareWays(all []*client) {
	m.t.Helper()
	type way struct {
		Enabled bool
		Links   []string
		Groups  int // of somebody who must be in none
	}
	want := map[string]way{}
	for _, c := range all {
		for _, p := range c.people {
			w := way{Enabled: p.active}
			if c.Subject != "" {
				w.Links = []string{c.subject(p)}
			}
			want[p.id] = w
		}
		for _, id := range c.dead {
			want[id] = way{}
		}
	}
	got := map[string]way{}
	users := cip.NewListUsersPaginator(m.client, &cip.ListUsersInput{UserPoolId: aws.String(stack.PoolID)})
	for users.HasMorePages() {
		page, err := users.NextPage(m.t.Context())
		if err != nil {
			m.t.Fatal(err)
		}
		for _, u := range page.Users {
			attributes := map[string]string{}
			for _, a := range u.Attributes {
				attributes[*a.Name] = *a.Value
			}
			if m.foreign[attributes["sub"]] {
				continue
			}
			w := way{Enabled: u.Enabled}
			var identities []struct {
				UserID string `json:"userId"`
			}
			if text := attributes["identities"]; text != "" {
				if err := json.Unmarshal([]byte(text), &identities); err != nil {
					m.t.Fatalf("identities %s: %v", text, err)
				}
			}
			for _, i := range identities {
				w.Links = append(w.Links, i.UserID)
			}
			if _, deleted := schemas.TombstoneOf(attributes); deleted {
				groups, err := m.client.AdminListGroupsForUser(m.t.Context(), &cip.AdminListGroupsForUserInput{UserPoolId: aws.String(stack.PoolID), Username: u.Username})
				if err != nil {
					m.t.Fatal(err)
				}
				w.Groups = len(groups.Groups)
			}
			got[attributes["sub"]] = w
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		m.t.Errorf("ways to sign in (-what the clients were told +pool):\n%s", diff)
	}
}

// signIn has a person come from the provider: who is active lands on the user that was provisioned, who is not stays out.
func (c *client) signIn() {
	p := c.anybody()
	if p == nil || c.Subject == "" {
		return
	}
	in, err := c.emulator.SignInFederated(emulator.FederatedSignIn{Pool: stack.PoolID, Provider: c.Provider, Subject: c.subject(p)})
	switch {
	case p.active && (err != nil || in.Sub != p.id || in.Created):
		c.complain("%s of user %s signs in: got %+v, %v; want that user", c.subject(p), p.id, in, err)
	case !p.active && err == nil:
		c.complain("%s of user %s, who is inactive, signs in: got %+v", c.subject(p), p.id, in)
	}
}

// regrant gives or takes a role in a PATCH of its own.
func (c *client) regrant() {
	p := c.anybody()
	if p == nil || !c.policies.Grants {
		return
	}
	role := roleNames[c.random.IntN(len(roleNames))]
	op := idp.Op{Op: "add", Path: "roles", Value: []any{map[string]any{"value": role}}}
	if i := slices.Index(p.roles, role); i >= 0 {
		op, p.roles = idp.Op{Op: "remove", Path: fmt.Sprintf("roles[value eq %q]", role)}, slices.Delete(p.roles, i, i+1)
	} else {
		p.roles = append(p.roles, role)
	}
	if out, ok := c.ask("PATCH", "/Users/"+p.id, idp.PatchBody(op), 200); ok {
		c.sees(p, out.Body)
	}
}

// comeBack creates somebody who was deleted and kept, whom the pool knows by the externalId.
func (c *client) comeBack() {
	dead := slices.DeleteFunc(slices.Sorted(maps.Keys(c.dead)), func(external string) bool { return strings.HasPrefix(external, unknownExternal) })
	if len(dead) == 0 || len(c.people) >= 12 {
		return
	}
	p := &person{userName: c.name()}
	c.profile(p)
	p.external = dead[c.random.IntN(len(dead))]
	if c.create(p) && p.id != c.dead[p.external] {
		c.complain("%s comes back as user %s, want %s", p.external, p.id, c.dead[p.external])
	}
	delete(c.dead, p.external)
}

// adoptStranger looks for somebody whom SCIM has not made and, where policy offers the user, takes it for its own.
func (c *client) adoptStranger() {
	if len(c.strangers) == 0 || len(c.people) >= 12 {
		return
	}
	s := c.strangers[0]
	c.strangers = c.strangers[1:]
	found, ok := c.ask("GET", idp.Where("/Users", fmt.Sprintf("emails.value eq %q", s.address)), "", 200)
	if !ok {
		return
	}
	var list struct{ Resources []struct{ ID string } }
	if err := json.Unmarshal(found.Body, &list); err != nil {
		c.complain("looking up %s: %v in %s", s.address, err, found.Body)
	}
	switch offered := len(list.Resources) == 1 && list.Resources[0].ID == s.id; {
	case c.policies.Adoption == bridge.AdoptNone && len(list.Resources) > 0, c.policies.Adoption != bridge.AdoptNone && !offered:
		c.complain("looking up %s, whom others made: got %s", s.address, found.Body)
	case offered:
		p := &person{id: s.id, userName: s.address}
		c.profile(p)
		c.people = append(c.people, p)
		c.adopted = append(c.adopted, s.id)
		c.put(p)
	}
}
