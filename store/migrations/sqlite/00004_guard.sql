-- What the deprovisioning guards of connections have counted.
-- +goose Up
CREATE TABLE guard (
  dir BIGINT NOT NULL,
  connection TEXT NOT NULL,
  began BIGINT NOT NULL,                   -- of the window
  people BIGINT NOT NULL,                  -- listed users at that time
  released BIGINT NOT NULL,                -- an operator has opened it until its end
  PRIMARY KEY (dir, connection)
) WITHOUT ROWID;
CREATE TABLE guarded (
  dir BIGINT NOT NULL,
  connection TEXT NOT NULL,
  id TEXT NOT NULL,                        -- SCIM id of a user whom the window has let pass
  PRIMARY KEY (dir, connection, id)
) WITHOUT ROWID;
