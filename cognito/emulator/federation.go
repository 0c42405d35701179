package emulator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// FederatedSignIn is a person's return from an identity provider: what Cognito learns from a SAML assertion or an ID token.
type FederatedSignIn struct {
	// Pool is the pool's id. Required.
	Pool string `json:"pool"`
	// Provider is the name under which the pool knows the identity provider. Required.
	Provider string `json:"provider"`
	// Subject is the person's identifier at the provider: SAML's NameID, OIDC's sub. Required.
	Subject string `json:"subject"`
	// Attributes are the provider's claims, by the provider's names.
	Attributes map[string]string `json:"attributes,omitempty"`
	// Client is the app client to sign in through, which yields tokens. Empty means no tokens.
	Client string `json:"client,omitempty"`
}

// SignedIn is what a federated sign-in led to.
type SignedIn struct {
	Username string `json:"username"`
	Sub      string `json:"sub"`
	// Created says that this sign-in made a new profile.
	Created bool `json:"created"`
	// Linked says that the profile is one that AdminLinkProviderForUser tied to the person.
	Linked       bool   `json:"linked"`
	AccessToken  string `json:"accessToken,omitempty"`
	RefreshToken string `json:"refreshToken,omitempty"`
}

// SignInFederated plays a sign-in through an identity provider, the first or a later one: it finds the linked user or the person's
// federated profile, or makes one with its group, and writes the mapped attributes. The error is what Cognito's redirect would say.
func (e *Emulator) SignInFederated(s FederatedSignIn) (SignedIn, error) {
	if s.Provider == "" || s.Subject == "" {
		return SignedIn{}, errors.New("signing in: provider and subject are needed")
	}
	sub := e.uuid()
	out, err := e.withPool(s.Pool, func(p *pool, now time.Time) (any, error) {
		v, err := p.provider(s.Provider)
		if err != nil {
			return nil, err
		}
		c := p.clients[s.Client]
		if s.Client != "" && c == nil {
			return nil, resourceNotFound("User pool client %s does not exist.", s.Client)
		}
		in, u, err := p.admit(v, s, sub, now)
		if err != nil {
			return nil, err
		}
		if c != nil {
			t := e.issue(p, c, u, now)
			in.AccessToken, in.RefreshToken = t.AccessToken, t.RefreshToken
		}
		return in, nil
	})
	if err != nil {
		return SignedIn{}, fmt.Errorf("signing in through %s: %w", s.Provider, err)
	}
	return out.(SignedIn), nil
}

// admit finds or makes the profile that a person signs in to.
func (p *pool) admit(v *provider, s FederatedSignIn, sub string, now time.Time) (SignedIn, *user, error) {
	mapped := v.mapped(s.Attributes)
	if l := p.linkOf(v, s.Subject, mapped); l != nil {
		if !l.user.now.enabled && !p.unverified.LinkedSignInIgnoresDisabled {
			return SignedIn{}, nil, notAuthorized("User is disabled.")
		}
		err := p.enter(l, s.Subject, mapped, now)
		return SignedIn{Username: l.user.username, Sub: l.user.sub, Linked: true}, l.user, err
	}
	username := p.fold(v.name + "_" + s.Subject)
	u := p.users[username]
	if u == nil {
		u, err := p.newProfile(v, username, s.Subject, sub, mapped, now)
		if err != nil {
			return SignedIn{}, nil, err
		}
		return SignedIn{Username: u.username, Sub: u.sub, Created: true}, u, nil
	}
	switch {
	case u.profile == nil:
		return SignedIn{}, nil, invalidParameter("Already found an entry for username %s", username)
	case u.profile.UserID != s.Subject: // a case-insensitive pool, and a subject in another case
		return SignedIn{}, nil, invalidParameter("Invalid ProviderName/Username combination. Please check again")
	case !u.now.enabled:
		return SignedIn{}, nil, notAuthorized("User is disabled.")
	}
	return SignedIn{Username: u.username, Sub: u.sub}, u, p.updateAttributes(u, mapped, now)
}

// mapped translates a provider's claims into attributes of the pool, in the order of their names. An e-mail or phone number that comes
// without its verified flag counts as unverified, at each sign-in.
func (v *provider) mapped(claims map[string]string) []attributeInput {
	var list []attributeInput
	for _, name := range slices.Sorted(maps.Keys(v.mapping)) {
		value, ok := claims[v.mapping[name]]
		if !ok || name == "username" {
			continue
		}
		list = append(list, attributeInput{name, value})
		if flag := name + "_verified"; (name == "email" || name == "phone_number") && v.mapping[flag] == "" && value != "" {
			list = append(list, attributeInput{flag, "false"})
		}
	}
	return list
}

// linkOf finds the link that recognises a person, by subject or by a mapped attribute.
func (p *pool) linkOf(v *provider, subject string, mapped []attributeInput) *link {
	if l := p.links[source{v.name, subjectAttribute, subject}]; l != nil {
		return l
	}
	for _, a := range mapped {
		if l := p.links[source{v.name, a.Name, a.Value}]; l != nil {
			return l
		}
	}
	return nil
}

// enter writes what a linked sign-in changes: the mapped attributes, and the subject in identities.
func (p *pool) enter(l *link, subject string, mapped []attributeInput, now time.Time) error {
	if err := p.updateAttributes(l.user, mapped, now); err != nil {
		return err
	}
	if l.user.now.status == forceChangePassword && p.unverified.LinkedSignInMakesExternal {
		p.setStatus(l.user, externalProvider, now)
	}
	if l.bound && l.identity.UserID == subject {
		return nil
	}
	p.untieLink(l)
	l.bound, l.identity.UserID = true, subject
	p.tieLink(l)
	return p.writeIdentities(l.user, now)
}

// newProfile makes the profile of somebody who signs in for the first time, and puts it into the provider's group.
func (p *pool) newProfile(v *provider, username, subject, sub string, mapped []attributeInput, now time.Time) (*user, error) {
	attrs, err := p.createAttributes(mapped)
	if err != nil {
		return nil, err
	}
	if missing := p.schema.missing(attrs); missing != "" {
		return nil, invalidParameter("user.%s: The attribute is required", missing)
	}
	u := p.newUser(username, sub, &record{attrs: attrs, status: externalProvider, enabled: true, modified: epochOf(now)}, now)
	u.profile = &identity{UserID: subject, ProviderName: v.name, ProviderType: v.kind, Primary: true, DateCreated: epochMs(now.UnixMilli())}
	if err := p.writeIdentities(u, now); err != nil {
		return nil, err
	}
	name := p.id + "_" + v.name
	g := p.groups[p.foldGroup(name)]
	if g == nil {
		text := "Autogenerated group for users who sign in using " + v.name
		g = p.newGroup(name, &groupRecord{description: &text, modified: epochOf(now)}, now)
	}
	return u, p.join(u, g, now)
}
