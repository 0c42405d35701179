package filter_test

import (
	"errors"
	"testing"

	scim "github.com/elimity-com/scim/errors"
	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
)

func isScimError(err error, kinds ...scim.ScimType) bool {
	var refusal scim.ScimError
	if !errors.As(err, &refusal) || refusal.Status != 400 || refusal.Detail == "" {
		return false
	}
	for _, kind := range kinds {
		if refusal.ScimType == kind {
			return true
		}
	}
	return false
}

// FuzzParse holds for any text: an error is invalidFilter; a tree can be written and read again, compiled or refused,
// and matched.
func FuzzParse(f *testing.F) {
	for _, test := range accepted {
		f.Add(test.in)
	}
	res := decode(f, jensen)
	f.Fuzz(func(t *testing.T, in string) {
		e, err := filter.Parse(in)
		if err != nil {
			if !isScimError(err, scim.ScimTypeInvalidFilter) {
				t.Fatalf("Parse: got error %v, want invalidFilter", err)
			}
			return
		}
		text := e.String()
		if again, err := filter.Parse(text); len(text) <= filter.MaxLength && (err != nil || !cmp.Equal(e, again)) {
			t.Fatalf("Parse(%q): got %v, %v, want %v", text, again, err, e)
		}
		m, err := filter.Compile(users, e)
		if err != nil {
			if !isScimError(err, scim.ScimTypeInvalidFilter) {
				t.Fatalf("Compile: got error %v, want invalidFilter", err)
			}
			return
		}
		negated, err := filter.Compile(users, &filter.Expr{Op: filter.Not, Left: e})
		if err != nil {
			t.Fatalf("Compile of its negation: %v", err)
		}
		if m.Match(res) == negated.Match(res) {
			t.Errorf("%s and its negation: got %v for both", e, m.Match(res))
		}
	})
}

// FuzzParsePath holds for any text: an error is invalidPath; a path can be written and read again.
func FuzzParsePath(f *testing.F) {
	for _, in := range []string{
		`members`, `name.familyName`, `addresses[type eq "work"]`, `members[value eq "2819c223"].displayName`,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value`, enterprise, `emails[primary eq true].Value`, `a[`,
	} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		p, err := filter.ParsePath(in)
		if err != nil {
			if !isScimError(err, scim.ScimTypeInvalidPath) {
				t.Fatalf("ParsePath: got error %v, want invalidPath", err)
			}
			return
		}
		text := p.String()
		if again, err := filter.ParsePath(text); len(text) <= filter.MaxLength && (err != nil || !cmp.Equal(p, again)) {
			t.Fatalf("ParsePath(%q): got %v, %v, want %v", text, again, err, p)
		}
	})
}
