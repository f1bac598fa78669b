-- Attachments: the ciphertexts on disk, which versions of which reports name them, uploads under way, and what recipients
-- said they have. Names and keys are in the reports.
CREATE TABLE attachment_file (
    root BLOB NOT NULL,
    length INTEGER NOT NULL,
    have INTEGER NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (root)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachment_file_state ON attachment_file (state, root);

CREATE TABLE attachment_link (
    object BLOB NOT NULL,
    version INTEGER NOT NULL,
    place INTEGER NOT NULL,
    root BLOB NOT NULL,
    party TEXT NOT NULL,
    agreement BLOB NOT NULL,
    length INTEGER NOT NULL,
    state TEXT NOT NULL,
    retry_at INTEGER NOT NULL,
    PRIMARY KEY (object, version, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachment_link_root ON attachment_link (root);
CREATE INDEX attachment_link_wanted ON attachment_link (party, state, retry_at);
CREATE INDEX attachment_link_agreement ON attachment_link (agreement, state);

CREATE TABLE attachment_upload (
    id BLOB NOT NULL,
    report BLOB NOT NULL,
    officer BLOB NOT NULL,
    length INTEGER NOT NULL,
    have INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    content BLOB,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachment_upload_changed ON attachment_upload (changed_at, id);

CREATE TABLE attachment_receipt (
    object BLOB NOT NULL,
    version INTEGER NOT NULL,
    root BLOB NOT NULL,
    recipient TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (object, version, root, recipient)
) STRICT, WITHOUT ROWID;
