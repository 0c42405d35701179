package oracle_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/elimity-com/scim/schema"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

const (
	core       = "urn:ietf:params:scim:schemas:core:2.0:User"
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	custom     = "urn:example:2.0:Custom"
)

// users has numbers and dates, too, which the RFC's own User has not.
var users = attribute.New(schema.CoreUserSchema(), schema.ExtensionEnterpriseUser(), schema.Schema{
	ID: custom,
	Attributes: schema.Attributes{
		schema.SimpleCoreAttribute(schema.SimpleNumberParams(schema.NumberParams{Name: "age", Type: schema.AttributeTypeInteger()})),
		schema.SimpleCoreAttribute(schema.SimpleDateTimeParams(schema.DateTimeParams{Name: "since"})),
		schema.SimpleCoreAttribute(schema.SimpleStringParams(schema.StringParams{Name: "tags", MultiValued: true})),
	},
})

// The values are few, so that filters find some of them.
var (
	texts   = []string{"ada", "Ada", "ADA LOVELACE", "lovelace", "é", "É", "b"}
	exact   = []string{"https://example.com/a", "https://example.com/A", "a", "A"}
	kinds   = []string{"work", "Work", "home"}
	ages    = []json.Number{"7", "7.0", "41", "0"}
	moments = []string{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z", "2026-01-02T04:04:05+01:00", "2026-01-02T03:04:04Z", "2025-12-31T23:59:59.999-05:00"}
)

// user makes a user whom a server could hold: nothing unassigned, at most one primary element in a list, no two with the
// same value and type.
func user(r *rand.Rand) map[string]any {
	u := map[string]any{"id": "1", "userName": pick(r, texts...)}
	some := func(name string, v any) {
		if r.IntN(3) > 0 {
			u[name] = v
		}
	}
	some("displayName", pick(r, texts...))
	some("title", pick(r, texts...))
	some("externalId", pick(r, exact...))
	some("profileUrl", pick(r, exact...))
	some("active", r.IntN(2) == 0)
	some("name", object(r, "givenName", pick(r, texts...), "familyName", pick(r, texts...)))
	some("emails", elements(r))
	some("roles", elements(r))
	some("meta", map[string]any{"lastModified": pick(r, moments...)})
	some(enterprise, object(r, "department", pick(r, texts...), "manager", map[string]any{"value": pick(r, texts...)}))
	some(custom, object(r, "age", pick(r, ages...), "since", pick(r, moments...), "tags", list(r)))
	for name, v := range u {
		if v == nil {
			delete(u, name)
		}
	}
	return u
}

// object picks some of pairs, nil when it picks none.
func object(r *rand.Rand, pairs ...any) any {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		if r.IntN(3) > 0 && pairs[i+1] != nil {
			m[pairs[i].(string)] = pairs[i+1]
		}
	}
	if len(m) == 0 {
		return nil
	}
	return m
}

// elements makes the values of a multi-valued complex attribute, nil for none.
func elements(r *rand.Rand) any {
	var out []any
	for i := range r.IntN(4) {
		m := map[string]any{"value": fmt.Sprint(pick(r, texts...), i)}
		if r.IntN(3) > 0 {
			m["type"] = pick(r, kinds...)
		}
		if r.IntN(3) > 0 {
			m["primary"] = i == 0
		}
		if r.IntN(3) == 0 {
			m["display"] = pick(r, texts...)
		}
		out = append(out, m)
	}
	if out == nil {
		return nil
	}
	return out
}

func list(r *rand.Rand) any {
	var out []any
	for i := range r.IntN(3) {
		out = append(out, fmt.Sprint("tag", i))
	}
	if out == nil {
		return nil
	}
	return out
}
