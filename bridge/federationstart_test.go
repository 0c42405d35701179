package bridge_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

func TestFederationIsHeldAgainstThePool(t *testing.T) {
	t.Parallel()
	okta := bridge.FederationConfig{Provider: "Okta", SubjectFrom: "externalId", Attribute: cognito.Subject}
	with := func(change func(*bridge.FederationConfig)) bridge.FederationConfig {
		c := okta
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		providers  map[string]map[string]string // mappings by name
		federation bridge.FederationConfig
		fault      emulator.Fault
		want, log  string // want: "" is no error
	}{
		"nothing said, no providers": {},
		"nothing said":               {providers: map[string]map[string]string{"Okta": nil, "Entra": nil}, want: `has identity providers (Entra, Okta)`},
		"nothing said, not allowed to look": {fault: emulator.Fault{Operation: "ListIdentityProviders", Kind: emulator.AccessDenied},
			want: "cognito-idp:ListIdentityProviders is needed"},
		"acknowledged": {providers: map[string]map[string]string{"Okta": nil}, federation: bridge.FederationConfig{Provider: bridge.NoProvider}},
		"a provider that is not there": {providers: map[string]map[string]string{"Entra": nil}, federation: okta,
			want: `has no identity provider "Okta"; it has: Entra`},
		"no provider at all": {federation: okta, want: `has no identity provider "Okta"; it has: none at all`},
		"not allowed to read it": {providers: map[string]map[string]string{"Okta": nil}, federation: okta,
			fault: emulator.Fault{Operation: "DescribeIdentityProvider", Kind: emulator.AccessDenied}, want: "cognito-idp:DescribeIdentityProvider is needed"},
		"no such SCIM attribute": {providers: map[string]map[string]string{"Okta": nil},
			federation: with(func(c *bridge.FederationConfig) { c.SubjectFrom = "nameID" }), want: `federation.subjectFrom: "nameID"`},
		"an attribute that is not mapped": {providers: map[string]map[string]string{"Okta": {"email": "mail"}},
			federation: with(func(c *bridge.FederationConfig) { c.Attribute = "nickname" }), want: `does not map "nickname"; write Cognito_Subject, or one of what it maps: email`},
		"a provider that maps nothing": {providers: map[string]map[string]string{"Okta": nil},
			federation: with(func(c *bridge.FederationConfig) { c.Attribute = "email" }), want: `or one of what it maps: nothing yet`},
		"a claim that is mapped": {providers: map[string]map[string]string{"Okta": {"email": "mail", "email_verified": "v"}},
			federation: with(func(c *bridge.FederationConfig) { c.Attribute = "mail" }), log: `attributes=[email]`},
		"an attribute that Cognito does not search by": {providers: map[string]map[string]string{"Okta": {"custom:oid": "oid"}},
			federation: with(func(c *bridge.FederationConfig) { c.Attribute = "custom:oid" }), log: "neither replaced nor stopped"},
		"mapped to our overflow": {providers: map[string]map[string]string{"Okta": {"custom:scim_2": "department"}}, federation: okta,
			want: `maps "department" to custom:scim_2, which would overwrite`},
		"mapped to what is immutable": {providers: map[string]map[string]string{"Okta": {"custom:hired": "hired"}}, federation: okta,
			want: `maps "hired" to custom:hired, which is immutable`},
		"mapped to what SCIM writes": {providers: map[string]map[string]string{"Okta": {"email": "mail", "given_name": "first"}}, federation: okta,
			log: `attributes="[email given_name]"`},
		"the address made unverified": {providers: map[string]map[string]string{"Okta": {"email": "mail"}}, federation: okta,
			log: "makes the e-mail address unverified"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(c *rigConfig) {
				c.cold = true
				c.pool.CustomAttributes = append(c.pool.CustomAttributes, emulator.CustomAttribute{Name: "hired", Immutable: true}, emulator.CustomAttribute{Name: "oid"})
			})
			for name, mapping := range c.providers {
				trust(t, r.emulator, name, mapping)
			}
			if c.fault.Kind != "" {
				if err := r.emulator.AddFault(c.fault); err != nil {
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			c.federation.Directory, c.federation.Logger = r.dir, slog.New(slog.NewTextHandler(&log, nil))
			var err error
			made := r.calls(func() { _, err = bridge.OpenFederation(t.Context(), c.federation) })
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			if !strings.Contains(log.String(), c.log) {
				t.Errorf("log: got %q, want %q in it", &log, c.log)
			}
			if name == "acknowledged" && len(made) > 0 {
				t.Errorf("acknowledged, and made calls: %v", made)
			}
		})
	}
}

func TestAppClientsThatWriteOurAttributes(t *testing.T) {
	t.Parallel()
	ours := schemas.OverflowNames()
	for name, c := range map[string]struct {
		grants  []bridge.Grant
		clients []cip.CreateUserPoolClientInput
		fault   emulator.Fault
		want    []string // nil: no error
		log     string

		verified bool // the pool verifies an address before it counts, and nothing is logged
		pool     func(*emulator.PoolConfig)
	}{
		"none":     {},
		"harmless": {clients: []cip.CreateUserPoolClientInput{{WriteAttributes: []string{"nickname"}, ReadAttributes: []string{"email"}}}},
		"one that does not say": {clients: []cip.CreateUserPoolClientInput{{}},
			want: []string{`("web") does not say what it writes`, `.WriteAttributes = ["address", "birthdate", "email", `}},
		"one that writes ours": {clients: []cip.CreateUserPoolClientInput{{WriteAttributes: []string{"email", ours[0], ours[2]}}},
			want: []string{"writes custom:scim, custom:scim_3:\n    aws cognito-idp describe-user-pool-client --user-pool-id us-east-1_local"}},
		"one that writes an address":                {clients: []cip.CreateUserPoolClientInput{{WriteAttributes: []string{"email"}}}, log: "give themselves any e-mail address"},
		"one that writes an address to be verified": {clients: []cip.CreateUserPoolClientInput{{WriteAttributes: []string{"email"}, ReadAttributes: []string{"email"}}}, verified: true},
		"one that writes what names people": {pool: func(p *emulator.PoolConfig) { p.UsernameAttributes = []string{"email"} },
			clients: []cip.CreateUserPoolClientInput{{WriteAttributes: []string{"email", "name"}}, {}},
			want:    []string{"custom:scim or email in pool", "through 2 app client(s)", `.WriteAttributes -= ["email"]`, `.WriteAttributes = ["address", "birthdate", "family_name", `}},
		"one that writes what names people, once verified": {verified: true, pool: func(p *emulator.PoolConfig) { p.UsernameAttributes = []string{"email"} },
			clients: []cip.CreateUserPoolClientInput{{WriteAttributes: []string{"email", "name"}, ReadAttributes: []string{"email"}}}},
		"one that writes what grants": {grants: byNickName, clients: []cip.CreateUserPoolClientInput{{WriteAttributes: []string{"email", "nickname"}}},
			want: []string{"custom:scim or nickname", "writes nickname:\n", `.WriteAttributes -= ["nickname"]`}},
		"one that writes anything else": {grants: byNickName, clients: []cip.CreateUserPoolClientInput{{WriteAttributes: []string{"address", "given_name"}, ReadAttributes: []string{"email"}}}},
		"one that does not say, with grants": {grants: byNickName, clients: []cip.CreateUserPoolClientInput{{}},
			want: []string{`"middle_name", "name", "phone_number"`}},
		"one of two": {clients: []cip.CreateUserPoolClientInput{{WriteAttributes: []string{"email"}}, {WriteAttributes: ours}}, want: []string{"through 1 app client(s)"}},
		"one that reads ours": {clients: []cip.CreateUserPoolClientInput{{WriteAttributes: []string{"email"}, ReadAttributes: ours}},
			log: "up_to_characters=8192"},
		"one that does not say what it reads": {clients: []cip.CreateUserPoolClientInput{{WriteAttributes: []string{"email"}}}, log: "may put what SCIM keeps"},
		"not allowed to list": {fault: emulator.Fault{Operation: "ListUserPoolClients", Kind: emulator.AccessDenied},
			want: []string{"cognito-idp:ListUserPoolClients", `set clients to "acknowledge"`}},
		"not allowed to read": {clients: []cip.CreateUserPoolClientInput{{}}, fault: emulator.Fault{Operation: "DescribeUserPoolClient", Kind: emulator.AccessDenied},
			want: []string{"cognito-idp:DescribeUserPoolClient"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log lockedLog
			r := newRig(t, func(rc *rigConfig) {
				rc.cold, rc.log, rc.dir.Grants = true, &log, c.grants
				if c.pool != nil {
					c.pool(&rc.pool)
				}
				if c.verified {
					rc.pool.AutoVerified, rc.pool.VerifyBeforeUpdate = []string{"email"}, []string{"email"}
				}
			})
			for _, client := range c.clients {
				client.UserPoolId, client.ClientName, client.GenerateSecret = aws.String(poolID), aws.String("web"), true
				if _, err := audit.Client(r.emulator).CreateUserPoolClient(t.Context(), &client); err != nil {
					t.Fatal(err)
				}
			}
			if c.fault.Kind != "" {
				if err := r.emulator.AddFault(c.fault); err != nil {
					t.Fatal(err)
				}
			}
			err := r.dir.CheckClients(t.Context())
			if (err == nil) != (c.want == nil) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			for _, want := range c.want {
				if err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("got error %v, want %q in it", err, want)
				}
			}
			if !strings.Contains(log.String(), c.log) || c.verified && log.String() != "" {
				t.Errorf("log: got %q, want %q in it", &log, c.log)
			}
		})
	}
}
