-- Onward transfer: consents asked and given, copies that went further, tokens that were used.
CREATE TABLE onward_consent (
    id BLOB NOT NULL,
    direction TEXT NOT NULL,
    partner TEXT NOT NULL,
    agreement BLOB NOT NULL,
    object BLOB NOT NULL,
    version INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    until_at INTEGER NOT NULL,
    use_by INTEGER,
    asked_at INTEGER NOT NULL,
    officer BLOB,
    role TEXT,
    case_id BLOB,
    token BLOB,
    content BLOB,
    change INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX onward_consent_object ON onward_consent (object, version);
CREATE INDEX onward_consent_open ON onward_consent (state, asked_at);

CREATE TABLE onward_copy (
    object BLOB NOT NULL,
    version INTEGER NOT NULL,
    holder TEXT NOT NULL,
    via TEXT NOT NULL,
    consent BLOB NOT NULL,
    agreement BLOB,
    state TEXT NOT NULL,
    proven INTEGER NOT NULL,
    at INTEGER NOT NULL,
    answer_by INTEGER,
    PRIMARY KEY (object, version, holder, via)
) STRICT, WITHOUT ROWID;

CREATE TABLE onward_used (
    consent BLOB NOT NULL,
    object BLOB NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (consent)
) STRICT, WITHOUT ROWID;
