// Package oracle holds no code: its tests compare our filters and PATCH with other implementations.
package oracle_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// oracle is a process of testdata/oracle.mjs: npm's scim2-parse-filter and scim-patch, two implementations that
// share nothing with ours. They know no schema, and are wrong here and there; so a test does not ask them for the truth
// but explains every difference by a sentence of an RFC. See lesson.
type oracle struct {
	t     *testing.T
	in    io.Writer
	out   *bufio.Reader
	stuff *bytes.Buffer // what it says on stderr
}

// newOracle starts the process, or skips the test where node or the packages are missing.
func newOracle(t *testing.T) *oracle {
	t.Helper()
	folder := "testdata"
	if _, err := exec.LookPath("node"); err != nil {
		pooltest.Needed(t, "there is no node: install Node.js 20 or newer")
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "scim-patch")); err != nil {
		pooltest.Needed(t, "there is no scim-patch: install it with npm ci --prefix schemas/oracle/testdata")
	}
	cmd := exec.Command("node", "oracle.mjs")
	cmd.Dir = folder
	o := &oracle{t: t, stuff: &bytes.Buffer{}}
	cmd.Stderr = o.stuff
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	o.in, o.out = in, bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting node: %v", err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Errorf("closing the oracle's input: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the oracle ended: %v\n%s", err, o.stuff)
		}
	})
	return o
}

// usualSeed gives questions among which there is one for every lesson.
const usualSeed = 1

// seedOf is what the questions are made from: SCIM_ORACLE_SEED asks others than usual.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("SCIM_ORACLE_SEED")
	if text == "" {
		return usualSeed
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("SCIM_ORACLE_SEED: %v", err)
	}
	return seed
}

// answer is what the oracle says; one of the fields is set.
type answer struct {
	Tree     any            `json:"tree"`
	Matches  *bool          `json:"matches"`
	Resource map[string]any `json:"resource"`
	Refused  string         `json:"refused"`
}

// ask puts a question and waits for its answer.
func (o *oracle) ask(question map[string]any) answer {
	o.t.Helper()
	line, err := json.Marshal(question)
	if err != nil {
		o.t.Fatalf("encoding %v: %v", question, err)
	}
	if _, err := o.in.Write(append(line, '\n')); err != nil {
		o.t.Fatalf("asking the oracle %s: %v\n%s", line, err, o.stuff)
	}
	said, err := o.out.ReadBytes('\n')
	if err != nil {
		o.t.Fatalf("asking the oracle %s: %v\n%s", line, err, o.stuff)
	}
	dec := json.NewDecoder(bytes.NewReader(said))
	dec.UseNumber()
	var a answer
	if err := dec.Decode(&a); err != nil {
		o.t.Fatalf("asking the oracle %s: got %s: %v", line, said, err)
	}
	return a
}

// lesson is a sentence of an RFC that the oracle does not know. Q is a question with all that belongs to it; teach asks
// it so that the sentence is in it. A difference is explained when the oracle agrees once it has been taught all
// lessons, and a lesson belongs into its table only while there is a difference that goes on without it.
type lesson[Q any] struct {
	sentence string
	teach    func(Q) Q
}

// lessons tells which lessons are needed, while differences are explained.
type lessons[Q any] struct {
	table         []lesson[Q]
	needed        map[string]int
	agreed, wrong int
}

// settle explains one difference, or complains about it. differs says how the oracle differs from us on a question, ""
// if it does not.
func (l *lessons[Q]) settle(t *testing.T, q Q, differs func(Q) string) {
	t.Helper()
	if l.needed == nil {
		l.needed = map[string]int{}
	}
	first := differs(q)
	if first == "" {
		l.agreed++
		return
	}
	if still := differs(l.taught(q, "")); still != "" {
		if l.wrong++; l.wrong <= 10 {
			t.Errorf("%s\nand, taught all lessons: %s", first, still)
		}
		return
	}
	for _, lesson := range l.table {
		if l.needed[lesson.sentence] < 3 && differs(l.taught(q, lesson.sentence)) != "" {
			l.needed[lesson.sentence]++
		}
	}
}

// taught asks a question with all lessons but one.
func (l *lessons[Q]) taught(q Q, but string) Q {
	for _, lesson := range l.table {
		if lesson.sentence != but {
			q = lesson.teach(q)
		}
	}
	return q
}

// report complains about lessons that nothing needs, which would hide what comes later.
func (l *lessons[Q]) report(t *testing.T, what string, total int) {
	t.Helper()
	t.Logf("%s, seed %d: %d asked, %d answered as we do, %d after lessons, %d never", what, seedOf(t), total, l.agreed, total-l.agreed-l.wrong, l.wrong)
	for _, lesson := range l.table {
		if l.needed[lesson.sentence] == 0 && seedOf(t) == usualSeed {
			t.Errorf("no difference needs this lesson, take it out: %s", lesson.sentence)
		}
	}
	if l.agreed < total/4 {
		t.Errorf("answered as we do: got %d of %d, want a quarter at least, or the oracle says little", l.agreed, total)
	}
}

// rewritten returns a copy of a filter, in which each comparison (value filters inside paths included) is what of makes
// of it.
func rewritten(e *filter.Expr, of func(filter.Expr) *filter.Expr) *filter.Expr {
	if e == nil {
		return nil
	}
	c := *e
	c.Left, c.Right, c.Path.Where = rewritten(e.Left, of), rewritten(e.Right, of), rewritten(e.Path.Where, of)
	if c.Op == filter.And || c.Op == filter.Or || c.Op == filter.Not {
		return &c
	}
	return of(c)
}

func indented(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
