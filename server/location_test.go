package server

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestOrigin(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, tc := range map[string]struct {
		base, remote, host string
		tls                bool
		header             http.Header
		want               string
	}{
		"host of the request":    {remote: "192.0.2.1:5", host: "scim.example.com", want: "http://scim.example.com/scim/v2"},
		"with a port":            {remote: "192.0.2.1:5", host: "127.0.0.1:8080", want: "http://127.0.0.1:8080/scim/v2"},
		"IPv6":                   {remote: "192.0.2.1:5", host: "[::1]:8080", want: "http://[::1]:8080/scim/v2"},
		"TLS":                    {remote: "192.0.2.1:5", host: "a.example", tls: true, want: "https://a.example/scim/v2"},
		"configured":             {base: "https://scim.example.com", remote: "192.0.2.1:5", host: "internal:8080", want: "https://scim.example.com/scim/v2"},
		"configured with a path": {base: "https://example.com/tenants/a%20b/", remote: "10.1.1.1:5", host: "x", want: "https://example.com/tenants/a%20b/scim/v2"},
		"proxy": {remote: "10.1.1.1:5", host: "internal:8080",
			header: http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"scim.example.com"}}, want: "https://scim.example.com/scim/v2"},
		"proxy that keeps the host": {remote: "10.1.1.1:5", host: "scim.example.com",
			header: http.Header{"X-Forwarded-Proto": {"HTTPS"}}, want: "https://scim.example.com/scim/v2"},
		"two proxies": {remote: "[fd00::1]:5", host: "internal",
			header: http.Header{"X-Forwarded-Proto": {"https, http"}, "X-Forwarded-Host": {"scim.example.com, mid.example"}}, want: "https://scim.example.com/scim/v2"},
		"mapped address": {remote: "[::ffff:10.1.1.1]:5", host: "internal",
			header: http.Header{"X-Forwarded-Proto": {"https"}}, want: "https://internal/scim/v2"},
		"RFC 7239": {remote: "10.1.1.1:5", host: "internal",
			header: http.Header{"Forwarded": {`for=192.0.2.43;Proto=https; host="scim.example.com:8443", for=10.0.0.2;proto=http`},
				"X-Forwarded-Host": {"other.example"}}, want: "https://scim.example.com:8443/scim/v2"},
		"stranger": {remote: "192.0.2.1:5", host: "scim.example.com",
			header: http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil.example"}, "Forwarded": {"host=evil.example;proto=https"}},
			want:   "http://scim.example.com/scim/v2"},
		"Unix socket": {remote: "@", host: "scim.example.com",
			header: http.Header{"X-Forwarded-Host": {"evil.example"}}, want: "http://scim.example.com/scim/v2"},
		"hostile forwarded host": {remote: "10.1.1.1:5", host: "scim.example.com",
			header: http.Header{"X-Forwarded-Host": {`a"},{"x`}, "X-Forwarded-Proto": {"javascript"}}, want: "http://scim.example.com/scim/v2"},
		"hostile host":    {remote: "192.0.2.1:5", host: `evil.example/"x`, want: "http://localhost/scim/v2"},
		"user in host":    {remote: "192.0.2.1:5", host: `good.example@evil.example`, want: "http://localhost/scim/v2"},
		"no host":         {remote: "192.0.2.1:5", host: "", want: "http://localhost/scim/v2"},
		"no port":         {remote: "192.0.2.1:5", host: "a.example:", want: "http://localhost/scim/v2"},
		"port of letters": {remote: "192.0.2.1:5", host: "a.example:http", want: "http://localhost/scim/v2"},
		"zone":            {remote: "192.0.2.1:5", host: "[fe80::1%25eth0]", want: "http://localhost/scim/v2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := newOrigin(tc.base, trusted)
			if err != nil {
				t.Fatalf("newOrigin(%q): got error %v, want none", tc.base, err)
			}
			r := httptest.NewRequest("GET", "/scim/v2/Users", nil)
			r.RemoteAddr, r.Host = tc.remote, tc.host
			if tc.tls {
				r.TLS = &tls.ConnectionState{}
			}
			for k, v := range tc.header {
				r.Header[k] = v
			}
			if got := o.of(r); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestNewOriginRefuses(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"scim.example.com", "ftp://a.example", "https://", "https://a.example?x=1", "https://a.example/#f", "https://u:p4ssw0rd@a.example", "https://a b", "://"} {
		_, err := newOrigin(base, nil)
		if err == nil {
			t.Errorf("newOrigin(%q): got no error, want one", base)
		} else if strings.Contains(err.Error(), "p4ssw0rd") {
			t.Errorf("newOrigin(%q): got an error with the password in it: %v", base, err)
		}
	}
}
