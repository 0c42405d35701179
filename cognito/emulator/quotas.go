package emulator

import (
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

// bucket is a token bucket that holds one second's worth of its rate.
type bucket struct {
	tokens float64
	at     time.Time
}

// limiter keeps the buckets that are in use.
type limiter struct {
	quotas Quotas
	mu     sync.Mutex
	used   map[string]*bucket
	swept  time.Time // when idle buckets were last dropped
}

// maxIdleBuckets bounds the memory of per-user buckets: beyond it, full ones are dropped.
const maxIdleBuckets = 10_000

// take uses one request of each quota that op falls under, or nothing and answers false.
func (l *limiter) take(op *operation, input any, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	var wanted []*bucket
	for key, rate := range l.rules(op, input) {
		b := l.fill(key, rate, now)
		if b.tokens < 1 {
			return false
		}
		wanted = append(wanted, b)
	}
	for _, b := range wanted {
		b.tokens--
	}
	if len(l.used) > maxIdleBuckets && now.Sub(l.swept) >= time.Second {
		l.swept = now
		for key, b := range l.used {
			if now.Sub(b.at) >= time.Second {
				delete(l.used, key)
			}
		}
	}
	return true
}

// rules yields the key and rate of each limited quota that a call falls under.
func (l *limiter) rules(op *operation, input any) func(func(string, float64) bool) {
	type rule struct {
		key  string
		rate float64
	}
	rules := []rule{{"category " + string(op.category), l.quotas.Rates[op.category]}}
	if op.perPool {
		rules = append(rules, rule{"operation " + op.name + " " + poolOf(input), l.quotas.PerOperation})
	}
	if name := userOf(input); name != "" {
		switch op.user {
		case readsUser:
			rules = append(rules, rule{"reads " + poolOf(input) + " " + name, l.quotas.UserReads})
		case writesUser:
			rules = append(rules, rule{"writes " + poolOf(input) + " " + name, l.quotas.UserWrites})
		case noUser:
		}
	}
	return func(yield func(string, float64) bool) {
		for _, r := range rules {
			if r.rate > 0 && !yield(r.key, r.rate) {
				return
			}
		}
	}
}

func (l *limiter) fill(key string, rate float64, now time.Time) *bucket {
	if l.used == nil {
		l.used = map[string]*bucket{}
	}
	full := max(rate, 1)
	b := l.used[key]
	if b == nil {
		b = &bucket{tokens: full, at: now}
		l.used[key] = b
	}
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.tokens = min(full, b.tokens+passed*rate)
	}
	b.at = now
	return b
}
