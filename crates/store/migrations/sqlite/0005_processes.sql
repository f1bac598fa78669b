-- What several processes of one node share. A file has one process: there the version counts and no lease is taken.

CREATE TABLE lease (
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    holder BLOB NOT NULL,
    fence INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;

CREATE TABLE known_version (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;
INSERT INTO known_version (name, version) VALUES ('known', 1);
