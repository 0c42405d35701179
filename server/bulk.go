package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/schemas/attribute"
)

const bulkResponseURN = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

// bulkOperation is one operation of a bulk request.
type bulkOperation struct {
	index   int
	method  string
	bulkID  string
	version string
	data    any
	target  *endpoint
	id      string   // of the path: a resource's, or bulkId:… until that is known; "" in a POST
	needs   []string // the bulkIds that data and path refer to

	done   chan struct{} // closed when result is final
	result bulkResult
}

// bulkResult is one operation of a bulk response.
type bulkResult struct {
	Location string          `json:"location,omitempty"`
	Method   string          `json:"method"`
	BulkID   string          `json:"bulkId,omitempty"`
	Version  string          `json:"version,omitempty"`
	Response json.RawMessage `json:"response,omitempty"` // of a failure: the error
	Status   string          `json:"status"`

	id     string // of what a POST has created
	failed bool
}

// bulk is RFC 7644 section 3.7: each operation is what its own request would be, and answers what that would. Operations
// on one resource go in their order, and after those to whose bulkId they refer; others go side by side, unless
// failOnErrors makes their order matter.
func (s *Server) bulk(w http.ResponseWriter, r *http.Request) error {
	body, err := decodeBody(w, r, s.limits.BulkBody)
	if err != nil {
		return err
	}
	operations, failOnErrors, err := s.bulkRequest(body)
	if err != nil {
		return err
	}
	run := newBulkRun(s, r, operations)
	if failOnErrors > 0 {
		operations = run.inOrder(failOnErrors)
	} else {
		run.sideBySide()
	}
	results := make([]bulkResult, 0, len(operations))
	for _, op := range operations {
		results = append(results, op.result)
	}
	return sendJSON(w, struct {
		Schemas    []string     `json:"schemas"`
		Operations []bulkResult `json:"Operations"`
	}{[]string{bulkResponseURN}, results})
}

// bulkRequest reads the request's frame. What is wrong with one operation is that operation's failure, not the request's.
func (s *Server) bulkRequest(body any) (operations []*bulkOperation, failOnErrors int, err error) {
	object, ok := body.(map[string]any)
	if !ok {
		return nil, 0, invalidSyntax("The request body must be a BulkRequest object (RFC 7644 section 3.7).")
	}
	list, ok := attribute.Member(object, "Operations").([]any)
	if !ok || len(list) == 0 {
		return nil, 0, invalidSyntax("Operations must be a list of at least one operation.")
	}
	if len(list) > s.limits.BulkOperations {
		return nil, 0, scim.ScimError{Status: http.StatusRequestEntityTooLarge,
			Detail: fmt.Sprintf("The request has %d operations; at most %d are accepted.", len(list), s.limits.BulkOperations)}
	}
	if n := attribute.Member(object, "failOnErrors"); n != nil {
		if failOnErrors, err = integer("failOnErrors", fmt.Sprint(n)); err != nil || failOnErrors < 1 {
			return nil, 0, invalidValue("failOnErrors must be a whole number of at least 1.")
		}
	}
	endpoints := []*endpoint{s.users(), s.groups()}
	for i, raw := range list {
		op, err := newBulkOperation(i, raw, endpoints)
		if err != nil {
			return nil, 0, err
		}
		operations = append(operations, op)
	}
	return operations, failOnErrors, nil
}

// newBulkOperation reads one operation. Without a method there is no telling what to answer: that is the request's fault.
func newBulkOperation(i int, raw any, endpoints []*endpoint) (*bulkOperation, error) {
	object, ok := raw.(map[string]any)
	if !ok {
		return nil, invalidSyntax("Operations[%d] must be an object.", i)
	}
	text := func(name string) string { s, _ := attribute.Member(object, name).(string); return s }
	op := &bulkOperation{
		index: i, method: strings.ToUpper(text("method")), bulkID: text("bulkId"), version: text("version"), data: attribute.Member(object, "data"),
		done: make(chan struct{}),
	}
	op.result = bulkResult{Method: op.method, BulkID: op.bulkID}
	if op.method == "" {
		return nil, invalidSyntax("Operations[%d].method must be POST, PUT, PATCH or DELETE.", i)
	}
	op.route(text("path"), endpoints)
	op.needs = bulkIDs(op.data, nil)
	if ref, ok := strings.CutPrefix(op.id, bulkPrefix); ok {
		op.needs = append(op.needs, ref)
	}
	return op, nil
}

// route finds the endpoint and the id of a path such as /Users or /Users/2819c223.
func (op *bulkOperation) route(path string, endpoints []*endpoint) {
	path = "/" + strings.Trim(path, "/")
	for _, e := range endpoints {
		if path == e.rt.Endpoint {
			op.target = e
		} else if id, ok := strings.CutPrefix(path, e.rt.Endpoint+"/"); ok && !strings.Contains(id, "/") {
			op.target, op.id = e, id
		}
	}
}

// bulkPrefix begins a reference to what another operation creates (RFC 7644 section 3.7.2).
const bulkPrefix = "bulkId:"

// bulkReference returns the bulkId to which a whole string refers. A text that merely begins so is a text.
func bulkReference(s string) (string, bool) {
	ref, ok := strings.CutPrefix(s, bulkPrefix)
	return ref, ok && ref != "" && !strings.ContainsAny(ref, " \t\r\n")
}

// bulkIDs appends the bulkIds to which a value refers.
func bulkIDs(v any, to []string) []string {
	switch v := v.(type) {
	case string:
		if ref, ok := bulkReference(v); ok {
			return append(to, ref)
		}
	case []any:
		for _, e := range v {
			to = bulkIDs(e, to)
		}
	case map[string]any:
		for _, e := range v {
			to = bulkIDs(e, to)
		}
	}
	return to
}

// resolved is v with the ids in place of references.
func resolved(v any, ids func(bulkID string) string) any {
	switch v := v.(type) {
	case string:
		if ref, ok := bulkReference(v); ok {
			return ids(ref)
		}
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = resolved(e, ids)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			out[name] = resolved(e, ids)
		}
		return out
	}
	return v
}

// wait waits for another operation, no longer than ctx.
func (op *bulkOperation) wait(ctx context.Context) {
	select {
	case <-op.done:
	case <-ctx.Done():
	}
}
