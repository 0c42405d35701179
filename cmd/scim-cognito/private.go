package main

import (
	"io"
	"net/http"
)

// private is the operator's handler: what the public one says of its health, and nothing else yet.
func private(public http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", public)
	mux.Handle("GET /readyz", public)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		// An error here is the client's going away, which net/http has seen.
		_, _ = io.WriteString(w, `{"error":"there is nothing here; the private listener has /healthz and /readyz"}`+"\n")
	})
	return mux
}
