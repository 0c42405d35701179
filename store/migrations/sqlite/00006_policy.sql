-- By which rules (adoption, above all) it was decided which rows are listed: when they change, the rows are looked at again.
-- +goose Up
ALTER TABLE directory ADD COLUMN policy TEXT NOT NULL DEFAULT '';
