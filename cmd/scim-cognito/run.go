package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scim-cognito/scim-cognito/config"
	"github.com/scim-cognito/scim-cognito/server"
)

// What follows the order to stop fits into the ten seconds that Docker gives, the least among those who kill afterwards.
const (
	// drainPatience is how long requests under way may take. Those that take longer are given up: their work is in the
	// journal, and they answer when to come back.
	drainPatience = 5 * time.Second
	// drainLimit is when the connections of clients who do not even take that answer are cut.
	drainLimit = 8 * time.Second
)

// serve claims the ports, builds the application, says that it is ready and operates it until ctx ends or a part fails.
func serve(ctx context.Context, cfg *config.Config, w wiring, ready func(url string) error) (err error) {
	public, err := listen(cfg.Listen, "--listen")
	if err != nil {
		return err
	}
	defer closeListener(public, &err)
	var operator net.Listener
	at := "off"
	if cfg.Private != "" {
		if operator, err = listen(cfg.Private, `--private ("" turns it off)`); err != nil {
			return err
		}
		defer closeListener(operator, &err)
		at = operator.Addr().String()
	}
	a, err := build(ctx, cfg, w)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil // told to stop before it had begun
	case err != nil:
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if err := ready(reachable(public.Addr())); err != nil {
		return err
	}
	w.Logger.InfoContext(ctx, "serving", "version", release(), "listen", public.Addr().String(), "private", at, "store", cfg.Store,
		"connections", len(cfg.Connections))
	return a.operate(ctx, public, operator, w.Logger)
}

// operate runs the listeners and the background work. Its end is a drain: no new requests, the running ones answered, then
// background work stopped; what they use is open until it returns.
func (a *application) operate(ctx context.Context, public, operator net.Listener, logger *slog.Logger) error {
	parts, ended := errgroup.WithContext(ctx)
	requests, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	servers := []*http.Server{serveOn(requests, parts, public, a.handler, logger)}
	if operator != nil {
		servers = append(servers, serveOn(requests, parts, operator, a.operator, logger))
	}
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	for id, d := range a.directories {
		parts.Go(func() error {
			if err := d.Run(background); background.Err() == nil {
				return fmt.Errorf("keeping the mirror of pool %s: %w", id, err)
			}
			return nil
		})
	}
	parts.Go(func() error {
		<-ended.Done()
		logger.Info("draining", "patience", drainPatience, "limit", drainLimit)
		err := drain(context.WithoutCancel(ctx), servers, giveUp, logger)
		stopBackground()
		return err
	})
	err := parts.Wait()
	logger.Info("stopped")
	return err
}

// serveOn serves a listener; requests is what the contexts of its requests are made of.
func serveOn(requests context.Context, parts *errgroup.Group, listener net.Listener, handler http.Handler, logger *slog.Logger) *http.Server {
	s := server.HTTPServer(handler, logger)
	s.BaseContext = func(net.Listener) context.Context { return requests }
	parts.Go(func() error {
		if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
		}
		return nil
	})
	return s
}

// drain closes the ports at once and lets running requests finish. After drainPatience it calls giveUp, which ends their
// contexts; who has not sent the request or taken the answer by drainLimit is cut off.
func drain(ctx context.Context, servers []*http.Server, giveUp func(), logger *slog.Logger) error {
	defer time.AfterFunc(drainPatience, giveUp).Stop()
	ctx, cancel := context.WithTimeout(ctx, drainLimit)
	defer cancel()
	var all errgroup.Group
	for _, s := range servers {
		all.Go(func() error {
			err := s.Shutdown(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				logger.Warn("clients were cut off", "limit", drainLimit)
				err = s.Close()
			}
			return err
		})
	}
	return all.Wait()
}

// closeListener is for the ways out on which nothing has served it; a server closes its own.
func closeListener(l net.Listener, err *error) {
	if problem := l.Close(); !errors.Is(problem, net.ErrClosed) {
		*err = errors.Join(*err, problem)
	}
}
