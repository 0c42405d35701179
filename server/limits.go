package server

import (
	"cmp"
	"log/slog"
	"net/http"
	"time"
)

// Limits bound one request, and all of them together. The zero value of a field means its default.
type Limits struct {
	// Body is the most bytes a user's body may have; default 1 MiB.
	Body int64
	// GroupBody is the same for a group, whose members come in one piece; default 16 MiB.
	GroupBody int64
	// InProgress is how many requests may be in progress at once, probes not counted; default 2,000: what Cognito's quotas
	// carry within the deadline, and half as much again. Each 16 KiB of a body count as another request.
	InProgress int
	// Deadline is the time a request may take; default 55 s, because Okta and Entra ID give up after 60.
	Deadline time.Duration
	// PageDefault is how many resources a list holds when the client does not say; default 100.
	PageDefault int
	// PageMax is the most that a list holds whatever the client says; default 1,000. Announced as filter.maxResults.
	PageMax int
	// PatchMembers is the size of a group up to which PATCH answers with the group; default 500. Above it answers 204
	// (RFC 7644 section 3.5.2), so that adding one member to a large group does not send the group back.
	PatchMembers int
	// BulkOperations is the most operations of a bulk request; default 1,000. Announced as bulk.maxOperations.
	BulkOperations int
	// BulkBody is the most bytes of one; default 1 MiB. Announced as bulk.maxPayloadSize.
	BulkBody int64
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Body:         cmp.Or(l.Body, 1<<20),
		GroupBody:    cmp.Or(l.GroupBody, 16<<20),
		InProgress:   cmp.Or(l.InProgress, 2000),
		Deadline:     cmp.Or(l.Deadline, 55*time.Second),
		PageDefault:  cmp.Or(l.PageDefault, 100),
		PageMax:      cmp.Or(l.PageMax, 1000),
		PatchMembers: cmp.Or(l.PatchMembers, 500),

		BulkOperations: cmp.Or(l.BulkOperations, 1000),
		BulkBody:       cmp.Or(l.BulkBody, 1<<20),
	}
}

// HTTPServer returns an http.Server for handler whose time-outs no client can outsit; the caller sets Addr or serves a
// listener. What net/http itself has to say goes to logger as warnings.
func HTTPServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler,
		// Else "OPTIONS *" is answered 200 without a token.
		DisableGeneralOptionsHandler: true,

		ReadHeaderTimeout: 10 * time.Second,
		// A group of 16 MiB at 2.5 Mbit/s.
		ReadTimeout: 55 * time.Second,
		// Counted from the end of the header: the deadline of the request, and time to take a large answer.
		WriteTimeout: 75 * time.Second,
		// Longer than the 60 s of an Application Load Balancer, so that it never reuses a connection that we just closed.
		IdleTimeout: 120 * time.Second,
		// A filter may have 16 KiB, and up to three times that when percent-encoded.
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}
