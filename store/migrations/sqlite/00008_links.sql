-- +goose Up
-- The ways in which people sign in to a user through identity providers, as the pool lists them.
ALTER TABLE resource ADD COLUMN links TEXT NOT NULL DEFAULT '';
