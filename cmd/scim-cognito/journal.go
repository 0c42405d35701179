package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// journalCommand is about the work that a server has left to do.
type journalCommand struct {
	List  journalListCommand  `cmd:"" default:"withargs" help:"List the work that is left. 'journal' alone does it, too; the others are 'journal retry KEY' and 'journal drop KEY'."`
	Retry journalRetryCommand `cmd:"" help:"Try work at once, also if it is parked."`
	Drop  journalDropCommand  `cmd:"" help:"Give work up. What it has done stays done."`
}

type journalListCommand struct {
	atServer
	Pool string `placeholder:"ID" help:"List only this pool's (all)."`
}

// Run prints the work that is left.
func (c journalListCommand) Run(ctx context.Context, w world) error {
	work, err := c.client().Journal(ctx, c.Pool)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if len(work) == 0 {
		_, err := fmt.Fprintln(w.Out, "The journal is empty: no work is left.")
		return err
	}
	out := newTable(w.Out, "POOL", "KEY", "WORK", "SINCE", "ATTEMPTS", "NEXT")
	for _, each := range work {
		next := each.Next.UTC().Format(time.RFC3339)
		if each.Parked != "" {
			next = "parked: " + each.Parked
		}
		out.row(each.Pool, each.Key, each.Work, each.Created.UTC().Format(time.RFC3339), strconv.Itoa(each.Attempts), next)
	}
	return out.end()
}

// workKey names work, as the list shows it.
type workKey struct {
	atServer
	Key  string `arg:"" help:"The work's key, as the list shows it."`
	Pool string `placeholder:"ID" help:"The pool, if several have work under the key."`
}

type journalRetryCommand struct{ workKey }

// Run has work tried at once.
func (c journalRetryCommand) Run(ctx context.Context, w world) error {
	pool, err := c.client().Retry(ctx, c.Pool, c.Key)
	if err != nil {
		return fmt.Errorf("journal retry: %w", err)
	}
	_, err = fmt.Fprintf(w.Out, "%s in pool %s is tried again within seconds.\n", printable(c.Key), pool)
	return err
}

type journalDropCommand struct{ workKey }

// Run gives work up.
func (c journalDropCommand) Run(ctx context.Context, w world) error {
	pool, err := c.client().Drop(ctx, c.Pool, c.Key)
	if err != nil {
		return fmt.Errorf("journal drop: %w", err)
	}
	_, err = fmt.Fprintf(w.Out, "%s in pool %s is given up. What it has done stays done.\n", printable(c.Key), pool)
	return err
}
