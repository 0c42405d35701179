package operator

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/scim-cognito/scim-cognito/bridge"
)

// resync has the pools read again: all, or the one that is named; as a whole, which goes on after the answer, or one
// user or group of it.
func (o operator) resync(r *http.Request) (int, any, error) {
	asked, err := readBody(r, "pool", "user", "group")
	if err != nil {
		return 0, nil, err
	}
	directories, err := o.named(asked["pool"])
	if err != nil {
		return 0, nil, err
	}
	user, group := asked["user"], asked["group"]
	switch {
	case user != "" && group != "":
		return 0, nil, refuse(http.StatusBadRequest, `"user" and "group" exclude each other`)
	case user != "":
		return resyncOne(r.Context(), directories, "user", user, Directory.ResyncUser)
	case group != "":
		return resyncOne(r.Context(), directories, "group", group, Directory.ResyncGroup)
	}
	answer := resyncAnswer{Pools: []Resynced{}}
	for _, d := range directories {
		d.Resync()
		answer.Pools = append(answer.Pools, Resynced{Pool: d.PoolID(), Outcome: Started})
	}
	return http.StatusAccepted, answer, nil
}

// resyncOne asks all directories at once, since an id does not tell to which it belongs and one that cannot be reached
// must not keep the others waiting. It fails if none of them knows the id.
func resyncOne(ctx context.Context, directories []Directory, kind, id string, read func(Directory, context.Context, string) (bool, error)) (int, any, error) {
	answer := resyncAnswer{Pools: make([]Resynced, len(directories))}
	problems := make([]error, len(directories))
	var all sync.WaitGroup
	for i, d := range directories {
		all.Go(func() {
			there, err := read(d, ctx, id)
			answer.Pools[i], problems[i] = outcomeOf(d.PoolID(), there, err)
		})
	}
	all.Wait()
	known := slices.ContainsFunc(answer.Pools, func(p Resynced) bool { return p.Outcome == InStep || p.Outcome == Gone })
	switch err := errors.Join(problems...); {
	case known:
		return http.StatusOK, answer, nil
	case err != nil:
		return 0, nil, err
	}
	return 0, nil, refuse(http.StatusNotFound, "there is no %s with the id %q, neither in the mirror nor in %s", kind, id, poolsOf(directories))
}

func outcomeOf(pool string, there bool, err error) (Resynced, error) {
	refused, ok := errors.AsType[*bridge.Error](err)
	switch {
	case ok && refused.Kind == bridge.NotFound:
		return Resynced{Pool: pool, Outcome: Unknown}, nil
	case err != nil:
		return Resynced{Pool: pool, Outcome: Failed, Error: err.Error()}, err
	case there:
		return Resynced{Pool: pool, Outcome: InStep}, nil
	}
	return Resynced{Pool: pool, Outcome: Gone}, nil
}

// named returns the directory of a pool; "" means all of them.
func (o operator) named(pool string) ([]Directory, error) {
	if pool == "" {
		return o.Directories, nil
	}
	for _, d := range o.Directories {
		if d.PoolID() == pool {
			return []Directory{d}, nil
		}
	}
	return nil, refuse(http.StatusNotFound, "this server has no pool %q; it has %s", pool, poolsOf(o.Directories))
}

func poolsOf(directories []Directory) string {
	var ids []string
	for _, d := range directories {
		ids = append(ids, d.PoolID())
	}
	return strings.Join(ids, ", ")
}
