package server_test

import "strings"

// compressed is {"userName":"zip"} in gzip.
const compressed = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabV*-N-\xf2K\xccMU\xb2R\xaa\xca,P\xaa\x05\x00\xa5\x05\xe8Y\x12\x00\x00\x00"

// wide is an ASCII text in UTF-16, in either order of bytes.
func wide(text string, little bool) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if little {
			b.WriteString(string([]byte{c, 0}))
		} else {
			b.WriteString(string([]byte{0, c}))
		}
	}
	return b.String()
}

// bodyAttacks are what is wrong with a body whatever it is about: its encoding, its syntax, its size.
var bodyAttacks = []attack{
	{"none", "POST", users, "", 400, syntax, "is empty", nil},
	{"white space", "POST", users, " \t\r\n ", 400, syntax, "is empty", nil},
	{"a byte order mark alone", "POST", users, "\ufeff", 400, syntax, "is empty", nil},
	{"null", "POST", users, "null", 400, syntax, "must be a JSON object holding one User, not null", nil},
	{"a list", "POST", users, `[{"userName":"x"}]`, 400, syntax, "not a list", nil},
	{"a string", "POST", users, `"{\"userName\":\"x\"}"`, 400, syntax, "not a string", nil},
	{"a number", "POST", users, "42", 400, syntax, "not a number", nil},
	{"a boolean", "PUT", ann, "true", 400, syntax, "not a boolean", nil},
	{"nothing to replace with", "PUT", ann, "", 400, syntax, "is empty", nil},
	{"nothing to patch with", "PATCH", ann, "", 400, syntax, "is empty", nil},
	{"two objects", "POST", users, `{"userName":"x"}{"userName":"y"}`, 400, syntax, "at byte 17", nil},
	{"lines of objects", "POST", users, "{\"userName\":\"x\"}\n{\"userName\":\"y\"}", 400, syntax, "at byte 18", nil},
	{"cut off", "POST", users, `{"userName":"x"`, 400, syntax, "unexpected end", nil},
	{"cut off in a string", "POST", users, `{"userName":"x`, 400, syntax, "unexpected end", nil},
	{"cut off in an escape", "POST", users, `{"userName":"\u00`, 400, syntax, "not valid JSON", nil},
	{"junk behind", "POST", users, `{"userName":"x"}x`, 400, syntax, "at byte 17", nil},
	{"NUL behind", "POST", users, "{\"userName\":\"x\"}\x00", 400, syntax, "at byte 17", nil},
	{"trailing comma", "POST", users, `{"userName":"x",}`, 400, syntax, "at byte 17", nil},
	{"comment", "POST", users, `{"userName":"x"/* */}`, 400, syntax, "at byte 16", nil},
	{"single quotes", "POST", users, `{'userName':'x'}`, 400, syntax, "at byte 2", nil},
	{"names without quotes", "POST", users, `{userName:"x"}`, 400, syntax, "at byte 2", nil},
	{"a prefix against scripts", "POST", users, ")]}',\n{\"userName\":\"x\"}", 400, syntax, "at byte 1", nil},
	{"XML", "POST", users, `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`, 400, syntax, "at byte 1", nil},
	{"YAML", "POST", users, "userName: x\n", 400, syntax, "at byte 1", nil},
	{"a form", "POST", users, "userName=x&active=true", 400, syntax, "at byte 1", nil},
	{"NaN", "POST", users, `{"userName":NaN}`, 400, syntax, "at byte 13", nil},
	{"infinity", "POST", users, `{"userName":"x","n":-Infinity}`, 400, syntax, "at byte 22", nil},
	{"a hexadecimal number", "POST", users, `{"userName":"x","n":0x10}`, 400, syntax, "at byte 22", nil},
	{"a leading zero", "POST", users, `{"userName":"x","n":007}`, 400, syntax, "at byte 22", nil},
	{"a point alone", "POST", users, `{"userName":"x","n":1.}`, 400, syntax, "at byte 23", nil},
	{"capital TRUE", "POST", users, `{"userName":"x","active":TRUE}`, 400, syntax, "at byte 26", nil},

	{"UTF-16, little-endian", "POST", users, "\xff\xfe" + wide(`{"userName":"x"}`, true), 400, syntax, "not valid UTF-8 at byte 0", nil},
	{"UTF-16, big-endian", "POST", users, "\xfe\xff" + wide(`{"userName":"x"}`, false), 400, syntax, "not valid UTF-8 at byte 0", nil},
	{"UTF-16 that says so", "POST", users, wide(`{"userName":"x"}`, true), 400, syntax, "not valid JSON", []string{"Content-Type: application/json; charset=utf-16"}},
	{"UTF-32", "POST", users, wide(wide(`{"userName":"x"}`, true), true), 400, syntax, "not valid JSON", nil},
	{"Latin-1", "POST", users, "{\"userName\":\"Andr\xe9\"}", 400, syntax, "not valid UTF-8 at byte 17", []string{"Content-Type: application/json; charset=iso-8859-1"}},
	{"an overlong slash", "POST", users, "{\"userName\":\"a\xc0\xafb\"}", 400, syntax, "not valid UTF-8 at byte 14", nil},
	{"an overlong NUL", "POST", users, "{\"userName\":\"a\xc0\x80\"}", 400, syntax, "not valid UTF-8 at byte 14", nil},
	{"a surrogate in UTF-8", "POST", users, "{\"userName\":\"\xed\xa0\xbd\xed\xb8\x80\"}", 400, syntax, "not valid UTF-8 at byte 13", nil},
	{"beyond Unicode", "POST", users, "{\"userName\":\"\xf4\x90\x80\x80\"}", 400, syntax, "not valid UTF-8 at byte 13", nil},
	{"half a character at the end", "POST", users, "{\"userName\":\"x\xe2\x82\"}", 400, syntax, "not valid UTF-8 at byte 14", nil},
	{"UTF-7", "POST", users, `+AHsAIgB1AHMAZQByAE4AYQBtAGUAIgA6ACIAeAAiAH0-`, 400, syntax, "at byte 1", nil},
	{"two byte order marks", "POST", users, "\ufeff\ufeff{\"userName\":\"x\"}", 400, syntax, "at byte 1", nil},
	{"gzip that says so", "POST", users, compressed, 415, "", "must not be compressed", []string{"Content-Encoding: gzip"}},
	{"gzip in secret", "POST", users, compressed, 400, syntax, "not valid UTF-8 at byte 1", nil},
	{"gzip by another name", "POST", users, compressed, 415, "", "must not be compressed", []string{"Content-Encoding: X-GZIP"}},
	{"Brotli", "POST", users, "\x0b", 415, "", "must not be compressed", []string{"Content-Encoding: br"}},
	{"two codings", "POST", users, `{"userName":"x"}`, 415, "", "must not be compressed", []string{"Content-Encoding: identity, gzip"}},

	{"a control character", "POST", users, "{\"userName\":\"a\x01b\"}", 400, syntax, "invalid character '\\x01'", nil},
	{"a line break in a string", "POST", users, "{\"userName\":\"a\nb\"}", 400, syntax, "invalid character '\\n'", nil},
	{"a raw NUL", "POST", users, "{\"userName\":\"a\x00b\"}", 400, syntax, "invalid character '\\x00'", nil},
	{"a bad escape", "POST", users, `{"userName":"\x41"}`, 400, syntax, "in string escape code", nil},
	{"the first half of a pair", "POST", users, `{"userName":"\ud83d"}`, 400, syntax, "byte 12 holds half of a surrogate pair", nil},
	{"the second half of a pair", "POST", users, `{"userName":"\ude00"}`, 400, syntax, "half of a surrogate pair", nil},
	{"a pair the wrong way round", "POST", users, `{"userName":"\ude00\ud83d"}`, 400, syntax, "half of a surrogate pair", nil},
	{"two first halves", "POST", users, `{"userName":"\ud83d\ud83d\ude00"}`, 400, syntax, "half of a surrogate pair", nil},
	{"half a pair beside what it becomes", "POST", users, `{"userName":"\ufffd\ud83d"}`, 400, syntax, "half of a surrogate pair", nil},
	{"half a pair beside what looks like it", "POST", users, `{"userName":"\\ufffd\ud83d"}`, 400, syntax, "half of a surrogate pair", nil},
	{"half a pair in a name", "POST", users, `{"userName":"x","a\udc00":1}`, 400, syntax, "byte 16 holds half of a surrogate pair", nil},

	{"a name twice", "POST", users, `{"userName":"x","userName":"y"}`, 400, syntax, `"userName" stands a second time`, nil},
	{"a name twice, in other case", "POST", users, `{"userName":"x","USERNAME":"y"}`, 400, syntax, `"USERNAME" stands a second time`, nil},
	{"a name twice, escaped", "POST", users, `{"userName":"x","\u0075serName":"y"}`, 400, syntax, `"userName" stands a second time`, nil},
	{"a name twice, by folding", "POST", users, `{"userName":"x","u\u017ferName":"y"}`, 400, syntax, "stands a second time", nil},
	{"a name twice, by folding, in a PATCH", "PATCH", ann, `{"OPERATION\u017f":[{"op":"replace","path":"title","value":"t"}],"operationS":[]}`, 400, syntax, "stands a second time", nil},
	{"a name twice, inside", "PUT", ann, `{"userName":"ann","name":{"givenName":"a","givenname":"b"}}`, 400, syntax, `"givenname" stands a second time`, nil},
	{"a name twice, in what is ignored", "POST", users, `{"userName":"x","shoe":[{"size":1,"Size":2}]}`, 400, syntax, `"Size" stands a second time`, nil},
	{"active twice", "PATCH", ann, patchOf(`{"op":"replace","path":"active","value":true,"Value":false}`), 400, syntax, `"Value" stands a second time`, nil},

	{"one level too deep", "POST", users, `{"userName":"x","a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, 400, syntax, "nests more than 32", nil},
	{"objects too deep", "POST", users, strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), 400, syntax, "nests more than 32", nil},
	{"lists without end", "POST", users, strings.Repeat("[", 200_000), 400, syntax, "not valid JSON", nil},
	{"objects without end", "PATCH", staff, strings.Repeat(`{"a":`, 200_000), 400, syntax, "not valid JSON", nil},
	{"a body over the limit", "POST", users, `{"userName":"x","title":"` + strings.Repeat("t", 1<<20) + `"}`, 413, "", "longer than the 1048576 bytes", nil},
	{"a body over the limit, to replace", "PUT", ann, `{"userName":"ann","title":"` + strings.Repeat("t", 1<<20) + `"}`, 413, "", "longer than the 1048576 bytes", nil},
	{"white space over the limit", "PATCH", ann, strings.Repeat(" ", 1<<20) + "{}", 413, "", "longer than the 1048576 bytes", nil},

	{"a form that says so", "POST", users, "userName=x", 415, "", "application/scim+json", []string{"Content-Type: application/x-www-form-urlencoded"}},
	{"plain text", "POST", users, `{"userName":"x"}`, 415, "", "application/scim+json", []string{"Content-Type: text/plain"}},
	{"a part of many", "POST", users, "--x\r\n\r\n{\"userName\":\"x\"}\r\n--x--", 415, "", "application/scim+json", []string{"Content-Type: multipart/form-data; boundary=x"}},
	{"a JSON Patch", "PATCH", ann, `[{"op":"replace","path":"/userName","value":"x"}]`, 415, "", "application/scim+json", []string{"Content-Type: application/json-patch+json"}},
	{"a merge patch", "PATCH", ann, `{"userName":"x"}`, 415, "", "application/scim+json", []string{"Content-Type: application/merge-patch+json"}},
	{"two types in one", "POST", users, `{"userName":"x"}`, 415, "", "application/scim+json", []string{"Content-Type: application/json, text/plain"}},
	{"a type that begins well", "POST", users, `{"userName":"x"}`, 415, "", "application/scim+json", []string{"Content-Type: application/jsonp"}},
	{"a type that is none", "POST", users, `{"userName":"x"}`, 415, "", "application/scim+json", []string{"Content-Type: ////"}},
}
