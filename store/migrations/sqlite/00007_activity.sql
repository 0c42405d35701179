-- The answer's status was never known where the activity is recorded; the outcome says it in words.
-- +goose Up
ALTER TABLE activity DROP COLUMN status;
