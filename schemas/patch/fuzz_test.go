package patch_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

// body reads a resource and operations as fuzzing makes them; ok is false when they are none.
func body(resource, operations []byte) (res map[string]any, ops []patch.Op, ok bool) {
	var wire []struct {
		Op    uint8  `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	for _, part := range []struct {
		text []byte
		into any
	}{{resource, &res}, {operations, &wire}} {
		dec := json.NewDecoder(bytes.NewReader(part.text))
		dec.UseNumber()
		if dec.Decode(part.into) != nil {
			return nil, nil, false
		}
	}
	for _, o := range wire {
		op := patch.Op{Kind: patch.Kind(o.Op % 3), Value: o.Value}
		if o.Path != "" {
			p, err := filter.ParsePath(o.Path)
			if err != nil {
				return nil, nil, false
			}
			op.Path = p
		}
		ops = append(ops, op)
	}
	return res, ops, true
}

// FuzzApply holds for any resource and operations: the input stays as it is, and the answer is a resource that JSON can
// hold, or a ScimError.
func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"userName":"a","emails":[{"value":"a","type":"work","primary":true}]}`), []byte(`[{"op":1,"path":"emails[type eq \"home\"].value","value":"b"}]`))
	f.Add([]byte(`{"name":{"givenName":"a"}}`), []byte(`[{"op":0,"value":{"name":{"familyName":"b"},"active":true,"title":null}},{"op":2,"path":"name.givenName"}]`))
	f.Add([]byte(`{"`+enterprise+`":{"manager":{"value":"m"}}}`), []byte(`[{"op":2,"path":"`+enterprise+`"},{"op":0,"path":"`+enterprise+`:manager","value":"n"}]`))
	f.Add([]byte(`{"emails":["x",null,{"value":5}]}`), []byte(`[{"op":2,"path":"emails","value":["x"]},{"op":0,"path":"emails.primary","value":true}]`))
	f.Fuzz(func(t *testing.T, resource, operations []byte) {
		res, ops, ok := body(resource, operations)
		if !ok {
			return
		}
		before, opsBefore := clone(t, res), clone(t, ops)
		got, err := patch.Apply(users, res, ops)
		if diff := cmp.Diff(before, clone(t, res)); diff != "" {
			t.Errorf("the resource was changed (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(opsBefore, clone(t, ops)); diff != "" {
			t.Errorf("the operations were changed (-want +got):\n%s", diff)
		}
		if err != nil && (!isRefusal(err) || got != nil) {
			t.Errorf("got %v and error %v, want nil and a ScimError", got, err)
		}
		clone(t, got)
	})
}

// FuzzMembers holds for any operations: the ids are decided once and legal, and the rest has no members.
func FuzzMembers(f *testing.F) {
	f.Add([]byte(`[{"op":2,"path":"members[value eq \"a\" or value eq \"b\"]"},{"op":0,"path":"members","value":[{"value":"c"}]}]`))
	f.Add([]byte(`[{"op":1,"value":{"id":"1","displayName":"x","members":["a",{"value":"b"}]}},{"op":2,"path":"members","value":["a"]}]`))
	f.Add([]byte(`[{"op":2,"path":"members[display eq \"a\"]"},{"op":2,"path":"members"},{"op":0,"path":"displayName","value":"x"}]`))
	f.Fuzz(func(t *testing.T, operations []byte) {
		_, ops, ok := body([]byte(`{}`), operations)
		if !ok {
			return
		}
		before := clone(t, ops)
		d, rest, err := patch.Members(ops)
		if diff := cmp.Diff(before, clone(t, ops)); diff != "" {
			t.Errorf("the operations were changed (-want +got):\n%s", diff)
		}
		if err != nil {
			if !isRefusal(err) || !d.Empty() || rest != nil {
				t.Errorf("got %v, %v and error %v, want nothing and a ScimError", d, rest, err)
			}
			return
		}
		seen := map[string]bool{}
		for _, id := range slices.Concat(d.Add, d.Remove) {
			if seen[id] || id == "" || len(id) > patch.MaxMemberID {
				t.Errorf("id %q: got it twice, or it is not legal, in %+v", id, d)
			}
			seen[id] = true
		}
		if d.Replace && (len(d.Remove) > 0 || d.Where != nil) {
			t.Errorf("got %+v, want nothing removed beside a replace", d)
		}
		again, left, err := patch.Members(rest)
		if err != nil || !again.Empty() || !cmp.Equal(rest, left) {
			t.Errorf("Members of the rest: got %+v, %v, %v, want no more members", again, left, err)
		}
	})
}
