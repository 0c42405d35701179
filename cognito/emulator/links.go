package emulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Inputs of the operations on links, by the model's names.
type (
	providerUser struct {
		ProviderName           string `aws:"ProviderNameType"`
		ProviderAttributeName  string `aws:"StringType"`
		ProviderAttributeValue string `aws:"StringType"`
	}
	linkInput struct {
		UserPoolId      string        `aws:"StringType,required"`
		DestinationUser *providerUser `aws:"ProviderUserIdentifierType,required"`
		SourceUser      *providerUser `aws:"ProviderUserIdentifierType,required"`
	}
	unlinkInput struct {
		UserPoolId string        `aws:"StringType,required"`
		User       *providerUser `aws:"ProviderUserIdentifierType,required"`
	}
)

func (in *linkInput) pool() string   { return in.UserPoolId }
func (in *linkInput) user() string   { return in.DestinationUser.ProviderAttributeValue }
func (in *unlinkInput) pool() string { return in.UserPoolId }

const (
	// nativeProvider is the provider name of the pool's own users.
	nativeProvider = "Cognito"
	// subjectAttribute names a provider's own identifier of a person: SAML's NameID, OIDC's sub.
	subjectAttribute = "Cognito_Subject"
	// maxLinks is a hard quota of a user.
	maxLinks = 5
)

// source is what a link recognises a person by: the value of a mapped attribute, or the subject, as one provider states it. It is
// compared exactly.
type source struct{ provider, attribute, value string }

// link lets a person of an identity provider sign in as a user of the pool.
type link struct {
	source   source
	user     *user
	identity identity
	bound    bool // somebody has signed in: the link also recognises that subject
}

// keys are what the link is found by.
func (l *link) keys() []source {
	if l.bound {
		return []source{l.source, {l.source.provider, subjectAttribute, l.identity.UserID}}
	}
	return []source{l.source}
}

// tieLink makes a link known to its user and to the pool.
func (p *pool) tieLink(l *link) {
	l.user.links = append(slices.Clone(l.user.links), l)
	for _, key := range l.keys() {
		p.links[key] = l
	}
}

// untieLink is the opposite of tieLink.
func (p *pool) untieLink(l *link) {
	for _, key := range l.keys() {
		delete(p.links, key)
	}
	l.user.links = slices.DeleteFunc(slices.Clone(l.user.links), func(x *link) bool { return x == l })
}

// identity is an entry of the attribute identities, with the keys that Cognito writes.
type identity struct {
	UserID       string  `json:"userId"` // the subject, or what stands for it until the first sign-in
	ProviderName string  `json:"providerName"`
	ProviderType string  `json:"providerType"`
	Issuer       *string `json:"issuer"`
	Primary      bool    `json:"primary"`
	DateCreated  epochMs `json:"dateCreated"`
}

// epochMs is a date in Unix milliseconds, written so.
type epochMs int64

// misleading is what Cognito says of a source that has a profile, or a link, already: the words describe another mistake.
func misleading() error {
	return invalidParameter("Invalid SourceUser: Cognito users with a username/password may not be passed in as a SourceUser, only as a DestinationUser")
}

func (e *Emulator) adminLinkProviderForUser(in *linkInput) (any, error) {
	return e.withPool(in.UserPoolId, func(p *pool, now time.Time) (any, error) {
		u, err := p.destination(*in.DestinationUser)
		if err != nil {
			return nil, err
		}
		return unit{}, p.link(u, *in.SourceUser, now)
	})
}

// destination finds who a link leads to: a user of the pool, whatever ProviderAttributeName says, or a federated profile.
func (p *pool) destination(d providerUser) (*user, error) {
	switch {
	case d.ProviderName == "" || d.ProviderAttributeValue == "":
		return nil, invalidParameter("DestinationUser needs ProviderName and ProviderAttributeValue")
	case d.ProviderName == nativeProvider:
		return p.find(d.ProviderAttributeValue)
	}
	return p.find(d.ProviderName + "_" + d.ProviderAttributeValue)
}

// link ties a source to u, who must not have it yet, nor be unable to take what the provider writes at each sign-in.
func (p *pool) link(u *user, from providerUser, now time.Time) error {
	if from.ProviderName == nativeProvider {
		return misleading()
	}
	v, err := p.provider(from.ProviderName)
	if err != nil {
		return err
	}
	from.ProviderAttributeName = v.poolAttribute(from.ProviderAttributeName)
	if from.ProviderAttributeName == "" || from.ProviderAttributeValue == "" {
		return invalidParameter("Invalid SourceUser: ProviderAttributeName must be %s or a mapped attribute, with a value", subjectAttribute)
	}
	s := source{v.name, from.ProviderAttributeName, from.ProviderAttributeValue}
	profile := p.profile(v.name, s.value)
	switch {
	case p.links[s] != nil || profile != nil && s.attribute == subjectAttribute:
		return misleading()
	case len(u.links) >= maxLinks:
		return limitExceeded("Exceeded the limit of %d linked identities for a user.", maxLinks)
	}
	for _, a := range u.now.attrs {
		if !a.mutable {
			return invalidParameter("user.%s: Attribute cannot be updated.", a.name)
		}
	}
	p.tieLink(&link{source: s, user: u, identity: identity{UserID: s.value, ProviderName: v.name, ProviderType: v.kind, DateCreated: epochMs(now.UnixMilli())}})
	return p.writeIdentities(u, now)
}

// poolAttribute returns the attribute that a link's ProviderAttributeName means: itself, or the one to which that claim is mapped. It
// is empty if there is none.
func (v *provider) poolAttribute(name string) string {
	if name == subjectAttribute || v.mapping[name] != "" {
		return name
	}
	for attribute, claim := range v.mapping {
		if claim == name {
			return attribute
		}
	}
	return ""
}

// profile finds the federated profile of a provider's subject, or nil. A case-insensitive pool finds it in any case.
func (p *pool) profile(provider, subject string) *user {
	if u := p.users[p.fold(provider+"_"+subject)]; u != nil && u.profile != nil {
		return u
	}
	return nil
}

// unlink removes a link.
func (p *pool) unlink(l *link, now time.Time) error {
	p.untieLink(l)
	return p.writeIdentities(l.user, now)
}

// writeIdentities renders the attribute identities from the user's profile and links.
func (p *pool) writeIdentities(u *user, now time.Time) error {
	var list []identity
	if u.profile != nil {
		list = append(list, *u.profile)
	}
	for _, l := range u.links {
		list = append(list, l.identity)
	}
	value := ""
	if list != nil {
		b, err := json.Marshal(list)
		if err != nil {
			return fmt.Errorf("encoding identities: %w", err)
		}
		value = string(b)
	}
	r := *u.now
	r.attrs, r.modified = r.attrs.with(p.schema.byName["identities"], value), epochOf(now)
	p.change(u, &r, now)
	return nil
}

// adminDisableProviderForUser takes a way to sign in from a user: the password of a native one, the link of a linked one; a federated
// profile without a link is disabled.
func (e *Emulator) adminDisableProviderForUser(in *unlinkInput) (any, error) {
	return e.withPool(in.UserPoolId, func(p *pool, now time.Time) (any, error) {
		if in.User.ProviderName == nativeProvider {
			u, err := p.find(in.User.ProviderAttributeValue)
			if err != nil {
				return nil, err
			}
			u.secret = nil
			return unit{}, nil
		}
		v, err := p.provider(in.User.ProviderName)
		if err != nil {
			return nil, err
		}
		name := v.poolAttribute(in.User.ProviderAttributeName)
		if l := p.links[source{v.name, name, in.User.ProviderAttributeValue}]; l != nil {
			return unit{}, p.unlink(l, now)
		}
		u := p.profile(v.name, in.User.ProviderAttributeValue)
		if u == nil || name != subjectAttribute {
			return nil, userNotFound()
		}
		p.enableUser(u, false, now)
		return unit{}, nil
	})
}
