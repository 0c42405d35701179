package emulator_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// TestConcurrency lets many clients write and read the same users and groups, with faults, lag, quotas and saves in between; the race
// detector watches. Afterwards both sides of every membership agree.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	e, c := newPool(t, emulator.Config{Lag: time.Second, Quotas: emulator.Quotas{UserWrites: 1000}}, emulator.PoolConfig{})
	must(t, e.SeedUsers(poolID, 8), e.SeedGroups(poolID, 4, 4), e.AddFault(emulator.Fault{Kind: emulator.ServerError, Probability: 0.05}))
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 100 {
				user, group := fmt.Sprintf("user%07d", 1+(worker+i)%8), fmt.Sprintf("group%05d", 1+i%4)
				in := `{"UserPoolId":"` + poolID + `","Username":"` + user + `","GroupName":"` + group + `","UserAttributes":[{"Name":"nickname","Value":"` + group + `"}]}`
				for _, operation := range []string{"AdminAddUserToGroup", "AdminUpdateUserAttributes", "ListUsers", "AdminRemoveUserFromGroup", "ListUsersInGroup", "AdminDisableUser", "AdminListGroupsForUser", "AdminEnableUser", "AdminDeleteUser", "AdminCreateUser"} {
					call(e, operation, in)
				}
				e.Advance(100 * time.Millisecond)
				if i%20 == 0 {
					var b bytes.Buffer
					if err := e.Save(&b); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	e.ClearFaults()
	e.Advance(time.Minute)
	byUser := map[string]bool{}
	names, _ := list(t, c, "", 0)
	for _, name := range names {
		for _, group := range groupsOf(t, c, name, 60) {
			byUser[group+" "+name] = true
		}
	}
	for i := range 4 {
		group := fmt.Sprintf("group%05d", i+1)
		out, err := c.ListUsersInGroup(t.Context(), &idp.ListUsersInGroupInput{UserPoolId: aws.String(poolID), GroupName: &group})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range usernames(out.Users) {
			if !byUser[group+" "+name] {
				t.Errorf("%s has %s, who does not have it", group, name)
			}
			delete(byUser, group+" "+name)
		}
	}
	if len(byUser) > 0 {
		t.Errorf("got memberships %v on the users' side only", byUser)
	}
	if got := e.Calls()["AdminDeleteUser"]; got != 800 {
		t.Errorf("got %d calls of AdminDeleteUser, want 800", got)
	}
}
