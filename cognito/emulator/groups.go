package emulator

import (
	"strings"
	"time"
)

type (
	groupInput struct {
		ofGroup
		Description *string `aws:"DescriptionType"`
		RoleArn     *string `aws:"ArnType"`
		Precedence  *int64  `aws:"PrecedenceType"`
	}
	groupOutput struct {
		GroupName        string
		UserPoolId       string
		Description      *string `json:",omitempty"`
		RoleArn          *string `json:",omitempty"`
		Precedence       *int64  `json:",omitempty"`
		LastModifiedDate epoch
		CreationDate     epoch
	}
	gotGroup        struct{ Group groupOutput }
	listGroupsInput struct {
		ofPool
		Limit     *int64 `aws:"QueryLimitType"`
		NextToken string `aws:"PaginationKey"`
	}
	listedGroups struct {
		Groups    []groupOutput
		NextToken string `json:",omitempty"`
	}
)

// group is one group of a pool. Like users, it has a version for writes and one for reads, which may lag.
type group struct {
	name      string
	created   epoch
	now, seen *groupRecord
	members   sortedList[*membership] // by age of the user
}

// groupRecord is one version of a group, never changed.
type groupRecord struct {
	description *string
	role        *string
	precedence  *int64
	modified    epoch
}

func (p *pool) groupOutput(g *group, r *groupRecord) groupOutput {
	return groupOutput{g.name, p.id, r.description, r.role, r.precedence, r.modified, g.created}
}

// maxGroups is a hard quota of a pool.
const maxGroups = 10_000

// group finds a group as writes see it.
func (p *pool) group(name string) (*group, error) {
	if g := p.groups[p.foldGroup(name)]; g != nil {
		return g, nil
	}
	return nil, resourceNotFound("Group not found.")
}

// seenGroup finds a group as reads see it.
func (p *pool) seenGroup(name string) (*group, error) {
	name = p.foldGroup(name)
	for g := range p.groupsSeen.from(func(g *group) bool { return p.foldGroup(g.name) >= name }) {
		if p.foldGroup(g.name) == name {
			return g, nil
		}
		break
	}
	return nil, resourceNotFound("Group not found.")
}

// foldGroup is the form in which group names are compared.
func (p *pool) foldGroup(name string) string {
	if p.unverified.FoldGroupNames {
		return strings.ToLower(name)
	}
	return name
}

// changeGroup makes r the group's current version, nil removes it; reads see that when the lag has passed.
func (p *pool) changeGroup(g *group, r *groupRecord, now time.Time) {
	g.now = r
	p.later(now, func() {
		switch {
		case g.seen == nil && r != nil:
			p.groupsSeen.insert(g)
		case g.seen != nil && r == nil:
			p.groupsSeen.remove(g)
		}
		g.seen = r
	})
}

// withPool runs act under a pool's lock.
func (e *Emulator) withPool(id string, act func(p *pool, now time.Time) (any, error)) (any, error) {
	p, err := e.pool(id)
	if err != nil {
		return nil, err
	}
	now := e.Now()
	p.Lock()
	defer p.Unlock()
	p.settle(now)
	return act(p, now)
}

func (e *Emulator) createGroup(in *groupInput) (any, error) {
	return e.withPool(in.UserPoolId, func(p *pool, now time.Time) (any, error) {
		if p.groups[p.foldGroup(in.GroupName)] != nil {
			return nil, clientError("GroupExistsException", "A group with the name already exists.")
		}
		if len(p.groups) >= maxGroups {
			return nil, limitExceeded("Exceeded the limit of %d groups in a user pool.", maxGroups)
		}
		g := p.newGroup(in.GroupName, &groupRecord{in.Description, in.RoleArn, in.Precedence, epochOf(now)}, now)
		return gotGroup{p.groupOutput(g, g.now)}, nil
	})
}

func (p *pool) newGroup(name string, r *groupRecord, now time.Time) *group {
	g := emptyGroup(name)
	g.created = r.modified
	p.groups[p.foldGroup(name)] = g
	p.changeGroup(g, r, now)
	return g
}

func emptyGroup(name string) *group {
	g := &group{name: name}
	g.members.compare = func(a, b *membership) int { return compareSeq(a.user, b.user) }
	return g
}

// placeGroup adds a group that is seen at once, lag or not.
func (p *pool) placeGroup(name string, created epoch, r *groupRecord) *group {
	g := emptyGroup(name)
	g.created, g.now, g.seen = created, r, r
	p.groups[p.foldGroup(name)] = g
	p.groupsSeen.insert(g)
	return g
}

func (e *Emulator) getGroup(in *ofGroup) (any, error) {
	return e.withPool(in.UserPoolId, func(p *pool, _ time.Time) (any, error) {
		g, err := p.seenGroup(in.GroupName)
		if err != nil {
			return nil, err
		}
		return gotGroup{p.groupOutput(g, g.seen)}, nil
	})
}

// updateGroup changes the members that are given; others stay.
func (e *Emulator) updateGroup(in *groupInput) (any, error) {
	return e.withPool(in.UserPoolId, func(p *pool, now time.Time) (any, error) {
		g, err := p.group(in.GroupName)
		if err != nil {
			return nil, err
		}
		r := *g.now
		r.modified = epochOf(now)
		if in.Description != nil {
			r.description = in.Description
		}
		if in.RoleArn != nil {
			r.role = in.RoleArn
		}
		if in.Precedence != nil {
			r.precedence = in.Precedence
		}
		p.changeGroup(g, &r, now)
		return gotGroup{p.groupOutput(g, &r)}, nil
	})
}

func (e *Emulator) deleteGroup(in *ofGroup) (any, error) {
	return e.withPool(in.UserPoolId, func(p *pool, now time.Time) (any, error) {
		g, err := p.group(in.GroupName)
		if err != nil {
			return nil, err
		}
		var members []*membership
		for m := range g.members.from(func(*membership) bool { return true }) {
			if m.live {
				members = append(members, m)
			}
		}
		if len(members) > 0 && p.unverified.KeepNonEmptyGroups {
			return nil, invalidParameter("Only groups with no members can be deleted.")
		}
		for _, m := range members {
			p.leave(m, now)
		}
		delete(p.groups, p.foldGroup(g.name))
		p.changeGroup(g, nil, now)
		return nil, nil
	})
}

// listGroups pages through the groups by name.
func (e *Emulator) listGroups(in *listGroupsInput) (any, error) {
	scope := "groups " + in.UserPoolId
	after, err := e.openToken(in.NextToken, scope, "")
	if err != nil {
		return nil, err
	}
	return e.withPool(in.UserPoolId, func(p *pool, _ time.Time) (any, error) {
		out := listedGroups{Groups: []groupOutput{}}
		for g := range p.groupsSeen.from(func(g *group) bool { return p.foldGroup(g.name) > p.foldGroup(after.Key) }) {
			if n := len(out.Groups); n == limit(in.Limit) {
				out.NextToken = e.sealToken(scope, "", mark{Key: out.Groups[n-1].GroupName})
				break
			}
			out.Groups = append(out.Groups, p.groupOutput(g, g.seen))
		}
		return out, nil
	})
}
