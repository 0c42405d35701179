package bridge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// TestKillWhileLinking kills the program with signal 9 at each call of a creation that is linked, of a change of subject,
// and of a deactivation beside a federated profile, once before the call is applied and once after. Started again on the
// same store, it brings the pool to what was asked without being asked again.
func TestKillWhileLinking(t *testing.T) {
	t.Parallel()
	post := func(subject string) string {
		return idp.UserBody(map[string]any{"userName": "ada", "externalId": subject})
	}
	create := func(v *victim) string { return v.pushed("POST", "/Users", post("00u1")).ID() }
	for name, w := range map[string]struct {
		calls    int
		prepare  func(*victim) string
		request  func(id string) (method, path, body string)
		identity string // that ada shall have
		enabled  bool
	}{
		"create":             {2, nil, func(string) (string, string, string) { return "POST", "/Users", post("00u1") }, "Okta/00u1", true},
		"change the subject": {6, create, func(id string) (string, string, string) { return "PUT", "/Users/" + id, post("00u2") }, "Okta/00u2", true},
		"deactivate": {5, func(v *victim) string {
			id := create(v)
			if _, err := v.client.AdminDisableProviderForUser(t.Context(), disabling("00u1")); err != nil {
				t.Fatal(err)
			}
			if _, err := v.emulator.SignInFederated(emulator.FederatedSignIn{Pool: stack.PoolID, Provider: "Okta", Subject: "00u1"}); err != nil {
				t.Fatal(err)
			}
			return id
		}, func(id string) (string, string, string) {
			return "PATCH", "/Users/" + id, idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": false}})
		}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for k := range w.calls {
				for j, kind := range []emulator.FaultKind{emulator.TimeoutBefore, emulator.TimeoutAfter} {
					if !thorough && (k+j)%2 != 0 {
						continue
					}
					e := must(stack.NewEmulator(emulator.Config{Seed: 1}))
					trust(t, e, "Okta", nil)
					behind := httptest.NewServer(e)
					t.Cleanup(behind.Close)
					v := &victim{matrix: &matrix{world: &world{t: t, emulator: e, client: audit.Client(e)}}}
					v.settings = newSettings(t, behind.URL)
					v.settings.change(t, `"share": 1}`, `"share": 1}, "federation": {"provider": "Okta", "subjectFrom": "externalId"}`)
					v.start()
					var id string
					if w.prepare != nil {
						id = w.prepare(v)
					}
					method, path, body := w.request(id)
					v.killAt(k, kind, method, path, body)

					what := fmt.Sprintf("killed at call %d, %s", k, kind)
					v.until(what+": nothing is left to do", func() bool { return len(v.process.journal()) == 0 })
					if got, enabled := v.personInPool("ada"); got != w.identity || enabled != w.enabled {
						t.Errorf("%s: ada has identities %q, enabled %v; want %q, %v", what, got, enabled, w.identity, w.enabled)
					}
					if _, enabled := v.personInPool("Okta_00u1"); !w.enabled && enabled {
						t.Errorf("%s: the federated profile is enabled", what)
					}
					v.process.kill()
				}
			}
		})
	}
}

// personInPool is how a user signs in through providers, and whether; nobody is nobody's.
func (w *world) personInPool(username string) (identities string, enabled bool) {
	w.t.Helper()
	out, err := w.client.AdminGetUser(w.t.Context(), &cip.AdminGetUserInput{UserPoolId: aws.String(poolID), Username: &username})
	if missing := new(types.UserNotFoundException); errors.As(err, &missing) {
		return "nobody's", false
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range out.UserAttributes {
		if aws.ToString(a.Name) != "identities" {
			continue
		}
		var all []struct{ UserID, ProviderName string }
		if err := json.Unmarshal([]byte(aws.ToString(a.Value)), &all); err != nil {
			w.t.Fatal(err)
		}
		for _, each := range all {
			identities = strings.TrimSpace(identities + " " + each.ProviderName + "/" + each.UserID)
		}
	}
	return identities, out.Enabled
}
