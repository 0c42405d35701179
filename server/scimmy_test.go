package server_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestSCIMMYReadsUs has npm's SCIMMY, a SCIM library that knows nothing of ours, read discovery, resources, lists and
// errors: it must find in them what we mean, and in our schemas what it has in its own.
func TestSCIMMYReadsUs(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("testdata", "scimmy")
	missing := ""
	if _, err := exec.LookPath("node"); err != nil {
		missing = "there is no node: install Node.js 20 or newer"
	} else if _, err := os.Stat(filepath.Join(folder, "node_modules", "scimmy")); err != nil {
		missing = "there is no scimmy: install it with npm ci --prefix server/testdata/scimmy"
	}
	if missing != "" && os.Getenv("SCIM_REQUIRE_EXTERNAL") == "1" {
		t.Fatal("SCIM_REQUIRE_EXTERNAL=1, but " + missing)
	} else if missing != "" {
		t.Skip(missing)
	}
	listening := httptest.NewServer(newWorld(t))
	defer listening.Close()
	client := exec.CommandContext(t.Context(), "node", "client.mjs", listening.URL+"/scim/v2", token)
	client.Dir = folder
	said, err := client.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, said)
	}
	if !regexp.MustCompile(`(?m)^[89]\d\d passed, 0 failed$`).Match(said) {
		t.Errorf("got %s, want some 800 passed, 0 failed", said)
	}
	t.Logf("%s", said)
}
