package cognito_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
)

// TestTroubles: the operator hears once of what must be mended, and once of its end, once that has lasted; a call that works
// ends the trouble of its operation, and all those under which none could have worked.
func TestTroubles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		f := &fake{}
		pool := inProcess(t, f, func(cfg *cognito.Config) { cfg.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		say := func(a answer) { f.mu.Lock(); defer f.mu.Unlock(); f.answers, f.arrivals = []answer{a}, nil }
		troubles := func(want ...cognito.Fault) {
			t.Helper()
			var got []cognito.Fault
			for _, e := range pool.Troubles() {
				got = append(got, e.Fault())
			}
			if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
				t.Errorf("troubles: got %v, want %v", got, want)
			}
		}
		troubles()
		say(fails(400, "AccessDeniedException", "not authorized"))
		for range 3 {
			if err := createUser(t.Context(), pool); err == nil {
				t.Error("got no error, want the denial")
			}
		}
		troubles(cognito.Permission)
		say(fails(400, "UserNotFoundException", "User does not exist."))
		_ = updateUser(t.Context(), pool) // answered, and of another operation
		troubles(cognito.Permission)
		say(fails(400, "UsernameExistsException", "User account already exists"))
		_ = createUser(t.Context(), pool) // answered: it is permitted now
		troubles()
		time.Sleep(time.Minute)
		_ = updateUser(t.Context(), pool) // any call: the end has lasted
		if text := log.String(); strings.Count(text, "level=ERROR") != 1 || strings.Count(text, "takes calls again") != 1 || !strings.Contains(text, "cognito-idp:AdminCreateUser") {
			t.Errorf("log: got %s, want one line when it began, with the remedy, and one when it ended", text)
		}

		say(fails(400, "ExpiredTokenException", "expired"))
		_ = createUser(t.Context(), pool)
		_ = updateUser(t.Context(), pool)
		troubles(cognito.Expired, cognito.Expired)
		if _, err := pool.Describe(t.Context()); err != nil {
			t.Fatal(err)
		}
		troubles()

		say(fails(400, "KMSDisabledException", "disabled"))
		_ = createUser(t.Context(), pool)
		time.Sleep(14 * time.Minute)
		troubles(cognito.Key)
		time.Sleep(2 * time.Minute)
		troubles() // nobody has asked since

		log.Reset()
		for i := range 100 { // a trigger that fails for every other user, in two ways
			code := []string{"UnexpectedLambdaException", "InvalidLambdaResponseException"}[i%2]
			say(fails(400, code, "no"))
			_ = createUser(t.Context(), pool)
			troubles(cognito.Trigger)
			say(created)
			if err := createUser(t.Context(), pool); err != nil {
				t.Fatal(err)
			}
			troubles()
			time.Sleep(10 * time.Second)
		}
		time.Sleep(time.Minute)
		_ = createUser(t.Context(), pool)
		if text := log.String(); strings.Count(text, "level=ERROR") != 1 || strings.Count(text, "takes calls again") != 1 {
			t.Errorf("log: got %s, want one line when it began, and one when it ended", text)
		}

		log.Reset()
		say(fails(400, "AccessDeniedException", "hunter2 is not a password for you"))
		_ = pool.SetPassword(t.Context(), "alice", "hunter2", true)
		if text := log.String(); !strings.Contains(text, "AdminSetUserPassword") || strings.Contains(text, "hunter2") {
			t.Errorf("log: got %s, want the operation and not the password", text)
		}
	})
}
