package bridge_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
)

// folder is where the program is; TestMain removes it.
var folder string

func TestMain(m *testing.M) {
	status := m.Run()
	if err := os.RemoveAll(folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// program builds the real program once and returns the path of its binary.
var program = sync.OnceValues(func() (string, error) {
	var err error
	if folder, err = os.MkdirTemp("", "scim-cognito-program-"); err != nil {
		return "", err
	}
	path := filepath.Join(folder, "scim-cognito")
	if out, err := exec.Command("go", "build", "-o", path, "../cmd/scim-cognito").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return path, nil
})

// process is a run of the real program.
type process struct {
	t       *testing.T
	command *exec.Cmd
	url     string // of SCIM
	private string
	ended   chan struct{}
}

// settings of a process, which last over its restarts.
type settings struct {
	binary string
	config string // file
}

// newSettings makes the program's config; more are further keys of its connection.
func newSettings(t *testing.T, endpoint string, more ...string) settings {
	t.Helper()
	binary, err := program()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	s := settings{binary: binary, config: filepath.Join(folder, "config.json")}
	document := fmt.Sprintf(`{"listen": "127.0.0.1:0", "private": "127.0.0.1:0", "store": %q, "connections": [{"name": "okta",
		"tokens": [{"name": "only", "secret": "env:SCIM_TOKEN"}], "pool": {"id": %q, "endpoint": %q, "share": 1}%s}]}`,
		"sqlite:"+filepath.Join(folder, "scim.db"), stack.PoolID, endpoint, strings.Join(append([]string{""}, more...), ", "))
	if err := os.WriteFile(s.config, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// run starts the program and waits until it serves.
func (s settings) run(t *testing.T) *process {
	t.Helper()
	p := &process{t: t, command: exec.Command(s.binary, "serve", "--config", s.config), ended: make(chan struct{})}
	p.command.Env = append(os.Environ(), "SCIM_TOKEN="+stack.Token)
	log, err := p.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	serving := make(chan [2]string, 1)
	go p.read(log, serving)
	select {
	case at := <-serving:
		p.url, p.private = "http://"+at[0]+stack.Path, "http://"+at[1]
	case <-p.ended:
		t.Fatal("the program ended instead of serving")
	case <-time.After(time.Minute):
		t.Fatal("the program does not serve")
	}
	return p
}

// read follows the log until the process ends.
func (p *process) read(log io.Reader, serving chan<- [2]string) {
	defer close(p.ended)
	for lines := bufio.NewScanner(log); lines.Scan(); {
		var line struct{ Msg, Listen, Private, Error string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			serving <- [2]string{line.Listen, line.Private}
		}
	}
}

// kill is kill -9.
func (p *process) kill() {
	p.t.Helper()
	select {
	case <-p.ended:
		return
	default:
	}
	if err := p.command.Process.Kill(); err != nil {
		p.t.Errorf("killing the program: %v", err)
	}
	<-p.ended
	_ = p.command.Wait() // "signal: killed"
}

// ask is a request to the operator's listener.
func (p *process) ask(path string) []byte {
	p.t.Helper()
	response, err := http.Get(p.private + path)
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		p.t.Fatal(err)
	}
	return body
}

// ready reports whether the mirror is warm.
func (p *process) ready() bool {
	p.t.Helper()
	var answer struct{ Status string }
	if err := json.Unmarshal(p.ask("/readyz"), &answer); err != nil {
		p.t.Fatal(err)
	}
	return answer.Status == "ready"
}

// journal is the work that is left.
func (p *process) journal() []bridge.Unfinished {
	p.t.Helper()
	var answer struct{ Work []bridge.Unfinished }
	body := p.ask("/-/journal")
	if err := json.Unmarshal(body, &answer); err != nil || answer.Work == nil {
		p.t.Fatalf("GET /-/journal: got %s (%v), want a list of work", body, err)
	}
	return answer.Work
}

func (p *process) provider() *idp.Provider {
	return idp.New(idp.Config{URL: p.url, Token: stack.Token, Wait: idp.Hasty(50 * time.Millisecond), Attempts: 200})
}
