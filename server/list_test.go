package server

import (
	"errors"
	"math"
	"strings"
	"testing"

	scim "github.com/elimity-com/scim/errors"
)

func TestListQuery(t *testing.T) {
	t.Parallel()
	s := &Server{limits: Limits{}.withDefaults()}
	for raw, want := range map[string]struct {
		start, count int
		filter       string
	}{
		"":                                {1, 100, ""},
		"startIndex=1&count=2":            {1, 2, ""},
		"startIndex=101&count=100":        {101, 100, ""},
		"startIndex=0":                    {1, 100, ""},
		"startIndex=-5":                   {1, 100, ""},
		"count=0":                         {1, 0, ""},
		"count=-1":                        {1, 0, ""},
		"count=1000":                      {1, 1000, ""},
		"count=1001":                      {1, 1000, ""},
		"count=99999999999999999999":      {1, 1000, ""},
		"count=-99999999999999999999":     {1, 0, ""},
		"startIndex=99999999999999999999": {math.MaxInt32, 100, ""},
		"filter=userName%20eq%20%22a%40b.c%22&startIndex=1":     {1, 100, `userName eq "a@b.c"`},
		"filter=userName+eq+%22a%2Bb%40c.d%22":                  {1, 100, `userName eq "a+b@c.d"`},
		`filter=userName%20eq%20"a;b"`:                          {1, 100, `userName eq "a;b"`},
		"aadOptscim062020&filter=active%20eq%20true":            {1, 100, `active eq true`},
		"aadOptscim062020=&count=3&sortBy=userName&%zz=1&x=%zz": {1, 3, ""},
	} {
		query, err := parseQuery(raw)
		if err != nil {
			t.Errorf("parseQuery(%q): got error %v, want none", raw, err)
			continue
		}
		got, err := s.listQuery(query, false)
		if err != nil {
			t.Errorf("listQuery(%q): got error %v, want none", raw, err)
			continue
		}
		gotFilter := ""
		if got.Where != nil {
			gotFilter = got.Where.String()
		}
		if got.Start != want.start || got.Count != want.count || gotFilter != want.filter {
			t.Errorf("listQuery(%q): got start %d, count %d, filter %q, want %+v", raw, got.Start, got.Count, gotFilter, want)
		}
	}
}

func TestListQueryRefuses(t *testing.T) {
	t.Parallel()
	s := &Server{limits: Limits{}.withDefaults()}
	for raw, want := range map[string]struct {
		scimType scim.ScimType
		detail   string
	}{
		"startIndex=one":               {scim.ScimTypeInvalidValue, `startIndex must be an integer, not "one"`},
		"count=1.5":                    {scim.ScimTypeInvalidValue, `count must be an integer, not "1.5"`},
		"count=":                       {scim.ScimTypeInvalidValue, `count must be an integer, not ""`},
		"count=1&count=2":              {scim.ScimTypeInvalidValue, "count is given twice"},
		"filter=id+pr&filter=title+pr": {scim.ScimTypeInvalidValue, "filter is given twice"},
		"filter=%zz":                   {scim.ScimTypeInvalidValue, "filter is not percent-encoded"},
		"filter=userName%20is%20x":     {scim.ScimTypeInvalidFilter, "filter"},
		"filter=":                      {scim.ScimTypeInvalidFilter, "filter"},
	} {
		query, err := parseQuery(raw)
		if err == nil {
			_, err = s.listQuery(query, false)
		}
		var e scim.ScimError
		if !errors.As(err, &e) || e.Status != 400 || e.ScimType != want.scimType || !strings.Contains(e.Detail, want.detail) {
			t.Errorf("%q: got %v, want 400 %s with %q", raw, err, want.scimType, want.detail)
		}
	}
}
