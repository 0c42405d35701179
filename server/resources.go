package server

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/schemas"
	"github.com/scim-cognito/scim-cognito/schemas/patch"
	"github.com/scim-cognito/scim-cognito/store"
)

// endpoint is one resource type as it is served: the same sentences of RFC 7644 for users and groups, over the
// operations of the connection that make the difference.
type endpoint struct {
	*Server
	rt    *schemas.ResourceType
	kind  store.Kind
	limit int64 // of a body, in bytes
	refs  references

	create  func(*bridge.Connection, context.Context, schemas.Resource) (store.Doc, error)
	read    func(*bridge.Connection, context.Context, string) (store.Doc, error)
	replace func(*bridge.Connection, context.Context, string, schemas.Resource) (store.Doc, error)
	modify  func(*bridge.Connection, context.Context, string, []patch.Op) (store.Doc, error)
	remove  func(*bridge.Connection, context.Context, string) error
	// related yields what the references of a document lead to.
	related func(*bridge.Connection, context.Context, store.Doc) iter.Seq2[store.Ref, error]
	// brief reports whether a PATCH answers 204 rather than the resource.
	brief func(context.Context, *bridge.Connection, *view, store.Doc) (bool, error)
}

// list is RFC 7644 section 3.4.2.
func (e *endpoint) list(w http.ResponseWriter, r *http.Request) error {
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	return e.answerList(w, r, query, e)
}

// search is RFC 7644 section 3.4.3, on one resource type.
func (e *endpoint) search(w http.ResponseWriter, r *http.Request) error {
	query, err := searchQuery(w, r, e.limits.Body)
	if err != nil {
		return err
	}
	return e.answerList(w, r, query, e)
}

// post is RFC 7644 section 3.3.
func (e *endpoint) post(w http.ResponseWriter, r *http.Request) error {
	v, _, err := e.view(r)
	if err != nil {
		return err
	}
	ctx, resource, err := e.resource(w, r)
	if err != nil {
		return err
	}
	doc, err := e.create(connection(ctx), ctx, resource)
	if err != nil {
		return err
	}
	location := v.location(doc.ID)
	w.Header().Set("Location", location)
	w.Header().Set("Content-Location", location)
	return e.sendChanged(ctx, w, http.StatusCreated, v, doc)
}

// get is RFC 7644 section 3.4.1.
func (e *endpoint) get(w http.ResponseWriter, r *http.Request) error {
	v, _, err := e.view(r)
	if err != nil {
		return err
	}
	doc, err := e.read(connection(r.Context()), r.Context(), pathID(r))
	if err != nil {
		return err
	}
	if unchanged(r, doc) {
		w.Header().Set("ETag", version(doc))
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return e.send(r.Context(), w, http.StatusOK, v, doc)
}

// put is RFC 7644 section 3.5.1. A deactivation in a resource that is refused is carried out all the same, alone.
func (e *endpoint) put(w http.ResponseWriter, r *http.Request) error {
	v, _, err := e.view(r)
	if err != nil {
		return err
	}
	body, err := decodeBody(w, r, e.limit)
	if err != nil {
		return err
	}
	var doc store.Doc
	resource, ignored, err := e.reading(r).Decode(body)
	switch {
	case err == nil:
		ctx := recorded(r, ignored)
		doc, err = e.replace(connection(ctx), ctx, pathID(r), resource)
	case e.kind == store.User && e.reading(r).SaysInactive(body):
		ctx := recorded(r, []string{"all but the deactivation was refused: " + err.Error()})
		doc, err = e.modify(connection(ctx), ctx, pathID(r), []patch.Op{schemas.Deactivate()})
	}
	if err != nil {
		return err
	}
	return e.sendChanged(r.Context(), w, http.StatusOK, v, doc)
}

// patch is RFC 7644 section 3.5.2.
func (e *endpoint) patch(w http.ResponseWriter, r *http.Request) error {
	v, _, err := e.view(r)
	if err != nil {
		return err
	}
	ctx, ops, err := e.operations(w, r)
	if err != nil {
		return err
	}
	doc, err := e.modify(connection(ctx), ctx, pathID(r), ops)
	if err != nil {
		return err
	}
	ctx, cancel := settled(ctx)
	defer cancel()
	brief, err := e.brief(ctx, connection(ctx), v, doc)
	if err != nil {
		return err
	}
	if brief {
		w.Header().Set("ETag", version(doc))
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return e.send(ctx, w, http.StatusOK, v, doc)
}

// delete is RFC 7644 section 3.6.
func (e *endpoint) delete(w http.ResponseWriter, r *http.Request) error {
	ctx := recorded(r, nil)
	if err := e.remove(connection(ctx), ctx, pathID(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// view reads what the client wants to see. It comes before any change: a parameter that makes no sense changes nothing.
func (e *endpoint) view(r *http.Request) (*view, map[string]string, error) {
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, nil, err
	}
	v, err := e.viewOf(r, query)
	return v, query, err
}

func (e *endpoint) viewOf(r *http.Request, query map[string]string) (*view, error) {
	project, err := newProjection(e.rt.Tree, query)
	if err != nil {
		return nil, err
	}
	return newView(e.rt, e.refs, project, e.origin.of(r)), nil
}

// reading is the resource type as the request's connection wants bodies read.
func (e *endpoint) reading(r *http.Request) *schemas.ResourceType {
	if connection(r.Context()).Strict() {
		return e.rt.Strict()
	}
	return e.rt
}

// resource decodes the body of a POST. What of it was ignored goes with the context into the activity.
func (e *endpoint) resource(w http.ResponseWriter, r *http.Request) (context.Context, schemas.Resource, error) {
	body, err := decodeBody(w, r, e.limit)
	if err != nil {
		return nil, nil, err
	}
	resource, ignored, err := e.reading(r).Decode(body)
	if err != nil {
		return nil, nil, err
	}
	return recorded(r, ignored), resource, nil
}

// operations decodes the body of a PATCH.
func (e *endpoint) operations(w http.ResponseWriter, r *http.Request) (context.Context, []patch.Op, error) {
	body, err := decodeBody(w, r, e.limit)
	if err != nil {
		return nil, nil, err
	}
	ops, ignored, err := e.reading(r).DecodePatch(body)
	if err != nil {
		return nil, nil, err
	}
	return recorded(r, ignored), ops, nil
}

// recorded tells the bridge what it must know of a request beside its body.
func recorded(r *http.Request, ignored []string) context.Context {
	ctx := r.Context()
	return bridge.WithRequest(ctx, bridge.Request{ID: exchangeOf(ctx).id, Ignored: ignored, Precondition: precondition(r)})
}

// sendChanged answers with a resource that has just been changed.
func (e *endpoint) sendChanged(ctx context.Context, w http.ResponseWriter, status int, v *view, doc store.Doc) error {
	ctx, cancel := settled(ctx)
	defer cancel()
	return e.send(ctx, w, status, v, doc)
}

// settled gives a request whose change is made the time to say so, even if its deadline comes in between: an error now
// would have the client repeat what is done.
func settled(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
}

// send answers with one resource.
func (e *endpoint) send(ctx context.Context, w http.ResponseWriter, status int, v *view, doc store.Doc) error {
	w.Header().Set("ETag", version(doc))
	a := newAnswer(w, status)
	defer a.release()
	var err error
	if a.buf, err = e.append(ctx, a.buf, v, doc); err != nil {
		return err
	}
	return a.finish()
}

// append renders one document. Its references are looked for only if they are shown.
func (e *endpoint) append(ctx context.Context, dst []byte, v *view, doc store.Doc) ([]byte, error) {
	var related iter.Seq2[store.Ref, error]
	if v.wantsReferences() {
		related = e.related(connection(ctx), ctx, doc)
	}
	return v.resource(dst, doc, related)
}
