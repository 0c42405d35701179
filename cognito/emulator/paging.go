package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// mark is the last item of a page: the next page begins behind it.
type mark struct {
	Key string `json:"k,omitempty"`
	Seq uint64 `json:"s,omitempty"`
}

// pageToken is what a pagination token holds, under a MAC: clients must not make up their own.
type pageToken struct {
	mark
	Scope  string    `json:"o"` // what is listed: operation and pool
	Filter string    `json:"f,omitempty"`
	Issued time.Time `json:"t"`
}

// tokenLife is how long a pagination token can be used (reference of ListUsers).
const tokenLife = time.Hour

func (e *Emulator) sealToken(scope, filter string, at mark) string {
	body, err := json.Marshal(pageToken{at, scope, filter, e.Now()})
	if err != nil {
		panic(fmt.Sprintf("emulator: encoding a token: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(append(body, e.tokenMAC(body)...))
}

// openToken returns the mark in a token, which must have been issued for the same list with the same filter within the last hour; no
// token is the beginning.
func (e *Emulator) openToken(token, scope, filter string) (mark, error) {
	if token == "" {
		return mark{}, nil
	}
	invalid := invalidParameter("Paging Marker is Invalid for Request")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < sha256.Size {
		return mark{}, invalid
	}
	body, mac := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	var t pageToken
	if !hmac.Equal(mac, e.tokenMAC(body)) || json.Unmarshal(body, &t) != nil || t.Scope != scope || t.Filter != filter {
		return mark{}, invalid
	}
	if age := e.Now().Sub(t.Issued); age > tokenLife {
		return mark{}, invalid
	}
	return t.mark, nil
}

func (e *Emulator) tokenMAC(body []byte) []byte {
	h := hmac.New(sha256.New, e.tokenKey[:])
	h.Write(body)
	return h.Sum(nil)
}
