package bridge_test

import (
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// TestTheTriggersWordsStayOutOfTheLog: what a trigger says when it refuses somebody may name them. The identity provider's
// admin reads it, the log does not, also when it is the journal whose work is refused.
func TestTheTriggersWordsStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := must(stack.NewEmulator(emulator.Config{Seed: 1}))
		w := &weather{next: pooltest.InProcess(e)}
		log := new(lockedLog)
		s := must(stack.Open(t.Context(), stack.Config{
			File: filepath.Join(t.TempDir(), "scim.db"), Emulator: e, Logger: slog.New(slog.NewTextHandler(log, nil)),
			Cognito: cognito.Config{Endpoint: "http://127.0.0.1:1", Transport: w},
		}))
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Errorf("closing the stack: %v", err)
			}
		})
		for s.Directory.Ready() != nil {
			time.Sleep(time.Second)
		}
		okta := idp.New(idp.Config{URL: "http://scim.example.com" + stack.Path, Token: stack.Token, Transport: pooltest.InProcess(s)})
		creating := func(answer func() (*http.Response, error)) {
			storm := func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".AdminCreateUser") {
					return answer()
				}
				return w.next.RoundTrip(r)
			}
			w.storm.Store(&storm)
		}
		body := idp.UserBody(map[string]any{"userName": "ada"})
		creating(func() (*http.Response, error) { return nil, errors.New("connection reset by peer") })
		if got := must(okta.Send(t.Context(), "POST", "/Users", body)); got.Status != http.StatusServiceUnavailable {
			t.Fatalf("while nobody answers: got %d %s, want 503", got.Status, got.Body)
		}
		creating(func() (*http.Response, error) {
			return reply(400, `{"__type":"UserLambdaValidationException","message":"PreSignUp failed with error ada@example.com is not welcome."}`), nil
		})
		for began := time.Now(); !strings.Contains(log.String(), "parked=\"lambda"); time.Sleep(time.Second) {
			if time.Since(began) > 10*time.Minute {
				t.Fatalf("the journal's work is not parked; log:\n%s", log)
			}
		}
		if strings.Contains(log.String(), "ada@example.com") {
			t.Errorf("the log names the user:\n%s", log)
		}
		got := must(okta.Send(t.Context(), "POST", "/Users", body))
		if got.Status != http.StatusBadRequest || !strings.Contains(string(got.Body), "ada@example.com is not welcome.") {
			t.Errorf("repeated: got %d %s, want 400 with the trigger's words", got.Status, got.Body)
		}
		w.storm.Store(nil)
		if got := must(okta.Send(t.Context(), "POST", "/Users", body)); got.Status != http.StatusCreated {
			t.Errorf("once the trigger agrees: got %d %s, want 201", got.Status, got.Body)
		}
	})
}
