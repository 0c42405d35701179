package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

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
