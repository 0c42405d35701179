// Package config reads the program's configuration file: strict JSON, references to secrets, and rules whose messages
// name the key they speak of. It knows nothing of the other packages; cmd translates it into their Configs.
package config

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Config is the whole file. A key that is left out has the value of its default tag; an unknown key is an error.
// `config.sample.json` shows every key.
type Config struct {
	// Listen is the address of the SCIM listener, host:port: SCIM under /scim/v2, and /healthz and /readyz. The flag
	// --listen wins. TLS ends in front of it.
	Listen string `json:"listen" default:"127.0.0.1:8080" validate:"hostport"`

	// Private is the address of the operator's listener, host:port, which the commands resync, journal and activity ask.
	// It asks for no credentials, so only loopback is accepted. Empty turns it off. The flag --private wins.
	Private string `json:"private" default:"127.0.0.1:8081" validate:"omitempty,loopback"`

	// BaseURL is the public URL in front of /scim/v2, such as https://scim.example.com, for the locations in answers.
	// Empty: taken from each request.
	BaseURL string `json:"baseURL" validate:"omitempty,baseurl"`

	// TrustedProxies are the networks, in CIDR form, whose X-Forwarded-* and Forwarded headers count. Empty: nobody's.
	TrustedProxies []string `json:"trustedProxies" validate:"dive,prefix"`

	// Store is where the mirror, the journal and the activity are kept: sqlite:FILE, relative to the working directory.
	// The flag --store wins. The pool is the source of truth, so the file may be dropped, at the price of a new warm-up.
	Store string `json:"store" default:"sqlite:scim-cognito.db" validate:"store"`

	// Schemas are extensions of users beside the enterprise one. All connections share them: the mirrors are indexed, and
	// discovery is answered, with one set of definitions. After a change users are read again from their pools; values that
	// the definitions allow no longer are left out, and go from the pool with the user's next change.
	Schemas []Schema `json:"schemas" validate:"dive"`

	// UnknownExtensions says what happens to an extension whose URN is neither RFC 7643's nor among Schemas: "ignore" leaves
	// it out, "keep" stores it with the user and returns it, without types: no filter reads it. Mirrors are shared by
	// connections, and so is what they hold.
	UnknownExtensions string `json:"unknownExtensions" default:"ignore" validate:"oneof=ignore keep"`

	// Connections are the identity providers that may push, at least one.
	Connections []Connection `json:"connections" validate:"min=1,dive"`
}

// Connection is one identity provider's right to push into one pool.
type Connection struct {
	// Name tells connections apart in logs and in the activity: 1 to 64 letters, digits, dots, dashes or underscores.
	// No two connections share a name.
	Name string `json:"name" validate:"name"`

	// Tokens are what the identity provider shows in its Authorization header; any of them selects this connection.
	// Several with overlapping life make a change of token possible without an interruption.
	Tokens []Token `json:"tokens" validate:"min=1,dive"`

	// Pool is the user pool that is kept in step.
	Pool Pool `json:"pool"`

	// Attributes are mapping rows on top of the built-in ones. Connections on one pool must have the same.
	Attributes []Attribute `json:"attributes" validate:"dive"`

	// Grants make values of users' attributes memberships of groups: Okta Identity Governance's roles and entitlements, or
	// "Admin,Support" in another attribute. Connections on one pool must have the same.
	Grants []Grant `json:"grants" validate:"dive"`

	// UnknownMembers says what happens to a group member whom neither the mirror nor the pool knows: "skip" leaves it
	// out and records it, "reject" answers 400.
	UnknownMembers string `json:"unknownMembers" default:"skip" validate:"oneof=skip reject"`

	// Overflow says what happens to attributes that do not fit into the pool's custom:scim attributes: "keep" stores
	// what fits, leaves the rest out of the answer and records it, "reject" answers 400.
	Overflow string `json:"overflow" default:"keep" validate:"oneof=keep reject"`

	// Strict refuses what the RFCs refuse and identity providers send all the same, which docs/divergences.md lists. Today's
	// Okta and Entra ID need it off.
	Strict bool `json:"strict" default:"false"`

	// Passwords says what becomes of passwords that the identity provider sends: "ignore" drops them, "sync" makes them the
	// users' permanent passwords. "random" drops them and gives new users a permanent one that nobody knows.
	Passwords string `json:"passwords" default:"ignore" validate:"oneof=ignore sync random"`

	// Invite has Cognito send new users its invitation with a temporary password: by "email" or "sms". Empty: it sends
	// nothing. Only with Passwords "ignore": a permanent password makes the temporary one void.
	Invite string `json:"invite" validate:"omitempty,oneof=email sms"`

	// Adoption says which users that SCIM did not make are SCIM's to change: "none"; "match": one who is looked up by
	// userName, or by a verified e-mail address, and is the only one; "all": everybody, and they are listed. Empty: "match" in
	// a pool in which only administrators create users, "none" where people sign up themselves. Connections on one pool must
	// agree on this and the next two keys.
	Adoption string `json:"adoption" validate:"omitempty,oneof=none match all"`

	// AdoptSelfSignedUp acknowledges that users may have made their accounts themselves, under anybody's name: adoption then
	// replaces the password and ends the sessions. A pool with self sign-up needs it for "match" and "all".
	AdoptSelfSignedUp bool `json:"adoptSelfSignedUp" default:"false"`

	// AdoptGroups are the names in Cognito of groups that SCIM did not make and that are its to show and to change. "*" stands
	// for all that have no IAM role; a group with one must be named.
	AdoptGroups []string `json:"adoptGroups" validate:"dive,groupname"`

	// Deletion says what deleting a user does: "delete" removes it from the pool; "disable" disables it, takes it out of its
	// groups and keeps it there, where only a POST with the same externalId brings it back.
	Deletion string `json:"deletion" default:"delete" validate:"oneof=delete disable"`

	// Guard stops a mass deprovisioning until an operator has looked at it.
	Guard Guard `json:"guard"`

	// UserNameChange says what happens to a new userName where Cognito cannot change the Username that people sign in
	// with: "move" changes SCIM's userName alone, "refuse" answers 400. Pools with e-mail or phone number as username
	// follow any change.
	UserNameChange string `json:"userNameChange" default:"move" validate:"oneof=move refuse"`

	// Domains are the e-mail domains for which the identity provider may vouch: addresses inside them, not in their
	// subdomains, are marked as verified. Empty: all.
	Domains []string `json:"domains" validate:"dive,domain"`

	// Federation says how the people of this connection sign in through an identity provider of the pool.
	Federation Federation `json:"federation"`

	// Clients says what happens when an app client of the pool lets people write custom:scim, and with it their own SCIM
	// record: "refuse" does not start, "acknowledge" does not look. Connections on one pool must agree.
	Clients string `json:"clients" default:"refuse" validate:"oneof=refuse acknowledge"`
}

// Guard is how many people a connection may deactivate or delete in a while. What goes beyond is held, answered 429, and
// done when an operator releases it or as windows go by. Without People and Percent nothing is held.
type Guard struct {
	// People is the most in a window. 0: no such limit.
	People int `json:"people" default:"0" validate:"gte=0"`

	// Percent is the most in a window, of the people listed when it began, rounded up to whole ones. 0: no such limit.
	// With both, the lower one counts.
	Percent int `json:"percent" default:"0" validate:"gte=0,lt=101"`

	// Window is for how long people are counted, from the first one on: 1m to 168h.
	Window string `json:"window" default:"1h" validate:"window"`
}

// Length is Window as a duration. Only after Validate.
func (g Guard) Length() time.Duration {
	d, err := time.ParseDuration(g.Window)
	if err != nil {
		return 0 // Validate lets nothing else pass
	}
	return d
}

// Federation links people, when they are provisioned, to who they are to an identity provider, so that their first
// sign-in lands on what was provisioned.
type Federation struct {
	// Provider is the identity provider's name in the pool. "none": nobody is linked, although the pool may have identity
	// providers. Empty: nothing is said, which stops the start if it has.
	Provider string `json:"provider" validate:"omitempty,provider"`

	// SubjectFrom is the SCIM attribute that holds, letter by letter, what the identity provider says in Attribute:
	// externalId, userName, emails, or a path. Needed with a Provider.
	SubjectFrom string `json:"subjectFrom" validate:"omitempty,max=512"`

	// Attribute is what people are recognised by: Cognito_Subject, which is SAML's NameID and OIDC's sub, or one that the
	// identity provider maps, such as email.
	Attribute string `json:"attribute" default:"Cognito_Subject" validate:"required,max=512"`

	// ReplaceProfile deletes the federated profile of somebody who signed in before being provisioned, and with it the sub
	// that applications know; otherwise such a profile is a conflict, answered 409.
	ReplaceProfile bool `json:"replaceProfile" default:"false"`
}

// NoProvider is the Provider that says that there is none.
const NoProvider = "none"

// Token is one accepted Authorization value.
type Token struct {
	// Name tells tokens of a connection apart in logs: 1 to 64 letters, digits, dots, dashes or underscores.
	Name string `json:"name" validate:"name"`

	// Secret is where the token is to be found: env:NAME or file:PATH. The token itself, of 32 to 4,096 printable
	// characters without spaces and without the word Bearer, is never written here.
	Secret Secret `json:"secret" validate:"secret"`

	// Expires is the RFC 3339 instant from which the token is refused. Empty: never.
	Expires string `json:"expires" validate:"omitempty,instant"`
}

// Expiry is Expires as a time; zero means never. Only after Validate.
func (t Token) Expiry() time.Time {
	at, err := time.Parse(time.RFC3339, t.Expires)
	if err != nil {
		return time.Time{} // Validate lets nothing pass here but the empty text
	}
	return at
}

// Pool is one Cognito user pool. Connections with the same id must agree on all of it.
type Pool struct {
	// ID is the pool's id, such as eu-west-1_AbCdEf123.
	ID string `json:"id" validate:"poolid"`

	// Region is the pool's AWS region. Empty: the one its id names.
	Region string `json:"region" validate:"omitempty,region"`

	// Endpoint is the URL of an emulator. Empty: AWS.
	Endpoint string `json:"endpoint" validate:"omitempty,endpoint"`

	// Share is the part of each Cognito quota that this program may use, above 0 and at most 1. The quotas belong to
	// the account and region: what signs people in and other tools live on the rest, and pools of one region must agree.
	Share float64 `json:"share" default:"0.8" validate:"gt=0,lte=1"`
}

// HomeRegion is the region whose quotas the pool lives on: Region, else the one that the id names. Behind an Endpoint ids
// name no region; it is empty there unless Region says it.
func (p Pool) HomeRegion() string {
	if p.Region == "" && p.Endpoint == "" {
		return p.ID[:max(0, strings.LastIndexByte(p.ID, '_'))]
	}
	return p.Region
}

// Attribute is one more mapping row.
type Attribute struct {
	// SCIM is the attribute's path, such as title or
	// urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department.
	SCIM string `json:"scim" validate:"required,max=512"`

	// Cognito is the pool's attribute: a standard one, or custom:NAME with a name of at most 20 characters.
	Cognito string `json:"cognito" validate:"cognito"`
}

// Default is the Config of an empty file: every default, and no connection.
func Default() *Config {
	c := defaultOf[Config]()
	return &c
}

// Load reads the file at path. What it returns is well-formed but not yet judged: flags may still change it, then
// Validate and Resolve follow.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the config: %w", err)
	}
	c, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("config %s: %w", path, err)
	}
	return c, nil
}
