package bridge_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bench/idp"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

var table = []bridge.Grant{
	{Attribute: "roles", Value: "admin", Group: "Admins"},
	{Attribute: "roles", Value: "auditor", Group: "Auditors"},
	{Attribute: "entitlements", Prefix: "app-"},
	{Attribute: schemas.EnterpriseURN + ":department", Separator: ",", Value: "Admin", Group: "Admins"},
	{Attribute: schemas.EnterpriseURN + ":department", Separator: ",", Value: "Support", Group: "Support"},
}

// granting is a rig with the table and its groups; Others is one that the table does not name.
func granting(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, func(c *rigConfig) { c.dir.Grants, c.dir.Lag = table, time.Millisecond })
	for _, name := range []string{"Admins", "Auditors", "Support", "Others", "app-mail"} {
		r.createGroup(`{"displayName":"` + name + `"}`)
	}
	return r
}

// groupsOf are the groups in the pool that have a user, and the mirror must say the same.
func (r *rig) groupsOf(id, username string) string {
	r.t.Helper()
	var inPool, inMirror []string
	for _, name := range []string{"Admins", "Auditors", "Others", "Support", "app-mail"} {
		if slices.Contains(r.members(name), username) {
			inPool = append(inPool, name)
		}
	}
	doc, err := r.User(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	refs, err := r.Groups(r.t.Context(), doc)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, ref := range refs {
		inMirror = append(inMirror, ref.Display)
	}
	slices.Sort(inMirror)
	if !slices.Equal(inPool, inMirror) {
		r.t.Errorf("the pool has %s in %v, the mirror in %v", username, inPool, inMirror)
	}
	return strings.Join(inPool, " ")
}

// writes are the calls that f made and that change something: a sweep or a look at the pool may come at any time.
func (r *rig) writes(f func()) map[string]int64 {
	made := r.calls(f)
	maps.DeleteFunc(made, func(op string, _ int64) bool {
		return strings.HasPrefix(op, "List") || strings.HasPrefix(op, "Describe") || strings.HasPrefix(op, "Get") || op == "AdminGetUser"
	})
	return made
}

// groupID is the id of a group that the mirror lists.
func (r *rig) groupID(name string) string {
	r.t.Helper()
	where, err := filter.Parse(`displayName eq "` + name + `"`)
	if err != nil {
		r.t.Fatal(err)
	}
	page, err := r.List(r.t.Context(), store.Query{Kind: store.Group, Where: where, Start: 1, Count: 1})
	if err != nil {
		r.t.Fatal(err)
	}
	for doc, err := range page.Docs {
		if err != nil {
			r.t.Fatal(err)
		}
		return doc.ID
	}
	r.t.Fatalf("no group %s", name)
	return ""
}

func TestGrantsFollowAttributes(t *testing.T) {
	t.Parallel()
	r := granting(t)
	var ann string
	if made := r.writes(func() {
		ann = r.createUser(`{"userName":"ann","roles":[{"value":"ADMIN","display":"x"},{"value":"nothing"}],"entitlements":[{"value":"mail"}]}`).ID
	}); made["AdminCreateUser"] != 1 || made["AdminAddUserToGroup"] != 2 || len(made) != 2 {
		t.Errorf("creating a user with two grants made %v, want one create and two memberships", made)
	}
	if got := r.groupsOf(ann, "ann"); got != "Admins app-mail" {
		t.Errorf("created: got %q, want Admins app-mail", got)
	}
	department := schemas.EnterpriseURN + ":department"
	for _, c := range []struct{ ops, want string }{
		{`{"op":"replace","path":"` + department + `","value":"Support, Admin,Nobody"}`, "Admins Support app-mail"},
		{`{"op":"remove","path":"roles[value eq \"admin\"]"}`, "Admins Support app-mail"}, // department still says it
		{`{"op":"replace","path":"` + department + `","value":"support"}`, "Support app-mail"},
		{`{"op":"add","path":"roles","value":[{"value":"auditor"}]}`, "Auditors Support app-mail"},
		{`{"op":"replace","path":"active","value":false}`, "Auditors Support app-mail"},
		{`{"op":"replace","value":{"active":true,"entitlements":[],"roles":[{"value":"admin"}]}}`, "Admins Support"},
		{`{"op":"replace","path":"title","value":"Boss"}`, "Admins Support"},
	} {
		if _, err := r.patchUser(ann, `{"Operations":[`+c.ops+`]}`); err != nil {
			t.Fatalf("%s: %v", c.ops, err)
		}
		if got := r.groupsOf(ann, "ann"); got != c.want {
			t.Errorf("%s: got %q, want %q", c.ops, got, c.want)
		}
	}
	if n := r.journal(); n != 0 {
		t.Errorf("%d entries in the journal, want none", n)
	}
	if made := r.writes(func() {
		if _, err := r.patchUser(ann, `{"Operations":[{"op":"replace","path":"roles","value":[{"value":"admin"}]}]}`); err != nil {
			t.Error(err)
		}
	}); len(made) > 0 {
		t.Errorf("the same again made %v, want no call", made)
	}
	// A PUT without the attributes takes all grants.
	if _, err := r.ReplaceUser(t.Context(), ann, r.resource(schemas.Users, `{"userName":"ann"}`)); err != nil {
		t.Fatal(err)
	}
	if got := r.groupsOf(ann, "ann"); got != "" {
		t.Errorf("after a PUT without roles and department: got %q, want none", got)
	}
}

// Memberships that were pushed with a group are not the table's business, even in a group that it names.
func TestGrantsLeavePushedMembershipsAlone(t *testing.T) {
	t.Parallel()
	r := granting(t)
	ann := r.createUser(`{"userName":"ann","roles":[{"value":"admin"}]}`).ID
	for _, name := range []string{"Others", "Support", "Auditors"} {
		group := r.groupID(name)
		if _, err := r.patchGroup(group, `{"Operations":[{"op":"add","path":"members","value":`+values(ann)+`}]}`); err != nil {
			t.Fatal(err)
		}
	}
	for _, ops := range []string{`{"op":"replace","path":"title","value":"Boss"}`, `{"op":"remove","path":"roles"}`, `{"op":"add","path":"roles","value":[{"value":"auditor"}]}`} {
		if _, err := r.patchUser(ann, `{"Operations":[`+ops+`]}`); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.groupsOf(ann, "ann"); got != "Auditors Others Support" {
		t.Errorf("got %q, want Auditors Others Support: only Admins was granted and taken", got)
	}
}

func TestAGrantOfAMissingGroupIsRefused(t *testing.T) {
	t.Parallel()
	r := granting(t)
	_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, `{"userName":"ann","entitlements":[{"value":"chat"}]}`))
	if kindOf(err) != "invalid" || !strings.Contains(err.Error(), `entitlements chat stands for the group "app-chat"`) {
		t.Errorf("got %v, want one that names the attribute, the value and the group", err)
	}
	bob := r.createUser(`{"userName":"bob"}`).ID
	if _, err := r.patchUser(bob, `{"Operations":[{"op":"add","path":"entitlements","value":[{"value":"chat"}]}]}`); kindOf(err) != "invalid" {
		t.Errorf("got %v, want it refused", err)
	}
	if _, err := r.patchUser(bob, `{"Operations":[{"op":"add","path":"entitlements","value":[{"value":"chat"}]},{"op":"replace","path":"active","value":false}]}`); err != nil || r.inPool("bob").Enabled {
		t.Errorf("got %v, want bob deactivated all the same", err)
	}
	// A group that went away later stops nobody's other changes.
	eve := r.createUser(`{"userName":"eve","entitlements":[{"value":"mail"}]}`).ID
	if err := r.DeleteGroup(t.Context(), r.groupID("app-mail")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.patchUser(eve, `{"Operations":[{"op":"replace","path":"title","value":"Boss"}]}`); err != nil {
		t.Errorf("changing eve's title: %v", err)
	}
	if _, err := r.patchUser(eve, `{"Operations":[{"op":"remove","path":"entitlements"}]}`); err != nil {
		t.Errorf("taking what is gone: %v", err)
	}
}

func TestGrantsOutliveFaultsAndAreSuperseded(t *testing.T) {
	t.Parallel()
	r := granting(t)
	ann := r.createUser(`{"userName":"ann"}`).ID
	r.fault(emulator.Fault{Operation: "AdminAddUserToGroup", Kind: emulator.ServerError})
	grant := `{"Operations":[{"op":"replace","path":"roles","value":[{"value":"admin"},{"value":"auditor"}]}]}`
	if _, err := r.patchUser(ann, grant); kindOf(err) != "unavailable" {
		t.Fatalf("got %v, want unavailable", err)
	}
	if n := r.journal(); n != 1 {
		t.Fatalf("%d entries in the journal, want 1", n)
	}
	// A deactivation does not wait for what cannot be made.
	if _, err := r.patchUser(ann, `{"Operations":[{"op":"replace","path":"active","value":false}]}`); r.inPool("ann").Enabled {
		t.Errorf("got %v and ann enabled, want the deactivation made before the memberships fail", err)
	}
	r.emulator.ClearFaults()
	// The newer request decides about auditor, and takes over admin.
	if _, err := r.patchUser(ann, `{"Operations":[{"op":"remove","path":"roles[value eq \"auditor\"]"}]}`); err != nil {
		t.Fatal(err)
	}
	if got := r.groupsOf(ann, "ann"); got != "Admins" {
		t.Errorf("got %q, want Admins", got)
	}
	if n := r.journal(); n != 0 {
		t.Errorf("%d entries left in the journal", n)
	}
	for _, kind := range []emulator.FaultKind{emulator.ResetAfter, emulator.ResetBefore, emulator.Throttle} {
		r.fault(emulator.Fault{Operation: "AdminRemoveUserFromGroup", Kind: kind, Count: 1})
		r.fault(emulator.Fault{Operation: "AdminAddUserToGroup", Kind: kind, Count: 1})
		if _, err := r.patchUser(ann, `{"Operations":[{"op":"replace","path":"roles","value":[{"value":"auditor"}]}]}`); err != nil {
			t.Errorf("%v: %v", kind, err)
		}
		if got := r.groupsOf(ann, "ann"); got != "Auditors" {
			t.Errorf("%v: got %q, want Auditors", kind, got)
		}
		if _, err := r.patchUser(ann, `{"Operations":[{"op":"replace","path":"roles","value":[{"value":"admin"}]}]}`); err != nil {
			t.Errorf("%v: %v", kind, err)
		}
	}
}

// A process that ends between the creation and the memberships makes them at the next start.
func TestGrantsOfACreateGoOnAfterARestart(t *testing.T) {
	t.Parallel()
	r := granting(t)
	r.fault(emulator.Fault{Operation: "AdminAddUserToGroup", Kind: emulator.ServerError})
	body := r.resource(schemas.Users, `{"userName":"ann","roles":[{"value":"admin"}],"entitlements":[{"value":"mail"}]}`)
	if _, err := r.CreateUser(t.Context(), body); kindOf(err) != "unavailable" {
		t.Fatalf("got %v, want unavailable", err)
	}
	r.shutDown()
	r.emulator.ClearFaults()
	r.start()
	r.until("the journal is empty", func() bool { return r.journal() == 0 })
	doc, err := r.CreateUser(t.Context(), body)
	if err != nil {
		t.Fatalf("the repeated POST: %v, want the user", err)
	}
	if got := r.groupsOf(doc.ID, "ann"); got != "Admins app-mail" {
		t.Errorf("got %q, want Admins app-mail", got)
	}
}

func TestTheSweepMakesLostGrantsAgain(t *testing.T) {
	t.Parallel()
	r := granting(t)
	ann := r.createUser(`{"userName":"ann","roles":[{"value":"admin"}]}`).ID
	bob := r.createUser(`{"userName":"bob","roles":[{"value":"admin"}]}`).ID
	if err := r.pool.RemoveMember(t.Context(), "Admins", "ann"); err != nil {
		t.Fatal(err)
	}
	r.until("ann is back in Admins", func() bool { r.dir.Resync(); return slices.Contains(r.members("Admins"), "ann") })
	r.until("the journal is empty", func() bool { return r.journal() == 0 })
	if got := r.groupsOf(ann, "ann") + ", " + r.groupsOf(bob, "bob"); got != "Admins, Admins" {
		t.Errorf("got %q, want both in Admins", got)
	}
}

func TestGrantsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"shoeSize", "active", "groups", "name", "password", `emails[type eq "work"].value`, "x509Certificates"} {
		r := newRig(t)
		cfg := bridge.DirectoryConfig{Pool: r.pool, Store: r.store, Grants: []bridge.Grant{{Attribute: path, Value: "a", Group: "b"}}}
		if d, err := bridge.OpenDirectory(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "holds texts") {
			if d != nil {
				d.Close()
			}
			t.Errorf("%s: got %v, want it refused at the start", path, err)
		}
	}
}

// TestAGrantAndAPushAtOnce: a role and a pushed group say different things about one membership, and the answer to the call
// that Cognito makes first comes last. The mirror remembers what is.
func TestAGrantAndAPushAtOnce(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"AdminAddUserToGroup", "AdminRemoveUserFromGroup"} {
		t.Run(op+" comes first", func(t *testing.T) {
			t.Parallel()
			o := newBureau(t, worldConfig{directory: bridge.DirectoryConfig{Grants: table}})
			for _, name := range []string{"Auditors", "Support", "Admins"} {
				o.pushed("POST", "/Groups", idp.GroupBody(map[string]any{"displayName": name}))
			}
			admins := o.found("/Groups", `displayName eq "Admins"`)[0]
			adds := op == "AdminAddUserToGroup"
			person := map[string]any{"userName": "ada"}
			if adds { // the role goes, and so does the membership
				person["roles"] = []any{map[string]any{"value": "admin"}}
			}
			id := o.pushed("POST", "/Users", idp.UserBody(person)).ID()
			first, second := idp.Op{Op: "add", Path: "members", Value: idp.Members(id)}, idp.Op{Op: "remove", Path: "roles"}
			if adds {
				o.pushed("PATCH", "/Groups/"+admins, idp.PatchBody(idp.Remove(id)))
			} else {
				first, second = idp.Remove(id), idp.Op{Op: "add", Path: "roles", Value: []any{map[string]any{"value": "admin"}}}
			}
			o.overtaking(op, false,
				func() { o.status(200, "PATCH", "/Groups/"+admins, idp.PatchBody(first)) },
				func() { o.status(200, "PATCH", "/Users/"+id, idp.PatchBody(second)) })
			o.agree()
			if in := o.groupsOf("ada") != nil; in == adds {
				t.Errorf("in the group: got %v, want what was said last", in)
			}
		})
	}
}
