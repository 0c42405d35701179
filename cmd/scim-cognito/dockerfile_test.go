package main

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const top = "../.."

// instruction is one of a Dockerfile: FROM, RUN and so on, and what follows it.
type instruction struct{ name, rest string }

func dockerfile(t *testing.T) []instruction {
	t.Helper()
	data, err := os.ReadFile(top + "/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var all []instruction
	for line := range strings.Lines(strings.ReplaceAll(string(data), "\\\n", "")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			name, rest, _ := strings.Cut(line, " ")
			all = append(all, instruction{name, strings.TrimSpace(rest)})
		}
	}
	return all
}

// buildContext copies what .dockerignore lets through, the last matching pattern deciding, as `COPY . .` gets it.
func buildContext(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(top + "/.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	var patterns []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			patterns = append(patterns, line)
		}
	}
	to := t.TempDir()
	err = filepath.WalkDir(top, func(at string, entry fs.DirEntry, err error) error {
		name := filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(at, top), "/"))
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == ".git" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.IsDir() || ignored(name, patterns):
			return nil
		}
		content, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(to, filepath.Dir(name)), 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// ignored knows the forms that our .dockerignore uses: a name or pattern at the top, and **/ for any depth. A pattern that
// matches a folder matches what is in it.
func ignored(name string, patterns []string) bool {
	out := false
	for _, p := range patterns {
		pattern, back := strings.CutPrefix(p, "!")
		anywhere, deep := strings.CutPrefix(pattern, "**/")
		parts := strings.Split(name, "/")
		for i := range parts {
			candidate := path.Join(parts[:i+1]...)
			if deep {
				candidate = parts[i]
			}
			if hit, err := path.Match(anywhere, candidate); err == nil && hit {
				out = !back
			}
		}
	}
	return out
}

// There is no engine where the tests run, so the build stage is carried out by hand: its own RUN lines, on what the build
// gets, with another root. Then the image's program runs with nothing around it, as in an image from scratch.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Fatalf("got %s, want linux: the image's program runs here", runtime.GOOS)
	}
	source, root := buildContext(t), t.TempDir()
	var ran []string
	for _, i := range dockerfile(t) {
		if i.name == "FROM" && i.rest == "scratch" {
			break
		}
		if i.name != "RUN" {
			continue
		}
		line := strings.NewReplacer("/rootfs", root+"/rootfs", " /data", " "+root+"/data").Replace(i.rest)
		command := exec.CommandContext(t.Context(), "/bin/sh", "-euc", line)
		command.Dir = source
		command.Env = append(os.Environ(), "TARGETOS=linux", "TARGETARCH="+runtime.GOARCH, "VERSION=1.2.3-test")
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("RUN %s: %v\n%s", line, err, out)
		}
		ran = append(ran, line)
	}
	if !slices.ContainsFunc(ran, func(line string) bool { return strings.Contains(line, "go build") }) {
		t.Fatalf("got %q, want a line with go build among them", ran)
	}
	for _, file := range []string{"etc/ssl/certs/ca-certificates.crt", "tmp", "etc/scim-cognito"} {
		if _, err := os.Stat(filepath.Join(root, "rootfs", file)); err != nil {
			t.Errorf("the image's %s: %v", file, err)
		}
	}
	binary := filepath.Join(root, "rootfs/usr/local/bin/scim-cognito")
	isStatic(t, binary)
	startsAlone(t, binary)
}

func isStatic(t *testing.T, binary string) {
	t.Helper()
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	if err != nil || len(libraries) != 0 {
		t.Errorf("shared libraries: got %v, %v, want none", libraries, err)
	}
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("got a dynamic loader, want none: the image has none")
		}
	}
}

// startsAlone runs the program in an environment without PATH, HOME or anything: it serves, is healthy by its own word,
// and a SIGTERM ends it in order.
func startsAlone(t *testing.T, binary string) {
	t.Helper()
	if got := output(t, binary, "version"); !strings.HasPrefix(got, "scim-cognito 1.2.3-test go1") {
		t.Errorf("version: got %q, want the one it was built with", got)
	}
	temporary := t.TempDir()
	server := exec.CommandContext(t.Context(), binary, "serve", "--emulator", "--listen=0.0.0.0:0", "--private=", "--emulator-listen=127.0.0.1:0")
	server.Env = []string{"TMPDIR=" + temporary}
	c := &command{out: newTranscript(), log: newTranscript(), done: make(chan struct{})}
	server.Stdout, server.Stderr = c.out, c.log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(c.done); c.err = server.Wait() }()
	base := c.await(t, c.out, `SCIM base URL +(http://127\.0\.0\.1:\d+/scim/v2)\n`)
	c.await(t, c.out, `(Its calls)`)
	if got := output(t, binary, "health", strings.TrimSuffix(base, "/scim/v2")+"/healthz"); !strings.HasPrefix(got, "healthy: ") {
		t.Errorf("health: got %q, want healthy", got)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// Twice, as timeout(1) does: to the process and to its group. The first may have been enough by then.
	if err := server.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	if err := c.wait(t); err != nil {
		t.Errorf("SIGTERM: got %v, want exit code 0; log:\n%s", err, c.log)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 0 {
		t.Errorf("temporary files: got %v, %v, want none left", left, err)
	}
}

func output(t *testing.T, binary string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), binary, args...)
	command.Env = []string{}
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %v %s", args, err, complaints.String())
	}
	return string(out)
}

// What the image runs by itself is a command line that the program understands, under a user who is nobody.
func TestDockerfileCommands(t *testing.T) {
	t.Parallel()
	module, err := os.ReadFile(top + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(string(module))[1]
	words := make(map[string][]string)
	for _, i := range dockerfile(t) {
		switch {
		case i.name == "FROM" && strings.Contains(i.rest, "golang:") && !strings.Contains(i.rest, "golang:"+version+" "):
			t.Errorf("FROM: got %s, want go.mod's version %s", i.rest, version)
		case i.name == "USER" && strings.HasPrefix(i.rest, "0"):
			t.Errorf("USER: got %s, want anybody but root", i.rest)
		case slices.Contains([]string{"ENTRYPOINT", "CMD", "HEALTHCHECK"}, i.name):
			var list []string
			if err := json.Unmarshal([]byte(i.rest[strings.IndexByte(i.rest, '['):]), &list); err != nil {
				t.Errorf("%s: got %v, want the form without a shell", i.name, err)
			}
			words[i.name] = list
		}
	}
	program := words["ENTRYPOINT"][0]
	if words["HEALTHCHECK"][0] != program {
		t.Errorf("HEALTHCHECK: got %v, want %s", words["HEALTHCHECK"], program)
	}
	for name, args := range map[string][]string{"CMD": words["CMD"], "HEALTHCHECK": words["HEALTHCHECK"][1:]} {
		var line commands
		parser, err := newParser(&line)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(args); err != nil {
			t.Errorf("%s: got %v, want a command line", name, err)
		}
		if name == "CMD" && (line.Serve.Listen == nil || !strings.HasPrefix(*line.Serve.Listen, "0.0.0.0:")) {
			t.Errorf("CMD: got %v, want a listener that the container's neighbours reach", args)
		}
	}
}
