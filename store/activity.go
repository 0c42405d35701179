package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Activity is the record of one SCIM request: who asked, for what, what was planned, how it ended. It never holds
// resources, tokens or passwords.
type Activity struct {
	At         time.Time // to the millisecond; zero: now
	RequestID  string
	Connection string // "" when the request was not authenticated
	Method     string
	Kind       Kind   // 0: neither users nor groups
	ID         string // SCIM id, "" when unknown
	Plan       []string
	Outcome    string // in a word or a sentence
	Notes      []string
}

const (
	activityDelay = time.Second // how long records wait for others, so that they cost one commit together
	activityBatch = 256         // as many are written without waiting on
)

// activityQueue holds the records that are still to be written.
type activityQueue struct {
	mu      sync.Mutex
	waiting []Activity
	timer   *time.Timer // runs while records wait
	closed  bool
	writing sync.Mutex // held while records are written, which keeps them in order
}

// Record notes what a request did. It returns at once, but for one caller in activityBatch, who writes for all: records
// are written together, within about a second and by Close. A process that is killed loses those still waiting; they
// are for people to read, nothing is decided by them. What cannot be written later goes to the Logger. The oldest
// beyond Config.ActivityAge and Config.ActivityCount are removed.
func (s *Store) Record(ctx context.Context, a Activity) error {
	if a.At.IsZero() {
		a.At = s.cfg.Clock()
	}
	if n, err := s.activity.add(a, s.flushLater); err != nil || n < activityBatch {
		return err
	}
	return s.flushActivity(ctx)
}

// add puts a record in the queue, starts the timer unless it runs, and returns how many records wait.
func (q *activityQueue) add(a Activity, flush func()) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0, ErrClosed
	}
	q.waiting = append(q.waiting, a)
	if q.timer == nil {
		q.timer = time.AfterFunc(activityDelay, flush)
	}
	return len(q.waiting), nil
}

// take empties the queue.
func (q *activityQueue) take() []Activity {
	q.mu.Lock()
	defer q.mu.Unlock()
	records := q.waiting
	q.waiting = nil
	if q.timer != nil {
		q.timer.Stop()
		q.timer = nil
	}
	return records
}

func (s *Store) flushLater() {
	if err := s.flushActivity(context.Background()); err != nil {
		s.cfg.Logger.Error("activity lost", "error", err)
	}
}

// closeActivity writes what waits and takes no more.
func (s *Store) closeActivity() error {
	s.activity.mu.Lock()
	s.activity.closed = true
	s.activity.mu.Unlock()
	return s.flushActivity(context.Background())
}

// flushActivity writes the waiting records in one transaction. They are lost when that fails: kept, they would pile up
// for as long as the disk is full.
func (s *Store) flushActivity(ctx context.Context) error {
	q := &s.activity
	q.writing.Lock()
	defer q.writing.Unlock()
	records := q.take()
	if len(records) == 0 {
		return nil
	}
	err := s.writer.do(context.WithoutCancel(ctx), func(c *conn) error {
		for _, a := range records {
			if err := insertActivity(c, a); err != nil {
				return err
			}
		}
		return s.pruneActivity(c)
	})
	if err != nil {
		return fmt.Errorf("writing %d records of activity: %w", len(records), err)
	}
	return nil
}

func insertActivity(c *conn, a Activity) error {
	plan, err := json.Marshal(a.Plan)
	if err != nil {
		return err
	}
	notes, err := json.Marshal(a.Notes)
	if err != nil {
		return err
	}
	return c.exec("INSERT INTO activity (at, request, connection, method, kind, id, plan, outcome, notes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		ms(a.At), a.RequestID, a.Connection, a.Method, a.Kind, a.ID, string(plan), a.Outcome, string(notes))
}

// pruneActivity keeps the bounds. Seqs ascend without large gaps, so the newest tells which are too many.
func (s *Store) pruneActivity(c *conn) error {
	if err := c.exec("DELETE FROM activity WHERE at < ?", s.now()-s.cfg.ActivityAge.Milliseconds()); err != nil {
		return err
	}
	return c.exec("DELETE FROM activity WHERE seq <= (SELECT MAX(seq) FROM activity) - ?", s.cfg.ActivityCount)
}

// ActivityQuery asks for records. Zero fields do not restrict.
type ActivityQuery struct {
	RequestID  string
	Connection string
	Kind       Kind
	ID         string
	Before     int64 // only records older than the one with this Seq: the next page
	Limit      int   // at most so many; 0: 100
}

// Recorded is a stored Activity.
type Recorded struct {
	Seq int64 // ascending
	Activity
}

// Activities returns records, newest first, among them all that were noted before the call.
func (s *Store) Activities(ctx context.Context, q ActivityQuery) ([]Recorded, error) {
	if err := s.flushActivity(ctx); err != nil {
		return nil, err
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	if q.Before == 0 {
		q.Before = 1 << 62
	}
	var list []Recorded
	err := s.read(ctx, func(c *conn) error {
		return collect(c, func(rows *sql.Rows) error {
			var r Recorded
			var at int64
			var plan, notes []byte
			err := rows.Scan(&r.Seq, &at, &r.RequestID, &r.Connection, &r.Method, &r.Kind, &r.ID, &plan, &r.Outcome, &notes)
			r.At = fromMS(at)
			list = append(list, r)
			last := &list[len(list)-1]
			return errors.Join(err, json.Unmarshal(plan, &last.Plan), json.Unmarshal(notes, &last.Notes))
		}, `SELECT seq, at, request, connection, method, kind, id, plan, outcome, notes FROM activity
			WHERE seq < ? AND (? = '' OR request = ?) AND (? = '' OR connection = ?) AND (? = 0 OR kind = ?) AND (? = '' OR id = ?)
			ORDER BY seq DESC LIMIT ? + 0`,
			q.Before, q.RequestID, q.RequestID, q.Connection, q.Connection, q.Kind, q.Kind, q.ID, q.ID, q.Limit)
	})
	return list, err
}
