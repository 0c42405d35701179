package server_test

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// TestHosts: without a base URL, the client's host is where resources are said to be, if it is one.
func TestHosts(t *testing.T) {
	t.Parallel()
	f := newFortress(t, func(c *worldConfig) { c.BaseURL = "" })
	proxied := newFortress(t, func(c *worldConfig) {
		c.BaseURL, c.TrustedProxies = "", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	for _, c := range []struct {
		name, line, headers, want string
		proxied                   bool
	}{
		{"a name", "/scim/v2/ResourceTypes/User", "Host: scim.example.com\r\n", "http://scim.example.com/", false},
		{"a name and a port", "/scim/v2/ResourceTypes/User", "Host: scim.example.com:8443\r\n", "http://scim.example.com:8443/", false},
		{"an address", "/scim/v2/ResourceTypes/User", "Host: [::1]:80\r\n", "http://[::1]:80/", false},
		{"nothing", "/scim/v2/ResourceTypes/User", "Host:\r\n", "http://localhost/", false},
		{"a port that is none", "/scim/v2/ResourceTypes/User", "Host: a:b\r\n", "http://localhost/", false},
		{"a port alone", "/scim/v2/ResourceTypes/User", "Host: :80\r\n", "http://localhost/", false},
		{"a zone", "/scim/v2/ResourceTypes/User", "Host: [fe80::1%25en0]\r\n", "http://localhost/", false},
		{"a comma", "/scim/v2/ResourceTypes/User", "Host: a,b\r\n", "http://localhost/", false},
		{"a per cent", "/scim/v2/ResourceTypes/User", "Host: a%0d%0a\r\n", "http://localhost/", false},
		{"300 letters", "/scim/v2/ResourceTypes/User", "Host: " + strings.Repeat("a", 300) + "\r\n", "http://localhost/", false},
		{"another one in the target", "http://other.example/scim/v2/ResourceTypes/User", "Host: scim.example.com\r\n", "http://other.example/", false},
		{"what nobody has forwarded", "/scim/v2/ResourceTypes/User", "Host: a\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.example\r\n", "http://a/", false},
		{"what a proxy has forwarded", "/scim/v2/ResourceTypes/User", "Host: a\r\nX-Forwarded-Host: scim.example.com\r\nX-Forwarded-Proto: https\r\n", "https://scim.example.com/", true},
		{"markup that a proxy has forwarded", "/scim/v2/ResourceTypes/User", "Host: a\r\nX-Forwarded-Host: \"><script>\r\nX-Forwarded-Proto: javascript\r\n", "http://a/", true},
		{"a path that a proxy has forwarded", "/scim/v2/ResourceTypes/User", "Host: a\r\nForwarded: host=\"evil.example/x?\";proto=https\r\n", "https://a/", true},
		{"a chain of proxies", "/scim/v2/ResourceTypes/User", "Host: a\r\nX-Forwarded-Host: first.example, evil.example\r\n", "http://first.example/", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := f
			if c.proxied {
				to = proxied
			}
			_, r := dial(t, to.listening(t, func(*http.Server) {}), "GET "+c.line+" HTTP/1.1\r\n"+c.headers+to.names.Replace(authorized)+"\r\n")
			got := answer(t, r).want(200)
			if !strings.Contains(got.text, `"location":"`+c.want+`scim/v2/ResourceTypes/User"`) {
				t.Errorf("got %s, want a location at %s", got.text, c.want)
			}
		})
	}
}

// TestHeadOverSocket: the answer to a HEAD has no body, whatever it is, and the next request is understood.
func TestHeadOverSocket(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	head := func(path string) string { return "HEAD " + path + " HTTP/1.1\r\nHost: x\r\n" + authorized + "\r\n" }
	_, r := dial(t, f.listening(t, func(*http.Server) {}), f.names.Replace(head(ann)+head(users+"/nobody")+head("/nowhere")+head(users+"?startIndex=x")))
	for _, status := range []int{200, 404, 404, 400} {
		response, err := http.ReadResponse(r, &http.Request{Method: http.MethodHead})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || len(body) > 0 || response.StatusCode != status || response.ContentLength <= 0 {
			t.Errorf("got %d of %d bytes with %q, %v, want %d of some bytes, and none of them", response.StatusCode, response.ContentLength, body, err, status)
		}
	}
}
