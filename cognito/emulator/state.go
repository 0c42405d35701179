package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// stateVersion is that of the format which Save writes.
const stateVersion = 1

// stateLine is one JSON value of a saved state. The first one has the version; groups and users belong to the pool before them.
type stateLine struct {
	Version     int            `json:"version,omitempty"`
	ClockOffset *time.Duration `json:"clockOffset,omitempty"` // nanoseconds
	Pool        *savedPool     `json:"pool,omitempty"`
	Group       *savedGroup    `json:"group,omitempty"`
	User        *savedUser     `json:"user,omitempty"`
}

type savedPool struct {
	ID            string          `json:"id"`
	Name          string          `json:"name"`
	Created       epoch           `json:"created"`
	Modified      epoch           `json:"modified"`
	Schema        []savedRow      `json:"schema"`
	CaseSensitive bool            `json:"caseSensitive"`
	UserNames     []string        `json:"usernameAttributes,omitempty"`
	AliasNames    []string        `json:"aliasAttributes,omitempty"`
	Policy        passwordPolicy  `json:"passwordPolicy"`
	Settings      poolSettings    `json:"settings"`
	Providers     []savedProvider `json:"providers,omitempty"`
	Clients       []savedClient   `json:"clients,omitempty"`
}

type savedRow struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	Mutable   bool   `json:"mutable,omitempty"`
	Required  bool   `json:"required,omitempty"`
	ReadOnly  bool   `json:"readOnly,omitempty"`
	Developer bool   `json:"developer,omitempty"`
	Bounded   bool   `json:"bounded,omitempty"`
	Least     int64  `json:"least,omitempty"`
	Most      int64  `json:"most,omitempty"`
}

type savedProvider struct {
	Name        string            `json:"name"`
	Kind        string            `json:"kind"`
	Details     map[string]string `json:"details"`
	Mapping     map[string]string `json:"mapping,omitempty"`
	Identifiers []string          `json:"identifiers,omitempty"`
	Created     epoch             `json:"created"`
}

type savedClient struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Secret   string         `json:"secret,omitempty"`
	Created  epoch          `json:"created"`
	Modified epoch          `json:"modified"`
	Settings clientSettings `json:"settings"`
}

type savedGroup struct {
	Name        string  `json:"name"`
	Created     epoch   `json:"created"`
	Modified    epoch   `json:"modified"`
	Description *string `json:"description,omitempty"`
	Role        *string `json:"roleArn,omitempty"`
	Precedence  *int64  `json:"precedence,omitempty"`
}

type savedUser struct {
	Username   string      `json:"username"`
	Sub        string      `json:"sub"`
	Created    epoch       `json:"created"`
	Modified   epoch       `json:"modified"`
	Status     string      `json:"status"`
	Enabled    bool        `json:"enabled"`
	Attributes [][2]string `json:"attributes,omitempty"`
	Hash       []byte      `json:"passwordHash,omitempty"`
	Expires    time.Time   `json:"passwordExpires,omitzero"`
	Groups     []string    `json:"groups,omitempty"`
	Profile    *identity   `json:"profile,omitempty"`
	Links      []savedLink `json:"links,omitempty"`
}

type savedLink struct {
	Provider  string   `json:"provider"`
	Attribute string   `json:"attribute"`
	Value     string   `json:"value"`
	Bound     bool     `json:"bound,omitempty"`
	Identity  identity `json:"identity"`
}

// Save writes all pools and the clock's offset as a stream of JSON values, one a line. What is saved is what writes see, whatever the
// Lag. Sessions, call counts, faults and the state of quotas are not part of it.
func (e *Emulator) Save(w io.Writer) error {
	enc := json.NewEncoder(w)
	offset := time.Duration(e.offset.Load())
	if err := enc.Encode(stateLine{Version: stateVersion, ClockOffset: &offset}); err != nil {
		return fmt.Errorf("saving the state: %w", err)
	}
	for _, p := range e.allPools() {
		for _, line := range p.save() {
			if err := enc.Encode(line()); err != nil {
				return fmt.Errorf("saving pool %s: %w", p.id, err)
			}
		}
	}
	return nil
}

// save takes a consistent picture of the pool; its lines are rendered later, without the lock.
func (p *pool) save() []func() stateLine {
	p.Lock()
	defer p.Unlock()
	saved := p.saved()
	lines := []func() stateLine{func() stateLine { return stateLine{Pool: &saved} }}
	for _, name := range slices.Sorted(maps.Keys(p.groups)) {
		g := p.groups[name]
		line := savedGroup{g.name, g.created, g.now.modified, g.now.description, g.now.role, g.now.precedence}
		lines = append(lines, func() stateLine { return stateLine{Group: &line} })
	}
	for _, u := range p.usersByAge() {
		rest := savedUser{Username: u.username, Sub: u.sub, Created: u.created, Profile: u.profile}
		for _, m := range u.member {
			if m.live {
				rest.Groups = append(rest.Groups, m.group.name)
			}
		}
		for _, l := range u.links {
			rest.Links = append(rest.Links, savedLink{l.source.provider, l.source.attribute, l.source.value, l.bound, l.identity})
		}
		if u.secret != nil {
			rest.Hash, rest.Expires = slices.Clone(u.secret.hash[:]), u.secret.expires
		}
		r := u.now
		lines = append(lines, func() stateLine { return stateLine{User: rest.with(r)} })
	}
	return lines
}

func (s savedUser) with(r *record) *savedUser {
	s.Modified, s.Status, s.Enabled = r.modified, r.status, r.enabled
	for _, a := range r.attrs {
		s.Attributes = append(s.Attributes, [2]string{a.name, a.value})
	}
	return &s
}

func (p *pool) saved() savedPool {
	s := savedPool{
		ID: p.id, Name: p.name, Created: p.created, Modified: p.modified, CaseSensitive: p.caseSensitive,
		UserNames: p.userNames, AliasNames: p.aliasNames, Policy: p.policy, Settings: p.described,
	}
	for _, a := range p.schema.rows {
		s.Schema = append(s.Schema, savedRow{a.name, a.kind, a.mutable, a.required, a.readOnly, a.developer, a.bounded, a.least, a.most})
	}
	for _, name := range slices.Sorted(maps.Keys(p.providers)) {
		v := p.providers[name]
		s.Providers = append(s.Providers, savedProvider{v.name, v.kind, v.details, v.mapping, v.identifiers, v.created})
	}
	for _, id := range slices.Sorted(maps.Keys(p.clients)) {
		c := p.clients[id]
		s.Clients = append(s.Clients, savedClient{c.id, c.name, c.secret, c.created, c.modified, c.settings})
	}
	return s
}

// Load reads what Save wrote, and adds its pools; a pool whose id exists, or a state that contradicts itself, is an error, and then
// nothing is added.
func (e *Emulator) Load(r io.Reader) error {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	var head stateLine
	if err := dec.Decode(&head); err != nil {
		return fmt.Errorf("loading the state: %w", err)
	}
	if head.Version != stateVersion {
		return fmt.Errorf("loading the state: version %d, want %d", head.Version, stateVersion)
	}
	pools, err := e.loadPools(dec)
	if err != nil {
		return fmt.Errorf("loading the state: %w", err)
	}
	e.pools.Lock()
	defer e.pools.Unlock()
	for _, p := range pools {
		if e.pools.byID[p.id] != nil {
			return fmt.Errorf("loading the state: pool %s exists", p.id)
		}
	}
	for _, p := range pools {
		e.pools.byID[p.id] = p
	}
	if head.ClockOffset != nil {
		e.offset.Store(int64(*head.ClockOffset))
	}
	return nil
}

func (e *Emulator) loadPools(dec *json.Decoder) ([]*pool, error) {
	var pools []*pool
	for n := 2; ; n++ {
		var line stateLine
		if err := dec.Decode(&line); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("value %d: %w", n, err)
		}
		if line.Pool != nil {
			if slices.ContainsFunc(pools, func(p *pool) bool { return p.id == line.Pool.ID }) {
				return nil, fmt.Errorf("pool %s is there twice", line.Pool.ID)
			}
			pools = append(pools, e.loadPool(line.Pool))
			continue
		}
		if pools == nil {
			return nil, fmt.Errorf("value %d comes before any pool", n)
		}
		if err := pools[len(pools)-1].load(line); err != nil {
			return nil, fmt.Errorf("value %d: %w", n, err)
		}
	}
	for _, p := range pools {
		p.rebuildSearch()
	}
	return pools, nil
}
