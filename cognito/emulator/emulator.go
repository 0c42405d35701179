package emulator

import (
	"cmp"
	cryptorand "crypto/rand"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Emulator is Amazon Cognito's user-pool API (service cognito-idp) as an http.Handler. It is safe for concurrent use.
type Emulator struct {
	cfg    Config
	offset atomic.Int64 // nanoseconds by which the clock was moved

	random struct {
		sync.Mutex
		*rand.Rand
	}
	tokenKey [32]byte // authenticates pagination tokens

	pools struct {
		sync.RWMutex
		byID map[string]*pool
	}
	quotas limiter
	faults faultList
	calls  ledger
	mux    *http.ServeMux
}

// New returns an emulator without pools: CreatePool, or CreateUserPool over the wire, makes them.
func New(cfg Config) *Emulator {
	cfg.Region = cmp.Or(cfg.Region, "us-east-1")
	cfg.Account = cmp.Or(cfg.Account, "123456789012")
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Seed == 0 {
		var b [8]byte
		_, _ = cryptorand.Read(b[:]) // documented never to fail
		cfg.Seed = binary.LittleEndian.Uint64(b[:])
	}
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], cfg.Seed)
	e := &Emulator{cfg: cfg, quotas: limiter{quotas: cfg.Quotas}}
	e.random.Rand = rand.New(rand.NewChaCha8(key))
	key[31] = 1 // a stream of its own: fault draws must not change the subs that come after
	e.faults.draw = rand.New(rand.NewChaCha8(key))
	for i := range e.tokenKey {
		e.tokenKey[i] = byte(e.random.Uint32())
	}
	e.pools.byID = map[string]*pool{}
	e.mux = e.routes()
	return e
}

// ServeHTTP answers Cognito's wire protocol on POST / and the control endpoints, which the package documentation lists, under /-/.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

// Calls returns the number of calls by operation since the start or the last reset, whatever became of them.
func (e *Emulator) Calls() map[string]int64 { return e.calls.snapshot().Operations }

// Throttled returns the number of calls by operation that a quota refused; they are part of Calls, too.
func (e *Emulator) Throttled() map[string]int64 { return e.calls.snapshot().Throttled }

// Faulted returns the number of calls by operation that met an injected fault; they are part of Calls, too.
func (e *Emulator) Faulted() map[string]int64 { return e.calls.snapshot().Faulted }

// Invitations returns how many invitation messages Cognito would have sent: AdminCreateUser without MessageAction SUPPRESS.
func (e *Emulator) Invitations() int64 { return e.calls.snapshot().Invitations }

// ResetCalls sets all counts of calls to zero.
func (e *Emulator) ResetCalls() { e.calls.reset() }

// Now returns the emulator's time.
func (e *Emulator) Now() time.Time { return e.cfg.Clock().Add(time.Duration(e.offset.Load())) }

// Advance moves the emulator's clock by d, on top of Config.Clock and of earlier moves.
func (e *Emulator) Advance(d time.Duration) { e.offset.Add(int64(d)) }

// setTime moves the clock so that it shows t now.
func (e *Emulator) setTime(t time.Time) { e.offset.Store(int64(t.Sub(e.cfg.Clock()))) }

// uuid draws an identifier in Cognito's form: 36 characters with hyphens, but not an RFC 9562 UUID: its variant bits are random.
func (e *Emulator) uuid() string {
	e.random.Lock()
	hi, lo := e.random.Uint64(), e.random.Uint64()
	e.random.Unlock()
	return formatUUID(hi, lo)
}

// token draws n characters out of alphabet.
func (e *Emulator) token(n int, alphabet string) string {
	e.random.Lock()
	defer e.random.Unlock()
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[e.random.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	lower    = "abcdefghijklmnopqrstuvwxyz"
	upper    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits   = "0123456789"
	alphanum = lower + upper + digits
)

// pool finds a pool by id. Every operation that names a pool answers a missing one in these words.
func (e *Emulator) pool(id string) (*pool, error) {
	e.pools.RLock()
	defer e.pools.RUnlock()
	p := e.pools.byID[id]
	if p == nil {
		return nil, resourceNotFound("User pool %s does not exist.", id)
	}
	return p, nil
}

// tooManyRequests is the answer to a throttled call.
func (e *Emulator) tooManyRequests() error {
	return clientError("TooManyRequestsException", "%s", cmp.Or(e.cfg.Unverified.ThrottleMessage, "Rate exceeded"))
}

// allPools returns the pools ordered by id.
func (e *Emulator) allPools() []*pool {
	e.pools.RLock()
	defer e.pools.RUnlock()
	return slices.SortedFunc(maps.Values(e.pools.byID), func(a, b *pool) int { return cmp.Compare(a.id, b.id) })
}

// ledger counts calls by operation.
type ledger struct {
	sync.Mutex
	counts counts
}

// counts is the answer of GET /-/calls.
type counts struct {
	Operations  map[string]int64 `json:"operations"`
	Throttled   map[string]int64 `json:"throttled"`
	Faulted     map[string]int64 `json:"faulted"`
	Invitations int64            `json:"invitations"`
}

func (l *ledger) count(op string, in func(*counts) *map[string]int64) {
	l.Lock()
	defer l.Unlock()
	m := in(&l.counts)
	if *m == nil {
		*m = map[string]int64{}
	}
	(*m)[op]++
}

func (l *ledger) invited() {
	l.Lock()
	defer l.Unlock()
	l.counts.Invitations++
}

func (l *ledger) snapshot() counts {
	l.Lock()
	defer l.Unlock()
	clone := func(m map[string]int64) map[string]int64 {
		if m == nil {
			return map[string]int64{}
		}
		return maps.Clone(m)
	}
	return counts{clone(l.counts.Operations), clone(l.counts.Throttled), clone(l.counts.Faulted), l.counts.Invitations}
}

func (l *ledger) reset() {
	l.Lock()
	defer l.Unlock()
	l.counts = counts{}
}
