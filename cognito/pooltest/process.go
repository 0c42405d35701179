package pooltest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The emulators of others that we hold ourselves against, in the versions whose deviations are known.
const (
	MotoVersion         = "5.2.1"
	CognitoLocalVersion = "5.3.0"
)

// Moto runs moto's server until the test ends and returns its URL. Without moto the test is skipped.
func Moto(t *testing.T) (endpoint string) {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		Needed(t, "there is no moto_server: install it with pip install 'moto[server]==%s'", MotoVersion)
	}
	version, err := exec.CommandContext(t.Context(), "python3", "-c", "import importlib.metadata as m; print(m.version('moto'))").Output()
	if err != nil {
		Needed(t, "python3 does not know the version of moto: %v", err)
	}
	if got := strings.TrimSpace(string(version)); got != MotoVersion {
		t.Fatalf("moto is %s, but what is known of it is of %s", got, MotoVersion)
	}
	port := freePort(t)
	endpoint = "http://127.0.0.1:" + port
	start(t, exec.Command(program, "-H", "127.0.0.1", "-p", port), endpoint+"/moto-api/data.json")
	return endpoint
}

// CognitoLocal runs cognito-local until the test ends and returns its URL. Without it the test is skipped.
func CognitoLocal(t *testing.T) (endpoint string) {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	program := filepath.Join(filepath.Dir(here), "testdata", "cognito-local", "node_modules", ".bin", "cognito-local")
	if _, err := os.Stat(program); err != nil {
		Needed(t, "there is no cognito-local: install it with npm ci --prefix cognito/pooltest/testdata/cognito-local")
	}
	port := freePort(t)
	work := t.TempDir()
	if err := os.Mkdir(filepath.Join(work, ".cognito"), 0o700); err != nil {
		t.Fatal(err)
	}
	// Without this every pool takes e-mail addresses for usernames.
	settings := `{"UserPoolDefaults":{"UsernameAttributes":[]},"ServerConfig":{"hostname":"127.0.0.1","port":` + port + `}}`
	if err := os.WriteFile(filepath.Join(work, ".cognito", "config.json"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	endpoint = "http://127.0.0.1:" + port
	server := exec.Command("node", program)
	server.Dir = work
	server.Env = append(os.Environ(), "HOST=127.0.0.1", "PORT="+port)
	start(t, server, endpoint+"/health")
	return endpoint
}

// Needed skips a test whose program is missing, with a hint how to get it. Where
// SCIM_REQUIRE_EXTERNAL=1 nothing may be missing.
func Needed(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("SCIM_REQUIRE_EXTERNAL") == "1" {
		t.Fatalf("SCIM_REQUIRE_EXTERNAL=1, but "+format, args...)
	}
	t.Skipf(format, args...)
}

// freePort is a port of this machine that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// output keeps what a process says, for when it fails.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// start runs a server until the test ends, and returns when it answers url.
func start(t *testing.T, cmd *exec.Cmd, url string) {
	t.Helper()
	said := new(output)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", cmd.Path, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		// It may have ended by itself, which the test has noticed otherwise.
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && err != os.ErrProcessDone {
			t.Errorf("stopping %s: %v", cmd.Path, err)
		}
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			if err := cmd.Process.Kill(); err != nil {
				t.Errorf("killing %s: %v", cmd.Path, err)
			}
			<-ended
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	var last error
	for {
		if last = answers(ctx, url); last == nil {
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended (%v) before it answered:\n%s", cmd.Path, err, said)
		case <-ctx.Done():
			t.Fatalf("%s does not answer %s: %v\n%s", cmd.Path, url, last, said)
		case <-poll.C:
		}
	}
}

func answers(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %d", response.StatusCode)
	}
	return nil
}
