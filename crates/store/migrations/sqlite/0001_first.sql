-- What the node is, and the keys of its records.
CREATE TABLE setting (
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;

CREATE TABLE record_key (
    id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    version INTEGER NOT NULL,
    master INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    PRIMARY KEY (id, kind, version)
) STRICT, WITHOUT ROWID;

-- The ledger. Nothing here holds content.
CREATE TABLE ledger_log (
    log INTEGER NOT NULL,
    origin TEXT NOT NULL,
    state BLOB NOT NULL,
    opened_at INTEGER NOT NULL,
    PRIMARY KEY (log)
) STRICT;

CREATE TABLE ledger_entry (
    log INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    entry BLOB NOT NULL,
    object TEXT NOT NULL,
    case_ref TEXT,
    agreement BLOB,
    PRIMARY KEY (log, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_entry_object ON ledger_entry (log, object, idx);
CREATE INDEX ledger_entry_case ON ledger_entry (log, case_ref, idx) WHERE case_ref IS NOT NULL;
CREATE INDEX ledger_entry_agreement ON ledger_entry (log, agreement, idx) WHERE agreement IS NOT NULL;

CREATE TABLE ledger_tile (
    log INTEGER NOT NULL,
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (log, level, idx)
) STRICT;

CREATE TABLE ledger_salt (
    log INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    object BLOB NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (log, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_salt_object ON ledger_salt (object, version);

CREATE TABLE ledger_checkpoint (
    log INTEGER NOT NULL,
    size INTEGER NOT NULL,
    note BLOB NOT NULL,
    PRIMARY KEY (log, size)
) STRICT;

CREATE TABLE ledger_witness (
    origin TEXT NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    note BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (origin)
) STRICT;

-- People and cases.
CREATE TABLE officer (
    id BLOB NOT NULL,
    login TEXT NOT NULL,
    unit BLOB NOT NULL,
    roles TEXT NOT NULL,
    lang TEXT NOT NULL,
    active INTEGER NOT NULL,
    password TEXT,
    version INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (id)
) STRICT;
CREATE UNIQUE INDEX officer_login ON officer (login);

CREATE TABLE token (
    hash BLOB NOT NULL,
    officer BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX token_officer ON token (officer);

CREATE TABLE case_file (
    id BLOB NOT NULL,
    area TEXT NOT NULL,
    purposes TEXT NOT NULL,
    state TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    review_on INTEGER NOT NULL,
    version INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (id)
) STRICT;

CREATE TABLE case_officer (
    case_id BLOB NOT NULL,
    officer BLOB NOT NULL,
    PRIMARY KEY (case_id, officer)
) STRICT, WITHOUT ROWID;
CREATE INDEX case_officer_officer ON case_officer (officer, case_id);

-- Subjects, links and the blind index over them.
CREATE TABLE subject (
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    class TEXT,
    minor INTEGER NOT NULL,
    protected TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    terms BLOB NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (id)
) STRICT;
CREATE INDEX subject_expires ON subject (expires_at);

CREATE TABLE subject_case (
    case_id BLOB NOT NULL,
    subject BLOB NOT NULL,
    PRIMARY KEY (case_id, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX subject_case_subject ON subject_case (subject);

CREATE TABLE subject_report (
    report BLOB NOT NULL,
    subject BLOB NOT NULL,
    PRIMARY KEY (report, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX subject_report_subject ON subject_report (subject);

CREATE TABLE subject_segment (
    segment INTEGER NOT NULL,
    terms INTEGER NOT NULL,
    PRIMARY KEY (segment)
) STRICT;

CREATE TABLE subject_term (
    segment INTEGER NOT NULL,
    term BLOB NOT NULL,
    subject BLOB NOT NULL,
    PRIMARY KEY (segment, term, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE link (
    id BLOB NOT NULL,
    from_subject BLOB NOT NULL,
    to_subject BLOB NOT NULL,
    role TEXT NOT NULL,
    report BLOB,
    expires_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (id)
) STRICT;
CREATE INDEX link_from ON link (from_subject);
CREATE INDEX link_to ON link (to_subject);
CREATE INDEX link_report ON link (report) WHERE report IS NOT NULL;

-- Agreements and partners.
CREATE TABLE agreement (
    id BLOB NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    supersedes BLOB,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (id)
) STRICT;

CREATE TABLE agreement_party (
    agreement BLOB NOT NULL,
    party TEXT NOT NULL,
    signature BLOB,
    signed_at INTEGER,
    PRIMARY KEY (agreement, party)
) STRICT, WITHOUT ROWID;
CREATE INDEX agreement_party_party ON agreement_party (party);

CREATE TABLE agreement_history (
    agreement BLOB NOT NULL,
    step INTEGER NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    officer BLOB,
    PRIMARY KEY (agreement, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE agreement_counter (
    agreement BLOB NOT NULL,
    party TEXT NOT NULL,
    name TEXT NOT NULL,
    day INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (agreement, party, name, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE partner (
    party TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    seen_at INTEGER,
    skew_ms INTEGER,
    PRIMARY KEY (party)
) STRICT, WITHOUT ROWID;

CREATE TABLE partner_manifest (
    party TEXT NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (party, number)
) STRICT;

CREATE TABLE partner_risk (
    party TEXT NOT NULL,
    number INTEGER NOT NULL,
    level TEXT NOT NULL,
    at INTEGER NOT NULL,
    valid_to INTEGER NOT NULL,
    officer BLOB NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (party, number)
) STRICT;

-- Reports: one content per version, and what was decided about them.
CREATE TABLE report (
    id BLOB NOT NULL,
    direction TEXT NOT NULL,
    originator TEXT NOT NULL,
    agreement BLOB,
    case_id BLOB,
    author BLOB,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    level TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT;
CREATE INDEX report_case ON report (case_id, id) WHERE case_id IS NOT NULL;
CREATE INDEX report_state ON report (state, id);
CREATE INDEX report_expires ON report (expires_at);

CREATE TABLE report_version (
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    supersedes INTEGER,
    form TEXT NOT NULL,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    content BLOB,
    PRIMARY KEY (id, version)
) STRICT;

CREATE TABLE report_approval (
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    officer BLOB NOT NULL,
    role TEXT NOT NULL,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (id, version, officer)
) STRICT, WITHOUT ROWID;

CREATE TABLE decision (
    object BLOB NOT NULL,
    version INTEGER NOT NULL,
    log INTEGER NOT NULL,
    position INTEGER NOT NULL,
    party TEXT NOT NULL,
    agreement BLOB,
    permit INTEGER NOT NULL,
    step INTEGER NOT NULL,
    code TEXT NOT NULL,
    clause TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (object, version, log, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE disclosure (
    object BLOB NOT NULL,
    version INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    agreement BLOB NOT NULL,
    lane BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    stored_at INTEGER,
    verdict TEXT,
    decided_at INTEGER,
    read_at INTEGER,
    erased_at INTEGER,
    undelivered_at INTEGER,
    answer_by INTEGER,
    PRIMARY KEY (object, version, recipient)
) STRICT, WITHOUT ROWID;
CREATE INDEX disclosure_place ON disclosure (lane, epoch, seq);
CREATE INDEX disclosure_answer ON disclosure (answer_by) WHERE answer_by IS NOT NULL;

CREATE TABLE tombstone (
    object BLOB NOT NULL,
    originator TEXT NOT NULL,
    version INTEGER NOT NULL,
    agreement BLOB,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (object, originator, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    object BLOB NOT NULL,
    version INTEGER NOT NULL,
    lane BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    code TEXT NOT NULL,
    at INTEGER NOT NULL,
    resolved_at INTEGER,
    resolution TEXT,
    PRIMARY KEY (object, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX quarantine_open ON quarantine (at) WHERE resolved_at IS NULL;

-- Lanes: what was sent, what came, what was signed for it.
CREATE TABLE lane (
    lane BLOB NOT NULL,
    from_party TEXT NOT NULL,
    to_party TEXT NOT NULL,
    agreement BLOB NOT NULL,
    class TEXT NOT NULL,
    PRIMARY KEY (lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE lane_out (
    lane BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    head BLOB NOT NULL,
    settled_epoch INTEGER NOT NULL,
    settled_seq INTEGER NOT NULL,
    acked_epoch INTEGER NOT NULL,
    acked_seq INTEGER NOT NULL,
    halt TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    retry_at INTEGER NOT NULL,
    PRIMARY KEY (lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    lane BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    object BLOB,
    version INTEGER,
    hash BLOB NOT NULL,
    deadline INTEGER NOT NULL,
    logged INTEGER NOT NULL,
    state TEXT NOT NULL,
    verdict TEXT,
    code TEXT,
    ground TEXT,
    receipt BLOB,
    bytes BLOB,
    PRIMARY KEY (lane, epoch, seq)
) STRICT;
CREATE INDEX outbox_deadline ON outbox (deadline) WHERE state = 'waiting';
CREATE INDEX outbox_object ON outbox (object) WHERE object IS NOT NULL;

CREATE TABLE lane_in (
    lane BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    head BLOB NOT NULL,
    frozen INTEGER NOT NULL,
    ahead INTEGER NOT NULL,
    checkpoint BLOB,
    PRIMARY KEY (lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE lane_control (
    lane BLOB NOT NULL,
    announced_epoch INTEGER,
    announced_seq INTEGER,
    announced_at INTEGER,
    drained_at INTEGER,
    PRIMARY KEY (lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
    lane BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    verdict TEXT NOT NULL,
    code TEXT,
    ground TEXT,
    receipt BLOB NOT NULL,
    bytes BLOB,
    PRIMARY KEY (lane, epoch, seq)
) STRICT;

CREATE TABLE inbox_object (
    object BLOB NOT NULL,
    version INTEGER NOT NULL,
    lane BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (object, version, lane, epoch, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox_ahead (
    lane BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (lane, epoch, seq)
) STRICT;

CREATE TABLE receipt_batch (
    lane BLOB NOT NULL,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (lane, id)
) STRICT;

-- What is held of objects of partners, as the protocol sees it.
CREATE TABLE holding (
    object BLOB NOT NULL,
    originator TEXT NOT NULL,
    agreement BLOB NOT NULL,
    current_from INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (object)
) STRICT, WITHOUT ROWID;

CREATE TABLE holding_version (
    object BLOB NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    lease_ms INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (object, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE equivocation (
    lane BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    second_hash BLOB NOT NULL,
    first_hash BLOB NOT NULL,
    first_bytes BLOB,
    second_bytes BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (lane, epoch, seq, second_hash)
) STRICT;

CREATE TABLE peer_evidence (
    lane BLOB NOT NULL,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (lane, hash)
) STRICT;

CREATE TABLE alarm (
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    at INTEGER NOT NULL,
    seen_at INTEGER,
    seen_by BLOB,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX alarm_open ON alarm (at) WHERE seen_at IS NULL;
