package emulator

import (
	"cmp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// search is what ListUsers sees: for each attribute that can be searched, the users in the order of its values.
type search struct{ indexes map[string]*index }

// index holds the users that have a value, by value and age.
type index struct {
	sortedList[*user]
	value func(*user, *record) (string, bool)
	order func(a, b string) int
}

// searchable are the attributes that ListUsers filters on, and how values are compared (reference of ListUsers).
var searchable = map[string]func(a, b string) int{
	"username": cmp.Compare[string], "sub": cmp.Compare[string], "status": cmp.Compare[string],
	"cognito:user_status": compareFold, "email": compareFold, "phone_number": compareFold, "name": compareFold,
	"given_name": compareFold, "family_name": compareFold, "preferred_username": compareFold,
}

func newSearch(u Unverified) search {
	s := search{indexes: map[string]*index{}}
	for name, order := range searchable {
		if name == "username" && u.FoldUsernameFilter {
			order = compareFold
		}
		ix := &index{order: order, value: valueOf(name)}
		ix.compare = func(a, b *user) int {
			return cmp.Or(order(ix.seen(a), ix.seen(b)), cmp.Compare(a.seq, b.seq))
		}
		s.indexes[name] = ix
	}
	return s
}

// valueOf returns how a searchable attribute is read from a version of a user.
func valueOf(name string) func(*user, *record) (string, bool) {
	switch name {
	case "username":
		return func(u *user, _ *record) (string, bool) { return u.username, true }
	case "sub":
		return func(u *user, _ *record) (string, bool) { return u.sub, true }
	case "status":
		return func(_ *user, r *record) (string, bool) {
			if r.enabled {
				return "Enabled", true
			}
			return "Disabled", true
		}
	case "cognito:user_status":
		return func(_ *user, r *record) (string, bool) { return r.status, true }
	}
	return func(_ *user, r *record) (string, bool) { return r.attrs.find(name) }
}

// seen is the value under which the index keeps a user.
func (ix *index) seen(u *user) string {
	value, _ := ix.value(u, u.seen)
	return value
}

// show makes r the version of u that searches see; nil takes u out of them.
func (s *search) show(u *user, r *record) {
	var moved []*index
	for _, ix := range s.indexes {
		var before, after string
		var had, has bool
		if u.seen != nil {
			before, had = ix.value(u, u.seen)
		}
		if r != nil {
			after, has = ix.value(u, r)
		}
		if had && has && before == after {
			continue
		}
		if had {
			ix.remove(u)
		}
		if has {
			moved = append(moved, ix)
		}
	}
	u.seen = r
	for _, ix := range moved {
		ix.insert(u)
	}
}

// pending is a change that waits for the time when searches and group reads may see it.
type pending struct {
	due   time.Time
	apply func()
}

// later applies a change to what reads see: at once, or after the lag.
func (p *pool) later(now time.Time, apply func()) {
	if p.lag <= 0 {
		apply()
		return
	}
	p.pending = append(p.pending, pending{now.Add(p.lag), apply})
}

// settle applies the changes that are due. Every read that lags calls it first, under the pool's lock.
func (p *pool) settle(now time.Time) {
	n := 0
	for n < len(p.pending) && !p.pending[n].due.After(now) {
		p.pending[n].apply()
		n++
	}
	clear(p.pending[:n])
	p.pending = p.pending[n:]
}

// compareFold compares without regard to case, rune by rune, without allocating.
func compareFold(a, b string) int {
	for a != "" && b != "" {
		x, n := nextFold(a)
		y, m := nextFold(b)
		if x != y {
			return cmp.Compare(x, y)
		}
		a, b = a[n:], b[m:]
	}
	return cmp.Compare(len(a), len(b))
}

func nextFold(s string) (r rune, n int) {
	if c := s[0]; c < utf8.RuneSelf {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		return rune(c), 1
	}
	r, n = utf8.DecodeRuneInString(s)
	return unicode.ToLower(r), n
}

// hasPrefixFold reports whether s begins with prefix, as compareFold sees it.
func hasPrefixFold(s, prefix string) bool {
	for prefix != "" {
		if s == "" {
			return false
		}
		x, n := nextFold(s)
		y, m := nextFold(prefix)
		if x != y {
			return false
		}
		s, prefix = s[n:], prefix[m:]
	}
	return true
}

func hasPrefix(order func(a, b string) int) func(s, prefix string) bool {
	if order("A", "a") == 0 {
		return hasPrefixFold
	}
	return strings.HasPrefix
}
