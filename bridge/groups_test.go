package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// crowd creates n users called u0, u1, … and returns their ids.
func (r *rig) crowd(n int) []string {
	r.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = r.createUser(fmt.Sprintf(`{"userName":"u%d"}`, i)).ID
	}
	return ids
}

func values(ids ...string) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = fmt.Sprintf(`{"value":%q}`, id)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// mirrored are the userNames of a group's members as SCIM says.
func (r *rig) mirrored(group store.Doc) []string {
	r.t.Helper()
	var names []string
	for ref, err := range r.Members(r.t.Context(), group) {
		if err != nil {
			r.t.Fatal(err)
		}
		names = append(names, ref.Display)
	}
	return names
}

func TestCallsPerGroupRequest(t *testing.T) {
	r := newRig(t)
	ids := r.crowd(4)
	var group store.Doc
	patch := func(ops string) func() {
		return func() {
			if _, err := r.patchGroup(group.ID, `{"Operations":[`+ops+`]}`); err != nil {
				t.Fatal(err)
			}
		}
	}
	put := func(body string) func() {
		return func() {
			if _, err := r.ReplaceGroup(t.Context(), group.ID, r.resource(schemas.Groups, body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	steps := []struct {
		name string
		do   func()
		want map[string]int64
		left []string
	}{
		{"create", func() { group = r.createGroup(`{"displayName":"Staff"}`) }, map[string]int64{"CreateGroup": 1}, nil},
		{"add two", patch(`{"op":"add","path":"members","value":` + values(ids[0], ids[1]) + `}`), map[string]int64{"AdminAddUserToGroup": 2}, []string{"u0", "u1"}},
		{"add one that is there", patch(`{"op":"add","path":"members","value":` + values(ids[1], ids[2]) + `}`), map[string]int64{"AdminAddUserToGroup": 1}, []string{"u0", "u1", "u2"}},
		{"add nobody new", patch(`{"op":"add","path":"members","value":` + values(ids[0]) + `}`), map[string]int64{}, []string{"u0", "u1", "u2"}},
		{"remove, Okta's way", patch(`{"op":"remove","path":"members[value eq \"` + ids[0] + `\"]"}`), map[string]int64{"AdminRemoveUserFromGroup": 1}, []string{"u1", "u2"}},
		{"remove, Entra's old way", patch(`{"op":"Remove","path":"members","value":[{"$ref":null,"value":"` + ids[1] + `"}]}`), map[string]int64{"AdminRemoveUserFromGroup": 1}, []string{"u2"}},
		{"remove who is not in it", patch(`{"op":"remove","path":"members[value eq \"` + ids[3] + `\"]"}`), map[string]int64{"AdminRemoveUserFromGroup": 1}, []string{"u2"}},
		{"relabel", patch(`{"op":"replace","value":{"id":"` + "x" + `","displayName":"All Staff"}}`), map[string]int64{"UpdateGroup": 1}, []string{"u2"}},
		{"put the same", put(`{"displayName":"All Staff","members":` + values(ids[2]) + `}`), map[string]int64{}, []string{"u2"}},
		{"put others", put(`{"displayName":"All Staff","members":` + values(ids[0], ids[1]) + `}`),
			map[string]int64{"AdminAddUserToGroup": 2, "AdminRemoveUserFromGroup": 1}, []string{"u0", "u1"}},
		{"push now", patch(`{"op":"replace","path":"members","value":` + values(ids[1], ids[3]) + `}`),
			map[string]int64{"AdminAddUserToGroup": 1, "AdminRemoveUserFromGroup": 1}, []string{"u1", "u3"}},
		{"put nobody", put(`{"displayName":"All Staff"}`), map[string]int64{"AdminRemoveUserFromGroup": 2}, nil},
	}
	for _, s := range steps {
		if diff := cmp.Diff(s.want, r.calls(s.do)); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", s.name, diff)
		}
		pool, mirror := r.members("Staff"), r.mirrored(group)
		slices.Sort(pool)
		slices.Sort(mirror)
		if !slices.Equal(pool, s.left) || !slices.Equal(mirror, s.left) {
			t.Errorf("%s: members in the pool %v, in the mirror %v, want %v", s.name, pool, mirror, s.left)
		}
	}
	del := r.calls(func() {
		if err := r.DeleteGroup(t.Context(), group.ID); err != nil {
			t.Fatal(err)
		}
	})
	if diff := cmp.Diff(map[string]int64{"DeleteGroup": 1}, del); diff != "" {
		t.Errorf("delete: calls (-want +got):\n%s", diff)
	}
	if _, err := r.pool.Group(t.Context(), "Staff"); cognito.KindOf(err) != cognito.GroupNotFound {
		t.Errorf("the group in the pool: %v, want it gone", err)
	}
}

func TestGroupNames(t *testing.T) {
	for _, c := range []struct{ display, name string }{
		{"Staff", "Staff"},
		{"All Staff", "All-Staff"},
		{"Größe/α\t1", "Größe/α-1"},
		{strings.Repeat("ä", 200), strings.Repeat("ä", 128)},
		{strings.Repeat("😀", 100), strings.Repeat("😀", 64)},
	} {
		r := newRig(t)
		doc := r.createGroup(fmt.Sprintf(`{"displayName":%q,"externalId":"e1"}`, c.display))
		g, err := r.pool.Group(t.Context(), c.name)
		if err != nil {
			t.Errorf("displayName %q: %v, want a group %q", c.display, err, c.name)
			continue
		}
		if want := fmt.Sprintf(`"scim":"%s"`, doc.ID); !strings.Contains(g.Description, want) || doc.Display != c.display {
			t.Errorf("Description %s, displayName %q; want the marker %s and the displayName as sent", g.Description, doc.Display, want)
		}
	}
}

func TestGroupNamesThatLookAlike(t *testing.T) {
	r := newRig(t)
	if _, err := r.pool.CreateGroup(t.Context(), "Admins", "made by hand"); err != nil {
		t.Fatal(err)
	}
	for _, display := range []string{"Admins", "ADMINS", "ａdmins", "admins"} {
		if _, err := r.CreateGroup(t.Context(), schemas.Resource{"displayName": display}); kindOf(err) != "exists" {
			t.Errorf("displayName %q beside a foreign group Admins: %v, want exists", display, err)
		}
	}
	// Our own renamed group still has its old name in the pool; the newcomer gets another.
	first := r.createGroup(`{"displayName":"Sales"}`)
	if _, err := r.patchGroup(first.ID, `{"Operations":[{"op":"replace","path":"displayName","value":"Field"}]}`); err != nil {
		t.Fatal(err)
	}
	if second := r.createGroup(`{"displayName":"Sales"}`); second.PoolName != "Sales_2" || second.ID == first.ID {
		t.Errorf("the second Sales is %s with id %s, want Sales_2 with an id of its own", second.PoolName, second.ID)
	}
	if _, err := r.CreateGroup(t.Context(), schemas.Resource{"displayName": "sales"}); kindOf(err) != "exists" {
		t.Errorf("a displayName that differs in case: %v, want exists", err)
	}
}

func TestGroupsWithRightsOfTheirOwnAreNotShown(t *testing.T) {
	r := newRig(t, func(c *rigConfig) { c.cold = true })
	if _, err := r.pool.CreateGroup(t.Context(), poolID+"_Okta", ""); err != nil {
		t.Fatal(err)
	}
	r.shutDown()
	r.cfg.cold = false
	r.start()
	page, err := r.List(t.Context(), store.Query{Kind: store.Group, Count: 10})
	if err != nil || page.Total != 0 {
		t.Errorf("groups listed: %d, %v; want none", page.Total, err)
	}
	if _, err := r.CreateGroup(t.Context(), schemas.Resource{"displayName": poolID + "_Okta"}); kindOf(err) != "exists" {
		t.Errorf("creating a group of that name: %v, want exists", err)
	}
}

func TestUnknownMembers(t *testing.T) {
	const stranger = "34c84488-e0e1-70ae-d2ee-991ad1a898c8"
	t.Run("skip", func(t *testing.T) {
		r := newRig(t)
		ids := r.crowd(1)
		group := r.createGroup(`{"displayName":"Staff","members":` + values(ids[0], stranger, "not-an-id") + `}`)
		if got := r.mirrored(group); !slices.Equal(got, []string{"u0"}) {
			t.Errorf("members %v, want u0 alone", got)
		}
	})
	t.Run("reject", func(t *testing.T) {
		r := newRig(t, func(c *rigConfig) { c.bridge.UnknownMembers = bridge.RejectUnknown })
		_, err := r.CreateGroup(t.Context(), r.resource(schemas.Groups, `{"displayName":"Staff","members":`+values(stranger)+`}`))
		if kindOf(err) != "invalid" || !strings.Contains(err.Error(), stranger) {
			t.Errorf("err = %v, want invalid and the id", err)
		}
	})
	t.Run("known to the pool alone", func(t *testing.T) {
		r := newRig(t)
		u, err := r.pool.CreateUser(t.Context(), "late", map[string]string{"custom:scim": "{}"})
		if err != nil {
			t.Fatal(err)
		}
		group := r.createGroup(`{"displayName":"Staff","members":` + values(u.Sub) + `}`)
		if got := r.mirrored(group); !slices.Equal(got, []string{"late"}) {
			t.Errorf("members %v, want late", got)
		}
	})
}

func TestAMemberWhomCognitoRefusesDoesNotStopThePush(t *testing.T) {
	r := newRig(t)
	ids := r.crowd(3)
	if err := r.pool.DeleteUser(t.Context(), "u1"); err != nil { // behind our back
		t.Fatal(err)
	}
	group := r.createGroup(`{"displayName":"Staff","members":` + values(ids...) + `}`)
	if got := r.members("Staff"); len(got) != 2 {
		t.Errorf("members in the pool %v, want u0 and u2", got)
	}
	if got := r.mirrored(group); !slices.Equal(got, []string{"u0", "u2"}) {
		t.Errorf("members in the answer %v, want u0 and u2", got)
	}
}

func TestReplaceReadsAGroupThatWasNotVerified(t *testing.T) {
	r := newRig(t)
	ids := r.crowd(3)
	group := r.createGroup(`{"displayName":"Staff","members":` + values(ids[0]) + `}`)
	// Somebody adds u1 in the console; a push of u2 alone must remove it, once the group is read again.
	if err := r.pool.AddMember(t.Context(), "Staff", "u1"); err != nil {
		t.Fatal(err)
	}
	r.forgetVerification(group)
	if _, err := r.patchGroup(group.ID, `{"Operations":[{"op":"replace","path":"members","value":`+values(ids[2])+`}]}`); err != nil {
		t.Fatal(err)
	}
	if got := r.members("Staff"); !slices.Equal(got, []string{"u2"}) {
		t.Errorf("members in the pool %v, want u2 alone", got)
	}
}

// forgetVerification makes the mirror's members of a group doubtful.
func (r *rig) forgetVerification(group store.Doc) {
	r.t.Helper()
	d, err := r.store.Directory(r.t.Context(), poolID, r.pool.Info().Created)
	if err != nil {
		r.t.Fatal(err)
	}
	err = d.Update(r.t.Context(), func(tx *store.Tx) error { return tx.SetMembersChecked(group.Seq, time.Time{}) })
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestConcurrentMembershipChangesLoseNothing(t *testing.T) {
	r := newRig(t)
	ids := r.crowd(60)
	group := r.createGroup(`{"displayName":"Staff","members":` + values(ids[:30]...) + `}`)
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			op := `{"op":"add","path":"members","value":` + values(id) + `}`
			if i < 30 {
				op = `{"op":"remove","path":"members[value eq \"` + id + `\"]"}`
			}
			if _, err := r.patchGroup(group.ID, `{"Operations":[`+op+`]}`); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got := r.members("Staff")
	want := make([]string, 0, 30)
	for i := 30; i < 60; i++ {
		want = append(want, fmt.Sprintf("u%d", i))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("members in the pool %v, want %v", got, want)
	}
}

func TestDeletingANonEmptyGroupThatCognitoRefuses(t *testing.T) {
	r := newRig(t, func(c *rigConfig) { c.emulator.Unverified.KeepNonEmptyGroups = true })
	group := r.createGroup(`{"displayName":"Staff","members":` + values(r.crowd(2)...) + `}`)
	made := r.calls(func() {
		if err := r.DeleteGroup(t.Context(), group.ID); err != nil {
			t.Fatal(err)
		}
	})
	if made["DeleteGroup"] != 2 || made["AdminRemoveUserFromGroup"] != 2 {
		t.Errorf("calls %v, want a refused DeleteGroup, two removals and another DeleteGroup", made)
	}
}
