package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/store"
)

// guards lists the deprovisioning guards, and what they hold.
func (o operator) guards(r *http.Request) (int, any, error) {
	asked, err := readQuery(r, "pool", "connection")
	if err != nil {
		return 0, nil, err
	}
	all, err := o.guardsOf(r.Context(), asked["pool"], asked["connection"])
	if err != nil {
		return 0, nil, err
	}
	answer := guardAnswer{Guards: []Guard{}}
	for _, g := range all {
		answer.Held += g.status.Held
		answer.Guards = append(answer.Guards, Guard{Pool: g.PoolID(), GuardStatus: g.status})
	}
	return http.StatusOK, answer, nil
}

// guardOf is one connection's guard, in its directory.
type guardOf struct {
	Directory
	status bridge.GuardStatus
}

// guardsOf finds the guards of a pool and a connection; "" means all.
func (o operator) guardsOf(ctx context.Context, pool, connection string) ([]guardOf, error) {
	directories, err := o.named(pool)
	if err != nil {
		return nil, err
	}
	var found []guardOf
	for _, d := range directories {
		all, err := d.Guards(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the guards of pool %s: %w", d.PoolID(), err)
		}
		for _, g := range all {
			if connection == "" || g.Connection == connection {
				found = append(found, guardOf{d, g})
			}
		}
	}
	if connection != "" && len(found) == 0 {
		return nil, refuse(http.StatusNotFound, "no connection %q has a guard, or anything held by one", connection)
	}
	return found, nil
}

// releaseGuards has what guards hold done, and opens them for a window.
func (o operator) releaseGuards(r *http.Request) (int, any, error) {
	return o.editGuards(r, "guard release", func(ctx context.Context, g guardOf) (Guard, string, error) {
		if g.status.Limit == 0 {
			return Guard{}, "", errNoGuard
		}
		now, err := g.ReleaseGuard(ctx, g.status.Connection)
		return Guard{Pool: g.PoolID(), GuardStatus: now}, strconv.Itoa(g.status.Held) + " held at that time, open until " + now.Ends.Format(timeForm), err
	})
}

// dropHeld gives up what guards hold.
func (o operator) dropHeld(r *http.Request) (int, any, error) {
	return o.editGuards(r, "guard drop", func(ctx context.Context, g guardOf) (Guard, string, error) {
		n, err := g.DropHeld(ctx, g.status.Connection)
		g.status.Held = max(0, g.status.Held-n) // more may have been held, and given up, since it was counted
		return Guard{Pool: g.PoolID(), GuardStatus: g.status, Dropped: n}, strconv.Itoa(n) + " given up", err
	})
}

// timeForm is how notes write a time.
const timeForm = "2006-01-02T15:04:05Z07:00"

// errNoGuard: what a guard held that is configured no more is done by itself.
var errNoGuard = errors.New("no guard")

// editGuards changes the guards that the request names, and has the activity remember that the operator did.
func (o operator) editGuards(r *http.Request, method string, change func(context.Context, guardOf) (Guard, string, error)) (int, any, error) {
	asked, err := readBody(r, "pool", "connection")
	if err != nil {
		return 0, nil, err
	}
	found, err := o.guardsOf(r.Context(), asked["pool"], asked["connection"])
	if err != nil {
		return 0, nil, err
	}
	answer := guardAnswer{Guards: []Guard{}}
	for _, g := range found {
		now, what, err := change(r.Context(), g)
		if errors.Is(err, errNoGuard) {
			continue
		}
		if err != nil {
			return 0, nil, fmt.Errorf("%s of connection %s in pool %s: %w", method, g.status.Connection, g.PoolID(), err)
		}
		answer.Held += now.Held
		answer.Guards = append(answer.Guards, now)
		record := store.Activity{Connection: g.status.Connection, Method: method, Outcome: "by the operator", Notes: []string{"pool " + g.PoolID() + ": " + what}}
		if err := o.Activity.Record(r.Context(), record); err != nil {
			o.Logger.ErrorContext(r.Context(), "recording activity", "error", err) // what was asked is done all the same
		}
	}
	if len(answer.Guards) == 0 {
		return 0, nil, refuse(http.StatusNotFound, "no connection has a guard")
	}
	return http.StatusOK, answer, nil
}
