package server_test

import "strings"

const bulkPath = "/scim/v2/Bulk"

func bulkOf(operations ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + strings.Join(operations, ",") + `]}`
}

// bulkAttacks are bulk requests of which nothing may come; what is wrong with one operation is said in its result.
var bulkAttacks = []attack{
	{"nothing", "POST", bulkPath, "", 400, syntax, "is empty", nil},
	{"a list", "POST", bulkPath, `[]`, 400, syntax, "must be a BulkRequest object", nil},
	{"no operations", "POST", bulkPath, `{}`, 400, syntax, "Operations must be a list", nil},
	{"an operation for a list", "POST", bulkPath, `{"Operations":{"method":"DELETE","path":"/Users/{ann}"}}`, 400, syntax, "Operations must be a list", nil},
	{"null for an operation", "POST", bulkPath, bulkOf("null"), 400, syntax, "Operations[0] must be an object", nil},
	{"no method", "POST", bulkPath, bulkOf(`{"path":"/Users/{ann}"}`), 400, syntax, "Operations[0].method must be", nil},
	{"a good one before one without method", "POST", bulkPath, bulkOf(`{"method":"DELETE","path":"/Users/{ann}"}`, `{}`), 400, syntax, "Operations[1].method must be", nil},
	{"1,001 operations", "POST", bulkPath, bulkOf(strings.Repeat(`{"method":"DELETE","path":"/Users/{ann}"},`, 1000) + `{}`), 413, "", "at most 1000 are accepted", nil},
	{"a megabyte and more", "POST", bulkPath, bulkOf(`{"method":"POST","path":"/Users","bulkId":"a","data":"` + strings.Repeat("x", 1<<20) + `"}`), 413, "", "longer than the 1048576 bytes", nil},
	{"failOnErrors in words", "POST", bulkPath, `{"failOnErrors":"one","Operations":[{"method":"DELETE","path":"/Users/{ann}"}]}`, 400, value, "failOnErrors must be a whole number", nil},
	{"failOnErrors zero", "POST", bulkPath, `{"failOnErrors":0,"Operations":[{"method":"DELETE","path":"/Users/{ann}"}]}`, 400, value, "failOnErrors must be a whole number", nil},
	{"failOnErrors out of range", "POST", bulkPath, `{"failOnErrors":1e400,"Operations":[{"method":"DELETE","path":"/Users/{ann}"}]}`, 400, value, "failOnErrors must be a whole number", nil},
	{"failOnErrors as a list", "POST", bulkPath, `{"failOnErrors":[1],"Operations":[{"method":"DELETE","path":"/Users/{ann}"}]}`, 400, value, "failOnErrors must be a whole number", nil},
	{"a read", "POST", bulkPath, bulkOf(`{"method":"GET","path":"/Users/{ann}"}`), 200, "", "method must be POST on an endpoint", nil},
	{"another method", "POST", bulkPath, bulkOf(`{"method":"TRACE","path":"/Users/{ann}"}`), 200, "", "method must be POST on an endpoint", nil},
	{"all users gone", "POST", bulkPath, bulkOf(`{"method":"DELETE","path":"/Users"}`), 200, "", "method must be POST on an endpoint", nil},
	{"a bulk in a bulk", "POST", bulkPath, bulkOf(`{"method":"POST","path":"/Bulk","bulkId":"a","data":{"Operations":[{"method":"DELETE","path":"/Users/{ann}"}]}}`), 200, "", "path must be /Users or /Groups", nil},
	{"another machine", "POST", bulkPath, bulkOf(`{"method":"DELETE","path":"https://evil.example/Users/{ann}"}`), 200, "", "path must be /Users or /Groups", nil},
	{"a path that climbs", "POST", bulkPath, bulkOf(`{"method":"DELETE","path":"/Users/../Users/{ann}"}`), 200, "", "path must be /Users or /Groups", nil},
	{"a path with an escape", "POST", bulkPath, bulkOf(`{"method":"DELETE","path":"/Users/%2e%2e"}`), 200, "", "not found", nil},
	{"a path with a query", "POST", bulkPath, bulkOf(`{"method":"DELETE","path":"/Users/{ann}?x=y"}`), 200, "", "not found", nil},
	{"another connection's user", "POST", bulkPath, bulkOf(`{"method":"DELETE","path":"/Users/{eve}"}`), 200, "", `User \"{eve}\" not found`, nil},
	{"a POST without bulkId", "POST", bulkPath, bulkOf(`{"method":"POST","path":"/Users","data":{"userName":"x"}}`), 200, "", "needs a bulkId", nil},
	{"a POST without data", "POST", bulkPath, bulkOf(`{"method":"POST","path":"/Users","bulkId":"a"}`), 200, "", "must be a JSON object holding one User, not null", nil},
	{"a reference to nothing", "POST", bulkPath, bulkOf(`{"method":"PUT","path":"/Groups/{staff}","data":{"displayName":"Staff","members":[{"value":"bulkId:x"}]}}`), 200, "", "names nothing that this request has created", nil},
	{"a resource that is a reference to nothing", "POST", bulkPath, bulkOf(`{"method":"DELETE","path":"/Users/bulkId:x"}`), 200, "", "names nothing that this request has created", nil},
	{"a reference to itself", "POST", bulkPath, bulkOf(`{"method":"POST","path":"/Groups","bulkId":"a","data":{"displayName":"x","members":[{"value":"bulkId:a"}]}}`), 200, "", `"status":"409"`, nil},
	{"a circle", "POST", bulkPath, bulkOf(`{"method":"POST","path":"/Groups","bulkId":"a","data":{"displayName":"x","members":[{"value":"bulkId:b"}]}}`, `{"method":"POST","path":"/Groups","bulkId":"b","data":{"displayName":"y","members":[{"value":"bulkId:a"}]}}`), 200, "", "in a circle", nil},
	{"50,000 references to nothing", "POST", bulkPath, bulkOf(`{"method":"PUT","path":"/Groups/{staff}","data":{"displayName":"x","members":[` + strings.Repeat(`"bulkId:x",`, 50_000) + `"bulkId:y"]}}`), 200, "", `"status":"409"`, nil},
	{"another version", "POST", bulkPath, bulkOf(`{"method":"DELETE","path":"/Users/{ann}","version":"W/\"0\""}`), 200, "", `"status":"412"`, nil},
	{"two attributes of one name", "POST", bulkPath, bulkOf(`{"method":"PUT","path":"/Users/{ann}","data":{"userName":"ann","USERNAME":"x"}}`), 400, syntax, "stands a second time", nil},
	{"a thousand that fail", "POST", bulkPath, bulkOf(strings.Repeat(`{"method":"PATCH","path":"/Users/{ann}","data":{"Operations":[{"op":"remove","path":"userName"}]}},`, 999) + `{"method":"DELETE","path":"/Groups/x"}`), 200, "", `"status":"400"`, nil},
	{"a read of the endpoint", "GET", bulkPath, "", 405, "", notSupported, nil},
	{"nobody", "POST", bulkPath, bulkOf(`{"method":"DELETE","path":"/Users/{ann}"}`), 401, "", required, []string{"Authorization:"}},
	{"the other connection", "POST", bulkPath, bulkOf(`{"method":"DELETE","path":"/Users/{ann}"}`), 200, "", `"status":"404"`, []string{"Authorization: Bearer {other}"}},
}

// searchAttacks are queries by POST.
var searchAttacks = []attack{
	{"nothing", "POST", users + "/.search", "", 400, syntax, "is empty", nil},
	{"a list", "POST", users + "/.search", `[]`, 400, syntax, "must be a SearchRequest object", nil},
	{"a filter that is a number", "POST", users + "/.search", `{"filter":7}`, 400, value, "filter must be a string", nil},
	{"a filter that is an object", "POST", "/scim/v2/.search", `{"filter":{"$gt":""}}`, 400, value, "filter must be a string", nil},
	{"an empty filter", "POST", users + "/.search", `{"filter":""}`, 400, badTerm, "at character 1", nil},
	{"a filter of half a megabyte", "POST", users + "/.search", `{"filter":"` + strings.Repeat("(", 1<<19) + `"}`, 400, badTerm, "at most 16384 bytes", nil},
	{"a password to be guessed", "POST", "/scim/v2/.search", `{"filter":"password sw \"a\""}`, 400, badTerm, "never returned", nil},
	{"a filter that only users have", "POST", "/scim/v2/.search", `{"filter":"name eq \"x\""}`, 400, badTerm, "name is complex", nil},
	{"count out of range", "POST", users + "/.search", `{"count":1e400}`, 400, value, "count must be an integer", nil},
	{"count with a fraction", "POST", users + "/.search", `{"count":1.5}`, 400, value, "count must be an integer", nil},
	{"count as a boolean", "POST", users + "/.search", `{"count":true}`, 400, value, "count must be an integer", nil},
	{"count as an object", "POST", users + "/.search", `{"count":{"a":1}}`, 400, value, "count must be an integer", nil},
	{"count of 10,000 digits", "POST", "/scim/v2/.search", `{"count":` + strings.Repeat("9", 10_000) + `}`, 200, "", `"totalResults":4`, nil},
	{"startIndex at the end of integers", "POST", "/scim/v2/.search", `{"startIndex":9223372036854775807}`, 200, "", `"totalResults":4,"startIndex":2147483647,"Resources":[]`, nil},
	{"startIndex below everything", "POST", "/scim/v2/.search", `{"startIndex":-9223372036854775808,"count":-1}`, 200, "", `"totalResults":4,"startIndex":1,"Resources":[]`, nil},
	{"attributes as a string", "POST", users + "/.search", `{"attributes":"id"}`, 400, value, "attributes must be a list", nil},
	{"attributes that are numbers", "POST", users + "/.search", `{"attributes":[1]}`, 400, value, "attributes must be a list", nil},
	{"attributes with a comma", "POST", users + "/.search", `{"attributes":["id,password"]}`, 400, value, "attributes must be a list", nil},
	{"attributes of a prototype", "POST", users + "/.search", `{"attributes":["__proto__"]}`, 400, value, "attributes holds", nil},
	{"100,000 attributes", "POST", users + "/.search", `{"attributes":[` + strings.Repeat(`"a",`, 100_000) + `"id"]}`, 200, "", `"totalResults":3`, nil},
	{"both", "POST", users + "/.search", `{"attributes":["id"],"excludedAttributes":["id"]}`, 400, value, "exclude each other", nil},
	{"a name twice, by folding", "POST", users + "/.search", `{"\u017ftartIndex":1,"startindex":2}`, 400, syntax, "stands a second time", nil},
	{"another connection's user", "POST", "/scim/v2/.search", `{"filter":"id eq \"{eve}\""}`, 200, "", `"totalResults":0`, nil},
	{"nobody", "POST", "/scim/v2/.search", `{}`, 401, "", required, []string{"Authorization:"}},
	{"a form", "POST", "/scim/v2/.search", `filter=id`, 415, "", "application/scim+json", []string{"Content-Type: application/x-www-form-urlencoded"}},
	{"a replacement", "PUT", "/scim/v2/.search", `{}`, 405, "", notSupported, nil},
}
