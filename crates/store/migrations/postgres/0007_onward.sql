-- Onward transfer: consents asked and given, copies that went further, tokens that were used.
CREATE TABLE onward_consent (
    id BYTEA NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    partner TEXT COLLATE "C" NOT NULL,
    agreement BYTEA NOT NULL,
    object BYTEA NOT NULL,
    version BIGINT NOT NULL,
    recipient TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    until_at BIGINT NOT NULL,
    use_by BIGINT,
    asked_at BIGINT NOT NULL,
    officer BYTEA,
    role TEXT COLLATE "C",
    case_id BYTEA,
    token BYTEA,
    content BYTEA,
    change BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX onward_consent_object ON onward_consent (object, version);
CREATE INDEX onward_consent_open ON onward_consent (state, asked_at);

CREATE TABLE onward_copy (
    object BYTEA NOT NULL,
    version BIGINT NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    via TEXT COLLATE "C" NOT NULL,
    consent BYTEA NOT NULL,
    agreement BYTEA,
    state TEXT COLLATE "C" NOT NULL,
    proven BIGINT NOT NULL,
    at BIGINT NOT NULL,
    answer_by BIGINT,
    PRIMARY KEY (object, version, holder, via)
);

CREATE TABLE onward_used (
    consent BYTEA NOT NULL,
    object BYTEA NOT NULL,
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (consent)
);
