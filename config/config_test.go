package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/scim-cognito/scim-cognito/config"
)

var update = flag.Bool("update", false, "write the messages of broken fixtures instead of comparing them")

const tokenA = "Q2hhbmdlLW1lLWJlZm9yZS11c2luZy1B"

// sources has the variables that the fixtures name, and the real files below testdata.
func sources() config.Sources {
	env := map[string]string{
		"TOKEN_A":      tokenA,
		"TOKEN_B":      "Q2hhbmdlLW1lLWJlZm9yZS11c2luZy1C",
		"TOKEN_EMPTY":  "",
		"TOKEN_SHORT":  tokenA[:31],
		"TOKEN_LONG":   strings.Repeat("a", 4097),
		"TOKEN_BEARER": "Bearer " + tokenA,
	}
	return config.Sources{
		LookupEnv: func(name string) (string, bool) { value, ok := env[name]; return value, ok },
		ReadFile:  os.ReadFile,
	}
}

func check(data []byte, from config.Sources) (*config.Config, error) {
	c, err := config.Parse(data)
	if err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c, c.Resolve(from)
}

// Each file in testdata/broken has one defect, its name; the .txt beside it is the message that the operator reads.
func TestBrokenFilesSayWhatToDo(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/broken/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("fixtures: got %d, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = check(data, sources())
			if err == nil {
				t.Fatalf("got no error, want one about %s", name)
			}
			if strings.Contains(err.Error(), tokenA) || strings.Contains(err.Error(), "f0e1d2c3b4a5968778695a4b3c2d1e0f") {
				t.Errorf("the message shows a token: %v", err)
			}
			golden := strings.TrimSuffix(file, ".json") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, readErr := os.ReadFile(golden)
			if readErr != nil {
				t.Fatal(readErr)
			}
			if diff := cmp.Diff(string(want), err.Error()+"\n"); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnAbsentKeyHasItsDefault(t *testing.T) {
	t.Parallel()
	got, err := check([]byte(`{"connections":[{"name":"okta","tokens":[{"name":"a","secret":"env:TOKEN_A"}],
		"pool":{"id":"eu-west-1_AbCdEf123"}}]}`), sources())
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	want := config.Default()
	want.Connections = []config.Connection{{
		Name: "okta", UnknownMembers: "skip", Overflow: "keep", UserNameChange: "move", Passwords: "ignore", Deletion: "delete",
		Tokens: []config.Token{{Name: "a", Secret: config.NewSecret(tokenA)}},
		Pool:   config.Pool{ID: "eu-west-1_AbCdEf123", Share: 0.8},
		Guard:  config.Guard{Window: "1h"},

		Federation: config.Federation{Attribute: "Cognito_Subject"},
		Clients:    "refuse",
	}}
	if diff := cmp.Diff(want, got, cmpSecrets); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	d := config.Default()
	if d.Listen != "127.0.0.1:8080" || d.Private != "127.0.0.1:8081" || d.Store != "sqlite:scim-cognito.db" {
		t.Errorf("defaults: got %q, %q, %q", d.Listen, d.Private, d.Store)
	}
}

var cmpSecrets = cmp.Comparer(func(a, b config.Secret) bool { return a.Reveal() == b.Reveal() })

func TestAnExplicitEmptyTurnsThePrivateListenerOff(t *testing.T) {
	t.Parallel()
	c, err := config.Parse([]byte(`{"private": ""}`))
	if err != nil {
		t.Fatal(err)
	}
	if c.Private != "" {
		t.Errorf("private: got %q, want empty", c.Private)
	}
}

func TestFormsThatAreAccepted(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*config.Config){
		"any host":           func(c *config.Config) { c.Listen = ":8080" },
		"IPv6":               func(c *config.Config) { c.Listen, c.Private = "[::]:8080", "[::1]:8081" },
		"a free port":        func(c *config.Config) { c.Listen, c.Private = "127.0.0.1:0", "localhost:0" },
		"no private":         func(c *config.Config) { c.Private = "" },
		"base URL with path": func(c *config.Config) { c.BaseURL = "https://example.com/tools/" },
		"IPv6 network":       func(c *config.Config) { c.TrustedProxies = []string{"fd00::/8", "192.0.2.7/32"} },
		"an emulator's pool": func(c *config.Config) { c.Connections[0].Pool = emulated("local_1") },
		"the region twice":   func(c *config.Config) { c.Connections[0].Pool.Region = "eu-west-1" },
		"GovCloud":           func(c *config.Config) { c.Connections[0].Pool.ID = "us-gov-west-1_Ab1" },
		"the whole quota":    func(c *config.Config) { c.Connections[0].Pool.Share = 1 },
		"expired long ago":   func(c *config.Config) { c.Connections[0].Tokens[0].Expires = "2020-02-29T23:59:59+01:00" },
		"e-mail domains":     func(c *config.Config) { c.Connections[0].Domains = []string{"example.com", "a-b.例え.jp", "x.y.z"} },
		"groups in another order": func(c *config.Config) {
			twoConnections(c)(nil)
			c.Connections[0].AdoptGroups, c.Connections[1].AdoptGroups = []string{"b", "*"}, []string{"*", "b", "b"}
		},
		"rows in another order":     func(c *config.Config) { twoConnections(c, rowA, rowB)([]config.Attribute{rowB, rowA}) },
		"one region given, one not": func(c *config.Config) { twoConnections(c)(nil); c.Connections[1].Pool.Region = "eu-west-1" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config.Default()
			c.Connections = []config.Connection{connection("okta")}
			change(c)
			if err := c.Validate(); err != nil {
				t.Errorf("got error %v, want none", err)
			}
		})
	}
}

var (
	rowA = config.Attribute{SCIM: "nickName", Cognito: "nickname"}
	rowB = config.Attribute{SCIM: "title", Cognito: "custom:title"}
)

func connection(name string) config.Connection {
	return config.Connection{
		Name: name, UnknownMembers: "skip", Overflow: "reject", UserNameChange: "refuse", Passwords: "ignore", Deletion: "delete",
		Guard:  config.Guard{Window: "1h"},
		Tokens: []config.Token{{Name: "a", Secret: config.NewSecret(tokenA)}},
		Pool:   config.Pool{ID: "eu-west-1_AbCdEf123", Share: 0.8},

		Federation: config.Federation{Attribute: "Cognito_Subject"},
		Clients:    "refuse",
	}
}

func emulated(id string) config.Pool {
	return config.Pool{ID: id, Endpoint: "http://127.0.0.1:9230/", Share: 0.8}
}

func twoConnections(c *config.Config, first ...config.Attribute) func(second []config.Attribute) {
	c.Connections[0].Attributes = first
	return func(second []config.Attribute) {
		other := connection("entra")
		other.Attributes = second
		c.Connections = append(c.Connections, other)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	if got := (config.Token{}).Expiry(); !got.IsZero() {
		t.Errorf("no expiry: got %v, want the zero time", got)
	}
	want := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	if got := (config.Token{Expires: "2027-01-31T13:00:00+01:00"}).Expiry(); !got.Equal(want) {
		t.Errorf("expiry: got %v, want %v", got, want)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "nowhere.json")
	if _, err := config.Load(missing); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("missing file: got %v, want an error that names it", err)
	}
	if _, err := config.Load("testdata/broken/document-empty.json"); err == nil || !strings.Contains(err.Error(), "document-empty.json") {
		t.Errorf("broken file: got %v, want an error that names it", err)
	}
	sample, err := config.Load("../config.sample.json")
	if err != nil {
		t.Fatalf("sample: got %v, want none", err)
	}
	if diff := cmp.Diff(config.Default(), sample, cmpSecrets, cmpopts.IgnoreFields(config.Config{}, "Schemas", "Connections", "Schemas", "BaseURL", "TrustedProxies")); diff != "" {
		t.Errorf("the sample shows defaults where there are any (-want +got):\n%s", diff)
	}
}
