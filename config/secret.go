package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
)

// Secret is a secret that prints as [secret] however it is printed. In a file it is a reference, env:NAME or file:PATH.
type Secret struct {
	reference string
	value     string
}

const hidden = "[secret]"

// NewSecret is a Secret that needs no resolving.
func NewSecret(value string) Secret { return Secret{value: value} }

// Reveal returns the secret itself; empty before Resolve.
func (s Secret) Reveal() string { return s.value }

// String hides the secret, and the reference: whoever writes the secret itself in its place would see it printed.
func (s Secret) String() string { return hidden }

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return hidden }

// Format hides the secret from every verb, %x and %q included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) } // fmt.State has nowhere to report an error

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON hides the secret from encoding/json.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }

// UnmarshalJSON reads a reference.
func (s *Secret) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &s.reference) }

// wellFormed says whether there is something to resolve, or nothing left to.
func (s Secret) wellFormed() bool {
	if s.reference == "" {
		return s.value != ""
	}
	kind, place, ok := strings.Cut(s.reference, ":")
	return ok && place != "" && (kind == "env" || kind == "file")
}

// Sources are where references point: os.LookupEnv and os.ReadFile, or a test's own. A relative PATH is relative to the
// working directory.
type Sources struct {
	LookupEnv func(name string) (string, bool)
	ReadFile  func(path string) ([]byte, error)
}

// fetch follows the reference. One trailing line break of a file is dropped, as editors and `echo` leave it there.
func (s Secret) fetch(from Sources) (string, error) {
	kind, place, _ := strings.Cut(s.reference, ":")
	if kind == "env" {
		value, ok := from.LookupEnv(place)
		switch {
		case !ok:
			return "", fmt.Errorf("the environment variable %s is not set; set it to the token", place)
		case value == "":
			return "", fmt.Errorf("the environment variable %s is empty; set it to the token", place)
		}
		return value, nil
	}
	data, err := from.ReadFile(place)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("the file %s does not exist; write the token into it", place)
	case err != nil:
		return "", fmt.Errorf("reading the token: %w", err)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if value == "" {
		return "", fmt.Errorf("the file %s is empty; write the token into it", place)
	}
	return value, nil
}

// Lengths of a token in characters. Fewer than 32 can be guessed or were invented by a person; more than 4,096 do not
// survive the header limits of the proxies in between.
const (
	MinToken = 32
	MaxToken = 4096
)

// Resolve fetches every secret and judges it: long enough, fit for a header, and nobody else's. Call it after Validate.
func (c *Config) Resolve(from Sources) error {
	var problems []error
	owners := make(map[string]string) // token → the key that has it
	for i := range c.Connections {
		for j := range c.Connections[i].Tokens {
			secret := &c.Connections[i].Tokens[j].Secret
			key := fmt.Sprintf("connections[%d].tokens[%d].secret", i, j)
			value, err := secret.fetch(from)
			if err == nil {
				err = CheckToken(value, MinToken)
			}
			if owner := owners[value]; err == nil && owner != "" {
				err = fmt.Errorf("this token is that of %s, too; a token selects one connection, so make another", owner)
			}
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", key, err))
				continue
			}
			owners[value] = key
			secret.value = value
		}
	}
	return errors.Join(problems...)
}

// CheckToken says what is wrong with a token that needs at least so many characters, without showing it.
func CheckToken(token string, least int) error {
	switch outside := strings.IndexFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }); {
	case outside >= 0 && strings.HasPrefix(strings.ToLower(token), "bearer "):
		return errors.New(`write the token without "Bearer " in front of it; that belongs to the header`)
	case outside >= 0:
		return errors.New("the token has a space, a line break or another character that a header cannot carry; " +
			"use letters, digits and punctuation only")
	case len(token) < least:
		return fmt.Errorf("the token has %d characters and needs at least %d; make one with `openssl rand -hex 32`", len(token), least)
	case len(token) > MaxToken:
		return fmt.Errorf("the token has %d characters and may have at most %d", len(token), MaxToken)
	}
	return nil
}
