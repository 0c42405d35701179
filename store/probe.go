package store

import (
	"database/sql"
	"math"
	"unicode/utf8"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// probe is a look-up that finds every listed row for which a comparison holds.
type probe struct {
	by        probeKind
	code      int    // of the index, for probeTerm and probeRange
	value     string // an id, a term, the id at the other end of a membership, or the first term of a range
	end       string // the first term behind a range
	whole     bool   // of ids: compared byte for byte; otherwise value is folded
	low, high int64  // of probeCreated and probeModified: Unix milliseconds, both included
}

type probeKind uint8

const (
	probeID       probeKind = iota // the row with an id
	probeTerm                      // the rows with a term
	probeMember                    // the groups of a user, or the users of a group
	probeRange                     // the rows with a term in a range
	probeCreated                   // the rows created within a time
	probeModified                  // the rows changed within a time
)

// cost is a guess at how many rows a probe finds.
func (p probe) cost() int { return [...]int{1, 4, 100, 10_000, 100_000, 100_000}[p.by] }

// probePrefix is the probe for the values of an index that begin with a text; ok is false when no text ends their range.
func probePrefix(x index, prefix string) (p probe, ok bool) {
	if !x.exact {
		prefix = filter.Fold(prefix)
	}
	end, ok := behind(prefix)
	return probe{by: probeRange, code: x.code, value: prefix, end: end}, ok
}

// behind returns the least text that is greater than all that begin with prefix.
func behind(prefix string) (string, bool) {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch last {
		case utf8.MaxRune: // has no successor, so that of the rune before counts
		case 0xD7FF:
			return prefix + "\uE000", true // what lies between are surrogates
		default:
			return prefix + string(last+1), true
		}
	}
	return "", false
}

// probeTimes is the probe for a comparison with meta.created or meta.lastModified, which are stored in milliseconds,
// whereas filters may name any instant.
func probeTimes(attr *attribute.Attribute, op filter.Op, text string) (p probe, ok bool) {
	switch attr.Path() {
	case "meta.created":
		p.by = probeCreated
	case "meta.lastModified":
		p.by = probeModified
	default:
		return p, false
	}
	at, err := filter.Instant(text)
	if err != nil {
		return p, false
	}
	floor, before := at.UnixMilli(), at.UnixMilli() // the last millisecond up to at, and before it
	first := floor                                  // the first one from at on
	if at.Nanosecond()%1e6 == 0 {
		before--
	} else {
		first++
	}
	p.low, p.high = math.MinInt64, math.MaxInt64
	switch op {
	case filter.Eq:
		p.low, p.high = first, floor // none when at lies between two milliseconds
	case filter.Gt:
		p.low = floor + 1
	case filter.Ge:
		p.low = first
	case filter.Lt:
		p.high = before
	case filter.Le:
		p.high = floor
	default:
		return p, false
	}
	return p, true
}

// How probes are carried out. The order of what they find does not matter.
const (
	withTerm     = "SELECT seq FROM term WHERE dir = ? AND attr = ? AND value = ?"
	withTerms    = "SELECT seq FROM term WHERE dir = ? AND attr = ? AND value >= ? AND value < ?"
	withCreated  = "SELECT seq FROM resource WHERE dir = ? AND kind = ? AND state = 1 AND created >= ? AND created <= ?"
	withModified = "SELECT seq FROM resource WHERE dir = ? AND kind = ? AND state = 1 AND modified >= ? AND modified <= ?"
)

// seqs returns the rows that the probe finds; exact: for all of them the comparison holds.
func (p probe) seqs(c *conn, dir int64, kind Kind) (found []int64, exact bool, err error) {
	switch p.by {
	case probeID:
		found, err = idSeqs(c, dir, kind, p.value, p.whole)
	case probeTerm:
		found, err = seqs(c, withTerm, dir, p.code, p.value)
		exact = true
	case probeMember:
		found, err = p.memberSeqs(c, dir, kind)
	case probeRange:
		return p.rangeSeqs(c, dir)
	case probeCreated:
		found, err = seqs(c, withCreated, dir, kind, p.low, p.high)
		exact = true
	case probeModified:
		found, err = seqs(c, withModified, dir, kind, p.low, p.high)
		exact = true
	}
	return found, exact, err
}

// rangeSeqs finds those, too, whose values only stand as hashes among the terms: they may begin with anything.
func (p probe) rangeSeqs(c *conn, dir int64) (found []int64, exact bool, err error) {
	end, _ := behind(termHash)
	hashed, err := seqs(c, withTerms, dir, p.code, termHash, end)
	if err != nil {
		return nil, false, err
	}
	found, err = seqs(c, withTerms, dir, p.code, p.value, p.end)
	return append(found, hashed...), len(hashed) == 0, err
}

// memberSeqs may find rows that are not listed.
func (p probe) memberSeqs(c *conn, dir int64, kind Kind) ([]int64, error) {
	query, other := "SELECT grp FROM member WHERE usr = ?", User
	if kind == User {
		query, other = "SELECT usr FROM member WHERE grp = ?", Group
	}
	ends, err := idSeqs(c, dir, other, p.value, p.whole)
	if err != nil {
		return nil, err
	}
	var found []int64
	for _, end := range ends {
		some, err := seqs(c, query, end)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found, nil
}

// idSeqs returns the listed rows with an id, which is folded unless whole. Ids that are not their own folding, which is
// rare, have a term.
func idSeqs(c *conn, dir int64, kind Kind, id string, whole bool) ([]int64, error) {
	found, err := seqs(c, "SELECT seq FROM resource WHERE dir = ? AND kind = ? AND id = ? AND state = 1", dir, kind, id)
	if err != nil || whole {
		return found, err
	}
	folded, err := seqs(c, withTerm, dir, idCode(kind), (index{}).term(id))
	return append(found, folded...), err
}

// seqs reads a column of seqs.
func seqs(c *conn, query string, args ...any) ([]int64, error) {
	var found []int64
	err := collect(c, func(rows *sql.Rows) error {
		var seq int64
		err := rows.Scan(&seq)
		found = append(found, seq)
		return err
	}, query, args...)
	return found, err
}
