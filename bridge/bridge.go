// Package bridge decides what must change in a user pool so that it is as an identity provider asks, and changes it.
// An operation compares what is (the mirror) with what is asked, makes a plan of Cognito calls in pure code, carries it
// out, and writes down what the pool then holds.
//
// Work of more than one call is in the journal from before its first call until after its last, and goes on when its
// request has run out of time or the process has been killed.
package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// DirectoryConfig says what a directory is made of. Pool and Store are required.
type DirectoryConfig struct {
	Pool  *cognito.Pool
	Store *store.Store
	// Types are the resource types; the store's trees must be theirs. nil: schemas.Plain.
	Types *schemas.Types
	// Attributes are mapping rows beyond the standard ones.
	Attributes []schemas.Row
	// Grants make values of users' attributes memberships.
	Grants []Grant
	// Adoption, AdoptSelfSignedUp and AdoptGroups say what of the users and groups that were there before is SCIM's.
	//
	// AdoptSelfSignedUp acknowledges that people may have made accounts themselves: adoption then replaces the password and
	// ends the sessions. Without it, a pool that lets people sign up is refused unless nobody is adopted.
	//
	// AdoptGroups are the names of groups that are listed although SCIM did not make them, EveryGroup for all without an IAM
	// role; one with a role only by its name.
	Adoption          Adoption
	AdoptSelfSignedUp bool
	AdoptGroups       []string
	// SweepEvery is the pause between two sweeps of the pool. 0: 30 minutes. Negative: none after the first, for tests.
	SweepEvery time.Duration
	// Lag is how long Cognito's listings may take to show a write (they are eventually consistent). 0: 30 seconds.
	Lag time.Duration
	// AtOnce is how much work of more than one call may be under way, which goes on when its request is answered; what is
	// more waits in the journal, deactivations and deletions excepted. 0: 2,000.
	AtOnce int
	// Clock tells the time. nil: time.Now.
	Clock func() time.Time
	// Logger gets what no caller is there to be told. nil: slog.Default().
	Logger *slog.Logger
}

// Directory is a pool, its attribute mapping and its mirror. Connections to one pool share it.
type Directory struct {
	pool     *cognito.Pool
	mirror   *store.Directory
	mapping  *schemas.Mapping
	style    style
	grants   []grant
	granting []string // see the function of that name
	adoption adoption
	cfg      DirectoryConfig
	log      *slog.Logger
	poolID   string
	space    uuid.UUID // of the ids of groups that do not carry ours

	warm        atomic.Bool  // the mirror has been complete once
	groupsKnown atomic.Bool  // every group of the pool has been seen
	swept       atomic.Int64 // when the last complete sweep of this process ended, Unix ms; 0: none yet
	stale       atomic.Bool  // rows may be in the state that a former policy gave them
	exposed     atomic.Bool  // see signUps
	unreachable atomic.Pointer[error]
	sweepNow    chan struct{} // asks for a sweep at once

	running     running  // the journal's work that is under way
	promises    promises // the userNames that it gives to users
	guard       guardian // what holds deprovisioning back
	federations federations

	base context.Context // of work that outlives its request
	stop context.CancelFunc
}

// OpenDirectory checks that the pool can hold what SCIM sends and opens its mirror. The error is one sentence for the
// operator that says what to do.
func OpenDirectory(ctx context.Context, cfg DirectoryConfig) (*Directory, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Types == nil {
		cfg.Types = schemas.Plain
	}
	if cfg.SweepEvery == 0 {
		cfg.SweepEvery = 30 * time.Minute
	}
	if cfg.Lag == 0 {
		cfg.Lag = 30 * time.Second
	}
	if cfg.AtOnce == 0 {
		cfg.AtOnce = 2000
	}
	info := cfg.Pool.Info()
	mapping, err := fit(cfg.Types, info, cfg.Attributes)
	if err != nil {
		return nil, err
	}
	adoption, err := adoptionOf(info, cfg)
	if err != nil {
		return nil, err
	}
	grants, err := newGrants(cfg.Types.Users, cfg.Grants)
	if err != nil {
		return nil, err
	}
	mirror, err := cfg.Store.Directory(ctx, info.ID, info.Created)
	if err != nil {
		return nil, fmt.Errorf("opening the mirror of pool %s: %w", info.ID, err)
	}
	d := &Directory{
		pool: cfg.Pool, mirror: mirror, mapping: mapping, grants: grants, granting: granting(grants, mapping), style: styleOf(info), adoption: adoption, cfg: cfg, poolID: info.ID,
		log: cfg.Logger.With("pool", info.ID), sweepNow: make(chan struct{}, 1),
		space: uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:scim-cognito:"+info.ID)),
	}
	if err := d.adopt(ctx); err != nil {
		return nil, fmt.Errorf("taking over the journal of pool %s: %w", info.ID, err)
	}
	swept, err := mirror.Swept(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the mirror of pool %s: %w", info.ID, err)
	}
	policy, err := mirror.Policy(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the mirror of pool %s: %w", info.ID, err)
	}
	current := policy == d.policy()
	d.warm.Store(!swept.IsZero() && current)
	d.groupsKnown.Store(!swept.IsZero() && current)
	d.stale.Store(!swept.IsZero() && !current)
	d.base, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	return d, nil
}

// Run keeps the mirror in step with the pool and finishes what the journal holds, until ctx ends. Close stops what
// requests have left running.
func (d *Directory) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	loops.Go(func() { d.sweepLoop(ctx) })
	loops.Go(func() { d.journalLoop(ctx) })
	loops.Go(func() { d.guardLoop(ctx) })
	loops.Go(func() { d.watchLoop(ctx) })
	loops.Wait()
	return context.Cause(ctx)
}

// Close stops the work that outlived its request and waits for it; the journal keeps what is left. It does not close the
// pool or the store.
func (d *Directory) Close() {
	d.stop()
	d.running.close()
}

// Ready says why the directory cannot serve everything yet, as an *Error; nil when it can.
func (d *Directory) Ready() error {
	if p := d.unreachable.Load(); p != nil {
		return d.unusable(*p)
	}
	for _, e := range d.pool.Troubles() {
		if e.Fault().Everything() {
			return d.unusable(e)
		}
	}
	if !d.warm.Load() {
		return d.warming()
	}
	return nil
}

// Troubles say what does not work although the directory is ready, for whoever asks whether it is.
func (d *Directory) Troubles() []string {
	var all []string
	for _, e := range d.pool.Troubles() {
		if detail := faultDetail(e.Fault()); !slices.Contains(all, detail) {
			all = append(all, detail)
		}
	}
	return all
}

func (d *Directory) now() time.Time { return d.cfg.Clock() }

// UnknownMembers says what to do about members that neither mirror nor pool know.
type UnknownMembers uint8

// SkipUnknown leaves them out of the group, records them and carries on; RejectUnknown refuses the request.
const (
	SkipUnknown UnknownMembers = iota
	RejectUnknown
)

// FullOverflow says what to do about attributes for which a user has no room left.
type FullOverflow uint8

// KeepFitting leaves them out of the user, records them and carries on; RejectOverflow refuses the request.
const (
	KeepFitting FullOverflow = iota
	RejectOverflow
)

// UserNameChange says what to do about a new userName for somebody whose Username in Cognito cannot change.
type UserNameChange uint8

// MoveUserName changes SCIM's userName and leaves the Username as it is; RefuseUserName refuses the request.
const (
	MoveUserName UserNameChange = iota
	RefuseUserName
)

// ConnectionConfig is one identity provider's right to push. Name and Directory are required.
type ConnectionConfig struct {
	Name           string
	Directory      *Directory
	UnknownMembers UnknownMembers
	Overflow       FullOverflow
	Passwords      Passwords
	// Invite is how Cognito invites new users, with a temporary password; "": it does not.
	Invite cognito.Courier
	// Guard bounds how many people the connection may deactivate or delete in a while; zero: as many as it likes.
	Guard          Guard
	UserNameChange UserNameChange
	// Domains are the e-mail domains inside which addresses are marked as verified, in any case. Empty: all.
	Domains []string
	// Strict: no dialect is understood.
	Strict     bool
	Federation *Federation // nil: people are not linked to an identity provider
	Deletion   Deletion
}

// Connection is one identity provider's view of a directory, and everything it can reach. It is safe for concurrent use.
type Connection struct {
	cfg     ConnectionConfig
	dir     *Directory
	vouches vouch
}

// NewConnection returns the connection that cfg describes.
func NewConnection(cfg ConnectionConfig) *Connection {
	c := &Connection{cfg: cfg, dir: cfg.Directory, vouches: voucher(cfg.Domains)}
	if c.dir != nil {
		c.dir.register(c)
	}
	return c
}

// Name is the connection's name in the configuration.
func (c *Connection) Name() string { return c.cfg.Name }

// Strict reports whether the connection refuses the dialects of identity providers (schemas.Dialects).
func (c *Connection) Strict() bool { return c.cfg.Strict }

// Ready is the directory's.
func (c *Connection) Ready() error { return c.dir.Ready() }

// Troubles are the directory's.
func (c *Connection) Troubles() []string { return c.dir.Troubles() }

// Request is what a change must know of the request that makes it, beside the resource.
type Request struct {
	ID      string   // the request id that the answer and the log carry
	Ignored []string // attributes of the body that were left out, and why
	// Precondition is asked before a resource is changed or deleted, while nobody else can change it; its error is the
	// operation's. nil: none.
	Precondition func(store.Doc) error
}

type requestKey struct{}

// WithRequest returns a context whose changes are made, and recorded, under req.
func WithRequest(ctx context.Context, req Request) context.Context {
	return context.WithValue(ctx, requestKey{}, req)
}

func requestOf(ctx context.Context) Request {
	req, _ := ctx.Value(requestKey{}).(Request)
	return req
}

// expected checks the request's precondition.
func (d *Directory) expected(ctx context.Context, doc store.Doc) error {
	check := requestOf(ctx).Precondition
	if check == nil {
		return nil
	}
	if doc.Kind == store.Group {
		if err := d.ensureMembers(ctx, doc); err != nil { // they are part of the version
			return err
		}
		var err error
		if doc, err = d.get(ctx, doc.Kind, doc.ID); err != nil {
			return err
		}
	}
	return check(doc)
}
