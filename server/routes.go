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
	// Trailing and double slashes come from a base URL that an admin typed with one.
	r.Use(s.observe, middleware.CleanPath, middleware.GetHead)
	r.NotFound(s.handle(noRoute))
	r.MethodNotAllowed(s.handle(s.wrongMethod))

	r.Get(healthPath, s.handle(healthz))
	r.Get(readyPath, s.handle(s.readyz))

	r.Route(prefix, func(r chi.Router) {
		r.Use(s.authenticate, s.negotiate)

		s.mount(r, s.users())
		s.mount(r, s.groups())

		r.Group(func(r chi.Router) {
			r.Use(s.refuseFilter)
			r.Get("/", s.handle(s.listResourceTypes)) // for who looks at the base URL
			r.Get("/ServiceProviderConfig", s.handle(s.serviceProviderConfig))
			r.Get("/ResourceTypes", s.handle(s.listResourceTypes))
			r.Get("/ResourceTypes/{id}", s.handle(s.resourceType))
			r.Get("/Schemas", s.handle(s.listSchemas))
			r.Get("/Schemas/{id}", s.handle(s.schema))
		})
		r.HandleFunc("/Me", s.handle(noMe))
	})
	return r
}

// mount serves one resource type.
func (s *Server) mount(r chi.Router, e *endpoint) {
	r.Get(e.rt.Endpoint, s.handle(e.list))
	r.Post(e.rt.Endpoint, s.handle(e.post))
	r.Get(e.rt.Endpoint+"/{id}", s.handle(e.get))
	r.Put(e.rt.Endpoint+"/{id}", s.handle(e.put))
	r.Patch(e.rt.Endpoint+"/{id}", s.handle(e.patch))
	r.Delete(e.rt.Endpoint+"/{id}", s.handle(e.delete))
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
