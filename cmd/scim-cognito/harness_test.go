package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

// transcript keeps what a command prints and lets a test wait for a part of it.
type transcript struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{} // closed and renewed with each write
}

func newTranscript() *transcript { return &transcript{written: make(chan struct{})} }

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.written)
	s.written = make(chan struct{})
	return s.text.Write(p)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *transcript) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written
}

// patience is how long anything here may take before a test gives up on it.
const patience = 60 * time.Second

// command is one run of the program.
type command struct {
	out, log  *transcript
	interrupt context.CancelFunc
	done      chan struct{}
	err       error // after done
}

// start runs a command line in this process until the test ends or stop is called.
func start(t *testing.T, env map[string]string, args ...string) *command {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := &command{out: newTranscript(), log: newTranscript(), interrupt: cancel, done: make(chan struct{})}
	lookup := func(name string) (string, bool) { value, ok := env[name]; return value, ok }
	go func() {
		defer close(c.done)
		c.err = run(ctx, args, world{Out: c.out, Err: c.log, LookupEnv: lookup})
	}()
	t.Cleanup(func() { c.stop(t) })
	return c
}

// stop ends the command as a signal would and waits for it.
func (c *command) stop(t *testing.T) {
	t.Helper()
	c.interrupt()
	if err := c.wait(t); err != nil {
		t.Errorf("stopping: got error %v, want none; log:\n%s", err, c.log)
	}
}

// wait returns what the command ended with.
func (c *command) wait(t *testing.T) error {
	t.Helper()
	select {
	case <-c.done:
		err := c.err
		c.err = nil // reported once
		return err
	case <-time.After(patience):
		t.Fatalf("the command does not end; log:\n%s", c.log)
		return nil
	}
}

// await returns the first group of pattern in what the command prints on one of its outputs.
func (c *command) await(t *testing.T, from *transcript, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(patience)
	for {
		more := from.next()
		if m := re.FindStringSubmatch(from.String()); m != nil {
			return m[len(m)-1]
		}
		select {
		case <-more:
		case <-c.done:
			t.Fatalf("the command ended with %v before it printed %q; it printed:\n%s\n%s", c.wait(t), pattern, c.out, c.log)
		case <-deadline:
			t.Fatalf("the command has not printed %q but:\n%s\n%s", pattern, c.out, c.log)
		}
	}
}

// emulated is `serve --emulator` on free ports.
type emulated struct {
	*command
	base, token, endpoint, private string
}

func startEmulated(t *testing.T, env map[string]string, flags ...string) emulated {
	t.Helper()
	args := []string{"serve", "--emulator", "--listen=127.0.0.1:0", "--emulator-listen=127.0.0.1:0"}
	if !strings.Contains(strings.Join(flags, " "), "--private") {
		args = append(args, "--private=127.0.0.1:0")
	}
	c := start(t, env, append(args, flags...)...)
	return emulated{
		command:  c,
		base:     c.await(t, c.out, `SCIM base URL +(http://127\.0\.0\.1:\d+/scim/v2)\n`),
		token:    c.await(t, c.out, `Okta API token +Bearer (\S+)\n`),
		endpoint: c.await(t, c.out, `Cognito emulator +(http://127\.0\.0\.1:\d+) `),
		private:  "http://" + c.await(t, c.log, `msg=serving .*private=(\S+)`),
	}
}

// ready waits until the server says that it can do everything.
func (e emulated) ready(t *testing.T) { awaitReady(t, strings.TrimSuffix(e.base, "/scim/v2")) }

func awaitReady(t *testing.T, origin string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		status, body := get(t, origin+"/readyz")
		if status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("/readyz: got %d %s, want 200 at last", status, body)
		}
	}
}

// get asks without credentials.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, readAll(t, answer.Body)
}

func readAll(t *testing.T, body io.ReadCloser) string {
	t.Helper()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	if err := body.Close(); err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// scim sends one request and decodes the answer.
func scim(t *testing.T, method, url, token, body string) (status int, answer map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text := readAll(t, response.Body)
	if text == "" {
		return response.StatusCode, nil
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%s %s: the answer %q is not JSON: %v", method, url, text, err)
	}
	return response.StatusCode, answer
}

// sdk is AWS's own client for an emulator.
func sdk(endpoint string) *cip.Client {
	return cip.New(cip.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})
}

// write makes a file in a folder of the test's.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
