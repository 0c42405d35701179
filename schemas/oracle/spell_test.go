package oracle_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// speller writes filters as clients might: with other case, more spaces, more parentheses than canonical form has.
type speller struct{ *rand.Rand }

// spell always writes the same text for the same seed.
func spell(e *filter.Expr, seed uint64) string {
	s := speller{rand.New(rand.NewPCG(seed, 1))}
	return s.space("") + s.expr(e, filter.Or) + s.space("")
}

// space returns at least the given space.
func (s speller) space(least string) string {
	if s.IntN(8) == 0 {
		return least + strings.Repeat(" ", 1+s.IntN(2))
	}
	return least
}

func (s speller) anyCase(word string) string {
	switch s.IntN(6) {
	case 0:
		return strings.ToUpper(word)
	case 1:
		return strings.ToUpper(word[:1]) + word[1:]
	}
	return word
}

// expr writes e in parentheses if it binds more weakly than around does, and now and then anyway.
func (s speller) expr(e *filter.Expr, around filter.Op) string {
	text := ""
	weak := false
	switch e.Op {
	case filter.And, filter.Or:
		weak = e.Op != around
		text = s.expr(e.Left, e.Op) + s.space(" ") + s.anyCase(e.Op.String()) + s.space(" ") + s.expr(e.Right, e.Op)
	case filter.Not:
		text = s.anyCase("not") + s.space("") + "(" + s.space("") + s.expr(e.Left, filter.Or) + s.space("") + ")"
	case filter.Has:
		text = s.path(e.Path) + "[" + s.space("") + s.expr(e.Left, filter.Or) + s.space("") + "]"
	case filter.Present:
		text = s.path(e.Path) + s.space(" ") + s.anyCase("pr")
	default:
		text = s.path(e.Path) + s.space(" ") + s.anyCase(e.Op.String()) + s.space(" ") + literal(e.Value)
	}
	if weak || s.IntN(12) == 0 {
		return "(" + s.space("") + text + s.space("") + ")"
	}
	return text
}

func (s speller) path(p filter.Path) string {
	if p.Where == nil {
		return p.String()
	}
	bare := p
	bare.Where, bare.Sub = nil, ""
	text := bare.String() + "[" + s.expr(p.Where, filter.Or) + "]"
	if p.Sub != "" {
		text += "." + p.Sub
	}
	return text
}

// literal writes a value as JSON; encoding/json escapes more than we do.
func literal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // values that this package makes
	}
	return string(text)
}
