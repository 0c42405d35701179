package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNumberedUsernames: the Username that stands for a freed userName may be that of another userName. Each is found again under
// its id when the mirror is lost, and before that nobody is taken for somebody else.
func TestNumberedUsernames(t *testing.T) {
	long := strings.Repeat("l", 128)
	for _, c := range []struct {
		name        string
		aliases     []string
		insensitive bool
		steps       []string // a creation by its userName, or a rename: from>to
		want        []string // Usernames, in order of creation
	}{
		{"the freed name first", nil, false, []string{"ann", "ann>x", "ann", "ann_2"}, []string{"ann", "ann_2", "ann_2_2"}},
		{"the other name first", nil, false, []string{"ann_2", "ann", "ann>x", "ann"}, []string{"ann_2", "ann", "ann_3"}},
		{"both are freed", nil, false, []string{"ann", "ann>x", "ann", "ann>y", "ann", "ann_2"}, []string{"ann", "ann_2", "ann_3", "ann_2_2"}},
		{"renamed to the other", nil, false, []string{"ann", "ann>x", "ann", "x>ann_2", "ann>z", "ann"}, []string{"ann", "ann_2", "ann_3"}},
		{"two change places", nil, false, []string{"ann", "bob", "ann>x", "bob>ann", "x>bob", "bob>y", "bob"}, []string{"ann", "bob", "bob_2"}},
		{"aliases", []string{"email"}, false, []string{"ann", "ann>x", "ANN", "ann", "ann_2"}, []string{"ann", "ANN", "ann_2"}},
		{"not case-sensitive", []string{"email"}, true, []string{"Ann", "ann>x", "ANN", "aNN_2"}, []string{"ann", "ann_2", "ann_2_2"}},
		{"no room for the number", nil, false, []string{long, long + ">x", long, long[:126] + "_2"}, []string{long, long[:126] + "_2", long[:126] + "_3"}},
		{"no room, characters of four bytes", nil, false, []string{strings.Repeat("😀", 64), strings.Repeat("😀", 64) + ">x", strings.Repeat("😀", 64)},
			[]string{strings.Repeat("😀", 64), strings.Repeat("😀", 63) + "_2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, styled(nil, c.aliases), func(rc *rigConfig) { rc.pool.CaseInsensitive = c.insensitive })
			var got []string
			for _, step := range c.steps {
				if from, to, ok := strings.Cut(step, ">"); ok {
					if err := r.renamed(r.idOf(from), to); err != nil {
						t.Fatalf("%s: %v", step, err)
					}
					continue
				}
				if taken := r.idOf(step); taken != "" {
					if _, err := r.CreateUser(t.Context(), somebody(step, "")); kindOf(err) != "exists" {
						t.Errorf("creating %s, who is there: %v, want exists", step, err)
					}
					continue
				}
				got = append(got, r.create(somebody(step, "")).PoolName)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("Usernames: got %q, want %q", got, c.want)
			}
			before := r.listed()
			for _, username := range got {
				r.lose(true)
				d := desk{Connection: r.Connection, t: t}
				ids, err := d.look(fmt.Sprintf("userName eq %q", username))
				if err != nil {
					t.Fatal(err)
				}
				for _, id := range ids {
					if !strings.Contains(strings.ToLower(before[id]), strings.ToLower(fmt.Sprintf(`"userName":%q`, username))) {
						t.Errorf("looking for userName %s, before the mirror is complete: found %s", username, before[id])
					}
				}
			}
			r.lose(false)
			if diff := cmp.Diff(before, r.listed()); diff != "" {
				t.Errorf("after the mirror was lost (-before +after):\n%s", diff)
			}
		})
	}
}

// TestAnAliasIsInTheWayOfANumberedUsername: there are more of them.
func TestAnAliasIsInTheWayOfANumberedUsername(t *testing.T) {
	r := newRig(t, styledRow("preferred_username"))
	ann := r.create(somebody("ann", ""))
	if err := r.renamed(ann.ID, "x"); err != nil {
		t.Fatal(err)
	}
	holder, err := r.CreateUser(t.Context(), nicknamed("other", "", "ann_2"))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.create(somebody("ann", "")).PoolName; got != "ann_3" {
		t.Errorf("got Username %s, want ann_3", got)
	}
	if got := r.inPool("ann_2").Sub; got != holder.ID {
		t.Errorf("ann_2 is user %s, want %s, whose preferred_username it is", got, holder.ID)
	}
	if _, err := r.CreateUser(t.Context(), somebody("ann_2", "")); kindOf(err) != "exists" {
		t.Errorf("a userName that is somebody's preferred_username: %v, want exists", err)
	}
}
