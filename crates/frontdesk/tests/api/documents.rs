//! Documents: taken in at once, read by a job, found when they are whole, gone when they are deleted.

use std::io::Write;

use http::Method;
use serde_json::{Value, json};
use testkit::{Database, Owner, Server, on_both};

use super::{PROGRAM, start};

/// The parsers' own samples.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../documents/tests/fixtures");

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{FIXTURES}/{name}")).unwrap_or_else(|e| panic!("{name}: {e}"))
}

async fn ask(server: &Server, owner: &Owner, agent: &str, question: &str) -> Value {
    let path = format!("/agents/{agent}/test");
    server.within(owner, Method::POST, &path).json(json!({ "message": question })).send().await.expect(200)
}

async fn rows(server: &Server, sql: &'static str) -> i64 {
    server.app.db.read().await.unwrap().count(store::Sql::new(sql)).await.unwrap()
}

on_both! {
    async fn a_document_is_read_found_and_deleted(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let text = "# Shipping\n\nParcels to Norway take nine working days and cost 14 euro.\n\n# Returns\n\nReturns are free within 45 days.\n";
        let call = server.within(&owner, Method::POST, "/documents");
        let queued = call.file("guide.md", text, &[("title", "Guide"), ("collection_id", &collection)]).send().await.expect(202);
        assert_eq!((&queued["status"], &queued["title"]), (&json!("PROCESSING"), &json!("Guide")));
        server.quiet().await;

        let path = format!("/documents/{}", queued["id"].as_str().unwrap());
        let document = server.within(&owner, Method::GET, &path).send().await.expect(200);
        assert_eq!(document["status"], "COMPLETED", "{document}");
        assert_eq!((&document["source_type"], &document["language"]), (&json!("FILE"), &json!("en")));
        assert_eq!(document["versions"][0]["version"], 1);
        let chunks = document["chunk_count"].as_i64().unwrap();
        assert!(chunks >= 1 && document["token_count"].as_i64().unwrap() > 10);
        assert!(document["chunks_preview"][0]["content_preview"].as_str().unwrap().contains("Shipping"));

        let agent = server.agent(&owner, &collection).await;
        let answer = ask(&server, &owner, &agent, "How long do parcels to Norway take?").await;
        assert!(answer["response"].as_str().unwrap().contains("nine working days"), "{answer}");
        let source = &answer["sources"][0];
        assert_eq!(source["quote"], "Parcels to Norway take nine working days and cost 14 euro.");
        assert_eq!(source["heading"], "Shipping");
        // The span points at the quote in the version's text.
        let (start, end) = (source["start"].as_u64().unwrap() as usize, source["end"].as_u64().unwrap() as usize);
        let mut db = server.app.db.read().await.unwrap();
        let (content,): (String,) = db.one(store::Sql::new("SELECT content FROM document_versions")).await.unwrap();
        drop(db);
        let span: String = content.chars().skip(start).take(end - start).collect();
        assert_eq!(span, source["quote"].as_str().unwrap());

        server.within(&owner, Method::POST, &format!("{path}/reprocess")).send().await.expect(202);
        server.quiet().await;
        assert_eq!(rows(&server, "SELECT count(*) FROM chunks").await, chunks, "reprocessing leaves no chunk behind");
        server.within(&owner, Method::DELETE, &path).send().await.expect(200);
        for sql in ["SELECT count(*) FROM chunks", "SELECT count(*) FROM document_versions", "SELECT count(*) FROM documents"] {
            assert_eq!(rows(&server, sql).await, 0, "{sql}");
        }
        let answer = ask(&server, &owner, &agent, "How long do parcels to Norway take?").await;
        assert_eq!((&answer["answered"], &answer["sources"]), (&json!(false), &json!([])));
        server.within(&owner, Method::GET, &path).send().await.refused(404);
        server.stop().await;
    }

    async fn every_format_is_read(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/documents");
        for (name, media) in [
            ("shipping-and-delivery.html", "text/html"),
            ("returns-and-refunds.md", "text/markdown"),
            ("holiday-opening-hours-2026-2027.txt", "text/plain"),
            ("fjellild-2-camping-stove-manual.pdf", "application/pdf"),
            ("terms-for-business-customers.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("price-list.csv", "text/csv"),
        ] {
            let bytes = std::fs::read(format!("{demo}/{name}")).unwrap_or_else(|e| panic!("{name}: {e}"));
            let document = server.upload(&owner, &collection, name, bytes).await;
            assert_eq!((&document["status"], &document["media_type"]), (&json!("COMPLETED"), &json!(media)), "{document}");
        }
        let agent = server.agent(&owner, &collection).await;
        let answer = ask(&server, &owner, &agent, "Which fuel does the Fjellild stove burn?").await;
        let manual = answer["sources"].as_array().unwrap().iter().any(|source| source["page"].is_number());
        assert!(manual, "a PDF's source names its page: {answer}");
        // Navigation and banners are not knowledge.
        let found = rows(&server, "SELECT count(*) FROM chunks WHERE content LIKE '%Accept all cookies%'").await;
        assert_eq!(found, 0);
        server.stop().await;
    }

    async fn an_agent_knows_only_its_collections(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let (public, secret) = (server.collection(&owner).await, server.collection(&owner).await);
        server.upload(&owner, &public, "a.txt", "The shop opens at nine in the morning.").await;
        server.upload(&owner, &secret, "b.txt", "The alarm code of the shop is mauve.").await;
        let agent = server.agent(&owner, &public).await;
        let answer = ask(&server, &owner, &agent, "What is the alarm code of the shop?").await;
        assert!(!answer.to_string().contains("mauve"), "{answer}");
        let answer = ask(&server, &owner, &agent, "When does the shop open in the morning?").await;
        assert!(answer["response"].as_str().unwrap().contains("nine"), "{answer}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_says_why() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    let truncated = fixture("truncated.pdf");
    let cases = [
        ("secret.pdf", fixture("password.pdf"), "encrypted"),
        ("scan.pdf", fixture("pictures.pdf"), "no_text"),
        ("cut.pdf", truncated, "damaged"),
        ("bomb.docx", zip_bomb(), "too_large"),
        ("blank.txt", b"   \n\n  \t ".to_vec(), "empty"),
    ];
    for (name, bytes, code) in cases {
        let document = server.upload(&owner, &collection, name, bytes).await;
        assert_eq!(document["status"], "FAILED", "{name}: {document}");
        assert_eq!(document["error"]["code"], code, "{name}: {document}");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.len() > 20 && message.ends_with('.'), "{name}: {message}");
    }
    assert_eq!(rows(&server, "SELECT count(*) FROM chunks").await, 0);
    server.stop().await;
}

/// A DOCX whose text unpacks to 300 MB.
fn zip_bomb() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("[Content_Types].xml", options).unwrap();
    zip.write_all(b"<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>")
        .unwrap();
    zip.start_file("word/document.xml", options).unwrap();
    zip.write_all(
        b"<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>",
    )
    .unwrap();
    let megabyte = vec![b' '; 1 << 20];
    for _ in 0..300 {
        zip.write_all(&megabyte).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_refused_leaves_nothing() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    let post = || server.within(&owner, Method::POST, "/documents");
    let with = [("collection_id", collection.as_str())];

    assert_eq!(post().file("empty.txt", "", &with).send().await.refused(400).1.as_deref(), Some("file"));
    let wrong = post().file("report.pdf", vec![7u8; 4000], &with).send().await;
    assert_eq!(wrong.refused(415), ("UNSUPPORTED_MEDIA_TYPE".into(), Some("file".into())));
    let program = std::fs::read(PROGRAM).unwrap()[..100_000].to_vec();
    assert_eq!(post().file("tool.exe", program, &with).send().await.refused(415).0, "UNSUPPORTED_MEDIA_TYPE");
    let large = post().file("large.txt", "word ".repeat(1_000_000), &with).send().await;
    assert_eq!(large.refused(413).0, "PAYLOAD_TOO_LARGE");
    assert_eq!(
        post().file("a.txt", "Hello there.", &[]).send().await.refused(400).1.as_deref(),
        Some("collection_id")
    );
    let unknown = [("collection_id", "col_00000000000000000000zzzz")];
    assert_eq!(
        post().file("a.txt", "Hello there.", &unknown).send().await.refused(400).1.as_deref(),
        Some("collection_id")
    );
    assert_eq!(post().json(json!({ "file": "x" })).send().await.refused(415).0, "UNSUPPORTED_MEDIA_TYPE");
    let broken = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello";
    post().body("multipart/form-data; boundary=x", broken).send().await.refused(400);

    assert!(server.documents(&owner).await.is_empty());
    let files = server.app.config.data_dir.join("files");
    assert_eq!(walk(&files), 0, "no file is left behind");
    server.stop().await;
}

/// Files below a folder.
fn walk(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { 1 }).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_listed_and_limited() {
    let server = Server::start_with(Database::Sqlite, PROGRAM, |config| config.max_documents = 3).await;
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    for name in ["100% wool.txt", "Pricing.txt", "hours.txt"] {
        server.upload(&owner, &collection, name, "Some text that is long enough to be read.").await;
    }
    let list = |query: &str| server.within(&owner, Method::GET, &format!("/documents{query}")).send();
    let total = |answer: testkit::Answer| answer.expect(200)["total"].as_i64().unwrap();
    assert_eq!(total(list(&format!("?collection_id={collection}&status=COMPLETED&search=pricing")).await), 1);
    assert_eq!(total(list("?search=0%25").await), 1);
    assert_eq!(total(list("?search=%25").await), 1, "a percent sign is a percent sign");
    assert_eq!(total(list("?status=FAILED").await), 0);
    list("?status=LOST").await.refused(400);
    let full = server.within(&owner, Method::POST, "/documents").file(
        "d.txt",
        "More.",
        &[("collection_id", &collection)],
    );
    assert_eq!(full.send().await.refused(422).0, "UNPROCESSABLE");
    server.stop().await;
}
