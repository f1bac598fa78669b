-- What several processes of one node share.

CREATE TABLE lease (
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    holder BYTEA NOT NULL,
    fence BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE known_version (
    name TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (name)
);
INSERT INTO known_version (name, version) VALUES ('known', 1);
