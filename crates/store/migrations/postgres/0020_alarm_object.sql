-- The object an alarm is about, where it is about one: whoever wrote or decided on it does not see to the alarm.
ALTER TABLE alarm ADD COLUMN object BYTEA;
