package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// complaint says what of a transcript did not come true.
type complaint struct {
	line int
	text string
}

// replay is a transcript being played.
type replay struct {
	*stage
	names      map[string]string
	headers    http.Header // of every request
	request    *http.Request
	body       string // of request
	answer     *http.Response
	answered   []byte
	decoded    any              // answered, when it is JSON
	calls      map[string]int64 // that the last request made
	complaints []complaint
	over       bool // going on would only repeat what went wrong
}

// replayed plays a transcript, with the headers of its client, and returns what did not come true.
func replayed(t *testing.T, headers, story string) []complaint {
	t.Helper()
	p := &replay{stage: newStage(t), names: map[string]string{"token": stageToken}, headers: http.Header{}}
	for _, text := range []string{headers, story} {
		all, err := blocks(text)
		if err != nil {
			return append(p.complaints, complaint{text: err.Error()})
		}
		for _, b := range all {
			if p.play(b); p.over {
				return p.complaints
			}
		}
	}
	switch last := (block{line: strings.Count(story, "\n")}); {
	case p.request != nil:
		p.complain(last, "the last request has no answer")
	case p.answer == nil:
		p.complain(last, "no request at all")
	}
	return p.complaints
}

func (p *replay) complain(b block, format string, args ...any) {
	p.complaints = append(p.complaints, complaint{b.line, fmt.Sprintf(format, args...)})
}

// stop complains, and ends the play.
func (p *replay) stop(b block, format string, args ...any) {
	p.complain(b, format, args...)
	p.over = true
}

var requestLine = regexp.MustCompile(`^([A-Z]+) (/\S*)$`)

// play does what one block says.
func (p *replay) play(b block) {
	if b.mark == '#' {
		return
	}
	head, unknown := fillIn(b.head, p.names)
	if len(unknown) > 0 {
		p.stop(b, "nothing is called %s", strings.Join(unknown, ", "))
		return
	}
	b.head = head
	if p.request != nil && b.mark != '>' && b.mark != '<' {
		p.stop(b, "the request above has no answer")
		return
	}
	switch b.mark {
	case '*':
		setHeader(p.headers, b.head)
	case '>':
		p.ask(b)
	case '<':
		p.hear(b)
	case '=':
		p.check(b)
	case '!':
		p.interfere(b)
	case '~':
		p.wait(b)
	}
}

// setHeader reads "Name: value"; without a value the header goes.
func setHeader(h http.Header, text string) {
	name, value, _ := strings.Cut(text, ":")
	if value = strings.TrimSpace(value); value == "" {
		h.Del(name)
	} else {
		h.Set(name, value)
	}
}

// ask begins a request, or adds a header to it. It is sent when its answer is wanted.
func (p *replay) ask(b block) {
	m := requestLine.FindStringSubmatch(b.head)
	switch {
	case m == nil && p.request == nil:
		p.stop(b, "neither a request nor a header of one: %s", b.head)
		return
	case m == nil:
		setHeader(p.request.Header, b.head)
	case p.request != nil:
		p.stop(b, "the request above has no answer")
		return
	default:
		if p.url == "" {
			p.start()
		}
		request, err := http.NewRequestWithContext(p.t.Context(), m[1], p.url+"/scim/v2"+m[2], nil)
		if err != nil {
			p.stop(b, "%v", err)
			return
		}
		request.Header = p.headers.Clone()
		p.request, p.body = request, ""
	}
	if b.body == "" {
		return
	}
	var err error
	if p.body, err = p.bodyOf(b.body); err != nil {
		p.stop(b, "the request's body: %v", err)
	}
}

// bodyOf returns what a request's body says, byte for byte unless it is made from the last answer.
func (p *replay) bodyOf(text string) (string, error) {
	text, unknown := fillIn(text, p.names)
	if len(unknown) > 0 {
		return "", fmt.Errorf("nothing is called %s", strings.Join(unknown, ", "))
	}
	change, echo := strings.CutPrefix(text, "last answer + ")
	if !echo {
		return text, nil
	}
	over, err := decodedJSON(change)
	if err != nil {
		return "", err
	}
	echoed, err := json.Marshal(laidOver(p.decoded, over))
	return string(echoed), err
}

// hear compares the answer, once it has come, with what the block says of its status or a header, and of its body.
func (p *replay) hear(b block) {
	name, value, isHeader := strings.Cut(b.head, ":")
	asked := p.request != nil
	switch {
	case asked && !p.send(b):
		return
	case p.answer == nil:
		p.stop(b, "an answer, but no request")
		return
	case isHeader:
		if got := p.answer.Header.Get(name); !fits(strings.TrimSpace(value), got) {
			p.complain(b, "%s: got %q, want %q", name, got, strings.TrimSpace(value))
		}
	case !asked:
		p.stop(b, "the request above has its answer already")
		return
	}
	if b.body == "" {
		return
	}
	found, err := differences(p.names, b.body, p.decoded)
	if err != nil {
		p.stop(b, "%v", err)
	}
	for _, text := range found {
		p.complain(b, "%s", text)
	}
}

// send sends the request and holds the answer to the status that is wanted, and to the law. It reports whether it is
// worth looking at.
func (p *replay) send(b block) bool {
	request := p.request
	p.request = nil
	want, err := strconv.Atoi(b.head)
	if err != nil {
		p.stop(b, "got %q, want the status of the answer", b.head)
		return false
	}
	if p.body == "" {
		request.Header.Del("Content-Type")
	} else {
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader(p.body)), int64(len(p.body))
	}
	before, invited := p.emulator.Calls(), p.emulator.Invitations()
	if err := p.exchange(request); err != nil {
		p.stop(b, "%v", err)
		return false
	}
	p.calls = p.emulator.Calls()
	maps.DeleteFunc(p.calls, func(op string, n int64) bool {
		p.calls[op] = n - before[op]
		return n == before[op] || op == "DescribeUserPool"
	})
	if p.answer.StatusCode != want {
		p.stop(b, "status: got %d, want %d; the body is %s", p.answer.StatusCode, want, shown(p.decoded))
		return false
	}
	for _, broken := range p.law() {
		p.complain(b, "%s", broken)
	}
	if n := p.emulator.Invitations() - invited; n > 0 {
		p.complain(b, "invitations that the pool sent: got %d, want none", n)
	}
	return true
}

// exchange sends the request and takes the answer.
func (p *replay) exchange(request *http.Request) (err error) {
	if p.answer, err = p.client.Do(request); err != nil {
		return err
	}
	p.answered, err = io.ReadAll(p.answer.Body)
	if err = errors.Join(err, p.answer.Body.Close()); err != nil {
		return err
	}
	if p.decoded = nil; len(p.answered) > 0 {
		if p.decoded, err = decodedJSON(string(p.answered)); err != nil {
			return fmt.Errorf("the answer %d is not JSON: %w: %s", p.answer.StatusCode, err, p.answered)
		}
	}
	return nil
}

// law returns what is wrong with the last answer whatever the request was: the media type, the form of errors, lists and
// creations (RFC 7644 sections 3.12, 3.4.2 and 3.3), a password that is told, and a Retry-After that Okta cannot read.
func (p *replay) law() (broken []string) {
	c := comparison{names: map[string]string{}}
	status, header := p.answer.StatusCode, p.answer.Header
	object, _ := p.decoded.(map[string]any)
	if kind := header.Get("Content-Type"); len(p.answered) > 0 && !fits("application/scim+json...", kind) {
		c.differ("Content-Type", kind, "application/scim+json")
	}
	if retry := header.Get("Retry-After"); retry != "" {
		if n, err := strconv.Atoi(retry); err != nil || n < 1 {
			c.differ("Retry-After", retry, "a whole number of seconds")
		}
	}
	switch {
	case status == http.StatusNoContent:
		if len(p.answered) > 0 {
			c.differ("", string(p.answered), "no body")
		}
	case status >= http.StatusBadRequest:
		c.compare("", map[string]any{"schemas": []any{"urn:ietf:params:scim:api:messages:2.0:Error"}, "status": strconv.Itoa(status)}, p.decoded)
		if detail, _ := object["detail"].(string); strings.TrimSpace(detail) == "" {
			c.differ("detail", object["detail"], "words for the admin")
		}
	case status == http.StatusCreated:
		c.compare("", map[string]any{"id": "{=id}", "meta": map[string]any{"location": header.Get("Location")}}, p.decoded)
	case object["Resources"] != nil || object["totalResults"] != nil:
		resources, _ := object["Resources"].([]any)
		c.compare("", map[string]any{"schemas": []any{"urn:ietf:params:scim:api:messages:2.0:ListResponse"}, "totalResults": "(integer)",
			"startIndex": "(integer)", "itemsPerPage": json.Number(strconv.Itoa(len(resources))), "Resources": "..."}, p.decoded)
	}
	if _, told := object["password"]; told {
		c.differ("password", "[a password]", "it never returned")
	}
	return c.found
}

// check compares the pool, or the calls of the last request, with what the block says.
func (p *replay) check(b block) {
	what, rest, _ := strings.Cut(b.head, " ")
	name, text, _ := strings.Cut(strings.TrimSpace(rest), " ")
	absent := what == "no"
	if absent {
		what, name = name, strings.TrimSpace(text)
	}
	var got map[string]any
	var err error
	switch what {
	case "calls":
		p.checkCalls(b, rest)
		return
	case "user":
		got, err = p.user(name)
	case "group":
		got, err = p.group(name)
	default:
		p.stop(b, "there is no check of %q", b.head)
		return
	}
	want := strings.TrimSpace(text + "\n" + b.body)
	switch {
	case err != nil:
		p.stop(b, "%v", err)
	case absent && got != nil:
		p.complain(b, "%s %s: got %s, want none", what, name, shown(got))
	case absent:
	case got == nil:
		p.complain(b, "%s %s: got none, want one", what, name)
	default:
		found, err := differences(p.names, want, got)
		if err != nil {
			p.stop(b, "%v", err)
		}
		for _, text := range found {
			p.complain(b, "%s %s: %s", what, name, text)
		}
	}
}

// checkCalls reads "AdminDisableUser 1, AdminUserGlobalSignOut 1", or "none".
func (p *replay) checkCalls(b block, text string) {
	if p.answer == nil {
		p.stop(b, "calls, but no request")
		return
	}
	made := []string{}
	for _, op := range slices.Sorted(maps.Keys(p.calls)) {
		made = append(made, fmt.Sprintf("%s %d", op, p.calls[op]))
	}
	want := []string{}
	for each := range strings.SplitSeq(text, ",") {
		want = append(want, strings.TrimSpace(each))
	}
	if text == "none" {
		want = nil
	}
	slices.Sort(want)
	if !slices.Equal(made, want) {
		p.complain(b, "calls: got %q, want %q", made, want)
	}
}

// interfere is what others do to the pool.
func (p *replay) interfere(b block) {
	what, text, _ := strings.Cut(b.head, " ")
	input := strings.TrimSpace(text + "\n" + b.body)
	times := 1
	if n, err := strconv.Atoi(what); err == nil {
		times = n
		what, input, _ = strings.Cut(input, " ")
	}
	input, unknown := fillIn(input, p.names)
	var err error
	switch {
	case len(unknown) > 0:
		err = fmt.Errorf("nothing is called %s", strings.Join(unknown, ", "))
	case b.head == "no faults":
		p.emulator.ClearFaults()
	case what == "fault":
		var f emulator.Fault
		if err = strictly(input, &f); err == nil {
			err = p.emulator.AddFault(f)
		}
	case what == "grants" && p.url != "":
		err = errors.New("the server has started: its configuration comes before the first request")
	case what == "grants":
		err = strictly(input, &p.grants)
	default:
		for n := 1; n <= times && err == nil; n++ {
			err = p.call(what, strings.ReplaceAll(input, "#", strconv.Itoa(n)))
		}
	}
	if err != nil {
		p.stop(b, "%v", err)
	}
}

// wait lets time pass.
func (p *replay) wait(b block) {
	d, err := time.ParseDuration(b.head)
	if err != nil {
		p.stop(b, "%v", err)
		return
	}
	p.pass(d)
}
