package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"time"

	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// owedFor is how long a POST that was answered 429 or 5xx, and was finished all the same, is answered 201 when it is
// repeated. Any other repetition is a conflict.
const owedFor = 24 * time.Hour

// owedKey identifies a POST by all that it asks for, but for the password: no hash of one is kept, and Okta sends another
// random one each time.
func owedKey(kind store.Kind, r schemas.Resource) string {
	r = maps.Clone(r)
	delete(r, "password")
	sum := sha256.Sum256(append([]byte(kind.String()+" "), r.JSON()...))
	return hex.EncodeToString(sum[:])
}

// recall notes in op whether a create repeats one that was promised an answer. The caller has the name's lock, and calls
// kept in the end.
func (c *Connection) recall(ctx context.Context, op *operation, kind store.Kind, r schemas.Resource) (err error) {
	op.owed, err = c.dir.mirror.Owed(ctx, c.cfg.Name, owedKey(kind, r), c.dir.now())
	return internal(err)
}

// promise notes, before the first call of a create, that its repetition is owed the answer: the process may be killed
// between that call and the answer. The name is known to be free by then, or what has it would pass for what is promised.
func (c *Connection) promise(ctx context.Context, op *operation, kind store.Kind, r schemas.Resource) error {
	if op.owed {
		return nil // and stands
	}
	return internal(c.dir.mirror.Update(ctx, func(tx *store.Tx) error {
		return tx.OwedPut(store.Owed{Connection: c.cfg.Name, Key: owedKey(kind, r), Until: c.dir.now().Add(owedFor)})
	}))
}

// kept takes the promise back when the client gets an answer that settles the matter. It returns err, how the create has
// ended, in the form that the client gets.
func (c *Connection) kept(ctx context.Context, kind store.Kind, r schemas.Resource, err error) error {
	if err = fromCognito(err); repeated(err) {
		return err
	}
	return errors.Join(err, c.dir.write(ctx, func(tx *store.Tx) error {
		_, _, err := tx.OwedTake(c.cfg.Name, owedKey(kind, r))
		return err
	}))
}

// taken looks for a listed resource that carries the name which r asks for. There is none: no row and no error. One that
// this very POST has created before, without its answer reaching the client, is returned; any other is a conflict.
func (c *Connection) taken(ctx context.Context, op *operation, kind store.Kind, attribute, name string, r schemas.Resource) (doc store.Doc, err error) {
	docs, err := c.dir.mirror.Find(ctx, kind, attribute, name)
	if err != nil || len(docs) == 0 {
		return store.Doc{}, internal(err)
	}
	same, err := c.dir.madeOf(docs[0], r)
	if err != nil {
		return store.Doc{}, err
	}
	if !op.owed || !same {
		return store.Doc{}, c.dir.occupied(ctx, docs, "", attribute, name)
	}
	op.note("created earlier, by a request that was not answered, or with an error")
	return docs[0], nil
}

// madeOf reports whether a row holds just what r asks for, apart from active and members, which come after the creation:
// a POST that failed because of somebody else's resource has not created that.
func (d *Directory) madeOf(doc store.Doc, r schemas.Resource) (bool, error) {
	is, err := resource(doc)
	if err != nil {
		return false, err
	}
	if !doc.Managed {
		return false, nil // not even made through SCIM
	}
	if doc.Kind == store.Group {
		return sameAttributes(groupAttributes(is, doc.ID), groupAttributes(r, doc.ID)), nil
	}
	have, _ := d.mapping.ToCognito(is, doc.PoolName)
	want, _ := d.mapping.ToCognito(r, doc.PoolName)
	return maps.Equal(have, want), nil
}

// complete does what the journal still holds for a resource that an earlier POST has created, so that its repetition
// answers for all that it asks, and returns the row. It gives the locks of h back: the name is settled, and a resource's
// own lock is never waited for while holding that of a name.
func (c *Connection) complete(ctx context.Context, doc store.Doc, h *hold) (store.Doc, error) {
	h.end()
	key := keyOf(doc.Kind, doc.ID)
	own, err := c.dir.hold(ctx, key)
	if err != nil {
		return store.Doc{}, err
	}
	defer own.end()
	if err := c.dir.finish(ctx, key, own); err != nil {
		return store.Doc{}, err
	}
	if doc.Kind == store.Group {
		// The answer shows the members: what cannot be shown is not answered.
		if err := c.dir.ensureMembers(ctx, doc); err != nil {
			return store.Doc{}, err
		}
	}
	doc, err = c.dir.mirror.Get(ctx, doc.Kind, doc.ID)
	if errors.Is(err, store.ErrNotFound) {
		return doc, &Error{Kind: TooMany, RetryAfter: time.Second, Detail: "what an earlier attempt had created has been deleted meanwhile; repeat the request"}
	}
	return doc, internal(err)
}
