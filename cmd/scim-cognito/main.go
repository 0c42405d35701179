// Command scim-cognito is a SCIM 2.0 server that keeps an Amazon Cognito user pool in step with what an identity provider
// pushes. This package plugs the others together and decides nothing about SCIM or Cognito.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	// A second signal changes nothing: timeout(1), for one, sends it twice, and a drain has its limit.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], world{Out: os.Stdout, Err: os.Stderr, LookupEnv: os.LookupEnv})
	stop()
	os.Exit(exitCode(err, os.Stderr))
}

// world is what a command touches outside the program, so that tests can stand in for it.
type world struct {
	Out, Err  io.Writer // what a person or script asked to read; logs and complaints
	LookupEnv func(name string) (string, bool)
}

// commands is the command line. Later versions add to it and rename nothing.
type commands struct {
	Help     help            `short:"h" help:"Show what there is to say."`
	Serve    serveCommand    `cmd:"" help:"Serve SCIM to identity providers and keep user pools in step."`
	Emulate  emulateCommand  `cmd:"" help:"Serve a stand-alone Cognito emulator with one ready-made pool."`
	Resync   resyncCommand   `cmd:"" help:"Have a server read its pools again, or one user or group."`
	Journal  journalCommand  `cmd:"" help:"See the work that a server has left to do; retry it or drop it."`
	Guard    guardCommand    `cmd:"" help:"See what the deprovisioning guards hold; release it or give it up."`
	Invite   inviteCommand   `cmd:"" help:"Have another invitation sent to a user who has not signed in yet."`
	Activity activityCommand `cmd:"" help:"See what a server was asked and what it did."`
	Health   healthCommand   `cmd:"" help:"Ask a server whether it is alive; the exit status is the answer."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

// run carries out one command line until it is done or ctx ends, which is the orderly way to stop a server.
func run(ctx context.Context, args []string, w world) error {
	parser, err := newParser(new(commands), kong.Writers(w.Out, w.Err), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(w))
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	switch {
	case errors.Is(err, errHelped):
		return nil
	case err != nil:
		return usageError{err}
	}
	return command.Run()
}

// newParser reads command lines into line.
func newParser(line *commands, options ...kong.Option) (*kong.Kong, error) {
	parser, err := kong.New(line, append(options, kong.Name("scim-cognito"), kong.Description("A SCIM 2.0 server for Amazon Cognito user pools."),
		kong.NoDefaultHelp(), kong.Vars{"unverified": unverifiedNames()})...)
	if err != nil {
		return nil, fmt.Errorf("building the command line: %w", err)
	}
	return parser, nil
}

// help is kong's help flag without its os.Exit: only main exits.
type help bool

var errHelped = errors.New("help was shown")

// BeforeReset prints the help of what stands before it on the command line.
func (help) BeforeReset(command *kong.Context) error {
	return errors.Join(command.PrintUsage(false), errHelped)
}

// usageError is a command line that cannot be carried out, whatever the world is like.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// exitCode tells a person what went wrong and a script which kind it was: 1 a failure, 2 a wrong command line.
func exitCode(err error, complaints io.Writer) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(complaints, "scim-cognito: %v\n", err)
	if _, usage := errors.AsType[usageError](err); usage {
		return 2
	}
	return 1
}

// version is set by the linker in released builds; otherwise the Go command knows.
var version string

type versionCommand struct{}

// Run prints the version, the Go version it was built with and the platform.
func (versionCommand) Run(w world) error {
	_, err := fmt.Fprintf(w.Out, "scim-cognito %s %s %s/%s\n", release(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

func release() string {
	built := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		built = info.Main.Version
	}
	return cmp.Or(version, built)
}
