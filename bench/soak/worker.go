package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/scim-cognito/scim-cognito/bench/idp"
)

// worker is one identity provider: it keeps some users and a group, and changes and reads them for ever.
type worker struct {
	provider *idp.Provider
	gauge    *gauge
	number   int
	random   *rand.Rand
	made     int
	users    []string // ids
	group    string
}

// bounds of what a worker keeps, so that neither pool nor mirror grow for ever.
const (
	fewUsers  = 20
	manyUsers = 60
)

func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil {
		w.step(ctx)
	}
}

// step makes one request. The mix is an identity provider's: mostly look-ups and small changes.
func (w *worker) step(ctx context.Context) {
	switch n := w.random.IntN(20); {
	case w.group == "":
		w.group = w.ask(ctx, "POST", "/Groups", idp.GroupBody(map[string]any{"displayName": fmt.Sprintf("group %d %d", w.number, w.made)}), 201, 409).ID()
		w.made++
	case len(w.users) < fewUsers || n < 3 && len(w.users) < manyUsers:
		if id := w.ask(ctx, "POST", "/Users", w.user(n > 0), 201, 409).ID(); id != "" {
			w.users = append(w.users, id)
		}
	case n < 5:
		w.ask(ctx, "PUT", "/Users/"+w.any(), w.user(n > 0), 200)
	case n < 7:
		w.ask(ctx, "PATCH", "/Users/"+w.any(), idp.PatchBody(idp.Op{Op: "replace", Value: map[string]any{"active": n == 5}}), 200)
	case n < 9:
		w.ask(ctx, "PATCH", "/Groups/"+w.group, idp.PatchBody(idp.Add(w.any(), w.any()), idp.Remove(w.any())), 200, 204)
	case n == 9:
		w.ask(ctx, "PUT", "/Groups/"+w.group, idp.GroupBody(map[string]any{"displayName": fmt.Sprintf("group %d", w.number)}, w.users...), 200)
	case n == 10:
		i := w.random.IntN(len(w.users))
		w.ask(ctx, "DELETE", "/Users/"+w.users[i], "", 204, 404)
		w.users = slices.Delete(w.users, i, i+1)
	case n == 11:
		w.ask(ctx, "GET", fmt.Sprintf("/Users?startIndex=%d&count=100", 1+w.random.IntN(200)), "", 200)
	case n < 15:
		w.ask(ctx, "GET", idp.Where("/Users", fmt.Sprintf(`userName eq "soak%d-%d@example.com"`, w.number, w.random.IntN(w.made+1))), "", 200)
	case n == 15:
		w.ask(ctx, "GET", "/Groups/"+w.group+"?excludedAttributes=members", "", 200)
	default:
		w.ask(ctx, "GET", "/Users/"+w.any(), "", 200)
	}
}

func (w *worker) any() string { return w.users[w.random.IntN(len(w.users))] }

// user is the body of a user whom nobody has been called like.
func (w *worker) user(active bool) string {
	w.made++
	name := fmt.Sprintf("soak%d-%d@example.com", w.number, w.made)
	return idp.UserBody(map[string]any{
		"userName": name, "externalId": name, "active": active, "title": fmt.Sprintf("Title %d", w.made),
		"name": map[string]any{"givenName": "Given", "familyName": fmt.Sprint(w.made)}, "emails": []any{map[string]any{"value": name, "primary": true}},
	})
}

// ask pushes one request and notes what came of it. A worker that is stopped meanwhile has nothing to say.
func (w *worker) ask(ctx context.Context, method, path, body string, want ...int) idp.Outcome {
	out, err := w.provider.Push(ctx, method, path, body)
	if ctx.Err() != nil {
		return out
	}
	for _, r := range append(slices.Clone(out.Before), out.Reply) {
		w.gauge.answered(method, r)
	}
	if err != nil || !slices.Contains(want, out.Status) {
		w.gauge.problem(fmt.Errorf("%s %s: got %d %s, %v; want one of %v", method, path, out.Status, out.Body, err, want))
	}
	return out
}
