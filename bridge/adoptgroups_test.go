package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bench/stack"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// TestGroupsOfOthersAreNotTakenOver: names carry rights, and roles carry more.
func TestGroupsOfOthersAreNotTakenOver(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::123456789012:role/Admin"
	for _, c := range []struct {
		name   string
		groups []string
		listed []string
	}{
		{"none", nil, nil},
		{"one", []string{"Staff"}, []string{"Staff"}},
		{"every", []string{bridge.EveryGroup}, []string{"Admins", "Staff"}},
		{"every, and one with a role", []string{bridge.EveryGroup, "Role"}, []string{"Admins", "Role", "Staff"}},
		{"Cognito's own", []string{stack.PoolID + "_Okta", "absent"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newBureau(t, policy(bridge.AdoptAll, false, c.groups...))
			o.foreignGroup("Admins", "")
			o.foreignGroup("Staff", "")
			o.foreignGroup("Role", role)
			o.foreignGroup(stack.PoolID+"_Okta", "")
			o.resync()
			user := o.pushed("POST", "/Users", adaBody()).ID()
			for _, name := range []string{"Admins", "Staff", "Role", stack.PoolID + "_Okta"} {
				want := slices.Contains(c.listed, name)
				ids := o.found("/Groups", fmt.Sprintf("displayName eq %q", name))
				if (len(ids) == 1) != want {
					t.Errorf("%s: got %q, want it listed: %v", name, ids, want)
				}
				for _, same := range []string{name, strings.ToLower(name), strings.ToUpper(name), "\uff21\uff24"[:3] + name[1:]} {
					if same[0] < 0x80 || name[0] == 'A' { // a fullwidth A folds onto Admins alone
						o.status(409, "POST", "/Groups", idp.GroupBody(map[string]any{"displayName": same}, user))
					}
				}
				if len(ids) == 0 {
					continue
				}
				o.status(200, "PATCH", "/Groups/"+ids[0], idp.PatchBody(idp.Add(user)))
				g, err := o.client.GetGroup(t.Context(), &cip.GetGroupInput{UserPoolId: aws.String(stack.PoolID), GroupName: &name})
				if err != nil || !strings.Contains(*g.Group.Description, ids[0]) || (aws.ToString(g.Group.RoleArn) == role) != (name == "Role") {
					t.Errorf("%s in the pool: got %+v, %v; want it marked with its id, and its role kept", name, g, err)
				}
			}
			if got := o.groupsOf("ada"); !slices.Equal(got, c.listed) {
				t.Errorf("ada's groups: got %q, want %q", got, c.listed)
			}
			o.restart(true, func(*stack.Config) {})
			o.warm()
			if got := len(o.found("/Groups", "")); got != len(c.listed) {
				t.Errorf("by a mirror made anew: got %d groups, want %d", got, len(c.listed))
			}
		})
	}
}

// TestAGroupThatIsGivenARoleIsHidden: a managed group that is given a role in the console is SCIM's no more, unless it is named.
func TestAGroupThatIsGivenARoleIsHidden(t *testing.T) {
	t.Parallel()
	o := newBureau(t, worldConfig{})
	id := o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": "Staff"})).ID()
	_, err := o.client.UpdateGroup(t.Context(), &cip.UpdateGroupInput{UserPoolId: aws.String(stack.PoolID), GroupName: aws.String("Staff"),
		RoleArn: aws.String("arn:aws:iam::123456789012:role/Admin")})
	if err != nil {
		t.Fatal(err)
	}
	o.resync()
	o.status(404, "PATCH", "/Groups/"+id, idp.PatchBody(idp.Add("x")))
	o.restart(false, func(s *stack.Config) { s.Directory.AdoptGroups = []string{"Staff"} })
	o.warm()
	o.status(200, "GET", "/Groups/"+id, "")
}

// TestAnAdoptedGroupKeepsWhatIsNotSCIMs: its precedence, the members whom SCIM does not show, and in the activity the
// Description that people had given it.
func TestAnAdoptedGroupKeepsWhatIsNotSCIMs(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *rigConfig) { c.dir.Adoption, c.dir.AdoptGroups = bridge.AdoptMatches, []string{"Staff"} })
	ben := r.createUser(`{"userName":"ben"}`)
	r.account("old", nil)
	client := audit.Client(r.emulator)
	_, err := client.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("Staff"),
		Description: aws.String("who works here"), Precedence: aws.Int32(7)})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ben", "old"} {
		if err := r.pool.AddMember(t.Context(), "Staff", name); err != nil {
			t.Fatal(err)
		}
	}
	r.dir.Resync()
	r.until("the mirror has the group", func() bool {
		return must(r.List(t.Context(), store.Query{Kind: store.Group, Count: 1})).Total > 0
	})
	id := r.groupID("Staff")
	group, err := r.Group(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for ref, err := range r.Members(t.Context(), group) {
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, ref.ID)
	}
	if !slices.Equal(shown, []string{ben.ID}) {
		t.Errorf("members as SCIM shows them: got %q, want %q alone", shown, ben.ID)
	}
	if _, err := r.ReplaceGroup(t.Context(), id, r.resource(schemas.Groups, `{"displayName":"Staff"}`)); err != nil {
		t.Fatal(err)
	}
	if got := r.members("Staff"); !slices.Equal(got, []string{"old"}) {
		t.Errorf("members after a PUT without any: got %q, want old", got)
	}
	there, err := client.GetGroup(t.Context(), &cip.GetGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("Staff")})
	if err != nil || aws.ToInt32(there.Group.Precedence) != 7 || !strings.Contains(aws.ToString(there.Group.Description), id) {
		t.Errorf("in the pool: got %+v, %v; want the precedence kept, and the id in the Description", there, err)
	}
	if got := r.activity(); !strings.Contains(got, `the group's Description was "who works here"`) && !strings.Contains(got, `the group's Description was \"who works here\"`) {
		t.Errorf("activity: got %s, want the former Description", got)
	}
}

// TestGroupsThatAreNotThereAreNamed: whoever has misspelt one in the configuration reads so in the log.
func TestGroupsThatAreNotThereAreNamed(t *testing.T) {
	t.Parallel()
	var log lockedLog
	r := newRig(t, func(c *rigConfig) {
		c.log = &log
		c.dir.AdoptGroups, c.dir.Grants = []string{bridge.EveryGroup, "Stuff"}, table
	})
	r.until("the four are named", func() bool { return strings.Contains(log.String(), `groups="[Admins Auditors Stuff Support]"`) })
}
