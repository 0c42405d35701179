package server_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/scim-cognito/scim-cognito/schemas/filter"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
)

var _ = filter.MaxTerms
var _ = patch.MaxVisits

func ops(list ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + strings.Join(list, ",") + `]}`
}

func TestScratch(t *testing.T) {
	w := newWorld(t)
	id := w.user(t, "ann")
	gid := w.group(t, "G", id)
	run := func(name, method, target, body string) {
		var m0, m1 runtime.MemStats
		runtime.ReadMemStats(&m0)
		start := time.Now()
		r := w.do(t, method, target, body)
		d := time.Since(start)
		runtime.ReadMemStats(&m1)
		fmt.Printf("%-30s body %8d  %d  %8s  alloc %5d MB  %.200s\n", name, len(body), r.status, d.Round(time.Millisecond), (m1.TotalAlloc-m0.TotalAlloc)>>20, r.text)
	}
	var emails []string
	for i := range 20000 {
		emails = append(emails, fmt.Sprintf(`{"value":"a%d"}`, i))
	}
	var terms []string
	for i := range 500 {
		terms = append(terms, fmt.Sprintf("type eq %d", i))
	}
	where := strings.Join(terms, " or ")
	_ = where
	add := `{"op":"add","path":"emails","value":[` + strings.Join(emails, ",") + `]}`
	run("20k emails", "PATCH", "/scim/v2/Users/"+id, ops(add))
	list := []string{add}
	for range 40 {
		list = append(list, `{"op":"replace","path":"emails[`+where+`].display","value":"x"}`)
	}
	run("value path bomb", "PATCH", "/scim/v2/Users/"+id, ops(list...))
	var a, b []string
	for i := range 8000 {
		a = append(a, fmt.Sprintf(`{"value":"a","type":"t%d"}`, i))
		b = append(b, fmt.Sprintf(`{"value":"a","type":"x%d"}`, i))
	}
	run("same value removes", "PATCH", "/scim/v2/Users/"+id, ops(`{"op":"add","path":"emails","value":[`+strings.Join(a, ",")+`]}`, `{"op":"remove","path":"emails","value":[`+strings.Join(b, ",")+`]}`))
	run("16MB objects", "POST", "/scim/v2/Groups", `{"displayName":"x","x":[`+strings.Repeat(`{"a":1},`, 2_000_000)+`{}]}`)
	run("16MB lists", "POST", "/scim/v2/Groups", `{"displayName":"x2","x":[`+strings.Repeat(`[],`, 5_000_000)+`{}]}`)
	run("16MB numbers", "POST", "/scim/v2/Groups", `{"displayName":"x3","x":[`+strings.Repeat(`1,`, 8_000_000)+`{}]}`)
	var wheres []string
	terms = nil
	for i := range 500 {
		terms = append(terms, fmt.Sprintf(`display eq %d`, i))
	}
	for range 500 {
		wheres = append(wheres, `{"op":"remove","path":"members[`+strings.Join(terms, " or ")+`]"}`)
	}
	run("where bomb", "PATCH", "/scim/v2/Groups/"+gid, ops(wheres...))
	var keys []string
	for i := range 100_000 {
		keys = append(keys, fmt.Sprintf(`"k%d":1`, i))
	}
	run("100k keys", "POST", "/scim/v2/Users", `{"userName":"many",`+strings.Join(keys, ",")[:900_000]+`}`)
	var many []string
	for i := range 10000 {
		many = append(many, fmt.Sprintf(`{"op":"replace","path":"title","value":"t%d"}`, i))
	}
	run("10k ops", "PATCH", "/scim/v2/Users/"+id, ops(many...))
	many = nil
	for i := range 10000 {
		many = append(many, fmt.Sprintf(`{"op":"replace","path":"emails[type eq \"t%d\"].value","value":"a"}`, i))
	}
	run("10k created", "PATCH", "/scim/v2/Users/"+id, ops(many...))
	many = nil
	for i := range 10000 {
		many = append(many, fmt.Sprintf(`"m%d"`, i))
	}
	run("10k members", "PATCH", "/scim/v2/Groups/"+gid, ops(`{"op":"add","path":"members","value":[`+strings.Join(many, ",")+`]}`))
	many = nil
	for i := range 10000 {
		many = append(many, fmt.Sprintf(`{"value":"00000000-0000-4000-8000-%012d"}`, i))
	}
	run("10k uuid members", "PATCH", "/scim/v2/Groups/"+gid, ops(`{"op":"add","path":"members","value":[`+strings.Join(many, ",")+`]}`))
	many = nil
	for i := range 300000 {
		many = append(many, fmt.Sprintf(`"m%d"`, i))
	}
	run("300k members", "PATCH", "/scim/v2/Groups/"+gid, ops(`{"op":"add","path":"members","value":[`+strings.Join(many, ",")+`]}`))
	run("300k members POST", "POST", "/scim/v2/Groups", `{"displayName":"q","members":[`+strings.Join(many, ",")+`]}`)
}
