package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cmd/scim-cognito/operator"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/config"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/server"
	"github.com/scim-cognito/scim-cognito/store"
)

// wiring is what the parts need and the config does not say.
type wiring struct {
	Logger           *slog.Logger
	CreateAttributes bool            // add the custom attributes that a pool lacks
	Quotas           *cognito.Quotas // nil: AWS's
}

// application is all parts of a server, plugged together.
type application struct {
	handler     http.Handler // of the public listener
	operator    http.Handler // of the private one
	types       *schemas.Types
	store       *store.Store
	pools       []*cognito.Pool
	directories map[string]*bridge.Directory // by pool id
	paces       map[string]*cognito.Pace     // by endpoint and region: their quotas are shared by all pools
}

// build opens what the config names. The error says what to do; nothing is left open then.
func build(ctx context.Context, cfg *config.Config, w wiring) (_ *application, err error) {
	a := &application{directories: make(map[string]*bridge.Directory), paces: make(map[string]*cognito.Pace)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	a.types = schemas.NewTypes(typesOf(cfg))
	trees := map[store.Kind]*attribute.Tree{store.User: a.types.Users.Tree, store.Group: a.types.Groups.Tree}
	if a.store, err = store.Open(ctx, store.Config{URL: cfg.Store, Trees: trees, Logger: w.Logger}); err != nil {
		return nil, err
	}
	var connections []server.Connection
	for _, c := range cfg.Connections {
		directory, err := a.directory(ctx, c, w)
		if err != nil {
			return nil, fmt.Errorf("connection %s: %w", c.Name, err)
		}
		federation, err := bridge.OpenFederation(ctx, bridge.FederationConfig{Directory: directory, Provider: c.Federation.Provider,
			SubjectFrom: c.Federation.SubjectFrom, Attribute: c.Federation.Attribute, ReplaceProfile: c.Federation.ReplaceProfile, Logger: w.Logger})
		if err != nil {
			return nil, fmt.Errorf("connection %s: %w", c.Name, err)
		}
		connections = append(connections, server.Connection{
			Bridge: bridge.NewConnection(bridge.ConnectionConfig{Name: c.Name, Directory: directory,
				UnknownMembers: unknownMembers[c.UnknownMembers], Overflow: overflow[c.Overflow], Deletion: deletion[c.Deletion],
				Strict: c.Strict, Passwords: passwords[c.Passwords], Invite: couriers[c.Invite],
				Guard:          bridge.Guard{People: c.Guard.People, Percent: c.Guard.Percent, Window: c.Guard.Length()},
				UserNameChange: userNameChange[c.UserNameChange], Domains: c.Domains, Federation: federation}),
			Tokens: tokens(c, w.Logger),
		})
	}
	if a.handler, err = server.New(server.Config{
		Connections: connections, Types: a.types, BaseURL: cfg.BaseURL, TrustedProxies: prefixes(cfg.TrustedProxies), Logger: w.Logger,
	}); err != nil {
		return nil, err
	}
	var directories []operator.Directory
	for _, pool := range slices.Sorted(maps.Keys(a.directories)) {
		directories = append(directories, a.directories[pool])
	}
	a.operator = operator.New(operator.Config{Directories: directories, Activity: a.store, Health: a.handler, Logger: w.Logger})
	return a, nil
}

// typesOf are the resource types with the config's extensions.
func typesOf(cfg *config.Config) schemas.TypesConfig {
	t := schemas.TypesConfig{KeepUnknown: cfg.UnknownExtensions == "keep"}
	for _, s := range cfg.Schemas {
		t.Extensions = append(t.Extensions, schemas.Extension{ID: s.ID, Name: s.Name, Description: s.Description, Attributes: definitions(s.Attributes)})
	}
	return t
}

func definitions(attributes []config.SchemaAttribute) []schemas.Definition {
	var all []schemas.Definition
	for _, a := range attributes {
		all = append(all, schemas.Definition{
			Name: a.Name, Type: a.Type, MultiValued: a.MultiValued, Required: a.Required, CaseExact: a.CaseExact, CanonicalValues: a.CanonicalValues,
			Mutability: a.Mutability, Returned: a.Returned, ReferenceTypes: a.ReferenceTypes, Description: a.Description,
			SubAttributes: definitions(a.SubAttributes),
		})
	}
	return all
}

func grants(c config.Connection) []bridge.Grant {
	var all []bridge.Grant
	for _, g := range c.Grants {
		all = append(all, bridge.Grant{Attribute: g.Attribute, Separator: g.Separator, Value: g.Value, Group: g.Group, Prefix: g.GroupPrefix,
			Display: g.Display, Description: g.Description})
	}
	return all
}

var (
	unknownMembers = map[string]bridge.UnknownMembers{"skip": bridge.SkipUnknown, "reject": bridge.RejectUnknown}
	overflow       = map[string]bridge.FullOverflow{"keep": bridge.KeepFitting, "reject": bridge.RejectOverflow}
	passwords      = map[string]bridge.Passwords{"ignore": bridge.IgnorePasswords, "sync": bridge.SyncPasswords, "random": bridge.RandomPasswords}
	couriers       = map[string]cognito.Courier{"": "", "email": cognito.ByEmail, "sms": cognito.BySMS}
	userNameChange = map[string]bridge.UserNameChange{"move": bridge.MoveUserName, "refuse": bridge.RefuseUserName}
	adoption       = map[string]bridge.Adoption{"": bridge.AdoptByPool, "none": bridge.AdoptNone, "match": bridge.AdoptMatches, "all": bridge.AdoptAll}
	deletion       = map[string]bridge.Deletion{"delete": bridge.DeleteUsers, "disable": bridge.DisableUsers}
)

// directory opens a connection's pool and mirror, unless another connection on the same pool has.
func (a *application) directory(ctx context.Context, c config.Connection, w wiring) (*bridge.Directory, error) {
	if d, open := a.directories[c.Pool.ID]; open {
		return d, nil
	}
	var rows []schemas.Row
	for _, row := range c.Attributes {
		rows = append(rows, schemas.Row{SCIM: row.SCIM, Cognito: row.Cognito})
	}
	pool, err := a.pool(ctx, c.Pool, rows, w)
	if err != nil {
		return nil, err
	}
	d, err := bridge.OpenDirectory(ctx, bridge.DirectoryConfig{Pool: pool, Store: a.store, Types: a.types, Attributes: rows, Grants: grants(c), Logger: w.Logger,
		Adoption: adoption[c.Adoption], AdoptSelfSignedUp: c.AdoptSelfSignedUp, AdoptGroups: c.AdoptGroups})
	if err != nil {
		return nil, err
	}
	a.directories[c.Pool.ID] = d
	if c.Clients != "acknowledge" {
		return d, d.CheckClients(ctx)
	}
	return d, nil
}

func (a *application) pool(ctx context.Context, p config.Pool, rows []schemas.Row, w wiring) (*cognito.Pool, error) {
	home := p.Endpoint + " " + p.HomeRegion()
	if a.paces[home] == nil {
		a.paces[home] = cognito.NewPace(cognito.PaceConfig{Quotas: w.Quotas, Share: p.Share})
	}
	open := func() (*cognito.Pool, error) {
		pool, err := cognito.Open(ctx, cognito.Config{PoolID: p.ID, Region: p.Region, Endpoint: p.Endpoint, Pace: a.paces[home], Logger: w.Logger})
		if err == nil {
			a.pools = append(a.pools, pool)
		}
		return pool, err
	}
	pool, err := open()
	if err != nil {
		return nil, err
	}
	missing, err := bridge.MissingAttributes(a.types, pool.Info(), rows)
	if err != nil {
		return nil, err
	}
	if !w.CreateAttributes || len(missing) == 0 {
		return pool, nil // what is missing stops OpenDirectory
	}
	for some := range slices.Chunk(missing, 25) { // AddCustomAttributes takes 25 a call
		if err := pool.AddCustomAttributes(ctx, some...); err != nil {
			return nil, fmt.Errorf("adding custom attributes to pool %s, which needs cognito-idp:AddCustomAttributes: %w", p.ID, err)
		}
	}
	w.Logger.InfoContext(ctx, "custom attributes added", "pool", p.ID, "attributes", missing)
	return open() // a pool is as it was when it was opened
}

// tokens says in the log which are of no use any more: an identity provider's 401 alone would not tell why.
func tokens(c config.Connection, logger *slog.Logger) []server.Token {
	var all []server.Token
	for _, t := range c.Tokens {
		if at := t.Expiry(); !at.IsZero() && at.Before(time.Now()) {
			logger.Warn("token has expired", "connection", c.Name, "token", t.Name, "expired", at)
		}
		all = append(all, server.Token{Name: t.Name, Secret: server.NewSecret(t.Secret.Reveal()), Expires: t.Expiry()})
	}
	return all
}

func prefixes(networks []string) []netip.Prefix {
	var all []netip.Prefix
	for _, n := range networks {
		all = append(all, netip.MustParsePrefix(n).Masked()) // Validate has parsed it
	}
	return all
}

// close ends the work that outlived its request, then closes what that work used.
func (a *application) close() error {
	for _, d := range a.directories {
		d.Close()
	}
	for _, p := range a.pools {
		p.Close()
	}
	if a.store == nil {
		return nil
	}
	if err := a.store.Close(); err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	return nil
}
