package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// The state is written every minute, but only when something may have changed, and again when that has failed.
func TestStateIsWrittenNowAndThen(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made-later")
	synctest.Test(t, func(t *testing.T) {
		made := emulator.New(emulator.Config{})
		if err := made.CreatePool(poolStyle{}.pool()); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		k := newKeeper(filepath.Join(folder, "pool.json"), made, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		ended := k.keep(ctx)
		handler := k.watch(made)
		minute := func() (state string) {
			t.Helper()
			time.Sleep(stateEvery + time.Second)
			synctest.Wait()
			data, err := os.ReadFile(k.file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			return string(data)
		}
		if got := minute(); got != "" || !strings.Contains(log.String(), "made-later") {
			t.Errorf("without the folder: got %q, log %q, want nothing but words in the log", got, &log)
		}
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if got := minute(); !strings.Contains(got, emulatorPool) {
			t.Errorf("a minute later: got %q, want the pool", got)
		}

		if err := os.Remove(k.file); err != nil {
			t.Fatal(err)
		}
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/-/calls", nil))
		if got := minute(); got != "" {
			t.Errorf("after looking alone: got %q, want nothing written", got)
		}
		r := httptest.NewRequest(http.MethodPost, "/-/seed", strings.NewReader(`{"pool":"`+emulatorPool+`","users":1}`))
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if got := minute(); !strings.Contains(got, "user0000001") {
			t.Errorf("after a change: got %q, want it written", got)
		}
		cancel()
		<-ended
	})
}

// A call whose fault breaks the connection after it was applied is a change, too.
func TestBrokenCallsAreWritten(t *testing.T) {
	t.Parallel()
	k := newKeeper(filepath.Join(t.TempDir(), "pool.json"), emulator.New(emulator.Config{}), slog.Default())
	if err := k.save(); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if got := recover(); got != http.ErrAbortHandler {
				t.Errorf("got the panic %v, want it passed on", got)
			}
		}()
		k.watch(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })).
			ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil))
	}()
	if !k.changed.Load() {
		t.Error("got no change noted, want one")
	}
}
