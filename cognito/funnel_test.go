package cognito_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
)

// Calls of each effect, as the cases below name them.
var (
	createUser = func(ctx context.Context, p *cognito.Pool) error {
		_, err := p.CreateUser(ctx, "alice", map[string]string{"email": "alice@example.com"})
		return err
	}
	updateUser = func(ctx context.Context, p *cognito.Pool) error {
		return p.UpdateUser(ctx, "alice", map[string]string{"name": "Alice"})
	}
	deleteUser  = func(ctx context.Context, p *cognito.Pool) error { return p.DeleteUser(ctx, "alice") }
	deleteGroup = func(ctx context.Context, p *cognito.Pool) error { return p.DeleteGroup(ctx, "staff") }
	createGroup = func(ctx context.Context, p *cognito.Pool) error {
		_, err := p.CreateGroup(ctx, "staff", "")
		return err
	}
	listUsers = func(ctx context.Context, p *cognito.Pool) error {
		_, _, err := p.UsersPage(ctx, "")
		return err
	}
)

var (
	created    = ok(`{"User":{"Username":"alice","Attributes":[{"Name":"sub","Value":"s-1"}],"Enabled":true}}`)
	throttles  = fails(400, "TooManyRequestsException", "Rate exceeded")
	internal   = fails(500, "InternalErrorException", "Internal error")
	userExists = fails(400, "UsernameExistsException", "User account already exists")
	noUser     = fails(400, "UserNotFoundException", "User does not exist.")
)

// TestFunnel holds what becomes of a call by what its attempts are answered, over a
// real connection.
func TestFunnel(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		call     func(context.Context, *cognito.Pool) error
		answers  []answer
		attempts int
		kind     cognito.Kind
		sent     bool
		ok       bool
	}{
		"success": {call: createUser, answers: []answer{created}, attempts: 1, ok: true},

		"throttled for ever is not sent":  {call: createUser, answers: []answer{throttles}, attempts: 4, kind: cognito.Throttled},
		"throttled once":                  {call: createUser, answers: []answer{throttles, created}, attempts: 2, ok: true},
		"500 for ever":                    {call: createUser, answers: []answer{internal}, attempts: 4, kind: cognito.Unavailable, sent: true},
		"500 of a read is never sent":     {call: listUsers, answers: []answer{internal}, attempts: 4, kind: cognito.Unavailable},
		"503 without a body":              {call: updateUser, answers: []answer{raw(503, "")}, attempts: 4, kind: cognito.Unavailable, sent: true},
		"502 of a proxy":                  {call: updateUser, answers: []answer{raw(502, "<html>")}, attempts: 4, kind: cognito.Unavailable, sent: true},
		"unknown code with status 500":    {call: updateUser, answers: []answer{fails(500, "Odd#Thing", "?")}, attempts: 4, kind: cognito.Unavailable, sent: true},
		"unknown code with status 400":    {call: updateUser, answers: []answer{fails(400, "OddException", "?")}, attempts: 1, kind: cognito.Unexpected},
		"throttle code with status 503":   {call: updateUser, answers: []answer{fails(503, "ThrottlingException", "slow")}, attempts: 4, kind: cognito.Throttled},
		"reset before or after, for ever": {call: updateUser, answers: []answer{resets}, attempts: 4, kind: cognito.Unavailable, sent: true},
		"reset once":                      {call: createUser, answers: []answer{resets, created}, attempts: 2, ok: true},
		"cut within the answer":           {call: createUser, answers: []answer{cuts}, attempts: 4, kind: cognito.Unavailable, sent: true},
		"garbage with status 200":         {call: createUser, answers: []answer{raw(200, "<html>")}, attempts: 4, kind: cognito.Unavailable, sent: true},
		"garbage with status 200, once":   {call: createUser, answers: []answer{raw(200, "<html>"), created}, attempts: 2, ok: true},
		"garbage with status 400":         {call: createUser, answers: []answer{raw(400, "<html>")}, attempts: 4, kind: cognito.Unavailable, sent: true},
		"403 of a proxy, without a body":  {call: createUser, answers: []answer{raw(403, "")}, attempts: 4, kind: cognito.Unavailable, sent: true},
		"400 without a code":              {call: createUser, answers: []answer{raw(400, "{}")}, attempts: 4, kind: cognito.Unavailable, sent: true},
		"a redirection":                   {call: createUser, answers: []answer{raw(302, ""), created}, attempts: 2, ok: true},
		"no answer within the time-out":   {call: createUser, answers: []answer{hangs}, attempts: 4, kind: cognito.Unavailable, sent: true},
		"time-out once":                   {call: createUser, answers: []answer{hangs, created}, attempts: 2, ok: true},
		"a user that is missing":          {call: createUser, answers: []answer{ok("{}")}, attempts: 1, kind: cognito.Unavailable, sent: true},

		"limit exceeded is not repeated":    {call: createGroup, answers: []answer{fails(400, "LimitExceededException", "Groups")}, attempts: 1, kind: cognito.Limit},
		"denied is not repeated":            {call: createUser, answers: []answer{fails(400, "AccessDeniedException", "not authorized")}, attempts: 1, kind: cognito.Denied},
		"exists at once is certain":         {call: createUser, answers: []answer{userExists}, attempts: 1, kind: cognito.Exists},
		"exists after a throttle is, too":   {call: createUser, answers: []answer{throttles, userExists}, attempts: 2, kind: cognito.Exists},
		"exists after a reset may be ours":  {call: createUser, answers: []answer{resets, userExists}, attempts: 2, kind: cognito.Exists, sent: true},
		"exists after a 500 may be ours":    {call: createUser, answers: []answer{internal, userExists}, attempts: 2, kind: cognito.Exists, sent: true},
		"the doubt outlives a throttle":     {call: createUser, answers: []answer{internal, throttles, userExists}, attempts: 3, kind: cognito.Exists, sent: true},
		"the doubt outlives all throttles":  {call: createUser, answers: []answer{internal, throttles}, attempts: 4, kind: cognito.Throttled, sent: true},
		"group exists after garbage":        {call: createGroup, answers: []answer{raw(200, "?"), fails(400, "GroupExistsException", "exists")}, attempts: 2, kind: cognito.Exists, sent: true},
		"not found at once is certain":      {call: deleteUser, answers: []answer{noUser}, attempts: 1, kind: cognito.NotFound},
		"deleted and gone is success":       {call: deleteUser, answers: []answer{resets, noUser}, attempts: 2, ok: true},
		"throttled and gone is not":         {call: deleteUser, answers: []answer{throttles, noUser}, attempts: 2, kind: cognito.NotFound},
		"group deleted and gone is success": {call: deleteGroup, answers: []answer{internal, fails(400, "ResourceNotFoundException", "Group not found.")}, attempts: 2, ok: true},
		"group deleted, but no pool":        {call: deleteGroup, answers: []answer{internal, fails(400, "ResourceNotFoundException", "User pool x_y does not exist.")}, attempts: 2, kind: cognito.PoolNotFound, sent: true},
		"update after a 500, user gone":     {call: updateUser, answers: []answer{internal, noUser}, attempts: 2, kind: cognito.NotFound, sent: true},
		"mail failed, but user made":        {call: createUser, answers: []answer{fails(400, "CodeDeliveryFailureException", "no mail")}, attempts: 1, kind: cognito.Unexpected, sent: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{answers: c.answers}
			server := httptest.NewServer(f)
			t.Cleanup(server.Close)
			pool := open(t, server.URL, func(cfg *cognito.Config) { cfg.Timeout = 300 * time.Millisecond })
			err := c.call(within(t, time.Minute), pool)
			if got := len(f.calls()); got != c.attempts {
				t.Errorf("got %d attempts, want %d", got, c.attempts)
			}
			if c.ok {
				if err != nil {
					t.Fatalf("got error %v, want none", err)
				}
				return
			}
			var e *cognito.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a *cognito.Error", err)
			}
			if e.Kind != c.kind || e.Sent != c.sent {
				t.Errorf("got kind %q and sent %v, want %q and %v: %v", e.Kind, e.Sent, c.kind, c.sent, err)
			}
		})
	}
}

// TestNothingSent: without a connection nothing can have been applied.
func TestNothingSent(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{answers: []answer{created}}
	server := &http.Server{Handler: f}
	go server.Serve(listener)
	pool := open(t, "http://"+listener.Addr().String(), nil)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	pool.Close() // the idle connection: the next call must dial
	err = createUser(within(t, time.Minute), pool)
	var e *cognito.Error
	if !errors.As(err, &e) || e.Kind != cognito.Unavailable || e.Sent {
		t.Fatalf("got %v, want unavailable and not sent", err)
	}
	if !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %q, want it to say that the connection was refused", err)
	}
}

// TestErrorText: the text is Cognito's message, without a password.
func TestErrorText(t *testing.T) {
	t.Parallel()
	f := &fake{answers: []answer{fails(400, "InvalidParameterException", "Value 'hunter2' at 'password' failed to satisfy constraint")}}
	pool := inProcess(t, f, nil)
	err := pool.SetPassword(t.Context(), "alice", "hunter2", true)
	want := "AdminSetUserPassword: InvalidParameterException: Value '…' at 'password' failed to satisfy constraint"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), "hunter2") {
			t.Errorf("the chain holds the password: %v", e)
		}
	}
	var e *cognito.Error
	if !errors.As(err, &e) || e.RequestID != "request-1" {
		t.Errorf("got %+v, want request id request-1", e)
	}
}

// TestForeignAnswers: the operator reads the status of an answer that is not Cognito's, and nothing of it passes for one that
// is: a trouble is not over because a proxy answers.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	f := &fake{answers: []answer{fails(400, "AccessDeniedException", "not authorized")}}
	pool := inProcess(t, f, nil)
	if err := createUser(t.Context(), pool); cognito.KindOf(err) != cognito.Denied {
		t.Fatalf("got %v, want the denial", err)
	}
	for _, body := range []string{"", "{}", "<html>blocked</html>"} {
		f.mu.Lock()
		f.answers, f.arrivals = []answer{raw(403, body)}, nil
		f.mu.Unlock()
		err := createUser(t.Context(), pool)
		var e *cognito.Error
		if !errors.As(err, &e) || e.Code != "" || !strings.Contains(e.Message, "HTTP 403") {
			t.Errorf("%q: got %v, want no code, and the status", body, err)
		}
		if got := len(pool.Troubles()); got != 1 {
			t.Errorf("%q: got %d troubles, want the denial still", body, got)
		}
	}
}

// TestKinds holds the translation of Cognito's codes.
func TestKinds(t *testing.T) {
	t.Parallel()
	member := func(ctx context.Context, p *cognito.Pool) error { return p.AddMember(ctx, "staff", "alice") }
	cases := []struct {
		call          func(context.Context, *cognito.Pool) error
		code, message string
		want          cognito.Kind
	}{
		{createUser, "AliasExistsException", "An account with the given email already exists.", cognito.Exists},
		{createUser, "UsernameExistsException", "User account already exists", cognito.Exists},
		{createUser, "InvalidParameterException", "Invalid phone number format.", cognito.Invalid},
		{createUser, "InvalidPasswordException", "Password not long enough", cognito.Password},
		{createUser, "UserLambdaValidationException", "PreSignUp failed", cognito.Lambda},
		{createUser, "UnsupportedUserStateException", "Resend not possible.", cognito.State},
		{createUser, "ResourceNotFoundException", "User pool x_y does not exist.", cognito.PoolNotFound},
		{createUser, "com.amazon.coral.service#AccessDeniedException", "User: arn is not authorized", cognito.Denied},
		{createUser, "ExpiredTokenException", "The security token included in the request is expired", cognito.Denied},
		{createUser, "UnrecognizedClientException", "The security token included in the request is invalid.", cognito.Denied},
		{updateUser, "InvalidParameterException", "user.email: Attribute cannot be updated.", cognito.Immutable},
		{updateUser, "AliasExistsException", "An account with the given email already exists.", cognito.Exists},
		{updateUser, "UserNotFoundException", "User does not exist.", cognito.NotFound},
		{member, "ResourceNotFoundException", "Group not found.", cognito.GroupNotFound},
		{member, "ResourceNotFoundException", "User pool x_y does not exist.", cognito.PoolNotFound},
		{member, "UserNotFoundException", "User does not exist.", cognito.NotFound},
		{member, "LimitExceededException", "User cannot be in more than 100 groups", cognito.Limit},
		{createGroup, "GroupExistsException", "A group with the name already exists.", cognito.Exists},
		{listUsers, "InvalidParameterException", "Error while parsing filter.", cognito.Invalid},
	}
	for _, c := range cases {
		f := &fake{answers: []answer{fails(400, c.code, c.message)}}
		err := c.call(t.Context(), inProcess(t, f, nil))
		var e *cognito.Error
		if !errors.As(err, &e) || e.Kind != c.want || e.Message != c.message || e.Sent {
			t.Errorf("%s %q: got %v, kind %q, want kind %q and not sent", c.code, c.message, err, cognito.KindOf(err), c.want)
		}
		if got := len(f.calls()); got != 1 {
			t.Errorf("%s %q: got %d attempts, want 1", c.code, c.message, got)
		}
	}
}

// TestClockSkew: an answer that says that our clock is wrong is followed by an attempt
// that is signed with the server's.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	const skew = 3 * time.Hour
	var signed []time.Time
	server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(skew).UTC().Format(http.TimeFormat))
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			t.Errorf("X-Amz-Date: %v", err)
		}
		signed = append(signed, at)
		if time.Until(at) < skew-time.Minute {
			fails(400, "InvalidSignatureException", "Signature expired")(w, r)
			return
		}
		ok(`{"UserPool":{}}`)(w, r)
	})
	pool := inProcess(t, server, nil)
	if err := pool.EnableUser(t.Context(), "alice"); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	if got := len(signed); got != 3 { // opening the pool: wrong, right; the call: right
		t.Errorf("got %d attempts, signed at %v, want 3", got, signed)
	}
}

// TestLogs: a repeated attempt is an event with what an operator asks for, and without
// anything of the user.
func TestLogs(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	f := &fake{answers: []answer{throttles, internal, userExists}}
	pool := inProcess(t, f, func(cfg *cognito.Config) { cfg.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	if err := createUser(t.Context(), pool); err == nil {
		t.Fatal("got no error, want one")
	}
	text := log.String()
	for _, want := range []string{
		"op=AdminCreateUser attempt=1 kind=throttled code=TooManyRequestsException request_id=request-1",
		"attempt=2 kind=unavailable code=InternalErrorException", "pool=" + fakePool,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got log\n%s\nwant it to hold %q", text, want)
		}
	}
	if strings.Contains(text, "alice") {
		t.Errorf("the log names the user:\n%s", text)
	}
	if got := strings.Count(text, "\n"); got != 2 {
		t.Errorf("got %d lines, want 2: the last failure is the caller's to log", got)
	}
}
