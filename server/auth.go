package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/bridge"
)

// Token is a secret that selects a connection.
type Token struct {
	// Name is how logs and the owner of the token call it; it is not secret.
	Name string
	// Secret is what the identity provider sends.
	Secret Secret
	// Expires is when the token stops working; zero: never.
	Expires time.Time
}

// Secret holds the SHA-256 of a token, never the token: it compares, and does not print.
type Secret struct{ sum [sha256.Size]byte }

// NewSecret returns the secret for a token in clear. Tokens are long and random (the configuration demands 32
// characters), which is why a plain hash is enough.
func NewSecret(token string) Secret { return Secret{sum: sha256.Sum256([]byte(token))} }

const hidden = "[secret]"

// String hides the secret.
func (Secret) String() string { return hidden }

// Format hides the secret from every verb of package fmt.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, hidden) }

// MarshalText hides the secret from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the secret from log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// credential is one token with the connection it selects.
type credential struct {
	token      Token
	connection *bridge.Connection
}

// authenticate lets a request pass that carries a valid token, and puts the connection which that token selects where
// the handlers find it: there is no other way to one. Nothing under /scim/v2 works without, discovery included.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchangeOf(r.Context())
		found, err := s.credentialFor(r.Header.Values("Authorization"))
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="scim"`)
			s.fail(w, r, err)
			return
		}
		x.token, x.connection = found.token.Name, found.connection
		next.ServeHTTP(w, r)
	})
}

// connection returns the connection that the request's token selected.
func connection(ctx context.Context) *bridge.Connection { return exchangeOf(ctx).connection }

// credentialFor finds the token in the values of the Authorization header. It compares hashes with all tokens, in
// constant time: how long it takes tells nothing about how near a guess is. Only who knows an expired token reads its name.
func (s *Server) credentialFor(headers []string) (*credential, error) {
	if len(headers) != 1 || strings.TrimSpace(headers[0]) == "" {
		return nil, unauthorized("One Authorization header is required: Authorization: Bearer <token>, or the token alone.")
	}
	presented := NewSecret(bearer(headers[0]))
	var found *credential
	for i := range s.credentials {
		c := &s.credentials[i]
		if subtle.ConstantTimeCompare(presented.sum[:], c.token.Secret.sum[:]) == 1 {
			found = c
		}
	}
	if found == nil {
		return nil, unauthorized("The token in the Authorization header is not known here.")
	}
	if at := found.token.Expires; !at.IsZero() && !s.clock().Before(at) {
		return nil, unauthorized(fmt.Sprintf("The token named %q expired on %s: replace it in the identity provider.",
			found.token.Name, at.UTC().Format(time.RFC3339)))
	}
	if found.connection.Strict() && bearer(headers[0]) == strings.TrimSpace(headers[0]) {
		return nil, unauthorized("This connection is strict: write Authorization: Bearer <token> (RFC 6750 section 2.1).")
	}
	return found, nil
}

// bearer returns the token in a header's value: after the scheme (RFC 6750 section 2.1; RFC 9110 section 11.1: in any
// case), or alone, since Okta's header mode sends verbatim what the admin typed.
func bearer(value string) string {
	value = strings.TrimSpace(value)
	scheme, token, ok := strings.Cut(value, " ")
	if ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return value
}

func unauthorized(detail string) error {
	return scim.ScimError{Status: http.StatusUnauthorized, Detail: detail}
}
