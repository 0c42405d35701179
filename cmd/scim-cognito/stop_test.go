package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

// pushed is a server on an emulated pool of seeded users, and a group push that takes it long.
type pushed struct {
	*command
	origin string
	pool   *cognitoidentityprovider.Client
	calls  string // where the emulator counts them
	group  string
	people []string // SCIM ids of all users
}

// configured starts a server whose share of the quota is given, on a store that outlives it.
func configured(t *testing.T, endpoint, store string, share float64) (c *command, origin string) {
	t.Helper()
	text := document(endpoint, emulatorPool, "")
	text = strings.Replace(text, `"endpoint":`, fmt.Sprintf(`"share": %v, "endpoint":`, share), 1)
	text = strings.Replace(text, `"attributes":`, `"adoption": "all", "attributes":`, 1)
	c = start(t, tokens32, "serve", "--config", write(t, "config.json", text), "--store=sqlite:"+store)
	origin = "http://" + c.await(t, c.log, `"msg":"serving".*"listen":"([^"]+)"`)
	awaitReady(t, origin)
	return c, origin
}

// pushing has a group of all users made at share of the quota, and returns when some of them are in it. The answer to the
// push comes over the channel.
func pushing(t *testing.T, store string, users int, share float64) (pushed, <-chan *http.Response) {
	t.Helper()
	e, pool := emulateWith(t, "--users="+strconv.Itoa(users))
	p := pushed{pool: pool, calls: e.await(t, e.out, `curl (http://\S+)/-/calls`) + "/-/calls"}
	p.command, p.origin = configured(t, strings.TrimSuffix(p.calls, "/-/calls"), store, share)
	_, list := scim(t, http.MethodGet, p.origin+"/scim/v2/Users?count=1000", token, "")
	var members []string
	for _, r := range list["Resources"].([]any) {
		p.people = append(p.people, r.(map[string]any)["id"].(string))
		members = append(members, fmt.Sprintf(`{"value":%q}`, p.people[len(p.people)-1]))
	}
	if len(p.people) != users {
		t.Fatalf("got %d users listed, want %d", len(p.people), users)
	}
	status, made := scim(t, http.MethodPost, p.origin+"/scim/v2/Groups", token, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Everybody"}`)
	if status != http.StatusCreated {
		t.Fatalf("creating the group: got %d %v, want 201", status, made)
	}
	p.group = made["id"].(string)
	answer := make(chan *http.Response, 1)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.origin+"/scim/v2/Groups/"+p.group, strings.NewReader(
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Everybody","members":[`+strings.Join(members, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/scim+json")
	go func() {
		defer close(answer)
		if got, err := http.DefaultClient.Do(request); err != nil {
			t.Errorf("the push: got error %v, want an answer", err)
		} else {
			answer <- got
		}
	}()
	eventually(t, "some members are in the group", func() bool { return p.added(t) >= 8 })
	return p, answer
}

// added is how many memberships the emulator was asked for.
func (p pushed) added(t *testing.T) int {
	t.Helper()
	_, body := get(t, p.calls)
	var counts struct{ Operations map[string]int }
	if err := json.Unmarshal([]byte(body), &counts); err != nil {
		t.Fatal(err)
	}
	return counts.Operations["AdminAddUserToGroup"]
}

// An order to stop in the middle of a big group push: the program is gone within the ten seconds that Docker gives, the
// identity provider knows when to come back, and after a restart the journal makes the group complete.
func TestStopInTheMiddleOfAPush(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		users int
		share float64       // of 25 memberships a second, before the restart
		most  time.Duration // that stopping may take
	}{
		"while its request waits":       {users: 160, share: 0.2, most: drainLimit + 2*time.Second}, // 32 s
		"when its request was answered": {users: 160, share: 0.1, most: 4 * time.Second},            // 64 s, more than a request may take
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := filepath.Join(t.TempDir(), "mirror.db")
			p, answers := pushing(t, store, c.users, c.share)
			begun := time.Now()
			p.interrupt()
			answer, ok := <-answers
			if !ok {
				t.FailNow() // said already
			}
			text := readAll(t, answer.Body)
			if wait, err := strconv.Atoi(answer.Header.Get("Retry-After")); answer.StatusCode != http.StatusTooManyRequests || err != nil || wait < 1 {
				t.Errorf("the push: got %d, Retry-After %q, %s, want 429 and when to repeat it", answer.StatusCode, answer.Header.Get("Retry-After"), text)
			}
			p.stop(t)
			if took := time.Since(begun); took > c.most {
				t.Errorf("stopping took %s, want %s at most", took, c.most)
			}
			before := members(t, p.pool, "Everybody")
			if len(before) < 8 || len(before) >= c.users {
				t.Fatalf("when stopped: got %d members, want it to be in the middle of %d", len(before), c.users)
			}
			if _, err := http.Get(p.origin + "/healthz"); err == nil {
				t.Error("the stopped server answers")
			}

			again, origin := configured(t, strings.TrimSuffix(p.calls, "/-/calls"), store, 1)
			eventually(t, "the journal completes the group", func() bool { return len(members(t, p.pool, "Everybody")) == c.users })
			eventually(t, "the mirror shows all members", func() bool {
				_, got := scim(t, http.MethodGet, origin+"/scim/v2/Groups/"+p.group, token, "")
				shown, _ := got["members"].([]any)
				return len(shown) == c.users
			})
			if calls, most := p.added(t), len(before)+c.users+16; calls > most {
				t.Errorf("got %d calls for %d members, want %d at most: the journal's work is done once", calls, c.users, most)
			}
			again.stop(t)
		})
	}
}

// Somebody who never sends the body that he has announced does not keep the program from stopping in time and in order.
func TestStopDoesNotWaitForSlowClients(t *testing.T) {
	t.Parallel()
	e := startEmulated(t, nil)
	e.ready(t)
	host := strings.TrimSuffix(strings.TrimPrefix(e.base, "http://"), "/scim/v2")
	connection, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "POST /scim/v2/Users HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\n"+
		"Content-Type: application/scim+json\r\nContent-Length: 100\r\n\r\n", host, e.token)
	if line, err := bufio.NewReader(connection).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("got %q, %v, want the server to wait for the body", line, err)
	}
	begun := time.Now()
	e.stop(t)
	if took := time.Since(begun); took > drainLimit+2*time.Second {
		t.Errorf("stopping took %s, want little more than %s", took, drainLimit)
	}
	if !strings.Contains(e.log.String(), "clients were cut off") {
		t.Errorf("got no word of the client that was cut off in:\n%s", e.log)
	}
}
