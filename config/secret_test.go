package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/config"
)

// However somebody prints a config or a part of it, the token is not in it.
func TestASecretNeverPrints(t *testing.T) {
	t.Parallel()
	fromFile, err := check([]byte(`{"connections":[{"name":"okta","tokens":[{"name":"a","secret":"env:TOKEN_A"}],
		"pool":{"id":"eu-west-1_AbCdEf123"}}]}`), sources())
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]config.Secret{"made": config.NewSecret(tokenA), "resolved": fromFile.Connections[0].Tokens[0].Secret} {
		if secret.Reveal() != tokenA {
			t.Fatalf("%s: Reveal: got %q, want the token", name, secret.Reveal())
		}
		token := config.Token{Name: "a", Secret: secret}
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&out, verb+"\n", secret)
			fmt.Fprintf(&out, verb+"\n", &secret)
			fmt.Fprintf(&out, verb+"\n", token)
			fmt.Fprintf(&out, verb+"\n", []config.Token{token})
		}
		fmt.Fprintln(&out, secret, secret.String(), secret.GoString())
		if err := json.NewEncoder(&out).Encode(map[string]any{"secret": secret, "token": token}); err != nil {
			t.Fatal(err)
		}
		logTo := func(h slog.Handler) { slog.New(h).Info("secret", "secret", secret, "token", token, "pointer", &token) }
		logTo(slog.NewTextHandler(&out, nil))
		logTo(slog.NewJSONHandler(&out, nil))
		hex := fmt.Sprintf("%x", tokenA)
		for _, form := range []string{tokenA, hex, strings.ToUpper(hex), "TOKEN_A"} {
			if strings.Contains(out.String(), form) {
				t.Errorf("%s: the token is printed as %q in:\n%s", name, form, out.String())
			}
		}
		if n := strings.Count(out.String(), "[secret]"); n < 30 {
			t.Errorf("%s: got %d times [secret], want it wherever the token was asked for:\n%s", name, n, out.String())
		}
	}
}

func TestSecretFiles(t *testing.T) {
	t.Parallel()
	document := []byte(`{"connections":[{"name":"okta","tokens":[{"name":"a","secret":"file:/run/secrets/okta"}],
		"pool":{"id":"eu-west-1_AbCdEf123"}}]}`)
	for name, c := range map[string]struct{ content, want, problem string }{
		"bare":           {content: tokenA, want: tokenA},
		"line feed":      {content: tokenA + "\n", want: tokenA},
		"CR LF":          {content: tokenA + "\r\n", want: tokenA},
		"one break only": {content: tokenA + "\n\n", problem: "a header cannot carry"},
		"inner space":    {content: tokenA[:20] + " " + tokenA[20:], problem: "a header cannot carry"},
		"not ASCII":      {content: tokenA + "é", problem: "a header cannot carry"},
		"exactly enough": {content: tokenA[:32] + "\n", want: tokenA[:32]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := check(document, config.Sources{ReadFile: func(path string) ([]byte, error) {
				if path != "/run/secrets/okta" {
					return nil, errors.New("another path: " + path)
				}
				return []byte(c.content), nil
			}})
			switch {
			case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
				t.Errorf("got error %v, want one with %q", err, c.problem)
			case c.problem == "" && err != nil:
				t.Errorf("got error %v, want none", err)
			case c.problem == "" && got.Connections[0].Tokens[0].Secret.Reveal() != c.want:
				t.Errorf("got %q, want %q", got.Connections[0].Tokens[0].Secret.Reveal(), c.want)
			}
		})
	}
}
