package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

// migrate brings the schema up to date, each step in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return err
	}
	steps, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	have, know, err := steps.GetVersions(ctx)
	if err != nil && !errors.Is(err, database.ErrVersionNotFound) {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	if have > know {
		return fmt.Errorf("%w: the file has version %d, this program knows versions up to %d; run the newer program", ErrNewer, have, know)
	}
	if _, err := steps.Up(ctx); err != nil {
		return fmt.Errorf("changing the schema from version %d to %d: %w", have, know, err)
	}
	return nil
}
