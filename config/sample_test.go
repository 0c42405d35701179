package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/scim-cognito/scim-cognito/config"
)

func TestTheSampleWorksOnceItsSecretsAreThere(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../config.sample.json")
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	fresh := func() string { made++; return fmt.Sprintf("%032d", made) }
	c, err := check(data, config.Sources{
		LookupEnv: func(string) (string, bool) { return fresh(), true },
		ReadFile:  func(string) ([]byte, error) { return []byte(fresh() + "\n"), nil },
	})
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	if len(c.Connections) < 2 || made < 3 {
		t.Errorf("got %d connections and %d secrets, want the sample to show several of each", len(c.Connections), made)
	}
}

// The README's first config is all that a start needs.
func TestTheSmallestConfigWorks(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(readme), "```json\n{\n  \"connections\"")
	document, _, found := strings.Cut(after, "```")
	if !found {
		t.Fatal("README.md: got no config, want one that begins with connections")
	}
	c, err := check([]byte(`{"connections"`+document), config.Sources{
		LookupEnv: func(string) (string, bool) { return strings.Repeat("s", 32), true },
		ReadFile:  os.ReadFile,
	})
	if err != nil || len(c.Connections) != 1 {
		t.Errorf("got %v, %v, want one connection", c, err)
	}
}

// Every key there is stands in the sample, and in the README's table.
func TestEveryKeyIsShown(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../config.sample.json")
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	shown := make(map[string]bool)
	collect(document, "", shown)
	table, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for key, fallback := range keys(reflect.TypeFor[config.Config](), "") {
		if !shown[key] {
			t.Errorf("%s is not in config.sample.json", key)
		}
		row := fmt.Sprintf("| `%s` | %s |", key, fallback)
		if !strings.Contains(string(table), row) {
			t.Errorf("README.md: got no row that begins with %s", row)
		}
	}
}

func collect(v any, path string, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			at := strings.TrimPrefix(path+"."+key, ".")
			into[at] = true
			collect(inner, at, into)
		}
	case []any:
		for _, inner := range v {
			collect(inner, path+"[]", into)
		}
	}
}

// keys are the paths of all leaves and what the documentation writes as their default.
func keys(t reflect.Type, path string) map[string]string {
	all := make(map[string]string)
	for i := range t.NumField() {
		f := t.Field(i)
		at := strings.TrimPrefix(path+"."+f.Tag.Get("json"), ".")
		switch {
		case f.Type.Kind() == reflect.Slice && f.Type.Elem() == t:
			all[at] = "`[]`" // of the same kind as what holds it
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			for key, fallback := range keys(f.Type.Elem(), at+"[]") {
				all[key] = fallback
			}
		case f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[config.Secret]():
			for key, fallback := range keys(f.Type, at) {
				all[key] = fallback
			}
		case f.Tag.Get("default") != "":
			all[at] = "`" + f.Tag.Get("default") + "`"
		case f.Type.Kind() == reflect.Slice:
			all[at] = "`[]`"
		case strings.HasPrefix(f.Tag.Get("validate"), "omitempty"):
			all[at] = "`\"\"`"
		default:
			all[at] = "required"
		}
	}
	return all
}
