package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scim-cognito/scim-cognito/cognito/emulator"
)

// stateEvery is the least time between two writings of an emulator's state; large ones, which take long, are written
// less often, so that they cost a tenth of the time at most.
const stateEvery = time.Minute

// keeper keeps an emulator's state in a file; without a file it does nothing.
type keeper struct {
	file    string
	made    *emulator.Emulator
	logger  *slog.Logger
	changed atomic.Bool // perhaps, since the last writing
	saving  sync.Mutex
}

func newKeeper(file string, made *emulator.Emulator, logger *slog.Logger) *keeper {
	k := &keeper{file: file, made: made, logger: logger}
	k.changed.Store(true) // a new one has never been written
	return k
}

// load reads the file into the emulator; found is false if there is none yet.
func (k *keeper) load() (found bool, err error) {
	if k.file == "" {
		return false, nil
	}
	file, err := os.Open(k.file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("--state: %w", err)
	}
	err = errors.Join(k.made.Load(bufio.NewReaderSize(file, 1<<20)), file.Close())
	if err != nil {
		return false, fmt.Errorf("--state: reading %s, which is left as it is: %w", k.file, err)
	}
	k.changed.Store(false)
	return true, nil
}

// looking matches the names of Cognito's operations that change nothing.
var looking = regexp.MustCompile(`^AWSCognitoIdentityProviderService\.(Admin)?(Describe|Get|List)`)

// watch notes that requests may have changed something, once they are done.
func (k *keeper) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && !looking.MatchString(r.Header.Get("X-Amz-Target")) {
			defer k.changed.Store(true) // faults end in panics
		}
		next.ServeHTTP(w, r)
	})
}

// keep writes the state every now and then; the channel it returns is closed after ctx has ended, when it writes no more.
func (k *keeper) keep(ctx context.Context) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for pause := stateEvery; ; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			begun := time.Now()
			if err := k.save(); err != nil {
				k.logger.Error("keeping the state", "error", err) // tried again
			}
			pause = max(stateEvery, 10*time.Since(begun))
		}
	}()
	return ended
}

// save writes the state if it may have changed: to a file beside the one that is then replaced, so that a crash leaves
// the old one or the new.
func (k *keeper) save() error {
	k.saving.Lock()
	defer k.saving.Unlock()
	if k.file == "" || !k.changed.Swap(false) {
		return nil
	}
	fresh := k.file + ".new"
	err := k.write(fresh)
	if err == nil {
		err = os.Rename(fresh, k.file)
	}
	if err != nil {
		k.changed.Store(true)
		return fmt.Errorf("--state: %w", err)
	}
	return nil
}

func (k *keeper) write(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // people are in it
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	err = k.made.Save(out)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
