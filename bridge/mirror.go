package bridge

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// The mirror holds what the mapping reads back from the pool, never a request as it came. Everything that turns the
// pool's form into the mirror's, or back, is here.

// userDoc is the mirror's row of a user in the pool. Managed says that the pool holds just what the mapping would write:
// only then does a row tell what is in the pool.
func (d *Directory) userDoc(u cognito.User) store.Doc {
	state := d.adoption.userState(u)
	if state == store.Tombstone {
		return d.tombstoneDoc(u)
	}
	r, managed := d.mapping.FromCognito(schemas.PoolUser{Username: u.Username, Sub: u.Sub, Enabled: u.Enabled, Attributes: d.shown(u)})
	managed = managed && d.mapping.Wrote(r, u.Username, u.Attributes)
	doc := d.doc(store.User, r, r.String("userName"), u.Username, state, managed, u.Created, u.Modified)
	doc.Links = identitiesText(u.Identities)
	return doc
}

// groupDoc is the mirror's row of a group in the pool.
func (d *Directory) groupDoc(g cognito.Group) store.Doc {
	r, managed := schemas.GroupFromCognito(schemas.PoolGroup{Name: g.Name, Description: g.Description}, d.unmanagedID)
	return d.doc(store.Group, r, r.String("displayName"), g.Name, d.groupState(g, managed), managed, g.Created, g.Modified)
}

func (d *Directory) doc(kind store.Kind, r schemas.Resource, display, name string, state store.State, managed bool, created, modified time.Time) store.Doc {
	id := r.String("id")
	delete(r, "id")
	return store.Doc{
		ID: id, PoolName: name, Display: display, Kind: kind, State: state, Managed: managed,
		Created: created.UnixMilli(), Modified: modified.UnixMilli(), JSON: r.JSON(),
	}
}

// unmanagedID is the id of a group that does not carry one; the first write makes it the group's own.
func (d *Directory) unmanagedID(name string) string {
	return uuid.NewSHA1(d.space, []byte(name)).String()
}

// resource is the SCIM form of a row, id included.
func resource(doc store.Doc) (schemas.Resource, error) {
	r, ok := schemas.ParseJSON(doc.JSON)
	if !ok {
		return nil, internal(fmt.Errorf("the mirror's document of %s %s cannot be read", doc.Kind, doc.ID))
	}
	r["id"] = doc.ID
	return r, nil
}

// poolUser is the user behind a row, as the pool holds it: the mapping, read the other way round.
func (d *Directory) poolUser(doc store.Doc) (cognito.User, error) {
	r, err := resource(doc)
	if err != nil {
		return cognito.User{}, err
	}
	identities, err := textIdentities(doc.Links)
	if err != nil {
		return cognito.User{}, err
	}
	attributes, _ := d.mapping.ToCognito(r, doc.PoolName)
	return cognito.User{
		Username: doc.PoolName, Sub: doc.ID, Enabled: r["active"] == true, Attributes: attributes, Identities: identities,
		Created: time.UnixMilli(doc.Created), Modified: time.UnixMilli(doc.Modified),
	}, nil
}

// remember writes what we have just made true in the pool, and returns the row.
func (d *Directory) remember(ctx context.Context, doc store.Doc) (store.Doc, error) {
	doc.Wrote = d.now().UnixMilli()
	doc.Checked = doc.Wrote
	err := d.write(ctx, func(tx *store.Tx) (err error) {
		doc, err = tx.Put(doc)
		return err
	})
	return doc, err
}

// write is for what has happened in the pool already: the mirror must learn of it even when the request is over.
func (d *Directory) write(ctx context.Context, f func(*store.Tx) error) error {
	return internal(d.mirror.Update(context.WithoutCancel(ctx), f))
}

// observe writes what a listing of the pool has shown, unless we know better. What others have changed since the mirror
// was complete is drift, and recorded.
func (d *Directory) observe(ctx context.Context, requested time.Time, docs ...store.Doc) error {
	return d.observeWithin(ctx, requested, d.cfg.Lag, docs...)
}

// observeWithin is observe for a reading that may be old by lag: 0 for a consistent one.
func (d *Directory) observeWithin(ctx context.Context, requested time.Time, lag time.Duration, docs ...store.Doc) error {
	var drifted []store.Doc
	err := d.mirror.Update(ctx, func(tx *store.Tx) error {
		drifted = drifted[:0]
		for _, doc := range docs {
			changed, err := tx.Observe(doc, requested, lag)
			if err != nil {
				return err
			}
			if changed {
				drifted = append(drifted, doc)
			}
		}
		return nil
	})
	if err != nil {
		return internal(err)
	}
	for _, doc := range drifted {
		d.drift(ctx, doc.Kind, doc.ID, "changed in the pool, not by us")
	}
	return nil
}

// drift records that the pool was changed by others.
func (d *Directory) drift(ctx context.Context, kind store.Kind, id, what string) {
	if !d.warm.Load() {
		return // everything is new to an empty mirror
	}
	d.record(ctx, store.Activity{At: d.now(), Method: "drift", Kind: kind, ID: id, Outcome: what})
}

// forget removes a row that we have removed from the pool.
func (d *Directory) forget(ctx context.Context, kind store.Kind, id string) error {
	return d.write(ctx, func(tx *store.Tx) error {
		return tx.Delete(kind, id, d.now())
	})
}

// poolGroup is the group behind a row as far as the mirror knows it: without its Description.
func (d *Directory) poolGroup(doc store.Doc) cognito.Group {
	return cognito.Group{Name: doc.PoolName, Created: time.UnixMilli(doc.Created), Modified: time.UnixMilli(doc.Modified)}
}

// rememberGroup is remember for a group; one that we have just created is known to be empty.
func (d *Directory) rememberGroup(ctx context.Context, g cognito.Group, created bool) (doc store.Doc, err error) {
	doc = d.groupDoc(g)
	doc.Wrote = d.now().UnixMilli()
	err = d.write(ctx, func(tx *store.Tx) error {
		if doc, err = tx.Put(doc); err != nil || !created {
			return err
		}
		return tx.SetMembersChecked(doc.Seq, d.now())
	})
	return doc, err
}

// readGroup reads a group from the pool by its name. Such reads lag behind: one that we have deleted since is not there
// any more, and its name may be another's.
func (d *Directory) readGroup(ctx context.Context, name string) (cognito.Group, error) {
	g, err := d.pool.Group(ctx, name)
	if err != nil {
		return g, err
	}
	r, _ := schemas.GroupFromCognito(schemas.PoolGroup{Name: g.Name, Description: g.Description}, d.unmanagedID)
	deleted, err := d.mirror.Deleted(ctx, store.Group, r.String("id"))
	switch {
	case err != nil:
		return g, internal(err)
	case !deleted.IsZero():
		return cognito.Group{}, &cognito.Error{Op: "GetGroup", Kind: cognito.GroupNotFound, Message: "the group has been deleted"}
	}
	return g, nil
}

// observeTaken reads a group whose name the pool has just said is taken. Right after its creation the pool's reads may
// not know it yet.
func (d *Directory) observeTaken(ctx context.Context, name string) error {
	requested := d.now()
	g, err := d.readGroup(ctx, name)
	if cognito.KindOf(err) == cognito.GroupNotFound {
		return &Error{Kind: Unavailable, RetryAfter: max(d.cfg.Lag, time.Second), Err: err,
			Detail: "a group of this name was made a moment ago, and the user pool does not show it yet; repeat the request"}
	}
	if err != nil {
		return fromCognito(err)
	}
	return d.observe(ctx, requested, d.groupDoc(g))
}

// sameRights returns a group of the mirror, listed or not, whose name in the pool has the same rights as name (see the
// function of that name); store.ErrNotFound when there is none.
func (d *Directory) sameRights(ctx context.Context, name string) (store.Doc, error) {
	want := sameRights(name)
	for doc, err := range d.mirror.All(ctx, store.Group) {
		if err != nil || sameRights(doc.PoolName) == want {
			return doc, err
		}
	}
	return store.Doc{}, store.ErrNotFound
}
