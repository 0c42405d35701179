package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlitecode "modernc.org/sqlite/lib"
)

// pragmas of every connection.
//
//   - WAL lets readers go on while a transaction is written.
//   - synchronous FULL: a commit is on the disk when Update returns. A killed process loses nothing with NORMAL either,
//     but after a power failure the mirror would be a moment older than what clients were answered, still claiming to be
//     verified, and a change back to that older state would be taken for no change. Concurrent writers share the cost of
//     a commit, and the pool's quota allows a few dozen of them a second.
//   - mmap_size 0: mapped pages count as the process's memory, gigabytes of them for a large mirror.
//   - busy_timeout bridges the moment in which the WAL is recovered or reset.
var pragmas = []string{
	"busy_timeout(5000)",
	"journal_mode(WAL)",
	"synchronous(FULL)",
	"mmap_size(0)",
	"cache_size(-4096)",
	"journal_size_limit(67108864)",
}

// sqliteFile is an open database file: one connection that writes, several that read, and the lock that keeps other
// processes from writing.
type sqliteFile struct {
	lock    *sql.DB
	db      *sql.DB
	writer  *conn
	readers []*conn
}

func openSQLite(ctx context.Context, rawURL string, readers int, ix indexes) (_ *sqliteFile, err error) {
	path, err := sqlitePath(rawURL)
	if err != nil {
		return nil, err
	}
	f := &sqliteFile{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	for _, name := range []string{path, path + ".lock"} {
		if err := touch(name); err != nil {
			return nil, err
		}
	}
	if f.lock, err = lockFile(ctx, path+".lock"); err != nil {
		return nil, err
	}
	if f.db, err = sql.Open("sqlite", dsn(path, pragmas...)); err != nil {
		return nil, err
	}
	if err := migrate(ctx, f.db, ix); err != nil {
		return nil, translate(err)
	}
	if f.writer, err = newConn(ctx, f.db); err != nil {
		return nil, err
	}
	for range readers {
		c, err := newConn(ctx, f.db)
		if err != nil {
			return nil, err
		}
		f.readers = append(f.readers, c)
		if err := c.exec("PRAGMA query_only = 1"); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *sqliteFile) close() error {
	var errs []error
	for _, c := range f.readers {
		errs = append(errs, c.close())
	}
	if f.writer != nil { // last, for the last connection folds the WAL into the file
		errs = append(errs, f.writer.close())
	}
	for _, db := range []*sql.DB{f.db, f.lock} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// sqlitePath returns the path in a "sqlite:" URL.
func sqlitePath(rawURL string) (string, error) {
	path, ok := strings.CutPrefix(rawURL, "sqlite:")
	switch {
	case !ok:
		return "", fmt.Errorf("%q is not a store: it must be sqlite: followed by the path of a file", rawURL)
	case path == "" || path == ":memory:" || strings.HasPrefix(path, "file:"):
		return "", fmt.Errorf("%q does not name a file: sqlite: must be followed by the path of one", rawURL)
	}
	return filepath.Abs(path)
}

// touch creates a file that only its owner may read, for it will hold personal data. SQLite gives the files that it
// puts beside it the same permissions. A file that is there is not even opened: to close it again would end all locks
// that this process has on it (POSIX, fcntl).
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

func dsn(path string, pragmas ...string) string {
	u := url.URL{Path: filepath.ToSlash(path)}
	q := url.Values{"_pragma": pragmas, "_error_rc": {"1"}, "_dqs": {"0"}}
	return "file:" + u.EscapedPath() + "?" + q.Encode()
}

// lockFile holds SQLite's exclusive lock on a file of its own, which works on every system, within one process too,
// and ends with the process. The database itself cannot be locked so, for readers must get at it.
func lockFile(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // the one that holds the lock
	if _, err := db.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		if code(err) == sqlitecode.SQLITE_BUSY {
			err = fmt.Errorf("%w: another process writes to it, and only one may at a time; stop that one, or give this one a file of its own", ErrInUse)
		}
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// code returns SQLite's primary result code, 0 when err is not SQLite's.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// translate marks the errors that say that the file is damaged.
func translate(err error) error {
	switch code(err) {
	case sqlitecode.SQLITE_CORRUPT, sqlitecode.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w; restore the file from a backup, or remove it: the mirror is then built anew from the pool, unfinished work and activity are lost", ErrCorrupt, err)
	}
	return err
}

// conn is a connection with its prepared statements. Only one goroutine uses it at a time. It passes no context on:
// see Store.read.
type conn struct {
	c     *sql.Conn
	stmts map[string]*sql.Stmt
}

func newConn(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, translate(err)
	}
	return &conn{c: c, stmts: map[string]*sql.Stmt{}}, nil
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.c.Close())...)
}

// stmt returns the prepared statement, which is kept: queries are constants. They say "LIMIT ? + 0", for with a bare
// "LIMIT ?" SQLite makes the plan depend on the value and prepares the statement anew each time, at five times the cost.
func (c *conn) stmt(query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, translate(err)
	}
	c.stmts[query] = s
	return s, nil
}

func (c *conn) exec(query string, args ...any) error {
	_, err := c.changed(query, args...)
	return err
}

// changed executes a statement and returns how many rows it changed.
func (c *conn) changed(query string, args ...any) (int64, error) {
	s, err := c.stmt(query)
	if err != nil {
		return 0, err
	}
	res, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, translate(err)
	}
	return res.RowsAffected()
}

func (c *conn) query(query string, args ...any) (*sql.Rows, error) {
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	return rows, translate(err)
}

// one is the variables of a query that returns at most one row.
type one []any

// one reads that row into dest; ErrNotFound when there is none.
func (c *conn) one(query string, args one, dest ...any) error {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	err = s.QueryRowContext(context.Background(), args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return translate(err)
}
