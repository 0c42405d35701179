package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// same compares a user with the model's.
func (p *player) same(want *person, got map[string]any) {
	p.t.Helper()
	if want == nil {
		p.fatalf("got user %v, want nobody", got)
	}
	if is := personOf(got); is != *want {
		p.fatalf("user %v: got %+v, want %+v", got["id"], is, *want)
	}
}

func personOf(object map[string]any) person {
	text := func(name string) string { s, _ := object[name].(string); return s }
	return person{userName: text("userName"), displayName: text("displayName"), title: text("title"), externalID: text("externalId"), active: object["active"] == true}
}

// sameTeam compares a group with the model's.
func (p *player) sameTeam(want *team, got map[string]any) {
	p.t.Helper()
	if want == nil {
		p.fatalf("got group %v, want none", got)
	}
	if diff := cmp.Diff(*want, teamOf(got), cmp.AllowUnexported(team{})); diff != "" {
		p.fatalf("group %v: (-want +got)\n%s", got["id"], diff)
	}
}

func teamOf(object map[string]any) team {
	t := team{members: valuesOf(object["members"])}
	t.displayName, _ = object["displayName"].(string)
	t.externalID, _ = object["externalId"].(string)
	return t
}

// valuesOf are the values of a list of references.
func valuesOf(list any) map[string]bool {
	found := map[string]bool{}
	elements, _ := list.([]any)
	for _, e := range elements {
		found[fmt.Sprint(e.(map[string]any)["value"])] = true
	}
	return found
}

// list returns the resources of a list, by id.
func (p *player) list(target string) map[string]map[string]any {
	p.t.Helper()
	status, _, _, answer := p.alone("GET", target, "", false)
	resources, _ := answer["Resources"].([]any)
	if status != 200 || answer["totalResults"] != float64(len(resources)) {
		p.fatalf("GET %s: got %d %v, want all resources", target, status, answer)
	}
	found := map[string]map[string]any{}
	for _, r := range resources {
		object := r.(map[string]any)
		found[fmt.Sprint(object["id"])] = object
	}
	return found
}

// lookUp asks for resources by what they are called.
func (p *player) lookUp() {
	p.t.Helper()
	attribute, v := pick(p, "userName", "displayName", "title", "externalId", "id"), pick(p, p.text(), p.userName(), p.someone())
	if v == "" {
		return
	}
	var want []string
	for id, u := range p.model.people {
		is := map[string]string{"userName": u.userName, "displayName": u.displayName, "title": u.title, "externalId": u.externalID, "id": id}[attribute]
		if is == v || attribute != "externalId" && attribute != "id" && strings.EqualFold(is, v) {
			want = append(want, id)
		}
	}
	got := p.list(users + "?attributes=id&filter=" + url.QueryEscape(attribute+" eq "+text(v)))
	slices.Sort(want)
	if ids := slices.Sorted(maps.Keys(got)); !slices.Equal(ids, want) {
		p.fatalf("by %s %q: got %v, want %v", attribute, v, ids, want)
	}
}

// learn makes the model what the server holds.
func (p *player) learn() {
	p.t.Helper()
	p.model = newTown()
	for id, object := range p.list(users) {
		is := personOf(object)
		p.model.people[id] = &is
	}
	for id, object := range p.list(groups) {
		is := teamOf(object)
		p.model.teams[id] = &is
	}
}

// compare holds server and pool against the model.
func (p *player) compare() {
	p.t.Helper()
	everybody, all := p.list(users), p.list(groups)
	if got, want := slices.Sorted(maps.Keys(everybody)), slices.Sorted(maps.Keys(p.model.people)); !slices.Equal(got, want) {
		p.fatalf("users: got %v, want %v", got, want)
	}
	if got, want := slices.Sorted(maps.Keys(all)), slices.Sorted(maps.Keys(p.model.teams)); !slices.Equal(got, want) {
		p.fatalf("groups: got %v, want %v", got, want)
	}
	for id, object := range everybody {
		p.same(p.model.people[id], object)
		in := map[string]bool{}
		for group, t := range p.model.teams {
			if t.members[id] {
				in[group] = true
			}
		}
		if got := valuesOf(object["groups"]); !maps.Equal(got, in) {
			p.fatalf("user %s: got groups %v, want %v", id, got, in)
		}
	}
	for id, object := range all {
		p.sameTeam(p.model.teams[id], object)
	}
	p.comparePool()
}

// comparePool holds the emulated pool against the model.
func (p *player) comparePool() {
	p.t.Helper()
	var saved strings.Builder
	if err := p.emulator.Save(&saved); err != nil {
		p.t.Fatal(err)
	}
	byName := map[string]string{} // ids of groups
	n := 0
	for line := range strings.Lines(saved.String()) {
		var is struct {
			Group *struct{ Name, Description string }
			User  *struct {
				Sub     string
				Enabled bool
				Groups  []string
			}
		}
		if err := json.Unmarshal([]byte(line), &is); err != nil {
			p.t.Fatalf("%s: %v", line, err)
		}
		switch {
		case is.Group != nil:
			var description struct{ Scim, DisplayName string }
			if err := json.Unmarshal([]byte(is.Group.Description), &description); err != nil || p.model.teams[description.Scim] == nil ||
				p.model.teams[description.Scim].displayName != description.DisplayName {
				p.fatalf("the pool: got group %+v, %v, want one of %v", *is.Group, err, slices.Collect(maps.Keys(p.model.teams)))
			}
			byName[is.Group.Name] = description.Scim
		case is.User != nil:
			n++
			in := map[string]bool{}
			for _, name := range is.User.Groups {
				in[byName[name]] = true
			}
			want := map[string]bool{}
			for id, t := range p.model.teams {
				if t.members[is.User.Sub] {
					want[id] = true
				}
			}
			if u := p.model.people[is.User.Sub]; u == nil || u.active != is.User.Enabled || !maps.Equal(in, want) {
				p.fatalf("the pool: got user %+v in %v, want %+v in %v", *is.User, in, u, want)
			}
		}
	}
	if n != len(p.model.people) || len(byName) != len(p.model.teams) {
		p.fatalf("the pool: got %d users and %d groups, want %d and %d", n, len(byName), len(p.model.people), len(p.model.teams))
	}
}

// leave removes everything, for the next sequence.
func (p *player) leave() {
	p.t.Helper()
	for _, id := range slices.Sorted(maps.Keys(p.model.teams)) {
		p.expectGone(groups + "/" + id)
	}
	for _, id := range slices.Sorted(maps.Keys(p.model.people)) {
		p.expectGone(users + "/" + id)
	}
	p.model = newTown()
	p.compare()
}

func (p *player) expectGone(target string) {
	p.t.Helper()
	if status, _, _, _ := p.alone("DELETE", target, "", false); status != 204 {
		p.fatalf("DELETE %s: got %d, want 204", target, status)
	}
}
