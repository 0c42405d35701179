package emulator

import (
	"slices"
	"strings"
	"time"
)

type (
	accessTokenInput struct {
		AccessToken string `aws:"TokenModelType,required"`
	}
	revokeTokenInput struct {
		Token        string `aws:"TokenModelType,required"`
		ClientId     string `aws:"ClientIdType,required"`
		ClientSecret string `aws:"ClientSecretType"`
	}
	updateOwnInput struct {
		UserAttributes []attributeInput  `aws:"AttributeListType,required"`
		AccessToken    string            `aws:"TokenModelType,required"`
		ClientMetadata map[string]string `aws:"ClientMetadataType"`
	}
	updatedOwn struct{ CodeDeliveryDetailsList []unit }
	gotOwn     struct {
		Username       string
		UserAttributes []attributeInput
	}
)

// session is what one sign-in began: a refresh token, and the access tokens made from it. Tokens are opaque: <pool id>.<kind>.<random>.
type session struct {
	user    *user
	client  string
	refresh string
	expires time.Time
	revoked bool
	access  []accessToken
}

type accessToken struct {
	token   string
	expires time.Time
	revoked bool
}

// issue begins a session and answers its tokens.
func (e *Emulator) issue(p *pool, c *client, u *user, now time.Time) *tokens {
	for _, old := range u.sessions {
		if now.After(old.expires) {
			p.forget(old)
		}
	}
	s := &session{user: u, client: c.id, refresh: p.id + ".refresh." + e.token(64, alphanum), expires: now.Add(c.refreshLife())}
	u.sessions = append(u.sessions, s)
	p.sessions[s.refresh] = s
	t := e.renew(p, c, s, now)
	t.RefreshToken = s.refresh
	return t
}

// renew makes a session's next access and identity tokens.
func (e *Emulator) renew(p *pool, c *client, s *session, now time.Time) *tokens {
	for _, a := range s.access {
		if now.After(a.expires) {
			delete(p.sessions, a.token)
		}
	}
	s.access = slices.DeleteFunc(s.access, func(a accessToken) bool { return now.After(a.expires) })
	token := p.id + ".access." + e.token(64, alphanum)
	s.access = append(s.access, accessToken{token: token, expires: now.Add(c.accessLife())})
	p.sessions[token] = s
	return &tokens{AccessToken: token, ExpiresIn: int(c.accessLife().Seconds()), TokenType: "Bearer", IdToken: p.id + ".id." + e.token(64, alphanum)}
}

// forget removes a session and its tokens.
func (p *pool) forget(s *session) {
	delete(p.sessions, s.refresh)
	for _, a := range s.access {
		delete(p.sessions, a.token)
	}
	s.user.sessions = slices.DeleteFunc(slices.Clone(s.user.sessions), func(x *session) bool { return x == s })
}

// revokeAccess makes a user's access tokens worthless, as disabling does; refresh tokens stay until the user signs out.
func (u *user) revokeAccess() {
	for _, s := range u.sessions {
		for i := range s.access {
			s.access[i].revoked = true
		}
	}
}

// signOut ends all sessions of a user.
func (u *user) signOut() {
	u.revokeAccess()
	for _, s := range u.sessions {
		s.revoked = true
	}
}

// refresh answers REFRESH_TOKEN_AUTH.
func (e *Emulator) refresh(p *pool, c *client, params map[string]string, now time.Time) (any, error) {
	s := p.sessions[params["REFRESH_TOKEN"]]
	switch {
	case s == nil || s.refresh != params["REFRESH_TOKEN"] || s.client != c.id:
		return nil, notAuthorized("Invalid Refresh Token")
	case s.revoked:
		return nil, notAuthorized("Refresh Token has been revoked")
	case now.After(s.expires):
		return nil, notAuthorized("Refresh Token has expired")
	case !s.user.now.enabled:
		return nil, notAuthorized("User is disabled.")
	}
	if err := c.checkSecret(s.user.username, params["SECRET_HASH"]); err != nil {
		return nil, err
	}
	return authOutput{ChallengeParameters: map[string]string{}, AuthenticationResult: e.renew(p, c, s, now)}, nil
}

// withAccess runs act for whom an access token speaks.
func (e *Emulator) withAccess(token string, act func(p *pool, c *client, u *user, now time.Time) (any, error)) (any, error) {
	id, _, _ := strings.Cut(token, ".")
	invalid := notAuthorized("Invalid Access Token")
	if _, err := e.pool(id); err != nil {
		return nil, invalid
	}
	return e.withPool(id, func(p *pool, now time.Time) (any, error) {
		s := p.sessions[token]
		if s == nil || s.refresh == token {
			return nil, invalid
		}
		a := s.access[slices.IndexFunc(s.access, func(a accessToken) bool { return a.token == token })]
		c := p.clients[s.client]
		switch {
		case c == nil:
			return nil, invalid
		case a.revoked:
			return nil, notAuthorized("Access Token has been revoked")
		case now.After(a.expires):
			return nil, notAuthorized("Access Token has expired")
		}
		return act(p, c, s.user, now)
	})
}

func (e *Emulator) getUser(in *accessTokenInput) (any, error) {
	return e.withAccess(in.AccessToken, func(_ *pool, c *client, u *user, _ time.Time) (any, error) {
		visible := slices.DeleteFunc(view{u, u.now}.attributes(), func(a attributeInput) bool { return !c.reads(a.Name) })
		return gotOwn{u.username, visible}, nil
	})
}

// updateUserAttributes lets people change what their app client may write.
func (e *Emulator) updateUserAttributes(in *updateOwnInput) (any, error) {
	return e.withAccess(in.AccessToken, func(p *pool, c *client, u *user, now time.Time) (any, error) {
		for _, a := range in.UserAttributes {
			if p.schema.byName[a.Name] != nil && !c.writes(a.Name) {
				return nil, notAuthorized("A client attempted to write unauthorized attribute")
			}
		}
		return updatedOwn{[]unit{}}, p.updateAttributes(u, in.UserAttributes, now)
	})
}

func (e *Emulator) globalSignOut(in *accessTokenInput) (any, error) {
	return e.withAccess(in.AccessToken, func(_ *pool, _ *client, u *user, _ time.Time) (any, error) {
		u.signOut()
		return unit{}, nil
	})
}

// revokeToken ends the session of a refresh token. Tokens that nobody knows are no error (RFC 7009, section 2.2).
func (e *Emulator) revokeToken(in *revokeTokenInput) (any, error) {
	if e.poolOfClient(in.ClientId) == nil {
		return nil, invalidParameter("User pool client %s does not exist.", in.ClientId) // no ResourceNotFound is modelled
	}
	return e.withAnyClient(in.ClientId, func(p *pool, c *client, _ time.Time) (any, error) {
		s := p.sessions[in.Token]
		switch {
		case c.secret != in.ClientSecret:
			return nil, clientError("UnauthorizedException", "Invalid client secret")
		case s == nil || s.client != c.id:
			return unit{}, nil
		case s.refresh != in.Token:
			return nil, clientError("UnsupportedTokenTypeException", "Unsupported token type")
		}
		s.revoked = true
		for i := range s.access {
			s.access[i].revoked = true
		}
		return unit{}, nil
	})
}
