// Command soak pushes to a server for a long time, while calls to Cognito fail, and shows each minute what the process
// takes: memory, goroutines, file handles, latency. Its exit status says whether all of it stayed flat, and whether pool
// and mirror agree in the end.
//
//	go run ./bench/soak -minutes 20
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
	"sync"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/server"
)

func main() {
	minutes := flag.Int("minutes", 20, "how long to push")
	clients := flag.Int("clients", 8, "how many push at once")
	seed := flag.Uint64("seed", 1, "of what is pushed and of what fails")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *minutes, *clients, *seed)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, minutes, clients int, seed uint64) (err error) {
	folder, err := os.MkdirTemp("", "soak-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	pool, err := stack.NewEmulator(emulator.Config{Seed: seed, Lag: 50 * time.Millisecond, Latency: 5 * time.Millisecond})
	if err != nil {
		return err
	}
	poolURL, closePool, err := serve(pool)
	if err != nil {
		return err
	}
	defer closePool()
	s, err := stack.Open(ctx, stack.Config{
		File: filepath.Join(folder, "scim.db"), Emulator: pool,
		Cognito:   cognito.Config{Endpoint: poolURL, Quotas: &cognito.Quotas{}, MaxBackoff: 100 * time.Millisecond, Timeout: 2 * time.Second},
		Directory: bridge.DirectoryConfig{SweepEvery: 10 * time.Second, Lag: time.Second},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	url, closeServer, err := serve(s)
	if err != nil {
		return err
	}
	defer closeServer()

	g := newGauge(filepath.Join(folder, "scim.db"))
	push, stopPushing := context.WithTimeout(ctx, time.Duration(minutes)*time.Minute)
	defer stopPushing()
	var wg sync.WaitGroup
	for i := range clients {
		p := idp.New(idp.Config{URL: url + stack.Path, Token: stack.Token, Transport: &http.Transport{MaxIdleConnsPerHost: 4},
			Attempts: 1000, Wait: g.wait(idp.Hasty(200 * time.Millisecond))})
		w := &worker{provider: p, gauge: g, number: i, random: rand.New(rand.NewPCG(seed, uint64(i)))}
		wg.Go(func() { w.run(push) })
	}
	wg.Go(func() { torment(push, pool, rand.New(rand.NewPCG(seed, 1000))) })
	verdict := g.watch(push)
	wg.Wait()
	pool.ClearFaults()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(verdict, g.problems(), agree(ctx, s, pool, url))
}

// serve puts a handler behind a port of this machine.
func serve(h http.Handler) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := server.HTTPServer(h, slog.New(slog.DiscardHandler))
	go func() { _ = s.Serve(listener) }() // ends with Close
	return "http://" + listener.Addr().String(), func() { _ = s.Close() }, nil
}

// torment lets one kind of fault after another strike some of the calls.
func torment(ctx context.Context, pool *emulator.Emulator, random *rand.Rand) {
	kinds := []emulator.FaultKind{
		emulator.Throttle, emulator.ServerError, emulator.Unavailable, emulator.AccessDenied, emulator.ExpiredCredentials,
		emulator.ResetBefore, emulator.ResetAfter, emulator.TimeoutBefore, emulator.TimeoutAfter, emulator.GarbageBody,
	}
	for ctx.Err() == nil {
		pool.ClearFaults()
		f := emulator.Fault{Kind: kinds[random.IntN(len(kinds))], Probability: []float64{0.01, 0.05, 0.3}[random.IntN(3)]}
		if err := pool.AddFault(f); err != nil {
			panic(err) // of our own making
		}
		pause(ctx, time.Duration(200+random.IntN(1000))*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// agree compares pool and mirror once all work is done.
func agree(ctx context.Context, s *stack.Stack, pool *emulator.Emulator, url string) error {
	for until := time.Now().Add(6 * time.Minute); ; pause(ctx, time.Second) {
		left, err := s.Directory.Journal(ctx)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			break
		}
		if time.Now().After(until) {
			return fmt.Errorf("the journal is not empty: %+v", left)
		}
	}
	pause(ctx, time.Second) // the listings show everything
	in, err := audit.Pool(ctx, audit.Client(pool), stack.PoolID)
	if err != nil {
		return err
	}
	shown, err := audit.SCIM(ctx, idp.New(idp.Config{URL: url + stack.Path, Token: stack.Token}))
	if err != nil {
		return err
	}
	fmt.Printf("in the end: %d users and %d groups in the pool, %d and %d in the mirror\n", len(in.Users), len(in.Groups), len(shown.Users), len(shown.Groups))
	return audit.Compare(in, shown)
}
