package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/store"
)

// childURL names the store that a child process, which is this test binary, is to write to.
const childURL = "STORE_TEST_CHILD_URL"

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		if err := writeForever(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeForever writes users, memberships and journal entries, and prints the number of each transaction when it is
// committed.
func writeForever(url string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{URL: url, Trees: trees})
	if err != nil {
		return err
	}
	dir, err := s.Directory(ctx, "eu-west-1_pool", epoch)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		err := dir.Update(ctx, func(tx *store.Tx) error {
			u, err := tx.Put(user(number("u-", i), number("name", i)))
			if err != nil {
				return err
			}
			g, err := tx.Put(group(number("g-", i), number("G", i)))
			if err != nil {
				return err
			}
			if err := tx.AddMember(g.Seq, u.Seq, epoch); err != nil {
				return err
			}
			_, err = tx.JournalPut(store.Entry{Key: number("User/", i), Body: []byte("{}")})
			return err
		})
		if err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// child starts writeForever and returns what it prints.
func child(t *testing.T, url string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childURL+"="+url)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// TestKilled kills a process in the midst of writing: all that it has reported is there, nothing is in pieces, and
// while it lived, nobody else could open the file.
func TestKilled(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "store.db")
	for round := range 3 {
		cmd, lines := child(t, url)
		last := -1
		for range 20 + 7*round {
			if !lines.Scan() {
				t.Fatalf("the child ended: %v", lines.Err())
			}
			last = must(strconv.Atoi(lines.Text()))(t)
		}
		if _, err := store.Open(t.Context(), store.Config{URL: url, Trees: trees}); !errors.Is(err, store.ErrInUse) {
			t.Errorf("while another process has it: got %v, want ErrInUse", err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it had still printed was committed, too
			last = must(strconv.Atoi(lines.Text()))(t)
		}
		if err := cmd.Wait(); err == nil {
			t.Error("the child: got a clean end, want a kill")
		}
		checkKilled(t, url, last)
	}
}

func checkKilled(t *testing.T, url string, last int) {
	t.Helper()
	f := &fixture{TB: t, clock: &clock{}, cfg: store.Config{URL: url, Trees: trees}}
	f.openAgain()
	for i := range last + 1 {
		u := f.get(store.User, number("u-", i))
		if got := must(f.dir.Groups(t.Context(), u))(t); len(got) != 1 || got[0].ID != number("g-", i) {
			t.Errorf("groups of %s: got %v, want %s", u.ID, got, number("g-", i))
		}
		if _, err := f.dir.JournalByKey(t.Context(), number("User/", i)); err != nil {
			t.Errorf("journal %d: got %v, want an entry", i, err)
		}
	}
	if err := f.Check(t.Context()); err != nil {
		t.Errorf("consistency: got %v, want nil", err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("Close: got %v, want nil", err)
	}
}

// TestOpenTwice: the second is refused, and that takes nothing from the first.
func TestOpenTwice(t *testing.T) {
	t.Parallel()
	f := open(t)
	_, err := store.Open(t.Context(), f.cfg)
	if !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("second Open: got %v, want ErrInUse that says why", err)
	}
	cmd, lines := child(t, f.cfg.URL)
	if lines.Scan() {
		t.Errorf("a child process, after that: got %q, want it to be refused, too", lines.Text())
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child: got a clean end, want an error")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.openAgain()
}

// TestOpenRefuses shows each way in which a store cannot be opened, and what the operator then reads.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		url   func(t *testing.T) string
		is    error
		wants string
	}{
		{"no scheme", fixed("/var/lib/store.db"), nil, "must be sqlite: followed by"},
		{"another database", fixed("postgres://localhost/x"), nil, "must be sqlite: followed by"},
		{"memory", fixed("sqlite::memory:"), nil, "does not name a file"},
		{"no path", fixed("sqlite:"), nil, "does not name a file"},
		{"no folder", func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "missing", "store.db") }, os.ErrNotExist, "missing"},
		{"not a database", broken(func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("SCIM ", 1000)), 0o600) }), store.ErrCorrupt, "remove it"},
		{"overwritten pages", broken(overwrite), store.ErrCorrupt, "remove it"},
		{"newer schema", broken(pretendNewer), store.ErrNewer, "version 99"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(t.Context(), store.Config{URL: tt.url(t), Trees: trees})
			if err == nil {
				t.Fatalf("Open: got nil, want an error; Close: %v", s.Close())
			}
			if tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.wants) {
				t.Errorf("Open: got %q, want %v and %q", err, tt.is, tt.wants)
			}
		})
	}
}

func fixed(url string) func(*testing.T) string { return func(*testing.T) string { return url } }

// broken makes a store, closes it and damages the file.
func broken(damage func(path string) error) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		url := "sqlite:" + filepath.Join(t.TempDir(), "store.db")
		s := must(store.Open(t.Context(), store.Config{URL: url, Trees: trees}))(t)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := damage(strings.TrimPrefix(url, "sqlite:")); err != nil {
			t.Fatal(err)
		}
		return url
	}
}

// overwrite destroys all pages after the file's header.
func overwrite(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil {
		_, err = file.WriteAt([]byte(strings.Repeat("\xA5", int(info.Size())-100)), 100)
	}
	return errors.Join(err, file.Close())
}

func pretendNewer(path string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	return errors.Join(err, db.Close())
}

// TestFileIsPrivate: the file and those that SQLite puts beside it hold personal data.
func TestFileIsPrivate(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	f := open(t)
	f.put(user("u-1", "alice"))
	path := strings.TrimPrefix(f.cfg.URL, "sqlite:")
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 4 {
		t.Fatalf("files: got %q, %v, want the database, its lock, WAL and index", files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s: got %v, want 0600", file, got)
		}
	}
}

// TestPathNeedsEscaping: a path may hold what means something in a URL.
func TestPathNeedsEscaping(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "50% & more?x=#1 ü.db")
	s := must(store.Open(t.Context(), store.Config{URL: "sqlite:" + path, Trees: trees}))(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("the file: got %v, %v, want one that is not empty", info, err)
	}
}

func TestOpenNeedsTrees(t *testing.T) {
	t.Parallel()
	_, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "store.db")})
	if err == nil || !strings.Contains(err.Error(), "no definitions of Users") {
		t.Errorf("without trees: got %v, want an error that names Users", err)
	}
}

// TestMigrationsAreRepeatable: a store that is up to date is opened without changing anything.
func TestMigrationsAreRepeatable(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.put(user("u-1", "alice"))
	before := f.get(store.User, "u-1")
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		f.openAgain()
	}
	if got := f.get(store.User, "u-1"); got.Seq != before.Seq || got.Version != before.Version {
		t.Errorf("after opening again: got %+v, want %+v", got, before)
	}
}

// TestSortKeysAreAdded: a store of the time before lists were sorted by an index has what it needs after it was opened.
func TestSortKeysAreAdded(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.fill(2500) // more than are read at a time
	q := store.Query{Kind: store.User, Sort: path(t, "displayName"), Desc: true, Count: 3000}
	want, _ := f.list(q)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	db := must(sql.Open("sqlite", strings.TrimPrefix(f.cfg.URL, "sqlite:")))(t)
	for _, undo := range []string{"DELETE FROM term WHERE attr > 8", "DROP INDEX resource_created", "DROP INDEX resource_modified",
		"ALTER TABLE resource DROP COLUMN links", "DROP TABLE guard", "DROP TABLE guarded", "ALTER TABLE activity ADD COLUMN status BIGINT NOT NULL DEFAULT 0",
		"ALTER TABLE directory DROP COLUMN policy", "DELETE FROM goose_db_version WHERE version_id > 1"} {
		if _, err := db.Exec(undo); err != nil {
			t.Fatalf("%s: %v", undo, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	f.openAgain()
	if got, _ := f.list(q); !slices.Equal(got, want) || len(got) == 0 {
		t.Errorf("sorted afterwards: got %d rows from %q, want %d from %q", len(got), first(got), len(want), first(want))
	}
}
