package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/config"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/server"
)

// The ready-made pool of the emulator, and where it answers unless told otherwise.
const (
	emulatorAddress = "127.0.0.1:9230"
	emulatorRegion  = "us-east-1"
	emulatorPool    = emulatorRegion + "_local"
)

type emulateCommand struct {
	Listen string `placeholder:"ADDR" default:"127.0.0.1:9230" help:"Where to answer (${default})."`
	Quotas string `placeholder:"aws|off" enum:"aws,off" default:"aws" help:"Whether to throttle as AWS does (${default})."`
}

// Run serves the emulator until ctx ends.
func (c emulateCommand) Run(ctx context.Context, w world) error {
	running, err := startEmulator(c.Listen, "--listen", c.Quotas)
	if err != nil {
		return err
	}
	if err := lookInside(w.Out, running.endpoint, c.Quotas); err != nil {
		return errors.Join(err, running.stop())
	}
	select {
	case <-ctx.Done():
		return running.stop()
	case err := <-running.failed:
		return fmt.Errorf("serving the emulator: %w", err)
	}
}

// runningEmulator is an emulator that answers on a port.
type runningEmulator struct {
	endpoint string
	failed   chan error // why it ended, once
	server   *http.Server
}

// startEmulator makes an emulator with the ready-made pool and serves it; flag is what to name when the address is taken.
func startEmulator(address, flag, quotas string) (*runningEmulator, error) {
	var cfg emulator.Config
	cfg.Region = emulatorRegion
	if quotas == "aws" {
		cfg.Quotas = emulator.AWSQuotas()
	}
	made := emulator.New(cfg)
	pool := emulator.PoolConfig{ID: emulatorPool, Name: "local"}
	for _, name := range schemas.OverflowNames() {
		pool.CustomAttributes = append(pool.CustomAttributes, emulator.CustomAttribute{Name: strings.TrimPrefix(name, "custom:")})
	}
	if err := made.CreatePool(pool); err != nil {
		return nil, fmt.Errorf("making the emulator's pool: %w", err)
	}
	listener, err := listen(address, flag)
	if err != nil {
		return nil, err
	}
	e := &runningEmulator{endpoint: reachable(listener.Addr()), failed: make(chan error, 1), server: server.HTTPServer(made, slog.Default())}
	go func() { e.failed <- e.server.Serve(listener) }()
	return e, nil
}

// stop closes the port and waits until nobody serves it. Nothing of it is worth draining: it keeps nothing.
func (e *runningEmulator) stop() error {
	err := e.server.Close()
	if ended := <-e.failed; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// emulatedConfig is the config of `serve --emulator`, its store in a folder of the caller's.
func emulatedConfig(endpoint, token, folder string) *config.Config {
	cfg := config.Default()
	cfg.Store = "sqlite:" + filepath.Join(folder, "scim-cognito.db")
	cfg.TrustedProxies = []string{"127.0.0.0/8", "::1/128"} // a tunnel on this machine, such as ngrok, tells the public URL
	cfg.Connections = []config.Connection{{
		Name: "emulator", UnknownMembers: "skip", Overflow: "keep",
		Tokens: []config.Token{{Name: "local", Secret: config.NewSecret(token)}},
		Pool:   config.Pool{ID: emulatorPool, Region: emulatorRegion, Endpoint: endpoint, Share: 0.8},
	}}
	return cfg
}

// newToken returns 48 characters from 192 random bits.
func newToken() string {
	b := make([]byte, 24)
	rand.Read(b) // crypto/rand never fails: it ends the program instead
	return hex.EncodeToString(b)
}
