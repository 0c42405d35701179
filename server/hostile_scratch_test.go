package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/server"
)

func TestScratch(t *testing.T) {
	w := newWorld(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := server.HTTPServer(w, slog.New(slog.DiscardHandler))
	srv.ReadHeaderTimeout = 300 * time.Millisecond
	srv.ReadTimeout = 500 * time.Millisecond
	srv.IdleTimeout = 300 * time.Millisecond
	go srv.Serve(l)
	defer srv.Close()
	run := func(name, raw string) {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go io.WriteString(c, raw)
		c.SetReadDeadline(time.Now().Add(2 * time.Second))
		b, err := io.ReadAll(c)
		fmt.Printf("--- %s: err %v\n%.900s\n", name, err, b)
	}
	auth := "Authorization: Bearer " + token + "\r\n"
	get := "GET /scim/v2/ResourceTypes/User HTTP/1.1\r\nHost: a.example\r\n" + auth
	_ = get
	run("options *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
	run("options * auth", "OPTIONS * HTTP/1.1\r\nHost: x\r\n"+auth+"\r\n")
	run("get *", "GET * HTTP/1.1\r\nHost: x\r\n"+auth+"\r\n")
	run("connect", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n"+auth+"\r\n")
	run("trace", "TRACE /scim/v2/Users HTTP/1.1\r\nHost: x\r\n"+auth+"\r\n")
	run("absolute", "GET http://evil.example/scim/v2/ResourceTypes/User HTTP/1.1\r\nHost: x\r\n"+auth+"\r\n")
	run("absolute https user", "GET https://u:p@evil.example/scim/v2/ResourceTypes/User HTTP/1.1\r\nHost: x\r\n"+auth+"\r\n")
	run("no host", "GET /scim/v2/Users HTTP/1.1\r\n"+auth+"\r\n")
	run("two hosts", "GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\nHost: b\r\n"+auth+"\r\n")
	run("bad host", "GET /scim/v2/ResourceTypes/User HTTP/1.1\r\nHost: a b\r\n"+auth+"\r\n")
	run("bad host2", "GET /scim/v2/ResourceTypes/User HTTP/1.1\r\nHost: a/../../\"><script>\r\n"+auth+"\r\n")
	run("empty host", "GET /scim/v2/ResourceTypes/User HTTP/1.1\r\nHost:\r\n"+auth+"\r\n")
	run("http/1.0", "GET /scim/v2/ResourceTypes/User HTTP/1.0\r\n"+auth+"\r\n")
	run("http/0.9", "GET /scim/v2/ResourceTypes/User\r\n\r\n")
	run("http/3.0", "GET /scim/v2/ResourceTypes/User HTTP/3.0\r\nHost: a\r\n\r\n")
	run("http/1.2", "GET /scim/v2/ResourceTypes/User HTTP/1.2\r\nHost: a\r\n"+auth+"\r\n")
	run("h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	run("tls", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
	run("space in target", "GET /scim/v2/Users?filter=id pr HTTP/1.1\r\nHost: a\r\n"+auth+"\r\n")
	run("nul in target", "GET /scim/v2/Users\x00 HTTP/1.1\r\nHost: a\r\n"+auth+"\r\n")
	run("raw utf8 target", "GET /scim/v2/Users/ü HTTP/1.1\r\nHost: a\r\n"+auth+"\r\n")
	run("invalid utf8 target", "GET /scim/v2/Users/%ff%fe HTTP/1.1\r\nHost: a\r\n"+auth+"\r\n")
	run("bad escape", "GET /scim/v2/Users/%zz HTTP/1.1\r\nHost: a\r\n"+auth+"\r\n")
	run("fragment", "GET /scim/v2/Users#x HTTP/1.1\r\nHost: a\r\n"+auth+"\r\n")
	run("crlf in target", "GET /scim/v2/Users%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: a\r\n"+auth+"\r\n")
	run("header nul", "GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n"+auth+"\r\n")
	run("header no colon", "GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\nfoo\r\n"+auth+"\r\n")
	run("header space name", "GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization : x\r\n"+auth+"\r\n")
	run("folded", "GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n"+auth+"\r\n")
	run("folded auth", "GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer\r\n "+token+"\r\n\r\n")
	run("lf only", "GET /scim/v2/ResourceTypes/User HTTP/1.1\nHost: a\n"+strings.TrimSpace(auth)+"\n\n")
	run("huge header", "GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("a", 80<<10)+"\r\n"+auth+"\r\n")
	run("many headers", "GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\n"+strings.Repeat("X: a\r\n", 20_000)+auth+"\r\n")
	run("many headers ok", "GET /scim/v2/ResourceTypes/User HTTP/1.1\r\nHost: a\r\n"+strings.Repeat("X: a\r\n", 9_000)+auth+"\r\n")
	post := "POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\n" + auth
	run("te gzip", post+"Transfer-Encoding: gzip, chunked\r\n\r\n")
	run("te xchunked", post+"Transfer-Encoding: xchunked\r\n\r\n")
	run("te twice", post+"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	run("te identity", post+"Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}")
	run("te + cl", post+"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n2\r\n{}\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
	run("te 1.0", "POST /scim/v2/Users HTTP/1.0\r\n"+auth+"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
	run("cl twice", post+"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}")
	run("cl twice same", post+"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}")
	run("cl negative", post+"Content-Length: -2\r\n\r\n{}")
	run("cl plus", post+"Content-Length: +2\r\n\r\n{}")
	run("cl huge", post+"Content-Length: 99999999999999999999\r\n\r\n{}")
	run("cl big", post+"Content-Length: 9999999999999999\r\n\r\n{}")
	run("cl list", post+"Content-Length: 2, 2\r\n\r\n{}")
	run("chunk bad size", post+"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
	run("chunk huge size", post+"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}\r\n0\r\n\r\n")
	run("chunk ext flood", post+"Transfer-Encoding: chunked\r\n\r\n"+strings.Repeat("1;"+strings.Repeat("a", 1000)+"\r\n \r\n", 40)+"0\r\n\r\n")
	run("chunk no crlf", post+"Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n")
	run("expect", post+"Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}")
	run("expect continue", post+"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}")
	run("expect continue no auth", "POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	run("slow header", "GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\n")
	run("slow body", post+"Content-Length: 20\r\n\r\n{}")
	run("upgrade", "GET /scim/v2/ResourceTypes/User HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"+auth+"\r\n")
	run("method lower", "get /scim/v2/ResourceTypes/User HTTP/1.1\r\nHost: a\r\n"+auth+"\r\n")
	run("method junk", "G@T /scim/v2/ResourceTypes/User HTTP/1.1\r\nHost: a\r\n"+auth+"\r\n")
	run("method long", strings.Repeat("G", 5000)+" /scim/v2/ResourceTypes/User HTTP/1.1\r\nHost: a\r\n"+auth+"\r\n")
	run("override", "POST /scim/v2/Users/x HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: DELETE\r\n"+auth+"Content-Length: 2\r\n\r\n{}")
	run("two auth", "GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\n"+auth+auth+"\r\n")
	run("backslash", "GET \\scim\\v2\\Users HTTP/1.1\r\nHost: a\r\n"+auth+"\r\n")
	run("no slash", "GET scim/v2/Users HTTP/1.1\r\nHost: a\r\n"+auth+"\r\n")
	run("double slash host", "GET //evil.example/scim/v2/Users HTTP/1.1\r\nHost: a\r\n"+auth+"\r\n")
	run("dots", "GET /scim/v2/../../../healthz HTTP/1.1\r\nHost: a\r\n\r\n")
	run("dots enc", "GET /scim/v2/%2e%2e/%2e%2e/healthz HTTP/1.1\r\nHost: a\r\n\r\n")
	run("probe bypass", "GET /healthz/../scim/v2/Users HTTP/1.1\r\nHost: a\r\n\r\n")
	run("probe bypass2", "GET /healthz%2f..%2fscim/v2/Users HTTP/1.1\r\nHost: a\r\n\r\n")
	run("probe bypass3", "GET /scim/v2/Users/%2e%2e/%2e%2e/%2e%2e/healthz HTTP/1.1\r\nHost: a\r\n\r\n")
	run("probe bypass4", "GET /scim/v2/Users;/../../../healthz HTTP/1.1\r\nHost: a\r\n\r\n")
}
