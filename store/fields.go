package store

import (
	"bytes"
	"encoding/json"
	"iter"
)

// fields returns the members of a document without decoding them: a scan of all rows looks at few of them. The document
// must be valid JSON and an object, which Doc.check sees to.
func fields(doc []byte) iter.Seq2[string, []byte] {
	return func(yield func(name string, value []byte) bool) {
		for i := next(doc, 1); doc[i] == '"'; {
			end := skip(doc, i)
			name, err := text(doc[i:end])
			if err != nil {
				name = string(doc[i:end]) // as it stands: no attribute is called so
			}
			i = next(doc, next(doc, end)+1) // past the colon
			end = skip(doc, i)
			if !yield(name, doc[i:end]) {
				return
			}
			if i = next(doc, end); doc[i] == ',' {
				i = next(doc, i+1)
			}
		}
	}
}

// next returns the position of the first byte from i on that is no white space.
func next(doc []byte, i int) int {
	for doc[i] == ' ' || doc[i] == '\t' || doc[i] == '\n' || doc[i] == '\r' {
		i++
	}
	return i
}

// skip returns the position after the value that begins at i.
func skip(doc []byte, i int) int {
	depth := 0
	for ; i < len(doc); i++ {
		switch doc[i] {
		case '"':
			for i++; doc[i] != '"'; i++ {
				if doc[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the end of what holds a number, true, false or null
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

// text returns what a JSON string says.
func text(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

// decode returns a value in the form that filters read: string, bool, json.Number, map[string]any or []any.
func decode(raw []byte) (any, error) {
	if raw[0] == '"' {
		return text(raw)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}
