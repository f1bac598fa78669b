-- Requests that ended are closed, and people look at every request again after half a year (182 days).
ALTER TABLE request ADD COLUMN closed_at INTEGER;
ALTER TABLE request ADD COLUMN review_at INTEGER;
UPDATE request SET review_at = created_at + 15724800000;
CREATE INDEX request_review ON request (review_at, id) WHERE review_at IS NOT NULL;
