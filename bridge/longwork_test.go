package bridge_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// TestLongWorkStopsNoOther: work that takes longer than its lease is left to who does it, and the rest of the journal goes on.
func TestLongWorkStopsNoOther(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	h := &held{op: "AdminAddUserToGroup", reached: make(chan struct{}), let: make(chan struct{})}
	r := newRig(t, func(c *rigConfig) {
		c.dir.Clock = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		c.front = func(e http.Handler) http.Handler { h.Handler = e; return h }
		c.attempts = 1
	})
	ann, bob, carl := r.create(somebody("ann", "")), r.create(somebody("bob", "")), r.create(somebody("carl", ""))
	group := r.createGroup(`{"displayName":"Staff"}`).ID
	leave := func(id, username string) {
		r.fault(emulator.Fault{Operation: "AdminDisableUser", Kind: emulator.ServerError})
		if _, err := r.patchUser(id, `{"Operations":[{"op":"replace","path":"active","value":false}]}`); kindOf(err) != "unavailable" {
			t.Fatalf("deactivating: got %v, want unavailable", err)
		}
		r.emulator.ClearFaults()
		r.until(username+" is disabled", func() bool { return !r.inPool(username).Enabled })
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(h.let)
	wg.Go(func() {
		if _, err := r.patchGroup(group, `{"Operations":[{"op":"add","path":"members","value":`+values(ann.ID, bob.ID)+`}]}`); err != nil {
			t.Error(err)
		}
	})
	<-h.reached
	later.Store(int64(2 * time.Minute))
	leave(bob.ID, "bob") // by a round that has come upon the group, too
	leave(carl.ID, "carl")
}

// refusing answers an operation, once it is told to, as Cognito does what it never allows.
type refusing struct {
	http.Handler
	op string
	on atomic.Bool
}

func (f *refusing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !f.on.Load() || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+f.op) {
		f.Handler.ServeHTTP(w, r)
		return
	}
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write([]byte(`{"__type":"InvalidParameterException","message":"no"}`))
}

func (f *refusing) front(c *rigConfig) {
	c.front = func(e http.Handler) http.Handler { f.Handler = e; return f }
	c.attempts = 1
}

// TestADeletionThatIsRefused: the deletion repeated does not say that it is done.
func TestADeletionThatIsRefused(t *testing.T) {
	t.Parallel()
	f := &refusing{op: "AdminRemoveUserFromGroup"}
	r := newRig(t, keepDeleted, f.front)
	id := r.createUser(`{"userName":"ada"}`).ID
	r.createGroup(`{"displayName":"Staff","members":` + values(id) + `}`)
	r.fault(emulator.Fault{Operation: f.op, Kind: emulator.ServerError, Count: 1})
	if err := r.DeleteUser(t.Context(), id); kindOf(err) != "unavailable" {
		t.Fatalf("deleting: got %v, want unavailable", err)
	}
	f.on.Store(true)
	if err := r.DeleteUser(t.Context(), id); kindOf(err) != "invalid" {
		t.Errorf("deleting again: got %v, want invalid", err)
	}
}

// TestASubjectDoesNotWaitForADeletionThatIsGivenUp: nobody finishes it, so that the conflict stays.
func TestASubjectDoesNotWaitForADeletionThatIsGivenUp(t *testing.T) {
	t.Parallel()
	f := &refusing{op: "AdminDeleteUser"}
	r := newRig(t, bySubject, f.front)
	id := r.createUser(subjected("ada", "00u1")).ID
	r.fault(emulator.Fault{Operation: f.op, Kind: emulator.ServerError, Count: 1})
	if err := r.DeleteUser(t.Context(), id); kindOf(err) != "unavailable" {
		t.Fatalf("deleting: got %v, want unavailable", err)
	}
	f.on.Store(true)
	r.until("the deletion is given up", func() bool {
		work, err := r.dir.Journal(t.Context())
		return err == nil && len(work) == 1 && work[0].Parked != ""
	})
	f.on.Store(false) // so that who cannot be linked is taken back
	_, err := r.CreateUser(t.Context(), r.resource(schemas.Users, `{"userName":"grace","externalId":"00u1"}`))
	wantDetail(t, "creating", err, bridge.Exists, "linked to another user")
}

// TestNothingBeginsOnceClosed: a request that an orderly stop did not wait for may come upon a directory that is closed.
func TestNothingBeginsOnceClosed(t *testing.T) {
	t.Parallel()
	for range 5 {
		r := newRig(t)
		ids := r.crowd(8)
		r.stop()
		<-r.stopped
		var wg sync.WaitGroup
		for _, id := range ids {
			wg.Go(func() {
				_, err := r.patchUser(id, `{"Operations":[{"op":"replace","path":"active","value":false}]}`)
				if err != nil && kindOf(err) != "unavailable" {
					t.Errorf("deactivating: got %v, want it done, or unavailable", err)
				}
			})
		}
		r.dir.Close()
		if made := r.calls(wg.Wait); len(made) > 0 {
			t.Errorf("calls after the directory was closed: %v", made)
		}
	}
}
