package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/idp"
)

// gauge gathers what a minute's requests were answered, and measures the process.
type gauge struct {
	file string // of the store

	mu       sync.Mutex
	reads    []time.Duration
	writes   []time.Duration
	repeated int // answers that were 429, 5xx or none
	failures []error
}

func newGauge(file string) *gauge { return &gauge{file: file} }

// answered notes one answer.
func (g *gauge) answered(method string, r idp.Reply) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case !r.Definite():
		g.repeated++
	case method == "GET":
		g.reads = append(g.reads, r.Took)
	default:
		g.writes = append(g.writes, r.Took)
	}
}

// wait checks that whoever is sent away is told when to come back.
func (g *gauge) wait(next idp.Wait) idp.Wait {
	return func(r idp.Reply, previous time.Duration) time.Duration {
		if (r.Status == 429 || r.Status == 503) && r.RetryAfter() == 0 {
			g.problem(fmt.Errorf("got %d without Retry-After: %s", r.Status, r.Body))
		}
		return next(r, previous)
	}
}

func (g *gauge) problem(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.failures) < 20 {
		g.failures = append(g.failures, err)
	}
}

func (g *gauge) problems() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return errors.Join(g.failures...)
}

// minute is a line of the report.
type minute struct {
	heap, rss, store   int64 // bytes
	goroutines, files  int
	requests, repeated int
	reads, writes      []time.Duration
}

const header = "min  requests/s  repeated  heap MB  RSS MB  goroutines  files  store MB  reads p50/p99/max ms     writes p50/p99/max ms"

func (m minute) String() string {
	mb := func(n int64) float64 { return float64(n) / (1 << 20) }
	return fmt.Sprintf("%10.0f  %8d  %7.1f  %6.1f  %10d  %5d  %8.1f  %-25s %s", float64(m.requests)/60, m.repeated, mb(m.heap), mb(m.rss),
		m.goroutines, m.files, mb(m.store), percentiles(m.reads), percentiles(m.writes))
}

func percentiles(took []time.Duration) string {
	return fmt.Sprintf("%.1f / %.1f / %.1f", quantile(took, 0.5), quantile(took, 0.99), quantile(took, 1))
}

// quantile is in milliseconds; 0 when there is nothing.
func quantile(took []time.Duration, part float64) float64 {
	if len(took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(took))
	return sorted[int(part*float64(len(sorted)-1))].Seconds() * 1000
}

// watch reports each minute until ctx ends. The error says what did not stay flat.
func (g *gauge) watch(ctx context.Context) error {
	fmt.Println(header)
	var all []minute
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return verdict(all)
		case <-ticker.C:
		}
		m, err := g.measure()
		if err != nil {
			return err
		}
		all = append(all, m)
		fmt.Printf("%3d  %s\n", len(all), m)
	}
}

func (g *gauge) measure() (m minute, err error) {
	g.mu.Lock()
	m.reads, m.writes, m.repeated = g.reads, g.writes, g.repeated
	g.reads, g.writes, g.repeated = nil, nil, 0
	g.mu.Unlock()
	m.requests = len(m.reads) + len(m.writes)

	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	m.heap, m.goroutines = int64(memory.HeapAlloc), runtime.NumGoroutine()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return m, err
	}
	m.files = len(files)
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return m, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	if err != nil {
		return m, err
	}
	m.rss = pages * int64(os.Getpagesize())
	info, err := os.Stat(g.file)
	if err != nil {
		return m, err
	}
	m.store = info.Size()
	return m, nil
}

// settling is how many minutes the process may take to reach its size.
const settling = 4

// verdict compares the last minutes with those after settling: half as much again is growth.
func verdict(all []minute) error {
	if len(all) < 3*settling {
		return nil // too short to say
	}
	middle := func(of []minute, value func(minute) float64) float64 {
		values := make([]float64, len(of))
		for i, m := range of {
			values[i] = value(m)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	early, late := all[settling:2*settling], all[len(all)-settling:]
	var grown []error
	for name, value := range map[string]func(minute) float64{
		"heap, MB":      func(m minute) float64 { return float64(m.heap) / (1 << 20) },
		"RSS, MB":       func(m minute) float64 { return float64(m.rss) / (1 << 20) },
		"goroutines":    func(m minute) float64 { return float64(m.goroutines) },
		"files":         func(m minute) float64 { return float64(m.files) },
		"read p50, ms":  func(m minute) float64 { return quantile(m.reads, 0.5) },
		"write p50, ms": func(m minute) float64 { return quantile(m.writes, 0.5) },
	} {
		was, is := middle(early, value), middle(late, value)
		fmt.Printf("%-14s %.3g → %.3g (%+.0f %%)\n", name, was, is, 100*(is/was-1))
		if is > 1.5*was {
			grown = append(grown, fmt.Errorf("%s has grown from %.3g to %.3g", name, was, is))
		}
	}
	return errors.Join(grown...)
}
