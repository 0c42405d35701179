package patch

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	scim "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/schema"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// MaxMemberID is the longest id of a member, in bytes. Ids are ours, and shorter.
const MaxMemberID = 256

// Delta is what operations do to a group's members, without a look at the group.
type Delta struct {
	// Replace: the group has exactly the members of Add afterwards; Remove and Where are empty.
	Replace bool
	// Add and Remove are ids of members, each at most once and in one of the two, in the order of the operations that
	// decide on them. Whether an id is a member already, or exists, is not known here.
	Add, Remove []string
	// Where selects members to remove by what only the group knows (`members[display eq "x"]`). It holds for the members
	// that the group has before, and Add wins over it. Nil: none.
	Where *filter.Expr
}

// Empty says whether the operations leave the members alone.
func (d Delta) Empty() bool {
	return !d.Replace && len(d.Add) == 0 && len(d.Remove) == 0 && d.Where == nil
}

// Members picks out what operations on a group do to its "members", and returns the rest of them for Apply: operations
// on other attributes, and objects of attributes without their members. It takes time linear in the operations, and
// changes none of them.
//
// Later operations win over earlier ones. remove with a value takes those members only, none for an empty list: read
// as the RFC's "remove all values", Entra's removal of one member would empty the group. Elements are objects with
// "value" or bare ids.
//
// Errors are scim.ScimError, 400, whose detail begins with the operation's index and path: invalidValue for an element
// without id, mutability for a change inside an element (RFC 7643 §8.7.1: immutable), and invalidFilter for a filter
// other than by value after an operation that added members, which it could select or not.
func Members(ops []Op) (d Delta, rest []Op, err error) {
	c := change{decided: map[string]decision{}}
	for i, op := range ops {
		var err error
		switch {
		case op.Path == nil:
			rest, err = c.object(rest, op)
		case isMembers(op.Path):
			err = c.apply(op)
		default:
			rest = append(rest, op)
		}
		if err != nil {
			return Delta{}, nil, at(i, op, err)
		}
	}
	return c.delta(), rest, nil
}

func isMembers(p *filter.Path) bool {
	return strings.EqualFold(p.Name, "members") && (p.URN == "" || strings.EqualFold(p.URN, schema.GroupSchema))
}

// change collects what is decided about each id.
type change struct {
	replace bool
	where   *filter.Expr
	terms   int  // of where
	added   bool // members were added or replaced
	ids     []string
	decided map[string]decision
}

// decision is the last word on an id, and where in ids it fell.
type decision struct {
	at  int
	add bool
}

// object takes the members out of an operation without path, and appends to rest what is left of it.
func (c *change) object(rest []Op, op Op) ([]Op, error) {
	attributes, ok := op.Value.(map[string]any)
	if !ok || op.Kind == Remove {
		return append(rest, op), nil // for Apply to refuse
	}
	left := maps.Clone(attributes)
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		if !strings.EqualFold(key, "members") {
			continue
		}
		delete(left, key)
		if err := c.apply(Op{Kind: op.Kind, Value: attributes[key]}); err != nil {
			return nil, err
		}
	}
	if len(left) < len(attributes) {
		if len(left) == 0 {
			return rest, nil
		}
		op.Value = left
	}
	return append(rest, op), nil
}

// apply carries out an operation on members. Its path may be nil, when members was a key.
func (c *change) apply(op Op) error {
	if op.Path != nil && (op.Path.Sub != "" || op.Path.Where != nil && op.Kind != Remove) {
		return refuse(scim.ScimTypeMutability, "members are added and removed, but cannot be changed: use the path members")
	}
	if op.Path != nil && op.Path.Where != nil {
		return c.removeWhere(op.Path.Where)
	}
	if op.Kind == Replace || op.Kind == Remove && op.Value == nil {
		c.reset()
	}
	ids, err := memberIDs(op.Value)
	if err != nil {
		return err
	}
	for _, id := range ids {
		c.decide(id, op.Kind != Remove)
	}
	return nil
}

// reset forgets what came before: the group is empty now.
func (c *change) reset() {
	*c = change{replace: true, added: true, decided: map[string]decision{}}
}

func (c *change) decide(id string, add bool) {
	c.added = c.added || add
	c.decided[id] = decision{at: len(c.ids), add: add}
	c.ids = append(c.ids, id)
}

// removeWhere removes by a value filter: by ids if it names nothing else, or by what the group knows of its members.
func (c *change) removeWhere(where *filter.Expr) error {
	ids, ok := idsOf(where, nil)
	if ok {
		for _, id := range ids {
			if err := checkID(id); err != nil {
				return err
			}
			c.decide(id, false)
		}
		return nil
	}
	if c.added {
		return refuse(scim.ScimTypeInvalidFilter, "[%s] must come before the operations that add or replace members: only filters such as [value eq \"id\"] may follow them", where)
	}
	if c.terms += where.Terms(); c.terms > filter.MaxTerms {
		return refuse(scim.ScimTypeInvalidFilter, "the operations select members otherwise than by value with more than %d comparisons", filter.MaxTerms)
	}
	if c.where != nil {
		where = &filter.Expr{Op: filter.Or, Left: c.where, Right: where}
	}
	c.where = where
	return nil
}

// idsOf appends the ids of a filter that is made of `value eq "id"` and or.
func idsOf(e *filter.Expr, ids []string) ([]string, bool) {
	if e.Op == filter.Or {
		ids, ok := idsOf(e.Left, ids)
		if !ok {
			return nil, false
		}
		return idsOf(e.Right, ids)
	}
	if e.Op != filter.Eq || !strings.EqualFold(e.Path.Name, "value") || e.Path.Sub != "" || e.Path.URN != "" {
		return nil, false
	}
	switch v := e.Value.(type) {
	case string:
		return append(ids, v), true
	case json.Number:
		return append(ids, v.String()), true
	default:
		return nil, false
	}
}

// memberIDs reads the ids of a list of members, or of one.
func memberIDs(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		if v == nil {
			return nil, nil
		}
		list = []any{v}
	}
	ids := make([]string, len(list))
	for i, element := range list {
		if object, ok := element.(map[string]any); ok {
			element = attribute.Member(object, "value")
		}
		id, ok := element.(string)
		if !ok {
			return nil, refuse(scim.ScimTypeInvalidValue, "members[%d]: value must be the id of a user, a string, got %s", i, describe(element))
		}
		if err := checkID(id); err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return ids, nil
}

func checkID(id string) error {
	if id == "" || len(id) > MaxMemberID {
		return refuse(scim.ScimTypeInvalidValue, "members: value must be the id of a user, 1 to %d bytes long, got %d bytes", MaxMemberID, len(id))
	}
	return nil
}

func (c *change) delta() Delta {
	d := Delta{Replace: c.replace, Where: c.where}
	for i, id := range c.ids {
		switch last := c.decided[id]; {
		case last.at != i: // decided again later
		case last.add:
			d.Add = append(d.Add, id)
		case !c.replace:
			d.Remove = append(d.Remove, id)
		}
	}
	return d
}
