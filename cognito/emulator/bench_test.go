package emulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// call sends one request and returns the recorded answer.
func call(h http.Handler, operation, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func seeded(tb testing.TB, users int) *emulator.Emulator {
	tb.Helper()
	e := emulator.New(emulator.Config{Seed: 1})
	if err := e.CreatePool(emulator.PoolConfig{ID: poolID}); err != nil {
		tb.Fatal(err)
	}
	if err := e.SeedUsers(poolID, users); err != nil {
		tb.Fatal(err)
	}
	return e
}

func BenchmarkListUsers(b *testing.B) {
	e := seeded(b, 100_000)
	sub := strings.Split(strings.Split(call(e, "ListUsers", `{"UserPoolId":"`+poolID+`","Filter":"username = \"user0050000\""}`).Body.String(), `"sub","Value":"`)[1], `"`)[0]
	for name, filter := range map[string]string{
		"page": "", "sub": fmt.Sprintf(`sub = \"%s\"`, sub), "email": `email = \"user0050000@example.com\"`, "prefix": `family_name ^= \"lov\"`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if w := call(e, "ListUsers", `{"UserPoolId":"`+poolID+`","Filter":"`+filter+`"}`); w.Code != http.StatusOK {
					b.Fatalf("got %d %s, want 200", w.Code, w.Body)
				}
			}
		})
	}
}

// BenchmarkSeed reports what users cost in memory.
func BenchmarkSeed(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				begin := time.Now()
				e := seeded(b, n)
				took := time.Since(begin)
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/user")
				b.ReportMetric(took.Seconds(), "s/seed")
				runtime.KeepAlive(e)
			}
		})
	}
}
