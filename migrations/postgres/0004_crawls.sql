-- Websites that are read page by page.
CREATE TABLE crawls (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    collection_id TEXT NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    url TEXT NOT NULL, -- where it starts
    site TEXT NOT NULL, -- host without www., with a port of its own
    max_pages BIGINT NOT NULL,
    max_depth BIGINT NOT NULL,
    include_patterns JSONB NOT NULL,
    exclude_patterns JSONB NOT NULL,
    every TEXT, -- day, week
    status TEXT NOT NULL, -- QUEUED, CRAWLING, COMPLETED, FAILED, CANCELLED
    run BIGINT NOT NULL, -- counted from 1
    origin TEXT, -- scheme and host of the first page as it answered
    robots TEXT, -- the site's robots.txt
    robots_origin TEXT, -- whose it is
    robots_at TIMESTAMPTZ,
    tries BIGINT NOT NULL, -- of robots.txt, in vain
    cut_short BOOLEAN NOT NULL, -- pages were left out: unseen is not gone
    retired BIGINT NOT NULL, -- documents that this run has retired
    error TEXT, -- why it FAILED
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    next_run_at TIMESTAMPTZ,
    UNIQUE (collection_id, url)
);
CREATE INDEX crawls_workspace ON crawls (workspace_id, id);

-- What a crawl knows of each page, and in the rows of its run what is left to do.
CREATE TABLE crawl_pages (
    crawl_id TEXT NOT NULL REFERENCES crawls (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL,
    url TEXT NOT NULL,
    kind TEXT NOT NULL, -- PAGE, SITEMAP
    run BIGINT NOT NULL, -- the run that saw it last
    depth BIGINT NOT NULL, -- links away from the start
    position BIGINT NOT NULL, -- pages are fetched by depth, then as they were found
    state TEXT NOT NULL, -- QUEUED, CREATED, UPDATED, UNCHANGED, SKIPPED, GONE, FAILED
    tries BIGINT NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    canonical TEXT, -- the page that it says it is
    etag TEXT,
    last_modified TEXT,
    text_hash TEXT, -- SHA-256 of the text that its document was read with
    links JSONB, -- where it led
    document_id TEXT REFERENCES documents (id) ON DELETE SET NULL,
    http_status BIGINT,
    note TEXT, -- why it was skipped or failed
    PRIMARY KEY (crawl_id, url)
);
CREATE INDEX crawl_pages_next ON crawl_pages (crawl_id, run, state, depth, position);
CREATE INDEX crawl_pages_document ON crawl_pages (document_id);

-- When a site may be asked again, by whichever workspace: one request at a time.
CREATE TABLE crawl_sites (
    site TEXT PRIMARY KEY,
    next_at TIMESTAMPTZ NOT NULL,
    holder TEXT -- the job whose request is under way
);
