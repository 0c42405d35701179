package emulator

import (
	"slices"
	"sync"
	"time"
)

// Category is a group of operations that share one request rate over all pools of an account and region (quotas page of Cognito's
// developer guide).
type Category string

// The categories of the emulated operations.
const (
	UserCreation           Category = "UserCreation"
	UserRead               Category = "UserRead"
	UserUpdate             Category = "UserUpdate"
	UserList               Category = "UserList"
	UserResourceRead       Category = "UserResourceRead"
	UserResourceUpdate     Category = "UserResourceUpdate"
	UserAccountRecovery    Category = "UserAccountRecovery"
	UserPoolRead           Category = "UserPoolRead"
	UserPoolUpdate         Category = "UserPoolUpdate"
	UserPoolResourceRead   Category = "UserPoolResourceRead"
	UserPoolResourceUpdate Category = "UserPoolResourceUpdate"
	UserPoolClientRead     Category = "UserPoolClientRead"
	UserPoolClientUpdate   Category = "UserPoolClientUpdate"
	UserAuthentication     Category = "UserAuthentication"
	UserFederation         Category = "UserFederation"
	UserToken              Category = "UserToken"
)

// Quotas are request rates, each per second; zero, or a category that is absent, is unlimited. Every rate may be used up at once and
// fills again evenly over a second. A request that a quota refuses uses nothing of the others.
type Quotas struct {
	// Rates are the rates by category.
	Rates map[Category]float64
	// PerOperation is the rate of each operation on each pool, for the operations that have such a limit (on groups, providers, clients
	// and custom attributes).
	PerOperation float64
	// UserReads and UserWrites are the rates of reads and writes on one user's profile (2023 revision of the quotas page; not
	// confirmed to be in force today).
	UserReads, UserWrites float64
}

// AWSQuotas returns the default quotas of an AWS account in one region, as of 2026.
func AWSQuotas() Quotas {
	return Quotas{
		Rates: map[Category]float64{
			UserCreation: 50, UserRead: 120, UserUpdate: 25, UserList: 30, UserResourceRead: 50, UserResourceUpdate: 25,
			UserAccountRecovery: 30, UserPoolRead: 15, UserPoolUpdate: 15, UserPoolResourceRead: 20, UserPoolResourceUpdate: 15,
			UserPoolClientRead: 15, UserPoolClientUpdate: 15, UserAuthentication: 120, UserFederation: 25, UserToken: 120,
		},
		PerOperation: 5,
		UserReads:    10,
		UserWrites:   10,
	}
}

// rate is one quota that a call falls under.
type rate struct {
	key       string
	perSecond float64
}

// bucket is a token bucket that holds one second's worth of its rate, and at least one token.
type bucket struct {
	tokens, perSecond float64
	at                time.Time
}

func (b *bucket) size() float64 { return max(b.perSecond, 1) }

// fill adds the tokens of the time that has passed.
func (b *bucket) fill(now time.Time) {
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.tokens = min(b.size(), b.tokens+passed*b.perSecond)
	}
	b.at = now
}

// limiter keeps the buckets that are in use.
type limiter struct {
	quotas Quotas
	mu     sync.Mutex
	used   map[string]*bucket
	swept  time.Time // when full buckets were last dropped
}

// maxBuckets bounds the memory of per-user buckets: beyond it, full ones are dropped now and then.
const maxBuckets = 10_000

// take uses one request of each quota that op falls under, or nothing and answers false.
func (l *limiter) take(op *operation, input any, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	var wanted []*bucket
	for _, r := range l.rates(op, input) {
		b := l.bucket(r, now)
		if b.tokens < 1 {
			return false
		}
		wanted = append(wanted, b)
	}
	for _, b := range wanted {
		b.tokens--
	}
	return true
}

// rates lists the quotas that a call falls under, without the unlimited ones.
func (l *limiter) rates(op *operation, input any) []rate {
	list := []rate{{"category " + string(op.category), l.quotas.Rates[op.category]}}
	if op.perPool {
		list = append(list, rate{"operation " + op.name + " " + poolOf(input), l.quotas.PerOperation})
	}
	if name := userOf(input); name != "" {
		switch op.user {
		case readsUser:
			list = append(list, rate{"reads " + poolOf(input) + " " + name, l.quotas.UserReads})
		case writesUser:
			list = append(list, rate{"writes " + poolOf(input) + " " + name, l.quotas.UserWrites})
		case noUser:
		}
	}
	return slices.DeleteFunc(list, func(r rate) bool { return r.perSecond <= 0 })
}

// bucket returns the bucket of a quota as it is now.
func (l *limiter) bucket(r rate, now time.Time) *bucket {
	if l.used == nil {
		l.used = map[string]*bucket{}
	}
	b := l.used[r.key]
	if b == nil {
		b = &bucket{perSecond: r.perSecond, at: now}
		b.tokens = b.size()
		l.used[r.key] = b
	}
	b.fill(now)
	return b
}

// sweep drops full buckets, at most once a second: they say no more than none.
func (l *limiter) sweep(now time.Time) {
	if len(l.used) <= maxBuckets || now.Sub(l.swept) < time.Second {
		return
	}
	l.swept = now
	for key, b := range l.used {
		if b.fill(now); b.tokens >= b.size() {
			delete(l.used, key)
		}
	}
}
