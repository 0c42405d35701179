// Package stack plugs a whole server together over the Cognito emulator, in one process, so that it can be measured,
// tormented and crashed: the handler that serves SCIM, the bridge, the store in a file, the client, the emulator.
package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/server"
	"github.com/scim-cognito/scim-cognito/store"
)

// What every stack is called by.
const (
	PoolID = "us-east-1_local"
	Token  = "stack-token-0123456789-0123456789"
	Path   = "/scim/v2"
)

// Config says what a stack is made of. File and Emulator are required.
type Config struct {
	// File is where the store is kept; it lasts beyond the stack.
	File string
	// Emulator has the pool PoolID: see NewEmulator. It lasts beyond the stack, too.
	Emulator *emulator.Emulator
	// Cognito is how the pool is called. PoolID is filled in. So are Endpoint and Transport when there is no Endpoint: the
	// emulator is then called without a socket, and Crash cuts it off.
	Cognito cognito.Config
	// Directory is how the mirror is kept. Pool and Store are filled in.
	Directory bridge.DirectoryConfig
	// Connection is the policy of the one connection, okta. Name, Directory and Federation are filled in.
	Connection bridge.ConnectionConfig
	// Federation is how people sign in through a provider that the pool trusts. Directory and Logger are filled in. Without a
	// Provider nobody is linked.
	Federation bridge.FederationConfig
	// Others are further connections on the pool.
	Others []Other
	// Limits bound one SCIM request.
	Limits server.Limits
	// Logger gets what the parts have to say. nil: nobody does.
	Logger *slog.Logger
}

// Other is a connection beside the first, pushed to with a token of its own. Connection and Federation are as in Config.
type Other struct {
	Name, Token string
	Connection  bridge.ConnectionConfig
	Federation  bridge.FederationConfig
}

// NewEmulator returns an emulator with an empty pool PoolID that has the custom attributes a server needs, and in which
// only administrators create users. change changes the pool before it is made.
func NewEmulator(cfg emulator.Config, change ...func(*emulator.PoolConfig)) (*emulator.Emulator, error) {
	e := emulator.New(cfg)
	pool := emulator.PoolConfig{ID: PoolID, Name: "local", AdminOnly: true}
	for _, name := range schemas.OverflowNames() {
		pool.CustomAttributes = append(pool.CustomAttributes, emulator.CustomAttribute{Name: strings.TrimPrefix(name, "custom:")})
	}
	for _, f := range change {
		f(&pool)
	}
	if err := e.CreatePool(pool); err != nil {
		return nil, fmt.Errorf("making the pool: %w", err)
	}
	return e, nil
}

// Everybody is a Directory that lists those, too, who are in the pool without SCIM.
func Everybody() bridge.DirectoryConfig { return bridge.DirectoryConfig{Adoption: bridge.AdoptAll} }

// Stack is a running server without a socket. Its methods that end it may be called once.
type Stack struct {
	Pool      *cognito.Pool
	Store     *store.Store
	Directory *bridge.Directory
	handler   http.Handler

	dead    atomic.Bool
	calling sync.RWMutex // held for reading by each call to the pool
	stop    context.CancelFunc
	stopped chan struct{}
}

// Open starts a stack. Its background work lasts until Close or Crash, whatever becomes of ctx.
func Open(ctx context.Context, cfg Config) (_ *Stack, err error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Stack{stopped: make(chan struct{})}
	cfg.Cognito.PoolID = PoolID
	if cfg.Cognito.Endpoint == "" {
		cfg.Cognito.Endpoint = "http://127.0.0.1:1"
		cfg.Cognito.Transport = s.wire(pooltest.InProcess(cfg.Emulator))
	}
	if s.Pool, err = cognito.Open(ctx, cfg.Cognito); err != nil {
		return nil, err
	}
	trees := map[store.Kind]*attribute.Tree{store.User: schemas.Users.Tree, store.Group: schemas.Groups.Tree}
	if s.Store, err = store.Open(ctx, store.Config{URL: "sqlite:" + cfg.File, Trees: trees, Logger: cfg.Logger}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Store.Close())
		}
	}()
	cfg.Directory.Pool, cfg.Directory.Store, cfg.Directory.Logger = s.Pool, s.Store, cfg.Logger
	if s.Directory, err = bridge.OpenDirectory(ctx, cfg.Directory); err != nil {
		return nil, err
	}
	var connections []server.Connection
	for _, c := range append([]Other{{"okta", Token, cfg.Connection, cfg.Federation}}, cfg.Others...) {
		c.Connection.Name, c.Connection.Directory = c.Name, s.Directory
		if c.Federation.Provider != "" {
			c.Federation.Directory, c.Federation.Logger = s.Directory, cfg.Logger
			if c.Connection.Federation, err = bridge.OpenFederation(ctx, c.Federation); err != nil {
				return nil, err
			}
		}
		connections = append(connections, server.Connection{Bridge: bridge.NewConnection(c.Connection),
			Tokens: []server.Token{{Name: "only", Secret: server.NewSecret(c.Token)}}})
	}
	s.handler, err = server.New(server.Config{Connections: connections, BaseURL: "https://scim.example.com", Limits: cfg.Limits, Logger: cfg.Logger})
	if err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	go func() {
		defer close(s.stopped)
		_ = s.Directory.Run(background) // ends with background
	}()
	return s, nil
}

// ServeHTTP serves SCIM under Path. Once the stack has crashed, connections break instead of being answered.
func (s *Stack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.dead.Load() {
		panic(http.ErrAbortHandler)
	}
	s.handler.ServeHTTP(w, r)
	if s.dead.Load() {
		panic(http.ErrAbortHandler)
	}
}

// errDead is what the parts of a crashed stack get of the network.
var errDead = errors.New("the process is dead")

type wire func(*http.Request) (*http.Response, error)

// RoundTrip carries one request.
func (f wire) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// wire cuts the stack off from the pool when it crashes: what is under way then arrives, but its answer does not.
func (s *Stack) wire(next http.RoundTripper) http.RoundTripper {
	return wire(func(r *http.Request) (*http.Response, error) {
		s.calling.RLock()
		defer s.calling.RUnlock()
		if s.dead.Load() {
			return nil, errDead
		}
		response, err := next.RoundTrip(r)
		if s.dead.Load() {
			return nil, errDead
		}
		return response, err
	})
}

// Close stops the stack in an orderly way.
func (s *Stack) Close() error {
	s.stop()
	<-s.stopped
	s.Directory.Close()
	return s.Store.Close()
}

// Crash stops the stack as a killed process would stop: from now on nothing is answered, nothing is called, and nothing
// is written down. It returns when the pool has dealt with the calls that were under way.
func (s *Stack) Crash() error {
	s.dead.Store(true)
	err := s.Store.Close()
	s.stop()
	<-s.stopped
	s.Directory.Close()
	s.calling.Lock()
	defer s.calling.Unlock()
	return err
}
