package emulator

import (
	"cmp"
	"slices"
	"time"
)

type (
	memberInput struct {
		ofUser
		GroupName string `aws:"GroupNameType,required"`
	}
	listUsersInGroupInput struct {
		ofGroup
		Limit     *int64 `aws:"QueryLimitType"`
		NextToken string `aws:"PaginationKey"`
	}
	membersOutput struct {
		Users     []userOutput
		NextToken string `json:",omitempty"`
	}
	listGroupsForUserInput struct {
		ofUser
		Limit     *int64 `aws:"QueryLimitType"`
		NextToken string `aws:"PaginationKey"`
	}
)

// membership ties a user to a group. It stays in both lists as long as writes or reads see it.
type membership struct {
	user       *user
	group      *group
	live, seen bool // for writes, for reads
}

func compareSeq(a, b *user) int { return cmp.Compare(a.seq, b.seq) }

// maxGroupsOfUser is a hard quota.
const maxGroupsOfUser = 100

// membership finds the tie between a user and a group, or nil.
func (u *user) membership(g *group) *membership {
	if i := slices.IndexFunc(u.member, func(m *membership) bool { return m.group == g }); i >= 0 {
		return u.member[i]
	}
	return nil
}

// join makes a user a member; doing so again changes nothing.
func (p *pool) join(u *user, g *group, now time.Time) error {
	m := u.membership(g)
	if m != nil && m.live {
		return nil
	}
	live := 0
	for _, other := range u.member {
		if other.live {
			live++
		}
	}
	if live >= maxGroupsOfUser {
		if p.unverified.GroupLimitIsInvalidParameter {
			return invalidParameter("Exceeded the limit of %d groups for a user.", maxGroupsOfUser)
		}
		return limitExceeded("Exceeded the limit of %d groups for a user.", maxGroupsOfUser)
	}
	if m == nil {
		m = &membership{user: u, group: g}
		g.members.insert(m)
		at, _ := slices.BinarySearchFunc(u.member, g.name, byGroupName)
		u.member = slices.Insert(u.member, at, m)
	}
	m.live = true
	p.later(now, func() { m.seen = true })
	return nil
}

// leave ends a membership.
func (p *pool) leave(m *membership, now time.Time) {
	m.live = false
	p.later(now, func() {
		m.seen = false
		if !m.live && m.user.membership(m.group) == m { // not since taken out, and another put in
			m.group.members.remove(m)
			m.user.member = slices.DeleteFunc(slices.Clone(m.user.member), func(x *membership) bool { return x == m })
		}
	})
}

// withMember runs act on a user and a group under the pool's lock.
func (e *Emulator) withMember(in *memberInput, act func(p *pool, u *user, g *group, now time.Time) error) (any, error) {
	return e.withUser(in.ofUser, func(p *pool, u *user, now time.Time) (any, error) {
		p.settle(now)
		g, err := p.group(in.GroupName)
		if err != nil {
			return nil, err
		}
		return nil, act(p, u, g, now)
	})
}

func (e *Emulator) adminAddUserToGroup(in *memberInput) (any, error) {
	return e.withMember(in, func(p *pool, u *user, g *group, now time.Time) error { return p.join(u, g, now) })
}

func (e *Emulator) adminRemoveUserFromGroup(in *memberInput) (any, error) {
	return e.withMember(in, func(p *pool, u *user, g *group, now time.Time) error {
		if m := u.membership(g); m != nil && m.live {
			p.leave(m, now)
		}
		return nil
	})
}

// listUsersInGroup pages through a group's members by age of the user.
func (e *Emulator) listUsersInGroup(in *listUsersInGroupInput) (any, error) {
	scope := "members " + in.UserPoolId + " " + in.GroupName
	after, err := e.openToken(in.NextToken, scope, "")
	if err != nil {
		return nil, err
	}
	n := limit(in.Limit)
	if e.cfg.SparsePages {
		n = max(1, n/2)
	}
	views, more := []view(nil), false
	_, err = e.withPool(in.UserPoolId, func(p *pool, _ time.Time) (any, error) {
		g, err := p.seenGroup(in.GroupName)
		if err != nil {
			return nil, err
		}
		if e.cfg.SparsePages && in.NextToken == "" {
			more = true
			return nil, nil
		}
		for m := range g.members.from(func(m *membership) bool { return m.user.seq > after.Seq }) {
			if !m.seen || m.user.seen == nil {
				continue
			}
			if more = len(views) == n; more {
				break
			}
			views = append(views, view{m.user, m.user.seen})
		}
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	out := membersOutput{Users: outputs(views)}
	if more {
		var last mark
		if len(views) > 0 {
			last.Seq = views[len(views)-1].seq
		}
		out.NextToken = e.sealToken(scope, "", last)
	}
	return out, nil
}

// adminListGroupsForUser pages through a user's groups by name.
func (e *Emulator) adminListGroupsForUser(in *listGroupsForUserInput) (any, error) {
	scope := "groups of " + in.UserPoolId + " " + in.Username
	after, err := e.openToken(in.NextToken, scope, "")
	if err != nil {
		return nil, err
	}
	return e.withUser(in.ofUser, func(p *pool, u *user, now time.Time) (any, error) {
		p.settle(now)
		out := listedGroups{Groups: []groupOutput{}}
		for _, m := range u.member {
			if !m.seen || m.group.seen == nil || m.group.name <= after.Key {
				continue
			}
			if n := len(out.Groups); n == limit(in.Limit) {
				out.NextToken = e.sealToken(scope, "", mark{Key: out.Groups[n-1].GroupName})
				break
			}
			out.Groups = append(out.Groups, p.groupOutput(m.group, m.group.seen))
		}
		return out, nil
	})
}
