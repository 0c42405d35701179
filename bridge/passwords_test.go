package bridge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

const (
	firstPassword  = "Correct-horse-1"
	secondPassword = "Battery-staple-2"
	// placeholder is what Okta sends with every create, of its own making.
	placeholder = "1mz050nq"
)

func withPasswords(p bridge.Passwords) func(*rigConfig) {
	return func(c *rigConfig) { c.bridge.Passwords = p }
}

// signsIn reports whether a person can sign in to the pool with a password.
func signsIn(t *testing.T, e *emulator.Emulator, username, password string) bool {
	t.Helper()
	client := audit.Client(e)
	made, err := client.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{UserPoolId: aws.String(poolID), ClientName: aws.String("app"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.InitiateAuth(t.Context(), &cip.InitiateAuthInput{ClientId: made.UserPoolClient.ClientId, AuthFlow: "USER_PASSWORD_AUTH",
		AuthParameters: map[string]string{"USERNAME": username, "PASSWORD": password}})
	return err == nil && out.AuthenticationResult != nil
}

func (r *rig) wantSignIn(username, password string, want bool) {
	r.t.Helper()
	if got := signsIn(r.t, r.emulator, username, password); got != want {
		r.t.Errorf("%s signs in with %s: got %v, want %v", username, password, got, want)
	}
}

func (r *rig) wantStatus(username, want string) {
	r.t.Helper()
	if got := r.inPool(username).Status; got != want {
		r.t.Errorf("the status of %s: got %s, want %s", username, got, want)
	}
}

// activity is all that is recorded, as text.
func (r *rig) activity() string {
	r.t.Helper()
	records, err := r.store.Activities(r.t.Context(), store.ActivityQuery{Limit: 1000})
	if err != nil {
		r.t.Fatal(err)
	}
	var b strings.Builder
	for _, a := range records {
		b.WriteString(strings.Join(slices.Concat([]string{a.Method, a.Outcome, a.ID}, a.Plan, a.Notes), " | ") + "\n")
	}
	return b.String()
}

func put(r *rig, id, body string) (store.Doc, error) {
	return r.ReplaceUser(r.t.Context(), id, r.resource(schemas.Users, body))
}

func user(name, more string) string {
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + name + `"` + more + `}`
}

func TestPasswordsAreSynced(t *testing.T) {
	t.Parallel()
	r := newRig(t, withPasswords(bridge.SyncPasswords))
	var doc store.Doc
	if got, want := r.calls(func() { doc = r.createUser(user("ada", `,"password":"`+firstPassword+`"`)) }), (map[string]int64{"AdminCreateUser": 1, "AdminSetUserPassword": 1}); !maps.Equal(got, want) {
		t.Errorf("creating: got calls %v, want %v", got, want)
	}
	r.wantStatus("ada", "CONFIRMED")
	r.wantSignIn("ada", firstPassword, true)

	got := r.calls(func() {
		if _, err := put(r, doc.ID, user("ada", `,"title":"Countess","password":"`+secondPassword+`"`)); err != nil {
			t.Fatal(err)
		}
	})
	if want := (map[string]int64{"AdminSetUserPassword": 1, "AdminUpdateUserAttributes": 1}); !maps.Equal(got, want) {
		t.Errorf("a PUT of a password and a title: got calls %v, want %v", got, want)
	}
	r.wantSignIn("ada", firstPassword, false)
	r.wantSignIn("ada", secondPassword, true)
	for _, op := range []string{
		`{"op":"replace","value":{"password":"` + firstPassword + `"}}`,
		`{"op":"Replace","path":"password","value":"` + secondPassword + `"}`,
		`{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User:password","value":"` + firstPassword + `"}`,
	} {
		got := r.calls(func() {
			if doc, err := r.patchUser(doc.ID, `{"Operations":[`+op+`]}`); err != nil || doc.Display != "ada" {
				t.Errorf("%s: got %q, %v, want ada", op, doc.Display, err)
			}
		})
		if want := (map[string]int64{"AdminSetUserPassword": 1}); !maps.Equal(got, want) {
			t.Errorf("%s: got calls %v, want %v", op, got, want)
		}
	}
	r.wantSignIn("ada", firstPassword, true)
	if got := r.calls(func() {
		if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"remove","path":"password"}]}`); err != nil {
			t.Error(err)
		}
	}); len(got) != 0 {
		t.Errorf("removing a password, which Cognito cannot: got calls %v, want none", got)
	}
}

// What the policy refuses: on a create it is Okta's placeholder, and no reason to fail; in a change it is somebody's
// password, and the profile stays as it was. A deactivation beside it is made.
func TestPasswordsThatThePolicyRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t, withPasswords(bridge.SyncPasswords))
	for name, password := range map[string]string{"weak": placeholder, "spaced": "has white space", "long": strings.Repeat("Aa1!", 65)} {
		r.createUser(user(name, `,"password":"`+password+`"`))
		r.wantStatus(name, "FORCE_CHANGE_PASSWORD")
	}
	if got := r.activity(); strings.Count(got, "the password was not set") != 3 || !strings.Contains(got, "Password must have uppercase characters") {
		t.Errorf("activity: got %s, want the three refusals with Cognito's reason", got)
	}
	doc := r.createUser(user("ada", `,"title":"Countess","password":"`+firstPassword+`"`))
	refused := func(err error, what string) {
		t.Helper()
		var e *bridge.Error
		if !errors.As(err, &e) || e.Kind != bridge.Invalid || !strings.HasPrefix(e.Detail, "password: ") || !strings.Contains(e.Detail, "not long enough") {
			t.Errorf("%s: got %v, want it refused, with the attribute and Cognito's reason", what, err)
		}
	}
	_, err := put(r, doc.ID, user("ada", `,"title":"Duchess","password":"weak"`))
	refused(err, "a PUT of a weak password")
	if is, err := r.User(t.Context(), doc.ID); err != nil || !bytes.Contains(is.JSON, []byte("Countess")) {
		t.Errorf("after the refusal: got %s, %v, want the title as it was", is.JSON, err)
	}
	_, err = r.patchUser(doc.ID, `{"Operations":[{"op":"replace","value":{"active":false,"title":"Duchess","password":"weak"}}]}`)
	refused(err, "a deactivation with a weak password")
	if r.inPool("ada").Enabled {
		t.Error("a deactivation with a weak password: got ada enabled, want the deactivation made")
	}
	if _, err := put(r, doc.ID, user("ada", `,"title":"Duchess","active":true,"password":"`+secondPassword+`"`)); err != nil {
		t.Errorf("the same with a good one: got %v", err)
	}
	r.wantSignIn("ada", secondPassword, true)
	r.wantSignIn("ada", firstPassword, false)
}

func TestPasswordsAreIgnored(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var doc store.Doc
	got := r.calls(func() {
		doc = r.createUser(user("ada", `,"password":"`+firstPassword+`"`))
		if _, err := put(r, doc.ID, user("ada", `,"password":"`+secondPassword+`"`)); err != nil {
			t.Fatal(err)
		}
	})
	if want := (map[string]int64{"AdminCreateUser": 1}); !maps.Equal(got, want) {
		t.Errorf("got calls %v, want %v", got, want)
	}
	r.wantStatus("ada", "FORCE_CHANGE_PASSWORD")
}

func TestRandomPasswords(t *testing.T) {
	t.Parallel()
	r := newRig(t, withPasswords(bridge.RandomPasswords))
	doc := r.createUser(user("ada", `,"password":"`+firstPassword+`"`))
	r.wantStatus("ada", "CONFIRMED")
	r.wantSignIn("ada", firstPassword, false)
	if got := r.calls(func() {
		if _, err := put(r, doc.ID, user("ada", `,"password":"`+secondPassword+`"`)); err != nil {
			t.Fatal(err)
		}
	}); len(got) != 0 {
		t.Errorf("a PUT: got calls %v, want none: the password is set once", got)
	}
	// A process that dies before the password is set: the journal makes another one.
	if err := r.emulator.AddFault(emulator.Fault{Operation: "AdminSetUserPassword", Kind: emulator.ServerError}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.CreateUser(t.Context(), r.resource(schemas.Users, user("grace", ""))); err == nil {
		t.Fatal("creating while passwords cannot be set: got no error")
	}
	r.shutDown()
	r.emulator.ClearFaults()
	r.start()
	r.until("grace has a password", func() bool { return r.inPool("grace").Status == "CONFIRMED" })
}

// A password that is made here satisfies every policy that a pool can have, is another one each time, and is written down
// nowhere.
func TestRandomPasswordSatisfiesEveryPolicy(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var made []string
	listen := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			var in struct{ Password string }
			if err != nil || json.Unmarshal(body, &in) != nil {
				t.Errorf("a call that cannot be read: %s, %v", body, err)
			}
			if in.Password != "" {
				mu.Lock()
				made = append(made, in.Password)
				mu.Unlock()
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		})
	}
	var log lockedLog
	strictest := func(next http.Handler) http.Handler {
		return described{Handler: listen(next), old: `"MinimumLength":8`, new: `"MinimumLength":99`}
	}
	r := newRig(t, withPasswords(bridge.RandomPasswords), func(c *rigConfig) { c.front, c.log = strictest, &log })
	r.createUser(user("ada", ""))
	r.createUser(user("grace", ""))
	if len(made) != 2 || made[0] == made[1] {
		t.Fatalf("got %d passwords, want two that differ", len(made))
	}
	for _, password := range made {
		for what, want := range map[string]*regexp.Regexp{
			"the longest minimum and Cognito's maximum": regexp.MustCompile(`^\S{99,256}$`), "an upper-case letter": regexp.MustCompile(`[A-Z]`),
			"a lower-case letter": regexp.MustCompile(`[a-z]`), "a digit": regexp.MustCompile(`[0-9]`), "a symbol": regexp.MustCompile(`[-+=!]`),
		} {
			if !want.MatchString(password) {
				t.Errorf("got %q, want it to keep to %s", password, what)
			}
		}
		data, err := os.ReadFile(r.file + "-wal")
		if err != nil || bytes.Contains(data, []byte(password)) || strings.Contains(log.String()+r.activity(), password) {
			t.Errorf("the password is written down, or: %v", err)
		}
	}
}

// A password whose setting fails is not in the journal: what is left is done without it, and the request repeated brings it.
func TestPasswordIsSetByTheRepetition(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind      emulator.FaultKind
		restarted bool
	}{{emulator.AccessDenied, false}, {emulator.ServerError, true}, {emulator.Throttle, false}, {emulator.ResetAfter, true}} {
		r := newRig(t, withPasswords(bridge.SyncPasswords))
		if err := r.emulator.AddFault(emulator.Fault{Operation: "AdminSetUserPassword", Kind: c.kind}); err != nil {
			t.Fatal(err)
		}
		// Okta sends another placeholder each time.
		_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, user("ada", `,"title":"Countess","active":false,"password":"`+firstPassword+`"`)))
		if err == nil {
			t.Fatalf("%s: got no error, want one to be repeated", c.kind)
		}
		if c.restarted {
			r.shutDown()
			r.start()
		}
		r.until("the journal has done the rest", func() bool {
			work, err := r.dir.Journal(t.Context())
			return err == nil && len(work) == 0
		})
		if got := r.activity(); !strings.Contains(got, "finished without the password") {
			t.Errorf("%s: activity: got %s, want it to say that the password is missing", c.kind, got)
		}
		r.emulator.ClearFaults()
		doc := r.createUser(user("ada", `,"title":"Countess","active":false,"password":"`+secondPassword+`"`))
		if sub := r.inPool("ada").Sub; doc.ID != sub {
			t.Errorf("%s: repeated: got %s, want the user who was created, %s", c.kind, doc.ID, sub)
		}
		if _, err := r.patchUser(doc.ID, `{"Operations":[{"op":"replace","value":{"active":true}}]}`); err != nil {
			t.Fatal(err)
		}
		r.wantSignIn("ada", secondPassword, true)
		if _, err := r.CreateUser(t.Context(), r.resource(schemas.Users, user("ada", `,"title":"Countess","active":false,"password":"`+firstPassword+`"`))); err == nil {
			t.Errorf("%s: a third time: got no error, want a conflict", c.kind)
		}
		r.wantSignIn("ada", firstPassword, false)
	}
}

// A lost reply is no reason to fail.
func TestPasswordWithALostReply(t *testing.T) {
	t.Parallel()
	for _, kind := range []emulator.FaultKind{emulator.ResetAfter, emulator.GarbageBody, emulator.ResetBefore, emulator.ServerError} {
		r := newRig(t, withPasswords(bridge.SyncPasswords))
		for i, operation := range []string{"AdminCreateUser", "AdminSetUserPassword"} {
			if err := r.emulator.AddFault(emulator.Fault{Operation: operation, Kind: kind, Count: 1}); err != nil {
				t.Fatal(err)
			}
			name := []string{"ada", "grace"}[i]
			r.createUser(user(name, `,"password":"`+firstPassword+`"`))
			r.wantSignIn(name, firstPassword, true)
		}
	}
}

// No password is ever written down: not in the store while work waits in the journal, not in the log, not in an error.
func TestPasswordsAreNotWrittenDown(t *testing.T) {
	t.Parallel()
	var log lockedLog
	r := newRig(t, withPasswords(bridge.SyncPasswords), func(c *rigConfig) { c.log = &log })
	doc := r.createUser(user("ada", `,"password":"`+firstPassword+`"`))
	for _, kind := range []emulator.FaultKind{emulator.AccessDenied, emulator.ServerError, emulator.Throttle} {
		if err := r.emulator.AddFault(emulator.Fault{Operation: "AdminSetUserPassword", Kind: kind}); err != nil {
			t.Fatal(err)
		}
		_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, user("grace-"+string(kind), `,"password":"`+secondPassword+`"`)))
		_, again := put(r, doc.ID, user("ada", `,"title":"`+string(kind)+`","password":"`+secondPassword+`"`))
		r.emulator.ClearFaults()
		for _, err := range []error{err, again} {
			if err == nil || strings.Contains(err.Error(), secondPassword) {
				t.Errorf("%s: got error %v, want one without the password", kind, err)
			}
		}
	}
	if _, err := put(r, doc.ID, user("ada", `,"password":"refused by the policy"`)); err == nil || strings.Contains(err.Error(), "refused by the policy") {
		t.Errorf("refused: got error %v, want one without the password", err)
	}
	if got := r.activity(); strings.Contains(got, firstPassword) || strings.Contains(got, secondPassword) {
		t.Errorf("the activity holds a password:\n%s", got)
	}
	for _, name := range []string{r.file, r.file + "-wal"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, password := range []string{firstPassword, secondPassword, "refused by the policy"} {
			if bytes.Contains(data, []byte(password)) {
				t.Errorf("%s holds a password", name)
			}
		}
	}
	if text := log.String(); text == "" || strings.Contains(text, firstPassword) || strings.Contains(text, secondPassword) {
		t.Errorf("the log holds a password, or nothing:\n%s", text)
	}
}

// Where people sign in with their e-mail address, Cognito makes up the Username: the password is that user's all the same.
func TestPasswordsWhereTheAddressIsTheName(t *testing.T) {
	t.Parallel()
	for _, p := range []bridge.Passwords{bridge.SyncPasswords, bridge.RandomPasswords} {
		r := newRig(t, withPasswords(p), func(c *rigConfig) { c.pool.UsernameAttributes = []string{"email"} })
		const address = "ada@example.com"
		doc := r.createUser(user(address, `,"password":"`+firstPassword+`","emails":[{"value":"`+address+`","primary":true}]`))
		r.wantStatus(doc.PoolName, "CONFIRMED")
		r.wantSignIn(address, firstPassword, p == bridge.SyncPasswords)
		if doc.PoolName == address {
			t.Errorf("the Username: got the address, want one that Cognito made up")
		}
	}
}
