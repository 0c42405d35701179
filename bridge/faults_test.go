package bridge_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/server"
)

var faultKinds = []emulator.FaultKind{
	emulator.Throttle, emulator.ServerError, emulator.Unavailable, emulator.AccessDenied, emulator.ExpiredCredentials,
	emulator.ResetBefore, emulator.ResetAfter, emulator.TimeoutBefore, emulator.TimeoutAfter, emulator.GarbageBody,
}

// strike is how a fault comes and goes.
type strike struct {
	name     string
	attempts int  // of one Cognito call
	lasts    bool // until the identity provider has been refused twice
	op       bool // one operation fails, whichever call of the write it is; otherwise all do from one call of the write on
}

var strikes = []strike{
	{name: "once"},
	{name: "once, seen by the identity provider", attempts: 1},
	{name: "outage", lasts: true},
	{name: "one operation for a while", lasts: true, op: true},
}

// deadline of a SCIM request in the fault matrix.
const deadline = 5 * time.Second

// TestFaultMatrix makes every SCIM write while a fault of every kind strikes at each of its Cognito calls. The identity
// provider repeats what it must; then the pool is looked at.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	trials, refused := 0, 0
	calls := measured(t)
	t.Run("strikes", func(t *testing.T) {
		for i, kind := range faultKinds {
			for j, s := range strikes {
				t.Run(string(kind)+" "+s.name, func(t *testing.T) {
					t.Parallel()
					m := newMatrix(t, kind, s, worldConfig{})
					m.number = i + j
					m.run(calls)
					mu.Lock()
					defer mu.Unlock()
					trials, refused = trials+m.trials, refused+int(m.total.Load())
				})
			}
		}
	})
	t.Logf("%d writes under %d kinds of fault in %d ways; %d answers were 429 or 5xx and repeated", trials, len(faultKinds), len(strikes), refused)
}

// matrix is all writes under one kind of fault, on one server.
type matrix struct {
	*world
	kind    emulator.FaultKind
	strike  strike
	number  int // of the world
	trials  int
	names   int
	refused atomic.Int64 // answers of the trial that were not for good
	total   atomic.Int64
	people  map[string]string // ids of users who are in groups, by name
	alive   map[string]bool   // ids of what the pool shall hold at the end
}

// newMatrix makes a matrix; cfg says what else its server is, and may be empty.
func newMatrix(t *testing.T, kind emulator.FaultKind, s strike, cfg worldConfig) *matrix {
	m := &matrix{kind: kind, strike: s, people: map[string]string{}, alive: map[string]bool{}}
	cfg.limits = server.Limits{Deadline: deadline}
	cfg.cognito = cognito.Config{Quotas: &cognito.Quotas{}, MaxBackoff: 1, Attempts: s.attempts}
	if m.timesOut() {
		cfg.cognito.Timeout = 40 * time.Millisecond
		cfg.cognito.Attempts = min(2, max(1, s.attempts))
		if s.attempts == 0 {
			cfg.cognito.Attempts = 2
		}
	}
	cfg.directory.SweepEvery, cfg.directory.Lag = -1, time.Millisecond
	cfg.idp.Attempts = 20
	cfg.idp.Wait = func(idp.Reply, time.Duration) time.Duration {
		m.total.Add(1)
		if m.refused.Add(1) == 2 {
			m.emulator.ClearFaults()
		}
		return time.Millisecond
	}
	m.world = newWorld(t, cfg)
	m.makePeople()
	return m
}

func (m *matrix) makePeople() {
	m.t.Helper()
	for _, who := range []string{"a", "b", "c", "d"} {
		m.people[who] = m.pushed("POST", "/Users", idp.UserBody(map[string]any{"userName": who})).ID()
		m.alive[m.people[who]] = true
	}
}

func (m *matrix) timesOut() bool {
	return m.kind == emulator.TimeoutBefore || m.kind == emulator.TimeoutAfter
}

// measured are the Cognito calls of each write when nothing goes wrong.
func measured(t *testing.T) map[string]map[string]int64 {
	m := newMatrix(t, "", strike{}, worldConfig{})
	calls := map[string]map[string]int64{}
	for _, w := range writes {
		c := m.trial(w, w.name+" without faults")
		m.emulator.ResetCalls()
		c.run()
		calls[w.name] = m.emulator.Calls()
		c.verify()
	}
	return calls
}

// thorough is how much of what takes long is done: all of it in CI, enough to notice most mistakes elsewhere. The race
// detector makes SQLite 20 to 40 times slower.
var thorough = os.Getenv("CI") == "true" && !raceEnabled

// sample is n when one write in n is tried in each world, the next one in the next world.
func sample() int {
	switch {
	case thorough:
		return 1
	case raceEnabled:
		return 6
	}
	return 3
}

func (m *matrix) run(calls map[string]map[string]int64) {
	for i, w := range writes {
		if (i+m.number)%sample() != 0 {
			continue
		}
		for _, f := range m.faults(calls[w.name]) {
			c := m.trial(w, fmt.Sprintf("%s: %+v", w.name, f))
			m.refused.Store(0)
			if err := m.emulator.AddFault(f); err != nil {
				m.t.Fatal(err)
			}
			c.run()
			m.emulator.ClearFaults()
			c.verify()
			m.trials++
		}
	}
	state := m.inPool()
	got := slices.Concat(slices.Collect(maps.Keys(state.Users)), slices.Collect(maps.Keys(state.Groups)))
	slices.Sort(got)
	if want := slices.Sorted(maps.Keys(m.alive)); !slices.Equal(got, want) {
		m.t.Errorf("the pool: got %d users and groups, want %d: something is there twice, or an orphan, or missing", len(got), len(want))
	}
	m.agree()
}

// faults are those that strike a write of these calls.
func (m *matrix) faults(calls map[string]int64) []emulator.Fault {
	var list []emulator.Fault
	k := 0
	for _, op := range slices.Sorted(maps.Keys(calls)) {
		if m.strike.op {
			list = append(list, emulator.Fault{Operation: op, Kind: m.kind})
			continue
		}
		for range calls[op] {
			f := emulator.Fault{Kind: m.kind, After: k, Count: 1}
			if m.strike.lasts {
				f.Count = 0
			}
			list = append(list, f)
			k++
		}
	}
	return list
}

// trial is one write with names and ids of its own.
type trial struct {
	*matrix
	write write
	what  string
	n     int               // makes its names
	ids   map[string]string // by who, "staff" for the group
	out   idp.Outcome
}

func (m *matrix) trial(w write, what string) *trial {
	m.names++
	c := &trial{matrix: m, write: w, what: what, n: m.names, ids: maps.Clone(m.people)}
	if w.prepare != nil {
		w.prepare(c)
	}
	return c
}

func (c *trial) run() {
	c.t.Helper()
	method, path, body := c.write.request(c)
	c.out = c.push(method, path, body)
	if path == "/Users" {
		c.ids["ada"] = c.out.ID()
	}
	if path == "/Groups" {
		c.ids["staff"] = c.out.ID()
	}
}

// verify checks the promises for one write.
func (c *trial) verify() {
	c.t.Helper()
	// What the journal has deleted before the DELETE is repeated is gone.
	settled := c.out.Status == http.StatusNotFound && c.write.status == http.StatusNoContent && len(c.out.Before) > 0
	if c.out.Status != c.write.status && !settled {
		c.t.Fatalf("%s: got %d %s after %d others, want %d", c.what, c.out.Status, c.out.Body, len(c.out.Before), c.write.status)
	}
	for _, r := range append(slices.Clone(c.out.Before), c.out.Reply) {
		c.verifyReply(r)
	}
	if work := c.journal(); len(work) != 0 {
		c.t.Errorf("%s: got work left after success, want none: %+v", c.what, work)
		c.settled()
	}
	for _, id := range c.ids {
		c.alive[id] = true
	}
	c.write.check(c)
	c.verifyAnswer()
	c.verifyRepetition()
}

// verifyReply: quotas never cause a 5xx, who is to come back is told when, errors are SCIM's, deadlines are kept.
func (c *trial) verifyReply(r idp.Reply) {
	c.t.Helper()
	if r.Took > 2*deadline { // the machine may be busy
		c.t.Errorf("%s: got an answer after %s, want it within %s", c.what, r.Took, deadline)
	}
	if r.Status < 400 {
		return
	}
	if c.kind == emulator.Throttle && r.Status != http.StatusTooManyRequests {
		c.t.Errorf("%s: got %d because of a quota, want 429", c.what, r.Status)
	}
	if (r.Status == http.StatusTooManyRequests || r.Status == http.StatusServiceUnavailable) && r.RetryAfter() == 0 {
		c.t.Errorf("%s: got %d without Retry-After in seconds", c.what, r.Status)
	}
	var e struct{ Detail string }
	if err := json.Unmarshal(r.Body, &e); err != nil || e.Detail == "" {
		c.t.Errorf("%s: got body %s, want a SCIM error", c.what, r.Body)
	}
}

// verifyAnswer: the answer and a later GET show what is in the pool.
func (c *trial) verifyAnswer() {
	c.t.Helper()
	who, path, stored := "ada", c.at("/Users/", "ada"), ""
	if strings.Contains(c.write.name, "group") || strings.Contains(c.write.name, "members") {
		who, path = "staff", c.at("/Groups/", "staff")
	}
	if !c.alive[c.ids[who]] {
		if out := c.push("GET", path, ""); out.Status != http.StatusNotFound {
			c.t.Errorf("%s: GET %s afterwards: got %d, want 404", c.what, path, out.Status)
		}
		return
	}
	if who == "staff" {
		g, _ := c.group()
		stored = string(g.JSON())
	} else {
		stored = string(c.user(who).JSON())
	}
	for _, r := range []idp.Outcome{c.out, c.push("GET", path, "")} {
		if shown := audit.Canonical(object(c.t, r.Body)); shown != stored {
			c.t.Errorf("%s: got an answer %s, want what the pool holds, %s", c.what, shown, stored)
		}
	}
}

// verifyRepetition: what changes nothing makes no call; what is there already is refused.
func (c *trial) verifyRepetition() {
	c.t.Helper()
	before := c.emulator.Calls()
	method, path, body := c.write.request(c)
	out := c.push(method, path, body)
	calls := 0
	for op, n := range c.emulator.Calls() {
		calls += int(n - before[op])
	}
	switch {
	case c.write.again >= 0 && (out.Status != c.write.status || calls != c.write.again && !c.timesOut()):
		c.t.Errorf("%s, repeated: got %d with %d calls, want %d with %d", c.what, out.Status, calls, c.write.status, c.write.again)
	case c.write.again < 0 && method == "POST" && out.Status != http.StatusConflict:
		c.t.Errorf("%s, repeated: got %d, want 409", c.what, out.Status)
	case c.write.again < 0 && method == "DELETE" && out.Status != http.StatusNotFound:
		c.t.Errorf("%s, repeated: got %d, want 404", c.what, out.Status)
	}
}

func (c *trial) name(who string) string         { return fmt.Sprintf("%s-%d", who, c.n) }
func (c *trial) at(endpoint, who string) string { return endpoint + c.ids[who] }
func (c *trial) userBody(who, given string, active bool) string {
	return idp.UserBody(map[string]any{
		"userName": c.name(who), "name": map[string]any{"givenName": given}, "title": given + "'s title", "active": active,
		"externalId": c.name(who), "emails": []any{map[string]any{"value": c.name(who) + "@example.com", "primary": true}},
	})
}

func (c *trial) some(who ...string) []string {
	ids := make([]string, len(who))
	for i, w := range who {
		ids[i] = c.ids[w]
	}
	return ids
}

func (c *trial) sorted(who ...string) []string {
	ids := c.some(who...)
	slices.Sort(ids)
	return ids
}

func (c *trial) want(what, got, want string) {
	c.t.Helper()
	if got != want {
		c.t.Errorf("%s: %s in the pool: got %s, want %s", c.what, what, got, want)
	}
}

// user and group are as the pool holds them.
func (c *trial) user(who string) schemas.Resource {
	c.t.Helper()
	r, _, err := audit.User(c.t.Context(), c.client, stack.PoolID, c.ids[who])
	if err != nil || r == nil {
		c.t.Fatalf("%s: the user in the pool: got %v, %v, want one", c.what, r, err)
	}
	return r
}

func (c *trial) group() (schemas.Resource, []string) {
	c.t.Helper()
	g, ok, err := audit.OneGroup(c.t.Context(), c.client, stack.PoolID, c.name("Staff"))
	if err != nil || !ok {
		c.t.Fatalf("%s: the group in the pool: got %v, %v, want one", c.what, ok, err)
	}
	return object(c.t, []byte(g.JSON)), g.Members
}

// gone checks that the pool has lost a user or the group.
func (c *trial) gone(who string) {
	c.t.Helper()
	there := false
	if who == "staff" {
		_, ok, err := audit.OneGroup(c.t.Context(), c.client, stack.PoolID, c.name("Staff"))
		if there = ok; err != nil {
			c.t.Fatal(err)
		}
	} else {
		r, _, err := audit.User(c.t.Context(), c.client, stack.PoolID, c.ids[who])
		if there = r != nil; err != nil {
			c.t.Fatal(err)
		}
	}
	if there {
		c.t.Errorf("%s: %s is still in the pool, want it gone", c.what, who)
	}
	delete(c.alive, c.ids[who])
}
