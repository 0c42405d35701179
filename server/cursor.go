package server

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/store"
)

// cursorTimeout is how long a cursor is good for (RFC 9865 section 4). It costs nothing while it waits; the limit keeps
// clients from taking one for a bookmark, which no restart would leave valid.
const cursorTimeout = time.Hour

// What RFC 9865 section 2.1 adds to RFC 7644's error types.
const (
	invalidCursor = scim.ScimType("invalidCursor")
	expiredCursor = scim.ScimType("expiredCursor")
	invalidCount  = scim.ScimType("invalidCount")
)

func refusedPage(kind scim.ScimType, format string, args ...any) error {
	return scim.ScimError{Status: http.StatusBadRequest, ScimType: kind, Detail: fmt.Sprintf(format, args...)}
}

// mark is the place in a query that a cursor stands for: behind which resource the next page begins, of which type.
type mark struct {
	Part   int            `json:"p,omitzero"` // among the resource types that the query is over
	After  store.Position `json:"a,omitzero"`
	Count  int            `json:"c"` // RFC 9865 section 2.1: stays as in the first request
	Issued int64          `json:"t"` // Unix seconds
}

// cursors writes and reads the cursors of RFC 9865. They are encrypted, for the place holds a value of an attribute, which
// has no business in other people's logs of URLs, and authenticated together with what they are bound to: the connection,
// the endpoint, the filter and the order. The key lives as long as the process: after a restart clients begin anew, as
// they do when a cursor has expired.
type cursors struct{ aead cipher.AEAD }

func newCursors() (cursors, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return cursors{}, fmt.Errorf("making the key of cursors: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return cursors{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return cursors{aead}, err
}

// binding is what a cursor holds good for, beside the count.
func binding(connection string, query map[string]string, parts []*part) []byte {
	words := []string{connection, query["filter"], query["sortBy"], query["sortOrder"]}
	for _, p := range parts {
		words = append(words, p.rt.Name)
	}
	bound, err := json.Marshal(words)
	if err != nil {
		panic(fmt.Errorf("encoding texts: %w", err)) // texts always have a JSON form
	}
	return bound
}

// seal returns the cursor of a place, in characters that need no escapes in a URL (RFC 3986 section 2.3).
func (c cursors) seal(m mark, bound []byte) (string, error) {
	plain, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("encoding a cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(c.aead.Seal(nil, nil, plain, bound)), nil
}

// open returns the place of a cursor; that of the empty one is the beginning.
func (c cursors) open(cursor string, bound []byte, count int, now time.Time) (m mark, err error) {
	if cursor == "" {
		return mark{Count: count}, nil
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if strings.ContainsAny(cursor, "\r\n") { // which the decoder would step over
		err = errors.New("line breaks")
	}
	if err == nil {
		sealed, err = c.aead.Open(nil, nil, sealed, bound)
	}
	if err == nil {
		err = json.Unmarshal(sealed, &m)
	}
	switch age := now.Sub(time.Unix(m.Issued, 0)); {
	case err != nil:
		return m, refusedPage(invalidCursor, "The cursor is not one that this server gave for this query: send the nextCursor of the answer before, with filter, sortBy and sortOrder "+
			"as they were. A restart of the server ends all cursors; an empty cursor begins again.")
	case age > cursorTimeout:
		return m, refusedPage(expiredCursor, "The cursor has expired: the next page must be asked for within %d seconds. An empty cursor begins again.", int(cursorTimeout.Seconds()))
	case m.Count != count:
		return m, refusedPage(invalidCount, "The count must be the same on all pages of a query: it was %d, now it is %d. An empty cursor begins again.", m.Count, count)
	}
	return m, nil
}

// turnPage reads the page that the cursor of a query points to, and returns the cursor of the next one, "" on the last.
// Resource types follow each other. However many resources come, change and go meanwhile, each that stays is met once.
func (s *Server) turnPage(r *http.Request, query map[string]string, count int, parts []*part) (next string, err error) {
	bound := binding(connection(r.Context()).Name(), query, parts)
	at, err := s.cursors.open(query["cursor"], bound, count, s.clock())
	if err != nil {
		return "", err
	}
	left, more := count, false
	for i, p := range parts {
		p.query.After, p.query.Count = &store.Position{}, left
		if i == at.Part {
			p.query.After = &at.After
		} else if i < at.Part {
			p.query.Count = 0
		}
		if err := p.read(r); err != nil {
			return "", err
		}
		left -= p.Len
		switch {
		case more || count == 0 || i < at.Part:
		case p.Next != nil:
			at.Part, at.After, more, left = i, *p.Next, true, 0
		case p.query.Count == 0 && p.Total > 0: // the types before have filled the page
			at.Part, at.After, more = i, store.Position{}, true
		}
	}
	if !more {
		return "", nil
	}
	at.Issued = s.clock().Unix()
	return s.cursors.seal(at, bound)
}
