//go:build race

package server_test

// slower is what the race detector makes of time.
const slower = 15
