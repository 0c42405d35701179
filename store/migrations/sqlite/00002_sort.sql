-- For lists sorted by time, and filters that compare times. Sort keys of attributes are terms; 00003, in migrate.go, adds
-- them for the rows that are there already.
-- +goose Up
CREATE INDEX resource_created ON resource (dir, kind, state, created, seq);
CREATE INDEX resource_modified ON resource (dir, kind, state, modified, seq);
