package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	scim "github.com/elimity-com/scim/errors"
	"github.com/go-chi/chi/v5"

	"github.com/scim-cognito/scim-cognito/bridge"
)

// bulkRun carries out the operations of one bulk request.
type bulkRun struct {
	s          *Server
	r          *http.Request
	requestID  string
	operations []*bulkOperation
	byBulkID   map[string]*bulkOperation // POSTs, by their bulkId
	after      map[*bulkOperation][]*bulkOperation
}

func newBulkRun(s *Server, r *http.Request, operations []*bulkOperation) *bulkRun {
	run := &bulkRun{s: s, r: r, requestID: exchangeOf(r.Context()).id, operations: operations,
		byBulkID: map[string]*bulkOperation{}, after: map[*bulkOperation][]*bulkOperation{}}
	for _, op := range operations {
		if op.method == http.MethodPost && op.bulkID != "" && run.byBulkID[op.bulkID] == nil {
			run.byBulkID[op.bulkID] = op
		}
	}
	last := map[string]*bulkOperation{} // by the resource that they change
	for _, op := range operations {
		for _, bulkID := range op.needs {
			if first := run.byBulkID[bulkID]; first != nil && first != op {
				run.after[op] = append(run.after[op], first)
			}
		}
		if op.id != "" {
			if earlier := last[op.id]; earlier != nil {
				run.after[op] = append(run.after[op], earlier)
			}
			last[op.id] = op
		}
	}
	run.breakCycles()
	return run
}

// breakCycles fails the operations that wait for each other in a circle: neither can come first, and RFC 7644 section
// 3.7.1 lets a server say so. (Cognito's groups hold no groups, so that no circle makes sense here.)
func (run *bulkRun) breakCycles() {
	const entered, left = 1, 2
	state := map[*bulkOperation]int{}
	var stack []*bulkOperation
	var visit func(op *bulkOperation)
	visit = func(op *bulkOperation) {
		state[op] = entered
		stack = append(stack, op)
		for _, first := range run.after[op] {
			switch state[first] {
			case 0:
				visit(first)
			case entered:
				for i := len(stack) - 1; i >= 0; i-- {
					stack[i].result.failed = true
					if stack[i] == first {
						break
					}
				}
			}
		}
		stack = stack[:len(stack)-1]
		state[op] = left
	}
	for _, op := range run.operations {
		if state[op] == 0 {
			visit(op)
		}
	}
	for _, op := range run.operations {
		if op.result.failed {
			delete(run.after, op)
			run.fail(op, scim.ScimError{Status: http.StatusConflict, Detail: "The operation refers by bulkId, in a circle, to what needs the operation itself."})
		}
	}
}

// order is the operations so that each comes after those for which it waits, and otherwise as they came.
func (run *bulkRun) order() []*bulkOperation {
	var ordered []*bulkOperation
	seen := map[*bulkOperation]bool{}
	var visit func(op *bulkOperation)
	visit = func(op *bulkOperation) {
		if seen[op] {
			return
		}
		seen[op] = true
		for _, first := range run.after[op] {
			visit(first)
		}
		ordered = append(ordered, op)
	}
	for _, op := range run.operations {
		visit(op)
	}
	return ordered
}

// inOrder carries out one operation after another, until so many have failed, and returns those that were tried.
func (run *bulkRun) inOrder(failOnErrors int) []*bulkOperation {
	failures := 0
	var tried []*bulkOperation
	for _, op := range run.order() {
		run.do(op)
		tried = append(tried, op)
		if op.result.failed {
			if failures++; failures == failOnErrors {
				break
			}
		}
	}
	return tried
}

// bulkAtOnce bounds how many operations of one request are under way, as the connections of a busy identity provider
// would be.
const bulkAtOnce = 8

// sideBySide carries out all operations. They start in an order in which nobody waits for one that cannot start.
func (run *bulkRun) sideBySide() {
	slots := make(chan struct{}, bulkAtOnce)
	var wg sync.WaitGroup
	for _, op := range run.order() {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for _, first := range run.after[op] {
				first.wait(run.r.Context())
			}
			run.do(op)
		})
	}
	wg.Wait()
}

// do carries out one operation as the request that it stands for.
func (run *bulkRun) do(op *bulkOperation) {
	defer close(op.done)
	if op.result.failed {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			run.fail(op, fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		}
	}()
	w := &outcome{header: http.Header{}}
	if err := run.attempt(w, op); err != nil {
		run.fail(op, err)
		return
	}
	op.result.Status, op.result.Version = strconv.Itoa(w.status), w.header.Get("ETag")
	if op.result.Location = w.header.Get("Location"); op.result.Location == "" {
		op.result.Location = run.s.origin.of(run.r) + op.target.rt.Endpoint + "/" + url.PathEscape(op.id)
	}
	op.result.id = op.result.Location[strings.LastIndexByte(op.result.Location, '/')+1:]
}

// fail makes an operation's result an error. The operator hears of what the client cannot be told.
func (run *bulkRun) fail(op *bulkOperation, err error) {
	f := translate(err, run.requestID)
	if f.status >= http.StatusInternalServerError {
		run.s.logger.Error("bulk operation", "request_id", run.requestID, "operation", op.index, "status", f.status, "error", err)
	}
	op.result.failed = true
	op.result.Status, op.result.Response = strconv.Itoa(f.status), f.body()
}

// outcome is a ResponseWriter that keeps what a bulk response says of one operation.
type outcome struct {
	header http.Header
	status int
}

func (o *outcome) Header() http.Header { return o.header }

func (o *outcome) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
}

func (o *outcome) Write(b []byte) (int, error) {
	o.WriteHeader(http.StatusOK)
	return len(b), nil
}

func (run *bulkRun) attempt(w http.ResponseWriter, op *bulkOperation) error {
	if run.r.Context().Err() != nil {
		return &bridge.Error{Kind: bridge.TooMany, RetryAfter: waitByDefault, Detail: "The time for this bulk request was over before the operation's turn came. Send it again."}
	}
	handler, err := op.handler()
	if err != nil {
		return err
	}
	var missing error
	ids := func(bulkID string) string {
		first := run.byBulkID[bulkID]
		if first == nil || first.result.failed || first.result.id == "" {
			missing = errors.Join(missing, scim.ScimError{Status: http.StatusConflict,
				Detail: fmt.Sprintf("bulkId %.64q names nothing that this request has created.", bulkID)})
			return ""
		}
		return first.result.id
	}
	data := resolved(op.data, ids)
	op.id, _ = resolved(op.id, ids).(string)
	if missing != nil {
		return missing
	}
	r, err := run.request(op, data)
	if err != nil {
		return err
	}
	return handler(w, r)
}

// handler is what serves the operation's method and path.
func (op *bulkOperation) handler() (func(http.ResponseWriter, *http.Request) error, error) {
	switch e := op.target; {
	case e == nil:
		return nil, notFound("path must be /Users or /Groups, or one of their resources.")
	case op.method == http.MethodPost && op.id == "":
		if op.bulkID == "" {
			return nil, invalidValue("A POST needs a bulkId (RFC 7644 section 3.7).")
		}
		return e.post, nil
	case op.method == http.MethodPut && op.id != "":
		return e.put, nil
	case op.method == http.MethodPatch && op.id != "":
		return e.patch, nil
	case op.method == http.MethodDelete && op.id != "":
		return e.delete, nil
	}
	return nil, invalidValue("method must be POST on an endpoint, or PUT, PATCH or DELETE on a resource.")
}

// request is the operation as a request of its own.
func (run *bulkRun) request(op *bulkOperation, data any) (*http.Request, error) {
	route := chi.NewRouteContext()
	route.URLParams.Add("id", op.id)
	r := run.r.Clone(context.WithValue(run.r.Context(), chi.RouteCtxKey, route))
	r.Method, r.URL = op.method, &url.URL{Path: prefix + op.target.rt.Endpoint}
	r.Header.Set("Content-Type", mediaType)
	r.Header.Del("If-Match")
	r.Header.Del("If-None-Match")
	if op.version != "" {
		r.Header.Set("If-Match", op.version)
	}
	body, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("encoding an operation: %w", err)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return r, nil
}
