//! Sample data for the pages, with a name in it that tries to be more than a name.

use chrono::{DateTime, Utc};
use platform::{
    Page, Paged, Role,
    agents::{Agent, AgentType, Settings, Status},
    answering::Source,
    knowledge::{
        Collection, Content, Document, Section, SectionKind, Version,
        crawl::{Crawl, Every, Plan, Tally},
    },
    workspaces::Listed,
};

use crate::{
    page::{Area, Chrome, Zone},
    search::{Passage, Side},
};

/// A name that must never reach a page as it is.
pub const HOSTILE: &str = "<script>alert('x')</script>\" onfocus=\"y";

pub fn id<T: std::str::FromStr<Err = platform::Error>>(prefix: &str) -> T {
    format!("{prefix}_0123456789abcdefghjkmnpq").parse().unwrap()
}

pub fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

pub fn zone() -> Zone {
    Zone(chrono_tz::Europe::Oslo)
}

pub fn chrome(role: Role) -> Chrome {
    let other = Listed {
        id: id("ws"),
        name: HOSTILE.into(),
        slug: "other".into(),
        role: "OWNER".into(),
        agent_count: 0,
        document_count: 0,
    };
    Chrome {
        area: Area::Documents,
        workspace: id("ws"),
        name: HOSTILE.into(),
        others: vec![other],
        person: HOSTILE.into(),
        role,
        csrf: "the-token".into(),
    }
}

pub fn paged<T>(items: Vec<T>) -> Paged<T> {
    Paged { total: items.len() as i64, items, page: Page { limit: 10, offset: 0 } }
}

pub fn agent() -> Agent {
    let mut settings = Settings::default();
    settings.greeting.suggested_questions = vec![HOSTILE.into(), "Do you ship to Norway?".into()];
    settings.collection_ids = vec![id("col")];
    Agent {
        id: id("agent"),
        name: HOSTILE.into(),
        description: None,
        agent_type: AgentType::Support,
        status: Status::Published,
        settings,
        published_version: Some(3),
        published_at: Some(noon()),
        created_at: noon(),
        updated_at: noon() + chrono::TimeDelta::hours(1),
    }
}

pub fn collection() -> Collection {
    Collection {
        id: id("col"),
        name: HOSTILE.into(),
        description: None,
        document_count: 1,
        created_at: noon(),
    }
}

pub fn document(status: &str) -> Document {
    Document {
        id: id("doc"),
        collection_id: id("col"),
        title: HOSTILE.into(),
        source_type: "FILE".into(),
        source_url: None,
        original: "doc_0123456789abcdefghjkmnpq".into(),
        file_name: "prices.pdf".into(),
        size_bytes: 2_621_440,
        content_hash: String::new(),
        media_type: Some("application/pdf".into()),
        status: status.into(),
        error_code: None,
        error_message: None,
        warnings: Vec::new(),
        stage: None,
        pages_done: 0,
        pages_total: None,
        chunks_done: 0,
        chunks_total: None,
        retired_at: None,
        language: None,
        version: None,
        chunk_count: 0,
        token_count: 0,
        created_at: noon(),
        updated_at: noon(),
        processed_at: None,
    }
}

pub fn source(citation: usize) -> Source {
    Source {
        citation,
        document_id: id("doc"),
        version: 1,
        title: HOSTILE.into(),
        chunk_preview: String::new(),
        relevance_score: 0.9,
        url: None,
        page: Some(7),
        heading: None,
        row: None,
        quote: "We ship <b>everywhere</b>.".into(),
        start: 0,
        end: 24,
    }
}

pub fn version(number: i64) -> Version {
    Version {
        version: number,
        original: String::new(),
        original_hash: String::new(),
        file_name: HOSTILE.into(),
        size_bytes: 2_048,
        media_type: None,
        created_at: noon(),
    }
}

/// A text of so many blocks: a heading, a paragraph, and then rows of a table on the next page.
pub fn content(blocks: usize) -> Content {
    let (mut text, mut sections) = (String::new(), Vec::new());
    for index in 0..blocks {
        let (kind, words, row) = match index {
            0 => (SectionKind::Heading { level: 1 }, "Prices".to_owned(), None),
            1 => (SectionKind::Paragraph, format!("Für Norwegen. {HOSTILE}"), None),
            _ => (SectionKind::TableRow, format!("Preis: {index} €"), Some(index as u32 - 1)),
        };
        let start = text.len();
        text += &words;
        sections.push(Section {
            start,
            end: text.len(),
            kind,
            heading: Some(if index == 0 { "Prices" } else { "Prices > Norway" }.into()),
            page: Some(if index < 2 { 7 } else { 8 }),
            row,
            sheet: (index > 1).then(|| "2026".into()),
        });
        text += "\n\n";
    }
    Content {
        version: 2,
        text,
        sections,
        warnings: vec![HOSTILE.into()],
        media_type: None,
        language: Some("de".into()),
        pages: None,
        created_at: noon(),
    }
}

pub fn passage(meaning: Option<f32>) -> Passage {
    let meaning = meaning.map(|likeness| Side { name: "Meaning", likeness, added: 0.61 });
    Passage {
        document: id("doc"),
        version: 2,
        title: HOSTILE.into(),
        place: format!("{HOSTILE} · page 7 · row 3"),
        start: 42,
        content: HOSTILE.into(),
        score: 0.876,
        sides: meaning.into_iter().chain([Side { name: "Words", likeness: 0.5, added: 0.33 }]).collect(),
    }
}

pub fn crawl(status: &str) -> (Crawl, Tally) {
    let crawl = Crawl {
        id: id("crawl"),
        collection_id: id("col"),
        url: format!("https://docs.example.com/{HOSTILE}"),
        site: "docs.example.com".into(),
        plan: Plan {
            max_pages: 50,
            max_depth: 5,
            include: vec![HOSTILE.into(), "/docs/*".into()],
            exclude: vec![HOSTILE.into()],
            every: Some(Every::Week),
        },
        status: status.into(),
        run: 3,
        cut_short: true,
        retired: 1,
        error: Some(HOSTILE.into()),
        created_by: String::new(),
        created_at: noon(),
        updated_at: noon(),
        started_at: Some(noon()),
        finished_at: Some(noon()),
        next_run_at: Some(noon()),
    };
    let tally =
        Tally { queued: 4, created: 11, updated: 12, unchanged: 13, skipped: 14, gone: 15, failed: 2 };
    (crawl, tally)
}
