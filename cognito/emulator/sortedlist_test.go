package emulator

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestSortedList plays random insertions, removals and reads on a list and on a plain slice. The range of values makes blocks split
// and run empty.
func TestSortedList(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(3, 4))
	list := sortedList[int]{compare: cmp.Compare[int]}
	var want []int
	for step := range 40_000 {
		x := draw.IntN(20_000)
		grow := step < 20_000
		at, found := slices.BinarySearch(want, x)
		switch {
		case !found && (grow || draw.IntN(8) == 0):
			want = slices.Insert(want, at, x)
			list.insert(x)
		case found:
			want = slices.Delete(want, at, at+1)
			if !list.remove(x) {
				t.Fatalf("removing %d: got false, want true", x)
			}
		default:
			if list.remove(x) {
				t.Fatalf("removing %d, which is not there: got true, want false", x)
			}
		}
		if step%2000 == 0 {
			compareLists(t, &list, want, draw.IntN(20_000))
		}
	}
	if most := 4*len(want)/blockSize + 1; len(list.blocks) > most {
		t.Errorf("got %d blocks for %d items, want at most %d", len(list.blocks), len(want), most)
	}
	for _, x := range slices.Clone(want) {
		list.remove(x)
	}
	compareLists(t, &list, nil, 0)
	list.build(want)
	compareLists(t, &list, want, 0)
}

func compareLists(t *testing.T, list *sortedList[int], want []int, from int) {
	t.Helper()
	if list.n != len(want) {
		t.Errorf("got n %d, want %d", list.n, len(want))
	}
	at, _ := slices.BinarySearch(want, from)
	if got := slices.Collect(list.from(func(x int) bool { return x >= from })); !slices.Equal(got, want[at:]) {
		t.Errorf("from %d: got %d items, want %d", from, len(got), len(want)-at)
	}
	for _, b := range list.blocks {
		if len(b) == 0 || len(b) >= blockSize {
			t.Errorf("got a block of %d items, want 1 to %d", len(b), blockSize-1)
		}
	}
}

// TestCompareFold checks that the order which searches use is that of lower-case strings, which building an index relies on.
func TestCompareFold(t *testing.T) {
	t.Parallel()
	values := []string{"", "a", "A", "aa", "Ab", "AB", "b", "B", "ä", "Ä", "ÄB", "äa", "z", "Z", "é", "Ω", "ω", "𝔄", "İ", "ı", "ſ", "K"}
	for _, a := range values {
		for _, b := range values {
			if got, want := compareFold(a, b), cmp.Compare(strings.ToLower(a), strings.ToLower(b)); got != want {
				t.Errorf("%q, %q: got %d, want %d", a, b, got, want)
			}
			if got, want := hasPrefixFold(a, b), strings.HasPrefix(strings.ToLower(a), strings.ToLower(b)); got != want {
				t.Errorf("%q has prefix %q: got %t, want %t", a, b, got, want)
			}
		}
	}
}
