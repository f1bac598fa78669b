-- Requests for information: where each stands, what was said about it, what answers it.
CREATE TABLE request (
    id BLOB NOT NULL,
    direction TEXT NOT NULL,
    partner TEXT NOT NULL,
    agreement BLOB NOT NULL,
    area TEXT NOT NULL,
    purpose TEXT NOT NULL,
    urgency TEXT NOT NULL,
    level TEXT NOT NULL,
    state TEXT NOT NULL,
    limit_ms INTEGER NOT NULL,
    direct INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    started_at INTEGER,
    stopped_at INTEGER,
    paused_ms INTEGER NOT NULL,
    delayed_until INTEGER,
    due_at INTEGER,
    questions INTEGER NOT NULL,
    escalation INTEGER NOT NULL,
    ended_at INTEGER,
    in_time INTEGER,
    ground TEXT,
    useful INTEGER,
    accuracy INTEGER,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_due ON request (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX request_state ON request (direction, state, id);

CREATE TABLE request_step (
    request BLOB NOT NULL,
    id BLOB NOT NULL,
    own INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    stored_at INTEGER,
    content BLOB,
    PRIMARY KEY (request, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_step_id ON request_step (id);

CREATE TABLE request_answer (
    request BLOB NOT NULL,
    report BLOB NOT NULL,
    part INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (request, report)
) STRICT, WITHOUT ROWID;
