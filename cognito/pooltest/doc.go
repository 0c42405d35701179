// Package pooltest holds the contract that the user-pool client and whatever it
// talks to keep: one suite of cases, run on every endpoint there is, with a table of
// what an endpoint is known to do otherwise.
package pooltest
