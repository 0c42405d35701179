package bridge_test

import (
	"fmt"

	"github.com/scim-cognito/scim-cognito/bench/idp"
)

// write is one kind of SCIM write, as identity providers make it, for the fault matrix.
type write struct {
	name    string
	prepare func(*trial) // makes what it needs, without faults
	request func(*trial) (method, path, body string)
	status  int
	again   int // the calls that its repetition makes, once it is done; -1: it is refused
	check   func(*trial)
}

// writes are all there are. A trial's names and ids are its own.
var writes = []write{
	{"create a user", nil, createUser("ada", true), 201, -1, wantUser("ada", "Ada", true)},
	{"create an inactive user", nil, createUser("ada", false), 201, -1, wantUser("ada", "Ada", false)},
	{"replace a profile", haveUser("ada", true), func(c *trial) (string, string, string) {
		return "PUT", c.at("/Users/", "ada"), c.userBody("ada", "Augusta", true)
	}, 200, 0, wantUser("ada", "Augusta", true)},
	{"patch a profile", haveUser("ada", true), func(c *trial) (string, string, string) {
		return "PATCH", c.at("/Users/", "ada"), idp.PatchBody(idp.Op{Op: "Replace", Value: map[string]any{"name.givenName": "Augusta", "title": "Augusta's title"}})
	}, 200, 0, wantUser("ada", "Augusta", true)},
	{"rename a user", haveUser("ada", true), func(c *trial) (string, string, string) {
		return "PATCH", c.at("/Users/", "ada"), idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"userName": c.name("countess")}})
	}, 200, 0, func(c *trial) {
		c.want("userName", c.user("ada").String("userName"), c.name("countess"))
	}},
	{"deactivate", haveUser("ada", true), func(c *trial) (string, string, string) {
		return "PATCH", c.at("/Users/", "ada"), idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": false}})
	}, 200, 2, wantUser("ada", "Ada", false)},
	{"deactivate and change a profile", haveUser("ada", true), func(c *trial) (string, string, string) {
		return "PUT", c.at("/Users/", "ada"), c.userBody("ada", "Augusta", false)
	}, 200, 2, wantUser("ada", "Augusta", false)},
	{"reactivate", haveUser("ada", false), func(c *trial) (string, string, string) {
		return "PATCH", c.at("/Users/", "ada"), idp.PatchBody(idp.Op{Op: "Replace", Path: "active", Value: "True"})
	}, 200, 0, wantUser("ada", "Ada", true)},
	{"reactivate and change a profile", haveUser("ada", false), func(c *trial) (string, string, string) {
		return "PUT", c.at("/Users/", "ada"), c.userBody("ada", "Augusta", true)
	}, 200, 0, wantUser("ada", "Augusta", true)},
	{"delete a user", haveUser("ada", true), func(c *trial) (string, string, string) {
		return "DELETE", c.at("/Users/", "ada"), ""
	}, 204, -1, func(c *trial) { c.gone("ada") }},

	{"create a group", nil, createGroup(), 201, -1, wantGroup("Staff")},
	{"create a group with members", nil, createGroup("a", "b", "c"), 201, -1, wantGroup("Staff", "a", "b", "c")},
	{"relabel a group", haveGroup(), func(c *trial) (string, string, string) {
		return "PATCH", c.at("/Groups/", "staff"), idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"id": c.ids["staff"], "displayName": c.name("Crew")}})
	}, 200, 0, wantGroup("Crew")},
	{"add members", haveGroup("a"), func(c *trial) (string, string, string) {
		return "PATCH", c.at("/Groups/", "staff"), idp.PatchBody(idp.Add(c.some("b", "c", "d")...))
	}, 200, 0, wantGroup("Staff", "a", "b", "c", "d")},
	{"remove members", haveGroup("a", "b", "c"), func(c *trial) (string, string, string) {
		return "PATCH", c.at("/Groups/", "staff"), idp.PatchBody(idp.Remove(c.ids["a"]), idp.Remove(c.ids["b"]))
	}, 200, 2, wantGroup("Staff", "c")},
	{"remove and add members", haveGroup("a", "b"), func(c *trial) (string, string, string) {
		return "PATCH", c.at("/Groups/", "staff"), idp.PatchBody(idp.Remove(c.ids["a"]), idp.Add(c.some("c", "d")...))
	}, 200, 1, wantGroup("Staff", "b", "c", "d")},
	{"replace a group", haveGroup("a", "b"), func(c *trial) (string, string, string) {
		return "PUT", c.at("/Groups/", "staff"), idp.GroupBody(map[string]any{"displayName": c.name("Crew"), "id": c.ids["staff"]}, c.some("b", "c", "d")...)
	}, 200, 0, wantGroup("Crew", "b", "c", "d")},
	{"replace members", haveGroup("a", "b"), func(c *trial) (string, string, string) {
		return "PATCH", c.at("/Groups/", "staff"), idp.PatchBody(idp.Op{Op: "replace", Path: "members", Value: idp.Members(c.some("c")...)})
	}, 200, 0, wantGroup("Staff", "c")},
	{"delete a group", haveGroup("a", "b"), func(c *trial) (string, string, string) {
		return "DELETE", c.at("/Groups/", "staff"), ""
	}, 204, -1, func(c *trial) { c.gone("staff") }},
}

func createUser(who string, active bool) func(*trial) (string, string, string) {
	return func(c *trial) (string, string, string) { return "POST", "/Users", c.userBody(who, "Ada", active) }
}

func createGroup(members ...string) func(*trial) (string, string, string) {
	return func(c *trial) (string, string, string) {
		return "POST", "/Groups", idp.GroupBody(map[string]any{"displayName": c.name("Staff"), "externalId": "00g"}, c.some(members...)...)
	}
}

func haveUser(who string, active bool) func(*trial) {
	return func(c *trial) {
		c.ids[who] = c.pushed("POST", "/Users", c.userBody(who, "Ada", active)).ID()
	}
}

func haveGroup(members ...string) func(*trial) {
	return func(c *trial) {
		_, path, body := createGroup(members...)(c)
		c.ids["staff"] = c.pushed("POST", path, body).ID()
	}
}

func wantUser(who, given string, active bool) func(*trial) {
	return func(c *trial) {
		u := c.user(who)
		name, _ := u["name"].(map[string]any)
		c.want("userName", u.String("userName"), c.name(who))
		c.want("givenName", fmt.Sprint(name["givenName"]), given)
		c.want("title", u.String("title"), given+"'s title")
		c.want("active", fmt.Sprint(u["active"]), fmt.Sprint(active))
	}
}

func wantGroup(display string, members ...string) func(*trial) {
	return func(c *trial) {
		g, is := c.group()
		c.want("displayName", g.String("displayName"), c.name(display))
		c.want("members", fmt.Sprint(is), fmt.Sprint(c.sorted(members...)))
	}
}
