package config

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// disagreements are the problems that no single key has: what must be unique, and what must be equal.
func (c *Config) disagreements() []error {
	var problems []error
	report := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.Private == c.Listen && !strings.HasSuffix(c.Listen, ":0") { // port 0 is a new one each time
		report("private: %q is the address of listen, too; give it another port", c.Private)
	}
	all := c.Connections
	for i, first := range repeats(len(all), func(i int) string { return all[i].Name }) {
		report("connections[%d].name: %q is the name of connections[%d], too; names tell connections apart", i, all[i].Name, first)
	}
	for i := range all {
		all[i].repetitions(fmt.Sprintf("connections[%d]", i), report)
	}
	for i, first := range repeats(len(all), func(i int) string { return all[i].Pool.ID }) {
		samePool(fmt.Sprintf("connections[%d]", i), fmt.Sprintf("connections[%d]", first), all[i], all[first], report)
	}
	home := func(i int) string { return all[i].Pool.Endpoint + " " + all[i].Pool.HomeRegion() }
	for i, first := range repeats(len(all), home) {
		if mine, theirs := all[i].Pool.Share, all[first].Pool.Share; mine != theirs {
			report("connections[%d].pool.share: is %v, but connections[%d] in the same region has %v; its pools live on the same quotas, "+
				"so they must agree", i, mine, first, theirs)
		}
	}
	c.schemaProblems(report)
	return problems
}

// repeats yields each index whose key is that of an earlier one, and the earliest. Empty keys are others' concern.
func repeats(n int, key func(int) string) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		seen := make(map[string]int)
		for i := range n {
			k := key(i)
			first, again := seen[k]
			switch {
			case k == "":
			case !again:
				seen[k] = i
			case !yield(i, first):
				return
			}
		}
	}
}

type reporter func(format string, args ...any)

// repetitions are what one connection says twice or in contradiction. SCIM attribute names are without case (RFC 7643
// section 2.1), Cognito's are with.
func (c Connection) repetitions(here string, report reporter) {
	for j, first := range repeats(len(c.Tokens), func(j int) string { return c.Tokens[j].Name }) {
		report("%s.tokens[%d].name: %q is the name of tokens[%d], too; names tell tokens apart", here, j, c.Tokens[j].Name, first)
	}
	for j, g := range c.Grants {
		g.problems(fmt.Sprintf("%s.grants[%d]", here, j), report)
	}
	rows := c.Attributes
	for j, first := range repeats(len(rows), func(j int) string { return strings.ToLower(rows[j].SCIM) }) {
		report("%s.attributes[%d].scim: %q is mapped by attributes[%d] already", here, j, rows[j].SCIM, first)
	}
	for j, first := range repeats(len(rows), func(j int) string { return rows[j].Cognito }) {
		report("%s.attributes[%d].cognito: %q is written by attributes[%d] already", here, j, rows[j].Cognito, first)
	}
	c.Federation.contradictions(here+".federation", report)
	if g := c.Guard; g.People == 0 && g.Percent == 0 && isWindow(g.Window) && g.Length() != defaultOf[Guard]().Length() {
		report("%s.guard.window: counts for nothing without a limit, and nothing is held; set guard.people or guard.percent, or leave the window out", here)
	}
	if c.Invite != "" && (c.Passwords == "sync" || c.Passwords == "random") {
		report("%s.invite: %q sends a temporary password, which the permanent one of passwords %q makes void at once; write passwords \"ignore\", or "+
			"leave invite out", here, c.Invite, c.Passwords)
	}
	// On AWS the part of a pool's id before the underscore is its region; ids behind an endpoint mean nothing.
	if c.Pool.Endpoint != "" || !isPoolID(c.Pool.ID) {
		return
	}
	region := Pool{ID: c.Pool.ID}.HomeRegion()
	switch {
	case !regionForm.MatchString(region):
		report("%s.pool.id: %q does not begin with an AWS region; copy the id from the Cognito console, or set pool.endpoint if this is "+
			"an emulator's pool", here, c.Pool.ID)
	case regionForm.MatchString(c.Pool.Region) && c.Pool.Region != region:
		report("%s.pool.region: %q is not the region of the pool %s; write %q or leave it out", here, c.Pool.Region, c.Pool.ID, region)
	}
}

// contradictions: a provider needs a subject, and without a provider nothing else means anything.
func (f Federation) contradictions(here string, report reporter) {
	switch linked := f.linked(); {
	case linked && f.SubjectFrom == "":
		report("%s.subjectFrom: is missing; name the SCIM attribute that holds what the identity provider says in %s, such as externalId or userName: "+
			"whoever comes with that value signs in as the user", here, f.Attribute)
	case !linked && (f.SubjectFrom != "" || f.ReplaceProfile || f.Attribute != "" && f.Attribute != defaultOf[Federation]().Attribute):
		report("%s.provider: names no identity provider, so that the other keys mean nothing; name the pool's, or leave them out", here)
	}
}

// samePool: connections on one pool share one mirror, one pace and one mapping.
func samePool(here, there string, a, b Connection, report reporter) {
	agree := func(key, got, want string) {
		if got != want {
			report("%s.%s: is %s, but %s on the same pool has %s; connections on one pool must agree", here, key, got, there, want)
		}
	}
	agree("pool.endpoint", strconv.Quote(a.Pool.Endpoint), strconv.Quote(b.Pool.Endpoint))
	if a.Pool.Endpoint != "" { // on AWS the id has decided
		agree("pool.region", strconv.Quote(a.Pool.Region), strconv.Quote(b.Pool.Region))
	}
	agree("clients", strconv.Quote(a.Clients), strconv.Quote(b.Clients))
	agree("attributes", rows(a.Attributes), rows(b.Attributes))
	agree("grants", grants(a.Grants), grants(b.Grants))
	agree("adoption", strconv.Quote(a.Adoption), strconv.Quote(b.Adoption))
	agree("adoptSelfSignedUp", strconv.FormatBool(a.AdoptSelfSignedUp), strconv.FormatBool(b.AdoptSelfSignedUp))
	agree("adoptGroups", names(a.AdoptGroups), names(b.AdoptGroups))
	if a.Federation.linked() && a.Federation.Provider == b.Federation.Provider { // or each would take the other's links away
		agree("federation.subjectFrom", strconv.Quote(a.Federation.SubjectFrom), strconv.Quote(b.Federation.SubjectFrom))
		agree("federation.attribute", strconv.Quote(a.Federation.Attribute), strconv.Quote(b.Federation.Attribute))
	}
}

func (f Federation) linked() bool { return f.Provider != "" && f.Provider != NoProvider }

// names writes a list whose order does not matter.
func names(list []string) string {
	return fmt.Sprintf("%q", slices.Compact(slices.Sorted(slices.Values(list))))
}

// rows writes mapping rows in an order of their own, so that two lists with the same rows read the same.
func rows(attributes []Attribute) string {
	var lines []string
	for _, row := range attributes {
		lines = append(lines, row.SCIM+" → "+row.Cognito)
	}
	slices.Sort(lines)
	return "[" + strings.Join(lines, ", ") + "]"
}
