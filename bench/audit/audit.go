// Package audit compares what SCIM shows with what the user pool holds, which it reads through Amazon's own client.
package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// State is all users and groups, in a form that compares: by id, as canonical JSON without what a server adds, with the
// ids of each group's members in order.
type State struct {
	Users  map[string]string
	Groups map[string]Group
}

// Group is a group in a State.
type Group struct {
	JSON    string
	Members []string
}

func newState() State { return State{Users: map[string]string{}, Groups: map[string]Group{}} }

// Client is Amazon's client for an emulator in this process.
func Client(e *emulator.Emulator) *cip.Client {
	return cip.New(cip.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://127.0.0.1:1"), HTTPClient: doer{e},
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""), Retryer: aws.NopRetryer{},
	})
}

// Pool reads a whole pool, but for the tombstones in it.
func Pool(ctx context.Context, client *cip.Client, pool string) (State, error) {
	s := newState()
	mapping, err := mappingOf(ctx, client, pool)
	if err != nil {
		return s, err
	}
	users := cip.NewListUsersPaginator(client, &cip.ListUsersInput{UserPoolId: &pool})
	for users.HasMorePages() {
		page, err := users.NextPage(ctx)
		if err != nil {
			return s, fmt.Errorf("listing users: %w", err)
		}
		for _, u := range page.Users {
			user := poolUser(u)
			if _, deleted := schemas.TombstoneOf(user.Attributes); deleted {
				continue
			}
			r, _ := mapping.FromCognito(user)
			id := r.String("id")
			if s.Users[id] != "" {
				return s, fmt.Errorf("user %s is in the pool twice", id)
			}
			s.Users[id] = Canonical(r)
		}
	}
	groups := cip.NewListGroupsPaginator(client, &cip.ListGroupsInput{UserPoolId: &pool})
	for groups.HasMorePages() {
		page, err := groups.NextPage(ctx)
		if err != nil {
			return s, fmt.Errorf("listing groups: %w", err)
		}
		for _, g := range page.Groups {
			if err := s.addGroup(ctx, client, pool, g); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

// mappingOf is the standard mapping, as it is for a pool of this style.
func mappingOf(ctx context.Context, client *cip.Client, pool string) (*schemas.Mapping, error) {
	out, err := client.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: &pool})
	if err != nil {
		return nil, fmt.Errorf("describing the pool: %w", err)
	}
	var logins []string
	for _, name := range out.UserPool.UsernameAttributes {
		logins = append(logins, string(name))
	}
	return schemas.NewMapping(schemas.Users, nil, nil, logins...)
}

func poolUser(u types.UserType) schemas.PoolUser {
	p := schemas.PoolUser{Username: aws.ToString(u.Username), Enabled: u.Enabled, Attributes: map[string]string{}}
	for _, a := range u.Attributes {
		p.Attributes[aws.ToString(a.Name)] = aws.ToString(a.Value)
	}
	p.Sub = p.Attributes["sub"]
	delete(p.Attributes, "sub")
	return p
}

func (s State) addGroup(ctx context.Context, client *cip.Client, pool string, g types.GroupType) error {
	r, _ := schemas.GroupFromCognito(schemas.PoolGroup{Name: aws.ToString(g.GroupName), Description: aws.ToString(g.Description)},
		func(name string) string { return "unmanaged " + name })
	id := r.String("id")
	if _, twice := s.Groups[id]; twice {
		return fmt.Errorf("group %s is in the pool twice", id)
	}
	group := Group{JSON: Canonical(r), Members: []string{}}
	members := cip.NewListUsersInGroupPaginator(client, &cip.ListUsersInGroupInput{UserPoolId: &pool, GroupName: g.GroupName})
	for members.HasMorePages() {
		page, err := members.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing the members of %s: %w", aws.ToString(g.GroupName), err)
		}
		for _, u := range page.Users {
			group.Members = append(group.Members, poolUser(u).Sub)
		}
	}
	slices.Sort(group.Members)
	s.Groups[id] = group
	return nil
}

// User is the user with a sub in SCIM form, without an id, and as JSON; "" when the pool has none.
func User(ctx context.Context, client *cip.Client, pool, sub string) (schemas.Resource, string, error) {
	mapping, err := mappingOf(ctx, client, pool)
	if err != nil {
		return nil, "", err
	}
	page, err := client.ListUsers(ctx, &cip.ListUsersInput{UserPoolId: &pool, Filter: aws.String(fmt.Sprintf("sub = %q", sub))})
	if err != nil || len(page.Users) == 0 {
		return nil, "", err
	}
	r, _ := mapping.FromCognito(poolUser(page.Users[0]))
	text := Canonical(r)
	return r, text, nil
}

// OneGroup is the group with a name in the pool; ok is false when there is none.
func OneGroup(ctx context.Context, client *cip.Client, pool, name string) (g Group, ok bool, err error) {
	out, err := client.GetGroup(ctx, &cip.GetGroupInput{UserPoolId: &pool, GroupName: &name})
	if missing := new(types.ResourceNotFoundException); errors.As(err, &missing) {
		return Group{}, false, nil
	}
	if err != nil {
		return Group{}, false, err
	}
	s := newState()
	if err := s.addGroup(ctx, client, pool, *out.Group); err != nil {
		return Group{}, false, err
	}
	for _, g = range s.Groups {
		break
	}
	return g, true, nil
}

// SCIM reads everything that a server lists.
func SCIM(ctx context.Context, p *idp.Provider) (State, error) {
	s := newState()
	err := list(ctx, p, "/Users", func(r schemas.Resource) error {
		id := r.String("id")
		if s.Users[id] != "" {
			return fmt.Errorf("user %s is listed twice", id)
		}
		s.Users[id] = Canonical(r)
		return nil
	})
	if err != nil {
		return s, err
	}
	return s, list(ctx, p, "/Groups", func(r schemas.Resource) error {
		id := r.String("id")
		if _, twice := s.Groups[id]; twice {
			return fmt.Errorf("group %s is listed twice", id)
		}
		members := Members(r)
		s.Groups[id] = Group{JSON: Canonical(r), Members: members}
		return nil
	})
}

// Compare says which users and groups differ, at most twenty; nil when the states are the same.
func Compare(pool, scim State) error {
	var all []error
	differ := func(kind, id, in, shown string) {
		if in != shown && len(all) < 20 {
			all = append(all, fmt.Errorf("%s %s: the pool has %s, SCIM shows %s", kind, id, in, shown))
		}
	}
	for id := range both(pool.Users, scim.Users) {
		differ("user", id, pool.Users[id], scim.Users[id])
	}
	for id := range both(pool.Groups, scim.Groups) {
		differ("group", id, fmt.Sprint(pool.Groups[id]), fmt.Sprint(scim.Groups[id]))
	}
	return errors.Join(all...)
}

// both are the keys of either map.
func both[V any](a, b map[string]V) map[string]bool {
	keys := map[string]bool{}
	for key := range a {
		keys[key] = true
	}
	for key := range b {
		keys[key] = true
	}
	return keys
}

// list reads all pages of one resource type.
func list(ctx context.Context, p *idp.Provider, endpoint string, each func(schemas.Resource) error) error {
	for start := 1; ; {
		out, err := p.Push(ctx, "GET", fmt.Sprintf("%s?startIndex=%d&count=500", endpoint, start), "")
		if err != nil {
			return err
		}
		var page struct {
			TotalResults int
			Resources    []json.RawMessage
		}
		if err := json.Unmarshal(out.Body, &page); err != nil || out.Status != 200 {
			return fmt.Errorf("listing %s: %d %s: %w", endpoint, out.Status, out.Body, err)
		}
		for _, raw := range page.Resources {
			r, ok := schemas.ParseJSON(raw)
			if !ok {
				return fmt.Errorf("listing %s: %s is no object", endpoint, raw)
			}
			if err := each(r); err != nil {
				return err
			}
		}
		if start += len(page.Resources); start > page.TotalResults {
			return nil
		}
		if len(page.Resources) == 0 {
			return fmt.Errorf("listing %s: an empty page at %d of %d", endpoint, start, page.TotalResults)
		}
	}
}

// Members are the ids of a group's members in order.
func Members(r schemas.Resource) []string {
	ids := []string{}
	list, _ := r["members"].([]any)
	for _, m := range list {
		if m, ok := m.(map[string]any); ok {
			id, _ := m["value"].(string)
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Canonical is a resource as JSON without its id and what a server adds to it, which it loses.
func Canonical(r schemas.Resource) string {
	for _, name := range []string{"id", "schemas", "meta", "groups", "members"} {
		delete(r, name)
	}
	return string(r.JSON())
}
