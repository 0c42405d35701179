package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
)

// table prints rows under headings, for people.
type table struct {
	out *tabwriter.Writer
	err error // the first one
}

func newTable(out io.Writer, headings ...string) *table {
	t := &table{out: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	t.row(headings...)
	return t
}

func (t *table) row(cells ...string) {
	for i := range cells {
		cells[i] = printable(cells[i])
	}
	t.print(strings.Join(cells, "\t"))
}

// under adds a line to the row before it; as it has no cells, it widens no column.
func (t *table) under(text string) { t.print("    " + printable(text)) }

func (t *table) print(line string) {
	if _, err := fmt.Fprintln(t.out, line); t.err == nil {
		t.err = err
	}
}

// end prints what the widths of the columns had to wait for.
func (t *table) end() error {
	if err := t.out.Flush(); t.err == nil {
		t.err = err
	}
	if t.err != nil {
		return fmt.Errorf("printing: %w", t.err)
	}
	return nil
}

// printable quotes what could move the cursor or more: names come from outside.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}
