-- How far each partner has countersigned the log of this node.
CREATE TABLE ledger_cosigner (
    log BIGINT NOT NULL,
    party TEXT NOT NULL,
    size BIGINT NOT NULL,
    at BIGINT,
    refused TEXT,
    PRIMARY KEY (log, party)
);

-- Logs that were found to show two histories, byte for byte.
CREATE TABLE fork_proof (
    origin TEXT NOT NULL,
    hash BYTEA NOT NULL,
    at BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (origin, hash)
);

-- Lanes that this node must begin anew after a restore, and what partners signed for that it no longer has.
CREATE TABLE lane_restore (
    lane BYTEA NOT NULL,
    since BIGINT NOT NULL,
    begun_at BIGINT,
    PRIMARY KEY (lane)
);

CREATE TABLE lane_lost (
    lane BYTEA NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    verdict TEXT NOT NULL,
    receipt BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (lane, epoch, seq)
);
