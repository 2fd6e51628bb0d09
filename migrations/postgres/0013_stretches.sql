-- Counts what changes in the stretches of an agent's contacts, but for growth of the last one.
ALTER TABLE contact_counts ADD COLUMN stretched BIGINT NOT NULL DEFAULT 0;
