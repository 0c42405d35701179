package bridge

import (
	"context"
	"errors"
	"fmt"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// CreateUser creates the user in the pool as the connection's policies say, linked, or brings back the one that was deleted and
// kept, and returns its row.
func (c *Connection) CreateUser(ctx context.Context, r schemas.Resource) (doc store.Doc, err error) {
	op := c.begin(ctx, "create", store.User)
	defer func() { op.end(ctx, doc.ID, err) }()
	userName := r.String("userName")
	if err := c.dir.style.wellFormed(userName); err != nil {
		return store.Doc{}, err
	}
	if err := c.dir.unlikeProfiles(userName); err != nil {
		return store.Doc{}, err
	}
	links, err := c.cfg.Federation.newcomer(r)
	if err != nil {
		return store.Doc{}, err
	}
	hold, err := c.dir.hold(ctx, userNameKey(userName))
	if err != nil {
		return store.Doc{}, err
	}
	defer hold.end()
	if !c.dir.warm.Load() {
		return store.Doc{}, c.dir.warming() // who else has the name by now, or is to be brought back, is not known yet
	}
	if err := c.recall(ctx, op, store.User, r); err != nil {
		return store.Doc{}, err
	}
	defer func() { err = c.kept(ctx, store.User, r, err) }()
	if err := c.dir.finishEarlier(ctx, userNameKey(userName), hold); err != nil {
		return store.Doc{}, err
	}
	promised := c.dir.unpromised(ctx, userName, "")
	if doc, err := c.taken(ctx, op, store.User, "userName", userName, r); err != nil {
		return doc, err
	} else if doc.ID != "" {
		return c.completeUser(ctx, op, doc, r, hold)
	}
	if err := c.dir.notAnID(ctx, userName, ""); err != nil {
		return store.Doc{}, err
	}
	if err := c.dir.unprofiled(ctx, links); err != nil {
		return store.Doc{}, err
	}
	if doc, err := c.revive(ctx, op, r, links, hold); err != nil || doc.ID != "" {
		return doc, err
	}
	if promised != nil { // not to the tombstone that r brings back
		return store.Doc{}, promised
	}
	if err := c.promise(ctx, op, store.User, r); err != nil {
		return store.Doc{}, err
	}
	for n, tried := 1, 0; ; n++ {
		doc, err = c.createNth(ctx, op, n, r, links, hold)
		switch {
		case err == errNameKnown:
			continue
		case err != errNameFreed:
			return doc, err
		}
		if tried++; tried == maxNumbered {
			return store.Doc{}, &Error{Kind: Exists, Detail: "all Cognito usernames that could stand for this userName are taken"}
		}
	}
}

// errNameFreed says that the Username belongs to somebody whose userName is another, and errNameKnown that the mirror knows
// whose it is: asking costs nothing.
var (
	errNameFreed = errors.New("the Username is held by a user of another userName")
	errNameKnown = errors.New("the name is held by somebody whom the mirror knows")
)

// maxNumbered bounds the search for a free Username or GroupName in the pool.
const maxNumbered = 20

// numbered is the nth name to try: name, name_2, name_3.
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	return fmt.Sprintf("%s_%d", name, n)
}

// createNth creates the user under the nth Username that can stand for the userName.
func (c *Connection) createNth(ctx context.Context, op *operation, n int, r schemas.Resource, links []link, hold *hold) (store.Doc, error) {
	d := c.dir
	attributes, _ := d.mapping.ToCognito(r, "")
	username, err := d.style.username(r.String("userName"), n, c.vouches.mark(attributes))
	if err != nil {
		return store.Doc{}, err
	}
	if n > 1 { // the first is tried all the same: others may have deleted its user
		switch holder, err := d.mirror.ByPoolName(ctx, store.User, username); {
		case err == nil && holder.State == store.Listed && sameName(holder.Display, r.String("userName")): // known only since
			return c.madeBefore(ctx, op, r, hold, errNameKnown)
		case err == nil:
			return store.Doc{}, errNameKnown
		case !errors.Is(err, store.ErrNotFound):
			return store.Doc{}, internal(err)
		}
	}
	want, err := c.toCognito(op, r, username)
	if err != nil {
		return store.Doc{}, err
	}
	op.plan = append(planCreateUser(username, want, statusOf(r), c.vouches), c.passwordStep(username, r, true, nil)...)
	op.plan[0].invite = c.invitation(op, r, want)
	op.plan = op.plan.linking(username, linkChange{Link: links})
	switch name, holder, err := d.newRival(ctx, hold, username, op.plan[0].Set); {
	case err != nil:
		return store.Doc{}, err
	case name == username && !sameName(name, r.String("userName")):
		return store.Doc{}, errNameFreed // somebody's alias: another Username does as well
	case name != "":
		return c.inTheWay(ctx, op, holder, r, hold, aliasTaken(name))
	}
	granted, err := d.regranted(ctx, op, store.Doc{}, nil, r, nil)
	if err != nil {
		return store.Doc{}, err
	}
	op.plan = op.plan.with(granted, username)
	doc, err := d.carryUser(ctx, op, userNameKey(r.String("userName")), nil, cognito.User{}, hold)
	if cognito.KindOf(err) != cognito.Exists {
		return doc, err
	}
	// Somebody has the name, and the mirror did not know.
	if len(d.style.logins) > 0 {
		holder, readErr := d.pool.User(ctx, username)
		if readErr != nil {
			return store.Doc{}, err
		}
		return c.inTheWay(ctx, op, holder, r, hold, aliasTaken(username))
	}
	if findErr := d.find(ctx, "username", username); findErr != nil {
		return store.Doc{}, findErr
	}
	holder, mirrorErr := d.mirror.ByPoolName(ctx, store.User, username)
	if mirrorErr == nil && holder.State == store.Hidden && n == 1 {
		return store.Doc{}, d.unlisted()
	}
	if mirrorErr == nil && holder.State == store.Hidden {
		return store.Doc{}, errNameFreed
	}
	if mirrorErr == nil && holder.State == store.Tombstone {
		if doc, err := c.revive(ctx, op, r, links, hold); err != nil || doc.ID != "" {
			return doc, err
		}
		return store.Doc{}, errNameFreed
	}
	if mirrorErr == nil && holder.State == store.Listed && !sameName(holder.Display, r.String("userName")) {
		return store.Doc{}, errNameFreed
	}
	return c.madeBefore(ctx, op, r, hold, err)
}

// inTheWay ends a creation for which a user in the pool has the sign-in name already.
func (c *Connection) inTheWay(ctx context.Context, op *operation, holder cognito.User, r schemas.Resource, hold *hold, taken error) (store.Doc, error) {
	if err := c.dir.meet(ctx, holder); err != nil {
		return store.Doc{}, err
	}
	if !schemas.Marked(holder.Attributes) {
		taken = c.dir.unlisted()
	}
	return c.madeBefore(ctx, op, r, hold, taken)
}

// madeBefore answers a creation that the pool refuses: with the user whom this very request has made before, else with
// the refusal.
func (c *Connection) madeBefore(ctx context.Context, op *operation, r schemas.Resource, hold *hold, refusal error) (store.Doc, error) {
	switch doc, err := c.taken(ctx, op, store.User, "userName", r.String("userName"), r); {
	case err != nil:
		return doc, err
	case doc.ID != "":
		return c.completeUser(ctx, op, doc, r, hold)
	}
	return store.Doc{}, refusal
}
