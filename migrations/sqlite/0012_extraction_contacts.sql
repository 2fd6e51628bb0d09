-- Contacts that are made or completed with what a document says.
ALTER TABLE extractions ADD COLUMN target TEXT; -- which contact, and which of its fields get which values
ALTER TABLE extractions ADD COLUMN contact_id TEXT REFERENCES contacts (id) ON DELETE SET NULL; -- who got them
ALTER TABLE extractions ADD COLUMN contact_problem TEXT; -- why nobody did
CREATE INDEX extractions_contact ON extractions (contact_id);
