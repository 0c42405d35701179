package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/config"
)

// serveCommand is the server. A nil flag was not given; an empty one was.
type serveCommand struct {
	Config           string    `placeholder:"FILE" help:"The configuration; start from config.sample.json."`
	Emulator         bool      `help:"Try it: a Cognito emulator inside, one pool, nothing kept. Token: SCIM_TOKEN, else one is made."`
	Listen           *string   `placeholder:"ADDR" help:"Where to serve SCIM (127.0.0.1:8080)."`
	Private          *string   `placeholder:"ADDR" help:"Where to serve the operator, on loopback (127.0.0.1:8081); empty turns it off."`
	Store            *string   `placeholder:"URL" help:"Where to keep the mirror (sqlite:scim-cognito.db)."`
	CreateAttributes bool      `help:"Add the custom attributes that the pool lacks. Cognito can never remove them."`
	EmulatorListen   *string   `placeholder:"ADDR" help:"Where the emulator answers (127.0.0.1:9230)."`
	EmulatorQuotas   *string   `placeholder:"aws|off" enum:"aws,off" help:"Whether the emulator throttles as AWS does (aws)."`
	EmulatorStyle    poolStyle `embed:"" prefix:"emulator-"`
}

var errNoMode = errors.New(`serve needs to know its user pool. Either
  scim-cognito serve --emulator      tries everything out on this machine, without AWS, or
  scim-cognito serve --config FILE   serves real pools; copy config.sample.json and fill in your pool's id`)

// Run serves until ctx ends.
func (c serveCommand) Run(ctx context.Context, w world) error {
	switch {
	case c.Config != "" && c.Emulator:
		return usageError{errors.New("serve: --config and --emulator exclude each other; to use a config with an emulator, run " +
			"`scim-cognito emulate` and set pool.endpoint")}
	case c.Config == "" && !c.Emulator:
		return usageError{errNoMode}
	}
	if err := c.checkFlags(); err != nil {
		return usageError{err}
	}
	switch {
	case c.Emulator:
		return c.emulated(ctx, w)
	case c.EmulatorListen != nil || c.EmulatorQuotas != nil || c.EmulatorStyle.given():
		return usageError{errors.New("serve: --emulator-listen, --emulator-quotas and the emulator's other flags need --emulator")}
	}
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	if err := c.override(cfg); err != nil {
		return fmt.Errorf("config %s: %w", c.Config, err)
	}
	if err := cfg.Resolve(config.Sources{LookupEnv: w.LookupEnv, ReadFile: os.ReadFile}); err != nil {
		return fmt.Errorf("config %s: %w", c.Config, err)
	}
	logger := slog.New(slog.NewJSONHandler(w.Err, &slog.HandlerOptions{ReplaceAttr: withUnit}))
	return serve(ctx, cfg, wiring{Logger: logger, CreateAttributes: c.CreateAttributes}, func(string) error { return nil })
}

// withUnit writes durations as text, such as 1.2ms, like the logs that are text: JSON's would be bare nanoseconds.
func withUnit(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// checkFlags judges the flags that stand for keys of the config, before the file can be blamed for them.
func (c serveCommand) checkFlags() error {
	var problems []error
	check := func(key string, value *string) {
		if value == nil {
			return
		}
		if err := config.CheckKey(key, *value); err != nil {
			problems = append(problems, fmt.Errorf("--%s: %w", key, err))
		}
	}
	check("listen", c.Listen)
	check("private", c.Private)
	check("store", c.Store)
	return errors.Join(problems...)
}

// override lets the flags win and judges the outcome.
func (c serveCommand) override(cfg *config.Config) error {
	cfg.Listen = given(c.Listen, cfg.Listen)
	cfg.Private = given(c.Private, cfg.Private)
	cfg.Store = given(c.Store, cfg.Store)
	return cfg.Validate()
}

func given(flag *string, otherwise string) string {
	if flag == nil {
		return otherwise
	}
	return *flag
}

// emulated serves one pool of an emulator in this process.
func (c serveCommand) emulated(ctx context.Context, w world) (err error) {
	token, _ := w.LookupEnv("SCIM_TOKEN")
	token = cmp.Or(token, newToken())
	if err := config.CheckToken(token, 1); err != nil { // any length will do where nothing is kept
		return fmt.Errorf("SCIM_TOKEN: %w", err)
	}
	logger := slog.New(slog.NewTextHandler(w.Err, nil))
	quotas := given(c.EmulatorQuotas, "aws")
	emulator, err := startEmulator(given(c.EmulatorListen, emulatorAddress), "--emulator-listen", quotas, c.EmulatorStyle, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, emulator.stop()) }()
	folder, err := os.MkdirTemp("", "scim-cognito-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()

	cfg := emulatedConfig(emulator.endpoint, token, folder)
	if err := c.override(cfg); err != nil {
		return err
	}
	wires := wiring{Logger: logger, CreateAttributes: c.CreateAttributes}
	if quotas == "off" {
		wires.Quotas = &cognito.Quotas{} // nobody throttles, so nothing needs pacing
	}
	return serve(ctx, cfg, wires, func(address string) error {
		return welcome(w.Out, invitation{SCIM: address, Token: token, Endpoint: emulator.endpoint, Quotas: quotas, Kept: c.Store != nil})
	})
}
