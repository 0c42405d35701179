package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/schemas"
)

// FuzzResource is FuzzBody without the syntax: whatever the bytes, they make resources and operations out of the names,
// values and filters that mean something here.
func FuzzResource(f *testing.F) {
	mapping, err := schemas.NewMapping(schemas.Users, []schemas.Row{
		{SCIM: "title", Cognito: "custom:title"},
		{SCIM: `emails[type eq "home"].value`, Cognito: "custom:home"},
		{SCIM: enterprise + ":manager.value", Cognito: "custom:manager"},
		{SCIM: enterprise + ":costCenter", Cognito: "custom:cost"},
	}, map[string]schemas.Limit{"custom:cost": {Number: true}, "custom:title": {Min: 2, Max: 5}})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "userName", "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c", strings.Repeat("\x07\x1f\x03\x44", 40), strings.Repeat("\xf1\x0e\x25\x6b\x93", 60)} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, group bool) {
		rt, g := schemas.Users, &generator{data: data, rt: schemas.Users}
		body := map[string]any{"userName": "u"}
		if group {
			rt, g.rt, body = schemas.Groups, schemas.Groups, map[string]any{"displayName": "d"}
		}
		for name, v := range g.object(g.names(), 0) {
			body[name] = v
		}
		r, ok := canonical(t, rt, body)
		if !ok {
			return
		}
		if !group {
			kept(t, mapping, r)
		}
		changed(t, rt, r, g.patch())
	})
}

const enterprise = schemas.EnterpriseURN

// generator draws from data until there is nothing left; then everything is the first of its kind.
type generator struct {
	data []byte
	rt   *schemas.ResourceType
}

func (g *generator) draw(n int) int {
	if len(g.data) == 0 {
		return 0
	}
	b := int(g.data[0])
	g.data = g.data[1:]
	return b % n
}

func one[T any](g *generator, of ...T) T { return of[g.draw(len(of))] }

// names are the attributes of the resource type, in any case, and a few that it does not have.
func (g *generator) names() []string {
	all := []string{enterprise, "URN:ietf:params:scim:schemas:extension:enterprise:2.0:USER", "unknown", ""}
	for _, a := range g.rt.Tree.Attributes("") {
		all = append(all, a.Name, strings.ToUpper(a.Name))
	}
	return all
}

// object draws an object; no name is there twice in whatever case, which decodeJSON refuses.
func (g *generator) object(names []string, depth int) map[string]any {
	object := map[string]any{}
	seen := map[string]bool{}
	for range g.draw(6) {
		name := one(g, names...)
		if folded := strings.ToLower(name); !seen[folded] {
			seen[folded] = true
			object[name] = g.inside(name, depth+1)
		}
	}
	return object
}

// inside draws a value for an attribute: mostly one that fits.
func (g *generator) inside(name string, depth int) any {
	if depth > 3 {
		return g.simple()
	}
	a := g.rt.Tree.Lookup("", name)
	if urn, ok := g.rt.Tree.Extension(name); ok {
		var names []string
		for _, each := range g.rt.Tree.Attributes(urn) {
			names = append(names, each.Name)
		}
		return g.object(names, depth)
	}
	if a == nil || len(a.Sub) == 0 || g.draw(5) == 4 {
		return g.simple()
	}
	var names []string
	for _, sub := range a.Sub {
		names = append(names, sub.Name)
	}
	if !a.MultiValued {
		return g.object(names, depth)
	}
	list := []any{}
	for range g.draw(4) {
		list = append(list, one(g, any(g.object(names, depth)), g.simple()))
	}
	return list
}

func (g *generator) simple() any {
	return one[any](g, "a", true, "", nil, "work", "home", "b@c.d", "B@C.D", "+14255550199", "+1 425", "True", "false", json.Number("7"), json.Number("-0.5e3"),
		"é\u202e😀", strings.Repeat("x", 2049), strings.Repeat("é", 1500), strings.Repeat(`"`, 2000), []any{}, []any{"a"}, []any{nil, "b"}, map[string]any{}, map[string]any{"value": "c"}, "aGk=", "\x00")
}

// patch draws the body of a PATCH.
func (g *generator) patch() any {
	var ops []any
	for range 1 + g.draw(5) {
		op := map[string]any{one(g, "op", "Op"): one(g, "add", "replace", "remove", "Replace")}
		if g.draw(4) > 0 {
			op["path"] = g.path()
		}
		if g.draw(5) > 0 {
			op["value"] = one(g, g.simple(), any(g.object(slices.Concat(g.names(), []string{"name.givenName", enterprise + ":department", "emails.value", `emails[type eq "work"].value`}), 1)),
				g.inside(one(g, g.names()...), 1))
		}
		ops = append(ops, op)
	}
	return map[string]any{"Operations": ops}
}

func (g *generator) path() string {
	name := one(g, g.names()...)
	subs := []string{"value", "type", "primary", "display", "givenName", "Formatted", "$ref", "unknown"}
	switch g.draw(5) {
	case 1:
		return name + "." + one(g, subs...)
	case 2:
		return fmt.Sprintf("%s[%s].%s", name, g.filter(subs), one(g, subs...))
	case 3:
		return fmt.Sprintf("%s[%s]", name, g.filter(subs))
	case 4:
		return enterprise + ":" + one(g, "department", "manager", "manager.value", "MANAGER.displayName", "costCenter", "unknown")
	}
	return name
}

func (g *generator) filter(subs []string) string {
	term := func() string {
		return one(g, subs...) + one(g, ` eq "work"`, ` eq "a"`, ` eq true`, ` pr`, ` ne "a"`, ` co "b"`, ` eq null`, ` eq "True"`, ` gt 7`)
	}
	filter := term() + one(g, "", " and "+term(), " or "+term())
	return one(g, filter, "not ("+filter+")")
}
