package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/schemas"
)

type emulateCommand struct {
	Listen string `placeholder:"ADDR" default:"127.0.0.1:9230" help:"Where to answer (${default})."`
	Quotas string `placeholder:"aws|off" enum:"aws,off" default:"aws" help:"Whether to throttle as AWS does (${default})."`

	State   string `placeholder:"FILE" help:"Keep everything there: read at the start, if it is there, and written every minute and at the end."`
	Users   int    `placeholder:"N" help:"Begin with so many users. This and the next flags count when the pool is made, not when --state has it."`
	Groups  int    `placeholder:"N" help:"Begin with so many groups."`
	Members *int   `placeholder:"N" help:"… with so many members each (10, or as many as the users allow)."`

	Style poolStyle `embed:""`

	Latency         time.Duration  `placeholder:"DURATION" help:"How long each call takes, such as 30ms."`
	Lag             time.Duration  `placeholder:"DURATION" help:"How long lists of users and reads of groups go on showing what was, such as 2s."`
	SparsePages     bool           `help:"Begin lists with an empty page and fill the others by half."`
	Seed            uint64         `placeholder:"N" help:"Make ids and the draws of faults the same each time."`
	Fault           []fault        `placeholder:"OP:KIND[:COUNT[:PROBABILITY]]" sep:"none" help:"Make an operation (*: all) fail, so often (0: always), with that chance (1). More by POST /-/faults."`
	Unverified      []unverifiedBy `placeholder:"NAME" help:"Do otherwise where nobody has checked what AWS does: ${unverified}."`
	ThrottleMessage string         `placeholder:"TEXT" help:"What to say when throttling."`
}

// poolStyle is how the ready-made pool names people.
type poolStyle struct {
	Alias              []string `placeholder:"NAME" xor:"style" help:"Let people sign in with email, phone_number or preferred_username, too."`
	UsernameAttributes []string `placeholder:"NAME" xor:"style" help:"Let people sign in with email or phone_number instead of a username."`
	CaseInsensitive    bool     `help:"Make usernames count regardless of case, as the AWS console makes pools."`
}

// pool is the ready-made pool in this style.
func (s poolStyle) pool() emulator.PoolConfig {
	pool := emulator.PoolConfig{ID: emulatorPool, Name: "local", AdminOnly: true, AliasAttributes: s.Alias, UsernameAttributes: s.UsernameAttributes, CaseInsensitive: s.CaseInsensitive}
	for _, name := range schemas.OverflowNames() {
		pool.CustomAttributes = append(pool.CustomAttributes, emulator.CustomAttribute{Name: strings.TrimPrefix(name, "custom:")})
	}
	return pool
}

// given reports whether a flag says anything.
func (s poolStyle) given() bool {
	return s.Alias != nil || s.UsernameAttributes != nil || s.CaseInsensitive
}

// Run serves the emulator until ctx ends.
func (c emulateCommand) Run(ctx context.Context, w world) (err error) {
	made, err := c.emulator()
	if err != nil {
		return usageError{fmt.Errorf("emulate: %w", err)}
	}
	logger := slog.New(slog.NewTextHandler(w.Err, nil))
	listener, err := listen(c.Listen, "--listen")
	if err != nil {
		return err
	}
	defer closeListener(listener, &err)
	kept := newKeeper(c.State, made, logger)
	switch found, err := kept.load(); {
	case err != nil:
		return err
	case !found:
		if err := c.populate(made); err != nil {
			return usageError{fmt.Errorf("emulate: %w", err)}
		}
	}
	if err := kept.save(); err != nil { // so that a file that cannot be written is known now
		return err
	}
	running := serveEmulator(listener, kept.watch(made), logger)
	if err := lookInside(w.Out, running.endpoint, c.Quotas); err != nil {
		return errors.Join(err, running.stop())
	}
	select {
	case <-kept.keep(ctx):
		return errors.Join(running.stop(), kept.save())
	case err := <-running.failed:
		return errors.Join(fmt.Errorf("serving the emulator: %w", err), kept.save())
	}
}

// emulator is one without pools that behaves as the flags say.
func (c emulateCommand) emulator() (*emulator.Emulator, error) {
	switch {
	case c.Users < 0 || c.Groups < 0 || c.Members != nil && *c.Members < 0:
		return nil, errors.New("--users, --groups and --members must not be negative")
	case c.Latency < 0 || c.Lag < 0:
		return nil, errors.New("--latency and --lag must not be negative")
	}
	cfg := emulatorConfig(c.Quotas)
	cfg.Seed, cfg.Latency, cfg.Lag, cfg.SparsePages = c.Seed, c.Latency, c.Lag, c.SparsePages
	cfg.Unverified.ThrottleMessage = c.ThrottleMessage
	for _, by := range c.Unverified {
		*by.field(&cfg.Unverified) = true
	}
	made := emulator.New(cfg)
	for _, f := range c.Fault {
		if err := made.AddFault(emulator.Fault(f)); err != nil {
			return nil, fmt.Errorf("--fault: %w", err)
		}
	}
	return made, nil
}

// populate makes the ready-made pool, in the style that the flags say, and who is in it.
func (c emulateCommand) populate(made *emulator.Emulator) error {
	if err := made.CreatePool(c.Style.pool()); err != nil {
		return err
	}
	if err := made.SeedUsers(emulatorPool, c.Users); err != nil {
		return err
	}
	members := membersByDefault(c.Users, c.Groups)
	if c.Members != nil {
		members = *c.Members
	}
	return made.SeedGroups(emulatorPool, c.Groups, members)
}

// membersByDefault is ten a group, unless there are not that many users, or they would be in more than the hundred groups
// that Cognito allows.
func membersByDefault(users, groups int) int {
	return min(10, users, 100*users/max(groups, 1))
}

// fault is an emulator.Fault as the command line writes it.
type fault emulator.Fault

// UnmarshalText reads OP:KIND[:COUNT[:PROBABILITY]]; whether OP and KIND exist is the emulator's to say.
func (f *fault) UnmarshalText(text []byte) error {
	parts := strings.Split(string(text), ":")
	if len(parts) < 2 || len(parts) > 4 {
		return fmt.Errorf("%q is not OP:KIND[:COUNT[:PROBABILITY]], such as ListUsers:throttle:3 or *:500:0:0.1", text)
	}
	*f = fault{Operation: parts[0], Kind: emulator.FaultKind(parts[1])}
	if f.Operation == "*" {
		f.Operation = ""
	}
	var err error
	if len(parts) > 2 {
		if f.Count, err = strconv.Atoi(parts[2]); err != nil {
			return fmt.Errorf("%q: the count %q is not a number", text, parts[2])
		}
	}
	if len(parts) > 3 {
		if f.Probability, err = strconv.ParseFloat(parts[3], 64); err != nil || !(f.Probability > 0 && f.Probability <= 1) {
			return fmt.Errorf("%q: the probability %q is not above 0 and at most 1", text, parts[3])
		}
	}
	return nil
}

// unverified are the switches of emulator.Unverified by their names on the command line.
var unverified = map[string]func(*emulator.Unverified) *bool{
	"keep-non-empty-groups":             func(u *emulator.Unverified) *bool { return &u.KeepNonEmptyGroups },
	"group-limit-is-invalid-parameter":  func(u *emulator.Unverified) *bool { return &u.GroupLimitIsInvalidParameter },
	"fold-group-names":                  func(u *emulator.Unverified) *bool { return &u.FoldGroupNames },
	"alias-conflict-is-username-exists": func(u *emulator.Unverified) *bool { return &u.AliasConflictIsUsernameExists },
	"steal-alias-on-update":             func(u *emulator.Unverified) *bool { return &u.StealAliasOnUpdate },
	"keep-verified-on-delete":           func(u *emulator.Unverified) *bool { return &u.KeepVerifiedOnDelete },
	"reset-verified-on-same-value":      func(u *emulator.Unverified) *bool { return &u.ResetVerifiedOnSameValue },
	"enforce-required":                  func(u *emulator.Unverified) *bool { return &u.EnforceRequired },
	"unset-attribute-fails":             func(u *emulator.Unverified) *bool { return &u.UnsetAttributeFails },
	"fold-username-filter":              func(u *emulator.Unverified) *bool { return &u.FoldUsernameFilter },
	"linked-sign-in-ignores-disabled":   func(u *emulator.Unverified) *bool { return &u.LinkedSignInIgnoresDisabled },
	"linked-sign-in-makes-external":     func(u *emulator.Unverified) *bool { return &u.LinkedSignInMakesExternal },
}

// unverifiedNames is for people to choose from.
func unverifiedNames() string {
	var names []string
	for name := range unverified {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// unverifiedBy is the name of a switch.
type unverifiedBy struct {
	field func(*emulator.Unverified) *bool
}

// UnmarshalText finds the switch.
func (u *unverifiedBy) UnmarshalText(text []byte) error {
	if u.field = unverified[string(text)]; u.field == nil {
		return fmt.Errorf("%q is none of %s", text, unverifiedNames())
	}
	return nil
}
