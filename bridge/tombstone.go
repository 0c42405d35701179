package bridge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// A user whom SCIM deletes may stay in the pool, disabled, as a tombstone: what applications have kept under the sub keeps
// its owner. To SCIM it is not there (RFC 7644 section 3.6: 404, in no query result, in no conflict), until a POST with its
// externalId brings it back. The pool knows it by custom:scim (schemas.Tombstone), so that any mirror does.

// Deletion says what deleting a user does.
type Deletion uint8

// DeleteUsers removes the user from the pool; DisableUsers makes it a tombstone.
const (
	DeleteUsers Deletion = iota
	DisableUsers
)

// tombstoneDoc is the mirror's row of a tombstone: what is needed to know it again.
func (d *Directory) tombstoneDoc(u cognito.User) store.Doc {
	r := schemas.Resource{"id": u.Sub, "userName": u.Username}
	if externalID, _ := schemas.TombstoneOf(u.Attributes); externalID != "" {
		r["externalId"] = externalID
	}
	doc := d.doc(store.User, r, u.Username, u.Username, store.Tombstone, true, u.Created, u.Modified)
	doc.Links = identitiesText(u.Identities) // until they are taken away
	return doc
}

// entomb makes a user a tombstone: out first, then marked, then without links and groups. doc is the user's row, whose lock
// is h. stops are the federated profiles beside it, which are stopped, too.
func (c *Connection) entomb(ctx context.Context, op *operation, doc store.Doc, stops []link, h *hold) error {
	d := c.dir
	lost := func() error { return errors.Join(d.forget(ctx, store.User, doc.ID), d.unhold(ctx, doc.ID)) } // by the pool, already
	user, err := d.standing(ctx, doc)
	if cognito.KindOf(err) == cognito.NotFound {
		return lost()
	}
	if err != nil {
		return fromCognito(err)
	}
	pending, err := d.pending(ctx, userKey(doc.ID))
	if err != nil {
		return err
	}
	set := schemas.Tombstone(d.promised(user, pending).String("externalId"), d.now())
	vacate(set, user.User, d.pool.Info())
	no := false
	op.plan = (&desiredUser{Username: doc.PoolName, Set: set, Enabled: &no, Depart: true}).steps().linking(doc.PoolName, linkChange{Stop: stops})
	_, err = d.carryUser(ctx, op, userKey(doc.ID), pending, user.User, h)
	if cognito.KindOf(err) == cognito.NotFound {
		return lost()
	}
	if err != nil {
		return fromCognito(err)
	}
	return d.unhold(ctx, doc.ID)
}

// unmarked reports that a user whose deletion is in the journal is a tombstone by now, which the mirror does not know when the
// reply was lost. A change that took the deletion's place would bring back whom the next sweep says to be gone.
func (d *Directory) unmarked(ctx context.Context, doc store.Doc) error {
	user, err := d.pool.User(ctx, doc.PoolName)
	if cognito.KindOf(err) == cognito.NotFound {
		return nil // the change will find out
	}
	if err != nil {
		return fromCognito(err)
	}
	if _, deleted := schemas.TombstoneOf(user.Attributes); !deleted || user.Sub != doc.ID {
		return nil
	}
	return errors.Join(notFound("User", doc.ID), d.observeWithin(ctx, d.now(), 0, d.userDoc(user)))
}

// vacate adds to set what frees the names by which the user could sign in beside its Username, for others to have. What
// counts when it is verified is verified no more, and stays. Where an address or a number is the username, which cannot be
// missing, one takes its place that nobody has: below .invalid (RFC 2606), or of no country's code (E.164). That is said to be
// verified, for else Cognito may write to it, and keep the former one until it is.
func vacate(set map[string]string, user cognito.User, info cognito.Info) {
	sum := sha256.Sum256([]byte(user.Sub))
	number := new(big.Int).Mod(new(big.Int).SetBytes(sum[:]), big.NewInt(100_000_000_000))
	for name, stands := range map[string]string{"email": user.Sub + "@deleted.invalid", "phone_number": fmt.Sprintf("+999%011d", number)} {
		value := user.Attributes[name]
		switch {
		case slices.Contains(info.UsernameAttributes, name) && (value != "" || len(info.UsernameAttributes) == 1):
			set[name], set[name+"_verified"] = stands, "true"
		case value != "" && slices.Contains(info.AliasAttributes, name):
			set[name], set[name+"_verified"] = value, "false" // together: without the address Cognito refuses the flag
		}
	}
	if slices.Contains(info.AliasAttributes, "preferred_username") {
		set["preferred_username"] = ""
	}
}

// depart takes from a user what ties it to others: its links, by which somebody may be linked to another user, and its
// groups. The links are read: others make some, too, somebody's first sign-in changes them, and the mirror does not know.
func (d *Directory) depart(ctx context.Context, user cognito.User) (cognito.User, error) {
	if len(user.Identities) > 0 || len(d.federations.each()) > 0 {
		there, err := d.pool.User(ctx, user.Username)
		if err != nil {
			return user, err
		}
		user.Identities = there.Identities
	}
	for len(user.Identities) > 0 {
		if err := d.unlink(ctx, user.Username, user.Identities[0]); err != nil {
			return user, err
		}
		user.Identities = user.Identities[1:]
		if _, err := d.remember(ctx, d.userDoc(user)); err != nil {
			return user, err
		}
	}
	return user, d.leaveGroups(ctx, user)
}

// leaveGroups takes a user out of every group that it is in, as the pool says, whatever kind of group it is, and of those that
// the mirror knows besides: the pool's list may lag behind what we have just written. The mirror follows.
func (d *Directory) leaveGroups(ctx context.Context, user cognito.User) error {
	var names []string
	for token := ""; ; {
		groups, next, err := d.pool.UserGroupsPage(ctx, user.Username, token)
		if err != nil {
			return err
		}
		for _, g := range groups {
			names = append(names, g.Name)
		}
		if token = next; token == "" {
			break
		}
	}
	doc, err := d.mirror.Get(ctx, store.User, user.Sub)
	if err != nil {
		return internal(err)
	}
	for id := range doc.Groups() {
		if group, err := d.mirror.Get(ctx, store.Group, id); err == nil && !slices.Contains(names, group.PoolName) {
			names = append(names, group.PoolName)
		}
	}
	for _, name := range names {
		group, err := d.mirror.ByPoolName(ctx, store.Group, name)
		switch {
		case err == nil:
			err = d.leave(ctx, group, doc)
		case errors.Is(err, store.ErrNotFound): // a group that the mirror does not know
			err = d.pool.RemoveMember(ctx, name, user.Username)
		}
		if err != nil && cognito.KindOf(err) != cognito.GroupNotFound {
			return err
		}
	}
	return nil
}

// revive brings back the tombstone of whom r asks to create, known again by an equal externalId, and returns its row; the
// zero Doc when there is none. It is the same user in applications' eyes, with the same id, and nothing else is left of what
// it was: attributes are r's, it is in no group, and its former password is worth nothing, since an externalId may have been
// given to somebody else.
func (c *Connection) revive(ctx context.Context, op *operation, r schemas.Resource, links []link, h *hold) (store.Doc, error) {
	d := c.dir
	externalID := r.String("externalId")
	if externalID == "" {
		return store.Doc{}, nil
	}
	docs, err := d.mirror.Tombstones(ctx, externalID)
	if err != nil || len(docs) == 0 {
		return store.Doc{}, internal(err)
	}
	doc := d.likeliest(docs, r.String("userName"))
	// Out of order (see userKey): nobody who has a tombstone's lock waits for a name, but the journal, which gives way.
	if err := h.add(ctx, d, userKey(doc.ID)); err != nil {
		return store.Doc{}, err
	}
	user, err := d.pool.User(ctx, doc.PoolName)
	if cognito.KindOf(err) == cognito.NotFound {
		return store.Doc{}, d.forget(ctx, store.User, doc.ID)
	}
	if err != nil {
		return store.Doc{}, fromCognito(err)
	}
	if is, deleted := schemas.TombstoneOf(user.Attributes); !deleted || is != externalID || user.Sub != doc.ID {
		// Brought back meanwhile, perhaps by this very request, which a killed process has not seen the end of.
		if err := d.observeWithin(ctx, d.now(), 0, d.userDoc(user)); err != nil {
			return store.Doc{}, err
		}
		return c.madeBefore(ctx, op, r, h, nil)
	}
	if err := d.free(ctx, r.String("userName"), doc.ID); err != nil {
		return store.Doc{}, err
	}
	pending, err := d.pending(ctx, userKey(doc.ID))
	if err != nil {
		return store.Doc{}, err
	}
	want, err := c.toCognito(op, r, doc.PoolName)
	if err == nil {
		err = d.style.allows(doc.PoolName, r.String("userName"), nil, want, c.vouches)
	}
	if err != nil {
		return store.Doc{}, err
	}
	if err := c.promise(ctx, op, store.User, r); err != nil {
		return store.Doc{}, err
	}
	active := statusOf(r) != saysInactive
	u := &desiredUser{Username: doc.PoolName, Set: c.takenOver(user, want), Enabled: &active, TakeOver: true, Depart: true}
	op.plan = u.steps().withPassword(c.passwordStep(doc.PoolName, r, true, pending)).linking(doc.PoolName, linkChange{Link: links})
	if err := d.possible(ctx, h, user, op.plan); err != nil {
		return store.Doc{}, err
	}
	granted, err := d.regranted(ctx, op, store.Doc{}, nil, r, nil)
	if err != nil {
		return store.Doc{}, err
	}
	op.plan = op.plan.with(granted, doc.PoolName)
	if err := d.unhold(ctx, doc.ID); err != nil { // of before its deletion
		return store.Doc{}, err
	}
	op.note("brought back: it was deleted through SCIM, and kept")
	op.renames = r.String("userName")
	return d.carryUser(ctx, op, userKey(doc.ID), pending, user, h)
}

// likeliest is the tombstone, of several with one externalId, that a userName is the Username of; else the one that was deleted
// last. Two identity providers may have numbered their people alike, and the mirror's order is not the pool's.
func (d *Directory) likeliest(docs []store.Doc, userName string) store.Doc {
	_, username, _ := d.lookUp(userName)
	return slices.MaxFunc(docs, func(a, b store.Doc) int {
		switch as, bs := sameName(a.PoolName, username), sameName(b.PoolName, username); {
		case as != bs && as:
			return 1
		case as != bs:
			return -1
		}
		return cmp.Or(cmp.Compare(a.Modified, b.Modified), strings.Compare(a.ID, b.ID))
	})
}

// unfinished reports whether the work of an entry that takes a user over, or makes it a tombstone, is still to be done from its
// beginning: the marker that it sets is not there.
func (u *desiredUser) unfinished(user cognito.User) bool {
	_, deleted := schemas.TombstoneOf(user.Attributes)
	switch {
	case u.TakeOver:
		return deleted || !schemas.Marked(user.Attributes)
	case u.Depart:
		return !deleted
	}
	return false
}

// entombs reports whether a pending entry makes a tombstone.
func (e *entry) entombs() bool {
	return e != nil && e.want.User != nil && e.want.User.Depart && !e.want.User.TakeOver
}
