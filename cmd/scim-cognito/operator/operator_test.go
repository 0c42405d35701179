package operator_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cmd/scim-cognito/operator"
	"github.com/scim-cognito/scim-cognito/store"
)

func TestPaths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path string
		status       int
		want         string // in the sentence
	}{
		{http.MethodGet, "/healthz", http.StatusOK, ""},
		{http.MethodGet, "/readyz", http.StatusOK, ""},
		{http.MethodGet, "/-/journal", http.StatusOK, ""},
		{http.MethodGet, "/-/activity", http.StatusOK, ""},
		{http.MethodGet, "/-/resync", http.StatusMethodNotAllowed, "takes POST, not GET"},
		{http.MethodPost, "/-/journal", http.StatusMethodNotAllowed, "takes GET, not POST"},
		{http.MethodDelete, "/-/journal/drop", http.StatusMethodNotAllowed, "takes POST, not DELETE"},
		{http.MethodGet, "/", http.StatusNotFound, "/-/journal/retry"},
		{http.MethodGet, "/scim/v2/Users", http.StatusNotFound, "/-/resync"},
		{http.MethodGet, "/-/journal/", http.StatusNotFound, "/-/journal"},
		{http.MethodGet, "/-/journal?pol=x", http.StatusBadRequest, `unknown parameter "pol"`},
		{http.MethodGet, "/-/journal?pool=x&pool=y", http.StatusBadRequest, "twice"},
		{http.MethodGet, "/-/journal?pool=", http.StatusBadRequest, "empty"},
		{http.MethodGet, "/-/journal?pool=%zz", http.StatusBadRequest, "query"},
		{http.MethodGet, "/-/journal?pool=eu-west-1_X", http.StatusNotFound, "it has eu-west-1_A"},
		{http.MethodGet, "/-/activity?limit=0", http.StatusBadRequest, "1 to 1000"},
		{http.MethodGet, "/-/activity?limit=1001", http.StatusBadRequest, "1 to 1000"},
		{http.MethodGet, "/-/activity?limit=all", http.StatusBadRequest, "1 to 1000"},
		{http.MethodGet, "/-/activity?before=yesterday", http.StatusBadRequest, "seq"},
	} {
		l := listen(&directory{pool: "eu-west-1_A"})
		status, answer, _ := ask[problem](t, l, c.method, c.path, "")
		if status != c.status || !strings.Contains(answer.Error, c.want) {
			t.Errorf("%s %s: got %d %q, want %d with %q", c.method, c.path, status, answer.Error, c.status, c.want)
		}
	}
}

// What a body misspells must not mean something larger.
func TestBodiesAreRefused(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		status int
		text   string
	}{
		``:                                  {http.StatusBadRequest, "JSON object"},
		`[]`:                                {http.StatusBadRequest, "JSON object"},
		`null`:                              {http.StatusBadRequest, "JSON object"},
		`{`:                                 {http.StatusBadRequest, "not JSON"},
		`{"user"`:                           {http.StatusBadRequest, "not JSON"},
		`{"user":}`:                         {http.StatusBadRequest, "not JSON"},
		`{"usr":"1"}`:                       {http.StatusBadRequest, `unknown key "usr"; the keys here are pool, user, group`},
		`{"User":"1"}`:                      {http.StatusBadRequest, `unknown key "User"`},
		`{"user":""}`:                       {http.StatusBadRequest, `"user" must be a text that is not empty`},
		`{"user":null}`:                     {http.StatusBadRequest, `"user" must be a text`},
		`{"user":1}`:                        {http.StatusBadRequest, `"user" must be a text`},
		`{"user":{"id":"1"}}`:               {http.StatusBadRequest, `"user" must be a text`},
		`{"user":"1","user":"2"}`:           {http.StatusBadRequest, "twice"},
		`{"user":"1","group":"2"}`:          {http.StatusBadRequest, "exclude"},
		`{} {}`:                             {http.StatusBadRequest, "follows"},
		`{}]`:                               {http.StatusBadRequest, "follows"},
		`{"pool":"eu-west-1_X"}`:            {http.StatusNotFound, "it has eu-west-1_A"},
		strings.Repeat(" ", 70_000) + `{}`:  {http.StatusRequestEntityTooLarge, "65536"},
		`{"pool":"eu-west-1_X","user":"1"}`: {http.StatusNotFound, "it has eu-west-1_A"},
	} {
		d := &directory{pool: "eu-west-1_A"}
		status, answer, _ := ask[problem](t, listen(d), http.MethodPost, "/-/resync", body)
		if status != want.status || !strings.Contains(answer.Error, want.text) {
			t.Errorf("%.40q: got %d %q, want %d with %q", body, status, answer.Error, want.status, want.text)
		}
		if len(d.asked) != 0 {
			t.Errorf("%.40q: got %q done, want nothing", body, d.asked)
		}
	}
}

type resynced struct {
	Error string
	Pools []operator.Resynced
}

func TestResync(t *testing.T) {
	t.Parallel()
	down := &bridge.Error{Kind: bridge.Unavailable, RetryAfter: 1500 * time.Millisecond, Detail: "Amazon Cognito does not answer"}
	for name, c := range map[string]struct {
		body   string
		err    error // of the second pool
		status int
		want   []operator.Resynced
		says   string
		asked  [2][]string
	}{
		"everything":        {body: `{}`, status: 202, want: []operator.Resynced{{Pool: "A", Outcome: "started"}, {Pool: "B", Outcome: "started"}}, asked: [2][]string{{"resync"}, {"resync"}}},
		"one pool":          {body: `{"pool":"B"}`, status: 202, want: []operator.Resynced{{Pool: "B", Outcome: "started"}}, asked: [2][]string{nil, {"resync"}}},
		"a user":            {body: `{"user":"1"}`, status: 200, want: []operator.Resynced{{Pool: "A", Outcome: "in step"}, {Pool: "B", Outcome: "unknown"}}, asked: [2][]string{{"user 1"}, {"user 1"}}},
		"a user who left":   {body: `{"user":"2"}`, status: 200, want: []operator.Resynced{{Pool: "A", Outcome: "unknown"}, {Pool: "B", Outcome: "gone"}}, asked: [2][]string{{"user 2"}, {"user 2"}}},
		"a group":           {body: `{"group":"1","pool":"B"}`, status: 200, want: []operator.Resynced{{Pool: "B", Outcome: "in step"}}, asked: [2][]string{nil, {"group 1"}}},
		"a user of nowhere": {body: `{"user":"3"}`, status: 404, says: `no user with the id "3", neither in the mirror nor in A, B`, asked: [2][]string{{"user 3"}, {"user 3"}}},
		"one pool is down": {body: `{"user":"1"}`, err: down, status: 200, asked: [2][]string{{"user 1"}, {"user 1"}},
			want: []operator.Resynced{{Pool: "A", Outcome: "in step"}, {Pool: "B", Outcome: "failed", Error: down.Detail}}},
		"the pool is down":  {body: `{"user":"3"}`, err: down, status: 503, says: down.Detail, asked: [2][]string{{"user 3"}, {"user 3"}}},
		"the quota is full": {body: `{"group":"1"}`, err: &bridge.Error{Kind: bridge.TooMany, RetryAfter: time.Second, Detail: "later"}, status: 429, says: "later", asked: [2][]string{{"group 1"}, {"group 1"}}},
		"AWS refuses us":    {body: `{"group":"1"}`, err: &bridge.Error{Kind: bridge.Denied, Err: errors.New("AccessDenied")}, status: 502, says: "AccessDenied", asked: [2][]string{{"group 1"}, {"group 1"}}},
		"our fault":         {body: `{"group":"1"}`, err: errors.New("disk full"), status: 500, says: "disk full", asked: [2][]string{{"group 1"}, {"group 1"}}},
	} {
		a := &directory{pool: "A", here: map[string]bool{"user 1": true}}
		b := &directory{pool: "B", here: map[string]bool{"user 2": false, "group 1": true}, err: c.err}
		l := listen(a, b)
		status, answer, header := ask[resynced](t, l, http.MethodPost, "/-/resync", c.body)
		if status != c.status || !strings.Contains(answer.Error, c.says) {
			t.Errorf("%s: got %d %q, want %d with %q", name, status, answer.Error, c.status, c.says)
		}
		if diff := cmp.Diff(c.want, answer.Pools); diff != "" {
			t.Errorf("%s: outcomes (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(c.asked, [2][]string{a.asked, b.asked}); diff != "" {
			t.Errorf("%s: asked of the pools (-want +got):\n%s", name, diff)
		}
		if again := header.Get("Retry-After"); (again != "") != (status == 429 || status == 503) || c.err == error(down) && status == 503 && again != "2" {
			t.Errorf("%s: got %d with Retry-After %q, want whole seconds, rounded up, with 429 and 503 alone", name, status, again)
		}
		if failed := strings.Contains(l.log.String(), "level=ERROR"); failed != (status >= 500) {
			t.Errorf("%s: got an error in the log: %v, with %d:\n%s", name, failed, status, l.log)
		}
	}
}

func TestJournal(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := &directory{pool: "A", work: []bridge.Unfinished{{Key: "user:1", Attempts: 2, Created: at, Next: at.Add(time.Minute)}, {Key: "userName:ada"}}}
	b := &directory{pool: "B", work: []bridge.Unfinished{{Key: "group:1", Parked: "limit"}, {Key: "userName:ada"}}}
	l := listen(a, b)
	type journal struct{ Work []operator.Work }
	_, all, _ := ask[journal](t, l, http.MethodGet, "/-/journal", "")
	want := journal{[]operator.Work{{Pool: "A", Unfinished: a.work[0]}, {Pool: "A", Unfinished: a.work[1]}, {Pool: "B", Unfinished: b.work[0]}, {Pool: "B", Unfinished: b.work[1]}}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("the journal (-want +got):\n%s", diff)
	}
	if _, got, _ := ask[journal](t, l, http.MethodGet, "/-/journal?pool=B", ""); len(got.Work) != 2 || got.Work[0].Key != "group:1" {
		t.Errorf("the journal of B: got %v, want its own work", got)
	}
	if _, got, _ := ask[map[string]any](t, listen(&directory{}), http.MethodGet, "/-/journal", ""); fmt.Sprint(got) != "map[work:[]]" {
		t.Errorf("an empty journal: got %v, want an empty list", got)
	}

	for _, c := range []struct {
		path, body string
		status     int
		says       string
		asked      [2][]string
	}{
		{"retry", `{"key":"user:1"}`, 200, "", [2][]string{{"retry user:1"}, nil}},
		{"drop", `{"key":"group:1"}`, 200, "", [2][]string{nil, {"drop group:1"}}},
		{"drop", `{"key":"userName:ada"}`, 409, `A, B; say which by "pool"`, [2][]string{}},
		{"drop", `{"key":"userName:ada","pool":"B"}`, 200, "", [2][]string{nil, {"drop userName:ada"}}},
		{"drop", `{"key":"group:1","pool":"A"}`, 404, "no work under the key", [2][]string{}},
		{"retry", `{"key":"user:2"}`, 404, `no work under the key "user:2"`, [2][]string{}},
		{"retry", `{}`, 400, `"key" is missing`, [2][]string{}},
		{"drop", `{"key":"user:1","user":"1"}`, 400, "unknown key", [2][]string{}},
	} {
		a.asked, b.asked, l.activity.recorded = nil, nil, nil
		status, answer, _ := ask[struct{ Error, Key, Pool string }](t, l, http.MethodPost, "/-/journal/"+c.path, c.body)
		if status != c.status || !strings.Contains(answer.Error, c.says) || (answer.Pool == "") != (status != 200) {
			t.Errorf("%s %s: got %d %v, want %d with %q", c.path, c.body, status, answer, c.status, c.says)
		}
		if diff := cmp.Diff(c.asked, [2][]string{a.asked, b.asked}); diff != "" {
			t.Errorf("%s %s: asked of the pools (-want +got):\n%s", c.path, c.body, diff)
		}
		if done := status == 200; done != (len(l.activity.recorded) == 1) || done && l.activity.recorded[0].Method != c.path {
			t.Errorf("%s %s: got %d and the records %v, want one of what was done", c.path, c.body, status, l.activity.recorded)
		}
	}
	if strings.Contains(l.log.String(), "ada") {
		t.Errorf("the log holds a person's name:\n%s", l.log)
	}
}

func TestActivity(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	l := listen(&directory{pool: "A"})
	l.activity.has = []store.Recorded{
		{Seq: 9, Activity: store.Activity{At: at, RequestID: "r", Connection: "okta", Method: "create", Kind: store.User, ID: "1", Plan: []string{"AdminCreateUser ada"}, Outcome: "done", Notes: []string{"n"}}},
		{Seq: 8, Activity: store.Activity{At: at, Method: "drift", Outcome: "gone"}},
	}
	_, got, _ := ask[struct{ Activity []operator.Record }](t, l, http.MethodGet, "/-/activity?request=r&id=1&connection=okta&before=10&limit=7", "")
	want := []operator.Record{
		{Seq: 9, At: at.UTC(), Request: "r", Connection: "okta", Method: "create", Kind: store.User.String(), ID: "1", Plan: []string{"AdminCreateUser ada"}, Outcome: "done", Notes: []string{"n"}},
		{Seq: 8, At: at.UTC(), Method: "drift", Outcome: "gone"},
	}
	if diff := cmp.Diff(want, got.Activity); diff != "" {
		t.Errorf("the activity (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(store.ActivityQuery{RequestID: "r", ID: "1", Connection: "okta", Before: 10, Limit: 7}, l.activity.query); diff != "" {
		t.Errorf("what the store was asked (-want +got):\n%s", diff)
	}
	l.activity.err = errors.New("disk full")
	if status, answer, _ := ask[problem](t, l, http.MethodGet, "/-/activity", ""); status != 500 || answer.Error != "disk full" || l.activity.query.Limit != 100 {
		t.Errorf("a failing store: got %d %q, limit %d, want 500 with the cause, and a limit of 100 by default", status, answer.Error, l.activity.query.Limit)
	}
}

// A change that cannot be recorded is made all the same, and the log says so.
func TestDropWithoutRecord(t *testing.T) {
	t.Parallel()
	d := &directory{pool: "A", work: []bridge.Unfinished{{Key: "user:1"}}}
	l := listen(d)
	l.activity.err = errors.New("disk full")
	if status, answer, _ := ask[problem](t, l, http.MethodPost, "/-/journal/drop", `{"key":"user:1"}`); status != 200 || !slices.Equal(d.asked, []string{"drop user:1"}) {
		t.Errorf("got %d %q and %q done, want the work dropped", status, answer.Error, d.asked)
	}
	if got := l.activity.recorded; len(got) != 1 || got[0].Kind != store.User || got[0].ID != "1" {
		t.Errorf("got the records %v, want one about user 1", got)
	}
	if !strings.Contains(l.log.String(), "disk full") {
		t.Errorf("got the log %q, want disk full in it", l.log)
	}
}
