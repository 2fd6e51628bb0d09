//! What the agents know: the list of documents, and how far each has been read. The forms that add to it are next
//! door, in `adding`.

use askama::Template;
use axum::extract::State;
use http::StatusCode;
use platform::{
    App, Page,
    knowledge::{self, Collection, Document, DocumentStatus, Filter, MAX_PASTED},
};
use url::form_urlencoded;

use crate::{
    adding::{Added, Typed, Way},
    crawls::Settings,
    form::{Asked, Fields},
    page::{Area, Chrome, Notice, Result, Zone, done, page_number, render},
    session::Member,
};

/// Rows of the table.
const ROWS: i64 = 50;
/// Characters of a search that are looked at.
const MAX_SEARCH: usize = 200;

/// A document, as the pages tell of it.
pub(crate) struct Row(pub Document);

impl Row {
    /// The ending of the file's name, which people know a type by; else where the text comes from.
    pub fn kind(&self) -> String {
        match self.0.source_type.as_str() {
            "TEXT" => return "Text".into(),
            "QA" => return "Q&A".into(),
            "URL" => return "Web page".into(),
            _ => {}
        }
        let ending = self.0.file_name.rsplit_once('.').map(|(_, ending)| ending.to_uppercase());
        ending.filter(|ending| ending.chars().count() <= 5).unwrap_or_else(|| "File".into())
    }

    /// Its size as people read it.
    pub fn size(&self) -> String {
        size(self.0.size_bytes)
    }

    fn is(&self, status: DocumentStatus) -> bool {
        self.0.status == status.as_str()
    }

    /// Whether it is being read.
    pub fn is_processing(&self) -> bool {
        self.is(DocumentStatus::Processing)
    }

    /// Whether it could not be read.
    pub fn has_failed(&self) -> bool {
        self.is(DocumentStatus::Failed)
    }

    /// Whether it waits or is being read.
    pub fn unfinished(&self) -> bool {
        self.is(DocumentStatus::Queued) || self.is_processing()
    }

    /// How far it is, in a word.
    pub fn status(&self) -> &'static str {
        if self.0.retired_at.is_some() {
            "Not used"
        } else if self.is(DocumentStatus::Completed) {
            "Ready"
        } else if self.has_failed() {
            "Failed"
        } else if self.is_processing() {
            "Reading"
        } else {
            "Waiting"
        }
    }

    /// The name of its badge.
    pub fn badge(&self) -> String {
        if self.0.retired_at.is_some() { "retired".into() } else { self.0.status.to_lowercase() }
    }

    /// What the reading is at.
    pub fn progress(&self) -> String {
        match (self.0.stage.as_deref(), self.0.pages_total) {
            (Some("embedding"), _) => match self.0.chunks_total {
                Some(total) => format!("Chunk {} of {total} made searchable", self.0.chunks_done),
                None => "Making it searchable".into(),
            },
            (_, Some(total)) => format!("Page {} of {total}", self.0.pages_done),
            (_, None) if self.0.pages_done > 0 => format!("Page {}", self.0.pages_done),
            _ => "Reading the text".into(),
        }
    }

    /// Steps that are done of those that the present stage has, once they are known.
    pub fn steps(&self) -> Option<(i64, i64)> {
        let (done, total) = match self.0.stage.as_deref() {
            Some("embedding") => (self.0.chunks_done, self.0.chunks_total),
            _ => (self.0.pages_done, self.0.pages_total),
        };
        total.map(|total| (done, total))
    }

    /// Why it failed, and what to do.
    pub fn error(&self) -> &str {
        let unknown = "It could not be read. Read it again, or upload it in another format.";
        self.0.error_message.as_deref().unwrap_or(unknown)
    }
}

/// Bytes as people read them.
pub(crate) fn size(bytes: i64) -> String {
    match bytes {
        ..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KB", bytes / 1_024),
        _ => format!("{:.1} MB", bytes as f64 / 1_048_576.0),
    }
}

/// Which documents are asked for, as the address says it. What is malformed there counts as left out.
#[derive(Default)]
pub(crate) struct Wanted {
    pub filter: Filter,
    pub page: i64,
}

impl Wanted {
    fn of(query: &Fields) -> Self {
        let search: String = query.get("search").trim().chars().take(MAX_SEARCH).collect();
        let filter = Filter {
            collection: query.get("collection").parse().ok(),
            status: query.get("status").parse().ok(),
            search: Some(search).filter(|text| !text.is_empty()),
        };
        Self { filter, page: page_number(query) }
    }

    /// The filter as it stands in an address, with an & at its end.
    fn query(&self) -> String {
        let Filter { collection, status, search } = &self.filter;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(collection.iter().map(|id| ("collection", id.as_str())));
        query.extend_pairs(status.iter().map(|status| ("status", status.as_str())));
        query.extend_pairs(search.iter().map(|text| ("search", text.as_str())));
        let query = query.finish();
        if query.is_empty() { query } else { query + "&" }
    }
}

/// The table alone, which the script fetches while documents are being read.
#[derive(Template)]
#[template(path = "documents_table.html")]
pub(crate) struct Table {
    pub chrome: Chrome,
    pub zone: Zone,
    pub collections: Vec<Collection>,
    pub rows: Vec<Row>,
    pub total: i64,
    pub page: i64,
    /// The rest of the address of a page of the list, with an & at its end.
    pub filter: String,
}

impl Table {
    fn unfinished(&self) -> usize {
        self.rows.iter().filter(|row| row.unfinished()).count()
    }

    fn pages(&self) -> i64 {
        (self.total + ROWS - 1) / ROWS
    }

    fn collection(&self, row: &Row) -> &str {
        name_of(&self.collections, row.0.collection_id.as_str())
    }
}

/// What a collection is called.
pub(crate) fn name_of<'a>(collections: &'a [Collection], id: &str) -> &'a str {
    collections.iter().find(|collection| collection.id.as_str() == id).map_or("", |found| &found.name)
}

#[derive(Template)]
#[template(path = "documents.html")]
pub(crate) struct DocumentsPage {
    pub chrome: Chrome,
    pub table: Table,
    pub collections: Vec<Collection>,
    pub wanted: Wanted,
    pub typed: Typed,
    pub crawl: Settings,
    pub max_bytes: u64,
    pub notice: Option<Notice>,
}

impl DocumentsPage {
    /// Whether the notice is about one of the forms and stands there.
    fn tells_in(&self, way: Way) -> bool {
        self.typed.way == Some(way) && self.notice.as_ref().is_some_and(|notice| notice.bad)
    }

    fn tells_above(&self) -> bool {
        self.typed.way.is_none_or(|way| !self.tells_in(way))
    }

    fn is_open(&self, way: Way) -> bool {
        self.typed.way == Some(way)
    }

    /// Whether a form has this collection chosen: what was chosen before, else what the list shows.
    fn has_chosen(&self, id: &str) -> bool {
        match self.typed.fields.get("collection") {
            "" => self.shows(id),
            chosen => chosen == id,
        }
    }

    fn shows(&self, id: &str) -> bool {
        self.wanted.filter.collection.as_ref().is_some_and(|shown| shown.as_str() == id)
    }

    fn shows_status(&self, status: DocumentStatus) -> bool {
        self.wanted.filter.status == Some(status)
    }
}

async fn read_table(app: &App, member: &Member, wanted: &Wanted) -> platform::Result<Table> {
    let page = wanted.page.max(1);
    let range = Page { limit: ROWS, offset: (page - 1) * ROWS };
    let list = knowledge::list(app, &member.tenant, wanted.filter.clone(), range).await?;
    Ok(Table {
        chrome: member.chrome(Area::Documents),
        zone: Zone::of(app, &member.tenant).await?,
        collections: knowledge::list_collections(app, &member.tenant).await?,
        rows: list.items.into_iter().map(Row).collect(),
        total: list.total,
        page,
        filter: wanted.query(),
    })
}

/// What a rendering of the page shows besides the documents.
#[derive(Default)]
pub(crate) struct Shown {
    pub wanted: Wanted,
    pub typed: Typed,
    pub notice: Option<Notice>,
}

/// The page.
///
/// # Errors
/// What the database says.
pub(crate) async fn show(app: &App, member: &Member, status: StatusCode, shown: Shown) -> Result {
    let table = read_table(app, member, &shown.wanted).await?;
    let crawl = match shown.typed.way {
        Some(Way::Crawl) if shown.notice.is_some() => Settings::sent(&shown.typed.fields),
        _ => Settings::usual(app),
    };
    let page = DocumentsPage {
        chrome: member.chrome(Area::Documents),
        collections: table.collections.clone(),
        table,
        wanted: shown.wanted,
        typed: shown.typed,
        crawl,
        max_bytes: app.config.max_upload_bytes,
        notice: shown.notice,
    };
    render(status, &page)
}

/// `GET …/documents`
pub async fn page(State(app): State<App>, member: Member, Asked(query): Asked) -> Result {
    let notice = done(query.get("done")).or_else(|| Added::read(&query).notice());
    let typed = Typed { way: Way::named(query.get("add")), fields: Fields::default() };
    show(&app, &member, StatusCode::OK, Shown { wanted: Wanted::of(&query), typed, notice }).await
}

/// `GET …/documents/table`
pub async fn table(State(app): State<App>, member: Member, Asked(query): Asked) -> Result {
    render(StatusCode::OK, &read_table(&app, &member, &Wanted::of(&query)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_round() {
        assert_eq!(
            [0, 1_023, 1_024, 1_048_575, 1_048_576, 2_621_440].map(size),
            ["0 B", "1023 B", "1 KB", "1023 KB", "1.0 MB", "2.5 MB"]
        );
    }
}
