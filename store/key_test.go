package store_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/store"
)

// TestKeys: the keys of values that ascend must ascend; of values on one line they are equal.
func TestKeys(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 255) // 510 bytes, one less than count
	for _, tt := range []struct {
		name string
		attr attribute.Attribute
		list [][]any
	}{
		{"folded", attribute.Attribute{}, [][]any{{"\x00", "\x01"}, {"10"}, {"9"}, {"A", "a"}, {"Ab"}, {"B", "b"}, {"k", "K", "\u212A"}, {"É", "é"}, {"日"}, {"\U0001F600"}, {nil, "", 7}}},
		{"exact", attribute.Attribute{CaseExact: true}, [][]any{{"A"}, {"B"}, {"a"}, {"b"}, {nil, []any{}}}},
		{"long", attribute.Attribute{}, [][]any{{long, long + "é", long + "éa"}, {long + "a", long + "ab"}, {long + "b", long + "bé"}}},
		{"booleans", attribute.Attribute{Type: attribute.Boolean}, [][]any{{false}, {true}, {nil, "true"}}},
		{"numbers", attribute.Attribute{Type: attribute.Decimal}, [][]any{
			numbers("-1e400"), numbers("-9223372036854775808"), numbers("-9007199254740993"), numbers("-9007199254740992"), numbers("-2.5"), numbers("-1", "-1.0", "-10e-1"),
			numbers("-1e-300"), numbers("0", "-0", "0.0", "-0.0", "1e-999"), numbers("1e-300"), numbers("0.5"), numbers("1", "1.0", "1e0"), numbers("2"), numbers("10"),
			numbers("9007199254740992", "9007199254740992.0"), numbers("9007199254740993"), numbers("9223372036854775807"), numbers("1e30"), numbers("1e400", "1e401"), {nil, "1"}}},
		{"instants", attribute.Attribute{Type: attribute.DateTime}, [][]any{{"1600-01-01T00:00:00Z"}, {"1969-12-31T23:59:59.5Z"}, {"1970-01-01T00:00:00Z", "1970-01-01T01:00:00+01:00"},
			{"2030-01-02T03:04:05Z"}, {"2030-01-02T03:04:05.000000001Z"}, {"9999-12-31T23:59:59Z"}, {nil, "soon", true}}},
	} {
		before := ""
		for i, same := range tt.list {
			first := store.KeyOf(&tt.attr, nil, same[0])
			if first <= before || len(first) > 512 || first >= "2" {
				t.Errorf("%s, %d: key of %v: got %.30q of %d bytes, want one after %.30q with at most 512", tt.name, i, same[0], first, len(first), before)
			}
			for _, v := range same[1:] {
				if got := store.KeyOf(&tt.attr, nil, v); got != first {
					t.Errorf("%s: key of %v: got %q, want %q as of %v", tt.name, v, got, first, same[0])
				}
			}
			before = first
		}
	}
}

func numbers(literals ...string) (list []any) {
	for _, s := range literals {
		list = append(list, json.Number(s))
	}
	return list
}
