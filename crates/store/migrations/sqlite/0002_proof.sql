-- How far each partner has countersigned the log of this node.
CREATE TABLE ledger_cosigner (
    log INTEGER NOT NULL,
    party TEXT NOT NULL,
    size INTEGER NOT NULL,
    at INTEGER,
    refused TEXT,
    PRIMARY KEY (log, party)
) STRICT, WITHOUT ROWID;

-- Logs that were found to show two histories, byte for byte.
CREATE TABLE fork_proof (
    origin TEXT NOT NULL,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (origin, hash)
) STRICT;

-- Lanes that this node must begin anew after a restore, and what partners signed for that it no longer has.
CREATE TABLE lane_restore (
    lane BLOB NOT NULL,
    since INTEGER NOT NULL,
    begun_at INTEGER,
    PRIMARY KEY (lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE lane_lost (
    lane BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    verdict TEXT NOT NULL,
    receipt BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (lane, epoch, seq)
) STRICT, WITHOUT ROWID;
