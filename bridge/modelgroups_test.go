package bridge_test

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// What the clients of the model do to groups.

func (c *client) anyCrew() *crew {
	if len(c.crews) == 0 {
		return nil
	}
	return c.crews[c.random.IntN(len(c.crews))]
}

func (c *client) setMembers(g *crew, ids []string) {
	g.members = map[string]bool{}
	for _, id := range ids {
		g.members[id] = true
	}
}

func (c *client) createGroup() {
	if len(c.crews) >= 5 {
		return
	}
	c.made++
	g := &crew{display: fmt.Sprintf("crew %d %d", c.number, c.made%7)} // few names, so that they come again
	if slices.ContainsFunc(c.crews, func(other *crew) bool { return other.display == g.display }) {
		c.ask("POST", "/Groups", g.body(), 409)
		return
	}
	if c.maybe() {
		g.external = fmt.Sprintf("ext-%d", c.made)
	}
	c.setMembers(g, c.some())
	out, ok := c.ask("POST", "/Groups", g.body(), 201, 409)
	if !ok {
		return
	}
	g.id = out.ID()
	if out.Status == http.StatusConflict && !c.adopt(out, "/Groups", fmt.Sprintf("displayName eq %q", g.display), &g.id) {
		return
	}
	c.crews = append(c.crews, g)
	if out.Status == http.StatusConflict {
		out, ok = c.ask("PUT", "/Groups/"+g.id, g.body(), 200)
	}
	if ok {
		c.seesGroup(g, out.Body)
	}
}

func (c *client) replaceGroup() {
	g := c.anyCrew()
	if g == nil {
		return
	}
	c.setMembers(g, c.some())
	c.made++
	if c.random.IntN(3) == 0 {
		g.external = fmt.Sprintf("ext-%d", c.made)
	}
	if c.random.IntN(3) == 0 {
		g.display = fmt.Sprintf("crew %d renamed %d", c.number, c.made)
	}
	if out, ok := c.ask("PUT", "/Groups/"+g.id, g.body(), 200); ok {
		c.seesGroup(g, out.Body)
	}
}

func (c *client) patchGroup() {
	g := c.anyCrew()
	if g == nil {
		return
	}
	var ops []idp.Op
	for id := range g.members {
		if c.random.IntN(3) == 0 {
			delete(g.members, id)
			ops = append(ops, idp.Remove(id))
		}
	}
	switch join := c.some(); c.random.IntN(3) {
	case 0:
		for _, id := range join {
			g.members[id] = true
		}
		if len(join) > 0 {
			ops = append(ops, idp.Add(join...))
		}
	case 1:
		c.setMembers(g, join)
		ops = append(ops, idp.Op{Op: "replace", Path: "members", Value: idp.Members(join...)})
	case 2:
		c.made++
		g.display = fmt.Sprintf("crew %d patched %d", c.number, c.made)
		ops = append(ops, idp.Op{Op: "replace", Value: map[string]any{"id": g.id, "displayName": g.display}})
	}
	if len(ops) > 0 {
		if out, ok := c.ask("PATCH", "/Groups/"+g.id, idp.PatchBody(ops...), 200); ok {
			c.seesGroup(g, out.Body)
		}
	}
}

func (c *client) deleteGroup() {
	g := c.anyCrew()
	if g == nil || c.maybe() {
		return
	}
	out, ok := c.ask("DELETE", "/Groups/"+g.id, "", 204, 404)
	if !ok {
		return
	}
	if out.Status == http.StatusNotFound && len(out.Before) == 0 {
		c.complain("DELETE of group %s: got 404 at once, want 204", g.id)
	}
	c.crews = slices.DeleteFunc(c.crews, func(each *crew) bool { return each == g })
}

func (c *client) readGroup() {
	if g := c.anyCrew(); g != nil {
		if out, ok := c.ask("GET", "/Groups/"+g.id, "", 200); ok {
			c.seesGroup(g, out.Body)
		}
	}
}

func (c *client) seesGroup(g *crew, body []byte) {
	r, _ := schemas.ParseJSON(body)
	got := audit.Group{Members: audit.Members(r), JSON: audit.Canonical(r)}
	if diff := cmp.Diff(g.expected(c.t), got); diff != "" {
		c.complain("group %s (-want +got):\n%s", g.id, diff)
	}
}

// changeShared moves this client's users in and out of a group in which others have theirs.
func (c *client) changeShared() {
	i := c.random.IntN(len(c.shared))
	members := c.joined[i]
	var ops []idp.Op
	for id := range members {
		if c.maybe() {
			delete(members, id)
			ops = append(ops, idp.Remove(id))
		}
	}
	if join := c.some(); len(join) > 0 {
		for _, id := range join {
			members[id] = true
		}
		ops = append(ops, idp.Add(join...))
	}
	if len(ops) > 0 {
		if out, ok := c.ask("PATCH", "/Groups/"+c.shared[i].id, idp.PatchBody(ops...), 200); ok {
			c.seesShared(i, out.Body)
		}
	}
}

func (c *client) readShared() {
	i := c.random.IntN(len(c.shared))
	if out, ok := c.ask("GET", "/Groups/"+c.shared[i].id, "", 200); ok {
		c.seesShared(i, out.Body)
	}
}

// seesShared checks who of this client's users is in a shared group.
func (c *client) seesShared(i int, body []byte) {
	r, _ := schemas.ParseJSON(body)
	is := map[string]bool{}
	for _, id := range audit.Members(r) {
		is[id] = true
	}
	for _, p := range c.people {
		if is[p.id] != c.joined[i][p.id] {
			c.complain("user %s in shared group %d: got %v, want %v", p.id, i, is[p.id], c.joined[i][p.id])
		}
	}
}
