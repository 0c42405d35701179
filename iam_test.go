package architecture_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The README's policies name exactly the operations that the Cognito client has, each once, but for the one of a first
// start; and those of a part that can be left out stand together.
func TestPolicyNamesWhatIsCalled(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(readme), "```json\n{\"Version\": \"2012-10-17\"")
	text, _, closed := strings.Cut(text, "```")
	var policy struct {
		Statement []struct {
			Sid, Effect, Resource string
			Action                []string
		}
	}
	if err := json.Unmarshal([]byte("{\"Version\": \"2012-10-17\""+text), &policy); !found || !closed || err != nil {
		t.Fatalf("the policy in the README: found %v, %v", found && closed, err)
	}
	optional := map[string][]string{
		"ScimClients":      {"DescribeUserPoolClient", "ListUserPoolClients"},
		"ScimSingleSignOn": {"AdminDisableProviderForUser", "AdminLinkProviderForUser", "DescribeIdentityProvider"},
	}
	var allowed []string
	for _, s := range policy.Statement {
		var names []string
		for _, action := range s.Action {
			names = append(names, strings.TrimPrefix(action, "cognito-idp:"))
		}
		slices.Sort(names)
		if want, ok := optional[s.Sid]; ok && !slices.Equal(names, want) {
			t.Errorf("%s allows %q, want %q", s.Sid, names, want)
		}
		if s.Effect != "Allow" || s.Resource != "arn:aws:cognito-idp:REGION:ACCOUNT:userpool/POOL_ID" {
			t.Errorf("%s: %s on %s, want it to allow, on the pool alone", s.Sid, s.Effect, s.Resource)
		}
		allowed = append(allowed, names...)
	}
	source, err := os.ReadFile("cognito/operation.go")
	if err != nil {
		t.Fatal(err)
	}
	called := []string{}
	for _, m := range regexp.MustCompile(`operation\{name: "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		if m[1] != "AddCustomAttributes" { // --create-attributes
			called = append(called, m[1])
		}
	}
	slices.Sort(called)
	slices.Sort(allowed)
	if !slices.Equal(allowed, called) {
		t.Errorf("the policy allows\n%q, but the client calls\n%q", allowed, called)
	}
}
