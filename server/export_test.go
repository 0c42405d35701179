package server

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// Routes returns the methods of every path that there is, as the router has them.
func (s *Server) Routes() (map[string][]string, error) {
	routes := map[string][]string{}
	err := chi.Walk(s.router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routes[route] = append(routes[route], method)
		return nil
	})
	return routes, err
}
