// Command load measures what reads cost on a pool of many users, over HTTP on this machine, with quotas off: requests a
// second, latency, and processor time a request, of the server and of the client that asks it (one process).
//
//	go run ./bench/load -users 10000 -each 5s [-profile cpu.out]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/server"
)

func main() {
	var l load
	flag.IntVar(&l.users, "users", 10_000, "how many users the pool has")
	flag.IntVar(&l.clients, "clients", 16, "how many ask at once")
	flag.DurationVar(&l.each, "each", 5*time.Second, "how long each kind of request is made")
	flag.StringVar(&l.profile, "profile", "", "file for a processor profile of all requests")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := l.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// load is what is measured.
type load struct {
	users, clients int
	each           time.Duration
	profile        string

	url string
	ids []string
}

func (l *load) run(ctx context.Context) (err error) {
	folder, err := os.MkdirTemp("", "load-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	pool, err := stack.NewEmulator(emulator.Config{Seed: 1})
	if err != nil {
		return err
	}
	if err := pool.SeedUsers(stack.PoolID, l.users); err != nil {
		return err
	}
	started := time.Now()
	s, err := stack.Open(ctx, stack.Config{File: filepath.Join(folder, "scim.db"), Emulator: pool, Cognito: cognito.Config{Quotas: &cognito.Quotas{}},
		Directory: stack.Everybody()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := warm(ctx, s); err != nil {
		return err
	}
	fmt.Printf("%d users read into the mirror in %s\n", l.users, time.Since(started).Round(time.Millisecond))
	stop, err := l.listen(s)
	if err != nil {
		return err
	}
	defer stop()
	if err := l.collect(ctx); err != nil {
		return err
	}
	return l.measure(ctx)
}

// warm waits until the mirror is complete.
func warm(ctx context.Context, s *stack.Stack) error {
	for s.Directory.Ready() != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

func (l *load) listen(h http.Handler) (stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := server.HTTPServer(h, slog.New(slog.DiscardHandler))
	go func() { _ = s.Serve(listener) }() // ends with Close
	l.url = "http://" + listener.Addr().String() + stack.Path
	return func() { _ = s.Close() }, nil
}

// collect notes some ids.
func (l *load) collect(ctx context.Context) error {
	p := idp.New(idp.Config{URL: l.url, Token: stack.Token})
	for start := 1; start <= l.users; start += max(1000, l.users/20) {
		out, err := p.Push(ctx, "GET", fmt.Sprintf("/Users?startIndex=%d&count=100&attributes=id", start), "")
		if err != nil {
			return err
		}
		list, _ := out.Object()["Resources"].([]any)
		for _, r := range list {
			r, _ := r.(map[string]any)
			id, _ := r["id"].(string)
			l.ids = append(l.ids, id)
		}
	}
	if len(l.ids) == 0 {
		return errors.New("no users are listed")
	}
	return nil
}

// kinds are the requests that are measured.
func (l *load) kinds() []kind {
	deep := l.users - 100
	return []kind{
		{"look-up by userName", func(r *rand.Rand) string {
			return idp.Where("/Users", fmt.Sprintf(`userName eq "user%07d"`, 1+r.IntN(l.users)))
		}},
		{"look-up of nobody", func(r *rand.Rand) string {
			return idp.Where("/Users", fmt.Sprintf(`userName eq "nobody%07d"`, r.IntN(l.users)))
		}},
		{"GET by id", func(r *rand.Rand) string { return "/Users/" + l.ids[r.IntN(len(l.ids))] }},
		{"first page of 100", func(*rand.Rand) string { return "/Users?startIndex=1&count=100" }},
		{"deep page of 100", func(r *rand.Rand) string { return fmt.Sprintf("/Users?startIndex=%d&count=100", deep-r.IntN(50)) }},
		{"filter without an index", func(r *rand.Rand) string {
			return idp.Where("/Users", fmt.Sprintf(`name.familyName eq "Turing" and userName sw "user000%d"`, r.IntN(9)))
		}},
	}
}

// measure makes each kind of request for a while.
func (l *load) measure(ctx context.Context) (err error) {
	if l.profile != "" {
		file, err := os.Create(l.profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer func() {
			pprof.StopCPUProfile()
			err = errors.Join(err, file.Close())
		}()
	}
	fmt.Printf("%-24s %12s %10s %28s %14s\n", "", "requests/s", "answers", "p50 / p99 / max ms", "CPU µs each")
	for _, k := range l.kinds() {
		if err := l.one(ctx, k); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	return nil
}
