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
func migrate(ctx context.Context, db *sql.DB, ix indexes) error {
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return err
	}
	sortKeys := goose.NewGoMigration(3, &goose.GoFunc{RunTx: ix.addSortKeys}, nil)
	steps, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()),
		goose.WithGoMigrations(sortKeys))
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

// addSortKeys is migration 3: it gives the listed rows of older stores their sort keys, which SQL cannot compute, for it
// does not know how texts are folded.
func (ix indexes) addSortKeys(ctx context.Context, tx *sql.Tx) error {
	const batch = 1000
	for last := int64(0); ; {
		rows, err := listedAfter(ctx, tx, last, batch)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			terms, err := ix.sortTerms(r.kind, r.doc)
			if err != nil {
				return fmt.Errorf("sort keys of row %d: %w", r.seq, err)
			}
			for _, t := range terms {
				if _, err := tx.ExecContext(ctx, "INSERT INTO term (dir, attr, value, seq) VALUES (?, ?, ?, ?)", r.dir, t.code, t.value, r.seq); err != nil {
					return err
				}
			}
		}
		last = rows[len(rows)-1].seq
	}
}

// listedRow is what a migration reads of a row.
type listedRow struct {
	seq, dir int64
	kind     Kind
	doc      []byte
}

func listedAfter(ctx context.Context, tx *sql.Tx, last int64, limit int) (list []listedRow, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT seq, dir, kind, doc FROM resource WHERE state = 1 AND seq > ? ORDER BY seq LIMIT ?", last, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r listedRow
		if err := rows.Scan(&r.seq, &r.dir, &r.kind, &r.doc); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}
