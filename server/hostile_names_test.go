package server_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

const (
	nameRule = "userName: Cognito takes 1 to 128 letters"
	newUser  = `{"userName":"`
)

// nameAttacks are names that Cognito does not take as a Username, or that look like others.
var nameAttacks = []attack{
	{"129 letters", "POST", users, newUser + strings.Repeat("a", 129) + `"}`, 400, value, nameRule, nil},
	{"129 letters of other scripts", "POST", users, newUser + strings.Repeat("山", 129) + `"}`, 400, value, nameRule, nil},
	{"65 emoji, which are 130 for Cognito", "POST", users, newUser + strings.Repeat("😀", 65) + `"}`, 400, value, nameRule, nil},
	{"a name of half a megabyte", "POST", users, newUser + strings.Repeat("a", 1<<19) + `"}`, 400, value, nameRule, nil},
	{"a space", "POST", users, newUser + `a b"}`, 400, value, nameRule, nil},
	{"only spaces", "POST", users, newUser + `   "}`, 400, value, nameRule, nil},
	{"a tab", "POST", users, newUser + `a\tb"}`, 400, value, nameRule, nil},
	{"a line break", "POST", users, newUser + `a\r\nSet-Cookie: x=y"}`, 400, value, nameRule, nil},
	{"NUL", "POST", users, newUser + `a\u0000"}`, 400, value, "must not contain the NUL character", nil},
	{"a bell", "POST", users, newUser + `a\u0007"}`, 400, value, nameRule, nil},
	{"an escape of terminals", "POST", users, newUser + `\u001b[31mred"}`, 400, value, nameRule, nil},
	{"delete", "POST", users, newUser + `a\u007f"}`, 400, value, nameRule, nil},
	{"a C1 control", "POST", users, newUser + `a\u0085b"}`, 400, value, nameRule, nil},
	{"a no-break space", "POST", users, newUser + `a\u00a0b"}`, 400, value, nameRule, nil},
	{"an ideographic space", "POST", users, newUser + `a\u3000b"}`, 400, value, nameRule, nil},
	{"a line separator", "POST", users, newUser + `a\u2028b"}`, 400, value, nameRule, nil},
	{"a soft hyphen", "POST", users, newUser + `a\u00adb"}`, 400, value, nameRule, nil},
	{"a zero-width space", "POST", users, newUser + `an\u200bn"}`, 400, value, nameRule, nil},
	{"a zero-width joiner", "POST", users, newUser + `👩\u200d💻"}`, 400, value, nameRule, nil},
	{"a zero-width non-joiner", "POST", users, newUser + `an\u200cn"}`, 400, value, nameRule, nil},
	{"a byte order mark", "POST", users, newUser + `\ufeffann"}`, 400, value, nameRule, nil},
	{"right to left", "POST", users, newUser + `\u202enna"}`, 400, value, nameRule, nil},
	{"an isolate", "POST", users, newUser + `\u2066ann\u2069"}`, 400, value, nameRule, nil},
	{"a mark of direction", "POST", users, newUser + `ann\u200f"}`, 400, value, nameRule, nil},
	{"tag characters", "POST", users, newUser + `ann\udb40\udc41"}`, 400, value, nameRule, nil},
	{"private use", "POST", users, newUser + `a\ue000"}`, 400, value, nameRule, nil},
	{"a noncharacter", "POST", users, newUser + `a\uffff"}`, 400, value, nameRule, nil},
	{"an unassigned character", "POST", users, newUser + `a\u0378"}`, 400, value, nameRule, nil},
	{"an invisible operator", "POST", users, newUser + `a\u2062b"}`, 400, value, nameRule, nil},
	{"a rename to 129", "PUT", ann, newUser + strings.Repeat("b", 129) + `"}`, 400, value, nameRule, nil},
	{"a rename from right to left", "PATCH", ann, patchOf(`{"op":"replace","path":"userName","value":"\u202enna"}`), 400, value, nameRule, nil},
	{"a rename to nothing visible", "PATCH", ann, patchOf(`{"op":"replace","value":{"userName":"\u200b"}}`), 400, value, nameRule, nil},
}

// names that are odd and that Cognito takes: they are kept as they came, found again, and are somebody's own.
var oddNames = []string{
	strings.Repeat("a", 128), strings.Repeat("山", 128), strings.Repeat("😀", 64), "😀", "é", "e\u0301", "\u00c5", "A\u030a", "ﬀ", "ff", "ａdmin", "аdmin", "Admin",
	"ß", "SS", "İ", "i\u0307x", "ı", "K", "ﷺ", "हिन्दी", "עברית", "العربية", "ไทย", "a\u0300\u0301\u0302\u0303\u0304", "\ufffd", "\\u0000", `"`, `\`, `'`, `';--`, "%00", "%", "_",
	"*", "a@b@c", "../../etc/passwd", "..", "null", "undefined", "true", "-1", "0", "1e400", "NaN", "__proto__", "constructor", "${jndi:ldap://x}", "{{7*7}}", "<script>",
	"=cmd|'/C'!A0", "urn:x:y", "a,b", "(ann)", "ann[0]", "#", "?a=b", "&amp;", "\ufe0f", "☺\ufe0f", "🇩🇪", "\U0001f469\U0001f3fd", strings.Repeat(`"`, 128), strings.Repeat(`\`, 128),
}

// TestNamesThatAreOne: userName and displayName compare without case, by Unicode's simple folding (RFC 7643 section 4.1.1).
func TestNamesThatAreOne(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	for _, pair := range [][2]string{
		{"kim", "\u212aim"}, {"sue", "\u017fue"}, {"\u00e5sa", "\u212bsa"}, {"\u03c3\u03b1\u03c2", "\u03a3\u0391\u03a3"}, {"\u00b5m", "\u03bcm"}, {"straße", "STRA\u1e9eE"},
	} {
		f.do(t, "POST", users, `{"userName":"`+pair[0]+`"}`).want(201)
		f.group(t, pair[0])
		f.suffers(t, attack{pair[1], "POST", users, `{"userName":"` + pair[1] + `"}`, 409, "uniqueness", "is taken", nil})
		f.suffers(t, attack{pair[1], "POST", groups, `{"displayName":"` + pair[1] + `"}`, 409, "uniqueness", "is taken", nil})
		f.suffers(t, attack{pair[1], "GET", where(`userName eq "` + pair[1] + `"`), "", 200, "", `"totalResults":1`, nil})
	}
}

func TestOddNames(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	known := map[string]string{} // id by name
	for _, name := range oddNames {
		encoded, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		created := f.do(t, "POST", users, fmt.Sprintf(`{"userName":%s,"externalId":%[1]s,"displayName":%[1]s,"title":%[1]s}`, encoded)).want(201)
		id := created.id()
		known[name] = id
		for _, attribute := range []string{"userName", "externalId", "displayName", "title"} {
			if got := created.object()[attribute]; got != name {
				t.Errorf("%+q: got %s %+q, want it as it was sent", name, attribute, got)
			}
		}
		want := created.object()
		if got := f.do(t, "GET", users+"/"+id, "").want(200).object(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+q: got %v, want %v", name, got, want)
		}
		for _, attribute := range []string{"userName", "externalId", "displayName", "title"} {
			found := f.do(t, "GET", users+"?filter="+url.QueryEscape(attribute+" eq "+string(encoded)), "").want(200)
			if !strings.Contains(found.text, id) {
				t.Errorf("%+q: by %s got %s, want user %s", name, attribute, found.text, id)
			}
		}
		f.do(t, "POST", users, fmt.Sprintf(`{"userName":%s}`, encoded)).refused(409, "uniqueness", "is taken")
		f.do(t, "PUT", users+"/"+id, fmt.Sprintf(`{"userName":%s,"externalId":%[1]s,"displayName":%[1]s,"title":%[1]s}`, encoded)).want(200)
	}
	for name, id := range known {
		if got := f.do(t, "GET", users+"/"+id, "").want(200).object()["userName"]; got != name {
			t.Errorf("%+q: got %+q in the end, want it unchanged", name, got)
		}
		f.do(t, "DELETE", users+"/"+id, "").want(204)
	}
	f.calm(t)
}

// oddGroups are display names of groups, and what Cognito then calls them.
var oddGroups = [][2]string{
	{"All Staff", "All-Staff"}, {"  ", "--"}, {"a\tb", "a-b"}, {"\u202eflats", "-flats"}, {"\u200b", "-"}, {"👩\u200d💻", "👩-💻"}, {"é", "é"}, {"e\u0301", "e\u0301_2"}, {"ｅ\u0301", "ｅ\u0301_3"},
	{"a/b", "a/b"}, {"../..", "../.."}, {"\ufeffx", "-x"}, {`"`, `"`}, {"\u001b[31m", "-[31m"}, {"\ue000", "-_2"}, {"\uffff", "-_3"},
	{strings.Repeat("g", 300), strings.Repeat("g", 128)}, {strings.Repeat("😀", 100), strings.Repeat("😀", 64)}, {strings.Repeat("g", 299), strings.Repeat("g", 126) + "_2"},
}

func TestOddGroupNames(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	for _, names := range oddGroups {
		name, want := names[0], names[1]
		encoded, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		created := f.do(t, "POST", groups, fmt.Sprintf(`{"displayName":%s,"members":[{"value":%q}]}`, encoded, f.names.Replace("{ann}"))).want(201)
		if got := created.object()["displayName"]; got != name {
			t.Errorf("%+q: got displayName %+q, want it as it was sent", name, got)
		}
		pool := f.rows(t, "SELECT pool_name FROM resource WHERE id = '"+created.id()+"'")
		if len(pool) != 1 || pool[0] != want {
			t.Errorf("%+q: got %+q in Cognito, want %+q", name, pool, want)
		}
		found := f.do(t, "GET", groups+"?filter="+url.QueryEscape("displayName eq "+string(encoded)), "").want(200)
		if !strings.Contains(found.text, created.id()) {
			t.Errorf("%+q: got %s, want group %s", name, found.text, created.id())
		}
	}
	f.calm(t)
}
