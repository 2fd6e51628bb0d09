-- A document's source, and the stored file that it is read from.
ALTER TABLE documents ADD COLUMN source_key TEXT; -- what tells the same source in a collection: title:… or url:…
ALTER TABLE documents ADD COLUMN original TEXT NOT NULL DEFAULT ''; -- name of the stored file
ALTER TABLE documents ADD COLUMN chunks_done BIGINT NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN chunks_total BIGINT; -- of the version that is being read
ALTER TABLE documents ADD COLUMN retired_at TEXT; -- its source is gone: it answers no longer
UPDATE documents SET original = id;
-- Of several with one title the newest goes on as the one that a later upload changes.
UPDATE documents SET source_key = 'title:' || title
 WHERE NOT EXISTS (SELECT 1 FROM documents d WHERE d.collection_id = documents.collection_id
                      AND d.title = documents.title AND d.id > documents.id);
CREATE UNIQUE INDEX documents_source ON documents (collection_id, source_key);

-- A version is a text; its original and what was found in it are kept beside it.
ALTER TABLE document_versions ADD COLUMN original TEXT NOT NULL DEFAULT '';
ALTER TABLE document_versions ADD COLUMN original_hash TEXT NOT NULL DEFAULT ''; -- SHA-256 of the original
ALTER TABLE document_versions ADD COLUMN file_name TEXT NOT NULL DEFAULT '';
ALTER TABLE document_versions ADD COLUMN size_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE document_versions ADD COLUMN media_type TEXT;
ALTER TABLE document_versions ADD COLUMN language TEXT;
ALTER TABLE document_versions ADD COLUMN pages BIGINT;
ALTER TABLE document_versions ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]';
ALTER TABLE document_versions ADD COLUMN sections TEXT NOT NULL DEFAULT '[]'; -- blocks of the content, with their places
UPDATE document_versions SET
    original = document_id,
    (original_hash, file_name, size_bytes, media_type, language, pages, warnings) =
        (SELECT content_hash, file_name, size_bytes, media_type, language, pages_total, warnings
           FROM documents WHERE id = document_versions.document_id);
CREATE INDEX document_versions_workspace ON document_versions (workspace_id, document_id);

ALTER TABLE chunks ADD COLUMN sheet TEXT; -- of a workbook
