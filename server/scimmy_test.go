package server_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// TestSCIMMYReadsUs has npm's SCIMMY, a SCIM library that knows nothing of ours, read discovery, resources, lists and
// errors: it must find in them what we mean, and in our schemas what it has in its own.
func TestSCIMMYReadsUs(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("testdata", "scimmy")
	if _, err := exec.LookPath("node"); err != nil {
		pooltest.Needed(t, "there is no node: install Node.js 20 or newer")
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "scimmy")); err != nil {
		pooltest.Needed(t, "there is no scimmy: install it with npm ci --prefix server/testdata/scimmy")
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
