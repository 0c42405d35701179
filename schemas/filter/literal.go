package filter

import (
	"encoding/json"
	"strings"
)

// value reads compValue (RFC 7644 figure 1): a JSON string, number, true, false or null; or a bare word, which is a
// string.
func (p *parser) value() (any, *syntaxError) {
	p.spaces()
	if p.next('"') {
		return p.quoted()
	}
	start := p.pos
	word := p.word()
	switch {
	case word == "":
		return nil, fail(start, "expected a value: a text in double quotes, a number, true, false or null")
	case word[0] == '\'':
		return nil, fail(start, "expected a text in double quotes")
	case strings.EqualFold(word, "true"):
		return true, nil
	case strings.EqualFold(word, "false"):
		return false, nil
	case strings.EqualFold(word, "null"):
		return nil, nil
	case isNumber(word):
		return json.Number(word), nil
	case p.strict:
		return nil, fail(start, "expected a text in double quotes")
	default:
		return word, nil
	}
}

// quoted reads a JSON string. Without escapes it is a part of the filter's own text, which saves a copy.
func (p *parser) quoted() (any, *syntaxError) {
	start := p.pos
	escaped := false
	for p.pos++; p.pos < len(p.s); p.pos++ {
		switch c := p.s[p.pos]; {
		case c < ' ':
			return nil, fail(p.pos, `expected control characters as escapes, such as \n`)
		case c == '\\':
			escaped = true
			p.pos++
		case c == '"':
			p.pos++
			if escaped {
				return p.unescape(start)
			}
			return p.s[start+1 : p.pos-1], nil
		}
	}
	return nil, fail(start, "expected a double quote at the end of this text")
}

func (p *parser) unescape(start int) (any, *syntaxError) {
	var text string
	if err := json.Unmarshal([]byte(p.s[start:p.pos]), &text); err != nil {
		return nil, fail(start, `expected a text with JSON escapes (\" \\ \/ \b \f \n \r \t \u0000)`)
	}
	return text, nil
}

// isNumber follows the grammar of RFC 8259 §6, so that "007" and "1-555" stay texts.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if strings.HasPrefix(s, ".") {
		n := digits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n := digits(s)
		return n > 0 && n == len(s)
	}
	return s == ""
}

// digits counts the leading digits.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}
