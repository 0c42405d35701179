package server_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// FuzzServer sends whole sequences of requests, which the bytes choose, in the dialects of several identity providers,
// alone and in bulk, good ones and garbled ones. A small model says what each shall be answered; in the end server and
// pool hold what the model holds.
func FuzzServer(f *testing.F) {
	draw := rand.New(rand.NewPCG(3, 4))
	for n := range 24 {
		seed := make([]byte, 20+20*n)
		for i := range seed {
			seed[i] = byte(draw.Uint32())
		}
		f.Add(seed)
	}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, data []byte) { w.played(t, data) })
}

// TestSequences plays random sequences, which go faster than under the fuzzing engine.
func TestSequences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for seed := range uint64(*sequences) {
		draw := rand.New(rand.NewPCG(seed, 1))
		data := make([]byte, 50+draw.IntN(400))
		for i := range data {
			data[i] = byte(draw.Uint32())
		}
		if w.played(t, data); t.Failed() {
			t.Fatalf("sequence %d", seed)
		}
	}
}

var sequences = flag.Int("sequences", 120/slower, "how many random sequences TestSequences plays")

// played plays one sequence.
func (w *world) played(t *testing.T, data []byte) {
	t.Helper()
	p := &player{world: w, t: t, data: data, model: newTown()}
	defer func() {
		if t.Failed() { // the next sequence is to begin with nothing, too
			p.learn()
			p.leave()
		}
	}()
	for n := 0; n < 40 && len(p.data) > 0; n++ {
		p.play()
	}
	p.compare()
	p.leave()
}

// player draws requests from data, and holds the model against their answers.
type player struct {
	*world
	t     *testing.T
	data  []byte
	model *town
	gone  []string // ids that were there
	last  string   // the body that was sent last
	trail []string // what was sent, for when it fails
}

func (p *player) draw(n int) int {
	if len(p.data) == 0 {
		return 0
	}
	b := int(p.data[0])
	p.data = p.data[1:]
	return b % n
}

func pick[T any](p *player, of ...T) T { return of[p.draw(len(of))] }

func (p *player) fatalf(format string, args ...any) {
	p.t.Helper()
	p.t.Fatalf("%s\nafter:\n%s", fmt.Sprintf(format, args...), strings.Join(p.trail, "\n"))
}

func (p *player) play() {
	switch p.draw(12) {
	case 0, 1:
		person, said, body := p.person()
		p.expect("POST", users, body, p.model.createPerson(person, said))
	case 2:
		id := p.someone()
		person, said, body := p.person()
		p.expect("PUT", users+"/"+id, body, p.model.replacePerson(id, person, said))
	case 3, 4:
		id := p.someone()
		ops, body := p.personOps()
		p.expect("PATCH", users+"/"+id, body, p.model.patchPerson(id, ops))
	case 5:
		id := p.someone()
		p.expect("DELETE", users+"/"+id, "", p.model.deletePerson(id))
	case 6:
		team, members, body := p.team()
		p.expect("POST", groups, body, p.model.putTeam("", team, members))
	case 7:
		id := p.some(p.model.teams)
		team, members, body := p.team()
		p.expect("PUT", groups+"/"+id, body, p.model.putTeam(id, team, members))
	case 8, 9:
		id := p.some(p.model.teams)
		ops, body := p.teamOps()
		p.expect("PATCH", groups+"/"+id, body, p.model.patchTeam(id, ops))
	case 10:
		id := p.some(p.model.teams)
		p.expect("DELETE", groups+"/"+id, "", p.model.deleteTeam(id))
	default:
		p.lookUp()
		p.garble()
	}
}

func (p *player) someone() string { return p.some(p.model.people) }

// some draws the id of somebody, or now and then of nobody.
func (p *player) some(of any) string {
	var ids []string
	switch of := of.(type) {
	case map[string]*person:
		ids = slices.Sorted(maps.Keys(of))
	case map[string]*team:
		ids = slices.Sorted(maps.Keys(of))
	}
	if len(ids) > 0 && p.draw(6) > 0 {
		return pick(p, ids...)
	}
	return pick(p, append(p.gone, "nobody")...)
}

func (p *player) userName() string {
	return pick(p, "ann", "bob", "ANN", "é", "e\u0301", "\u017fue", "SUE", "a b", strings.Repeat("x", 129), "", p.someone(), "Zoë@Example.com", "00000000-0000-4000-8000-000000000000")
}

func (p *player) text() string {
	return pick(p, "", "a", "A", "é😀", strings.Repeat("t", 300), `"\`, "{}")
}

func (p *player) displayName() string {
	return pick(p, "Staff", "STAFF", "All Staff", "All-Staff", "Crew", "é", "e\u0301", "", "\u202e")
}

// person draws a user and its body.
func (p *player) person() (person, said, string) {
	u := person{userName: p.userName(), displayName: p.text(), title: p.text(), externalID: p.text()}
	s := pick(p, nothingSaid, saidActive, saidInactive)
	body := map[string]any{pick(p, "userName", "USERNAME"): u.userName, "displayName": u.displayName, "title": u.title, "externalId": u.externalID,
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "unknown": []any{1, nil}}
	switch s {
	case saidActive:
		body["active"] = pick[any](p, true, "True")
	case saidInactive:
		body["active"] = pick[any](p, false, "False", []any{false})
	}
	return u, s, text(body)
}

func (p *player) personOps() ([]personOp, string) {
	var ops []personOp
	var sent []any
	for range 1 + p.draw(4) {
		op := personOp{kind: pick(p, "add", "replace", "remove"), attribute: pick(p, "active", "title", "userName", "displayName", "externalId", "active")}
		shown := any(nil)
		switch {
		case op.kind == "remove":
		case p.draw(10) == 9:
			op.value, shown = 7, 7
		case op.attribute == "active":
			op.value = p.draw(2) == 0
			shown = pick(p, op.value, any(map[bool]string{true: "True", false: "False"}[op.value == true]))
		case op.attribute == "userName":
			op.value = p.userName()
			shown = op.value
		default:
			op.value = p.text()
			shown = pick(p, op.value, any([]any{op.value}))
		}
		ops = append(ops, op)
		sent = append(sent, p.operation(op.kind, op.attribute, shown))
	}
	return ops, p.patchBody(sent)
}

// operation is an operation in some identity provider's dialect.
func (p *player) operation(kind, attribute string, shown any) map[string]any {
	kind = pick(p, kind, strings.ToUpper(kind[:1])+kind[1:])
	if kind[1:] != "emove" && p.draw(3) == 0 {
		return map[string]any{"op": kind, "value": map[string]any{attribute: shown}}
	}
	name, _, _ := strings.Cut(attribute, "[")
	op := map[string]any{"op": kind, "path": pick(p, name, strings.ToUpper(name)) + attribute[len(name):]}
	if shown != nil {
		op["value"] = shown
	}
	return op
}

func (p *player) patchBody(ops []any) string {
	return text(map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, pick(p, "Operations", "operations"): ops})
}

// ids draws ids of users, of those who are gone, and of nobody.
func (p *player) ids() (ids []string, shown []any) {
	for range p.draw(4) {
		id := p.someone()
		ids = append(ids, id)
		shown = append(shown, pick[any](p, id, map[string]any{"value": id}, map[string]any{"$ref": nil, "value": id, "display": "x"}))
	}
	return ids, shown
}

func (p *player) team() (team, []string, string) {
	t := team{displayName: p.displayName(), externalID: p.text()}
	members, shown := p.ids()
	body := map[string]any{"displayName": t.displayName, "externalId": t.externalID, "members": shown}
	return t, members, text(body)
}

func (p *player) teamOps() ([]teamOp, string) {
	var ops []teamOp
	var sent []any
	for range 1 + p.draw(4) {
		op := teamOp{kind: pick(p, "add", "remove", "replace"), attribute: pick(p, "members", "members", "members", "displayName", "externalId")}
		if op.attribute != "members" {
			shown := any(nil)
			if op.kind != "remove" {
				op.text = p.displayName()
				shown = op.text
			}
			ops, sent = append(ops, op), append(sent, p.operation(op.kind, op.attribute, shown))
			continue
		}
		ids, shown := p.ids()
		op.ids = ids
		if shown == nil {
			shown = []any{}
		}
		switch {
		case op.kind == "remove" && p.draw(4) == 0:
			op.ids, op.all = nil, true
			sent = append(sent, p.operation("remove", "members", nil))
		case op.kind == "remove" && p.draw(4) == 0:
			op.ids, op.shown = nil, pick(p, "ann", "ANN", "é", "bob")
			sent = append(sent, p.operation("remove", "members[display eq "+text(op.shown)+"]", nil))
		case op.kind == "remove" && len(ids) > 0 && p.draw(2) == 0:
			var terms []string
			for _, id := range ids {
				terms = append(terms, fmt.Sprintf("value eq %q", id))
			}
			sent = append(sent, p.operation("remove", "members["+strings.Join(terms, " or ")+"]", nil))
		default:
			sent = append(sent, p.operation(op.kind, "members", shown))
		}
		ops = append(ops, op)
	}
	return ops, p.patchBody(sent)
}

// expect sends a request, alone or in bulk, with the right version or a wrong one, and compares.
func (p *player) expect(method, target, body string, v verdict) {
	p.t.Helper()
	stale := method != "POST" && p.draw(8) == 7
	if stale && v.status != 400 && v.status != 404 || stale && v.scimType == fixed {
		v = refuse(412, "")
	}
	status, scimType, id, object := 0, "", "", map[string]any(nil)
	if p.draw(4) == 3 {
		status, scimType, id = p.inBulk(method, target, body, stale)
	} else {
		status, scimType, id, object = p.alone(method, target, body, stale)
	}
	if stale && status == 412 {
		return // before what is wrong with the change was seen, or instead
	}
	if status != v.status || scimType != v.scimType {
		p.fatalf("%s %s %s: got %d %q, want %d %q", method, target, body, status, scimType, v.status, v.scimType)
	}
	if v.change == nil {
		return
	}
	if method == "DELETE" {
		p.gone = append(p.gone, target[strings.LastIndexByte(target, '/')+1:])
	}
	v.change(id)
	if object != nil && strings.HasPrefix(target, users) {
		p.same(p.model.people[fmt.Sprint(object["id"])], object)
	} else if object != nil {
		p.sameTeam(p.model.teams[fmt.Sprint(object["id"])], object)
	}
}

// alone sends a request of its own.
func (p *player) alone(method, target, body string, stale bool) (status int, scimType, id string, object map[string]any) {
	p.t.Helper()
	r := httptest.NewRequestWithContext(p.t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if stale {
		r.Header.Set("If-Match", `W/"0"`)
	}
	p.last = body
	p.trail = append(p.trail, fmt.Sprintf("%s %s %s (stale: %v)", method, target, body, stale))
	rec := httptest.NewRecorder()
	p.ServeHTTP(rec, r)
	if rec.Code == http.StatusNoContent {
		return rec.Code, "", "", nil
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &object); err != nil {
		p.fatalf("%s %s: got %d %s, want JSON", method, target, rec.Code, rec.Body)
	}
	if rec.Code >= 400 {
		scimType, _ = object["scimType"].(string)
		if detail, _ := object["detail"].(string); detail == "" || object["status"] != fmt.Sprint(rec.Code) {
			p.fatalf("%s %s: got %s, want a SCIM error %d with a detail", method, target, rec.Body, rec.Code)
		}
		return rec.Code, scimType, "", nil
	}
	id, _ = object["id"].(string)
	return rec.Code, "", id, object
}

// inBulk sends a request as an operation of another.
func (p *player) inBulk(method, target, body string, stale bool) (status int, scimType, id string) {
	p.t.Helper()
	op := map[string]any{"method": method, "path": strings.TrimPrefix(target, "/scim/v2"), "bulkId": "b"}
	if body != "" {
		op["data"] = json.RawMessage(body)
	}
	if stale {
		op["version"] = `W/"0"`
	}
	_, _, _, answer := p.alone("POST", bulkPath, text(map[string]any{"Operations": []any{op}}), false)
	var results struct {
		Operations []struct {
			Status, Location string
			Response         struct{ ScimType string }
		}
	}
	if err := json.Unmarshal([]byte(text(answer)), &results); err != nil || len(results.Operations) != 1 {
		p.fatalf("bulk: got %v, %v, want one result", answer, err)
	}
	result := results.Operations[0]
	if _, err := fmt.Sscan(result.Status, &status); err != nil {
		p.fatalf("bulk: got status %q, want a number", result.Status)
	}
	return status, result.Response.ScimType, result.Location[strings.LastIndexByte(result.Location, '/')+1:]
}

// garble sends the last body again with a byte changed, which must never be the server's fault; what came of it is then
// taken for granted.
func (p *player) garble() {
	p.t.Helper()
	if p.last == "" {
		return
	}
	body := []byte(p.last)
	at := p.draw(256) * len(body) / 256
	switch p.draw(3) {
	case 0:
		body[at] = byte(p.draw(256))
	case 1:
		body = slices.Delete(body, at, at+1)
	default:
		body = slices.Insert(body, at, byte(p.draw(256)))
	}
	method, target := pick(p, "POST", "PUT", "PATCH"), pick(p, users, groups, users+"/"+p.someone(), groups+"/"+p.some(p.model.teams), bulkPath, users+"/.search")
	status, _, _, _ := p.alone(method, target, string(body), false)
	if status >= 500 {
		p.fatalf("%s %s %q: got %d, want no fault of ours", method, target, body, status)
	}
	if status < 300 {
		p.learn()
	}
}
