package bridge_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// client is one identity provider of the model: it changes its own users and groups one after another, and puts its users
// into the groups that all share.
type client struct {
	*model
	pushing
	idp       *idp.Provider
	number    int
	random    *rand.Rand
	people    []*person
	crews     []*crew
	joined    []map[string]bool // by shared group: ids of this client's members
	names     []string          // that were used before
	dead      map[string]string // where deleted users are kept: their ids, by externalId
	strangers []stranger        // users of before SCIM who are this client's to adopt
	adopted   []string          // ids of those whom it has adopted
	made      int
	story     []string // the last requests, for who looks into a failure
	failed    bool
}

func newClient(m *model, number int, seed uint64) *client {
	c := &client{model: m, number: number, random: rand.New(rand.NewPCG(seed, uint64(100+number))), dead: map[string]string{}}
	c.idp = m.idp
	if len(m.policies.Connections) > 0 {
		n := number % len(m.policies.Connections)
		if c.pushing = m.policies.Connections[n]; n > 0 {
			c.idp = m.others[n-1]
		}
	}
	for range m.shared {
		c.joined = append(c.joined, map[string]bool{})
	}
	return c
}

// run pushes until the model stops.
func (c *client) run() {
	for !c.stopping.Load() && !c.failed && !c.t.Failed() {
		actions := []func(){
			c.createUser, c.createUser, c.createCopy, c.replaceUser, c.patchUser, c.patchUser, c.renameUser, c.deleteUser,
			c.createGroup, c.replaceGroup, c.patchGroup, c.patchGroup, c.deleteGroup, c.changeShared, c.changeShared, c.changeShared,
			c.readUser, c.readGroup, c.readShared, c.lookUp, c.changeTheirMind,
			c.signIn, c.regrant, c.comeBack, c.adoptStranger, // each if there is a policy for it
		}
		actions[c.random.IntN(len(actions))]()
	}
}

// ask pushes one request and reports false when it was never answered with one of the statuses.
func (c *client) ask(method, path, body string, statuses ...int) (idp.Outcome, bool) {
	out, err := c.idp.Push(c.t.Context(), method, path, body)
	c.requests.Add(1 + int64(len(out.Before)))
	c.refused.Add(int64(len(out.Before)))
	c.tell(method, path, body, append(slices.Clone(out.Before), out.Reply)...)
	if err == nil && slices.Contains(statuses, out.Status) {
		return out, true
	}
	var before []int
	for _, r := range out.Before {
		before = append(before, r.Status)
	}
	c.complain("%s %s %s: got %d %s (%v) after %v, want one of %v", method, path, body, out.Status, out.Body, err, before, statuses)
	return out, false
}

func (c *client) complain(format string, args ...any) {
	c.failed = true
	c.t.Errorf("client %d: "+format+"\nbefore:\n%s", slices.Concat([]any{c.number}, args, []any{strings.Join(c.story, "\n")})...)
}

// tell adds a request to the story.
func (c *client) tell(method, path, body string, replies ...idp.Reply) {
	line := fmt.Sprintf("%s %s %s:", method, path, body)
	for _, r := range replies {
		line += fmt.Sprintf(" %d", r.Status)
	}
	c.story = append(c.story[max(0, len(c.story)-30):], fmt.Sprintf("  %s %s", line, replies[len(replies)-1].Body))
}

// unanswered reports that an attempt got no answer at all: only then may a POST find its own work in the way.
func unanswered(out idp.Outcome) bool { return out.Count(idp.Unanswered) > 0 }

func (c *client) maybe() bool { return c.random.IntN(2) == 0 }

func (c *client) name() string {
	if len(c.names) > 0 && c.random.IntN(3) == 0 {
		i := c.random.IntN(len(c.names))
		name := c.names[i]
		c.names = slices.Delete(c.names, i, i+1)
		return name
	}
	c.made++
	return fmt.Sprintf("c%d-%d@Example.com", c.number, c.made)
}

// profile draws everything about a person but the id and the userName.
func (c *client) profile(p *person) {
	c.made++
	p.given, p.external, p.active = fmt.Sprintf("Given%d", c.made), fmt.Sprintf("ext-%d-%d", c.number, c.made), c.random.IntN(4) > 0
	p.title, p.mail, p.tele = "", "", ""
	if c.maybe() {
		p.title = fmt.Sprintf("Title %d", c.made)
	}
	if c.maybe() || c.policies.mustHaveMail() {
		p.mail = fmt.Sprintf("m%d-%d@example.com", c.number, c.made)
	}
	if c.maybe() {
		p.tele = []string{"+4912345", "0123 / 456-7"}[c.random.IntN(2)] // the second is no E.164
	}
	p.roles = nil
	for _, role := range roleNames {
		if c.policies.Grants && c.maybe() {
			p.roles = append(p.roles, role)
		}
	}
}

func (c *client) anybody() *person {
	if len(c.people) == 0 {
		return nil
	}
	return c.people[c.random.IntN(len(c.people))]
}

func (c *client) some() []string {
	var ids []string
	for _, p := range c.people {
		if c.random.IntN(3) == 0 {
			ids = append(ids, p.id)
		}
	}
	return ids
}

func (c *client) createUser() {
	if len(c.people) >= 12 {
		return
	}
	p := &person{userName: c.name()}
	c.profile(p)
	c.create(p)
}

// create pushes a new person and reports whether it is there, and is this client's.
func (c *client) create(p *person) bool {
	out, ok := c.ask("POST", "/Users", p.body(), 201, 409)
	if !ok {
		return false
	}
	p.id = out.ID()
	if out.Status == http.StatusConflict && !c.adopt(out, "/Users", fmt.Sprintf("userName eq %q", strings.ToUpper(p.userName)), &p.id) {
		return false
	}
	c.people = append(c.people, p)
	if out.Status == http.StatusConflict {
		c.put(p)
	} else {
		c.sees(p, out.Body)
	}
	return true
}

// adopt does what identity providers do about a 409: they look for what is in the way, and take it for theirs.
func (c *client) adopt(out idp.Outcome, endpoint, filter string, id *string) bool {
	if !unanswered(out) {
		c.complain("POST %s: got 409 although every attempt was answered: %s", endpoint, out.Body)
		return false
	}
	found, ok := c.ask("GET", idp.Where(endpoint, filter), "", 200)
	list, _ := found.Object()["Resources"].([]any)
	if !ok || len(list) != 1 {
		c.complain("after a 409, %s: got %s, want one resource", filter, found.Body)
		return false
	}
	one, _ := list[0].(map[string]any)
	*id, _ = one["id"].(string)
	return *id != ""
}

// createCopy asks for a userName that is taken.
func (c *client) createCopy() {
	if p := c.anybody(); p != nil {
		other := &person{userName: strings.ToLower(p.userName)}
		c.profile(other)
		c.ask("POST", "/Users", other.body(), 409)
	}
}

func (c *client) replaceUser() {
	if p := c.anybody(); p != nil {
		c.profile(p)
		c.put(p)
	}
}

func (c *client) put(p *person) {
	if out, ok := c.ask("PUT", "/Users/"+p.id, p.body(), 200); ok {
		c.sees(p, out.Body)
	}
}

func (c *client) patchUser() {
	p := c.anybody()
	if p == nil {
		return
	}
	var ops []idp.Op
	for range 1 + c.random.IntN(2) {
		c.made++
		switch c.random.IntN(6) {
		case 0:
			p.active = !p.active
			ops = append(ops, idp.Op{Op: "replace", Value: map[string]any{"active": p.active}})
		case 1:
			p.active = c.maybe()
			ops = append(ops, idp.Op{Op: "Replace", Path: "active", Value: map[bool]string{true: "True", false: "False"}[p.active]})
		case 2:
			p.title = fmt.Sprintf("Title %d", c.made)
			ops = append(ops, idp.Op{Op: "Add", Path: "title", Value: p.title})
		case 3:
			p.title = ""
			ops = append(ops, idp.Op{Op: "remove", Path: "title"})
		case 4:
			p.given = fmt.Sprintf("Given%d", c.made)
			ops = append(ops, idp.Op{Op: "replace", Value: map[string]any{"name.givenName": p.given}})
		case 5:
			if p.mail != "" {
				p.mail = fmt.Sprintf("p%d-%d@example.com", c.number, c.made)
				ops = append(ops, idp.Op{Op: "Replace", Path: `emails[type eq "work"].value`, Value: p.mail})
			}
		}
	}
	if len(ops) > 0 {
		if out, ok := c.ask("PATCH", "/Users/"+p.id, idp.PatchBody(ops...), 200); ok {
			c.sees(p, out.Body)
		}
	}
}

func (c *client) renameUser() {
	p := c.anybody()
	if p == nil {
		return
	}
	before := p.userName
	p.userName = c.name()
	if out, ok := c.ask("PATCH", "/Users/"+p.id, idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"userName": p.userName}}), 200); ok {
		c.names = append(c.names, before)
		c.sees(p, out.Body)
	}
}

func (c *client) deleteUser() {
	p := c.anybody()
	if p == nil {
		return
	}
	out, ok := c.ask("DELETE", "/Users/"+p.id, "", 204, 404)
	if !ok {
		return
	}
	if out.Status == http.StatusNotFound && len(out.Before) == 0 {
		c.complain("DELETE of user %s: got 404 at once, want 204", p.id)
	}
	c.forget(p)
	c.bury(p.id, p.external)
	c.names = append(c.names, p.userName)
}

// unknownExternal begins the place of an externalId that a client cannot know.
const unknownExternal = "unknown: "

// bury notes a deleted user whom the pool keeps, and knows by externalId.
func (c *client) bury(id, external string) {
	if c.Keep {
		c.dead[external] = id
	}
}

// forget is what a client does with a user who is gone.
func (c *client) forget(p *person) {
	c.people = slices.DeleteFunc(c.people, func(each *person) bool { return each == p })
	for _, g := range c.crews {
		delete(g.members, p.id)
	}
	for _, members := range c.joined {
		delete(members, p.id)
	}
}

// changeTheirMind asks for a deletion and does not repeat it when it fails: by then the user shall stay after all, or be
// made anew. Either answer of the next request settles for good what became of the deletion.
func (c *client) changeTheirMind() {
	p := c.anybody()
	if p == nil {
		return
	}
	reply, _ := c.idp.Send(c.t.Context(), "DELETE", "/Users/"+p.id, "") // without an answer, like a 5xx
	c.requests.Add(1)
	c.tell("DELETE", "/Users/"+p.id, "(once)", reply)
	switch {
	case reply.Definite() && reply.Status != http.StatusNoContent:
		c.complain("DELETE of user %s: got %d at once, want 204", p.id, reply.Status)
		return
	case reply.Definite():
		c.forget(p)
		c.bury(p.id, p.external)
		c.names = append(c.names, p.userName)
		return
	}
	c.refused.Add(1)
	was := *p
	c.profile(p)
	if c.maybe() || c.Guard > 0 { // a 409 does not settle what a guard holds
		out, ok := c.ask("PUT", "/Users/"+p.id, p.body(), 200, 404)
		if ok && out.Status == http.StatusOK {
			c.sees(p, out.Body)
		} else if ok {
			c.forget(p)
			if c.Guard > 0 { // the PUT may have been made, in part, before what was held was done
				was.external = unknownExternal + was.id
			}
			c.bury(was.id, was.external)
			c.names = append(c.names, p.userName)
		}
		return
	}
	if c.createAgain(p); p.id != was.id {
		c.bury(was.id, was.external)
	}
}

// createAgain creates the user of a deletion of unknown outcome. It is answered 409 when the user is still there, or when
// an earlier attempt has done it and was not answered.
func (c *client) createAgain(p *person) {
	out, ok := c.ask("POST", "/Users", p.body(), 201, 409)
	if !ok {
		return
	}
	id := out.ID()
	if out.Status == http.StatusConflict {
		found, _ := c.ask("GET", idp.Where("/Users", fmt.Sprintf("userName eq %q", p.userName)), "", 200)
		list, _ := found.Object()["Resources"].([]any)
		if len(list) != 1 {
			c.complain("after a 409, looking up %s: got %s, want one user", p.userName, found.Body)
			return
		}
		one, _ := list[0].(map[string]any)
		id, _ = one["id"].(string)
	}
	if id != p.id {
		c.forget(p)
		p.id = id
		c.people = append(c.people, p)
	}
	if out.Status == http.StatusConflict {
		c.put(p)
	} else {
		c.sees(p, out.Body)
	}
}

// sees checks that an answer shows the user as this client left it.
func (c *client) sees(p *person, body []byte) {
	r, ok := schemas.ParseJSON(body)
	if got, want := audit.Canonical(r), p.expected(c.t); !ok || got != want {
		c.complain("user %s: got %s, want %s", p.id, got, want)
	}
}

func (c *client) readUser() {
	if p := c.anybody(); p != nil {
		if out, ok := c.ask("GET", "/Users/"+p.id, "", 200); ok {
			c.sees(p, out.Body)
		}
	}
}

// lookUp looks for a user who is there, and for one who is not any more.
func (c *client) lookUp() {
	count := func(name string) float64 {
		out, _ := c.ask("GET", idp.Where("/Users", fmt.Sprintf("userName eq %q", strings.ToUpper(name))), "", 200)
		total, _ := out.Object()["totalResults"].(float64)
		return total
	}
	if p := c.anybody(); p != nil {
		if got := count(p.userName); got != 1 {
			c.complain("looking up %s: got %v users, want 1", p.userName, got)
		}
	}
	if len(c.names) > 0 {
		if got := count(c.names[0]); got != 0 {
			c.complain("looking up %s, whom nobody is called: got %v users, want 0", c.names[0], got)
		}
	}
}
