-- What is encrypted, signed or hashed does not become smaller: PostgreSQL does not try any more. Rows that are there
-- stay as they are and are read as before.
ALTER TABLE ledger_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
ALTER TABLE report_version ALTER COLUMN content SET STORAGE EXTERNAL;
ALTER TABLE outbox ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE inbox ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE inbox_ahead ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE subject ALTER COLUMN content SET STORAGE EXTERNAL;
