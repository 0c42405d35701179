package server

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// prefix is the path under which SCIM is served (RFC 7644 section 3.13).
const prefix = "/scim/v2"

// origin tells under which URL a client reaches this server.
type origin struct {
	base    string // from the configuration, with prefix; "": from the request
	proxies []netip.Prefix
}

func newOrigin(baseURL string, proxies []netip.Prefix) (origin, error) {
	o := origin{proxies: proxies}
	if baseURL == "" {
		return o, nil
	}
	u, err := url.Parse(baseURL)
	if err != nil {
		return o, fmt.Errorf("base URL: %w", err)
	}
	if (u.Scheme != "https" && u.Scheme != "http") || !validHost(u.Host) || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return o, fmt.Errorf("base URL %q must be http(s)://host[:port][/path] and nothing more", u.Redacted())
	}
	o.base = u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/") + prefix
	return o, nil
}

// of returns the absolute URL of prefix as the client of r sees it, without a trailing slash. Forwarded headers count
// from trusted proxies only; a host that is none is passed over, so that nothing a client writes into a header ends up
// in an answer unless it is a host name.
func (o origin) of(r *http.Request) string {
	if o.base != "" {
		return o.base
	}
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if o.trusts(r.RemoteAddr) {
		proto, forwarded := forwardedBy(r.Header)
		if proto == "http" || proto == "https" {
			scheme = proto
		}
		if validHost(forwarded) {
			host = forwarded
		}
	}
	if !validHost(host) {
		host = "localhost"
	}
	return scheme + "://" + host + prefix
}

func (o origin) trusts(remote string) bool {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false // a Unix socket, say
	}
	addr := peer.Addr().Unmap()
	for _, p := range o.proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// forwardedBy reads what the first proxy, the one that the client spoke to, was asked for: from Forwarded (RFC 7239),
// or from the headers that were there before it.
func forwardedBy(h http.Header) (proto, host string) {
	if forwarded := first(h.Get("Forwarded")); forwarded != "" {
		for pair := range strings.SplitSeq(forwarded, ";") {
			key, value, _ := strings.Cut(pair, "=")
			value = strings.Trim(strings.TrimSpace(value), `"`)
			switch strings.ToLower(strings.TrimSpace(key)) {
			case "proto":
				proto = strings.ToLower(value)
			case "host":
				host = value
			}
		}
		return proto, host
	}
	return strings.ToLower(first(h.Get("X-Forwarded-Proto"))), first(h.Get("X-Forwarded-Host"))
}

func first(list string) string {
	value, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(value)
}

// validHost reports whether host is a name or address with or without a port, and nothing that could mean more in a URL.
func validHost(host string) bool {
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name, port = host[:i], host[i+1:]
		if port == "" {
			return false
		}
	}
	for _, c := range []byte(port) {
		if c < '0' || c > '9' {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && addr.Is6() && addr.Zone() == "" && strings.HasSuffix(inner, "]")
	}
	for _, c := range []byte(name) {
		if !isAlphanumeric(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return name != "" && len(host) <= 255
}
