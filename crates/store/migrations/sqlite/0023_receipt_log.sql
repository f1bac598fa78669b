-- A receipt says itself which log has its entries: which places a partner gets again is not kept any more.
ALTER TABLE lane_out DROP COLUMN again_after_epoch;
ALTER TABLE lane_out DROP COLUMN again_after_seq;
ALTER TABLE lane_out DROP COLUMN again_to_epoch;
ALTER TABLE lane_out DROP COLUMN again_to_seq;
