package pooltest

import (
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/scim-cognito/scim-cognito/cognito"
)

var groupCases = []testCase{
	{"create group: what was given is there", createsGroup},
	{"create group: the name is taken", createsGroupTwice},
	{"create group: a name that differs by case is another", createsGroupByCase},
	{"create group: white space in the name is refused", createsGroupWithSpace},
	{"create group: 128 characters of any script", createsGroupLongName},
	{"create group: 129 characters are refused", createsGroupTooLongName},
	{"create group: 2,048 characters of description", createsGroupLongDescription},
	{"create group: 2,049 characters of description are refused", createsGroupTooLongDescription},
	{"read group: one that is missing", readsGroupMissing},
	{"update group: the description", updatesGroup},
	{"update group: one that is missing", updatesGroupMissing},
	{"delete group: twice", deletesGroup},
}

// wantGroup checks a group, which may take as long as reads lag.
func (f *fixture) wantGroup(t T, want cognito.Group) {
	t.Helper()
	f.eventually(t, func() error {
		got, err := f.pool.Group(t.Context(), want.Name)
		if err != nil {
			return fmt.Errorf("reading group %s: %w", want.Name, err)
		}
		got.Modified = want.Modified
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("group (-want +got):\n%s", diff)
		}
		return nil
	})
}

func createsGroup(t T, f *fixture) {
	description := `{"id":"2819c223-7f76-453a-919d-413861904646","name":"All \"Staff\" 山田"}`
	group := f.group(t, "g", description)
	if group.Name != f.name("g") || group.Description != description || group.RoleARN != "" || group.Precedence != nil ||
		group.Created.IsZero() || group.Modified.IsZero() {
		t.Errorf("got %+v, want the name, the description and dates", group)
	}
	f.wantGroup(t, group)
}

func createsGroupTwice(t T, f *fixture) {
	group := f.group(t, "g", "first")
	_, err := f.tryGroup(t.Context(), group.Name, "second")
	wantKind(t, "creating the group again", err, cognito.Exists)
	f.wantGroup(t, group)
}

func createsGroupByCase(t T, f *fixture) {
	lower, upper := f.group(t, "g", "lower"), f.group(t, "G", "upper")
	f.wantGroup(t, lower)
	f.wantGroup(t, upper)
}

func createsGroupWithSpace(t T, f *fixture) {
	_, err := f.tryGroup(t.Context(), f.name("all staff"), "")
	wantKind(t, "a name with a space", err, cognito.Invalid)
}

func createsGroupLongName(t T, f *fixture) {
	long := longest(f.name("山田-O'Brien/§1&+|"))
	group, err := f.tryGroup(t.Context(), long, "")
	if err != nil || group.Name != long {
		t.Errorf("got group %q and error %v, want %q", group.Name, err, long)
	}
}

func createsGroupTooLongName(t T, f *fixture) {
	_, err := f.tryGroup(t.Context(), longest(f.name("g"))+"ß", "")
	wantKind(t, "a name of 129 characters", err, cognito.Invalid)
}

func createsGroupLongDescription(t T, f *fixture) {
	long := strings.Repeat("x", 2048)
	if got := f.group(t, "g", long).Description; got != long {
		t.Errorf("got %d characters, want 2048", len(got))
	}
}

func createsGroupTooLongDescription(t T, f *fixture) {
	_, err := f.tryGroup(t.Context(), f.name("g"), strings.Repeat("x", 2049))
	wantKind(t, "2,049 characters", err, cognito.Invalid)
}

func readsGroupMissing(t T, f *fixture) {
	_, err := f.pool.Group(t.Context(), f.name("missing"))
	wantKind(t, "reading a group that is missing", err, cognito.GroupNotFound)
}

func updatesGroup(t T, f *fixture) {
	group := f.group(t, "g", "before")
	for _, description := range []string{"after", "after", ""} {
		wantNone(t, "updating", f.pool.UpdateGroup(t.Context(), group.Name, description))
		group.Description = description
		f.wantGroup(t, group)
	}
}

func updatesGroupMissing(t T, f *fixture) {
	wantKind(t, "updating", f.pool.UpdateGroup(t.Context(), f.name("missing"), "x"), cognito.GroupNotFound)
}

func deletesGroup(t T, f *fixture) {
	group := f.group(t, "g", "")
	wantNone(t, "deleting", f.pool.DeleteGroup(t.Context(), group.Name))
	wantKind(t, "deleting again", f.pool.DeleteGroup(t.Context(), group.Name), cognito.GroupNotFound)
	f.eventually(t, func() error {
		if _, err := f.pool.Group(t.Context(), group.Name); cognito.KindOf(err) != cognito.GroupNotFound {
			return fmt.Errorf("reading a deleted group: got error %v, want none found", err)
		}
		return nil
	})
}
