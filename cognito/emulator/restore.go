package emulator

import (
	"crypto/sha256"
	"errors"
	"fmt"
)

// loadPool makes a pool, still without users and groups, as it was saved.
func (e *Emulator) loadPool(s *savedPool) *pool {
	rows := &schema{byName: map[string]*attribute{}}
	for _, a := range s.Schema {
		rows.add(&attribute{
			name: a.Name, kind: a.Kind, mutable: a.Mutable, required: a.Required, readOnly: a.ReadOnly, developer: a.Developer,
			bounded: a.Bounded, least: a.Least, most: a.Most,
		})
	}
	p := e.emptyPool(s.ID, s.Name, rows)
	p.created, p.modified, p.caseSensitive = s.Created, s.Modified, s.CaseSensitive
	p.styled(s.UserNames, s.AliasNames)
	p.policy, p.described = s.Policy, s.Settings
	for _, v := range s.Providers {
		p.providers[v.Name] = &provider{v.Name, v.Kind, v.Details, v.Mapping, v.Identifiers, v.Created}
	}
	for _, c := range s.Clients {
		p.clients[c.ID] = &client{c.ID, c.Name, c.Secret, c.Created, c.Modified, c.Settings}
	}
	return p
}

// load adds a saved group or user to the pool.
func (p *pool) load(line stateLine) error {
	switch {
	case line.Group != nil:
		return p.loadGroup(line.Group)
	case line.User != nil:
		return p.loadUser(line.User)
	}
	return errors.New("neither pool, group nor user")
}

func (p *pool) loadGroup(s *savedGroup) error {
	if p.groups[p.foldGroup(s.Name)] != nil {
		return fmt.Errorf("group %s is there twice", s.Name)
	}
	p.placeGroup(s.Name, s.Created, &groupRecord{s.Description, s.Role, s.Precedence, s.Modified})
	return nil
}

func (p *pool) loadUser(s *savedUser) error {
	if p.users[s.Username] != nil || p.subs[s.Sub] != nil {
		return fmt.Errorf("user %s is there twice", s.Username)
	}
	r := &record{status: s.Status, enabled: s.Enabled, modified: s.Modified}
	for _, pair := range s.Attributes {
		row := p.schema.byName[pair[0]]
		if row == nil {
			return fmt.Errorf("user %s has %s, which is not in the schema", s.Username, pair[0])
		}
		r.attrs = r.attrs.with(row, pair[1])
	}
	p.nextSeq++
	u := &user{seq: p.nextSeq, username: s.Username, sub: s.Sub, created: s.Created, profile: s.Profile}
	if s.Hash != nil {
		if len(s.Hash) != sha256.Size {
			return fmt.Errorf("user %s has a password hash of %d bytes, want %d", s.Username, len(s.Hash), sha256.Size)
		}
		u.secret = &credentials{hash: [sha256.Size]byte(s.Hash), expires: s.Expires}
	}
	p.restore(u, r)
	for _, name := range s.Groups {
		g, err := p.group(name)
		if err != nil {
			return fmt.Errorf("user %s is in group %s: %w", s.Username, name, err)
		}
		p.tie(u, g)
	}
	for _, l := range s.Links {
		p.tieLink(&link{source: source{l.Provider, l.Attribute, l.Value}, user: u, identity: l.Identity, bound: l.Bound})
	}
	return nil
}
