package emulator

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"
)

type (
	listUsersInput struct {
		ofPool
		AttributesToGet []string `aws:"SearchedAttributeNamesListType"`
		Limit           *int64   `aws:"QueryLimitType"`
		PaginationToken string   `aws:"SearchPaginationTokenType"`
		Filter          string   `aws:"UserFilterType"`
	}
	listedUsers struct {
		Users           []userOutput
		PaginationToken string `json:",omitempty"`
	}
)

// pageSize is the most that a page of users or groups holds, and what it holds without a Limit, or with 0.
const pageSize = 60

// limit is the number of items that a page may hold.
func limit(asked *int64) int {
	if asked == nil || *asked == 0 {
		return pageSize
	}
	return int(*asked)
}

// filter is ListUsers' Filter: one comparison of one attribute.
type filter struct {
	attribute string
	prefix    bool // ^=, else =
	value     string
}

// parseFilter reads `name = "value"` or `name ^= "value"`; quotes and backslashes inside the value are escaped by a backslash. An
// empty filter, and one of spaces, selects everything.
func parseFilter(s string) (*filter, error) {
	malformed := invalidParameter("Error while parsing filter.")
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, nil
	}
	end := strings.IndexAny(s, "=^ \t\"")
	if end <= 0 {
		return nil, malformed
	}
	f := &filter{attribute: s[:end]}
	rest := strings.TrimLeft(s[end:], " \t")
	if after, ok := strings.CutPrefix(rest, "^="); ok {
		f.prefix, rest = true, after
	} else if rest, ok = strings.CutPrefix(rest, "="); !ok {
		return nil, malformed
	}
	var ok bool
	if f.value, ok = unquote(strings.TrimLeft(rest, " \t")); !ok {
		return nil, malformed
	}
	if strings.HasPrefix(f.attribute, `"`) || searchable[f.attribute] == nil {
		return nil, invalidParameter("Invalid search attribute: %s", f.attribute)
	}
	return f, nil
}

// unquote reads a quoted string that is all there is.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' {
		return "", false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), i == len(s)-1
		case '\\':
			i++
			if i == len(s) {
				return "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", false
}

// listUsers answers one page. The order is that of subs, or of the filter's attribute: stable within a chain of pages, and to a client
// arbitrary.
func (e *Emulator) listUsers(in *listUsersInput) (any, error) {
	p, err := e.pool(in.UserPoolId)
	if err != nil {
		return nil, err
	}
	f, err := parseFilter(in.Filter)
	if err != nil {
		return nil, err
	}
	after, err := e.openToken(in.PaginationToken, "users "+p.id, in.Filter)
	if err != nil {
		return nil, err
	}
	n := limit(in.Limit)
	if e.cfg.SparsePages {
		if in.PaginationToken == "" {
			return listedUsers{[]userOutput{}, e.sealToken("users "+p.id, in.Filter, mark{})}, nil
		}
		n = max(1, n/2)
	}
	views, last, more := p.usersPage(f, after, n, e.Now())
	out := listedUsers{Users: outputs(views)}
	if in.AttributesToGet != nil {
		if err := restrict(out.Users, in.AttributesToGet); err != nil {
			return nil, err
		}
	}
	if more {
		out.PaginationToken = e.sealToken("users "+p.id, in.Filter, last)
	}
	return out, nil
}

// restrict leaves only the named attributes, with the traps that people report: no names leave nothing, sub cannot be named, and one
// user without a named attribute spoils the page.
func restrict(users []userOutput, names []string) error {
	if slices.Contains(names, "sub") {
		return invalidParameter("Input fails to satisfy the constraints.")
	}
	for i := range users {
		kept := []attributeInput{}
		for _, a := range users[i].Attributes {
			if slices.Contains(names, a.Name) {
				kept = append(kept, a)
			}
		}
		if len(kept) < len(names) {
			return invalidParameter("One or more requested attributes do not exist.")
		}
		users[i].Attributes = kept
	}
	return nil
}

// usersPage collects up to n users behind a mark, the mark of the last one, and whether there are more.
func (p *pool) usersPage(f *filter, after mark, n int, now time.Time) (views []view, last mark, more bool) {
	p.Lock()
	defer p.Unlock()
	p.settle(now)
	ix, users := p.search.matching(f, after)
	for u := range users {
		if len(views) == n {
			return views, last, true
		}
		views = append(views, view{u, u.seen})
		last = mark{Key: ix.seen(u), Seq: u.seq}
	}
	return views, last, false
}

// matching returns the users that f selects behind a mark, and the index that orders them. No filter means everybody.
func (s *search) matching(f *filter, after mark) (*index, iter.Seq[*user]) {
	if f == nil {
		f = &filter{attribute: "sub", prefix: true}
	}
	ix := s.indexes[f.attribute]
	start := after
	if start == (mark{}) {
		start.Key = f.value
	}
	matches := func(value string) bool { return ix.order(value, f.value) == 0 }
	if f.prefix {
		begins := hasPrefix(ix.order)
		matches = func(value string) bool { return begins(value, f.value) }
	}
	return ix, func(yield func(*user) bool) {
		for u := range ix.from(func(u *user) bool { return cmp.Or(ix.order(ix.seen(u), start.Key), cmp.Compare(u.seq, start.Seq)) > 0 }) {
			if !matches(ix.seen(u)) || !yield(u) {
				return
			}
		}
	}
}
