package operator

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard refuses what a browser on the operator's machine may send for a page that somebody else wrote. Who calls by
// another name than this machine's has been led here by that name's DNS (rebinding); the rest is what browsers say of
// pages from elsewhere (Origin: RFC 6454 section 7; Sec-Fetch-Site: W3C Fetch Metadata). What needs no browser to be
// polite: bodies must be application/json, which a form cannot send and a script only after asking, in vain.
func (o operator) guard(next http.Handler) http.Handler {
	foreign := o.handle(func(r *http.Request) (int, any, error) {
		return 0, nil, refuse(http.StatusForbidden, "this listener does not answer to pages of other origins")
	})
	misdirected := o.handle(func(r *http.Request) (int, any, error) {
		return 0, nil, refuse(http.StatusMisdirectedRequest, "this listener answers to localhost and loopback addresses only, not to %q", r.Host)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !isThisMachine(r.Host):
			misdirected.ServeHTTP(w, r)
		case isFromElsewhere(r):
			foreign.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// isThisMachine reports whether a Host header names this machine as only itself would: by loopback, with any port, since
// one may have been forwarded here.
func isThisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && address.IsLoopback()
}

func isFromElsewhere(r *http.Request) bool {
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "none" && site != "same-origin" {
			return true
		}
	}
	for _, origin := range r.Header.Values("Origin") {
		if !strings.EqualFold(origin, "http://"+r.Host) {
			return true
		}
	}
	return false
}
