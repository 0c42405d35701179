package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/server"
)

// TestRefusalsOfEveryRoute asks each path that the router has for what HTTP itself refuses, and wants RFC 7644 section
// 3.12's form of it: Okta shows nothing but "Invalid JSON" for any other body.
func TestRefusalsOfEveryRoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *worldConfig) { c.Limits = server.Limits{Body: 200, GroupBody: 200, BulkBody: 200} })
	routes, err := w.Routes()
	if err != nil {
		t.Fatalf("Routes: %v", err)
	}
	if len(routes) < 14 {
		t.Fatalf("got %d paths, want those of RFC 7644 section 3.2", len(routes))
	}
	long := `{"schemas":[],"x":"` + strings.Repeat("x", 200) + `"}`
	for route, methods := range routes {
		path := strings.ReplaceAll(route, "{id}", "nobody")
		if strings.HasSuffix(route, "/Me") { // RFC 7644 section 3.11: with any method
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
				w.do(t, method, path, "").refused(501, "", "/Me is not supported")
			}
			w.do(t, "GET", path, "", "Accept: text/html").refused(406, "", "application/scim+json")
			continue
		}
		w.wrongMethods(t, path, slices.Concat(methods, routes[strings.Replace(route, "/.search", "/{id}", 1)])) // ".search" could be an id
		if path == "/healthz" || path == "/readyz" {
			continue // for machines that speak no SCIM and have no token
		}
		for _, method := range methods {
			w.do(t, method, path, "", "Authorization:").refused(401, "", "")
			w.do(t, method, path, "", "Accept: text/html").refused(406, "", "application/scim+json")
			switch method {
			case "POST", "PUT", "PATCH":
				w.do(t, method, path, `{}`, "Content-Type: text/plain").refused(415, "", "Content-Type")
				w.do(t, method, path, `{}`, "Content-Encoding: gzip").refused(415, "", "compressed")
				w.do(t, method, path, long).refused(413, "", "200 bytes")
				w.do(t, method, path, `{"schemas":`).refused(400, "invalidSyntax", "")
				w.do(t, method, path, `[]`).refused(400, "invalidSyntax", "object")
			case "GET":
				if strings.Contains(route, "{id}") {
					w.do(t, method, path, "").refused(404, "", "")
				}
			case "DELETE":
				w.do(t, method, path, "").refused(404, "", "nobody")
			}
		}
	}
}

// wrongMethods checks 405 and its Allow, which RFC 9110 section 15.5.6 demands.
func (w *world) wrongMethods(t *testing.T, path string, methods []string) {
	t.Helper()
	var allow []string
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		if slices.Contains(methods, method) || method == http.MethodHead && slices.Contains(methods, "GET") {
			allow = append(allow, method)
		}
	}
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
		if slices.Contains(methods, method) {
			continue
		}
		r := w.do(t, method, path, "").refused(405, "", strings.Join(allow, ", "))
		if got := r.header.Get("Allow"); got != strings.Join(allow, ", ") {
			t.Errorf("%s %s: got Allow %q, want %q", method, path, got, strings.Join(allow, ", "))
		}
	}
}
