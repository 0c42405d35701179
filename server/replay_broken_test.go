package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const (
	brokenHeaders = "* Authorization: Bearer {token}\n* Content-Type: application/scim+json\n"
	// storyOfAda is lines 1 to 4 of many stories.
	storyOfAda = "> POST /Users\n{\"userName\": \"ada\", \"emails\": [{\"value\": \"ada@a.example\"}]}\n< 201\n{\"id\": \"{=ada}\"}\n"
)

// brokenStories are transcripts with the complaint about each, "" for none.
var brokenStories = []struct{ name, story, want string }{
	{"nothing wrong", storyOfAda + "= user ada {\"enabled\": true}\n= no user grace\n= calls AdminCreateUser 1\n", ""},
	{"status", "# first\n> GET /Users/nobody\n< 200\n", `3: status: got 404, want 200; the body is {"detail"`},
	{"header of the answer", "> GET /Users\n< 200\n< Location: somewhere\n", `3: Location: got "", want "somewhere"`},
	{"name in the answer", storyOfAda + "> GET /Users/{ada}\n< 200\n{\"title\": \"Countess\"}\n", `6: title: got nothing, want "Countess"`},
	{"text in the answer", storyOfAda + "> GET /Users/{ada}\n< 200\n{\"userName\": \"grace\"}\n", `6: userName: got "ada", want "grace"`},
	{"text inside a list", storyOfAda + "> GET /Users/{ada}\n< 200\n{\"emails\": [{\"value\": \"...@b.example\"}]}\n",
		`6: emails[0].value: got "ada@a.example", want "...@b.example"`},
	{"length of a list", "> GET /Users\n< 200\n{\"Resources\": [{}]}\n", "2: Resources: got [], want a list of 1"},
	{"number", "> GET /Users\n< 200\n{\"totalResults\": 7}\n", "2: totalResults: got 0, want 7"},
	{"kind", "> GET /Users\n< 200\n{\"Resources\": \"(integer)\"}\n", "2: Resources: got [], want a whole number"},
	{"absence", storyOfAda + "> GET /Users/{ada}\n< 200\n{\"active\": \"(absent)\"}\n", "6: active: got true, want it absent"},
	{"two names for one id", storyOfAda + "> GET /Users/{ada}\n< 200\n{\"id\": \"{=grace}\"}\n", "want a text of its own: this one is {ada}"},
	{"members", storyOfAda + "> POST /Groups\n{\"displayName\": \"S\", \"members\": [{\"value\": \"{ada}\"}]}\n< 201\n{\"members\": [{\"value\": \"x\"}]}\n",
		"7: members[0].value: got"},
	{"calls", storyOfAda + "= calls none\n", `5: calls: got ["AdminCreateUser 1"], want []`},
	{"fewer calls", storyOfAda + "= calls AdminCreateUser 1, ListUsers 1\n", `5: calls: got ["AdminCreateUser 1"], want ["AdminCreateUser 1" "ListUsers 1"]`},
	{"user", storyOfAda + "= user ada {\n  \"enabled\": false}\n", "5: user ada: enabled: got true, want false"},
	{"overflow of a user", storyOfAda + "= user ada {\"attributes\": {\"custom:scim\": {\"title\": \"x\"}}}\n", `5: user ada: attributes.custom:scim.title: got nothing, want "x"`},
	{"missing user", storyOfAda + "= user grace {}\n", "5: user grace: got none, want one"},
	{"needless user", storyOfAda + "= no user ada\n", "5: user ada: got {"},
	{"group", "! CreateGroup {\"GroupName\": \"S\"}\n> GET /Users\n< 200\n= group S {\"members\": [\"ada\"]}\n", "4: group S: members: got [], want a list of 1"},
	{"needless group", "! CreateGroup {\"GroupName\": \"S\"}\n> GET /Users\n< 200\n= no group S\n", "4: group S: got {"},

	{"no request", "# nothing\n", "1: no request at all"},
	{"no answer", "> GET /Users\n", "1: the last request has no answer"},
	{"no answer before the next", "> GET /Users\n> GET /Groups\n< 200\n", "2: the request above has no answer"},
	{"no answer before a check", "> GET /Users\n= calls none\n< 200\n", "2: the request above has no answer"},
	{"answer without request", "< 200\n", "1: an answer, but no request"},
	{"second answer", "> GET /Users\n< 200\n< 200\n", "3: the request above has its answer already"},
	{"header before the status", "> GET /Users\n< Location: x\n< 200\n", `2: got "Location: x", want the status`},
	{"header without request", "> Accept: */*\n", "1: neither a request nor a header of one"},
	{"calls without request", "= calls none\n", "1: calls, but no request"},
	{"unknown name", "> GET /Users/{nobody}\n< 200\n", "1: nothing is called {nobody}"},
	{"unknown name in a body", "> POST /Users\n{\"userName\": \"{nobody}\"}\n< 201\n", "1: the request's body: nothing is called {nobody}"},
	{"unknown name in an answer", "> GET /Users\n< 200\n{\"schemas\": \"{nobody}\"}\n", "2: schemas: got"},
	{"answer that is not JSON", "> GET /Users\n< 200\n{\"totalResults\": }\n", "2: the transcript is not JSON"},
	{"check", "> GET /Users\n< 200\n= role S {}\n", `3: there is no check of "role S {}"`},
	{"operation", "! AdminMakeUser {}\n", `1: Cognito has no operation "AdminMakeUser"`},
	{"operation's input", "! AdminCreateUser {\"UserName2\": \"ada\"}\n", `1: the input of AdminCreateUser: json: unknown field "UserName2"`},
	{"operation that fails", "! AdminDeleteUser {\"Username\": \"ada\"}\n", "UserNotFoundException"},
	{"fault", "! fault {\"kind\": \"bad weather\"}\n", `1: adding a fault: kind "bad weather"`},
	{"late configuration", "> GET /Users\n< 200\n! grants []\n", "3: the server has started"},
	{"time", "~ tomorrow\n", `1: time: invalid duration "tomorrow"`},
	{"text before everything", "hello\n", "line 1: a body, but nothing that it belongs to"},
	{"text after a comment", "# a\n\nhello\n", "line 1: a line marked # has no body"},
}

// A transcript that does not come true, or that makes no sense, is complained about on the line where it goes wrong.
func TestReplayComplains(t *testing.T) {
	t.Parallel()
	for _, c := range brokenStories {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var all []string
			for _, each := range replayed(t, brokenHeaders, c.story) {
				all = append(all, fmt.Sprintf("%d: %s", each.line, each.text))
			}
			if got := strings.Join(all, "\n"); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("complaints: got %q, want %q among them", got, c.want)
			}
		})
	}
}

const (
	lawfulList  = `{"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 2, "startIndex": 1, "itemsPerPage": 1, "Resources": [{}]}`
	lawfulError = `{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "404", "detail": "gone"}`
)

// sampleAnswers are what servers may answer, with what is wrong about each.
var sampleAnswers = []struct {
	name   string
	status int
	header [2]string // besides Content-Type: application/scim+json
	body   string
	want   []string
}{
	{name: "list", status: 200, body: lawfulList},
	{name: "error", status: 404, body: lawfulError},
	{name: "creation", status: 201, header: [2]string{"Location", "https://x/1"}, body: `{"id": "1", "meta": {"location": "https://x/1"}}`},
	{name: "nothing", status: 204},
	{name: "wait", status: 404, header: [2]string{"Retry-After", "30"}, body: lawfulError},

	{name: "media type", status: 200, header: [2]string{"Content-Type", "text/html"}, body: `{}`, want: []string{`Content-Type: got "text/html", want application/scim+json`}},
	{name: "wait until", status: 404, header: [2]string{"Retry-After", "Sat, 21 Nov 2026 08:00:00 GMT"}, body: lawfulError,
		want: []string{`Retry-After: got "Sat, 21 Nov 2026 08:00:00 GMT", want a whole number of seconds`}},
	{name: "no wait", status: 404, header: [2]string{"Retry-After", "0"}, body: lawfulError, want: []string{`Retry-After: got "0", want a whole number of seconds`}},
	{name: "204 with a body", status: 204, body: `{}`, want: []string{`the whole: got "{}", want no body`}},
	{name: "error with a number", status: 404, body: strings.Replace(lawfulError, `"404"`, `404`, 1), want: []string{`status: got 404, want "404"`}},
	{name: "error of another status", status: 400, body: lawfulError, want: []string{`status: got "404", want "400"`}},
	{name: "error without words", status: 404, body: strings.Replace(lawfulError, "gone", " ", 1), want: []string{`detail: got " ", want words for the admin`}},
	{name: "error without schema", status: 404, body: strings.Replace(lawfulError, ":Error", ":Err", 1),
		want: []string{`schemas[0]: got "urn:ietf:params:scim:api:messages:2.0:Err", want "urn:ietf:params:scim:api:messages:2.0:Error"`}},
	{name: "list that miscounts", status: 200, body: strings.Replace(lawfulList, `Page": 1`, `Page": 2`, 1), want: []string{`itemsPerPage: got 2, want 1`}},
	{name: "list without a total", status: 200, body: strings.Replace(lawfulList, `2, "start`, `"2", "start`, 1), want: []string{`totalResults: got "2", want a whole number`}},
	{name: "creation without an id", status: 201, header: [2]string{"Location", "https://x/1"}, body: `{"id": 1, "meta": {"location": "https://x/1"}}`,
		want: []string{`id: got 1, want a text to be called {id}`}},
	{name: "creation elsewhere", status: 201, header: [2]string{"Location", "https://x/1"}, body: `{"id": "1", "meta": {"location": "https://x/2"}}`,
		want: []string{`meta.location: got "https://x/2", want "https://x/1"`}},
	{name: "password", status: 200, body: `{"password": "secret"}`, want: []string{`password: got "[a password]", want it never returned`}},
}

// An answer that no client could live with is found without a word in the transcript.
func TestReplayLaw(t *testing.T) {
	t.Parallel()
	for _, c := range sampleAnswers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := &replay{answer: &http.Response{StatusCode: c.status, Header: http.Header{"Content-Type": {"application/scim+json; charset=utf-8"}}}}
			if c.header[0] != "" {
				p.answer.Header.Set(c.header[0], c.header[1])
			}
			if p.answered = []byte(c.body); c.body != "" {
				var err error
				if p.decoded, err = decodedJSON(c.body); err != nil {
					t.Fatal(err)
				}
			}
			if got := p.law(); !slices.Equal(got, c.want) {
				t.Errorf("broken: got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLaidOver(t *testing.T) {
	t.Parallel()
	under, err := decodedJSON(`{"a": 1, "b": {"c": [1], "d": "x"}, "e": "y"}`)
	if err != nil {
		t.Fatal(err)
	}
	over, err := decodedJSON(`{"b": {"c": [2], "f": {"g": null, "h": true}}, "e": null}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shown(laidOver(under, over)), `{"a":1,"b":{"c":[2],"d":"x","f":{"h":true}}}`; got != want {
		t.Errorf("merged: got %s, want %s", got, want)
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[{* 9-11 {"value": "{user#}"} *}]`: `[{"value": "{user9}"}, {"value": "{user10}"}, {"value": "{user11}"}]`,
		`[{* 2-1 x *}]`:                     `[]`,
		`{* 1-2 a# *}{* 3-3 b# *}`:          `a1, a2b3`,
		`{"a": {}}`:                         `{"a": {}}`,
	} {
		if got := expand(text); got != want {
			t.Errorf("expand(%s): got %s, want %s", text, got, want)
		}
	}
}
