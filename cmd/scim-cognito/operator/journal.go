package operator

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/store"
)

// journal lists the work that is left.
func (o operator) journal(r *http.Request) (int, any, error) {
	asked, err := readQuery(r, "pool")
	if err != nil {
		return 0, nil, err
	}
	directories, err := o.named(asked["pool"])
	if err != nil {
		return 0, nil, err
	}
	answer := journalAnswer{Work: []Work{}}
	for _, d := range directories {
		work, err := d.Journal(r.Context())
		if err != nil {
			return 0, nil, fmt.Errorf("reading the journal of pool %s: %w", d.PoolID(), err)
		}
		for _, w := range work {
			answer.Work = append(answer.Work, Work{Pool: d.PoolID(), Unfinished: w})
		}
	}
	return http.StatusOK, answer, nil
}

func (o operator) retry(r *http.Request) (int, any, error) {
	return o.edit(r, "retry", "to be tried again at once", Directory.RetryWork)
}

func (o operator) drop(r *http.Request) (int, any, error) {
	return o.edit(r, "drop", "given up", Directory.DropWork)
}

// edit changes the work under a key, and has the activity remember that the operator did.
func (o operator) edit(r *http.Request, method, outcome string, change func(Directory, context.Context, string) error) (int, any, error) {
	asked, err := readBody(r, "key", "pool")
	if err != nil {
		return 0, nil, err
	}
	key := asked["key"]
	if key == "" {
		return 0, nil, refuse(http.StatusBadRequest, `"key" is missing; GET /-/journal has the keys`)
	}
	directories, err := o.named(asked["pool"])
	if err != nil {
		return 0, nil, err
	}
	d, err := holder(r.Context(), directories, key)
	if err != nil {
		return 0, nil, err
	}
	if err := change(d, r.Context(), key); err != nil {
		return 0, nil, err
	}
	record := store.Activity{Method: method, Outcome: outcome + " by the operator", Notes: []string{key + " in pool " + d.PoolID()}}
	switch kind, id, _ := strings.Cut(key, ":"); kind {
	case "user", "held":
		record.Kind, record.ID = store.User, id
	case "group":
		record.Kind, record.ID = store.Group, id
	}
	if err := o.Activity.Record(r.Context(), record); err != nil {
		o.Logger.ErrorContext(r.Context(), "recording activity", "error", err) // what was asked is done all the same
	}
	return http.StatusOK, workAnswer{Pool: d.PoolID(), Key: key}, nil
}

// holder is the one directory that has work under a key. Two people may have the same userName in two pools: then the
// operator must say which is meant.
func holder(ctx context.Context, directories []Directory, key string) (Directory, error) {
	var found []Directory
	for _, d := range directories {
		work, err := d.Journal(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the journal of pool %s: %w", d.PoolID(), err)
		}
		if slices.ContainsFunc(work, func(w bridge.Unfinished) bool { return w.Key == key }) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 0:
		return nil, refuse(http.StatusNotFound, "the journal holds no work under the key %q; it may be done by now", key)
	case 1:
		return found[0], nil
	}
	return nil, refuse(http.StatusConflict, `several pools have work under the key %q: %s; say which by "pool"`, key, poolsOf(found))
}
