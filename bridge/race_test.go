//go:build race

package bridge_test

// raceEnabled: the race detector makes SQLite 20 to 40 times slower.
const raceEnabled = true
