package server_test

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// bomb is an attack that is cheap to send and was meant to be dear to serve.
type bomb struct {
	attack
	megabytes uint64 // that may be allocated in all, freed ones among them
}

// bombTime is what any bomb may take. Each takes two seconds or less; without its limit it takes minutes.
const bombTime = 20 * time.Second

// many joins n texts that format makes of their numbers, which have six digits.
func many(n int, format string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = strings.ReplaceAll(format, "%d", strconv.Itoa(100_000+i))
	}
	return strings.Join(parts, ",")
}

// terms is a filter of n comparisons.
func terms(n int, term string) string {
	return strings.TrimSuffix(strings.Repeat(term+" or ", n), " or ")
}

func bombs() []bomb {
	same := `{"displayName":"Staff","members":["{ann}"],"x":[`
	return []bomb{
		{attack{"16 MiB of objects", "PUT", staff, same + strings.Repeat("{},", 5_500_000) + `1]}`, 400, syntax, "more than 500000 values", nil}, 400},
		{attack{"16 MiB of objects that hold something", "PUT", staff, same + strings.Repeat(`{"a":1},`, 2_000_000) + `1]}`, 400, syntax, "more than 500000 values", nil}, 400},
		{attack{"16 MiB of lists", "PUT", staff, same + strings.Repeat("[],", 5_500_000) + `1]}`, 400, syntax, "more than 500000 values", nil}, 400},
		{attack{"16 MiB of digits", "PUT", staff, same + strings.Repeat("1,", 8_000_000) + `1]}`, 400, syntax, "more than 500000 values", nil}, 400},
		{attack{"16 MiB of names", "PUT", staff, `{"displayName":"Staff","members":["{ann}"],` + many(490_000, `"%d":1`) + `}`, 200, "", `"displayName":"Staff"`, nil}, 600},
		{attack{"as many values as may be", "PUT", staff, same + strings.Repeat("[],", 499_994) + `1]}`, 200, "", `"displayName":"Staff"`, nil}, 200},
		{attack{"a string of 16 MiB", "PUT", staff, `{"displayName":"` + strings.Repeat("x", 16<<20-64) + `"}`, 400, value, "displayName and externalId are too long", nil}, 400},
		{attack{"a string of two million escapes", "PUT", staff, `{"displayName":"` + strings.Repeat(`\u0041`, 2_500_000) + `"}`, 400, value, "displayName and externalId are too long", nil}, 400},
		{attack{"a name of 16 MiB", "PUT", staff, `{"displayName":"Staff","members":["{ann}"],"` + strings.Repeat("x", 16<<20-128) + `":1}`, 200, "", `"displayName":"Staff"`, nil}, 400},
		{attack{"more than 16 MiB", "PUT", staff, same + strings.Repeat(" ", 16<<20) + `1]}`, 413, "", "longer than the 16777216 bytes", nil}, 200},

		{attack{"10,000 operations", "PATCH", ann, patchOf(many(10_000, `{"op":"replace","path":"title","value":"t%d"}`), `{"op":"remove","path":"title"}`), 200, "", `"userName":"ann"`, nil}, 200},
		{attack{"10,000 operations, the last at fault", "PATCH", ann, patchOf(many(10_000, `{"op":"replace","path":"title","value":"t%d"}`), `{"op":"remove","path":"userName"}`), 400, fixed, "Operations[10000] (remove userName)", nil}, 200},
		{attack{"10,000 values", "PATCH", ann, patchOf(`{"op":"add","path":"emails","value":[`+many(10_000, `{"value":"a%d","type":"t%d"}`)+`]}`, `{"op":"remove","path":"emails","value":[`+many(10_000, `{"value":"a%d","type":"t%d"}`)+`]}`), 200, "", `"userName":"ann"`, nil}, 300},
		{attack{"10,000 values, one by one", "PATCH", ann, patchOf(many(10_000, `{"op":"add","path":"roles","value":[{"value":"r%d"}]}`), `{"op":"remove","path":"roles"}`), 200, "", `"userName":"ann"`, nil}, 300},
		{attack{"10,000 values by value path", "PATCH", ann, patchOf(many(10_000, `{"op":"add","path":"emails[type eq \"t%d\"].value","value":"a"}`)), 400, "tooMany", "send fewer in a request", nil}, 300},
		{attack{"a filter of 500 on 20,000 values", "PATCH", ann, patchOf(`{"op":"add","path":"emails","value":[`+many(20_000, `{"value":"a%d"}`)+`]}`, strings.Repeat(`{"op":"replace","path":"emails[`+terms(500, "type eq 1")+`].display","value":"x"},`, 80)+`{"op":"remove","path":"emails"}`), 400, "tooMany", "send fewer in a request", nil}, 300},
		{attack{"values of one name, to be removed by type", "PATCH", ann, patchOf(`{"op":"add","path":"emails","value":[`+many(15_000, `{"value":"a","type":"t%d"}`)+`]}`, `{"op":"remove","path":"emails","value":[`+many(15_000, `{"value":"a","type":"u%d"}`)+`]}`), 400, "tooMany", "send fewer in a request", nil}, 300},
		{attack{"values without a name, to be removed", "PATCH", ann, patchOf(`{"op":"add","path":"addresses","value":[`+many(10_000, `{"locality":"a%d"}`)+`]}`, `{"op":"remove","path":"addresses","value":[`+many(10_000, `{"locality":"b%d"}`)+`]}`), 400, "tooMany", "send fewer in a request", nil}, 300},
		{attack{"20,000 names that nobody knows", "PATCH", ann, patchOf(`{"op":"add","value":{` + many(20_000, `"x%d.y":1`) + `}}`), 200, "", `"userName":"ann"`, nil}, 200},

		{attack{"10,000 members whom nobody knows", "PATCH", staff, patchOf(`{"op":"add","path":"members","value":[` + many(10_000, `"m%d"`) + `]}`), 200, "", `"displayName":"Staff"`, nil}, 400},
		{attack{"1,000 members who could be somebody", "PATCH", staff, patchOf(`{"op":"add","path":"members","value":[` + many(1000, `{"value":"00000000-0000-4000-8000-000000%d"}`) + `]}`), 200, "", `"displayName":"Staff"`, nil}, 400},
		{attack{"50,000 operations on a group", "PATCH", staff, patchOf(many(50_000, `{"op":"remove","path":"members","value":["m%d"]}`)), 200, "", `"displayName":"Staff"`, nil}, 1500},
		{attack{"a member 100,000 times", "PUT", staff, `{"displayName":"Staff","members":[` + strings.Repeat(`"{ann}",`, 100_000) + `"{ann}"]}`, 200, "", `"displayName":"Staff"`, nil}, 300},
		{attack{"100,000 additions and a filter", "PATCH", staff, patchOf(`{"op":"remove","path":"members[`+terms(500, `display eq 1`)+`]"}`, `{"op":"add","path":"members","value":[`+strings.Repeat(`"{ann}",`, 100_000)+`"{ann}"]}`), 200, "", `"displayName":"Staff"`, nil}, 300},
		{attack{"1,000 operations at once", "POST", bulkPath, bulkOf(many(1000, `{"method":"PATCH","path":"/Users/u%d","data":{"Operations":[{"op":"replace","path":"title","value":"x"}]}}`)), 200, "", `"status":"404"`, nil}, 400},
		{attack{"operations that wait for each other", "POST", bulkPath, bulkOf(many(999, `{"method":"POST","path":"/Groups","bulkId":"%d","data":{"members":[{"value":"bulkId:%d1"}]}}`)), 200, "", `"status":"409"`, nil}, 400},
	}
}

// TestBombs is not parallel: what others allocate would count, too.
func TestBombs(t *testing.T) {
	f := newFortress(t)
	for _, b := range bombs() {
		if slower > 1 && len(b.body) > 2<<20 {
			continue // decoding is nobody's race, and slow to watch
		}
		t.Run(b.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			f.suffers(t, b.attack)
			took := time.Since(begun)
			runtime.ReadMemStats(&after)
			if took > bombTime*slower {
				t.Errorf("got an answer after %s, want it within %s", took, bombTime*slower)
			}
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			if allocated > b.megabytes {
				t.Errorf("got %d MiB allocated, want at most %d", allocated, b.megabytes)
			}
			t.Logf("%d KiB sent, %d MiB allocated, %s", len(b.body)>>10, allocated, took.Round(time.Millisecond))
		})
	}
	f.modest(t)
}

// modest checks that the activity keeps little of what it was told.
func (f *fortress) modest(t *testing.T) {
	t.Helper()
	f.do(t, "DELETE", users+"/"+strings.Repeat("x", 50_000), "").refused(404, "", "not found")
	f.do(t, "DELETE", users+"/the-last", "").refused(404, "", "not found")
	until(t, "the activity is written", func() bool {
		return len(f.rows(t, "SELECT 1 FROM activity WHERE id = 'the-last'")) == 1
	})
	for _, row := range f.rows(t, "SELECT length(id) + length(plan) + length(notes), method, substr(id, 1, 40) FROM activity") {
		var size int
		if _, err := fmt.Sscan(row, &size); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		if size > 20_000 {
			t.Errorf("the activity: got a record of %s, want at most 20,000 bytes", row)
		}
	}
}

// TestRepeatedMembers: somebody named a thousand times costs one call, of which Cognito allows 25 a second.
func TestRepeatedMembers(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	bob := f.names.Replace("{bob}")
	ids := slices.Repeat([]string{bob}, 1000)
	f.emulator.ResetCalls()
	id := f.group(t, "Repeated", ids...)
	f.do(t, "PUT", groups+"/"+id, groupBody("Repeated")).want(200)
	f.do(t, "PUT", groups+"/"+id, groupBody("Repeated", ids...)).want(200)
	f.do(t, "PATCH", groups+"/"+id, patchOf(`{"op":"remove","path":"members","value":`+memberList(ids...)+`}`)).want(200)
	f.do(t, "PATCH", groups+"/"+id, patchOf(`{"op":"add","path":"members","value":`+memberList(ids...)+`}`)).want(200)
	if calls := f.emulator.Calls(); calls["AdminAddUserToGroup"] != 3 || calls["AdminRemoveUserFromGroup"] != 2 {
		t.Errorf("got %v, want 3 calls that add and 2 that remove", calls)
	}
}
