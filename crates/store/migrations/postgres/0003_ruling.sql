-- What people decided about rights, each with a written reason: clearances, quarantine, lives at risk.
CREATE TABLE ruling (
    object BYTEA NOT NULL,
    version BIGINT NOT NULL,
    matter TEXT COLLATE "C" NOT NULL,
    subject BYTEA NOT NULL,
    officer BYTEA NOT NULL,
    id BYTEA NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    says TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    at BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (object, version, matter, subject, officer)
);
CREATE INDEX ruling_matter ON ruling (matter, at);
