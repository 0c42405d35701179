package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	scim "github.com/elimity-com/scim/errors"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/bridge"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	const secret = "dial tcp 10.0.0.7:443: arn:aws:iam::123456789012:role/x"
	cause := errors.New(secret)
	for name, tc := range map[string]struct {
		err      error
		status   int
		scimType string
		detail   string // a part
		retry    string
	}{
		"not found":         {&bridge.Error{Kind: bridge.NotFound, Detail: "no such user", Err: cause}, 404, "", "no such user", ""},
		"exists":            {&bridge.Error{Kind: bridge.Exists, Detail: "userName is taken"}, 409, "uniqueness", "userName is taken", ""},
		"invalid":           {&bridge.Error{Kind: bridge.Invalid, Detail: "phone"}, 400, "invalidValue", "phone", ""},
		"mutability":        {&bridge.Error{Kind: bridge.Mutability, Detail: "fixed"}, 400, "mutability", "fixed", ""},
		"full":              {&bridge.Error{Kind: bridge.Full, Detail: "10,000 groups"}, 507, "", "10,000 groups", ""},
		"too many":          {&bridge.Error{Kind: bridge.TooMany, Detail: "later", RetryAfter: 90 * time.Second}, 429, "", "later", "90"},
		"rounded up":        {&bridge.Error{Kind: bridge.TooMany, Detail: "later", RetryAfter: 1100 * time.Millisecond}, 429, "", "later", "2"},
		"less than 1":       {&bridge.Error{Kind: bridge.TooMany, Detail: "later", RetryAfter: time.Millisecond}, 429, "", "later", "1"},
		"unsaid":            {&bridge.Error{Kind: bridge.TooMany, Detail: "later"}, 429, "", "later", "30"},
		"unavailable":       {&bridge.Error{Kind: bridge.Unavailable, Detail: "silent", RetryAfter: 5 * time.Second, Err: cause}, 503, "", "silent", "5"},
		"denied":            {&bridge.Error{Kind: bridge.Denied, Detail: "the AWS credentials have expired", Err: cause}, 500, "", "the AWS credentials have expired. Its operator finds more in the log under request id req-1234", ""},
		"denied, no detail": {&bridge.Error{Kind: bridge.Denied, Err: cause}, 500, "", "credentials or permissions were refused", ""},
		"internal":          {&bridge.Error{Kind: bridge.Internal, Detail: secret, Err: cause}, 500, "", "not foreseen", ""},
		"new kind":          {&bridge.Error{Kind: 200, Detail: secret, Err: cause}, 500, "", "not foreseen", ""},
		"no detail":         {&bridge.Error{Kind: bridge.NotFound, Err: cause}, 404, "", "Not Found.", ""},
		"wrapped":           {fmt.Errorf("listing: %w", &bridge.Error{Kind: bridge.NotFound, Detail: "gone"}), 404, "", "gone", ""},
		"bridge over time-out": {&bridge.Error{Kind: bridge.TooMany, Detail: "busy", RetryAfter: time.Second, Err: context.DeadlineExceeded},
			429, "", "busy", "1"},
		"SCIM":          {scim.ScimError{Status: 400, ScimType: scim.ScimTypeInvalidFilter, Detail: "at 3"}, 400, "invalidFilter", "at 3", ""},
		"wrapped SCIM":  {fmt.Errorf("x: %w", scim.ScimError{Status: 400, ScimType: scim.ScimTypeNoTarget, Detail: "d"}), 400, "noTarget", "d", ""},
		"body too long": {fmt.Errorf("reading: %w", &http.MaxBytesError{Limit: 1048576}), 413, "", "longer than the 1048576 bytes", ""},
		"slow body":     {fmt.Errorf("reading: %w", os.ErrDeadlineExceeded), 408, "", "did not arrive in time", ""},
		"deadline":      {fmt.Errorf("reading the mirror: %w", context.DeadlineExceeded), 503, "", "in time", "30"},
		"cancelled":     {context.Canceled, 503, "", "given up", "30"},
		"unforeseen":    {cause, 500, "", "under request id req-1234", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := translate(tc.err, "req-1234")
			if f.kind == "" {
				t.Error("got no kind for the log, want one")
			}
			if !errors.Is(f.cause, tc.err) {
				t.Errorf("got cause %v, want the error itself", f.cause)
			}
			rec := httptest.NewRecorder()
			f.write(rec)
			if rec.Code != tc.status {
				t.Errorf("got status %d, want %d", rec.Code, tc.status)
			}
			if got := rec.Header().Get("Content-Type"); got != mediaType {
				t.Errorf("got Content-Type %q, want %q", got, mediaType)
			}
			if got := rec.Header().Get("Retry-After"); got != tc.retry {
				t.Errorf("got Retry-After %q, want %q", got, tc.retry)
			}
			var body map[string]any
			if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
				t.Fatalf("decoding %s: %v", rec.Body, err)
			}
			detail, _ := body["detail"].(string)
			if !strings.Contains(detail, tc.detail) || strings.Contains(rec.Body.String(), secret) {
				t.Errorf("got detail %q, want it to say %q and nothing of the cause", detail, tc.detail)
			}
			want := map[string]any{"schemas": []any{"urn:ietf:params:scim:api:messages:2.0:Error"}, "status": fmt.Sprint(tc.status), "detail": detail}
			if tc.scimType != "" {
				want["scimType"] = tc.scimType
			}
			if diff := cmp.Diff(want, body); diff != "" {
				t.Errorf("body: (-want +got)\n%s", diff)
			}
		})
	}
}
