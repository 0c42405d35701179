package bridge_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/uuid"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// behind creates a user in the pool as SCIM would have, past the rig.
func (r *rig) behind(username, userName string) {
	r.t.Helper()
	_, err := audit.Client(r.emulator).AdminCreateUser(r.t.Context(), &cip.AdminCreateUserInput{UserPoolId: aws.String(poolID), Username: &username,
		UserAttributes: []types.AttributeType{{Name: aws.String(schemas.Overflow), Value: aws.String(fmt.Sprintf(`{"userName":%q}`, userName))}}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.dir.Resync()
	r.until("the sweep has found "+userName, func() bool { return r.idOf(userName) != "" })
}

// Of a creation that was lost with its process the pool knows alone. When a sweep finds the user while the request is repeated,
// who has a renamed user's former userName is not created twice.
func TestALostUserIsFoundWhileCreatedAgain(t *testing.T) {
	t.Parallel()
	h := &held{op: "AdminCreateUser", reached: make(chan struct{}), let: make(chan struct{})}
	r := newRig(t, func(c *rigConfig) {
		c.front = func(e http.Handler) http.Handler { h.Handler = e; return h }
	})
	r.behind("ada", "grace")
	answer := make(chan error)
	go func() {
		_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, `{"userName":"ada"}`))
		answer <- err
	}()
	<-h.reached // Username ada, which is taken
	r.behind("ada_2", "ada")
	close(h.let)
	if err := <-answer; kindOf(err) != "exists" {
		t.Errorf("creating ada: got %v, want a conflict", err)
	}
	r.gone("ada_3")
}

// The same for a group.
func TestALostGroupIsFoundWhileCreatedAgain(t *testing.T) {
	t.Parallel()
	nobody := uuid.NewString()
	h := &held{op: "ListUsers", about: nobody, reached: make(chan struct{}), let: make(chan struct{})}
	r := newRig(t, func(c *rigConfig) {
		c.front = func(e http.Handler) http.Handler { h.Handler = e; return h }
	})
	answer := make(chan error)
	go func() {
		_, err := r.CreateGroup(t.Context(), r.resource(schemas.Groups, `{"displayName":"Staff","members":`+values(nobody)+`}`))
		answer <- err
	}()
	<-h.reached
	id := uuid.NewString()
	if _, err := audit.Client(r.emulator).CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("Staff"),
		Description: aws.String(fmt.Sprintf(`{"displayName":"Staff","scim":%q}`, id))}); err != nil {
		t.Fatal(err)
	}
	r.dir.Resync()
	r.until("the sweep has found the group", func() bool { _, err := r.Group(t.Context(), id); return err == nil })
	close(h.let)
	if err := <-answer; kindOf(err) != "exists" {
		t.Errorf("creating Staff: got %v, want a conflict", err)
	}
	if _, err := r.pool.Group(t.Context(), "Staff_2"); err == nil {
		t.Error("the pool has Staff_2, want one group")
	}
}
