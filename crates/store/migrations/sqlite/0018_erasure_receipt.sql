-- Receipts of erasure (R4) that nobody signed yet: they wait until no file holds what was erased.
CREATE TABLE erasure_receipt (
    id BLOB NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    agreement BLOB NOT NULL,
    object BLOB NOT NULL,
    receipts BLOB NOT NULL
) STRICT;
CREATE INDEX erasure_receipt_at ON erasure_receipt (at);
