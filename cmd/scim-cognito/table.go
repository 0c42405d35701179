package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// table prints rows under headings, for people. text/tabwriter would align no further than to the next line without
// cells.
type table struct {
	out  io.Writer
	rows [][]string // of one cell: a line of its own
}

func newTable(out io.Writer, headings ...string) *table {
	return &table{out: out, rows: [][]string{headings}}
}

func (t *table) row(cells ...string) {
	for i := range cells {
		cells[i] = printable(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// under adds a line to the row before it, across the columns.
func (t *table) under(text string) { t.rows = append(t.rows, []string{"    " + printable(text)}) }

// end prints all of it.
func (t *table) end() error {
	widths := make([]int, len(t.rows[0]))
	for _, cells := range t.rows {
		for i, cell := range cells[:len(cells)-1] { // the last one needs no room
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, cells := range t.rows {
		line := slices.Clone(cells)
		for i, cell := range cells[:len(cells)-1] {
			line[i] += strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		}
		if _, err := fmt.Fprintln(t.out, strings.Join(line, "  ")); err != nil {
			return fmt.Errorf("printing: %w", err)
		}
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
