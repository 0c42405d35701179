package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

// maxDepth is how deep objects and lists may be nested. A PATCH of a sub-attribute in an extension needs seven.
const maxDepth = 32

// maxValues is how many values a body may hold, objects and lists among them. A group of 100,000 members, each with value,
// display and type, takes 400,000; a body full of {} would take forty times its size in memory.
const maxValues = 500_000

// decodeBody reads the body of a request, at most limit bytes of it, as one JSON value.
func decodeBody(w http.ResponseWriter, r *http.Request, limit int64) (any, error) {
	if err := checkContent(r.Header); err != nil {
		return nil, err
	}
	if r.ContentLength > limit {
		readPast(r)
		return nil, &http.MaxBytesError{Limit: limit}
	}
	var buf bytes.Buffer
	buf.Grow(int(max(r.ContentLength, 0)))
	if _, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			readPast(r)
		}
		return nil, unreadable(err)
	}
	return decodeJSON(buf.Bytes())
}

// maxPast is how much of a body that is refused is read past.
const maxPast = 32 << 20

// readPast reads a body that is refused, and forgets it: clients that look for the answer only after they have sent
// everything would meet a connection that is reset, and never see why. net/http does the same up to 256 KiB. Who asks
// before sending (Expect: 100-continue) is told at once.
func readPast(r *http.Request) {
	if r.ContentLength > maxPast || r.Header.Get("Expect") != "" {
		return
	}
	_, _ = io.CopyN(io.Discard, r.Body, maxPast) // how it ends changes nothing about the answer
}

// unreadable is what an error of reading a body comes down to: too long, too slow, or else cut off or garbled by whoever
// sends it. It is never our fault.
func unreadable(err error) error {
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong) || errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("reading the body: %w", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return invalidSyntax("The request body ended before its Content-Length.")
	}
	return invalidSyntax("The request body could not be read: its transfer coding is malformed, or the connection broke.")
}

// decodeJSON decodes exactly one JSON value, strictly: UTF-8, no name twice in one object in whatever case (RFC 7643
// section 2.1), no endless nesting, not too many values. Numbers are json.Number. Errors are scim.ScimError invalidSyntax and say where.
func decodeJSON(data []byte) (any, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, invalidSyntax("The request body is empty; a JSON object is required.")
	}
	if at := firstInvalid(data); at >= 0 {
		return nil, invalidSyntax("The request body is not valid UTF-8 at byte %d.", at)
	}
	if !json.Valid(data) {
		return nil, invalidSyntax("The request body is not valid JSON: %s.", whyInvalid(data))
	}
	d := decoder{data: data, left: maxValues, names: map[string]name{}}
	return d.value(0)
}

func firstInvalid(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// whyInvalid asks encoding/json for its reason, which json.Valid does not give.
func whyInvalid(data []byte) string {
	err := json.Unmarshal(data, new(any))
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("%s at byte %d", syntax.Error(), syntax.Offset)
	case err != nil:
		return err.Error()
	}
	return "syntax error"
}

// decoder builds the value of data, which is valid JSON, so that it only has to find its way.
type decoder struct {
	data  []byte
	pos   int
	left  int             // how many values more there may be
	names map[string]name // every key met; a group's ten thousand members share a few
}

type name struct{ text, folded string }

// value decodes the value that comes next, inside depth objects and lists.
func (d *decoder) value(depth int) (any, error) {
	d.space()
	if d.left--; d.left < 0 {
		return nil, invalidSyntax("The request body holds more than %d values: send fewer in a request.", maxValues)
	}
	switch c := d.data[d.pos]; c {
	case '{', '[':
		if depth == maxDepth {
			return nil, invalidSyntax("At byte %d the request body nests more than %d objects and lists.", d.pos, maxDepth)
		}
		d.pos++
		if c == '{' {
			return d.object(depth + 1)
		}
		return d.list(depth + 1)
	case '"':
		return d.text()
	case 't':
		d.pos += len("true")
		return true, nil
	case 'f':
		d.pos += len("false")
		return false, nil
	case 'n':
		d.pos += len("null")
		return nil, nil
	}
	start := d.pos
	for d.pos < len(d.data) && strings.IndexByte("+-.0123456789eE", d.data[d.pos]) >= 0 {
		d.pos++
	}
	return json.Number(d.data[start:d.pos]), nil
}

func (d *decoder) object(depth int) (map[string]any, error) {
	object := map[string]any{}
	seen := map[string]string{} // folded → as written
	for {
		d.space()
		if d.data[d.pos] == '}' {
			d.pos++
			return object, nil
		}
		at := d.pos
		key, err := d.key()
		if err != nil {
			return nil, err
		}
		if before, twice := seen[key.folded]; twice {
			return nil, invalidSyntax("At byte %d the name %.64q stands a second time in one object, after %.64q; names are case-insensitive (RFC 7643 section 2.1).",
				at, key.text, before)
		}
		seen[key.folded] = key.text
		d.space()
		d.pos++ // the colon
		if object[key.text], err = d.value(depth); err != nil {
			return nil, err
		}
		d.comma()
	}
}

func (d *decoder) list(depth int) ([]any, error) {
	list := []any{}
	for {
		d.space()
		if d.data[d.pos] == ']' {
			d.pos++
			return list, nil
		}
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		d.comma()
	}
}

func (d *decoder) key() (name, error) {
	start := d.pos
	end := d.literal()
	if n, ok := d.names[string(d.data[start:end])]; ok {
		d.pos = end
		return n, nil
	}
	s, err := d.text()
	if err != nil {
		return name{}, err
	}
	n := name{text: s, folded: filter.Fold(s)}
	d.names[string(d.data[start:end])] = n
	return n, nil
}

// text decodes the string literal that comes next.
func (d *decoder) text() (string, error) {
	start, end := d.pos, d.literal()
	d.pos = end
	inner := d.data[start+1 : end-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), nil
	}
	var s string
	if err := json.Unmarshal(d.data[start:end], &s); err != nil {
		return "", fmt.Errorf("decoding a string of valid JSON: %w", err)
	}
	if halfPair(inner) {
		return "", invalidSyntax("The string at byte %d holds half of a surrogate pair, which is no character.", start)
	}
	return s, nil
}

// halfPair reports whether a string literal has an escape that is half of a surrogate pair (RFC 8259 section 8.2), which
// encoding/json decodes to U+FFFD.
func halfPair(literal []byte) bool {
	for i := 0; i < len(literal); i++ {
		if literal[i] != '\\' {
			continue
		}
		if i++; literal[i] != 'u' {
			continue
		}
		r := escaped(literal[i-1:])
		i += len(`u0000`) - 1
		if !utf16.IsSurrogate(r) {
			continue
		}
		if utf16.DecodeRune(r, escaped(literal[i+1:])) == utf8.RuneError {
			return true
		}
		i += len(`\u0000`)
	}
	return false
}

// escaped returns what an escape such as \u00e9 at the beginning of text stands for; 0 if there is none.
func escaped(text []byte) rune {
	if len(text) < len(`\u0000`) || text[0] != '\\' || text[1] != 'u' {
		return 0
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
}

// literal returns the end of the string literal that begins at pos.
func (d *decoder) literal() int {
	for i := d.pos + 1; ; i++ {
		switch d.data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

func (d *decoder) space() {
	for d.pos < len(d.data) && strings.IndexByte(" \t\r\n", d.data[d.pos]) >= 0 {
		d.pos++
	}
}

// comma moves past the comma, if there is one, that separates two members or elements.
func (d *decoder) comma() {
	d.space()
	if d.data[d.pos] == ',' {
		d.pos++
	}
}

func invalidSyntax(format string, args ...any) error {
	return scim.ScimError{Status: http.StatusBadRequest, ScimType: scim.ScimTypeInvalidSyntax, Detail: fmt.Sprintf(format, args...)}
}
