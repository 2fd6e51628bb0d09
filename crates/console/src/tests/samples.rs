//! Sample data for the pages, with a name in it that tries to be more than a name.

use chrono::{DateTime, Utc};
use platform::{
    Page, Paged, Role,
    agents::{Agent, AgentType, Settings, Status},
    answering::Source,
    knowledge::{Collection, Document},
    workspaces::Listed,
};

use crate::page::{Area, Chrome, Zone};

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
