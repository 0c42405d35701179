package emulator

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"
)

// Inputs and outputs of the operations on app clients, by the model's names.
type (
	clientSettings struct {
		RefreshTokenValidity                     int64               `aws:"RefreshTokenValidityType"`
		AccessTokenValidity                      int64               `aws:"AccessTokenValidityType" json:",omitempty"`
		IdTokenValidity                          int64               `aws:"IdTokenValidityType" json:",omitempty"`
		TokenValidityUnits                       *tokenValidityUnits `aws:"TokenValidityUnitsType" json:",omitempty"`
		ReadAttributes                           []string            `aws:"ClientPermissionListType" json:",omitempty"`
		WriteAttributes                          []string            `aws:"ClientPermissionListType" json:",omitempty"`
		ExplicitAuthFlows                        []string            `aws:"ExplicitAuthFlowsListType" json:",omitempty"`
		SupportedIdentityProviders               []string            `aws:"SupportedIdentityProvidersListType" json:",omitempty"`
		CallbackURLs                             []string            `aws:"CallbackURLsListType" json:",omitempty"`
		LogoutURLs                               []string            `aws:"LogoutURLsListType" json:",omitempty"`
		DefaultRedirectURI                       string              `aws:"RedirectUrlType" json:",omitempty"`
		AllowedOAuthFlows                        []string            `aws:"OAuthFlowsType" json:",omitempty"`
		AllowedOAuthScopes                       []string            `aws:"ScopeListType" json:",omitempty"`
		AllowedOAuthFlowsUserPoolClient          bool                `aws:"BooleanType"`
		PreventUserExistenceErrors               string              `aws:"PreventUserExistenceErrorTypes" json:",omitempty"`
		EnableTokenRevocation                    *bool               `aws:"WrappedBooleanType"`
		EnablePropagateAdditionalUserContextData bool                `aws:"WrappedBooleanType"`
		AuthSessionValidity                      int64               `aws:"AuthSessionValidityType"`
		AnalyticsConfiguration                   ignored             `json:"-"`
		RefreshTokenRotation                     refused             `json:"-"`
	}
	tokenValidityUnits struct {
		AccessToken  string `aws:"TimeUnitsType" json:",omitempty"`
		IdToken      string `aws:"TimeUnitsType" json:",omitempty"`
		RefreshToken string `aws:"TimeUnitsType" json:",omitempty"`
	}
	createClientInput struct {
		ofPool
		ClientName     string `aws:"ClientNameType,required"`
		GenerateSecret bool   `aws:"GenerateSecret"`
		ClientSecret   string `aws:"ClientSecretType"`
		clientSettings
	}
	updateClientInput struct {
		ofClient
		ClientName string `aws:"ClientNameType"`
		clientSettings
	}
	ofClient struct {
		ofPool
		ClientId string `aws:"ClientIdType,required"`
	}
	listClientsInput struct {
		ofPool
		MaxResults *int64 `aws:"QueryLimit"`
		NextToken  string `aws:"PaginationKey"`
	}
	clientOutput struct {
		UserPoolId, ClientName, ClientId string
		ClientSecret                     string `json:",omitempty"`
		LastModifiedDate, CreationDate   epoch
		clientSettings
	}
	gotClient     struct{ UserPoolClient clientOutput }
	clientSummary struct{ ClientId, UserPoolId, ClientName string }
	listedClients struct {
		UserPoolClients []clientSummary
		NextToken       string `json:",omitempty"`
	}
)

// client is an app client: what people sign in through, and what limits the attributes that they see and write themselves.
type client struct {
	id, name, secret  string
	created, modified epoch
	settings          clientSettings
}

func (p *pool) client(id string) (*client, error) {
	if c := p.clients[id]; c != nil {
		return c, nil
	}
	return nil, resourceNotFound("User pool client %s does not exist.", id)
}

func (c *client) output(p *pool) gotClient {
	return gotClient{clientOutput{p.id, c.name, c.id, c.secret, c.modified, c.created, c.settings}}
}

// complete checks the settings against the pool and fills in the API's defaults.
func (s clientSettings) complete(p *pool) (clientSettings, error) {
	for _, name := range slices.Concat(s.ReadAttributes, s.WriteAttributes) {
		if p.schema.byName[name] == nil {
			return s, invalidParameter("Invalid read attributes specified while creating a client")
		}
	}
	for _, name := range s.WriteAttributes {
		if row := p.schema.byName[name]; row.readOnly || strings.HasSuffix(name, "_verified") {
			return s, invalidParameter("Invalid write attributes specified while creating a client")
		}
	}
	for _, name := range s.SupportedIdentityProviders {
		if name != "COGNITO" && p.providers[name] == nil {
			return s, invalidParameter("The provider %s does not exist for User Pool %s.", name, p.id)
		}
	}
	s.RefreshTokenValidity = cmp.Or(s.RefreshTokenValidity, 30)
	s.AuthSessionValidity = cmp.Or(s.AuthSessionValidity, 3)
	if s.ExplicitAuthFlows == nil { // reference of CreateUserPoolClient: what a client allows that does not say
		s.ExplicitAuthFlows = []string{"ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"}
	}
	if s.EnableTokenRevocation == nil {
		yes := true
		s.EnableTokenRevocation = &yes
	}
	return s, nil
}

func (e *Emulator) createUserPoolClient(in *createClientInput) (any, error) {
	id, secret := e.token(26, lower+digits), in.ClientSecret
	if in.GenerateSecret {
		secret = e.token(51, lower+digits)
	}
	return e.withPool(in.UserPoolId, func(p *pool, now time.Time) (any, error) {
		settings, err := in.complete(p)
		if err != nil {
			return nil, err
		}
		c := &client{id: id, name: in.ClientName, secret: secret, created: epochOf(now), modified: epochOf(now), settings: settings}
		p.clients[id] = c
		return c.output(p), nil
	})
}

func (e *Emulator) withClient(in ofClient, act func(p *pool, c *client, now time.Time) (any, error)) (any, error) {
	return e.withPool(in.UserPoolId, func(p *pool, now time.Time) (any, error) {
		c, err := p.client(in.ClientId)
		if err != nil {
			return nil, err
		}
		return act(p, c, now)
	})
}

func (e *Emulator) describeUserPoolClient(in *ofClient) (any, error) {
	return e.withClient(*in, func(p *pool, c *client, _ time.Time) (any, error) { return c.output(p), nil })
}

// updateUserPoolClient replaces the settings: what is not given goes back to its default (reference of UpdateUserPoolClient).
func (e *Emulator) updateUserPoolClient(in *updateClientInput) (any, error) {
	return e.withClient(in.ofClient, func(p *pool, c *client, now time.Time) (any, error) {
		settings, err := in.complete(p)
		if err != nil {
			return nil, err
		}
		changed := *c
		changed.name, changed.settings, changed.modified = cmp.Or(in.ClientName, c.name), settings, epochOf(now)
		p.clients[c.id] = &changed
		return changed.output(p), nil
	})
}

func (e *Emulator) deleteUserPoolClient(in *ofClient) (any, error) {
	return e.withClient(*in, func(p *pool, c *client, _ time.Time) (any, error) {
		delete(p.clients, c.id)
		return nil, nil
	})
}

func (e *Emulator) listUserPoolClients(in *listClientsInput) (any, error) {
	scope := "clients " + in.UserPoolId
	after, err := e.openToken(in.NextToken, scope, "")
	if err != nil {
		return nil, err
	}
	return e.withPool(in.UserPoolId, func(p *pool, _ time.Time) (any, error) {
		out := listedClients{UserPoolClients: []clientSummary{}}
		for _, id := range slices.Sorted(maps.Keys(p.clients)) {
			if id <= after.Key {
				continue
			}
			if n := len(out.UserPoolClients); n == limit(in.MaxResults) {
				out.NextToken = e.sealToken(scope, "", mark{Key: out.UserPoolClients[n-1].ClientId})
				break
			}
			out.UserPoolClients = append(out.UserPoolClients, clientSummary{id, p.id, p.clients[id].name})
		}
		return out, nil
	})
}

// reads reports whether people see an attribute of theirs through the client. Without a list these are the standard ones.
func (c *client) reads(name string) bool {
	if c.settings.ReadAttributes == nil {
		return !strings.Contains(name, ":")
	}
	return name == "sub" || slices.Contains(c.settings.ReadAttributes, name)
}

// writes reports whether people may change an attribute of theirs through the client. Verified flags are never theirs to set.
func (c *client) writes(name string) bool {
	if c.settings.WriteAttributes == nil {
		return !strings.Contains(name, ":") && !strings.HasSuffix(name, "_verified")
	}
	return slices.Contains(c.settings.WriteAttributes, name)
}

// allows reports whether one of the names of a sign-in flow is among the client's.
func (c *client) allows(flows ...string) bool {
	return slices.ContainsFunc(flows, func(f string) bool { return slices.Contains(c.settings.ExplicitAuthFlows, f) })
}

// checkSecret verifies SECRET_HASH, which clients with a secret must send: base64(HMAC-SHA256(secret, username + client id)).
func (c *client) checkSecret(username, hash string) error {
	if c.secret == "" {
		return nil
	}
	mac := hmac.New(sha256.New, []byte(c.secret))
	mac.Write([]byte(username + c.id))
	if hash == "" {
		return notAuthorized("Client %s is configured with secret but SECRET_HASH was not received", c.id)
	}
	if !hmac.Equal([]byte(hash), []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil)))) {
		return notAuthorized("SecretHash does not match for the client: %s", c.id)
	}
	return nil
}

// lifetime converts a validity of the client's settings, whose unit may be given.
func lifetime(n int64, unit, standard string, least time.Duration) time.Duration {
	units := map[string]time.Duration{"seconds": time.Second, "minutes": time.Minute, "hours": time.Hour, "days": 24 * time.Hour}
	if n == 0 {
		return least
	}
	return time.Duration(n) * units[cmp.Or(unit, standard)]
}

func (c *client) accessLife() time.Duration {
	var unit string
	if u := c.settings.TokenValidityUnits; u != nil {
		unit = u.AccessToken
	}
	return lifetime(c.settings.AccessTokenValidity, unit, "hours", time.Hour)
}

func (c *client) refreshLife() time.Duration {
	var unit string
	if u := c.settings.TokenValidityUnits; u != nil {
		unit = u.RefreshToken
	}
	return lifetime(c.settings.RefreshTokenValidity, unit, "days", 30*24*time.Hour)
}
