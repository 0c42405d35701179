package store

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// A key is where a row stands when a list is sorted by an attribute: keys compare byte for byte as RFC 7644 §3.4.2.3
// orders the values, whatever their type. A key has at most termLimit bytes, so that it fits into an index, into a cursor,
// and a million times into memory: texts that differ only after that are equal to the order.
const (
	keyed   = "0" // begins the key of a row with a value
	unkeyed = "1" // is the key of a row without: the last in ascending order, the first in descending
	beyond  = "2" // is greater than all keys
)

// keyOf returns the key of a value of an attribute, which is not complex, or whose sub-attribute sub is meant. What is
// not of the attribute's type is no value, as it is to filters.
func keyOf(attr, sub *attribute.Attribute, v any) string {
	v = leading(sub, v)
	if sub != nil {
		attr = sub
	}
	switch attr.Type {
	case attribute.Boolean:
		if b, ok := v.(bool); ok {
			return keyed + map[bool]string{false: "0", true: "1"}[b]
		}
	case attribute.Decimal, attribute.Integer:
		if n, ok := v.(json.Number); ok {
			return keyOfNumber(n)
		}
	case attribute.DateTime:
		if s, ok := v.(string); ok {
			if at, err := filter.Instant(s); err == nil {
				return keyed + sortable(at.Unix()) + fmt.Sprintf("%09d", at.Nanosecond())
			}
		}
	default:
		if s, ok := v.(string); ok && s != "" {
			return keyOfText(attr, s)
		}
	}
	return unkeyed
}

// leading returns the value by which a resource is sorted: of several the one that is marked primary, or else the first
// (RFC 7644 §3.4.2.3). Elements that lack the sub-attribute do not count.
func leading(sub *attribute.Attribute, v any) any {
	list, several := v.([]any)
	if !several {
		list = []any{v}
	}
	var first any
	for _, element := range list {
		value := element
		object, _ := element.(map[string]any)
		if sub != nil {
			value = leading(nil, object[sub.Name])
		}
		if value == nil || value == "" {
			continue
		}
		if object["primary"] == true {
			return value
		}
		if first == nil {
			first = value
		}
	}
	return first
}

// keyOfText folds what is not caseExact: the order has no locale. NUL, which PostgreSQL cannot store, is as U+0001.
func keyOfText(attr *attribute.Attribute, s string) string {
	if !attr.CaseExact {
		s = filter.Fold(s)
	}
	if limit := termLimit - len(keyed); len(s) > limit {
		for !utf8.RuneStart(s[limit]) {
			limit--
		}
		s = s[:limit]
	}
	return keyed + strings.ReplaceAll(s, "\x00", "\x01")
}

// keyOfNumber is exact for 64-bit integers, and a float64 beyond: numbers of one float64 are ordered as integers.
func keyOfNumber(n json.Number) string {
	approximate, err := n.Float64() // out of range, it is the infinity that compares right
	if err != nil && !math.IsInf(approximate, 0) {
		return unkeyed
	}
	exact, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil {
		exact = 0
		if math.Abs(approximate) < 1<<63 {
			exact = int64(approximate)
		}
	}
	bits := math.Float64bits(approximate + 0) // no negative zero
	if approximate < 0 {
		bits = ^bits // the larger, the smaller
	} else {
		bits |= 1 << 63
	}
	return fmt.Sprintf("%s%016x%s", keyed, bits, sortable(exact))
}

// keyOfTime is the key of a stored time.
func keyOfTime(at int64) string { return keyed + sortable(at) }

// timeOfKey is the inverse of keyOfTime.
func timeOfKey(key string) (int64, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(key, keyed), 16, 64)
	if err != nil {
		return 0, fmt.Errorf("store: %q is no position among times", key)
	}
	return int64(n ^ 1<<63), nil
}

// sortable writes an integer so that texts compare as the integers do.
func sortable(n int64) string { return fmt.Sprintf("%016x", uint64(n)^1<<63) }
