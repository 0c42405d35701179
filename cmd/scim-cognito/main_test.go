package main

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--help"}, []string{"serve", "emulate", "resync", "journal list", "journal retry", "journal drop", "activity", "health", "version"}},
		{[]string{"serve", "-h"}, []string{"--config=FILE", "--emulator", "--listen=ADDR", "--private=ADDR", "--store=URL", "--create-attributes",
			"--emulator-listen=ADDR", "--emulator-quotas=aws|off", "--emulator-alias=NAME", "--emulator-username-attributes=NAME", "--emulator-case-insensitive"}},
		{[]string{"emulate", "--help"}, []string{"--listen=ADDR", "--quotas=aws|off", "--state=FILE", "--users=N", "--groups=N", "--members=N", "--alias=NAME",
			"--username-attributes=NAME", "--case-insensitive", "--latency=DURATION", "--lag=DURATION", "--sparse-pages", "--seed=N", "--fault=OP:KIND",
			"--unverified=NAME", "--throttle-message=TEXT"}},
		{[]string{"resync", "--help"}, []string{"--private=ADDR", "--user=ID", "--group=ID", "--pool=ID", "127.0.0.1:8081"}},
		{[]string{"journal", "--help"}, []string{"--private=ADDR", "journal retry KEY", "journal drop KEY"}},
		{[]string{"journal", "drop", "--help"}, []string{"--private=ADDR", "<key>"}},
		{[]string{"activity", "--help"}, []string{"--private=ADDR", "--request=ID", "--id=ID", "--limit=N"}},
		{[]string{"health", "--help"}, []string{"http://127.0.0.1:8080/healthz"}},
		{[]string{"version"}, []string{"scim-cognito ", runtime.Version()}},
	} {
		command := start(t, nil, c.args...)
		if err := command.wait(t); err != nil {
			t.Errorf("%v: got error %v, want none", c.args, err)
		}
		for _, part := range c.want {
			if !strings.Contains(command.out.String(), part) {
				t.Errorf("%v: got %q, want %q in it", c.args, command.out, part)
			}
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	status := make(chan int, 1)
	asked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(<-status) }))
	defer asked.Close()
	for code, healthy := range map[int]bool{200: true, 204: false, 301: false, 404: false, 500: false, 503: false} {
		status <- code
		command := start(t, nil, "health", asked.URL)
		if err := command.wait(t); (err == nil) != healthy {
			t.Errorf("%d: got error %v, want healthy %v", code, err, healthy)
		}
		if got := strings.Contains(command.out.String(), "healthy: "); got != healthy {
			t.Errorf("%d: got message %q, want one: %v", code, command.out, healthy)
		}
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080", "0.0.0.0:8080": "http://127.0.0.1:8080", "[::]:80": "http://127.0.0.1:80",
		"[::1]:9230": "http://[::1]:9230", "192.0.2.7:1": "http://192.0.2.7:1",
	} {
		if got := reachable(fakeAddr(address)); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

type fakeAddr string

func (fakeAddr) Network() string  { return "tcp" }
func (a fakeAddr) String() string { return string(a) }
