package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// decodeInput reads a request body into in, a pointer to a struct whose fields carry a tag `aws:"Shape,required"`: the member's
// shape in the service model, and whether it must be there. Members are matched by exact name, unknown ones ignored, as AWS does.
// A body that does not fit the structure is a SerializationException; values that break constraints are one InvalidParameterException.
func decodeInput(body []byte, in any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var tree map[string]any
	if err := dec.Decode(&tree); err != nil {
		return serialization("the body is not a JSON object: %v", err)
	}
	if tree == nil || dec.More() {
		return serialization("the body is not one JSON object")
	}
	var d decoder
	d.structure(tree, reflect.ValueOf(in).Elem(), "")
	if d.mismatch != nil {
		return d.mismatch
	}
	return d.violations()
}

// refused is the type of members whose effect is not emulated: a value other than an empty one fails loudly.
type refused struct{}

// ignored is the type of members without an effect that this API could show: messages, mail and SMS settings, analytics.
type ignored struct{}

// decoder walks a JSON tree and a Go value side by side.
type decoder struct {
	mismatch error // the first member that does not fit
	broken   []string
}

func (d *decoder) violations() error {
	switch len(d.broken) {
	case 0:
		return nil
	case 1:
		return invalidParameter("1 validation error detected: %s", d.broken[0])
	}
	return invalidParameter("%d validation errors detected: %s", len(d.broken), strings.Join(d.broken, "; "))
}

func (d *decoder) structure(tree map[string]any, dst reflect.Value, path string) {
	for f, v := range dst.Fields() {
		if f.Anonymous {
			d.structure(tree, v, path)
			continue
		}
		name, required, _ := strings.Cut(f.Tag.Get("aws"), ",")
		at := path + lowerFirst(f.Name)
		s := shapes[name]
		if value := tree[f.Name]; f.Type == reflect.TypeFor[refused]() {
			d.refuse(f.Name, value)
		} else if f.Type == reflect.TypeFor[ignored]() {
			continue
		} else if value != nil {
			d.value(value, v, name, at)
		} else if required != "" {
			d.violate(s, "null", at, "Member must not be null")
		}
	}
}

func (d *decoder) refuse(name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return
		}
	case []any:
		if len(v) == 0 {
			return
		}
	case nil:
		return
	case json.Number:
		if v == "0" {
			return
		}
	}
	if d.mismatch == nil {
		d.mismatch = invalidParameter("%s is not emulated", name)
	}
}

// value stores v, which is not null, in dst and checks it against the named shape.
func (d *decoder) value(v any, dst reflect.Value, shape, at string) {
	if dst.Kind() == reflect.Pointer {
		dst.Set(reflect.New(dst.Type().Elem()))
		dst = dst.Elem()
	}
	s := shapes[shape]
	switch dst.Kind() {
	case reflect.String:
		text, ok := v.(string)
		if !ok {
			d.mismatched(v, "String")
			return
		}
		dst.SetString(text)
		s.checkString(text, func(rule string) { d.violate(s, "'"+text+"'", at, rule) })
	case reflect.Bool:
		b, ok := v.(bool)
		if !ok {
			d.mismatched(v, "Boolean")
			return
		}
		dst.SetBool(b)
	case reflect.Int64:
		n, ok := integer(v)
		if !ok {
			d.mismatched(v, "Integer")
			return
		}
		dst.SetInt(n)
		s.checkNumber(n, func(rule string) { d.violate(s, "'"+strconv.FormatInt(n, 10)+"'", at, rule) })
	case reflect.Struct:
		members, ok := v.(map[string]any)
		if !ok {
			d.mismatched(v, "Structure")
			return
		}
		d.structure(members, dst, at+".")
	case reflect.Slice:
		d.list(v, dst, s, at)
	case reflect.Map:
		d.stringMap(v, dst)
	default:
		panic(fmt.Sprintf("emulator: %s has a Go type that inputs do not use: %s", at, dst.Type()))
	}
}

func (d *decoder) list(v any, dst reflect.Value, s constraint, at string) {
	items, ok := v.([]any)
	if !ok {
		d.mismatched(v, "List")
		return
	}
	s.checkLength(len(items), func(rule string) { d.violate(s, "'"+fmt.Sprint(v)+"'", at, rule) })
	dst.Set(reflect.MakeSlice(dst.Type(), len(items), len(items)))
	for i, item := range items {
		member := fmt.Sprintf("%s.%d.member", at, i+1)
		if item == nil {
			d.violate(s, "null", member, "Member must not be null")
			continue
		}
		d.value(item, dst.Index(i), s.member, member)
	}
}

func (d *decoder) stringMap(v any, dst reflect.Value) {
	members, ok := v.(map[string]any)
	if !ok {
		d.mismatched(v, "Map")
		return
	}
	m := make(map[string]string, len(members))
	for k, item := range members {
		text, ok := item.(string)
		if !ok {
			d.mismatched(item, "String")
			return
		}
		m[k] = text
	}
	dst.Set(reflect.ValueOf(m))
}

// violate records a broken constraint in Cognito's words. Values of sensitive shapes are left out, as Cognito does.
func (d *decoder) violate(s constraint, value, at, rule string) {
	subject := "Value " + value
	if s.sensitive {
		subject = "Value"
	}
	d.broken = append(d.broken, fmt.Sprintf("%s at '%s' failed to satisfy constraint: %s", subject, at, rule))
}

func (d *decoder) mismatched(v any, want string) {
	kinds := map[string]string{
		"string": "STRING_VALUE", "json.Number": "NUMBER_VALUE", "bool": "TRUE_VALUE",
		"[]interface {}": "Start of list", "map[string]interface {}": "Start of structure or map",
	}
	if d.mismatch == nil {
		d.mismatch = serialization("%s can not be converted to a %s", kinds[fmt.Sprintf("%T", v)], want)
	}
}

func integer(v any) (int64, bool) {
	number, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(number.String(), 10, 32) // the model's integers are 32 bits wide
	return n, err == nil
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}
