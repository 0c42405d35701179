package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// invitation is what somebody needs to try the server out.
type invitation struct {
	SCIM, Endpoint string // URLs without a path
	Token          string
	Quotas         string
	Kept           bool // the store is
}

// welcome prints what to type where. The token is shown on purpose: it opens an emulator that dies with the process.
func welcome(out io.Writer, in invitation) error {
	kept := "Nothing is kept: pool, people and mirror are gone when this ends."
	if in.Kept {
		kept = "The pool and its people are gone when this ends; only the store of --store stays."
	}
	header := "Authorization: Bearer " + in.Token
	_, err := fmt.Fprintf(out, `scim-cognito %s with a Cognito emulator inside. %s

SCIM base URL   %s/scim/v2
Okta API token  Bearer %s
                (with "HTTP Header" of a custom app, which adds "Bearer " itself: only what follows it)
Try it          curl -H %s '%s/scim/v2/Users?startIndex=1&count=2'

`, release(), kept, in.SCIM, in.Token, quote(header), in.SCIM)
	if err != nil {
		return fmt.Errorf("printing how to use it: %w", err)
	}
	return lookInside(out, in.Endpoint, in.Quotas)
}

// lookInside prints how to see the emulator's pool from outside. Any credentials will do, but there have to be some.
func lookInside(out io.Writer, endpoint, quotas string) error {
	throttles := map[string]string{"aws": "throttles as AWS does"}
	_, err := fmt.Fprintf(out, `Cognito emulator  %[1]s (%[4]s), user pool %[2]s, region %[3]s
Look inside       AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any aws --region %[3]s --endpoint-url %[1]s cognito-idp list-users --user-pool-id %[2]s
Its calls         curl %[1]s/-/calls

`, endpoint, emulatorPool, emulatorRegion, cmp.Or(throttles[quotas], "never throttles"))
	if err != nil {
		return fmt.Errorf("printing how to look inside: %w", err)
	}
	return nil
}

// quote makes one word of a POSIX shell's.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
