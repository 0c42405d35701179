// Package server speaks SCIM 2.0 over HTTP (RFC 7644) to the identity providers that push: it authenticates, decodes,
// calls the bridge connection that the token selects, and renders what is stored. It decides nothing about Cognito.
package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// Config says whom a Server serves and under which name.
type Config struct {
	// Connections are the identity providers that may push; at least one.
	Connections []Connection
	// Types are the resource types; those of the connections' directories. nil: schemas.Plain.
	Types *schemas.Types
	// BaseURL is the public URL without /scim/v2, such as "https://scim.example.com"; it starts every meta.location and
	// $ref. Empty: taken from each request's host, and from the forwarded headers of TrustedProxies.
	BaseURL string
	// TrustedProxies are the networks of the proxies whose Forwarded and X-Forwarded-… headers count. Empty: none.
	TrustedProxies []netip.Prefix
	// Limits bound what one request may ask for; the zero value holds the defaults.
	Limits Limits
	// Clock tells the time, for the expiry of tokens and the duration of requests. Nil: time.Now.
	Clock func() time.Time
	// Logger gets one line a request. Nil: slog.Default().
	Logger *slog.Logger
}

// Connection is one identity provider's right to push and the tokens that prove it.
type Connection struct {
	Bridge *bridge.Connection
	// Tokens may overlap, so that one can be replaced without an interruption; at least one.
	Tokens []Token
}

// Server is the http.Handler that serves SCIM under /scim/v2, and /healthz and /readyz. It is safe for concurrent use.
type Server struct {
	types       *schemas.Types
	connections []*bridge.Connection
	credentials []credential
	origin      origin
	limits      Limits
	cursors     cursors
	admission   admission
	clock       func() time.Time
	logger      *slog.Logger
	router      chi.Router
}

// New builds the server. The error names what of the configuration cannot work.
func New(cfg Config) (*Server, error) {
	s := &Server{
		types:  cfg.Types,
		limits: cfg.Limits.withDefaults(),
		clock:  cfg.Clock,
		logger: cfg.Logger,
	}
	if s.types == nil {
		s.types = schemas.Plain
	}
	s.admission.room = s.limits.InProgress
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.logger == nil {
		s.logger = slog.Default()
	}
	var err error
	if s.origin, err = newOrigin(cfg.BaseURL, cfg.TrustedProxies); err != nil {
		return nil, err
	}
	if s.cursors, err = newCursors(); err != nil {
		return nil, err
	}
	if s.credentials, err = collectCredentials(cfg.Connections); err != nil {
		return nil, err
	}
	for _, c := range cfg.Connections {
		s.connections = append(s.connections, c.Bridge)
	}
	s.router = s.routes()
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

func collectCredentials(connections []Connection) ([]credential, error) {
	if len(connections) == 0 {
		return nil, errors.New("no connections: nobody could push")
	}
	var all []credential
	for i, c := range connections {
		if c.Bridge == nil {
			return nil, fmt.Errorf("connection %d has no bridge", i)
		}
		if len(c.Tokens) == 0 {
			return nil, fmt.Errorf("connection %q has no tokens: nobody could use it", c.Bridge.Name())
		}
		for _, t := range c.Tokens {
			if t.Secret == (Secret{}) {
				return nil, fmt.Errorf("connection %q: token %q has no secret", c.Bridge.Name(), t.Name)
			}
			for _, other := range all {
				if other.token.Secret == t.Secret {
					return nil, fmt.Errorf("connection %q: token %q has the same secret as token %q of connection %q: a token selects its connection",
						c.Bridge.Name(), t.Name, other.token.Name, other.connection.Name())
				}
			}
			all = append(all, credential{token: t, connection: c.Bridge})
		}
	}
	return all, nil
}
