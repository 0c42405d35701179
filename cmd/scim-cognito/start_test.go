package main

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

const token = "0123456789abcdef0123456789abcdef"

// emulate starts the stand-alone emulator and returns its endpoint.
func emulate(t *testing.T) string {
	t.Helper()
	c := start(t, nil, "emulate", "--listen=127.0.0.1:0", "--quotas=off")
	return c.await(t, c.out, `Cognito emulator +(http://127\.0\.0\.1:\d+) \(never throttles\), user pool us-east-1_local, `)
}

// document is a config for one connection to a pool behind an endpoint.
func document(endpoint, pool, attributes string) string {
	return fmt.Sprintf(`{"listen": "127.0.0.1:0", "private": "", "baseURL": "https://scim.example.com", "connections": [{"name": "okta",
		"tokens": [{"name": "first", "secret": "env:OKTA_TOKEN"}, {"name": "old", "secret": "env:OLD_TOKEN", "expires": "2020-01-01T00:00:00Z"}],
		"pool": {"id": %q, "endpoint": %q}, "attributes": [%s]}]}`, pool, endpoint, attributes)
}

var tokens32 = map[string]string{"OKTA_TOKEN": token, "OLD_TOKEN": "old-" + token}

const acme = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"

const titleRow = `{"scim": "title", "cognito": "custom:title"}`

func TestServeConfig(t *testing.T) {
	t.Parallel()
	endpoint := emulate(t)
	content := document(endpoint, "us-east-1_local", titleRow+`, {"scim": "`+acme+`:costCode", "cognito": "custom:cost_code"}`)
	file := write(t, "config.json", strings.Replace(content, `"connections"`, `"schemas": [{"id": "`+acme+`", "attributes": [
		{"name": "costCode", "type": "string"}, {"name": "floor", "type": "integer"}]}], "unknownExtensions": "keep", "connections"`, 1))
	store := "--store=sqlite:" + filepath.Join(t.TempDir(), "mirror.db")

	lacking := start(t, tokens32, "serve", "--config", file, store)
	if err := lacking.wait(t); err == nil || !strings.Contains(err.Error(), "--create-attributes") || !strings.Contains(err.Error(), "title") {
		t.Fatalf("without the attribute: got %v, want an error that names custom:title and --create-attributes", err)
	}

	first := start(t, tokens32, "serve", "--config", file, store, "--create-attributes")
	origin := "http://" + first.await(t, first.log, `"msg":"serving".*"listen":"([^"]+)"`)
	awaitReady(t, origin)
	status, made := scim(t, http.MethodPost, origin+"/scim/v2/Users", token,
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"grace@example.com","title":"Rear Admiral",
			"`+acme+`":{"costCode":"A-1","floor":"third"}}`)
	if status != http.StatusBadRequest || !strings.Contains(made["detail"].(string), "floor must be a whole number") {
		t.Errorf("a text for an integer of the config's: got %d %v, want 400", status, made)
	}
	status, made = scim(t, http.MethodPost, origin+"/scim/v2/Users", token,
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"grace@example.com","title":"Rear Admiral",
			"`+acme+`":{"costCode":"A-1","floor":3},"urn:x:unknown:2.0:User":{"hat":"red"}}`)
	if status != http.StatusCreated {
		t.Fatalf("create: got %d %v, want 201", status, made)
	}
	if location := made["meta"].(map[string]any)["location"]; location != "https://scim.example.com/scim/v2/Users/"+made["id"].(string) {
		t.Errorf("location: got %v, want one below baseURL", location)
	}
	if status, _ := scim(t, http.MethodGet, origin+"/scim/v2/Users", "old-"+token, ""); status != http.StatusUnauthorized {
		t.Errorf("expired token: got %d, want 401", status)
	}
	first.await(t, first.log, `"msg":"(token has expired)".*"connection":"okta","token":"old"`)
	if took := first.await(t, first.log, `"msg":"request".*"duration":([^,]+)`); !regexp.MustCompile(`^"[0-9.]+(µs|ms|s)"$`).MatchString(took) {
		t.Errorf("the log's duration: got %s, want a unit", took)
	}
	inside, err := sdk(endpoint).AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: aws.String("us-east-1_local"), Username: aws.String("grace@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	if !hasAttribute(inside.UserAttributes, "custom:title", "Rear Admiral") {
		t.Errorf("the pool's user: got %v, want custom:title", inside.UserAttributes)
	}
	if !hasAttribute(inside.UserAttributes, "custom:cost_code", "A-1") {
		t.Errorf("the pool's user: got %v, want the extension's attribute in custom:cost_code", inside.UserAttributes)
	}
	if made["urn:x:unknown:2.0:User"] == nil || made[acme] == nil {
		t.Errorf("create: got %v, want both extensions", made)
	}
	second := start(t, tokens32, "serve", "--config", file, store)
	if err := second.wait(t); err == nil || !strings.Contains(err.Error(), "mirror.db") {
		t.Errorf("two servers on one store: got %v, want an error that names the file", err)
	}
	first.stop(t)

	again := start(t, tokens32, "serve", "--config", file, store)
	origin = "http://" + again.await(t, again.log, `"msg":"serving".*"listen":"([^"]+)"`)
	awaitReady(t, origin)
	if status, found := scim(t, http.MethodGet, origin+"/scim/v2/Users?filter=title+eq+%22rear+admiral%22", token, ""); status != http.StatusOK || found["totalResults"] != 1.0 {
		t.Errorf("after a restart: got %d %v, want the user", status, found)
	}
}

func hasAttribute(all []types.AttributeType, name, value string) bool {
	for _, a := range all {
		if aws.ToString(a.Name) == name && aws.ToString(a.Value) == value {
			return true
		}
	}
	return false
}

// pool makes a pool with ready custom attributes over the wire and returns its id.
func pool(t *testing.T, endpoint string, schema ...types.SchemaAttributeType) string {
	t.Helper()
	out, err := sdk(endpoint).CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("made"), Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.UserPool.Id)
}

func text(name string, mutable bool, most string) types.SchemaAttributeType {
	return types.SchemaAttributeType{Name: aws.String(name), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(mutable),
		StringAttributeConstraints: &types.StringAttributeConstraintsType{MinLength: aws.String("0"), MaxLength: aws.String(most)}}
}

// A start that cannot lead anywhere ends with one sentence that says what to do, and with the exit code of its kind.
func TestStartsThatFail(t *testing.T) {
	t.Parallel()
	endpoint := emulate(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	immutable := pool(t, endpoint, text("scim", false, "2048"), text("scim_2", true, "2048"), text("scim_3", true, "2048"))
	short := pool(t, endpoint, text("scim", true, "256"), text("scim_2", true, "2048"), text("scim_3", true, "2048"))
	overflow := []types.SchemaAttributeType{text("scim", true, "2048"), text("scim_2", true, "2048"), text("scim_3", true, "2048")}
	trusting, open := pool(t, endpoint, overflow...), pool(t, endpoint, overflow...)
	if _, err := sdk(endpoint).CreateIdentityProvider(t.Context(), &cip.CreateIdentityProviderInput{UserPoolId: &trusting, ProviderName: aws.String("Okta"),
		ProviderType: types.IdentityProviderTypeTypeSaml, ProviderDetails: map[string]string{"MetadataURL": "https://idp.example.com"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := sdk(endpoint).CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{UserPoolId: &open, ClientName: aws.String("web")}); err != nil {
		t.Fatal(err)
	}
	with := func(content string, more ...string) []string {
		return append([]string{"serve", "--config", write(t, "config.json", content), "--store=sqlite:" + filepath.Join(t.TempDir(), "m.db")}, more...)
	}
	good := document(endpoint, "us-east-1_local", "")
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		want []string
		code int
	}{
		"no command":                {args: nil, want: []string{"serve", "emulate", "resync", "journal"}, code: 2},
		"unknown flag":              {args: []string{"serve", "--emulater"}, want: []string{"--emulater"}, code: 2},
		"neither":                   {args: []string{"serve"}, want: []string{"serve --emulator", "serve --config FILE", "config.sample.json"}, code: 2},
		"both":                      {args: []string{"serve", "--emulator", "--config=x"}, want: []string{"--config", "--emulator"}, code: 2},
		"an emulator's style alone": {args: []string{"serve", "--config=x", "--emulator-alias=email"}, want: []string{"need --emulator"}, code: 2},
		"emulator flags alone":      {args: []string{"serve", "--config=x", "--emulator-quotas=off"}, want: []string{"need --emulator"}, code: 2},
		"quotas misspelled":         {args: []string{"emulate", "--quotas=on"}, want: []string{"aws", "off"}, code: 2},
		"seeds in vain":             {args: []string{"emulate", "--listen=127.0.0.1:0", "--users=3", "--groups=1", "--members=4"}, want: []string{"4 members", "3 users"}, code: 2},
		"fewer than no users":       {args: []string{"emulate", "--users=-1"}, want: []string{"--users"}, code: 2},
		"members below zero":        {args: []string{"emulate", "--members", "-1"}, want: []string{"--members"}, code: 2},
		"lag below zero":            {args: []string{"emulate", "--lag=-1s"}, want: []string{"--lag", "negative"}, code: 2},
		"two pool styles":           {args: []string{"emulate", "--alias=email", "--username-attributes=email"}, want: []string{"--alias", "--username-attributes"}, code: 2},
		"no such alias":             {args: []string{"emulate", "--listen=127.0.0.1:0", "--alias=shoe"}, want: []string{"shoe", "preferred_username"}, code: 2},
		"half a fault":              {args: []string{"emulate", "--fault=ListUsers"}, want: []string{"OP:KIND", "ListUsers:throttle:3"}, code: 2},
		"a fault of no kind":        {args: []string{"emulate", "--fault=ListUsers:boom"}, want: []string{"boom", "throttle"}, code: 2},
		"a fault of no operation":   {args: []string{"emulate", "--fault=ListShoes:500"}, want: []string{"ListShoes"}, code: 2},
		"a fault without number":    {args: []string{"emulate", "--fault=*:500:x"}, want: []string{"count", "x"}, code: 2},
		"a fault less than never":   {args: []string{"emulate", "--fault=*:500:-1"}, want: []string{"negative"}, code: 2},
		"a fault too probable":      {args: []string{"emulate", "--fault=*:500:1:1.5"}, want: []string{"probability", "1.5"}, code: 2},
		"a fault never":             {args: []string{"emulate", "--fault=*:500:1:NaN"}, want: []string{"probability", "NaN"}, code: 2},
		"no such switch":            {args: []string{"emulate", "--unverified=all"}, want: []string{"all", "fold-group-names"}, code: 2},
		"state in no folder":        {args: []string{"emulate", "--listen=127.0.0.1:0", "--state=nowhere/s.json"}, want: []string{"--state", "nowhere/s.json"}, code: 1},
		"state that is a folder":    {args: []string{"emulate", "--listen=127.0.0.1:0", "--state=."}, want: []string{"--state"}, code: 1},
		"no such file":              {args: []string{"serve", "--config=nowhere.json"}, want: []string{"nowhere.json"}, code: 1},
		"unknown key":               {args: with(strings.Replace(good, "baseURL", "baseUrl", 1)), want: []string{`did you mean "baseURL"`}, code: 1},
		"private for all":           {args: with(good, "--private=0.0.0.0:0"), want: []string{"--private:", "loopback"}, code: 2},
		"store of another kind":     {args: with(good, "--store=redis:x"), want: []string{"--store:", "sqlite:FILE"}, code: 2},
		"listen on nonsense":        {args: with("no config is read for this", "--listen=nonsense"), want: []string{"--listen:", "nonsense", "host:port"}, code: 2},
		"… in the file":             {args: with(strings.Replace(good, `"listen": "127.0.0.1:0"`, `"listen": "nonsense"`, 1)), want: []string{"config.json: listen:", "nonsense"}, code: 1},
		"… with the emulator":       {args: []string{"serve", "--emulator", "--listen=:99999"}, want: []string{"--listen:", ":99999"}, code: 2},
		"… of the emulator":         {args: []string{"serve", "--emulator", "--emulator-listen=nonsense"}, want: []string{"--emulator-listen", "nonsense", "127.0.0.1:8080"}, code: 2},
		"… of the stand-alone":      {args: []string{"emulate", "--listen=127.0.0.1:99999"}, want: []string{"--listen", "127.0.0.1:99999"}, code: 2},
		"store in no folder":        {args: with(good, "--store=sqlite:nowhere/m.db"), want: []string{"nowhere/m.db"}, code: 1},
		"token not set":             {args: with(good), env: map[string]string{"OLD_TOKEN": token}, want: []string{"OKTA_TOKEN is not set"}, code: 1},
		"token short":               {args: with(good), env: map[string]string{"OKTA_TOKEN": "short", "OLD_TOKEN": token}, want: []string{"needs at least 32"}, code: 1},
		"SCIM_TOKEN with Bearer":    {args: []string{"serve", "--emulator"}, env: map[string]string{"SCIM_TOKEN": "Bearer x"}, want: []string{"SCIM_TOKEN", `without "Bearer "`}, code: 1},
		"port in use":               {args: with(good, "--listen="+taken.Addr().String()), want: []string{taken.Addr().String() + " is in use", "--listen"}, code: 1},
		"private port in use":       {args: with(good, "--private="+taken.Addr().String()), want: []string{"is in use", "--private"}, code: 1},
		"emulator's port in use":    {args: []string{"serve", "--emulator", "--emulator-listen=" + taken.Addr().String()}, want: []string{"is in use", "--emulator-listen"}, code: 1},
		"stand-alone's in use":      {args: []string{"emulate", "--listen=" + taken.Addr().String()}, want: []string{"is in use", "--listen"}, code: 1},
		"no such pool":              {args: with(document(endpoint, "us-east-1_nobody", "")), want: []string{"okta", "us-east-1_nobody", endpoint}, code: 1},
		"overflow immutable":        {args: with(document(endpoint, immutable, "")), want: []string{"custom:scim", immutable, "immutable"}, code: 1},
		"overflow too short":        {args: with(document(endpoint, short, "")), want: []string{"custom:scim", short, "2048", "256"}, code: 1},
		"no such SCIM attribute":    {args: with(document(endpoint, "us-east-1_local", `{"scim": "shoeSize", "cognito": "nickname"}`)), want: []string{"shoeSize"}, code: 1},
		"create in vain":            {args: with(document(endpoint, immutable, ""), "--create-attributes"), want: []string{"immutable"}, code: 1},
		"nobody at the endpoint":    {args: with(document("http://127.0.0.1:1", "us-east-1_local", "")), want: []string{"cannot be reached"}, code: 1},
		"no such port":              {args: with(document("http://"+taken.Addr().String()+"0", "us-east-1_local", "")), want: []string{"pool.endpoint"}, code: 1},
		"health of nobody":          {args: []string{"health", "http://127.0.0.1:1/healthz"}, want: []string{"not healthy"}, code: 1},
		"health of something odd":   {args: []string{"health", "127.0.0.1:8080"}, want: []string{"health"}, code: 2},
		"federation unsaid":         {args: with(document(endpoint, trusting, "")), want: []string{"okta", trusting, "Okta", "federation.provider", `"none"`}, code: 1},
		"an open app client":        {args: with(document(endpoint, open, "")), want: []string{"okta", open, "web", "update-user-pool-client", `"acknowledge"`}, code: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := c.env
			if env == nil {
				env = tokens32
			}
			err := start(t, env, c.args...).wait(t)
			for _, part := range c.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("got error %v, want one with %q", err, part)
				}
			}
			complaints := newTranscript()
			if got := exitCode(err, complaints); got != c.code {
				t.Errorf("exit code: got %d, want %d", got, c.code)
			}
			if !strings.HasPrefix(complaints.String(), "scim-cognito: ") || strings.Contains(complaints.String(), token) {
				t.Errorf("complaint: got %q", complaints)
			}
		})
	}
}
