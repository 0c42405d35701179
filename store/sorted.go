package store

import (
	"database/sql"
	"math"
)

// How a page of a sorted list is read from an index, forward and back. What is stepped over costs up to half
// a microsecond a row, which positions spare. Sort keys are terms with codes of their own; see term.go.
const (
	byKey        = "SELECT value, seq FROM term WHERE dir = ? AND attr = ? AND (value, seq) > (?, ?) ORDER BY value, seq LIMIT ? + 0 OFFSET ?"
	byKeyDesc    = "SELECT value, seq FROM term WHERE dir = ? AND attr = ? AND (value, seq) < (?, ?) ORDER BY value DESC, seq DESC LIMIT ? + 0 OFFSET ?"
	byBirth      = "SELECT created, seq FROM resource WHERE dir = ? AND kind = ? AND state = 1 AND (created, seq) > (?, ?) ORDER BY created, seq LIMIT ? + 0 OFFSET ?"
	byBirthDesc  = "SELECT created, seq FROM resource WHERE dir = ? AND kind = ? AND state = 1 AND (created, seq) < (?, ?) ORDER BY created DESC, seq DESC LIMIT ? + 0 OFFSET ?"
	byChange     = "SELECT modified, seq FROM resource WHERE dir = ? AND kind = ? AND state = 1 AND (modified, seq) > (?, ?) ORDER BY modified, seq LIMIT ? + 0 OFFSET ?"
	byChangeDesc = "SELECT modified, seq FROM resource WHERE dir = ? AND kind = ? AND state = 1 AND (modified, seq) < (?, ?) ORDER BY modified DESC, seq DESC LIMIT ? + 0 OFFSET ?"
)

// timeOrders are the statements for the attributes that have a column: ascending and descending.
var timeOrders = map[string][2]string{
	"meta.created":      {byBirth, byBirthDesc},
	"meta.lastModified": {byChange, byChangeDesc},
}

// indexed reports whether an index holds all rows of the kind in this order.
func (o *order) indexed() bool {
	_, isTerm := o.d.s.indexes.sort(o.kind, o.attr().Path())
	_, isTime := timeOrders[o.attr().Path()]
	return isTerm || isTime
}

// walk reads so many positions from the index, behind after and then behind the first skip of them.
func (o *order) walk(c *conn, after *Position, skip, count int) ([]Position, error) {
	if x, ok := o.d.s.indexes.sort(o.kind, o.attr().Path()); ok {
		return o.walkTerms(c, x.code, after, skip, count)
	}
	return o.walkTimes(c, after, skip, count)
}

func (o *order) walkTerms(c *conn, code int, after *Position, skip, count int) (found []Position, err error) {
	query, from := byKey, Position{}
	if o.desc {
		query, from.Key = byKeyDesc, beyond
	}
	if after != nil {
		from = *after
	}
	err = collect(c, func(rows *sql.Rows) error {
		var p Position
		err := rows.Scan(&p.Key, &p.Seq)
		found = append(found, p)
		return err
	}, query, o.d.dir, code, from.Key, from.Seq, count, skip)
	return found, err
}

func (o *order) walkTimes(c *conn, after *Position, skip, count int) (found []Position, err error) {
	queries := timeOrders[o.attr().Path()]
	query, from, seq := queries[0], int64(math.MinInt64), int64(0)
	if o.desc {
		query, from = queries[1], math.MaxInt64
	}
	if after != nil {
		seq = after.Seq
		if from, err = timeOfKey(after.Key); err != nil {
			return nil, err
		}
	}
	err = collect(c, func(rows *sql.Rows) error {
		var at int64
		var p Position
		err := rows.Scan(&at, &p.Seq)
		p.Key = keyOfTime(at)
		found = append(found, p)
		return err
	}, query, o.d.dir, o.kind, from, seq, count, skip)
	return found, err
}
