-- Times are Unix milliseconds, 0 meaning never. Only what PostgreSQL can say too is used, so that both stay alike.
-- +goose Up
CREATE TABLE directory (
  dir INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,                      -- the pool's id
  created BIGINT NOT NULL,                 -- the pool's creation date: another one is another pool
  swept BIGINT NOT NULL DEFAULT 0,         -- when the last complete sweep ended
  UNIQUE (name, created)
);

-- The document comes last: what is read without it then stays clear of its overflow pages.
CREATE TABLE resource (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used again, so that it orders lists and dates nothing wrongly
  dir BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  id TEXT NOT NULL,
  pool_name TEXT NOT NULL,
  display TEXT NOT NULL,
  state BIGINT NOT NULL,
  managed BIGINT NOT NULL,
  version BIGINT NOT NULL,
  created BIGINT NOT NULL,
  modified BIGINT NOT NULL,
  wrote BIGINT NOT NULL,
  checked BIGINT NOT NULL,
  members_checked BIGINT NOT NULL DEFAULT 0,
  missed BIGINT NOT NULL DEFAULT 0,        -- start of the sweep that did not find it first
  refs TEXT NOT NULL DEFAULT '',           -- of a user: ids of its listed groups, separated by spaces
  doc TEXT NOT NULL
);
CREATE UNIQUE INDEX resource_id ON resource (dir, kind, id);
CREATE UNIQUE INDEX resource_pool ON resource (dir, kind, pool_name);
CREATE INDEX resource_order ON resource (dir, kind, state, seq);

-- Values of the indexed attributes of listed rows; see term.go for the codes in attr.
CREATE TABLE term (
  dir BIGINT NOT NULL,
  attr BIGINT NOT NULL,
  value TEXT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (dir, attr, value, seq)
) WITHOUT ROWID;

-- The counted tree: how many listed rows have seq >> (6*level) = bucket.
CREATE TABLE tally (
  dir BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  level BIGINT NOT NULL,
  bucket BIGINT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (dir, kind, level, bucket)
) WITHOUT ROWID;

-- The user's id and display stand here, too, so that a group's members are read from one place: fetching 10,000 rows
-- from all over the resource table takes five to ten times as long.
CREATE TABLE member (
  grp BIGINT NOT NULL,
  usr BIGINT NOT NULL,
  id TEXT NOT NULL,
  display TEXT NOT NULL,
  listed BIGINT NOT NULL,
  wrote BIGINT NOT NULL,
  checked BIGINT NOT NULL,
  missed BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (grp, usr)
) WITHOUT ROWID;
CREATE INDEX member_usr ON member (usr, grp);

-- What we removed, and when, for as long as the pool's lists may still show it.
CREATE TABLE gone (
  dir BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  id TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (dir, kind, id)
) WITHOUT ROWID;
CREATE INDEX gone_at ON gone (at);
CREATE TABLE departed (
  grp BIGINT NOT NULL,
  usr BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (grp, usr)
) WITHOUT ROWID;
CREATE INDEX departed_at ON departed (at);

CREATE TABLE journal (
  id TEXT PRIMARY KEY,
  dir BIGINT NOT NULL,
  key TEXT NOT NULL,
  body TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  next BIGINT NOT NULL,
  created BIGINT NOT NULL,
  parked TEXT NOT NULL,
  owner TEXT NOT NULL,
  lease BIGINT NOT NULL,
  UNIQUE (dir, key)
);
CREATE INDEX journal_next ON journal (dir, next, id);

CREATE TABLE owed (
  dir BIGINT NOT NULL,
  connection TEXT NOT NULL,
  key TEXT NOT NULL,
  id TEXT NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (dir, connection, key)
) WITHOUT ROWID;
CREATE INDEX owed_until ON owed (until);

CREATE TABLE activity (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at BIGINT NOT NULL,
  request TEXT NOT NULL,
  connection TEXT NOT NULL,
  method TEXT NOT NULL,
  kind BIGINT NOT NULL,
  id TEXT NOT NULL,
  plan TEXT NOT NULL,                      -- JSON array of steps
  status BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  notes TEXT NOT NULL                      -- JSON array
);
CREATE INDEX activity_at ON activity (at);
