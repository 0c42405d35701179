package bridge_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/server"
)

var (
	modelSeed = flag.Uint64("model.seed", 0, "seed of the model test; 0 draws one")
	modelTime = flag.Duration("model.time", 0, "how long the model test pushes; 0 is a minute in CI, else 8 s")
)

// TestModel has several identity providers push at random, while calls to Cognito fail at random, listings lag behind and
// the server is killed now and then. Each knows what it was answered, so it knows what must be there: at every moment
// what it reads, and at the end pool and mirror, must be just that.
func TestModel(t *testing.T) {
	t.Parallel()
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	t.Logf("seed %d: repeat with -run TestModel$ -model.seed %d", seed, seed)
	w := newWorld(t, circumstances(seed))
	m := &model{world: w, restart: w.crash, kinds: faultKinds, work: w.journal}
	m.run(seed, modelDuration(8*time.Second))
	if !t.Failed() {
		w.agree()
	}
}

// circumstances are what a seed chooses beside the requests: with the shorter deadline much work outlives its request.
func circumstances(seed uint64) worldConfig {
	return worldConfig{
		emulator:  emulator.Config{Seed: seed, Lag: 20 * time.Millisecond, SparsePages: seed%2 == 0, Latency: time.Duration(seed%3) * 4 * time.Millisecond},
		cognito:   cognito.Config{Quotas: &cognito.Quotas{}, MaxBackoff: time.Millisecond, Timeout: 250 * time.Millisecond, Attempts: 1 + int(seed%4)},
		directory: bridge.DirectoryConfig{SweepEvery: 300 * time.Millisecond, Lag: 60 * time.Millisecond},
		limits:    server.Limits{Deadline: []time.Duration{5 * time.Second, 1250 * time.Millisecond}[seed/4%2]},
		idp:       idp.Config{Attempts: 1000, Wait: idp.Hasty(20 * time.Millisecond), Deadline: 20 * time.Second},
	}
}

// TestModelKilled is TestModel over the real program, at AWS's quotas, which signal 9 ends now and then.
func TestModelKilled(t *testing.T) {
	t.Parallel()
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	t.Logf("seed %d: repeat with -run TestModelKilled -model.seed %d", seed, seed)
	v := newVictim(t)
	m := &model{world: v.world, work: func() []bridge.Unfinished { return v.process.journal() }}
	for _, kind := range faultKinds { // the program's own time-out is ten seconds
		if kind != emulator.TimeoutBefore && kind != emulator.TimeoutAfter {
			m.kinds = append(m.kinds, kind)
		}
	}
	v.idp = idp.New(idp.Config{URL: v.process.url, Token: stack.Token, Attempts: 10_000, Wait: idp.Hasty(20 * time.Millisecond)})
	m.restart = func() {
		v.process.kill()
		v.process = v.settings.run(t)
		v.idp.Move(v.process.url)
	}
	m.foreign = v.alive
	m.run(seed, modelDuration(5*time.Second))
	if diff := cmp.Diff(v.inPool(), v.inMirror()); diff != "" {
		t.Errorf("the mirror (-pool +mirror):\n%s", diff)
	}
}

func modelDuration(usual time.Duration) time.Duration {
	switch {
	case *modelTime > 0:
		return *modelTime
	case os.Getenv("CI") == "true":
		return time.Minute
	}
	return usual
}

// model is what identity providers do to a server, and what must come of it.
type model struct {
	*world
	kinds   []emulator.FaultKind
	restart func()                     // kills the server and starts it again
	work    func() []bridge.Unfinished // what the journal holds
	foreign map[string]bool            // ids of what is there beside
	policies
	strangers []stranger // users of before SCIM, for the clients to adopt

	shared   []*crew
	granted  map[string]*crew // by role, if there are grants
	requests atomic.Int64
	refused  atomic.Int64
	stopping atomic.Bool
}

// clients push side by side. Each group of the shared ones has members of all of them.
const clients = 4

func (m *model) run(seed uint64, duration time.Duration) {
	m.t.Helper()
	for i := range clients {
		g := &crew{display: fmt.Sprintf("shared %d", i), members: map[string]bool{}}
		g.id = m.pushed("POST", "/Groups", g.body()).ID()
		m.shared = append(m.shared, g)
	}
	var all []*client
	var wg sync.WaitGroup
	for i := range clients {
		c := newClient(m, i, seed)
		c.strangers = m.strangers[len(m.strangers)*i/clients : len(m.strangers)*(i+1)/clients]
		all = append(all, c)
		wg.Go(c.run)
	}
	restarts := m.torment(rand.New(rand.NewPCG(seed, 1)), duration)
	m.stopping.Store(true)
	wg.Wait()
	m.emulator.ClearFaults()
	m.t.Logf("%d requests of %d clients, %d answers to be repeated, %d restarts", m.requests.Load(), clients, m.refused.Load(), restarts)
	if m.t.Failed() {
		return
	}
	m.quiet()
	m.compare(all)
}

// torment lets calls fail and kills the server, for as long as it is told, and returns how often it did the latter.
func (m *model) torment(random *rand.Rand, duration time.Duration) (restarts int) {
	next := time.Now().Add(time.Second)
	for end := time.Now().Add(duration); time.Now().Before(end) && !m.t.Failed(); {
		m.emulator.ClearFaults()
		if random.IntN(3) > 0 {
			f := emulator.Fault{Kind: m.kinds[random.IntN(len(m.kinds))], Probability: []float64{0.02, 0.2, 1}[random.IntN(3)]}
			if err := m.emulator.AddFault(f); err != nil {
				m.t.Fatal(err)
			}
		}
		pause := time.NewTimer(time.Duration(20+random.IntN(150)) * time.Millisecond)
		<-pause.C
		if time.Now().After(next) {
			m.emulator.ClearFaults() // a server does not start without its pool
			m.restart()
			restarts++
			next = time.Now().Add(time.Duration(300+random.IntN(1500)) * time.Millisecond)
		}
	}
	m.emulator.ClearFaults()
	return restarts
}

// quiet waits until no work is left. What failed often waits long, up to five minutes; what a guard holds, for its window.
func (m *model) quiet() {
	m.t.Helper()
	for end := time.Now().Add(6 * time.Minute); ; {
		work := m.work()
		if len(work) == 0 {
			return
		}
		if time.Now().After(end) || slices.ContainsFunc(work, func(w bridge.Unfinished) bool { return w.Parked != "" && !strings.HasPrefix(w.Key, "held:") }) {
			m.t.Fatalf("the journal: got %+v, want it empty", work)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// compare checks that the pool is what the clients were told.
func (m *model) compare(all []*client) {
	m.t.Helper()
	want := audit.State{Users: map[string]string{}, Groups: map[string]audit.Group{}}
	for _, c := range all {
		for _, id := range c.adopted {
			delete(m.foreign, id)
		}
		for _, p := range c.people {
			want.Users[p.id] = p.expected(m.t)
			for _, role := range p.roles {
				m.granted[role].members[p.id] = true
			}
		}
		for _, g := range c.crews {
			want.Groups[g.id] = g.expected(m.t)
		}
		for i, members := range c.joined {
			for id := range members {
				m.shared[i].members[id] = true
			}
		}
	}
	for _, g := range slices.AppendSeq(slices.Clone(m.shared), maps.Values(m.granted)) {
		want.Groups[g.id] = g.expected(m.t)
	}
	got := m.settledPool()
	for id := range m.foreign {
		delete(got.Users, id)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		m.t.Errorf("the pool (-what the clients were told +pool):\n%s", diff)
	}
	m.compareWays(all)
}

// settledPool reads the pool once its listings show all that was written.
func (m *model) settledPool() audit.State {
	m.emulator.Advance(time.Minute)
	defer m.emulator.Advance(-time.Minute)
	return m.inPool()
}
