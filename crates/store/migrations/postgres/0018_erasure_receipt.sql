-- Receipts of erasure (R4) that nobody signed yet: they wait until no file holds what was erased.
CREATE TABLE erasure_receipt (
    id BYTEA NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    recipient TEXT COLLATE "C" NOT NULL,
    agreement BYTEA NOT NULL,
    object BYTEA NOT NULL,
    receipts BYTEA NOT NULL
);
CREATE INDEX erasure_receipt_at ON erasure_receipt (at);
