package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind is what a row is: a user or a group.
type Kind uint8

// The kinds. Their numbers are stored.
const (
	User  Kind = 1
	Group Kind = 2
)

// String returns the name of the resource type (RFC 7643 §6): "User" or "Group".
func (k Kind) String() string {
	switch k {
	case User:
		return "User"
	case Group:
		return "Group"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// State says who may see a row.
type State uint8

// Only Listed rows count, page, match and are shown as members or groups. A Hidden one is in the pool but not SCIM's to
// show; a Tombstone was deleted through SCIM and stays in the pool. Their numbers are stored.
const (
	Listed    State = 1
	Hidden    State = 2
	Tombstone State = 3
)

// Doc is one row of the mirror: a user or a group of the pool as SCIM sees it. Times are Unix milliseconds, 0 meaning
// never.
type Doc struct {
	Seq      int64  // given by the store on insertion, ascending, never used again; what memberships name and lists are ordered by
	ID       string // SCIM id; no spaces; unique for its kind
	PoolName string // Cognito's Username or GroupName; unique for its kind
	Display  string // userName or displayName, as references to it render it
	Kind     Kind
	State    State
	Managed  bool // it carries our marker in the pool

	// Version changes with JSON and with the set of listed members (of a group) or groups (of a user). It is made of
	// nothing else, so it survives a rebuild of the mirror, and another process computes the same.
	Version  uint64
	Created  int64
	Modified int64 // changes with Version and State
	Wrote    int64 // when we wrote it last; 0: never
	Checked  int64 // when the pool last confirmed it
	// MembersChecked is when the pool last confirmed a group's complete set of members.
	MembersChecked int64

	// JSON is the canonical resource as an object, without schemas, id, meta, members and groups: those are added when
	// it is rendered.
	JSON []byte
	// Links are the ways in which people sign in to a user through identity providers, in a form that is the caller's. They
	// are no part of the resource: Version and Modified do not know them, and no sweep calls their change one.
	Links string
	// Refs holds the ids of a user's listed groups, separated by spaces; see Doc.Groups.
	Refs []byte
}

// Groups returns the ids of a user's listed groups, as of when the row was read.
func (d Doc) Groups() iter.Seq[string] {
	return strings.FieldsSeq(string(d.Refs))
}

// Ref is how one resource refers to another (RFC 7643 §4.1.2 and §4.2).
type Ref struct {
	Seq     int64
	ID      string
	Display string
}

// hash is what a document or a reference's id contributes to a version. Contributions are joined by xor, so that a
// membership changes a version without its other references being read. Truncated SHA-256 is well mixed, the same
// everywhere, and about a microsecond.
func hash[T string | []byte](s T) uint64 {
	sum := sha256.Sum256([]byte(s))
	return binary.LittleEndian.Uint64(sum[:])
}

// check refuses rows that the schema's rules would make unreadable later.
func (d Doc) check() error {
	switch {
	case d.Kind != User && d.Kind != Group:
		return fmt.Errorf("store: a row of kind %d: it must be User or Group", d.Kind)
	case d.State < Listed || d.State > Tombstone:
		return fmt.Errorf("store: %s %q in state %d: it must be Listed, Hidden or Tombstone", d.Kind, d.ID, d.State)
	case d.ID == "" || strings.ContainsFunc(d.ID, isSpace):
		return fmt.Errorf("store: %s id %q: it must not be empty or hold spaces", d.Kind, d.ID)
	case d.PoolName == "":
		return fmt.Errorf("store: %s %q has no name in the pool", d.Kind, d.ID)
	case !bytes.HasPrefix(d.JSON, []byte("{")) || !json.Valid(d.JSON) || !utf8.Valid(d.JSON):
		return fmt.Errorf("store: %s %q: its document must be a JSON object in UTF-8", d.Kind, d.ID)
	}
	return nil
}

func isSpace(r rune) bool { return r <= ' ' || r == 0x85 || r == 0xA0 }

// ms is how times are stored: Unix milliseconds, 0 for the zero time.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// fromMS is the inverse of ms, in UTC.
func fromMS(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}
