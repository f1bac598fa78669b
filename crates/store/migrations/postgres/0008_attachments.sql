-- Attachments: the ciphertexts on disk, which versions of which reports name them, uploads under way, and what recipients
-- said they have. Names and keys are in the reports.
CREATE TABLE attachment_file (
    root BYTEA NOT NULL,
    length BIGINT NOT NULL,
    have BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (root)
);
CREATE INDEX attachment_file_state ON attachment_file (state, root);

CREATE TABLE attachment_link (
    object BYTEA NOT NULL,
    version BIGINT NOT NULL,
    place BIGINT NOT NULL,
    root BYTEA NOT NULL,
    party TEXT COLLATE "C" NOT NULL,
    agreement BYTEA NOT NULL,
    length BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    retry_at BIGINT NOT NULL,
    PRIMARY KEY (object, version, place)
);
CREATE INDEX attachment_link_root ON attachment_link (root);
CREATE INDEX attachment_link_wanted ON attachment_link (party, state, retry_at);
CREATE INDEX attachment_link_agreement ON attachment_link (agreement, state);

CREATE TABLE attachment_upload (
    id BYTEA NOT NULL,
    report BYTEA NOT NULL,
    officer BYTEA NOT NULL,
    length BIGINT NOT NULL,
    have BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    content BYTEA,
    PRIMARY KEY (id)
);
CREATE INDEX attachment_upload_changed ON attachment_upload (changed_at, id);

CREATE TABLE attachment_receipt (
    object BYTEA NOT NULL,
    version BIGINT NOT NULL,
    root BYTEA NOT NULL,
    recipient TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (object, version, root, recipient)
);
