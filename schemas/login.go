package schemas

import (
	"strings"
	"unicode/utf16"
)

// In a pool that signs people in with e-mail or phone number instead of a username (UsernameAttributes), Username is the
// sub, and the sign-in name is an attribute that can change. There, that attribute holds SCIM's userName.

// MaxLogin is the longest sign-in name, in UTF-16 units: AdminCreateUser takes it as a Username (service model: 1 to 128).
const MaxLogin = 128

// flattened are the attributes that pools which are not case-sensitive keep in lower case, beside Username: what was sent
// stands in the overflow, under the same name, which is no SCIM attribute's.
var flattened = []string{"email", "preferred_username"}

// flattens reports whether kept may be what such a pool has made of a text, or the text. Case folding knows nothing of the
// lower case of İ, which is i, or, as Java has it, i with a dot above.
func flattens(sent, kept string) bool {
	return strings.EqualFold(sent, kept) || strings.EqualFold(strings.ReplaceAll(sent, "İ", "i"), kept) ||
		strings.EqualFold(strings.ReplaceAll(sent, "İ", "i\u0307"), kept)
}

// Login returns the Cognito attribute that holds a userName: "email" or "phone_number" in a pool that signs people in with
// it. It is "" for a name that is no such address, and in all other pools.
func (m *Mapping) Login(userName string) string {
	for _, name := range m.logins {
		if userName != "" && len(utf16.Encode([]rune(userName))) <= MaxLogin && m.accepts(name, userName) {
			return name
		}
	}
	return ""
}

// nameInPool is the userName of a user of whom nothing else is known.
func (m *Mapping) nameInPool(username string, attributes map[string]string) string {
	for _, name := range m.logins {
		if v := attributes[name]; v != "" {
			return v
		}
	}
	return username
}

// userName is the userName of a user in the pool, of whom the overflow says that it is stored; "" when it does not say. When
// others have changed the attribute that people sign in with, that counts.
func (m *Mapping) userName(stored string, u PoolUser) string {
	login := m.Login(stored)
	switch {
	case stored == "":
		return m.nameInPool(u.Username, u.Attributes)
	case login == "" || flattens(stored, u.Attributes[login]):
		return stored
	case u.Attributes[login] != "":
		return u.Attributes[login]
	}
	return m.nameInPool(u.Username, u.Attributes)
}

// share takes the userName, which its attribute holds, out of the element that has it as its value: null stands for it.
func (row mapped) share(rest map[string]any, userName string) {
	holder, name := row.holder(rest, false)
	elements, _ := holder[name].([]any)
	for _, object := range row.candidates(elements) {
		if text, ok := textOf(object[row.sub.Name]); ok && text == userName {
			object[row.sub.Name] = nil
			return
		}
	}
}

// unshare is share's reverse. A managed user without such an element has none.
func (row mapped) unshare(rest map[string]any, userName string, managed bool) {
	if !managed {
		row.restore(rest, userName, managed)
		return
	}
	holder, name := row.holder(rest, false)
	elements, _ := holder[name].([]any)
	if object := row.waiting(elements); object != nil {
		object[row.sub.Name] = userName
	}
}
