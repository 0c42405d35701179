package bridge

import (
	"context"
	"errors"
	"maps"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/store"
)

// applyUser makes the calls of op's plan one after another, the mirror following each. e is the plan's journal entry, nil
// for a plan of one call. The locks of h grow by that of a user who is created.
func (d *Directory) applyUser(ctx context.Context, op *operation, e *entry, user cognito.User, h *hold) (doc store.Doc, err error) {
	for _, s := range op.plan {
		if user.Username != "" {
			s.User = user.Username // where people sign in with an attribute, a creation makes up the Username
		}
		if s.Group != "" {
			if doc, err = d.stepMember(ctx, op, s, user.Sub); err != nil {
				return doc, err
			}
			op.steps.Add(-1)
			continue
		}
		was := user
		if s.unclaimed {
			err = d.claimed(ctx, h, user.Sub, Plan{s})
		}
		switch {
		case err != nil:
		case s.Op == SetPassword:
			err = d.setPassword(ctx, op, s)
		default:
			user, err = d.stepUser(ctx, op, s, user)
		}
		if err != nil {
			return doc, d.undo(ctx, op, e, s, was, err)
		}
		if s.Op == SignOut || s.Op == SetPassword || s.Op == StopProfile || s.Op == StopProfiles {
			op.steps.Add(-1)
			continue // changes nothing that the mirror knows of this user
		}
		if s.Op != CreateUser {
			user.Modified = d.now()
		} else if err := h.add(ctx, d, userKey(user.Sub)); err != nil {
			return doc, err
		}
		if doc, err = d.remember(ctx, d.userDoc(user)); err != nil {
			return doc, err
		}
		if s.Op == CreateUser && e != nil {
			e.want.User.Username = user.Username
			if err := d.rekey(ctx, e, userKey(user.Sub)); err != nil {
				return doc, err
			}
		}
		op.steps.Add(-1)
	}
	if doc.ID == "" { // nothing that the mirror knows
		doc, err = d.mirror.Get(context.WithoutCancel(ctx), store.User, user.Sub)
	}
	return doc, internal(err)
}

// stepUser makes one call about a user and returns the user as the pool then holds it.
func (d *Directory) stepUser(ctx context.Context, op *operation, s Step, user cognito.User) (cognito.User, error) {
	leaving := cognito.WithPriority(ctx, cognito.Deprovision)
	switch s.Op {
	case CreateUser:
		return d.createUser(ctx, s)
	case UpdateUser:
		if err := d.pool.UpdateUser(ctx, s.User, s.Set); err != nil {
			return user, err
		}
		op.linked = nil // the user is by now who the links are for
		user.Attributes = maps.Clone(user.Attributes)
		maps.Copy(user.Attributes, s.Set)
		return user, nil
	case DisableUser:
		if err := d.pool.DisableUser(leaving, s.User); err != nil {
			return user, err
		}
		user.Enabled = false
		return user, nil
	case SignOut:
		return user, d.pool.SignOut(leaving, s.User)
	case LeaveGroups:
		return d.depart(leaving, user)
	case EnableUser:
		if err := d.pool.EnableUser(ctx, s.User); err != nil {
			return user, err
		}
		user.Enabled = true
		return user, nil
	case LinkUser:
		return d.linkUser(ctx, op, s, user)
	case UnlinkUser:
		return d.unlinkUser(ctx, s, user)
	case StopProfile, StopProfiles:
		return user, d.stopProfiles(ctx, op, *s.Link)
	}
	return user, errors.New("not a step for a user: " + s.String())
}

// createUser creates a user, and settles with a consistent read what became of a call whose outcome is unknown.
func (d *Directory) createUser(ctx context.Context, s Step) (cognito.User, error) {
	var user cognito.User
	var err error
	if s.invite == "" {
		user, err = d.pool.CreateUser(ctx, s.User, s.Set)
	} else {
		user, err = d.pool.InviteUser(ctx, s.User, s.Set, s.invite)
	}
	var e *cognito.Error
	if !errors.As(err, &e) || !e.Sent {
		return user, err
	}
	there, readErr := d.userCalled(ctx, s.User)
	if readErr != nil && e.Kind == cognito.Exists && passing(readErr) {
		return user, &cognito.Error{Kind: cognito.Unavailable, Op: e.Op, Code: e.Code, Sent: true, Err: readErr,
			Message: "the name is taken, perhaps by this very call"}
	}
	if readErr != nil {
		return user, err
	}
	if !d.holds(there, s.Set) {
		return user, err // somebody else's
	}
	d.undelivered(ctx, there.Sub, e)
	return there, nil
}

// userCalled reads the user whom a creation has named so. Cognito finds people by their aliases, too, of which
// preferred_username has the form of a Username.
func (d *Directory) userCalled(ctx context.Context, username string) (cognito.User, error) {
	user, err := d.pool.User(ctx, username)
	if err == nil && d.style.fixed() && !sameName(user.Username, username) {
		return cognito.User{}, &cognito.Error{Kind: cognito.NotFound, Op: "AdminGetUser", Message: "the name is another user's alias"}
	}
	return user, err
}

// holds reports whether a user in the pool has just these attributes, as far as they say. Pools that are not case-sensitive
// keep sign-in names in lower case.
func (d *Directory) holds(user cognito.User, set map[string]string) bool {
	for name, v := range set {
		is := user.Attributes[name]
		if is != v && !(is == d.style.fold(v) && (name == "email" || name == "preferred_username")) {
			return false
		}
	}
	return true
}

// applyGroup makes the calls of op's plan: first those about the group itself, then the memberships, several at once.
// The mirror follows each.
func (d *Directory) applyGroup(ctx context.Context, op *operation, e *entry, id string, group cognito.Group, m membership) (doc store.Doc, err error) {
	plan := op.plan
	for len(plan) > 0 && plan[0].User == "" {
		if group, err = d.stepGroup(ctx, plan[0], group); err != nil {
			return doc, err
		}
		created := plan[0].Op == CreateGroup
		if doc, err = d.rememberGroup(ctx, group, created); err != nil {
			return doc, err
		}
		if created && e != nil {
			if err := d.rekey(ctx, e, groupKey(id)); err != nil {
				return doc, err
			}
		}
		op.steps.Add(-1)
		plan = plan[1:]
	}
	if doc.ID == "" {
		if doc, err = d.mirror.Get(ctx, store.Group, id); err != nil {
			return doc, internal(err)
		}
	}
	if err := d.applyMembers(ctx, op, doc, m); err != nil {
		return doc, err
	}
	doc, err = d.mirror.Get(context.WithoutCancel(ctx), store.Group, id)
	return doc, internal(err)
}

// stepGroup makes one call about a group and returns the group as the pool then holds it.
func (d *Directory) stepGroup(ctx context.Context, s Step, group cognito.Group) (cognito.Group, error) {
	switch s.Op {
	case CreateGroup:
		return d.createGroup(ctx, s)
	case UpdateGroup:
		if err := d.pool.UpdateGroup(ctx, s.Group, s.Set[description]); err != nil {
			return group, err
		}
		group.Description, group.Modified = s.Set[description], d.now()
		return group, nil
	}
	return group, errors.New("not a step for a group: " + s.String())
}

// createGroup creates a group. When the name is taken, or the outcome is unknown, a read settles it: the Description holds
// an id that nobody else can have. Right after the creation the pool's reads may not show the group yet; then it stays
// unknown, and is settled later.
func (d *Directory) createGroup(ctx context.Context, s Step) (cognito.Group, error) {
	made, err := d.pool.CreateGroup(ctx, s.Group, s.Set[description])
	var e *cognito.Error
	if !errors.As(err, &e) || !e.Sent && e.Kind != cognito.Exists {
		return made, err
	}
	there, readErr := d.readGroup(ctx, s.Group)
	switch {
	case readErr == nil && there.Description == s.Set[description]:
		return there, nil
	case e.Kind == cognito.Exists && (cognito.KindOf(readErr) == cognito.GroupNotFound || passing(readErr)):
		return made, &cognito.Error{Kind: cognito.Unavailable, Op: e.Op, Code: e.Code, Sent: true, Err: readErr,
			Message: "the name is taken, perhaps by this very call: the user pool does not show it yet"}
	}
	return made, err
}

// applyMembers removes, then adds: leaving takes rights away, and makes room under Cognito's limit of groups a user.
func (d *Directory) applyMembers(ctx context.Context, op *operation, group store.Doc, m membership) error {
	err := d.each(ctx, op, m.remove, func(ctx context.Context, user store.Doc) error { return d.leave(ctx, group, user) })
	if err != nil {
		return err
	}
	return d.each(ctx, op, m.add, func(ctx context.Context, user store.Doc) error { return d.join(ctx, group, user) })
}

// each makes a membership call for everybody, several at once. Somebody for whom it can never work (deleted meanwhile, or
// in as many groups as Cognito allows) is left out and noted, so that one does not stop the others. After any other failure
// no more calls are begun, but those under way are waited for: to cut them off would leave their outcome uncertain.
func (d *Directory) each(ctx context.Context, op *operation, who people, call func(context.Context, store.Doc) error) error {
	var g errgroup.Group
	var failed atomic.Bool
	g.SetLimit(atOnce)
	for _, user := range who {
		if failed.Load() {
			break
		}
		g.Go(func() error {
			err := call(ctx, user)
			switch {
			case hopeless(err):
				op.note("user %s was left out: %s", user.ID, outcome(err))
			case err != nil:
				failed.Store(true)
				return err
			}
			op.steps.Add(-1)
			return nil
		})
	}
	return g.Wait()
}

// hopeless reports an error about one user that does not concern the others.
func hopeless(err error) bool {
	switch cognito.KindOf(err) {
	case cognito.NotFound, cognito.Limit, cognito.Invalid:
		return true
	}
	return errors.Is(err, store.ErrNotFound) // left the mirror meanwhile
}
