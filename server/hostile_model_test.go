package server_test

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	unicode16 "unicode/utf16"
)

// person is what the model knows of a user.
type person struct {
	userName, displayName, title, externalID string
	active                                   bool
}

// team is what the model knows of a group.
type team struct {
	displayName, externalID string
	members                 map[string]bool // ids
}

// town is the model: what a pool and its mirror shall hold after the requests so far, by id.
type town struct {
	people map[string]*person
	teams  map[string]*team
}

func newTown() *town { return &town{people: map[string]*person{}, teams: map[string]*team{}} }

// verdict is what a request shall be answered; change, unless it is nil, is what then comes of it. id is that of a
// resource which the request has created.
type verdict struct {
	status   int
	scimType string
	change   func(id string)
}

func refuse(status int, scimType string) verdict { return verdict{status: status, scimType: scimType} }

func accept(status int, change func(id string)) verdict {
	return verdict{status: status, change: change}
}

// legalName is Cognito's rule for a Username.
func legalName(name string) bool {
	for _, r := range name {
		if !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P) {
			return false
		}
	}
	n := len(unicode16.Encode([]rune(name)))
	return n >= 1 && n <= 128
}

// named reports whether another user than one has a userName, or has it for an id: admin calls take either.
func (m *town) named(userName, but string) bool {
	if id := strings.ToLower(userName); id != but && m.people[id] != nil {
		return true
	}
	return slices.ContainsFunc(slices.Collect(maps.Keys(m.people)), func(id string) bool {
		return id != but && strings.EqualFold(m.people[id].userName, userName)
	})
}

func (m *town) teamNamed(name, but string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(m.teams)), func(id string) bool {
		return id != but && strings.EqualFold(m.teams[id].displayName, name)
	})
}

// said is what a body says of active.
type said uint8

const (
	nothingSaid said = iota
	saidActive
	saidInactive
)

// createPerson is a POST.
func (m *town) createPerson(p person, s said) verdict {
	switch {
	case !legalName(p.userName):
		return refuse(400, value)
	case m.named(p.userName, ""):
		return refuse(409, "uniqueness")
	}
	p.active = s != saidInactive
	return accept(201, func(id string) { m.people[id] = &p })
}

// replacePerson is a PUT. A deactivation is carried out whatever else is wrong.
func (m *town) replacePerson(id string, p person, s said) verdict {
	is := m.people[id]
	refused := refuse(0, "")
	switch {
	case p.userName == "":
		refused = refuse(400, value)
	case is == nil:
		return refuse(404, "")
	case strings.EqualFold(p.userName, is.userName):
	case !legalName(p.userName):
		refused = refuse(400, value)
	case m.named(p.userName, id):
		refused = refuse(409, "uniqueness")
	}
	switch {
	case refused.status != 0 && s != saidInactive:
		return refused
	case is == nil:
		return refuse(404, "")
	case refused.status != 0:
		p = *is
	}
	p.active = is.active
	if s != nothingSaid {
		p.active = s == saidActive
	}
	return accept(200, func(string) { *is = p })
}

// personOp is one operation of a PATCH on a user.
type personOp struct {
	kind, attribute string
	value           any // a string; of active a bool, or a word for one
}

// deactivates reports whether the last word of operations that can be read is that the user be inactive.
func deactivates(ops []personOp) bool {
	inactive := false
	for _, op := range ops {
		if op.attribute == "active" && op.readable() {
			inactive = op.kind != "remove" && op.value == false
		}
	}
	return inactive
}

// readable reports whether the value is of the attribute's type.
func (op personOp) readable() bool {
	if op.kind == "remove" {
		return true
	}
	if op.attribute == "active" {
		_, ok := op.value.(bool)
		return ok
	}
	_, ok := op.value.(string)
	return ok
}

// patchPerson is a PATCH.
func (m *town) patchPerson(id string, ops []personOp) verdict {
	is := m.people[id]
	p, refused := person{}, refuse(0, "")
	if slices.ContainsFunc(ops, func(op personOp) bool { return !op.readable() }) {
		refused = refuse(400, value)
	}
	if refused.status != 0 && !deactivates(ops) {
		return refused
	}
	if is == nil {
		return refuse(404, "")
	}
	if refused.status == 0 {
		p, refused = is.patched(ops)
	}
	if refused.status == 0 && !strings.EqualFold(p.userName, is.userName) {
		switch {
		case !legalName(p.userName):
			refused = refuse(400, value)
		case m.named(p.userName, id):
			refused = refuse(409, "uniqueness")
		}
	}
	if refused.status != 0 {
		if !deactivates(ops) {
			return refused
		}
		p = *is
		p.active = false
	}
	return accept(200, func(string) { *is = p })
}

// patched applies readable operations.
func (p person) patched(ops []personOp) (person, verdict) {
	before := p.active
	unset := false
	for _, op := range ops {
		text, _ := op.value.(string)
		if op.kind == "remove" {
			text = ""
		}
		switch op.attribute {
		case "userName":
			if op.kind == "remove" {
				return p, refuse(400, fixed)
			} else if text == "" {
				return p, refuse(400, value)
			}
			p.userName = text
		case "displayName":
			p.displayName = text
		case "title":
			p.title = text
		case "externalId":
			p.externalID = text
		case "active":
			unset = op.kind == "remove"
			p.active = op.value == true
		}
	}
	if unset {
		p.active = before
	}
	return p, verdict{}
}

// deletePerson is a DELETE.
func (m *town) deletePerson(id string) verdict {
	if m.people[id] == nil {
		return refuse(404, "")
	}
	return accept(204, func(string) {
		delete(m.people, id)
		for _, t := range m.teams {
			delete(t.members, id)
		}
	})
}

// known are those of the ids that are users'.
func (m *town) known(ids []string) map[string]bool {
	found := map[string]bool{}
	for _, id := range ids {
		if m.people[id] != nil {
			found[id] = true
		}
	}
	return found
}

// putTeam is a POST, with id "", or a PUT.
func (m *town) putTeam(id string, t team, members []string) verdict {
	is := m.teams[id]
	switch {
	case t.displayName == "":
		return refuse(400, value)
	case id != "" && is == nil:
		return refuse(404, "")
	case m.teamNamed(t.displayName, id):
		return refuse(409, "uniqueness")
	}
	t.members = m.known(members)
	if id == "" {
		return accept(201, func(id string) { m.teams[id] = &t })
	}
	return accept(200, func(string) { *is = t })
}

// teamOp is one operation of a PATCH on a group; attribute members has ids, the others have text.
type teamOp struct {
	kind, attribute, text string
	ids                   []string
	all                   bool   // remove every member
	shown                 string // remove the members who are shown so
}

// ambiguous reports whether members are selected by what they are shown as, after others have come in.
func ambiguous(ops []teamOp) bool {
	others := false
	for _, op := range ops {
		if op.shown != "" && others {
			return true
		}
		others = others || op.attribute == "members" && (op.all || op.kind == "replace" || op.kind == "add" && len(op.ids) > 0)
	}
	return false
}

// patchTeam is a PATCH.
func (m *town) patchTeam(id string, ops []teamOp) verdict {
	is := m.teams[id]
	switch {
	case is == nil:
		return refuse(404, "")
	case ambiguous(ops):
		return refuse(400, badTerm)
	}
	t := *is
	t.members = maps.Clone(is.members)
	for _, op := range ops {
		switch {
		case op.shown != "":
			maps.DeleteFunc(t.members, func(id string, _ bool) bool { return strings.EqualFold(m.people[id].userName, op.shown) })
		case op.attribute == "members" && (op.all || op.kind == "replace"):
			t.members = m.known(op.ids)
		case op.attribute == "members" && op.kind == "add":
			maps.Copy(t.members, m.known(op.ids))
		case op.attribute == "members":
			for _, id := range op.ids {
				delete(t.members, id)
			}
		case op.attribute == "externalId":
			t.externalID = op.text
		case op.kind == "remove":
			return refuse(400, fixed)
		case op.text == "":
			return refuse(400, value)
		default:
			t.displayName = op.text
		}
	}
	if m.teamNamed(t.displayName, id) {
		return refuse(409, "uniqueness")
	}
	return accept(200, func(string) { *is = t })
}

// deleteTeam is a DELETE.
func (m *town) deleteTeam(id string) verdict {
	if m.teams[id] == nil {
		return refuse(404, "")
	}
	return accept(204, func(string) { delete(m.teams, id) })
}
