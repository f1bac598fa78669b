-- What the node is, and the keys of its records.
CREATE TABLE setting (
    name TEXT COLLATE "C" NOT NULL,
    value BYTEA NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE record_key (
    id BYTEA NOT NULL,
    kind BIGINT NOT NULL,
    version BIGINT NOT NULL,
    master BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    PRIMARY KEY (id, kind, version)
);

-- The ledger. Nothing here holds content.
CREATE TABLE ledger_log (
    log BIGINT NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    state BYTEA NOT NULL,
    opened_at BIGINT NOT NULL,
    PRIMARY KEY (log)
);

CREATE TABLE ledger_entry (
    log BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    entry BYTEA NOT NULL,
    object TEXT COLLATE "C" NOT NULL,
    case_ref TEXT COLLATE "C",
    agreement BYTEA,
    PRIMARY KEY (log, idx)
);
CREATE INDEX ledger_entry_object ON ledger_entry (log, object, idx);
CREATE INDEX ledger_entry_case ON ledger_entry (log, case_ref, idx) WHERE case_ref IS NOT NULL;
CREATE INDEX ledger_entry_agreement ON ledger_entry (log, agreement, idx) WHERE agreement IS NOT NULL;

CREATE TABLE ledger_tile (
    log BIGINT NOT NULL,
    level BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    hashes BYTEA NOT NULL,
    PRIMARY KEY (log, level, idx)
);

CREATE TABLE ledger_salt (
    log BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    object BYTEA NOT NULL,
    version BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (log, idx)
);
CREATE INDEX ledger_salt_object ON ledger_salt (object, version);

CREATE TABLE ledger_checkpoint (
    log BIGINT NOT NULL,
    size BIGINT NOT NULL,
    note BYTEA NOT NULL,
    PRIMARY KEY (log, size)
);

CREATE TABLE ledger_witness (
    origin TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    root BYTEA NOT NULL,
    note BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (origin)
);

-- People and cases.
CREATE TABLE officer (
    id BYTEA NOT NULL,
    login TEXT COLLATE "C" NOT NULL,
    unit BYTEA NOT NULL,
    roles TEXT COLLATE "C" NOT NULL,
    lang TEXT COLLATE "C" NOT NULL,
    active BIGINT NOT NULL,
    password TEXT COLLATE "C",
    version BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX officer_login ON officer (login);

CREATE TABLE token (
    hash BYTEA NOT NULL,
    officer BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (hash)
);
CREATE INDEX token_officer ON token (officer);

CREATE TABLE case_file (
    id BYTEA NOT NULL,
    area TEXT COLLATE "C" NOT NULL,
    purposes TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    opened_at BIGINT NOT NULL,
    review_on BIGINT NOT NULL,
    version BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE case_officer (
    case_id BYTEA NOT NULL,
    officer BYTEA NOT NULL,
    PRIMARY KEY (case_id, officer)
);
CREATE INDEX case_officer_officer ON case_officer (officer, case_id);

-- Subjects, links and the blind index over them.
CREATE TABLE subject (
    id BYTEA NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    class TEXT COLLATE "C",
    minor BIGINT NOT NULL,
    protected TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    segment BIGINT NOT NULL,
    terms BYTEA NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX subject_expires ON subject (expires_at);

CREATE TABLE subject_case (
    case_id BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    PRIMARY KEY (case_id, subject)
);
CREATE INDEX subject_case_subject ON subject_case (subject);

CREATE TABLE subject_report (
    report BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    PRIMARY KEY (report, subject)
);
CREATE INDEX subject_report_subject ON subject_report (subject);

CREATE TABLE subject_segment (
    segment BIGINT NOT NULL,
    terms BIGINT NOT NULL,
    PRIMARY KEY (segment)
);

CREATE TABLE subject_term (
    segment BIGINT NOT NULL,
    term BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    PRIMARY KEY (segment, term, subject)
);

CREATE TABLE link (
    id BYTEA NOT NULL,
    from_subject BYTEA NOT NULL,
    to_subject BYTEA NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    report BYTEA,
    expires_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX link_from ON link (from_subject);
CREATE INDEX link_to ON link (to_subject);
CREATE INDEX link_report ON link (report) WHERE report IS NOT NULL;

-- Agreements and partners.
CREATE TABLE agreement (
    id BYTEA NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    supersedes BYTEA,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE agreement_party (
    agreement BYTEA NOT NULL,
    party TEXT COLLATE "C" NOT NULL,
    signature BYTEA,
    signed_at BIGINT,
    PRIMARY KEY (agreement, party)
);
CREATE INDEX agreement_party_party ON agreement_party (party);

CREATE TABLE agreement_history (
    agreement BYTEA NOT NULL,
    step BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    officer BYTEA,
    PRIMARY KEY (agreement, step)
);

CREATE TABLE agreement_counter (
    agreement BYTEA NOT NULL,
    party TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (agreement, party, name, day)
);

CREATE TABLE partner (
    party TEXT COLLATE "C" NOT NULL,
    endpoint TEXT COLLATE "C" NOT NULL,
    seen_at BIGINT,
    skew_ms BIGINT,
    PRIMARY KEY (party)
);

CREATE TABLE partner_manifest (
    party TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (party, number)
);

CREATE TABLE partner_risk (
    party TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    level TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    valid_to BIGINT NOT NULL,
    officer BYTEA NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (party, number)
);

-- Reports: one content per version, and what was decided about them.
CREATE TABLE report (
    id BYTEA NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    originator TEXT COLLATE "C" NOT NULL,
    agreement BYTEA,
    case_id BYTEA,
    author BYTEA,
    state TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    level TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX report_case ON report (case_id, id) WHERE case_id IS NOT NULL;
CREATE INDEX report_state ON report (state, id);
CREATE INDEX report_expires ON report (expires_at);

CREATE TABLE report_version (
    id BYTEA NOT NULL,
    version BIGINT NOT NULL,
    supersedes BIGINT,
    form TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    content BYTEA,
    PRIMARY KEY (id, version)
);

CREATE TABLE report_approval (
    id BYTEA NOT NULL,
    version BIGINT NOT NULL,
    officer BYTEA NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (id, version, officer)
);

CREATE TABLE decision (
    object BYTEA NOT NULL,
    version BIGINT NOT NULL,
    log BIGINT NOT NULL,
    position BIGINT NOT NULL,
    party TEXT COLLATE "C" NOT NULL,
    agreement BYTEA,
    permit BIGINT NOT NULL,
    step BIGINT NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    clause TEXT COLLATE "C",
    at BIGINT NOT NULL,
    PRIMARY KEY (object, version, log, position)
);

CREATE TABLE disclosure (
    object BYTEA NOT NULL,
    version BIGINT NOT NULL,
    recipient TEXT COLLATE "C" NOT NULL,
    agreement BYTEA NOT NULL,
    lane BYTEA NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    stored_at BIGINT,
    verdict TEXT COLLATE "C",
    decided_at BIGINT,
    read_at BIGINT,
    erased_at BIGINT,
    undelivered_at BIGINT,
    answer_by BIGINT,
    PRIMARY KEY (object, version, recipient)
);
CREATE INDEX disclosure_place ON disclosure (lane, epoch, seq);
CREATE INDEX disclosure_answer ON disclosure (answer_by) WHERE answer_by IS NOT NULL;

CREATE TABLE tombstone (
    object BYTEA NOT NULL,
    originator TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    agreement BYTEA,
    reason TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (object, originator, version)
);

CREATE TABLE quarantine (
    object BYTEA NOT NULL,
    version BIGINT NOT NULL,
    lane BYTEA NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    resolved_at BIGINT,
    resolution TEXT COLLATE "C",
    PRIMARY KEY (object, version)
);
CREATE INDEX quarantine_open ON quarantine (at) WHERE resolved_at IS NULL;

-- Lanes: what was sent, what came, what was signed for it.
CREATE TABLE lane (
    lane BYTEA NOT NULL,
    from_party TEXT COLLATE "C" NOT NULL,
    to_party TEXT COLLATE "C" NOT NULL,
    agreement BYTEA NOT NULL,
    class TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (lane)
);

CREATE TABLE lane_out (
    lane BYTEA NOT NULL,
    epoch BIGINT NOT NULL,
    next_seq BIGINT NOT NULL,
    head BYTEA NOT NULL,
    settled_epoch BIGINT NOT NULL,
    settled_seq BIGINT NOT NULL,
    acked_epoch BIGINT NOT NULL,
    acked_seq BIGINT NOT NULL,
    halt TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    retry_at BIGINT NOT NULL,
    PRIMARY KEY (lane)
);

CREATE TABLE outbox (
    lane BYTEA NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    object BYTEA,
    version BIGINT,
    hash BYTEA NOT NULL,
    deadline BIGINT NOT NULL,
    logged BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    verdict TEXT COLLATE "C",
    code TEXT COLLATE "C",
    ground TEXT COLLATE "C",
    receipt BYTEA,
    bytes BYTEA,
    PRIMARY KEY (lane, epoch, seq)
);
CREATE INDEX outbox_deadline ON outbox (deadline) WHERE state = 'waiting';
CREATE INDEX outbox_object ON outbox (object) WHERE object IS NOT NULL;

CREATE TABLE lane_in (
    lane BYTEA NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    head BYTEA NOT NULL,
    frozen BIGINT NOT NULL,
    ahead BIGINT NOT NULL,
    checkpoint BYTEA,
    PRIMARY KEY (lane)
);

CREATE TABLE lane_control (
    lane BYTEA NOT NULL,
    announced_epoch BIGINT,
    announced_seq BIGINT,
    announced_at BIGINT,
    drained_at BIGINT,
    PRIMARY KEY (lane)
);

CREATE TABLE inbox (
    lane BYTEA NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    verdict TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C",
    ground TEXT COLLATE "C",
    receipt BYTEA NOT NULL,
    bytes BYTEA,
    PRIMARY KEY (lane, epoch, seq)
);

CREATE TABLE inbox_object (
    object BYTEA NOT NULL,
    version BIGINT NOT NULL,
    lane BYTEA NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (object, version, lane, epoch, seq)
);

CREATE TABLE inbox_ahead (
    lane BYTEA NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (lane, epoch, seq)
);

CREATE TABLE receipt_batch (
    lane BYTEA NOT NULL,
    id BYTEA NOT NULL,
    at BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (lane, id)
);

-- What is held of objects of partners, as the protocol sees it.
CREATE TABLE holding (
    object BYTEA NOT NULL,
    originator TEXT COLLATE "C" NOT NULL,
    agreement BYTEA NOT NULL,
    current_from BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (object)
);

CREATE TABLE holding_version (
    object BYTEA NOT NULL,
    version BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    lease_until BIGINT NOT NULL,
    lease_ms BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (object, version)
);

CREATE TABLE equivocation (
    lane BYTEA NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    second_hash BYTEA NOT NULL,
    first_hash BYTEA NOT NULL,
    first_bytes BYTEA,
    second_bytes BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (lane, epoch, seq, second_hash)
);

CREATE TABLE peer_evidence (
    lane BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    at BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (lane, hash)
);

CREATE TABLE alarm (
    id BYTEA NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    seen_at BIGINT,
    seen_by BYTEA,
    PRIMARY KEY (id)
);
CREATE INDEX alarm_open ON alarm (at) WHERE seen_at IS NULL;
