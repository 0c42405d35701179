package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	scim "github.com/elimity-com/scim/errors"
)

func TestDecodeJSON(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   string
		want any
	}{
		"object":          {`{"a":1,"b":[true,false,null],"c":{"d":"e"}}`, map[string]any{"a": json.Number("1"), "b": []any{true, false, nil}, "c": map[string]any{"d": "e"}}},
		"empty things":    {`{"a":{},"b":[],"c":""}`, map[string]any{"a": map[string]any{}, "b": []any{}, "c": ""}},
		"white space":     {" \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n", map[string]any{"a": []any{json.Number("1"), json.Number("2")}, "b": map[string]any{}}},
		"numbers as sent": {`[-0.10e+3,12345678901234567890]`, []any{json.Number("-0.10e+3"), json.Number("12345678901234567890")}},
		"escapes":         {`"\"\\\/\b\f\n\r\té😀"`, "\"\\/\b\f\n\r\té😀"},
		"escaped names":   {`{"user\u004eame":"x"}`, map[string]any{"userName": "x"}},
		"replacement":     {`["�","\ufffd","\uFFFD x"]`, []any{"\ufffd", "\ufffd", "\ufffd x"}},
		"byte order mark": {"\ufeff{}", map[string]any{}},
		"same name in different objects": {`{"a":{"value":1},"b":{"value":2},"value":3}`, map[string]any{
			"a": map[string]any{"value": json.Number("1")}, "b": map[string]any{"value": json.Number("2")}, "value": json.Number("3")}},
		"as deep as allowed": {strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), nested(maxDepth)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeJSON([]byte(tc.in))
			if err != nil {
				t.Fatalf("decodeJSON(%s): got error %v, want none", tc.in, err)
			}
			if !reflect.DeepEqual(got, tc.want) { // cmp takes exponential time for deep lists
				t.Errorf("decodeJSON(%s): got %#v, want %#v", tc.in, got, tc.want)
			}
		})
	}
}

func nested(depth int) any {
	v := []any{}
	for range depth - 1 {
		v = []any{v}
	}
	return v
}

func TestDecodeJSONRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, detail string }{
		"nothing":           {"", "is empty"},
		"only space":        {" \n ", "is empty"},
		"cut off":           {`{"a":`, "unexpected end of JSON input"},
		"two values":        {`{} {}`, "at byte 4"},
		"trailing comma":    {`{"a":1,}`, "at byte 8"},
		"single quotes":     {`{'a':1}`, "at byte 2"},
		"comment":           {`{"a":1} // x`, "at byte 9"},
		"not a number":      {`{"a":NaN}`, "at byte 6"},
		"control character": {"{\"a\":\"\x01\"}", "at byte 7"},
		"Latin-1":           {"{\"a\":\"\xe9\"}", "not valid UTF-8 at byte 6"},
		"half a surrogate":  {`{"a":"x\ud83d"}`, "string at byte 5 holds half of a surrogate pair"},
		"same name":         {`{"active":false,"active":true}`, `At byte 16 the name "active" stands a second time`},
		"same name, other case": {`{"userName":"a","emails":[],"USERNAME":"b"}`,
			`At byte 28 the name "USERNAME" stands a second time in one object, after "userName"`},
		"same name, nested":      {`{"Operations":[{"op":"add","Op":"remove"}]}`, `"Op" stands a second time`},
		"same name, escaped":     {`{"op":1,"\u006fp":2}`, `"op" stands a second time`},
		"one deeper than agreed": {strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), "At byte 32 the request body nests more than 32"},
		"endlessly deep":         {strings.Repeat(`{"a":`, 500_000), "not valid JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeJSON([]byte(tc.in))
			var e scim.ScimError
			if !errors.As(err, &e) {
				t.Fatalf("decodeJSON: got %v, %v, want a SCIM error", got, err)
			}
			if e.Status != http.StatusBadRequest || e.ScimType != scim.ScimTypeInvalidSyntax || !strings.Contains(e.Detail, tc.detail) {
				t.Errorf("decodeJSON: got %d %s %q, want 400 invalidSyntax with %q", e.Status, e.ScimType, e.Detail, tc.detail)
			}
		})
	}
}

func TestDecodeBody(t *testing.T) {
	t.Parallel()
	const limit = 20
	for name, tc := range map[string]struct {
		header map[string]string
		body   string
		length int64 // 0: the body's
		status int   // 0: accepted
	}{
		"SCIM":                     {header: map[string]string{"Content-Type": "application/scim+json; charset=utf-8"}, body: `{}`},
		"JSON in capitals":         {header: map[string]string{"Content-Type": "Application/JSON"}, body: `{}`},
		"no type":                  {body: `{}`},
		"identity":                 {header: map[string]string{"Content-Encoding": "identity"}, body: `{}`},
		"exactly the limit":        {body: `{"a":"` + strings.Repeat("x", limit-8) + `"}`},
		"form":                     {header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, body: `a=b`, status: 415},
		"text":                     {header: map[string]string{"Content-Type": "text/plain"}, body: `{}`, status: 415},
		"gzip":                     {header: map[string]string{"Content-Encoding": "gzip"}, body: `{}`, status: 415},
		"one over the limit":       {body: `{"a":"` + strings.Repeat("x", limit-7) + `"}`, status: 413},
		"over the limit, unsaid":   {body: `{"a":"` + strings.Repeat("x", limit) + `"}`, length: -1, status: 413},
		"over the limit, untested": {body: `{}`, length: 1 << 40, status: 413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("POST", "/", strings.NewReader(tc.body))
			if tc.length != 0 {
				r.ContentLength = tc.length
			}
			for k, v := range tc.header {
				r.Header.Set(k, v)
			}
			_, err := decodeBody(httptest.NewRecorder(), r, limit)
			if tc.status == 0 {
				if err != nil {
					t.Errorf("got error %v, want none", err)
				}
				return
			}
			if err == nil {
				t.Fatalf("got no error, want %d", tc.status)
			}
			if got := translate(err, "id").status; got != tc.status {
				t.Errorf("got status %d (%v), want %d", got, err, tc.status)
			}
		})
	}
}

// FuzzDecodeJSON compares with encoding/json: the same values, except for what is refused on purpose.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a","active":true,"n":-1.5e3,"x":null}`,
		`{"Operations":[{"op":"replace","value":{"active":false}}]}`, `{"a":1,"A":2}`, `"\ud83d\ude00 \ud83d"`, `[[[]],{}]`, " \ufeff", "\xff", `{"a":`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decodeJSON(data)
		dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
		dec.UseNumber()
		var want any
		wantErr := dec.Decode(&want)
		var e scim.ScimError
		switch {
		case err == nil && wantErr != nil:
			t.Fatalf("decodeJSON(%q): got %v, want an error: %v", data, got, wantErr)
		case err == nil:
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("decodeJSON(%q): got %#v, want %#v", data, got, want)
			}
		case !errors.As(err, &e) || e.Detail == "" || e.Status != 400:
			t.Fatalf("decodeJSON(%q): got error %v, want a SCIM error 400 with a detail", data, err)
		}
	})
}

func BenchmarkDecodeGroup(b *testing.B) {
	var body bytes.Buffer
	body.WriteString(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Everybody","members":[`)
	for i := range 10_000 {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"value":"00000000-0000-4000-8000-%012d","display":"user%d@example.com"}`, i, i)
	}
	body.WriteString(`]}`)
	b.SetBytes(int64(body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeJSON(body.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}
