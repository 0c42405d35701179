// Package cognito is a client for one Amazon Cognito user pool: its users, groups
// and memberships.
//
// A method makes one Cognito call, tried several times within its context's
// deadline. Every call goes through one funnel, which keeps the account's request
// quotas by priority, tells failures apart by Kind, and says in Error.Sent when an
// attempt may have been applied although no answer says so.
package cognito

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

// Pool is a user pool. It is safe for concurrent use.
type Pool struct {
	client    *cip.Client
	transport http.RoundTripper
	pace      *Pace
	retry     *retry.Standard
	timeout   time.Duration
	attempts  int
	log       *slog.Logger
	id        string
	info      Info
	troubles  troubles
}

// Open checks the configuration and the pool with one DescribeUserPool. Its error
// is a sentence for the operator that says what to do, with an *Error in its chain
// when the pool could not be described.
func Open(ctx context.Context, cfg Config) (*Pool, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	loaded, err := loadAWS(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Transport == nil {
		cfg.Transport = newTransport(loaded)
	}
	client := cip.NewFromConfig(loaded, func(o *cip.Options) {
		// One attempt a call: the funnel repeats, so that each attempt is paced and
		// its outcome kept.
		o.Retryer, o.RetryMaxAttempts = aws.NopRetryer{}, 0
		o.HTTPClient = &http.Client{Transport: wire{cfg.Transport}, CheckRedirect: noRedirect}
		if cfg.Endpoint != "" {
			o.BaseEndpoint = aws.String(cfg.Endpoint)
		}
	})
	p := &Pool{
		client:    client,
		transport: cfg.Transport,
		pace:      cfg.Pace,
		retry: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.NewExponentialJitterBackoff(cfg.MaxBackoff)
		}),
		timeout:  cfg.Timeout,
		attempts: cfg.Attempts,
		log:      cfg.Logger.With(slog.String("pool", cfg.PoolID)),
		id:       cfg.PoolID,
	}
	p.info, err = p.Describe(ctx)
	if err != nil {
		p.Close()
		return nil, advise(cfg, err)
	}
	return p, nil
}

// noRedirect: Cognito never redirects, and a signed request is for one host only.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close gives up the idle connections. Calls under way end by themselves.
func (p *Pool) Close() {
	if idle, ok := p.transport.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}

// Delay is how long it would take until these calls could all have been started at
// priority pr, given what waits at this or a higher priority. It knows the quotas of
// the categories, not those of one operation or one user.
func (p *Pool) Delay(calls map[Category]int, pr Priority) time.Duration {
	return p.pace.delay(calls, pr)
}
