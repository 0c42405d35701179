// Package store remembers: the mirror of each directory (a Cognito user pool in SCIM form, indexed for what SCIM must
// answer and Cognito cannot), the journal of unfinished work, the answers owed to repeated requests, and the activity
// of past ones. The pool stays the source of truth; a mirror can be dropped and rebuilt from it.
//
// Everything lives in one SQLite file, written by one process at a time. Reads run on several connections and see a
// snapshot; writes are transactions of one connection, which concurrent callers share (see Directory.Update). When
// Update has returned, every later read sees the write.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

// What callers decide by.
var (
	// ErrNotFound says that there is no such row, entry or answer.
	ErrNotFound = errors.New("store: not found")
	// ErrInUse says that another process, or another Store of this one, has the file open.
	ErrInUse = errors.New("store: in use")
	// ErrNewer says that a newer version of the program has changed the file's schema.
	ErrNewer = errors.New("store: schema is newer than this program")
	// ErrCorrupt says that the file is damaged, or not a database.
	ErrCorrupt = errors.New("store: corrupt")
	// ErrClosed says that Close has been called.
	ErrClosed = errors.New("store: closed")
)

// Config says where the store is and what it needs to know. URL and Trees are required.
type Config struct {
	// URL is "sqlite:" and the path of a file, which is created, readable by its owner alone, if it is not there; its
	// folder must exist and be on a local disk. What is to be forgotten afterwards goes to a file in a temporary
	// folder: SQLite's own memory modes fail with more than one connection.
	URL string
	// Trees holds the definitions of users and of groups, which say how filters compare.
	Trees map[Kind]*attribute.Tree
	// Clock tells the time. nil: time.Now.
	Clock func() time.Time
	// Logger gets what no caller is there to be told: activity that could not be written. nil: slog.Default().
	Logger *slog.Logger
	// Readers is the number of connections for reading, of which scans may take half. 0: 4, or one per CPU if there
	// are more.
	Readers int
	// ActivityAge and ActivityCount bound the activity: what is older, or has so many newer ones, is removed.
	// 0: 30 days, and 100,000.
	ActivityAge   time.Duration
	ActivityCount int
}

// Store is an open store. It is safe for concurrent use.
type Store struct {
	cfg     Config
	indexes indexes
	file    *sqliteFile
	readers chan *conn
	scans   chan struct{} // a scan holds one: they never take all readers
	writer  *writer
	closed  chan struct{}

	mu          sync.Mutex
	directories map[string]*Directory // by name

	activity activityQueue
}

// Open opens the file that cfg.URL names, creating it or bringing its schema up to date. It fails with ErrInUse,
// ErrNewer or ErrCorrupt in the error's chain where these are the cause.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Readers == 0 {
		cfg.Readers = max(4, runtime.GOMAXPROCS(0))
	}
	if cfg.ActivityAge == 0 {
		cfg.ActivityAge = 30 * 24 * time.Hour
	}
	if cfg.ActivityCount == 0 {
		cfg.ActivityCount = 100_000
	}
	ix, err := newIndexes(cfg.Trees)
	if err != nil {
		return nil, err
	}
	file, err := openSQLite(ctx, cfg.URL, cfg.Readers, ix)
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", cfg.URL, err)
	}
	s := &Store{
		cfg:         cfg,
		indexes:     ix,
		file:        file,
		readers:     make(chan *conn, cfg.Readers),
		scans:       make(chan struct{}, max(1, cfg.Readers/2)),
		closed:      make(chan struct{}),
		directories: map[string]*Directory{},
	}
	for _, c := range file.readers {
		s.readers <- c
	}
	s.writer = newWriter(file.writer, s.closed)
	return s, nil
}

// Close writes the activity that is still waiting, waits for the calls under way and closes the file. Calls made
// afterwards fail with ErrClosed, and so does a second Close.
func (s *Store) Close() error {
	s.mu.Lock()
	select {
	case <-s.closed:
		s.mu.Unlock()
		return ErrClosed
	default:
	}
	flushed := s.closeActivity()
	close(s.closed)
	s.mu.Unlock()
	s.writer.close()
	for range s.cfg.Readers {
		<-s.readers
	}
	return errors.Join(flushed, s.file.close())
}

func (s *Store) now() int64 { return ms(s.cfg.Clock()) }

// read calls f with a connection for reading, waiting for one if need be. Only the wait ends with ctx: what f asks is
// short, or looks at ctx between its parts, since an interrupted connection would have to be replaced.
func (s *Store) read(ctx context.Context, f func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c := <-s.readers:
		defer func() { s.readers <- c }()
		return f(c)
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return ErrClosed
	}
}

// snapshot is read within one transaction: everything f reads is of one moment.
func (s *Store) snapshot(ctx context.Context, f func(*conn) error) error {
	return s.read(ctx, func(c *conn) (err error) {
		if err := c.exec("BEGIN"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.exec("ROLLBACK")) }()
		return f(c)
	})
}

// slow waits for the right to occupy a reader for long.
func (s *Store) slow(ctx context.Context) (done func(), err error) {
	select {
	case s.scans <- struct{}{}:
		return func() { <-s.scans }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// collect reads all rows of a query, each by scan.
func collect(c *conn, scan func(*sql.Rows) error, query string, args ...any) (err error) {
	rows, err := c.query(query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, translate(rows.Close())) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return translate(rows.Err())
}
