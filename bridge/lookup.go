package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/store"
)

// freshFor is how long after a complete sweep a look-up that misses the mirror is a no without asking the pool.
const freshFor = 2 * time.Minute

// fresh reports whether a complete sweep ended within the last minutes.
func (d *Directory) fresh() bool {
	at := d.swept.Load()
	return at != 0 && d.now().Sub(time.UnixMilli(at)) < freshFor
}

// uuidShaped is what a sub looks like. Its version and variant bits are anything: Cognito's are not RFC 4122's.
var uuidShaped = regexp.MustCompile(`^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$`)

// IDShaped reports whether a text has the form of an id of ours. Anything else in a request is what a client made up: an e-mail
// address, perhaps.
func IDShaped(text string) bool { return uuidShaped.MatchString(text) }

// User returns the user with the id.
func (c *Connection) User(ctx context.Context, id string) (store.Doc, error) {
	return c.dir.get(ctx, store.User, id)
}

// Group returns the group with the id.
func (c *Connection) Group(ctx context.Context, id string) (store.Doc, error) {
	return c.dir.get(ctx, store.Group, id)
}

// get returns a listed row by its id. A user that the mirror lacks is looked up in the pool; groups have no look-up by
// id, so that until all have been seen there is no answer.
func (d *Directory) get(ctx context.Context, kind store.Kind, id string) (store.Doc, error) {
	fresh := d.fresh() // before the mirror is read: a sweep may end meanwhile
	doc, err := d.mirror.Get(ctx, kind, id)
	if kind == store.Group && !d.groupsKnown.Load() && (err != nil || d.stale.Load()) {
		return store.Doc{}, d.warming()
	}
	if kind == store.User && d.mayBeOtherwise(doc, err, fresh) && IDShaped(id) {
		users, searchErr := d.search(ctx, "sub", id)
		if searchErr != nil {
			return store.Doc{}, searchErr
		}
		offered, searchErr := d.offered(ctx, users, "sub", id)
		if searchErr != nil || offered != nil {
			return *cmp.Or(offered, &store.Doc{}), searchErr
		}
		doc, err = d.mirror.Get(ctx, kind, id)
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && doc.State != store.Listed {
		return store.Doc{}, notFound(kind.String(), id)
	}
	return doc, internal(err)
}

// mayBeOtherwise reports whether the pool must be asked about a user whom the mirror does not know, or not as listed.
func (d *Directory) mayBeOtherwise(doc store.Doc, err error, fresh bool) bool {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return !fresh
	case err != nil || doc.State == store.Tombstone:
		return false
	case doc.State == store.Hidden:
		return d.adoption.users != AdoptNone || d.stale.Load()
	}
	return d.stale.Load() && !doc.Managed
}

// find is search for what it notes.
func (d *Directory) find(ctx context.Context, attribute, value string) error {
	_, err := d.search(ctx, attribute, value)
	return err
}

// search asks the pool for users by an attribute of Cognito's and notes in the mirror what it finds. For a value that Cognito
// cannot search for (its filters have 256 characters, escapes included) a complete mirror has to do.
func (d *Directory) search(ctx context.Context, attribute, value string) ([]cognito.User, error) {
	requested := d.now()
	users, err := d.pool.FindUsers(ctx, attribute, value)
	switch {
	case cognito.KindOf(err) == cognito.Invalid && d.warm.Load():
		return nil, nil
	case cognito.KindOf(err) == cognito.Invalid:
		return nil, d.warming()
	case err != nil:
		return nil, fromCognito(err)
	}
	docs := make([]store.Doc, len(users))
	for i, u := range users {
		docs[i] = d.userDoc(u)
	}
	return users, d.observe(ctx, requested, docs...)
}

// pointed are the SCIM attributes by which Cognito can be asked, and what it calls them.
var pointed = map[string]string{
	"id": "sub", "username": "username", "emails": "email", "emails.value": "email", "displayname": "name",
}

// List returns a page of listed users or groups. A look-up of one user that the mirror cannot answer goes to the pool,
// once. While the mirror is being filled only such look-ups are answered, and the credential tests of identity providers.
func (c *Connection) List(ctx context.Context, q store.Query) (store.Page, error) {
	d := c.dir
	attribute, value, isPoint := point(q.Where)
	switch {
	case q.Kind == store.User && isPoint && pointed[attribute] != "":
		return d.listPoint(ctx, q, pointed[attribute], value)
	case q.Kind == store.Group && q.Where != nil && d.groupsKnown.Load() && !needsMembers(q.Where) && (q.Sort == nil || !ofMembers(*q.Sort)):
	case !d.warm.Load() && q.Where == nil && q.Count <= 2 && q.Start <= 1 && q.After == nil:
		return d.listCold(ctx, q)
	case !d.warm.Load():
		return store.Page{}, d.warming()
	}
	return d.list(ctx, q)
}

func (d *Directory) list(ctx context.Context, q store.Query) (store.Page, error) {
	page, err := d.mirror.List(ctx, q)
	return page, internal(err)
}

// listPoint answers from the mirror, and asks the pool once when there is nothing there and no recent sweep says so. What
// the pool then has may be offered for adoption.
func (d *Directory) listPoint(ctx context.Context, q store.Query, attribute, value string) (store.Page, error) {
	fresh := d.fresh() // as for get
	page, err := d.list(ctx, q)
	if err != nil || page.Total > 0 && !d.stale.Load() {
		return page, err
	}
	if err := d.known(value); err != nil && attribute == "username" {
		return store.Page{}, err
	}
	attribute, value, ok := d.askable(attribute, value)
	if !ok {
		return page, nil
	}
	if fresh {
		if may, err := d.mayOffer(ctx, attribute, value); err != nil || !may {
			return page, err
		}
	}
	users, err := d.search(ctx, attribute, value)
	if err != nil {
		return store.Page{}, err
	}
	page, err = d.list(ctx, q)
	if err != nil || page.Total > 0 || !bare(q.Where) || attribute != "username" && attribute != "email" {
		return page, err
	}
	doc, err := d.offered(ctx, users, attribute, value)
	if err != nil || doc == nil {
		return page, err
	}
	return alone(q, *doc), nil
}

// alone is the page that q asks for of a list with one row.
func alone(q store.Query, doc store.Doc) store.Page {
	page := store.Page{Total: 1, Docs: func(func(store.Doc, error) bool) {}}
	if q.Count > 0 && q.Start <= 1 && (q.After == nil || q.After.Seq == 0) {
		page.Len, page.Docs = 1, func(yield func(store.Doc, error) bool) { yield(doc, nil) }
	}
	return page
}

// askable is how the pool is asked for a value; ok is false when it cannot hold a user by it at all, which spares the calls
// that cannot find anybody.
func (d *Directory) askable(attribute, value string) (_, _ string, ok bool) {
	switch attribute {
	case "sub":
		return attribute, value, IDShaped(value)
	case "username":
		return d.lookUp(value)
	}
	return attribute, value, value != ""
}

// point finds the attribute and value of a term `attribute eq "value"` that every match must satisfy. The attribute is
// in lower case.
func point(e *filter.Expr) (attribute, value string, ok bool) {
	switch {
	case e == nil:
		return "", "", false
	case e.Op == filter.And:
		if attribute, value, ok = point(e.Left); ok {
			return attribute, value, ok
		}
		return point(e.Right)
	case e.Op == filter.Has && strings.EqualFold(e.Path.Name, "emails"):
		return pointIn(e.Left)
	case e.Op != filter.Eq:
		return "", "", false
	}
	attribute = strings.ToLower(e.Path.Name)
	if e.Path.Sub != "" {
		attribute += "." + strings.ToLower(e.Path.Sub)
	}
	value, ok = e.Value.(string)
	return attribute, value, ok && pointed[attribute] != ""
}

// pointIn is point for what the brackets of emails[…] hold.
func pointIn(e *filter.Expr) (attribute, value string, ok bool) {
	switch {
	case e.Op == filter.And:
		if attribute, value, ok = pointIn(e.Left); ok {
			return attribute, value, ok
		}
		return pointIn(e.Right)
	case e.Op != filter.Eq || !strings.EqualFold(e.Path.Name, "value"):
		return "", "", false
	}
	value, ok = e.Value.(string)
	return "emails.value", value, ok
}

// bare reports whether a filter with a point asks for nothing else. The type of an e-mail address does not count.
func bare(e *filter.Expr) bool {
	if e.Op != filter.Has {
		return e.Op == filter.Eq
	}
	in := []*filter.Expr{e.Left}
	if e.Left.Op == filter.And {
		in = []*filter.Expr{e.Left.Left, e.Left.Right}
	}
	values := 0
	for _, term := range in {
		switch {
		case term.Op == filter.Eq && strings.EqualFold(term.Path.Name, "value"):
			values++
		case term.Op != filter.Eq || !strings.EqualFold(term.Path.Name, "type"):
			return false
		}
	}
	return values == 1
}

// needsMembers reports whether a filter speaks of memberships, which are known last.
func needsMembers(e *filter.Expr) bool {
	if e == nil {
		return false
	}
	return ofMembers(e.Path) || needsMembers(e.Left) || needsMembers(e.Right)
}

func ofMembers(p filter.Path) bool { return strings.EqualFold(p.Name, "members") }

// listCold answers a credential test while the mirror is being filled: one page of the pool, and the pool's own
// estimate as the total.
func (d *Directory) listCold(ctx context.Context, q store.Query) (store.Page, error) {
	requested := d.now()
	var docs []store.Doc
	if q.Kind == store.Group {
		groups, _, err := d.pool.GroupsPage(ctx, "")
		if err != nil {
			return store.Page{}, fromCognito(err)
		}
		for _, g := range groups {
			docs = append(docs, d.groupDoc(g))
		}
	} else {
		users, _, err := d.pool.UsersPage(ctx, "")
		if err != nil {
			return store.Page{}, fromCognito(err)
		}
		for _, u := range users {
			docs = append(docs, d.userDoc(u))
		}
	}
	if err := d.observe(ctx, requested, docs...); err != nil {
		return store.Page{}, err
	}
	page, err := d.list(ctx, q)
	if q.Kind == store.User {
		page.Total = max(page.Total, d.pool.Info().EstimatedUsers)
	}
	return page, err
}

// warming is the answer to what only a complete mirror can tell.
func (d *Directory) warming() error {
	pages := time.Duration(d.pool.Info().EstimatedUsers/60 + 1)
	wait := min(max(pages*time.Second/24, 2*time.Second), time.Minute)
	return &Error{Kind: TooMany, RetryAfter: wait, Err: fmt.Errorf("the mirror of pool %s is not complete", d.poolID),
		Detail: "the SCIM server has just started and is still reading the user pool; repeat the request"}
}
