package operator_test

import (
	"net/http"
	"strings"
	"testing"
)

// A page that somebody else wrote, in a browser on the operator's machine, must not reach anything.
func TestBrowsersAreKeptOut(t *testing.T) {
	t.Parallel()
	const path, body = "/-/resync", `{}`
	for name, c := range map[string]struct {
		header []string
		status int
	}{
		"a command":                     {nil, http.StatusAccepted},
		"by name":                       {[]string{"Host", "localhost:8081"}, http.StatusAccepted},
		"by name, in capitals":          {[]string{"Host", "LocalHost"}, http.StatusAccepted},
		"by another loopback address":   {[]string{"Host", "127.8.9.1:8081"}, http.StatusAccepted},
		"by IPv6":                       {[]string{"Host", "[::1]:8081"}, http.StatusAccepted},
		"by IPv6, without port":         {[]string{"Host", "[::1]"}, http.StatusAccepted},
		"through a forwarded port":      {[]string{"Host", "localhost:9999"}, http.StatusAccepted},
		"charset":                       {[]string{"Content-Type", "Application/JSON; charset=utf-8"}, http.StatusAccepted},
		"same origin":                   {[]string{"Origin", "http://127.0.0.1:8081", "Sec-Fetch-Site", "same-origin"}, http.StatusAccepted},
		"typed into the address bar":    {[]string{"Sec-Fetch-Site", "none"}, http.StatusAccepted},
		"rebound name":                  {[]string{"Host", "evil.example:8081"}, http.StatusMisdirectedRequest},
		"rebound name like loopback":    {[]string{"Host", "127.0.0.1.evil.example:8081"}, http.StatusMisdirectedRequest},
		"rebound name below localhost":  {[]string{"Host", "localhost.evil.example"}, http.StatusMisdirectedRequest},
		"rebound name, same origin":     {[]string{"Host", "evil.example:8081", "Origin", "http://evil.example:8081"}, http.StatusMisdirectedRequest},
		"another address":               {[]string{"Host", "192.0.2.7:8081"}, http.StatusMisdirectedRequest},
		"all addresses":                 {[]string{"Host", "0.0.0.0:8081"}, http.StatusMisdirectedRequest},
		"no host":                       {[]string{"Host", ""}, http.StatusMisdirectedRequest},
		"cross-site":                    {[]string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		"same site, another port":       {[]string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
		"another origin":                {[]string{"Origin", "https://evil.example"}, http.StatusForbidden},
		"another port of this machine":  {[]string{"Origin", "http://127.0.0.1:3000"}, http.StatusForbidden},
		"a sandboxed page":              {[]string{"Origin", "null"}, http.StatusForbidden},
		"an origin and a lie about it":  {[]string{"Origin", "https://evil.example", "Sec-Fetch-Site", "none"}, http.StatusForbidden},
		"a form":                        {[]string{"Content-Type", "text/plain"}, http.StatusUnsupportedMediaType},
		"a form with fields":            {[]string{"Content-Type", "application/x-www-form-urlencoded"}, http.StatusUnsupportedMediaType},
		"a body of no type":             {[]string{"Content-Type", ""}, http.StatusUnsupportedMediaType},
		"a type that begins like ours":  {[]string{"Content-Type", "application/jsonp"}, http.StatusUnsupportedMediaType},
		"a type that is no type at all": {[]string{"Content-Type", ";"}, http.StatusUnsupportedMediaType},
	} {
		d := &directory{pool: "eu-west-1_A"}
		status, answer, headers := ask[problem](t, listen(d), http.MethodPost, path, body, c.header...)
		if status != c.status {
			t.Errorf("%s: got %d %q, want %d", name, status, answer.Error, c.status)
		}
		if done := len(d.asked) > 0; done != (c.status == http.StatusAccepted) {
			t.Errorf("%s: got done %v, want %v", name, done, !done)
		}
		if (answer.Error == "") != (c.status == http.StatusAccepted) {
			t.Errorf("%s: got the sentence %q with %d", name, answer.Error, status)
		}
		for header := range headers {
			if strings.HasPrefix(header, "Access-Control-") {
				t.Errorf("%s: got %s, want no leave for other origins", name, header)
			}
		}
	}
}

// Reading is guarded as well, and so is asking for leave to write.
func TestBrowsersMayNotReadEither(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path string }{
		{http.MethodGet, "/-/journal"}, {http.MethodGet, "/-/activity"}, {http.MethodGet, "/healthz"}, {http.MethodOptions, "/-/resync"}, {http.MethodGet, "/nowhere"},
	} {
		for header, want := range map[[2]string]int{
			{"Host", "evil.example"}:           http.StatusMisdirectedRequest,
			{"Origin", "https://evil.example"}: http.StatusForbidden,
		} {
			if status, answer, _ := ask[problem](t, listen(&directory{}), c.method, c.path, "", header[0], header[1]); status != want || answer.Error == "" {
				t.Errorf("%s %s with %s: got %d %q, want %d", c.method, c.path, header, status, answer.Error, want)
			}
		}
	}
}
