package store_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/store"
)

// FuzzFields compares the reading of a document's members with that of encoding/json.
func FuzzFields(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` {}`, `{ }`, `{"a":1}`, `{"a":"b","c":[{"d":"}"}],"e":{"f":[1,2]},"g":true}`, "{\n\t\"a\" : null ,\r\n\"b\" : -1.5e3 }",
		`{"\\":"\"","\u0041":"\\"}`, `{"a":[],"b":{},"c":""}`, `{"a":{"a":[[["]"]]]}}`, `{"a":1,"a":2}`, `{"\ud800":"\ud800"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		want := map[string]json.RawMessage{}
		if !strings.HasPrefix(doc, "{") || !utf8.ValidString(doc) || json.Unmarshal([]byte(doc), &want) != nil {
			t.Skip("not a document that may be stored")
		}
		got := map[string]json.RawMessage{}
		for name, value := range store.Fields([]byte(doc)) {
			got[name] = value
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", doc, diff)
		}
	})
}
