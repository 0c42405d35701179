package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestABadDayBeforeTheMirrorIsFilled: what keeps the mirror from being filled is said beside that it is not, and is over by
// itself.
func TestABadDayBeforeTheMirrorIsFilled(t *testing.T) {
	t.Parallel()
	endpoint := emulate(t)
	control(t, http.MethodPost, endpoint+"/-/faults", `{"operation":"ListUsers","kind":"access-denied"}`)
	c := start(t, tokens32, "serve", "--config", write(t, "config.json", document(endpoint, "us-east-1_local", "")), "--store=sqlite:"+filepath.Join(t.TempDir(), "m.db"))
	origin := "http://" + c.await(t, c.log, `"msg":"serving".*"listen":"([^"]+)"`)
	c.await(t, c.log, `"msg":"(cognito refuses calls)".*"op":"ListUsers","remedy":"[^"]*cognito-idp:ListUsers`)
	status, body := get(t, origin+"/readyz")
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "still reading the user pool") || !strings.Contains(body, `"trouble":["the SCIM server lacks a permission in AWS"]`) {
		t.Errorf("/readyz: got %d %s, want 503, that the pool is still being read, and the trouble", status, body)
	}
	c.await(t, c.log, `"msg":"(sweeping the pool)"`)
	control(t, http.MethodDelete, endpoint+"/-/faults", "")
	awaitReady(t, origin)
	if _, body := get(t, origin+"/readyz"); strings.Contains(body, "trouble") {
		t.Errorf("/readyz: got %s, want no trouble", body)
	}
	if got := strings.Count(c.log.String(), `"msg":"sweeping the pool"`); got != 1 {
		t.Errorf("log: got %d lines about the sweep, want 1", got)
	}
}
