package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/smithy-go"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/server"
	"github.com/scim-cognito/scim-cognito/store"
)

// stage is what a transcript is played on: the real server over HTTP, its parts, and a pool of its own that is looked at
// through the AWS SDK, past all code of ours.
type stage struct {
	t        *testing.T
	emulator *emulator.Emulator
	sdk      *cip.Client
	client   *http.Client
	url      string        // of the server, "" before it has started
	offset   *atomic.Int64 // nanoseconds that have passed by "~"
	grants   []bridge.Grant
}

const (
	stagePool  = "us-east-1_replay"
	stageToken = "0123456789-transcript-0123456789-transcript"
)

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, emulator: emulator.New(emulator.Config{Seed: 1}), offset: new(atomic.Int64)}
	pool := emulator.PoolConfig{ID: stagePool, Name: "replay", AdminOnly: true}
	for _, name := range schemas.OverflowNames() {
		pool.CustomAttributes = append(pool.CustomAttributes, emulator.CustomAttribute{Name: strings.TrimPrefix(name, "custom:")})
	}
	if err := s.emulator.CreatePool(pool); err != nil {
		t.Fatalf("CreatePool: %v", err)
	}
	s.sdk = cip.New(cip.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://cognito.test"), Retryer: aws.NopRetryer{},
		HTTPClient: &http.Client{Transport: pooltest.InProcess(s.emulator)},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "replay", SecretAccessKey: "replay"}, nil
		}),
	})
	return s
}

func (s *stage) now() time.Time { return time.Now().Add(time.Duration(s.offset.Load())) }

// pass lets time pass for everybody.
func (s *stage) pass(d time.Duration) {
	s.offset.Add(int64(d))
	s.emulator.Advance(d)
}

// start starts the server, whose mirror then holds what the pool has by now.
func (s *stage) start() {
	s.t.Helper()
	ctx := s.t.Context()
	quiet := slog.New(slog.DiscardHandler)
	pool, err := cognito.Open(ctx, cognito.Config{PoolID: stagePool, Endpoint: "http://127.0.0.1:1", Quotas: &cognito.Quotas{},
		MaxBackoff: 1, Transport: pooltest.InProcess(s.emulator)})
	if err != nil {
		s.t.Fatalf("cognito.Open: %v", err)
	}
	mirror, err := store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(s.t.TempDir(), "scim.db"),
		Trees: map[store.Kind]*attribute.Tree{store.User: schemas.Users.Tree, store.Group: schemas.Groups.Tree}})
	if err != nil {
		s.t.Fatalf("store.Open: %v", err)
	}
	s.t.Cleanup(func() {
		if err := mirror.Close(); err != nil {
			s.t.Errorf("closing the store: %v", err)
		}
	})
	dir, err := bridge.OpenDirectory(ctx, bridge.DirectoryConfig{Pool: pool, Store: mirror, Grants: s.grants, SweepEvery: -1,
		Adoption: bridge.AdoptAll, AdoptGroups: []string{bridge.EveryGroup}, Clock: s.now, Logger: quiet})
	if err != nil {
		s.t.Fatalf("OpenDirectory: %v", err)
	}
	s.t.Cleanup(dir.Close)
	run, stop := context.WithCancel(ctx)
	stopped := make(chan error)
	go func() { stopped <- dir.Run(run) }()
	s.t.Cleanup(func() {
		stop()
		if err := <-stopped; !errors.Is(err, context.Canceled) {
			s.t.Errorf("Run ended with %v, want context.Canceled", err)
		}
	})
	connection := bridge.NewConnection(bridge.ConnectionConfig{Name: "replay", Directory: dir})
	until(s.t, "the mirror is warm", func() bool { return connection.Ready() == nil })
	handler, err := server.New(server.Config{
		Connections: []server.Connection{{Bridge: connection, Tokens: []server.Token{{Name: "replay", Secret: server.NewSecret(stageToken)}}}},
		BaseURL:     "https://scim.example.com", Clock: s.now, Logger: quiet,
	})
	if err != nil {
		s.t.Fatalf("server.New: %v", err)
	}
	listener := httptest.NewServer(handler)
	s.t.Cleanup(listener.Close)
	s.url = listener.URL
	s.client = &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	s.t.Cleanup(s.client.CloseIdleConnections)
}

// call makes a call of Cognito as the AWS SDK's clients make it: operation is the name of a method, input the JSON of
// what it takes.
func (s *stage) call(operation, input string) error {
	method := reflect.ValueOf(s.sdk).MethodByName(operation)
	if !method.IsValid() || method.Type().NumIn() != 3 {
		return fmt.Errorf("Cognito has no operation %q", operation)
	}
	in := reflect.New(method.Type().In(1).Elem())
	if err := strictly(input, in.Interface()); err != nil {
		return fmt.Errorf("the input of %s: %w", operation, err)
	}
	in.Elem().FieldByName("UserPoolId").Set(reflect.ValueOf(aws.String(stagePool)))
	if err, failed := method.Call([]reflect.Value{reflect.ValueOf(s.t.Context()), in})[1].Interface().(error); failed {
		return err
	}
	return nil
}

// strictly decodes JSON whose names must all be v's.
func strictly(text string, v any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// user is what the pool says of a user; nil when there is none.
func (s *stage) user(username string) (map[string]any, error) {
	out, err := s.sdk.AdminGetUser(s.t.Context(), &cip.AdminGetUserInput{UserPoolId: aws.String(stagePool), Username: &username})
	if err != nil {
		return nil, unless("UserNotFoundException", err)
	}
	attributes := map[string]any{}
	for _, a := range out.UserAttributes {
		attributes[aws.ToString(a.Name)] = aws.ToString(a.Value)
	}
	return map[string]any{"enabled": out.Enabled, "status": string(out.UserStatus), "attributes": attributes}, nil
}

// group is what the pool says of a group; nil when there is none.
func (s *stage) group(name string) (map[string]any, error) {
	pool := aws.String(stagePool)
	out, err := s.sdk.GetGroup(s.t.Context(), &cip.GetGroupInput{UserPoolId: pool, GroupName: &name})
	if err != nil {
		return nil, unless("ResourceNotFoundException", err)
	}
	var usernames []string
	for pages := cip.NewListUsersInGroupPaginator(s.sdk, &cip.ListUsersInGroupInput{UserPoolId: pool, GroupName: &name}); pages.HasMorePages(); {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			return nil, err
		}
		for _, u := range page.Users {
			usernames = append(usernames, aws.ToString(u.Username))
		}
	}
	slices.Sort(usernames)
	members := make([]any, len(usernames))
	for i, username := range usernames {
		members[i] = username
	}
	return map[string]any{"description": aws.ToString(out.Group.Description), "members": members}, nil
}

// unless returns err if it is another than the one that is called code.
func unless(code string, err error) error {
	var e smithy.APIError
	if errors.As(err, &e) && e.ErrorCode() == code {
		return nil
	}
	return err
}
