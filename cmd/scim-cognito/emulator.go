package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/config"
	"github.com/scim-cognito/scim-cognito/server"
)

// The ready-made pool of the emulator, and where it answers unless told otherwise.
const (
	emulatorAddress = "127.0.0.1:9230"
	emulatorRegion  = "us-east-1"
	emulatorPool    = emulatorRegion + "_local"
)

// runningEmulator is an emulator that answers on a port.
type runningEmulator struct {
	endpoint string
	failed   chan error // why it ended, once
	server   *http.Server
}

// serveEmulator answers on a listener.
func serveEmulator(listener net.Listener, handler http.Handler, logger *slog.Logger) *runningEmulator {
	e := &runningEmulator{endpoint: reachable(listener.Addr()), failed: make(chan error, 1), server: server.HTTPServer(handler, logger)}
	go func() { e.failed <- e.server.Serve(listener) }()
	return e
}

// startEmulator makes an emulator with the ready-made pool and serves it; flag is what to name when the address is taken.
func startEmulator(address, flag, quotas string, style poolStyle, logger *slog.Logger) (*runningEmulator, error) {
	listener, err := listen(address, flag)
	if err != nil {
		return nil, err
	}
	made := emulator.New(emulatorConfig(quotas))
	if err := made.CreatePool(style.pool()); err != nil {
		return nil, errors.Join(fmt.Errorf("making the emulator's pool: %w", err), listener.Close())
	}
	return serveEmulator(listener, made, logger), nil
}

func emulatorConfig(quotas string) emulator.Config {
	cfg := emulator.Config{Region: emulatorRegion}
	if quotas == "aws" {
		cfg.Quotas = emulator.AWSQuotas()
	}
	return cfg
}

// lastCalls is how long the calls under way may take when the emulator stops; a faulty one may hang for ever.
const lastCalls = time.Second

// stop closes the port and waits until nobody serves it.
func (e *runningEmulator) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), lastCalls)
	defer cancel()
	err := e.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = e.server.Close()
	}
	if ended := <-e.failed; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// emulatedConfig is the config of `serve --emulator`, its store in a folder of the caller's. Whatever people make in that
// pool by hand is shown: there is nothing to protect.
func emulatedConfig(endpoint, token, folder string) *config.Config {
	cfg := config.Default()
	cfg.Store = "sqlite:" + filepath.Join(folder, "scim-cognito.db")
	cfg.TrustedProxies = []string{"127.0.0.0/8", "::1/128"} // a tunnel on this machine, such as ngrok, tells the public URL
	cfg.Connections = []config.Connection{{
		Name: "emulator", UnknownMembers: "skip", Overflow: "keep", UserNameChange: "move", Passwords: "ignore",
		Deletion: "delete", Adoption: "all", AdoptGroups: []string{"*"},
		Guard:  config.Guard{Window: "1h"},
		Tokens: []config.Token{{Name: "local", Secret: config.NewSecret(token)}},
		Pool:   config.Pool{ID: emulatorPool, Region: emulatorRegion, Endpoint: endpoint, Share: 0.8},

		Federation: config.Federation{Attribute: "Cognito_Subject"},
		Clients:    "refuse",
	}}
	return cfg
}

// newToken returns 48 characters from 192 random bits.
func newToken() string {
	b := make([]byte, 24)
	rand.Read(b) // crypto/rand never fails: it ends the program instead
	return hex.EncodeToString(b)
}
