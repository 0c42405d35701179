package cognito

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
)

// credentialsError tells a failure to get credentials from one of the call itself.
type credentialsError struct{ err error }

// Error names the service that was asked for credentials, if it came to that.
func (e *credentialsError) Error() string {
	said := "no AWS credentials: "
	var asked *smithy.OperationError
	if errors.As(e.err, &asked) {
		said += asked.Service() + " " + asked.Operation() + ": "
	}
	return said + cause(e.err)
}

func (e *credentialsError) Unwrap() error { return e.err }

// marked is a provider whose failures are *credentialsError.
type marked struct{ next aws.CredentialsProvider }

func (m marked) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := m.next.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, &credentialsError{err}
	}
	return got, nil
}

// loadAWS reads the SDK's environment and shared files and settles the credentials.
// An emulator on this machine takes any: when none are configured it is given some,
// and the instance metadata service is not asked, which would cost seconds wherever
// there is none.
func loadAWS(ctx context.Context, cfg Config) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{config.WithRegion(cfg.Region),
		config.WithLogger(logging.Nop{})} // it writes lines of its own to stderr
	if cfg.Credentials != nil {
		options = append(options, config.WithCredentialsProvider(cfg.Credentials))
	}
	local := isLoopback(cfg.Endpoint)
	if local {
		options = append(options, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("reading the AWS configuration of this process (environment, shared files): %w", err)
	}
	if local && cfg.Credentials == nil {
		if _, err := loaded.Credentials.Retrieve(ctx); err != nil {
			cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "no AWS credentials configured: the emulator gets made-up ones",
				slog.String("endpoint", cfg.Endpoint))
			loaded.Credentials = credentials.NewStaticCredentialsProvider("emulator", "emulator", "")
		}
	}
	loaded.Credentials = marked{loaded.Credentials}
	return loaded, nil
}
