package emulator

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Inputs and outputs of signing in, by the model's names.
type (
	initiateAuthInput struct {
		AuthFlow                           string            `aws:"AuthFlowType,required"`
		AuthParameters                     map[string]string `aws:"AuthParametersType"`
		ClientMetadata                     map[string]string `aws:"ClientMetadataType"`
		ClientId                           string            `aws:"ClientIdType,required"`
		AnalyticsMetadata, UserContextData ignored
		Session                            string `aws:"SessionType"`
	}
	adminInitiateAuthInput struct {
		ofClient
		AuthFlow                       string            `aws:"AuthFlowType,required"`
		AuthParameters                 map[string]string `aws:"AuthParametersType"`
		ClientMetadata                 map[string]string `aws:"ClientMetadataType"`
		AnalyticsMetadata, ContextData ignored
		Session                        string `aws:"SessionType"`
	}
	respondInput struct {
		ClientId                           string            `aws:"ClientIdType,required"`
		ChallengeName                      string            `aws:"ChallengeNameType,required"`
		Session                            string            `aws:"SessionType"`
		ChallengeResponses                 map[string]string `aws:"ChallengeResponsesType"`
		AnalyticsMetadata, UserContextData ignored
		ClientMetadata                     map[string]string `aws:"ClientMetadataType"`
	}
	adminRespondInput struct {
		ofClient
		ChallengeName                  string            `aws:"ChallengeNameType,required"`
		ChallengeResponses             map[string]string `aws:"ChallengeResponsesType"`
		Session                        string            `aws:"SessionType"`
		AnalyticsMetadata, ContextData ignored
		ClientMetadata                 map[string]string `aws:"ClientMetadataType"`
	}
	authOutput struct {
		ChallengeName        string `json:",omitempty"`
		Session              string `json:",omitempty"`
		ChallengeParameters  map[string]string
		AuthenticationResult *tokens `json:",omitempty"`
	}
	tokens struct {
		AccessToken  string
		ExpiresIn    int
		TokenType    string
		RefreshToken string `json:",omitempty"`
		IdToken      string
	}
)

// signIn is one attempt to sign in.
type signIn struct {
	admin  bool // through an administrative operation
	flow   string
	params map[string]string
}

func (e *Emulator) adminInitiateAuth(in *adminInitiateAuthInput) (any, error) {
	return e.withClient(in.ofClient, func(p *pool, c *client, now time.Time) (any, error) {
		return e.authenticate(p, c, signIn{true, in.AuthFlow, in.AuthParameters}, now)
	})
}

func (e *Emulator) initiateAuth(in *initiateAuthInput) (any, error) {
	return e.withAnyClient(in.ClientId, func(p *pool, c *client, now time.Time) (any, error) {
		return e.authenticate(p, c, signIn{false, in.AuthFlow, in.AuthParameters}, now)
	})
}

// withAnyClient finds the pool of a client, for operations that name the client alone.
func (e *Emulator) withAnyClient(id string, act func(p *pool, c *client, now time.Time) (any, error)) (any, error) {
	p := e.poolOfClient(id)
	if p == nil {
		return nil, resourceNotFound("User pool client %s does not exist.", id)
	}
	return e.withClient(ofClient{ofPool{p.id}, id}, act)
}

// poolOfClient returns the pool that has a client, or nil.
func (e *Emulator) poolOfClient(id string) *pool {
	for _, p := range e.allPools() {
		p.Lock()
		_, ok := p.clients[id]
		p.Unlock()
		if ok {
			return p
		}
	}
	return nil
}

// authenticate carries out the flows that need no cryptography on the client's side.
func (e *Emulator) authenticate(p *pool, c *client, s signIn, now time.Time) (any, error) {
	switch {
	case s.flow == "USER_PASSWORD_AUTH" && c.allows("ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"):
	case s.admin && (s.flow == "ADMIN_USER_PASSWORD_AUTH" || s.flow == "ADMIN_NO_SRP_AUTH") && c.allows("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"):
	case (s.flow == "REFRESH_TOKEN_AUTH" || s.flow == "REFRESH_TOKEN") && c.allows("ALLOW_REFRESH_TOKEN_AUTH"):
		return e.refresh(p, c, s.params, now)
	case s.flow == "USER_PASSWORD_AUTH" || s.flow == "REFRESH_TOKEN_AUTH" || s.flow == "REFRESH_TOKEN" || strings.HasPrefix(s.flow, "ADMIN_"):
		return nil, invalidParameter("Auth flow not enabled for this client")
	default:
		return nil, invalidParameter("AuthFlow %s is not emulated", s.flow)
	}
	name, password := s.params["USERNAME"], s.params["PASSWORD"]
	if name == "" || password == "" {
		return nil, invalidParameter("Missing required parameter USERNAME or PASSWORD")
	}
	if err := c.checkSecret(name, s.params["SECRET_HASH"]); err != nil {
		return nil, err
	}
	u, err := p.checkPassword(c, name, password, now)
	if err != nil {
		return nil, err
	}
	if u.now.status == forceChangePassword {
		return e.demandPassword(p, c, u, now)
	}
	return authOutput{ChallengeParameters: map[string]string{}, AuthenticationResult: e.issue(p, c, u, now)}, nil
}

// checkPassword finds who signs in, and refuses whom Cognito refuses.
func (p *pool) checkPassword(c *client, name, password string, now time.Time) (*user, error) {
	incorrect := notAuthorized("Incorrect username or password.")
	u, err := p.find(name)
	if err != nil {
		if c.settings.PreventUserExistenceErrors == "ENABLED" {
			return nil, incorrect
		}
		return nil, err
	}
	switch secret := u.secret; {
	case !u.now.enabled:
		return nil, notAuthorized("User is disabled.")
	case u.now.status == resetRequired:
		return nil, clientError("PasswordResetRequiredException", "Password reset required for the user")
	case secret == nil || secret.hash != hashPassword(u, password):
		return nil, incorrect
	case !secret.expires.IsZero() && now.After(secret.expires):
		return nil, notAuthorized("Temporary password has expired and must be reset by an administrator.")
	}
	return u, nil
}

// demandPassword answers the challenge that a person with a temporary password meets.
func (e *Emulator) demandPassword(p *pool, c *client, u *user, now time.Time) (any, error) {
	known := map[string]string{}
	for _, a := range u.now.attrs {
		known[a.name] = a.value
	}
	list, err := json.Marshal(known)
	if err != nil {
		return nil, fmt.Errorf("encoding a user's attributes: %w", err)
	}
	session := e.token(96, alphanum)
	p.challenges[session] = challenge{u, c.id, now.Add(time.Duration(c.settings.AuthSessionValidity) * time.Minute)}
	return authOutput{
		ChallengeName: "NEW_PASSWORD_REQUIRED", Session: session,
		ChallengeParameters: map[string]string{"USER_ID_FOR_SRP": u.username, "requiredAttributes": "[]", "userAttributes": string(list)},
	}, nil
}

// challenge is a sign-in that waits for a new password.
type challenge struct {
	user    *user
	client  string
	expires time.Time
}

func (e *Emulator) respondToAuthChallenge(in *respondInput) (any, error) {
	return e.withAnyClient(in.ClientId, func(p *pool, c *client, now time.Time) (any, error) {
		return e.newPassword(p, c, in.ChallengeName, in.Session, in.ChallengeResponses, now)
	})
}

func (e *Emulator) adminRespondToAuthChallenge(in *adminRespondInput) (any, error) {
	return e.withClient(in.ofClient, func(p *pool, c *client, now time.Time) (any, error) {
		return e.newPassword(p, c, in.ChallengeName, in.Session, in.ChallengeResponses, now)
	})
}

// newPassword answers NEW_PASSWORD_REQUIRED: the user is CONFIRMED from then on. Attributes come as userAttributes.<name>.
func (e *Emulator) newPassword(p *pool, c *client, name, session string, responses map[string]string, now time.Time) (any, error) {
	if name != "NEW_PASSWORD_REQUIRED" {
		return nil, invalidParameter("ChallengeName %s is not emulated", name)
	}
	open, ok := p.challenges[session]
	u := open.user
	switch {
	case !ok || open.client != c.id || now.After(open.expires):
		return nil, notAuthorized("Invalid session for the user, session is expired.")
	case p.subs[u.sub] != u || p.fold(responses["USERNAME"]) != u.username:
		return nil, notAuthorized("Invalid session for the user.")
	case !u.now.enabled:
		return nil, notAuthorized("User is disabled.")
	}
	if err := p.policy.check(responses["NEW_PASSWORD"]); err != nil {
		return nil, err
	}
	var given []attributeInput
	for key, value := range responses {
		if attribute, ok := strings.CutPrefix(key, "userAttributes."); ok {
			given = append(given, attributeInput{attribute, value})
		}
	}
	if err := p.updateAttributes(u, given, now); err != nil {
		return nil, err
	}
	delete(p.challenges, session)
	p.setStatus(u, confirmed, now)
	u.secret = &credentials{hash: hashPassword(u, responses["NEW_PASSWORD"])}
	return authOutput{ChallengeParameters: map[string]string{}, AuthenticationResult: e.issue(p, c, u, now)}, nil
}
