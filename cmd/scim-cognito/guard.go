package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/scim-cognito/scim-cognito/cmd/scim-cognito/operator"
)

// guardCommand is about the deprovisioning guards of a server.
type guardCommand struct {
	List    guardListCommand    `cmd:"" default:"withargs" help:"Show what the guards have counted and hold. 'guard' alone does it, too; the others are 'guard release' and 'guard drop'."`
	Release guardReleaseCommand `cmd:"" help:"Have everything done that is held, and hold nothing for the length of a window from now on."`
	Drop    guardDropCommand    `cmd:"" help:"Give up everything that is held: those people stay as they are."`
}

// whichGuard names guards.
type whichGuard struct {
	atServer
	Connection *string `placeholder:"NAME" help:"Only the guard of this connection (all)."`
	Pool       *string `placeholder:"ID" help:"Only guards of this pool (all)."`
}

// named refuses names that a script has left empty: they must not mean everything.
func (g whichGuard) named() error {
	for flag, value := range map[string]*string{"--connection": g.Connection, "--pool": g.Pool} {
		if value != nil && *value == "" {
			return usageError{errors.New("guard: " + flag + " is empty; leave it out if you do not mean one")}
		}
	}
	return nil
}

type guardListCommand struct{ whichGuard }

// Run prints the guards.
func (c guardListCommand) Run(ctx context.Context, w world) error {
	if err := c.named(); err != nil {
		return err
	}
	guards, err := c.client().Guards(ctx, given(c.Pool, ""), given(c.Connection, ""))
	if err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	if len(guards) == 0 {
		_, err := fmt.Fprintln(w.Out, "No connection has a guard: deprovisioning is never held.")
		return err
	}
	return printGuards(w, guards)
}

func printGuards(w world, guards []operator.Guard) error {
	out := newTable(w.Out, "POOL", "CONNECTION", "HELD", "PASSED", "LIMIT", "STATE")
	for _, g := range guards {
		state := "no window is running"
		switch {
		case g.Gone:
			state = "not configured any more: 'guard drop' gives up what it holds"
		case g.Limit == 0:
			state = "has no guard any more: what is held is being done"
		case g.Released:
			state = "released until " + g.Ends.Format(time.RFC3339)
		case !g.Ends.IsZero():
			state = "window until " + g.Ends.Format(time.RFC3339)
		}
		limit := "-"
		if g.Limit > 0 {
			limit = strconv.Itoa(g.Limit) + " in " + g.Window
		}
		out.row(g.Pool, g.Connection, strconv.Itoa(g.Held), strconv.Itoa(g.Passed), limit, state)
	}
	return out.end()
}

type guardReleaseCommand struct{ whichGuard }

// Run releases guards.
func (c guardReleaseCommand) Run(ctx context.Context, w world) error {
	if err := c.named(); err != nil {
		return err
	}
	guards, err := c.client().ReleaseGuard(ctx, given(c.Pool, ""), given(c.Connection, ""))
	if err != nil {
		return fmt.Errorf("guard release: %w", err)
	}
	for _, g := range guards {
		_, err := fmt.Fprintf(w.Out, "%s in pool %s is released until %s; %d people who were held are being deactivated or deleted.\n",
			printable(g.Connection), g.Pool, g.Ends.Format(time.RFC3339), g.Held)
		if err != nil {
			return err
		}
	}
	return nil
}

type guardDropCommand struct{ whichGuard }

// Run gives up what guards hold.
func (c guardDropCommand) Run(ctx context.Context, w world) error {
	if err := c.named(); err != nil {
		return err
	}
	guards, err := c.client().DropHeld(ctx, given(c.Pool, ""), given(c.Connection, ""))
	if err != nil {
		return fmt.Errorf("guard drop: %w", err)
	}
	for _, g := range guards {
		_, err := fmt.Fprintf(w.Out, "%s in pool %s: what was held for %d people is given up. They stay as they are until the identity provider asks again.\n",
			printable(g.Connection), g.Pool, g.Dropped)
		if err != nil {
			return err
		}
	}
	return nil
}
