package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// TestPagingWhileOthersWrite: whoever is there all the time is met once, by index, by cursor and in one piece, while others
// are created and changed side by side with the reading; by cursor, also while others are deleted.
func TestPagingWhileOthersWrite(t *testing.T) {
	t.Parallel()
	const people = 60
	for _, way := range []struct {
		name    string
		deletes bool
		read    func(*world, *testing.T) []string
	}{
		{"by index", false, func(w *world, t *testing.T) (names []string) {
			for start, total := 1, 1; start <= total; start = 1 + len(names) {
				p := w.do(t, "GET", fmt.Sprintf("/scim/v2/Users?startIndex=%d&count=7", start), "").page()
				if len(p.names) == 0 {
					t.Fatalf("from %d of %v: got an empty page", start, p.total)
				}
				names, total = append(names, p.names...), min(int(p.total), people)
			}
			return names
		}},
		{"by cursor", true, func(w *world, t *testing.T) []string {
			return w.follow(t, true, "/scim/v2/Users", "id pr", "", 7, func() {})
		}},
		{"by cursor, sorted", true, func(w *world, t *testing.T) []string {
			return w.follow(t, true, "/scim/v2/Users", "id pr", "userName", 7, func() {})
		}},
		{"in one piece", true, func(w *world, t *testing.T) []string {
			return w.do(t, "GET", "/scim/v2/Users?count=1000", "").page().names
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var stay []string
			ids := map[string]string{}
			for i := range people {
				name := fmt.Sprintf("stays%02d", i)
				stay, ids[name] = append(stay, name), w.user(t, name)
			}
			stop := w.writers(t, way.deletes, ids)
			for range 5 {
				names := slices.Sorted(slices.Values(way.read(w, t)))
				if len(slices.Compact(slices.Clone(names))) != len(names) {
					t.Errorf("got %q, want nobody twice", names)
				}
				met := slices.DeleteFunc(names, func(name string) bool { return ids[name] == "" })
				if !slices.Equal(met, stay) {
					t.Errorf("got %d of those who stay, %q, want all %d", len(met), met, people)
				}
			}
			if made := stop(); made < 10 {
				t.Errorf("got %d changes meanwhile, want ten, or the test says little", made)
			}
		})
	}
}

// writers change users side by side until stop is called, which returns how many changes they have made.
func (w *world) writers(t *testing.T, deletes bool, ids map[string]string) (stop func() int64) {
	t.Helper()
	var working sync.WaitGroup
	var made atomic.Int64
	begun := make(chan struct{})
	over := make(chan struct{})
	request := func(method, path, body string) reply {
		r := w.do(t, method, path, body)
		if r.status >= http.StatusBadRequest {
			t.Errorf("%s %s: got %d %s, want it done", method, path, r.status, r.text)
		}
		if made.Add(1) == 10 {
			close(begun)
		}
		return r
	}
	working.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-over:
				return
			default:
			}
			r := request("POST", "/scim/v2/Users", fmt.Sprintf(`{"userName":"comes%d"}`, n))
			if deletes && n%2 == 0 && r.status == http.StatusCreated {
				request("DELETE", r.header.Get("Location")[len(public):], "")
			}
		}
	})
	working.Go(func() {
		for n := 0; ; n++ {
			for _, id := range ids {
				select {
				case <-over:
					return
				default:
				}
				request("PATCH", "/scim/v2/Users/"+id, fmt.Sprintf(`{"Operations":[{"op":"replace","path":"title","value":"T%d"}]}`, n))
			}
		}
	})
	<-begun
	stop = sync.OnceValue(func() int64 {
		close(over)
		working.Wait()
		return made.Load()
	})
	t.Cleanup(func() { stop() }) // for a test that ends early
	return stop
}
