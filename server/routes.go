package server

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	scim "github.com/elimity-com/scim/errors"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// routes is every path there is, one block a resource (RFC 7644 section 3.2).
func (s *Server) routes() chi.Router {
	r := chi.NewRouter()
	// CleanPath: trailing and double slashes come from a base URL that an admin typed with one.
	r.Use(s.observe, middleware.CleanPath, middleware.GetHead, exceptProbes(s.authenticate, s.admit, s.negotiate))
	r.NotFound(s.handle(noRoute))
	r.MethodNotAllowed(s.handle(s.wrongMethod))

	r.Get(healthPath, s.handle(healthz))
	r.Get(readyPath, s.handle(s.readyz))

	for _, e := range []*endpoint{s.users(), s.groups()} {
		all, one := prefix+e.rt.Endpoint, prefix+e.rt.Endpoint+"/{id}"
		r.Get(all, s.handle(e.list))
		r.Post(all, s.handle(e.post))
		r.Post(all+searchPath, s.handle(e.search))
		r.Get(one, s.handle(e.get))
		r.Put(one, s.handle(e.put))
		r.Patch(one, s.handle(e.patch))
		r.Delete(one, s.handle(e.delete))
	}

	for _, c := range s.catalogues() {
		r.Get(prefix+c.rt.Endpoint, s.handle(c.list))
		r.Get(prefix+c.rt.Endpoint+"/{id}", s.handle(c.get))
	}

	r.Post(prefix+searchPath, s.handle(s.searchAll))
	r.Post(prefix+"/Bulk", s.handle(s.bulk))

	discovery := r.With(s.refuseFilter)
	discovery.Get(prefix, s.handle(s.listResourceTypes)) // for who looks at the base URL
	discovery.Get(prefix+"/ServiceProviderConfig", s.handle(s.serviceProviderConfig))
	discovery.Get(prefix+"/ResourceTypes", s.handle(s.listResourceTypes))
	discovery.Get(prefix+"/ResourceTypes/{id}", s.handle(s.resourceType))
	discovery.Get(prefix+"/Schemas", s.handle(s.listSchemas))
	discovery.Get(prefix+"/Schemas/{id}", s.handle(s.schema))

	r.HandleFunc(prefix+"/Me", s.handle(noMe))
	return r
}

// exceptProbes applies what guards everything to everything else: what is not known as a probe is guarded, be it there
// or not.
func exceptProbes(guards ...func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		guarded := chi.Chain(guards...).Handler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isProbe(chi.RouteContext(r.Context()).RoutePath) {
				next.ServeHTTP(w, r)
			} else {
				guarded.ServeHTTP(w, r)
			}
		})
	}
}

// pathID returns the id in a request's path, decoded.
func pathID(r *http.Request) string {
	id := chi.URLParam(r, "id")
	if r.URL.RawPath == "" {
		return id // routed by the decoded path
	}
	if decoded, err := url.PathUnescape(id); err == nil {
		return decoded
	}
	return id
}

func noRoute(http.ResponseWriter, *http.Request) error {
	return notFound("There is nothing at this path. The endpoints are " + prefix + "/Users, /Groups, /ServiceProviderConfig, /Schemas and /ResourceTypes.")
}

// noMe: there is no authenticated person behind a token (RFC 7644 section 3.11).
func noMe(http.ResponseWriter, *http.Request) error {
	return scim.ScimError{Status: http.StatusNotImplemented, Detail: "/Me is not supported: a token stands for an identity provider, not for a person."}
}

// wrongMethod answers 405 with the methods that the path has (RFC 9110 section 15.5.6).
func (s *Server) wrongMethod(w http.ResponseWriter, r *http.Request) error {
	cleaned := path.Clean(r.URL.EscapedPath())
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		served := method
		if method == http.MethodHead {
			served = http.MethodGet
		}
		if s.router.Match(chi.NewRouteContext(), served, cleaned) {
			allowed = append(allowed, method)
		}
	}
	if allowed == nil { // nobody routes a method such as PROPFIND, not even to nowhere
		return noRoute(w, r)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return scim.ScimError{Status: http.StatusMethodNotAllowed, Detail: "This path does not support the method; it supports " + strings.Join(allowed, ", ") + "."}
}
