package bridge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// TestKillWhileHeld kills the program with signal 9 while its guard holds people, and again while a release is being
// carried out. The operator releases by the command; then everybody is out, and nobody asked again.
func TestKillWhileHeld(t *testing.T) {
	t.Parallel()
	const people, limit = 12, 4
	e := must(stack.NewEmulator(emulator.Config{Seed: 1}))
	behind := httptest.NewServer(e)
	t.Cleanup(behind.Close)
	w := &world{t: t, emulator: e, client: audit.Client(e)}
	s := newSettings(t, behind.URL)
	s.change(t, `"share": 1}`, fmt.Sprintf(`"share": 1}, "guard": {"people": %d, "window": "24h"}`, limit))
	start := func() *process {
		p := s.run(t)
		w.until("the program is ready", p.ready)
		w.idp = idp.New(idp.Config{URL: p.url, Token: stack.Token})
		return p
	}
	p := start()
	var ids []string
	for i := range people {
		ids = append(ids, w.pushed("POST", "/Users", idp.UserBody(map[string]any{"userName": fmt.Sprintf("leaver%d", i)})).ID())
	}
	held := 0
	for _, id := range ids {
		reply, err := w.idp.Send(t.Context(), "PATCH", "/Users/"+id, idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": false}}))
		if err != nil {
			t.Fatal(err)
		}
		if reply.Status == http.StatusTooManyRequests {
			held++
		}
	}
	if held != people-limit {
		t.Fatalf("got %d people held, want %d", held, people-limit)
	}
	p.kill()
	p = start()
	if got := p.held(); got != held {
		t.Errorf("after the kill: got %d people held, want %d", got, held)
	}

	// The third call of the release hangs; the program dies there.
	e.ResetCalls()
	if err := e.AddFault(emulator.Fault{Operation: "AdminDisableUser", Kind: emulator.TimeoutAfter, After: 2}); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(s.binary, "guard", "release", "--private", strings.TrimPrefix(p.private, "http://")).CombinedOutput()
	if want := fmt.Sprintf("%d people who were held", held); err != nil || !strings.Contains(string(out), want) {
		t.Fatalf("guard release: got %q, %v, want %q", out, err, want)
	}
	w.until("a call hangs", func() bool { return e.Faulted()["AdminDisableUser"] > 0 })
	p.kill()
	e.ClearFaults()
	p = start()
	w.until("nobody is held", func() bool { return p.held() == 0 && len(p.journal()) == 0 })
	for id, user := range w.inPool().Users {
		if !strings.Contains(user, `"active":false`) {
			t.Errorf("user %s in the pool: got %s, want it disabled", id, user)
		}
	}
	out, err = exec.Command(s.binary, "guard", "--private", strings.TrimPrefix(p.private, "http://")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "released until") {
		t.Errorf("guard: got %q, %v, want it released still", out, err)
	}
}

// change edits the config file.
func (s settings) change(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(data), from, to, 1)
	if changed == string(data) {
		t.Fatalf("%s is not in the config %s", from, data)
	}
	if err := os.WriteFile(s.config, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

// held is what GET /-/guard says of everybody.
func (p *process) held() int {
	p.t.Helper()
	var answer struct{ Held int }
	if err := json.Unmarshal(p.ask("/-/guard"), &answer); err != nil {
		p.t.Fatal(err)
	}
	return answer.Held
}

// TestKillBeforeThePassword kills the program with signal 9 between a create and the setting of its password, which is
// nowhere written down: the POST repeated is answered 201 and sets the one it brings.
func TestKillBeforeThePassword(t *testing.T) {
	t.Parallel()
	for _, kind := range []emulator.FaultKind{emulator.TimeoutBefore, emulator.TimeoutAfter} {
		e := must(stack.NewEmulator(emulator.Config{Seed: 1}))
		behind := httptest.NewServer(e)
		t.Cleanup(behind.Close)
		w := &world{t: t, emulator: e, client: audit.Client(e)}
		s := newSettings(t, behind.URL)
		s.change(t, `"share": 1}`, `"share": 1}, "passwords": "sync"`)
		p := s.run(t)
		w.until("the program is ready", p.ready)
		if err := e.AddFault(emulator.Fault{Operation: "AdminSetUserPassword", Kind: kind}); err != nil {
			t.Fatal(err)
		}
		body := func(password string) string {
			return idp.UserBody(map[string]any{"userName": "ada", "title": "Countess", "password": password})
		}
		ended := make(chan error, 1)
		go func() {
			_, err := p.provider().Send(t.Context(), "POST", "/Users", body(firstPassword))
			ended <- err
		}()
		w.until("the call hangs", func() bool { return e.Faulted()["AdminSetUserPassword"] > 0 })
		p.kill()
		if err := <-ended; err == nil {
			t.Errorf("%s: got an answer from a killed program", kind)
		}
		for _, file := range []string{"scim.db", "scim.db-wal"} {
			data, err := os.ReadFile(filepath.Join(filepath.Dir(s.config), file))
			if err != nil || bytes.Contains(data, []byte(firstPassword)) {
				t.Errorf("%s: %s: got %v, or the password in it", kind, file, err)
			}
		}
		e.ClearFaults()
		p = s.run(t)
		w.until("the program is ready and no work is left", func() bool { return p.ready() && len(p.journal()) == 0 })
		w.idp = p.provider()
		if out := w.push("POST", "/Users", body(secondPassword)); out.Status != http.StatusCreated {
			t.Errorf("%s: repeated, with Okta's next placeholder: got %d %s, want 201", kind, out.Status, out.Body)
		}
		if !signsIn(t, e, "ada", secondPassword) || signsIn(t, e, "ada", firstPassword) {
			t.Errorf("%s: got another password, want the repetition's", kind)
		}
		if n := len(w.inPool().Users); n != 1 {
			t.Errorf("%s: got %d users, want one", kind, n)
		}
	}
}
