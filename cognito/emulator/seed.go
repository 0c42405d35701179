package emulator

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Names that seeded people have. There are few of them, so that searches by name find many.
var (
	seedGiven  = []string{"Ada", "Alan", "Barbara", "Charles", "Donald", "Edsger", "Frances", "Grace", "Hedy", "Ivan", "Jean", "Katherine", "Leslie", "Margaret", "Niklaus", "Radia"}
	seedFamily = []string{"Allen", "Bartik", "Dijkstra", "Hamilton", "Hopper", "Johnson", "Knuth", "Lamarr", "Lamport", "Liskov", "Lovelace", "Perlman", "Shannon", "Sutherland", "Turing", "Wirth"}
)

// SeedUsers adds n users to a pool at once: user0000001 with user0000001@example.com, verified, a name and status CONFIRMED, without a
// password. It is made for large pools: a million users take seconds and well under a kilobyte each.
func (e *Emulator) SeedUsers(pool string, n int) error {
	p, err := e.pool(pool)
	if err != nil {
		return fmt.Errorf("seeding users: %w", err)
	}
	if n < 0 {
		return fmt.Errorf("seeding users: %d is negative", n)
	}
	subs := e.uuids(n)
	now := epochOf(e.Now())
	p.Lock()
	defer p.Unlock()
	names := p.freeNames(n)
	users, records := make([]user, n), make([]record, n)
	attributes := p.seedAttributes(names)
	for i := range users {
		records[i] = record{attrs: attributes[i], status: confirmed, enabled: true, modified: now}
		username := names[i]
		if p.usernameIsAlias() {
			username = subs[i]
		}
		p.nextSeq++
		users[i] = user{seq: p.nextSeq, username: username, sub: subs[i], created: now}
		p.restore(&users[i], &records[i])
	}
	p.rebuildSearch()
	return nil
}

// freeNames returns n usernames whose accounts do not exist yet.
func (p *pool) freeNames(n int) []string {
	names := make([]string, 0, n)
	for i := 1; len(names) < n; i++ {
		name := fmt.Sprintf("user%07d", i)
		if p.users[name] == nil && p.aliases[claim{"email", name + "@example.com"}] == nil {
			names = append(names, name)
		}
	}
	return names
}

// seedAttributes makes the attributes of people with these usernames, all in one allocation.
func (p *pool) seedAttributes(names []string) []attrs {
	rows := []*attribute{}
	for _, name := range []string{"name", "given_name", "family_name", "email", "email_verified"} {
		rows = append(rows, p.schema.byName[name])
	}
	full := make([]string, len(seedGiven)*len(seedFamily))
	for i := range full {
		full[i] = seedGiven[i%len(seedGiven)] + " " + seedFamily[i/len(seedGiven)]
	}
	all := make(attrs, len(names)*len(rows))
	list := make([]attrs, len(names))
	for i, name := range names {
		k := i % len(full)
		values := []string{full[k], seedGiven[k%len(seedGiven)], seedFamily[k/len(seedGiven)], name + "@example.com", "true"}
		mine := all[i*len(rows) : (i+1)*len(rows) : (i+1)*len(rows)]
		for j, row := range rows {
			mine[j] = attr{row, values[j]}
		}
		list[i] = mine
	}
	return list
}

// SeedGroups adds n groups to a pool: group00001 and so on, each with members of the pool's users, taken in turn. No user gets into
// more groups than the quota of 100 allows, and no pool more than 10,000 groups.
func (e *Emulator) SeedGroups(pool string, n, members int) error {
	p, err := e.pool(pool)
	if err != nil {
		return fmt.Errorf("seeding groups: %w", err)
	}
	now := epochOf(e.Now())
	p.Lock()
	defer p.Unlock()
	switch {
	case n < 0 || members < 0:
		return fmt.Errorf("seeding groups: %d groups of %d members: negative", n, members)
	case members > len(p.users):
		return fmt.Errorf("seeding groups: %d members are more than the pool's %d users", members, len(p.users))
	case len(p.groups)+n > maxGroups:
		return fmt.Errorf("seeding groups: %d groups are more than a pool's %d", len(p.groups)+n, maxGroups)
	}
	users := p.usersByAge()
	next := 0
	for i := 1; n > 0; i++ {
		name := fmt.Sprintf("group%05d", i)
		if p.groups[p.foldGroup(name)] != nil {
			continue
		}
		n--
		g := p.placeGroup(name, now, &groupRecord{modified: now})
		for range members {
			u := users[next%len(users)]
			next++
			if len(u.member) >= maxGroupsOfUser {
				return fmt.Errorf("seeding groups: %s is in %d groups, the most there can be", u.username, len(u.member))
			}
			p.tie(u, g)
		}
	}
	return nil
}

// usersByAge lists all users in the order of their creation.
func (p *pool) usersByAge() []*user {
	users := make([]*user, 0, len(p.users))
	for _, u := range p.users {
		users = append(users, u)
	}
	slices.SortFunc(users, compareSeq)
	return users
}

// restore puts a user into the pool's maps; searches find it after rebuildSearch.
func (p *pool) restore(u *user, r *record) {
	u.now, u.seen = r, r
	p.users[u.username], p.subs[u.sub] = u, u
	for _, key := range p.claims(r) {
		p.aliases[key] = u
	}
}

// tie makes a user a member, seen at once.
func (p *pool) tie(u *user, g *group) {
	m := &membership{user: u, group: g, live: true, seen: true}
	g.members.insert(m)
	at, _ := slices.BinarySearchFunc(u.member, g.name, byGroupName)
	u.member = slices.Insert(u.member, at, m)
}

// rebuildSearch makes the search indexes anew from all users, as many at a time as there are processors.
func (p *pool) rebuildSearch() {
	users := p.usersByAge()
	var wg sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, ix := range p.search.indexes {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			ix.fill(users)
		})
	}
	wg.Wait()
}

// fill makes the index anew from users in the order of their age. It sorts by keys that lie side by side: following the pointers of
// two users at each comparison takes minutes for a million of them.
func (ix *index) fill(users []*user) {
	type entry struct {
		key  string
		user *user
	}
	entries := make([]entry, 0, len(users))
	folds := ix.order("A", "a") == 0
	for _, u := range users {
		if u.seen == nil {
			continue
		}
		if key, ok := ix.value(u, u.seen); ok {
			if folds {
				key = strings.ToLower(key) // the order of compareFold
			}
			entries = append(entries, entry{key, u})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if c := cmp.Compare(a.key, b.key); c != 0 {
			return c
		}
		return compareSeq(a.user, b.user)
	})
	list := make([]*user, len(entries))
	for i, e := range entries {
		list[i] = e.user
	}
	ix.build(list)
}

// uuids draws n identifiers as uuid does.
func (e *Emulator) uuids(n int) []string {
	e.random.Lock()
	defer e.random.Unlock()
	list := make([]string, n)
	for i := range list {
		list[i] = formatUUID(e.random.Uint64(), e.random.Uint64())
	}
	return list
}

func formatUUID(hi, lo uint64) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], hi)
	binary.BigEndian.PutUint64(raw[8:], lo)
	var text [36]byte
	hex.Encode(text[:8], raw[:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:], raw[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	text[14] = '7' // as in the subs that are seen in the wild
	return string(text[:])
}

// seedInput is the body of POST /-/seed.
type seedInput struct {
	Pool    string `json:"pool"`
	Users   int    `json:"users"`
	Groups  int    `json:"groups"`
	Members int    `json:"members"` // of each group
}

func (e *Emulator) seed(in *seedInput) (any, error) {
	if err := e.SeedUsers(in.Pool, in.Users); err != nil {
		return nil, err
	}
	if err := e.SeedGroups(in.Pool, in.Groups, in.Members); err != nil {
		return nil, err
	}
	return map[string]string{"seeded": strconv.Itoa(in.Users) + " users, " + strconv.Itoa(in.Groups) + " groups"}, nil
}
