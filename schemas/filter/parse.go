package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"

	scim "github.com/elimity-com/scim/errors"
)

// What Parse and ParsePath accept at most. A filter that asks for 500 users by name fits; what is larger is no
// identity provider's and costs more to match than a request may.
const (
	MaxLength = 16 << 10 // bytes of text
	MaxDepth  = 50       // parentheses and brackets inside each other
	MaxTerms  = 500      // comparisons
)

// Parse reads a filter by the whole grammar of RFC 7644 §3.4.2.2 (figure 1), and more than it: any number of spaces;
// a sub-attribute after a value filter (`emails[type eq "work"].value eq "x"`, Entra); a value that is a word without
// quotes (`externalId eq jyoung`, Entra), which is a string unless it is a number, true, false or null.
// Every error is a scim.ScimError, 400 invalidFilter, that names the position, counted in characters from 1.
func Parse(s string) (*Expr, error) {
	p := parser{s: s}
	e, err := p.all()
	if err != nil {
		return nil, err.scim(scim.ScimTypeInvalidFilter, "filter", s)
	}
	return e, nil
}

// ParsePath reads the path of a PATCH operation (RFC 7644 §3.5.2, figure 7): an attribute or sub-attribute, with or
// without a schema's URN before it and a value filter in it; or an extension's URN alone.
// Every error is a scim.ScimError, 400 invalidPath, that names the position, counted in characters from 1.
func ParsePath(s string) (*Path, error) {
	p := parser{s: s}
	path, err := p.whole()
	if err != nil {
		return nil, err.scim(scim.ScimTypeInvalidPath, "path", s)
	}
	return path, nil
}

// syntaxError says where the text stops making sense and what would have.
type syntaxError struct {
	pos  int // byte offset
	want string
}

func (e *syntaxError) scim(kind scim.ScimType, what, s string) scim.ScimError {
	detail := fmt.Sprintf("%s: at character %d: %s", what, utf8.RuneCountInString(s[:e.pos])+1, e.want)
	if rest := []rune(strings.ToValidUTF8(s[e.pos:min(len(s), e.pos+128)], "\uFFFD")); len(rest) > 24 {
		detail += fmt.Sprintf(", got %q…", string(rest[:24]))
	} else if len(rest) > 0 {
		detail += fmt.Sprintf(", got %q", string(rest))
	} else {
		detail += ", got the end"
	}
	return scim.ScimError{Status: 400, ScimType: kind, Detail: detail}
}

// parser reads by recursive descent; depth bounds the recursion. Its methods skip the spaces before what they read.
type parser struct {
	s       string
	pos     int
	depth   int
	terms   int
	bracket bool // inside a value filter
	strict  bool // see ParseStrict
}

func fail(pos int, want string) *syntaxError { return &syntaxError{pos, want} }

func (p *parser) check() *syntaxError {
	if len(p.s) > MaxLength {
		return fail(MaxLength, fmt.Sprintf("expected at most %d bytes in all", MaxLength))
	}
	for i, r := range p.s {
		if r == utf8.RuneError && !strings.HasPrefix(p.s[i:], "\uFFFD") {
			return fail(i, "expected UTF-8")
		}
	}
	return nil
}

func (p *parser) all() (*Expr, *syntaxError) {
	if err := p.check(); err != nil {
		return nil, err
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.spaces(); p.pos < len(p.s) {
		return nil, fail(p.pos, "expected and, or, or the end")
	}
	return e, nil
}

func (p *parser) whole() (*Path, *syntaxError) {
	if err := p.check(); err != nil {
		return nil, err
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if p.spaces(); p.pos < len(p.s) {
		return nil, fail(p.pos, "expected the end of the path")
	}
	return &path, nil
}

func (p *parser) or() (*Expr, *syntaxError) {
	left, err := p.and()
	for err == nil && p.keyword("or") {
		var right *Expr
		right, err = p.and()
		left = &Expr{Op: Or, Left: left, Right: right}
	}
	return left, err
}

func (p *parser) and() (*Expr, *syntaxError) {
	left, err := p.term()
	for err == nil && p.keyword("and") {
		var right *Expr
		right, err = p.term()
		left = &Expr{Op: And, Left: left, Right: right}
	}
	return left, err
}

func (p *parser) term() (*Expr, *syntaxError) {
	p.spaces()
	if p.next('(') {
		return p.enclosed('(', ')')
	}
	start := p.pos
	if p.keyword("not") {
		p.spaces()
		if p.next('(') {
			e, err := p.enclosed('(', ')')
			return &Expr{Op: Not, Left: e}, err
		}
		p.pos = start // an attribute may be called "not"
	}
	return p.comparison()
}

// enclosed reads a filter between two delimiters, the first of which comes next.
func (p *parser) enclosed(open, end byte) (*Expr, *syntaxError) {
	if p.depth == MaxDepth {
		return nil, fail(p.pos, fmt.Sprintf("expected at most %d parentheses inside each other", MaxDepth))
	}
	p.pos++
	p.depth++
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.spaces(); !p.next(end) {
		return nil, fail(p.pos, fmt.Sprintf("expected and, or, or %q for the %q before", end, open))
	}
	p.pos++
	p.depth--
	return e, nil
}

func (p *parser) comparison() (*Expr, *syntaxError) {
	if p.terms++; p.terms > MaxTerms {
		return nil, fail(p.pos, fmt.Sprintf("expected at most %d comparisons", MaxTerms))
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if path.Where != nil && path.Sub == "" {
		where := path.Where
		path.Where = nil
		return &Expr{Op: Has, Path: path, Left: where}, nil
	}
	if p.strict && path.Where != nil {
		return nil, fail(p.pos, "expected the comparison with the sub-attribute inside the brackets")
	}
	p.spaces()
	start := p.pos
	op, ok := comparator(p.word())
	if !ok {
		return nil, fail(start, "expected one of eq, ne, co, sw, ew, gt, ge, lt, le, pr")
	}
	if op == Present {
		return &Expr{Op: op, Path: path}, nil
	}
	value, err := p.value()
	if err != nil {
		return nil, err
	}
	return &Expr{Op: op, Path: path, Value: value}, nil
}

func comparator(word string) (Op, bool) {
	if len(word) != 2 {
		return 0, false
	}
	for op := Present; op <= Le; op++ {
		if strings.EqualFold(word, opNames[op]) {
			return op, true
		}
	}
	return 0, false
}

// path reads attrPath or valuePath [subAttr] (RFC 7644 figures 1 and 7).
func (p *parser) path() (Path, *syntaxError) {
	p.spaces()
	start := p.pos
	text := p.word()
	var path Path
	name := start
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		path.URN, text = text[:i], text[i+1:]
		name += i + 1
	}
	sub := false
	path.Name, path.Sub, sub = strings.Cut(text, ".")
	if !isName(path.Name) || name > start && !isURN(path.URN) {
		return path, fail(start, "expected the name of an attribute")
	}
	if sub && !isName(path.Sub) {
		return path, fail(name+len(path.Name)+1, "expected the name of a sub-attribute")
	}
	if sub || p.bracket {
		return path, nil
	}
	end := p.pos
	if p.spaces(); !p.next('[') {
		p.pos = end
		return path, nil
	}
	p.bracket = true
	where, err := p.enclosed('[', ']')
	if err != nil {
		return path, err
	}
	p.bracket = false
	path.Where = where
	if p.next('.') {
		p.pos++
		start = p.pos
		if path.Sub = p.word(); !isName(path.Sub) {
			return path, fail(start, "expected the name of a sub-attribute")
		}
	}
	return path, nil
}

// keyword reads a word if it is this one, in any case.
func (p *parser) keyword(word string) bool {
	start := p.pos
	p.spaces()
	if strings.EqualFold(p.word(), word) {
		return true
	}
	p.pos = start
	return false
}

// word reads up to the next delimiter; it may be empty.
func (p *parser) word() string {
	start := p.pos
	for p.pos < len(p.s) && !delimits(p.s[p.pos]) {
		p.pos++
	}
	return p.s[start:p.pos]
}

func (p *parser) next(c byte) bool { return p.pos < len(p.s) && p.s[p.pos] == c }

func (p *parser) spaces() {
	for p.pos < len(p.s) && (p.s[p.pos] == ' ' || '\t' <= p.s[p.pos] && p.s[p.pos] <= '\r') {
		p.pos++
	}
}

func delimits(c byte) bool {
	return c <= ' ' || c == '"' || c == '(' || c == ')' || c == '[' || c == ']'
}

// isName follows ATTRNAME (RFC 7643 §2.1), and allows "$ref".
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '$'
		if !letter && (i == 0 || c != '-' && c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}

// isURN allows what begins like a URI, with a letter, and has only characters of a URI (RFC 3986 appendix A).
func isURN(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c <= ' ' || c >= 0x7f || strings.IndexByte(`\^`+"`{|}<>", c) >= 0) {
			return false
		}
	}
	return s != ""
}
