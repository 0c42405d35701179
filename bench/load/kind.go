package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/stack"
)

// kind is one kind of request.
type kind struct {
	name string
	path func(*rand.Rand) string
}

// one makes a kind of request from several clients at once and prints a line.
func (l *load) one(ctx context.Context, k kind) error {
	ctx, cancel := context.WithTimeout(ctx, l.each)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: l.clients, DisableCompression: true}}
	defer client.CloseIdleConnections()
	took := make([][]time.Duration, l.clients)
	problems := make([]error, l.clients)
	used, err := processorTime()
	if err != nil {
		return err
	}
	started := time.Now()
	var wg sync.WaitGroup
	for i := range l.clients {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for ctx.Err() == nil && problems[i] == nil {
				at := time.Now()
				problems[i] = ask(client, l.url+k.path(random))
				took[i] = append(took[i], time.Since(at))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(started)
	after, err := processorTime()
	if err := errors.Join(append(problems, err)...); err != nil {
		return err
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	at := func(part float64) float64 { return all[int(part*float64(len(all)-1))].Seconds() * 1000 }
	fmt.Printf("%-24s %12.0f %10d %28s %14.0f\n", k.name, float64(len(all))/elapsed.Seconds(), len(all),
		fmt.Sprintf("%.2f / %.2f / %.2f", at(0.5), at(0.99), at(1)), float64((after-used).Microseconds())/float64(len(all)))
	return nil
}

// ask makes one request and reads all of the answer.
func ask(client *http.Client, url string) error {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+stack.Token)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return nil
}

// processorTime is what this process has used so far.
func processorTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, err
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}
