// Package pooltest holds the contract that the user-pool client and whatever it
// talks to keep: one suite of cases, run on every endpoint there is, with a table of
// what an endpoint is known to do otherwise.
package pooltest

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
)

// Target is something that speaks Cognito's protocol, with a pool to test on. The
// pool names its users itself (no UsernameAttributes), lets names differ by case, and
// has the custom attribute Attribute. Cases make users and groups of their own, with
// unheard-of names, and remove them.
type Target struct {
	// Name heads the target's column.
	Name string
	// Config opens the pool.
	Config cognito.Config
	// Lag is how long lists and searches may lag behind a write. 0: not at all.
	Lag time.Duration
	// Deviations says, by case, what the target is known to do otherwise. The case
	// is run all the same, and must fail: a deviation that is none is an error.
	Deviations map[string]string
	// LeftOut says, by case, why it must not be run at all.
	LeftOut map[string]string
}

// Attribute is the custom attribute that the cases write.
const Attribute = "custom:scim"

// T is what a case needs of a *testing.T.
type T interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// testCase is one clause of the contract.
type testCase struct {
	name string
	run  func(T, *fixture)
}

// cases is the contract, in the order of the table.
var cases = slices.Concat(openCases, userCases, searchCases, groupCases, memberCases, pageCases)

// Report is what became of each case on one target.
type Report struct {
	Target  string
	Outcome map[string]string // by case: "passed", "FAILED", "deviates: why", "left out: why"
}

// Run holds a target to the contract, case by case.
func Run(t *testing.T, target Target) Report {
	t.Helper()
	pool, err := cognito.Open(t.Context(), target.Config)
	if err != nil {
		t.Fatalf("%s: opening the pool: %v", target.Name, err)
	}
	t.Cleanup(pool.Close)
	for _, known := range []map[string]string{target.Deviations, target.LeftOut} {
		for name := range known {
			if !slices.ContainsFunc(cases, func(c testCase) bool { return c.name == name }) {
				t.Errorf("%s: %q is not a case of the contract", target.Name, name)
			}
		}
	}
	report := Report{Target: target.Name, Outcome: make(map[string]string, len(cases))}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := &fixture{pool: pool, config: target.Config, lag: target.Lag, prefix: "scim-test-" + strings.ToLower(rand.Text()[:8])}
			defer f.cleanUp(t)
			report.Outcome[c.name] = target.run(t, c, f)
		})
	}
	return report
}

// run runs one case and says what became of it.
func (target Target) run(t *testing.T, c testCase, f *fixture) string {
	t.Helper()
	if why, known := target.LeftOut[c.name]; known {
		return "left out: " + why
	}
	if why, known := target.Deviations[c.name]; known {
		r := &recorder{ctx: t.Context()}
		r.run(c, f)
		if len(r.failures) == 0 {
			t.Errorf("passed, although the target is known to deviate (%s): remove it from the table", why)
			return "FAILED"
		}
		t.Logf("deviates, as known: %s", strings.Join(r.failures, "; "))
		return "deviates: " + why
	}
	c.run(t, f)
	if t.Failed() {
		return "FAILED"
	}
	return "passed"
}

// recorder is a T whose failures are data.
type recorder struct {
	ctx      context.Context
	failures []string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// run runs a case in a goroutine of its own, which Fatalf can end.
func (r *recorder) run(c testCase, f *fixture) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(r, f)
	}()
	<-done
}

// Table shows cases × targets, and below it why something deviates or is left out.
func Table(reports ...Report) string {
	var b, notes strings.Builder
	fmt.Fprintf(&b, "\n%-58s", "case")
	for _, r := range reports {
		fmt.Fprintf(&b, " %-16s", r.Target)
	}
	b.WriteByte('\n')
	for _, c := range cases {
		fmt.Fprintf(&b, "%-58s", c.name)
		for _, r := range reports {
			outcome, why, _ := strings.Cut(r.Outcome[c.name], ": ")
			if outcome == "" {
				outcome = "FAILED" // ended before it could say so
			}
			fmt.Fprintf(&b, " %-16s", outcome)
			if why != "" {
				fmt.Fprintf(&notes, "%s, %s: %s\n", r.Target, c.name, why)
			}
		}
		b.WriteByte('\n')
	}
	return b.String() + "\n" + notes.String()
}
