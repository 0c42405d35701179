package bridge_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

// desk is a connection to a pool of any style, on any endpoint that speaks Cognito's protocol, with Amazon's own client
// beside it to sign in and to look.
type desk struct {
	*bridge.Connection
	t      *testing.T
	aws    *cip.Client
	poolID string
	pool   *cognito.Pool
	app    string // id of the app client that people sign in with
	calls  *counter
}

// counter is a transport that counts the calls it carries, by operation.
type counter struct {
	next http.RoundTripper
	mu   sync.Mutex
	made map[string]int
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c.mu.Lock()
	c.made[op]++
	c.mu.Unlock()
	return c.next.RoundTrip(r)
}

// during returns the calls that f makes. That of the watch on the pool may come at any time.
func (c *counter) during(f func()) map[string]int {
	c.mu.Lock()
	before := maps.Clone(c.made)
	c.mu.Unlock()
	f()
	c.mu.Lock()
	defer c.mu.Unlock()
	made := map[string]int{}
	for op, n := range c.made {
		if n > before[op] && op != "DescribeUserPool" {
			made[op] = n - before[op]
		}
	}
	return made
}

// endpoint is something that speaks Cognito's protocol.
type endpoint struct {
	url  string
	wire http.RoundTripper
	aws  *cip.Client
}

const (
	password = "Correct-horse-7"
	stylish  = "style"
)

// newPool makes a pool of a style.
func (e endpoint) newPool(t *testing.T, style cip.CreateUserPoolInput) string {
	t.Helper()
	style.PoolName = aws.String(stylish)
	for _, name := range schemas.OverflowNames() {
		style.Schema = append(style.Schema, types.SchemaAttributeType{
			Name: aws.String(strings.TrimPrefix(name, "custom:")), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true),
			StringAttributeConstraints: &types.StringAttributeConstraintsType{MinLength: aws.String("0"), MaxLength: aws.String("2048")},
		})
	}
	made, err := e.aws.CreateUserPool(t.Context(), &style)
	if err != nil {
		t.Fatalf("CreateUserPool: %v", err)
	}
	return *made.UserPool.Id
}

// open returns a desk for a pool. A cold one begins with an empty mirror, which stays as it is.
func (e endpoint) open(t *testing.T, poolID string, cold bool, cfg bridge.ConnectionConfig) *desk {
	t.Helper()
	d := &desk{t: t, aws: e.aws, poolID: poolID, calls: &counter{next: e.wire, made: map[string]int{}}}
	var err error
	d.pool, err = cognito.Open(t.Context(), cognito.Config{PoolID: poolID, Endpoint: e.url, Transport: d.calls, Quotas: &cognito.Quotas{}, MaxBackoff: 1})
	if err != nil {
		t.Fatalf("cognito.Open: %v", err)
	}
	kept, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "scim.db"),
		Trees: map[store.Kind]*attribute.Tree{store.User: schemas.Users.Tree, store.Group: schemas.Groups.Tree}})
	if err != nil {
		t.Fatalf("store.Open: %v", err)
	}
	if cfg.Directory, err = bridge.OpenDirectory(t.Context(), bridge.DirectoryConfig{Pool: d.pool, Store: kept, SweepEvery: -1, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatalf("OpenDirectory: %v", err)
	}
	cfg.Name = "okta"
	d.Connection = bridge.NewConnection(cfg)
	run, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		if !cold {
			_ = cfg.Directory.Run(run) // ends with run
		}
	}()
	t.Cleanup(func() {
		stop()
		<-stopped
		cfg.Directory.Close()
		if err := kept.Close(); err != nil {
			t.Errorf("store.Close: %v", err)
		}
	})
	if !cold {
		r := &rig{t: t}
		r.until("the mirror is warm", func() bool { return d.Ready() == nil })
	}
	return d
}

func (d *desk) appClient() {
	d.t.Helper()
	out, err := d.aws.CreateUserPoolClient(d.t.Context(), &cip.CreateUserPoolClientInput{UserPoolId: &d.poolID, ClientName: aws.String("app"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth}})
	if err != nil {
		d.t.Fatalf("CreateUserPoolClient: %v", err)
	}
	d.app = *out.UserPoolClient.ClientId
}

// signsIn reports whether somebody signs in with a name, and is the user with the id.
func (d *desk) signsIn(name, id string) bool {
	d.t.Helper()
	out, err := d.aws.InitiateAuth(d.t.Context(), &cip.InitiateAuthInput{ClientId: &d.app, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password}})
	if err != nil {
		var missing *types.UserNotFoundException
		var refused *types.NotAuthorizedException
		if !errors.As(err, &missing) && !errors.As(err, &refused) {
			d.t.Errorf("signing in as %s: %v", name, err)
		}
		return false
	}
	if out.AuthenticationResult == nil {
		d.t.Errorf("signing in as %s: got challenge %s, want tokens", name, out.ChallengeName)
		return false
	}
	who, err := d.aws.GetUser(d.t.Context(), &cip.GetUserInput{AccessToken: out.AuthenticationResult.AccessToken})
	if err != nil {
		d.t.Errorf("asking who %s is: %v", name, err)
		return false
	}
	return slices.ContainsFunc(who.UserAttributes, func(a types.AttributeType) bool { return *a.Name == "sub" && *a.Value == id })
}

// session signs somebody in and returns the refresh token.
func (d *desk) session(username string) string {
	d.t.Helper()
	out, err := d.aws.InitiateAuth(d.t.Context(), &cip.InitiateAuthInput{ClientId: &d.app, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": username, "PASSWORD": password}})
	if err != nil || out.AuthenticationResult == nil {
		d.t.Fatalf("signing in as %s: %v, want tokens", username, err)
	}
	return *out.AuthenticationResult.RefreshToken
}

// lasts says whether a refresh token still gets new tokens.
func (d *desk) lasts(token string) string {
	_, err := d.aws.InitiateAuth(d.t.Context(), &cip.InitiateAuthInput{ClientId: &d.app, AuthFlow: types.AuthFlowTypeRefreshTokenAuth,
		AuthParameters: map[string]string{"REFRESH_TOKEN": token}})
	if err != nil {
		return "sessions end"
	}
	return "sessions go on"
}

// look finds users by a filter, as SCIM lists them.
func (d *desk) look(where string) (ids []string, err error) {
	page, err := d.List(d.t.Context(), store.Query{Kind: store.User, Where: must(filter.Parse(where)), Start: 1, Count: 10})
	if err != nil {
		return nil, err
	}
	for doc, err := range page.Docs {
		if err != nil {
			return nil, err
		}
		ids = append(ids, doc.ID)
	}
	return ids, nil
}

// everybody is the Usernames in the pool.
func (d *desk) everybody() []string {
	d.t.Helper()
	var names []string
	for token := ""; ; {
		users, next, err := d.pool.UsersPage(d.t.Context(), token)
		if err != nil {
			d.t.Fatalf("ListUsers: %v", err)
		}
		for _, u := range users {
			names = append(names, u.Username)
		}
		if next == "" {
			slices.Sort(names)
			return names
		}
		token = next
	}
}

// somebody is a User body; what is empty is left out.
func somebody(userName, email string) schemas.Resource {
	r := schemas.Resource{"userName": userName, "externalId": "of " + userName}
	if email != "" {
		r["emails"] = []any{map[string]any{"value": email, "type": "work", "primary": true}}
	}
	return r
}

func (d *desk) create(userName, email string) store.Doc {
	d.t.Helper()
	doc, err := d.CreateUser(d.t.Context(), somebody(userName, email))
	if err != nil {
		d.t.Fatalf("creating %s, %s: %v", userName, email, err)
	}
	return doc
}

// change is a PATCH of one attribute.
func (d *desk) change(id, path string, value any) (store.Doc, error) {
	d.t.Helper()
	ops, _, err := schemas.Users.DecodePatch(map[string]any{"Operations": []any{map[string]any{"op": "replace", "path": path, "value": value}}})
	if err != nil {
		d.t.Fatalf("decoding a PATCH of %s: %v", path, err)
	}
	return d.PatchUser(d.t.Context(), id, ops)
}

func (d *desk) email(id, address string) (store.Doc, error) {
	return d.change(id, `emails[type eq "work"].value`, address)
}

func (d *desk) setPassword(username string) {
	d.t.Helper()
	if err := d.pool.SetPassword(d.t.Context(), username, password, true); err != nil {
		d.t.Fatalf("AdminSetUserPassword(%s): %v", username, err)
	}
}
