package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Parse decodes a config file. It is stricter than encoding/json, which matches keys without case, takes the last of two
// equal keys, ignores null and what follows the document: each of these hides a mistake in a file that is read once.
func Parse(data []byte) (*Config, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("the file is not UTF-8 text")
	}
	d := decoder{json: json.NewDecoder(bytes.NewReader(data)), data: data}
	c := new(Config)
	if err := d.value(reflect.ValueOf(c).Elem(), ""); err != nil {
		return nil, err
	}
	at := d.json.InputOffset()
	if _, err := d.json.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: the document ends before this: one JSON object is all there may be", d.place(at))
	}
	return c, nil
}

// decoder fills structs and slices itself, to know the key path and which keys are absent; the leaves are encoding/json's.
type decoder struct {
	json *json.Decoder
	data []byte
}

func (d *decoder) value(v reflect.Value, path string) error {
	switch {
	case v.Kind() == reflect.Struct && !isLeaf(v):
		return d.object(v, path)
	case v.Kind() == reflect.Slice:
		return d.list(v, path)
	}
	var raw json.RawMessage
	if err := d.json.Decode(&raw); err != nil {
		return d.syntax(err)
	}
	if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil || string(raw) == "null" {
		return wrongKind(path, wanted(v), raw)
	}
	return nil
}

func (d *decoder) object(v reflect.Value, path string) error {
	if err := d.open('{', path, "an object"); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for d.json.More() {
		tok, err := d.json.Token()
		if err != nil {
			return d.syntax(err)
		}
		key := tok.(string) // the tokenizer lets nothing else stand before a colon
		field, ok := fieldByKey(v, key)
		switch {
		case !ok:
			return unknownKey(v.Type(), path, key)
		case seen[key]:
			return fmt.Errorf("%s: this key stands here twice; keep one", join(path, key))
		}
		seen[key] = true
		if err := d.value(field, join(path, key)); err != nil {
			return err
		}
	}
	if _, err := d.json.Token(); err != nil {
		return d.syntax(err)
	}
	for i := range v.NumField() {
		if !seen[keyOf(v.Type().Field(i))] {
			setDefault(v.Field(i), v.Type().Field(i).Tag.Get("default"))
		}
	}
	return nil
}

func (d *decoder) list(v reflect.Value, path string) error {
	if err := d.open('[', path, "a list"); err != nil {
		return err
	}
	for d.json.More() {
		element := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(element, fmt.Sprintf("%s[%d]", path, v.Len())); err != nil {
			return err
		}
		v.Set(reflect.Append(v, element))
	}
	if _, err := d.json.Token(); err != nil {
		return d.syntax(err)
	}
	return nil
}

// open reads the delimiter that begins an object or a list.
func (d *decoder) open(want json.Delim, path, kind string) error {
	tok, err := d.json.Token()
	if err != nil {
		return d.syntax(err)
	}
	if tok != want {
		raw := fmt.Append(nil, tok)
		if s, ok := tok.(string); ok {
			raw = fmt.Appendf(nil, "%q", s)
		}
		return wrongKind(path, kind, raw)
	}
	return nil
}

func (d *decoder) syntax(err error) error {
	var bad *json.SyntaxError
	switch {
	case errors.As(err, &bad):
		return fmt.Errorf("%s: not JSON: %w", d.place(bad.Offset), bad)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: not JSON: the file ends in the middle of the document", d.place(int64(len(d.data))))
	}
	return fmt.Errorf("%s: not JSON: %w", d.place(d.json.InputOffset()), err)
}

// place turns a byte offset into line and column, as editors count them.
func (d *decoder) place(offset int64) string {
	before := d.data[:min(offset, int64(len(d.data)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d", line, column)
}

func wrongKind(path, want string, raw []byte) error {
	got := "null; leave the key out for its default"
	switch raw[0] {
	case '{':
		got = "an object"
	case '[':
		got = "a list"
	case '"':
		got = "a string"
	case 't', 'f':
		got = "a boolean"
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		got = "a number"
	}
	if path == "" {
		path = "the document"
	}
	return fmt.Errorf("%s: must be %s, is %s", path, want, got) // the value itself may be a secret in the wrong place
}

func wanted(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Float64:
		return "a number"
	case reflect.Int:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	}
	return "a string"
}

// unknownKey names the nearest key there is, or all of them when none is near.
func unknownKey(t reflect.Type, path, key string) error {
	var known []string
	for i := range t.NumField() {
		known = append(known, keyOf(t.Field(i)))
	}
	nearest := slices.MinFunc(known, func(a, b string) int { return distance(key, a) - distance(key, b) })
	if distance(key, nearest) <= max(2, len(nearest)/3) {
		return fmt.Errorf("%s: unknown key; did you mean %q?", join(path, key), nearest)
	}
	return fmt.Errorf("%s: unknown key; the keys here are %s (nearest: %q)", join(path, key), strings.Join(known, ", "), nearest)
}

// distance is Levenshtein's, without case: a wrong case is the nearest mistake of all.
func distance(a, b string) int {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if x[i] != y[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(y)]
}

func isLeaf(v reflect.Value) bool {
	_, ok := v.Addr().Interface().(json.Unmarshaler)
	return ok
}

func fieldByKey(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if keyOf(v.Type().Field(i)) == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func keyOf(f reflect.StructField) string { return f.Tag.Get("json") }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// defaultOf is what an absent object stands for.
func defaultOf[T any]() T {
	var all T
	setDefault(reflect.ValueOf(&all).Elem(), "")
	return all
}

// setDefault gives an absent key its default tag's value, and the keys of an absent object theirs.
func setDefault(v reflect.Value, tag string) {
	switch {
	case v.Kind() == reflect.Struct && !isLeaf(v):
		for i := range v.NumField() {
			setDefault(v.Field(i), v.Type().Field(i).Tag.Get("default"))
		}
	case tag == "":
	case v.Kind() == reflect.String:
		v.SetString(tag)
	default:
		if err := json.Unmarshal([]byte(tag), v.Addr().Interface()); err != nil {
			panic("default tag " + tag + ": " + err.Error()) // a mistake in this package, found by its first test
		}
	}
}
