package bridge

import (
	"context"
	"errors"
	"sync"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/store"
)

// Cognito keeps Usernames unique; that no two users have one userName is for us to see to. The mirror tells who has which,
// but not who is about to: a change of userName that waits in the journal may have been made, or will be.

// promises knows under which key of the journal somebody may be getting a userName.
type promises struct {
	mu   sync.Mutex
	keys map[string]string // by userName, folded
}

// note remembers what an entry promises.
func (p *promises) note(e *entry) {
	if e.want.User == nil || e.want.User.UserName == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keys == nil {
		p.keys = map[string]string{}
	}
	p.keys[fold(e.want.User.UserName)] = e.row.Key
}

// forget is note's reverse, for an entry that is done or given up.
func (p *promises) forget(e *entry) {
	if e.want.User == nil || e.want.User.UserName == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if name := fold(e.want.User.UserName); p.keys[name] == e.row.Key {
		delete(p.keys, name)
	}
}

func (p *promises) of(userName string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[fold(userName)]
}

// unpromised reports an error while the journal may give the userName to another user than id. The caller has the name's
// lock, and asks the mirror afterwards: it learns of the new name before the promise is forgotten.
func (d *Directory) unpromised(ctx context.Context, userName, id string) error {
	key := d.promises.of(userName)
	if key == "" || key == userKey(id) {
		return nil
	}
	pending, err := d.pending(ctx, key)
	if err != nil || pending == nil || pending.want.User == nil || !sameName(pending.want.User.UserName, userName) {
		return err
	}
	return d.unsettledYet(ctx, key, "another user's change to this userName is not settled yet; repeat the request")
}

// renaming notes in op that its plan gives the user of a row another userName than the mirror lists it by: any, if it does
// not list the user yet.
func (o *operation) renaming(doc store.Doc, to string) {
	if o.renames = ""; doc.State != store.Listed || !sameName(doc.Display, to) {
		o.renames = to
	}
}

// renameable reports why the journal cannot give a user the userName that it has promised: somebody else has it by now. The
// name's lock is h's from then on.
func (d *Directory) renameable(ctx context.Context, h *hold, user cognito.User, to string) error {
	r, _ := d.mapping.FromCognito(schemas.PoolUser{Username: user.Username, Sub: user.Sub, Attributes: d.shown(user)})
	if to == "" || d.adoption.userState(user) == store.Listed && sameName(r.String("userName"), to) {
		return nil
	}
	if err := h.add(ctx, d, userNameKey(to)); err != nil {
		return err
	}
	err := d.free(ctx, to, user.Sub)
	if mine := (*Error)(nil); errors.As(err, &mine) && mine.Kind == TooMany {
		return &cognito.Error{Kind: cognito.Unavailable, Op: string(UpdateUser), Message: mine.Detail, Err: err} // to be tried again
	}
	return err
}
