package bridge_test

import (
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

func TestPoolsThatCannotWorkStopTheStart(t *testing.T) {
	all := []emulator.CustomAttribute{{Name: "scim"}, {Name: "scim_2"}, {Name: "scim_3"}}
	for _, c := range []struct {
		name string
		pool emulator.PoolConfig
		rows []schemas.Row
		want string
	}{
		{"no custom attributes", emulator.PoolConfig{}, nil, "lacks the custom attributes scim, scim_2, scim_3: start once with --create-attributes"},
		{"a mapped attribute is missing", emulator.PoolConfig{CustomAttributes: all}, []schemas.Row{{SCIM: "title", Cognito: "custom:title"}}, "lacks the custom attributes title"},
		{"immutable", emulator.PoolConfig{CustomAttributes: []emulator.CustomAttribute{{Name: "scim", Immutable: true}, all[1], all[2]}}, nil, "custom:scim of pool us-east-1_local is immutable"},
		{"too short", emulator.PoolConfig{CustomAttributes: []emulator.CustomAttribute{all[0], {Name: "scim_2", MaxLength: 256}, all[2]}}, nil, "custom:scim_2 of pool us-east-1_local must be a String of up to 2048"},
		{"a standard attribute is immutable", emulator.PoolConfig{CustomAttributes: all, Immutable: []string{"email"}}, nil, "attribute email of pool us-east-1_local is immutable"},
		{"phone numbers wait for their verification", emulator.PoolConfig{CustomAttributes: all, AutoVerified: []string{"phone_number"},
			VerifyBeforeUpdate: []string{"phone_number"}}, nil, "does not take a new phone number before it is verified"},
		{"a row that cannot be", emulator.PoolConfig{CustomAttributes: all}, []schemas.Row{{SCIM: "emails", Cognito: "nickname"}}, "connections[].attributes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := emulator.New(emulator.Config{Seed: 1})
			c.pool.ID = poolID
			if err := e.CreatePool(c.pool); err != nil {
				t.Fatal(err)
			}
			pool, err := cognito.Open(t.Context(), cognito.Config{PoolID: poolID, Endpoint: "http://127.0.0.1:1", Transport: inProcess{e}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = bridge.OpenDirectory(t.Context(), bridge.DirectoryConfig{Pool: pool, Attributes: c.rows})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestAPoolThatIsNotCaseSensitive(t *testing.T) {
	r := newRig(t, func(c *rigConfig) { c.pool.CaseInsensitive = true })
	const body = `{"userName":"Ada@Example.com","emails":[{"value":"Ada@Example.com"}]}`
	doc := r.createUser(body)
	got, _ := schemas.ParseJSON(doc.JSON)
	if emails, _ := got["emails"].([]any); doc.PoolName != "ada@example.com" || doc.Display != "Ada@Example.com" ||
		len(emails) != 1 || emails[0].(map[string]any)["value"] != "Ada@Example.com" {
		t.Errorf("Username %s, document %s; want the pool's lower case and SCIM's own letters", doc.PoolName, doc.JSON)
	}
	made := r.calls(func() {
		if _, err := r.ReplaceUser(t.Context(), doc.ID, r.resource(schemas.Users, body)); err != nil {
			t.Fatal(err)
		}
	})
	if len(made) > 0 {
		t.Errorf("a PUT of the same made calls: %v", made)
	}
	// Somebody whom the mirror has not seen is found in any letters, and in the way of a create.
	if _, err := r.pool.CreateUser(t.Context(), "grace", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.CreateUser(t.Context(), schemas.Resource{"userName": "Grace"}); kindOf(err) != "exists" {
		t.Errorf("creating Grace beside grace: %v, want exists", err)
	}
	page, err := r.List(t.Context(), store.Query{Kind: store.User, Where: must(filter.Parse(`userName eq "GRACE"`)), Start: 1, Count: 1})
	if err != nil || page.Total != 1 {
		t.Errorf("looking GRACE up: %d, %v; want one", page.Total, err)
	}
}
