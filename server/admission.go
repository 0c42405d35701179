package server

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/scim-cognito/scim-cognito/bridge"
)

// admission bounds the memory of the requests in progress: each holds some until its deadline, most of it for its body.
// Whoever finds no room is told to come back, at once and before the body is read, instead of being queued.
type admission struct {
	mu    sync.Mutex
	taken int
	room  int
}

// What a request takes of the room, beside one for itself.
const (
	bodyUnit    = 16 << 10 // bytes of a body that take one more
	unknownBody = 1 << 20  // bytes that a body without Content-Length counts as
)

// waitAdmission is when to come back. Requests are over within seconds, unless Cognito's quotas are used up.
const waitAdmission = 5 * time.Second

// admit refuses requests for which there is no room. A quarter of it is kept for those that can deactivate: a leaver must
// be out even while something floods the server.
func (s *Server) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := s.admission.room
		if !s.mayDeactivate(r) {
			most -= most / 4
		}
		takes := min(s.roomFor(r), most) // whatever it takes, it can pass when it is alone
		if !s.admission.enter(takes, most) {
			readPast(r)
			s.fail(w, r, &bridge.Error{Kind: bridge.TooMany, RetryAfter: waitAdmission,
				Detail: "The SCIM server has as many requests in progress as it can hold; repeat the request later."})
			return
		}
		defer s.admission.leave(takes)
		next.ServeHTTP(w, r)
	})
}

func (a *admission) enter(takes, most int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.taken+takes > most {
		return false
	}
	a.taken += takes
	return true
}

func (a *admission) leave(takes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.taken -= takes
}

// mayDeactivate reports whether a request changes or deletes one user.
func (s *Server) mayDeactivate(r *http.Request) bool {
	switch r.Method {
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		return strings.HasPrefix(chi.RouteContext(r.Context()).RoutePath, prefix+s.types.Users.Endpoint+"/")
	}
	return false
}

func (s *Server) roomFor(r *http.Request) int {
	size := r.ContentLength
	switch {
	case size < 0:
		size = unknownBody
	case size > s.limits.GroupBody:
		size = 0 // refused unread
	}
	return 1 + int(size/bodyUnit)
}
