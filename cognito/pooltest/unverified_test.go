package pooltest_test

import (
	"reflect"
	"testing"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// believed are the cases that hold only as long as Cognito does what docs/unverified.md believes, by the switch that
// turns it the other way. What each breaks is said there.
var believed = map[string]map[string]string{
	"KeepNonEmptyGroups": {"members: go with their group": "the bridge empties such a group first"},
	"FoldGroupNames":     {"create group: a name that differs by case is another": "the bridge refuses such a name itself"},
	"FoldUsernameFilter": {"find users: a username in other case is nobody": "the bridge compares what it finds"},
}

// TestContractWhateverCognitoDoes holds the client to the contract with each behaviour that nobody has verified on AWS
// turned the other way.
func TestContractWhateverCognitoDoes(t *testing.T) {
	switches := reflect.TypeFor[emulator.Unverified]()
	for i := range switches.NumField() {
		name := switches.Field(i).Name
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := emulator.Config{Seed: 1}
			field := reflect.ValueOf(&cfg.Unverified).Elem().Field(i)
			if field.Kind() == reflect.Bool {
				field.SetBool(true)
			} else {
				field.SetString("Too many requests")
			}
			target := embedded(t, cfg)
			target.Name, target.Deviations = name, believed[name]
			pooltest.Run(t, target)
		})
	}
	for name := range believed {
		if _, there := switches.FieldByName(name); !there {
			t.Errorf("%s is no switch of the emulator's", name)
		}
	}
}
