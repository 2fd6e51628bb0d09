//! The pages about what the agents know, with sample data.

use platform::{
    Role,
    knowledge::{Document, Filter, crawl::Failed},
};

use super::{
    pages::{bad, page},
    samples::{
        HOSTILE, chrome, collection, content, crawl, document, id, noon, paged, passage, version, zone,
    },
};
use crate::{
    adding::{Typed, Way},
    collections::{CollectionsPage, Place},
    crawl::CrawlPage,
    crawls::{CrawlsPage, Settings, Site},
    document::DocumentPage,
    documents::{DocumentsPage, Row, Table, Wanted},
    form::Fields,
    page::Notice,
    search::{Passages, SearchPage},
    understood::{Part, Understood},
};

fn table(role: Role) -> Table {
    let mut reading = document("PROCESSING");
    (reading.stage, reading.pages_done, reading.pages_total) = (Some("extracting".into()), 3, Some(12));
    let mut failed = document("FAILED");
    failed.error_message = Some("It is encrypted. Save it without a password and upload it again.".into());
    let mut done = document("COMPLETED");
    (done.chunk_count, done.warnings) = (8, vec!["Two pages hold pictures only.".into()]);
    let rows = [document("QUEUED"), reading, failed, done].map(Row);
    let collections = vec![collection()];
    let filter = "search=a%26b&".into();
    Table { chrome: chrome(role), zone: zone(), collections, rows: rows.into(), total: 120, page: 2, filter }
}

fn hostile_fields() -> Fields {
    let names = ["title", "content", "question", "answer", "url", "max_pages", "include_patterns", "every"];
    Fields::of(names.iter().map(|name| (*name, HOSTILE)))
}

fn documents(role: Role, way: Option<Way>, notice: Option<Notice>) -> String {
    let search = Some(HOSTILE.into());
    page(&DocumentsPage {
        chrome: chrome(role),
        table: table(role),
        collections: vec![collection()],
        wanted: Wanted { filter: Filter { search, ..Filter::default() }, ..Wanted::default() },
        typed: Typed { way, fields: hostile_fields() },
        crawl: Settings::sent(&hostile_fields()),
        max_bytes: 50 << 20,
        notice,
    })
}

#[test]
fn documents_tell_how_far_they_are() {
    let html = documents(Role::Member, Some(Way::Upload), bad("a.exe: this type is not read here."));
    assert!(html.contains("data-unfinished=\"2\""));
    assert!(html.contains("Page 3 of 12") && html.contains("<progress value=\"3\" max=\"12\""), "{html}");
    assert!(html.contains("It is encrypted. Save it without a password"));
    assert!(html.contains("Two pages hold pictures only."));
    assert!(html.contains("2.5 MB") && html.contains("up to 50 MB each"));
    assert!(html.contains("Page 2 of 3"));
    assert!(html.contains("href=\"?search=a%26b&#38;page=1\"") && html.contains("&#38;page=3\""), "{html}");
    assert!(html.contains("/documents/table?search=a%26b&#38;page=2\""), "the table keeps its filter");
    assert_eq!(html.matches("/reprocess\"").count(), 2, "what is being read cannot be read again");
    assert_eq!(html.matches("Yes, delete it").count(), 4);
    assert_eq!(html.matches("href=\"/console/ws_0123456789abcdefghjkmnpq/documents/doc_").count(), 4);
}

#[test]
fn each_form_that_adds_knowledge_tells_its_own_mistakes() {
    for (way, form) in [(Way::Text, "/documents/text"), (Way::Qa, "/documents/qa"), (Way::Crawl, "/crawls")] {
        let html = documents(Role::Member, Some(way), bad("That was wrong."));
        assert_eq!(html.matches("class=\"way\" open").count(), 1);
        let open = html.split("class=\"way\" open").nth(1).unwrap().split("</details>").next().unwrap();
        assert!(open.contains("That was wrong.") && open.contains(form), "{way:?}: {open}");
        assert!(open.contains("&#60;script&#62;"), "what was typed stays");
    }
    let top = documents(Role::Member, None, Some(Notice::good("Arrived.")));
    assert!(top.find("Arrived.") < top.find("<section class=\"card adding\""), "{top}");
    assert!(!top.contains("class=\"way\" open"));
}

#[test]
fn viewers_get_no_forms_but_the_way_out() {
    let html = documents(Role::Viewer, None, None);
    assert_eq!(html.matches("<form method=\"post\"").count(), 1);
    assert!(html.contains("action=\"/console/logout\""));
}

fn one_document(role: Role, document: Document, text: Option<Understood>) -> String {
    let versions = if text.is_some() { vec![version(1), version(2)] } else { Vec::new() };
    page(&DocumentPage {
        chrome: chrome(role),
        zone: zone(),
        row: Row(document),
        collections: vec![collection()],
        versions,
        text,
        asked: Some(2),
        title: HOSTILE,
        chosen: "col_0123456789abcdefghjkmnpq",
        notice: bad("It is being read already."),
    })
}

#[test]
fn a_document_shows_what_was_understood_of_it() {
    let mut ready = document("COMPLETED");
    (ready.version, ready.language, ready.processed_at) = (Some(2), Some("de".into()), Some(noon()));
    let text = || Some(Understood::of(content(450), Part { number: None, at: Some(30) }));
    let html = one_document(Role::Member, ready.clone(), text());
    assert!(html.contains("<p class=\"path\">Prices &#62; Norway</p>"), "{html}");
    assert!(html.contains("page 8, 2026, row 1") && html.contains("Preis: 2 €"));
    assert_eq!(html.matches("id=\"wanted\"").count(), 1);
    assert!(html.contains("Part 1 of 3") && html.contains("?version=2&amp;part=2#understood"));
    assert!(html.contains("Version 2 <span class=\"badge completed\">Answers</span>"));
    assert_eq!(html.matches(">Make this one answer again<").count(), 1);
    assert!(html.contains("data-unfinished=\"0\"") && html.contains("2 KB"));
    let viewer = one_document(Role::Viewer, ready, text());
    assert_eq!(viewer.matches("<form method=\"post\"").count(), 1, "the way out alone");
    assert!(viewer.contains("row 1") && !viewer.contains("Rename or move"));
}

#[test]
fn a_document_that_is_being_read_says_how_far() {
    let mut reading = document("PROCESSING");
    (reading.stage, reading.chunks_done, reading.chunks_total) = (Some("embedding".into()), 16, Some(40));
    reading.warnings = vec![HOSTILE.into()];
    let html = one_document(Role::Member, reading, None);
    assert!(html.contains("Chunk 16 of 40 made searchable") && html.contains("value=\"16\" max=\"40\""));
    assert!(html.contains("It has not been read yet.") && html.contains("data-unfinished=\"1\""));
    assert!(!html.contains("/reprocess\""), "it cannot be read again meanwhile");
}

#[test]
fn only_addresses_of_the_web_become_links() {
    let from = |url: &str| {
        let mut page = document("COMPLETED");
        (page.source_type, page.source_url) = ("URL".into(), Some(url.into()));
        page.retired_at = Some(noon());
        one_document(Role::Member, page, None)
    };
    let html = from("https://docs.example.com/a\"b");
    assert!(html.contains("href=\"https://docs.example.com/a&#34;b\" rel=\"noopener noreferrer\""), "{html}");
    assert!(html.contains("Not used") && !html.contains("/reprocess\""), "its source is gone");
    assert!(!from("javascript:alert(1)").contains("href=\"javascript"));
}

#[test]
fn collections_are_changed_in_their_place() {
    let collections = |role, place| {
        let typed = Fields::of([("name", "Typed"), ("description", HOSTILE)]);
        let notice = bad("Name is empty.");
        page(&CollectionsPage {
            chrome: chrome(role),
            zone: zone(),
            collections: vec![collection()],
            place,
            typed,
            notice,
        })
    };
    let html = collections(Role::Member, Place::Edit(id("col")));
    assert_eq!(
        (html.matches("<details name=\"deed\" open").count(), html.matches("Name is empty.").count()),
        (1, 1)
    );
    assert!(html.contains("name=\"name\" required maxlength=\"100\" value=\"Typed\""), "{html}");
    let html = collections(Role::Member, Place::Delete(id("col")));
    assert!(
        html.contains("class=\"confirm\" open") && html.contains("name=\"documents\" value=\"yes\" required")
    );
    assert!(!html.contains("Typed"), "what was typed belongs to another form");
    assert!(collections(Role::Member, Place::New).contains("placeholder=\"Help centre\" value=\"Typed\""));
    let viewer = collections(Role::Viewer, Place::Top);
    assert_eq!(viewer.matches("<form method=\"post\"").count(), 1);
    assert!(viewer.contains("1 document in &#60;script"), "{viewer}");
}

fn site(status: &str) -> Site {
    let (crawl, tally) = crawl(status);
    Site { crawl, tally }
}

#[test]
fn crawls_tell_how_they_go() {
    let crawls = |role, status: &str| {
        page(&CrawlsPage {
            chrome: chrome(role),
            zone: zone(),
            collections: vec![collection()],
            sites: paged(vec![site(status)]),
            notice: None,
        })
    };
    let html = crawls(Role::Member, "CRAWLING");
    assert!(html.contains("67 of 71 pages") && html.contains("data-unfinished=\"1\""), "{html}");
    assert!(html.contains("data-label=\"Documents\" class=\"number\">36<"));
    assert!(html.contains("/documents?add=crawl\""));
    let viewer = crawls(Role::Viewer, "COMPLETED");
    assert!(
        viewer.contains("Done") && !viewer.contains("?add=crawl") && viewer.contains("data-unfinished=\"0\"")
    );
}

#[test]
fn a_crawl_shows_what_could_not_be_read_and_why() {
    let one = |role, status: &str| {
        let failed = |http_status, note: Option<&str>| Failed {
            url: HOSTILE.into(),
            http_status,
            note: note.map(str::to_owned),
        };
        let site = site(status);
        page(&CrawlPage {
            chrome: chrome(role),
            zone: zone(),
            collections: vec![collection()],
            crawl: Settings::of(&site.crawl.plan),
            site,
            failed: vec![failed(Some(503), Some(HOSTILE)), failed(None, None)],
            notice: bad("Pages at most is a whole number."),
        })
    };
    let html = one(Role::Member, "CANCELLED");
    assert!(html.contains(">503<") && html.contains("It could not be read."));
    assert!(html.contains("<dt>Passed over</dt><dd>14</dd>") && html.contains("more pages than the 50"));
    assert!(html.contains("\n/docs/*</textarea>") && html.contains("value=\"week\" selected"), "{html}");
    assert!(html.contains("/run\"") && !html.contains("/cancel\""));
    let active = one(Role::Member, "QUEUED");
    assert!(active.contains("/cancel\"") && !active.contains("/run\"") && active.contains("Waiting"));
    let viewer = one(Role::Viewer, "CANCELLED");
    assert!(viewer.contains("<fieldset disabled>") && !viewer.contains("Save the settings"));
    assert!(!viewer.contains("/run\"") && !viewer.contains("/delete\""));
}

#[test]
fn found_passages_say_why_they_were_found() {
    let search = |found: Option<Passages>| {
        let other = platform::knowledge::Collection {
            id: "col_1123456789abcdefghjkmnpq".parse().unwrap(),
            ..collection()
        };
        page(&SearchPage {
            chrome: chrome(Role::Viewer),
            query: HOSTILE,
            collections: vec![collection(), other],
            chosen: vec![id("col")],
            found,
            notice: None,
        })
    };
    let html = search(Some(Passages { items: vec![passage(Some(0.734))], by_meaning: true }));
    assert!(html.contains("value=\"0.876\" aria-label=\"Score\"") && html.contains("0.88"), "{html}");
    assert!(html.contains("aria-label=\"Meaning\"") && html.contains("0.73 <span class=\"faint\">adds 0.61"));
    assert!(html.contains("0.50 <span class=\"faint\">adds 0.33"), "{html}");
    assert!(html.contains("?version=2&amp;at=42#wanted") && html.contains("· page 7 · row 3"));
    assert_eq!(html.matches(" checked>").count(), 1);
    assert!(!html.contains("words alone decide"));
    let html = search(Some(Passages { items: vec![passage(None)], by_meaning: false }));
    assert!(html.contains("words alone decide") && !html.contains("aria-label=\"Meaning\""));
    assert!(search(Some(Passages { items: Vec::new(), by_meaning: true })).contains("Nothing was found"));
    assert!(!search(None).contains("Nothing was found"));
}
