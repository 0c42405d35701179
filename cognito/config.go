package cognito

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Config says which pool and how to call it.
type Config struct {
	// PoolID: the user pool, such as "eu-west-1_a1B2c3D4e". Required.
	PoolID string
	// Region: such as "eu-west-1". Empty: the part of PoolID before the underscore;
	// with an Endpoint, whose ids say nothing about a region, "us-east-1".
	Region string
	// Endpoint: base URL of something that speaks Cognito's protocol. Empty: AWS.
	Endpoint string

	// Share: the part of each quota that we use, in (0,1]; 0 = 0.8. The rest is for
	// whoever else calls Cognito in this account, and bounds our bursts.
	Share float64
	// Quotas: nil = AWSQuotas(); &Quotas{} = no pacing.
	Quotas *Quotas
	// Pace: shared by the pools of one account and region, whose quotas they share.
	// nil = the pool's own, from Share and Quotas, which must be zero otherwise.
	Pace *Pace

	// Attempts: how often one call is tried within its context's deadline. 0 = 4.
	Attempts int
	// Timeout: of one attempt. 0 = 10 s.
	Timeout time.Duration
	// MaxBackoff: the longest wait before another attempt, beside the pace; the
	// waits are random, growing from 0–2 s. 0 = 5 s.
	MaxBackoff time.Duration

	// Transport: carries the requests. nil = an http.Transport tuned for one busy host.
	Transport http.RoundTripper
	// Credentials: nil = the SDK's default chain (environment, shared files, role of
	// the container or instance); with an Endpoint on this machine and nothing
	// configured, made-up ones, and no instance metadata service is asked.
	Credentials aws.CredentialsProvider
	// Logger: nil = no logs.
	Logger *slog.Logger
}

// poolID is the service model's UserPoolIdType.
var poolID = regexp.MustCompile(`^[\w-]+_[0-9a-zA-Z]+$`)

const maxPoolID = 55

// complete checks a Config and fills in what zero values mean.
func (c Config) complete() (Config, error) {
	if !poolID.MatchString(c.PoolID) || len(c.PoolID) > maxPoolID {
		return c, fmt.Errorf("%q is not a user pool id: it should look like eu-west-1_a1B2c3D4e", c.PoolID)
	}
	if c.Share < 0 || c.Share > 1 {
		return c, fmt.Errorf("the share of the quotas is %v: it must be in (0,1]", c.Share)
	}
	if c.Pace != nil && (c.Share != 0 || c.Quotas != nil) {
		return c, errors.New("share and quotas belong to the shared pace: leave them out of the pool's configuration")
	}
	if c.Attempts < 0 || c.Timeout < 0 || c.MaxBackoff < 0 {
		return c, errors.New("attempts, timeout and backoff cannot be negative")
	}
	if c.Endpoint != "" {
		if u, err := url.Parse(c.Endpoint); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return c, fmt.Errorf("the Cognito endpoint %q is not a URL like http://127.0.0.1:9229", c.Endpoint)
		}
	}
	if c.Region == "" {
		c.Region = "us-east-1"
		if c.Endpoint == "" {
			c.Region, _, _ = strings.Cut(c.PoolID, "_")
		}
	}
	if c.Attempts == 0 {
		c.Attempts = 4
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.MaxBackoff == 0 {
		c.MaxBackoff = 5 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Pace == nil {
		c.Pace = NewPace(PaceConfig{Quotas: c.Quotas, Share: c.Share})
	}
	return c, nil
}

// isLoopback reports whether an endpoint is on this machine.
func isLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (ip != nil && ip.IsLoopback())
}
