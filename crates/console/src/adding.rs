//! The forms that add knowledge: files, pasted texts, questions with their answers. That of a website is a crawl's.

use axum::{
    extract::{
        Multipart, State,
        multipart::{Field, MultipartError, MultipartRejection},
    },
    response::{IntoResponse, Redirect},
};
use futures_util::StreamExt;
use http::HeaderMap;
use platform::{
    App, CollectionId, Error, Permission,
    knowledge::{self, Change, Document, MAX_PASTED, Markup, NewDocument, Source},
};
use web::{line, text};

use crate::{
    csrf,
    documents::{Shown, show},
    form::{Fields, Form},
    page::{Notice, Result, mistake},
    session::{Member, SESSION, cookie},
};

/// Files of one upload.
const MAX_FILES: usize = 20;
/// Bytes of a field that is not a file.
const SMALL: usize = 4 * 1024;
/// Longest title, in characters.
pub const MAX_TITLE: usize = 300;
/// Longest question of a pair, in characters.
const MAX_QUESTION: usize = 1_000;
/// Longest answer of a pair, in characters.
const MAX_ANSWER: usize = 20_000;
/// Bytes of a form with the longest text: a character has up to four bytes, and each is written as `%XX`.
pub const MAX_TEXT_BODY: usize = MAX_PASTED * 4 * 3 + 64 * 1024;

/// The forms, each with its own errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Files.
    Upload,
    /// A pasted text.
    Text,
    /// A question and its answer.
    Qa,
    /// A website.
    Crawl,
}

impl Way {
    /// The one that an address asks to have open.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "text" => Some(Self::Text),
            "qa" => Some(Self::Qa),
            "crawl" => Some(Self::Crawl),
            _ => None,
        }
    }
}

/// The form that is open, and what was typed into it.
#[derive(Default)]
pub(crate) struct Typed {
    pub way: Option<Way>,
    pub fields: Fields,
}

/// What came of that which was added, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Added {
    created: u32,
    updated: u32,
    unchanged: u32,
}

impl Added {
    fn count(&mut self, change: Change) {
        match change {
            Change::Created => self.created += 1,
            Change::Updated => self.updated += 1,
            Change::Unchanged => self.unchanged += 1,
        }
    }

    /// As an address tells it.
    pub fn read(query: &Fields) -> Self {
        let number = |name| query.get(name).parse().unwrap_or(0);
        Self { created: number("created"), updated: number("updated"), unchanged: number("unchanged") }
    }

    fn query(self) -> String {
        let numbers = [("created", self.created), ("updated", self.updated), ("unchanged", self.unchanged)];
        let named = numbers.iter().filter(|(_, number)| *number > 0);
        named.map(|(name, number)| format!("{name}={number}")).collect::<Vec<_>>().join("&")
    }

    /// The numbers in words.
    fn sentences(self) -> Vec<String> {
        let said = |number, one: &str, many: &str| match number {
            0 => None,
            1 => Some(one.to_owned()),
            number => Some(format!("{number} {many}")),
        };
        let sentences = [
            said(
                self.created,
                "One document has arrived and is being read.",
                "documents have arrived and are being read.",
            ),
            said(
                self.updated,
                "One document is there already and gets a new version; the former one answers until it is read.",
                "documents are there already and get new versions; the former ones answer until they are read.",
            ),
            said(
                self.unchanged,
                "One document is there already with exactly this content: nothing was changed.",
                "documents are there already with exactly this content: nothing was changed.",
            ),
        ];
        sentences.into_iter().flatten().collect()
    }

    /// The numbers as good news, if there are any.
    pub fn notice(self) -> Option<Notice> {
        let sentences = self.sentences();
        if sentences.is_empty() { None } else { Some(Notice::good(&sentences.join(" "))) }
    }
}

fn told(member: &Member, added: Added) -> Result {
    let target = format!("/console/{}/documents?{}", member.tenant.id(), added.query());
    Ok(Redirect::to(&target).into_response())
}

/// The page of documents with what went wrong in one of these forms.
pub(crate) async fn show_mistake(app: &App, member: &Member, error: Error, typed: Typed) -> Result {
    let (status, notice) = mistake(error)?;
    show(app, member, status, Shown { typed, notice: Some(notice), ..Shown::default() }).await
}

/// `POST …/documents`
pub async fn upload(
    State(app): State<App>,
    member: Member,
    headers: HeaderMap,
    form: std::result::Result<Multipart, MultipartRejection>,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    let form = form.map_err(|_| Error::unsupported_media("Send the files with the form of this page."))?;
    let mut added = Added::default();
    match receive(&app, &member, cookie(&headers, SESSION), form, &mut added).await {
        Ok(()) => told(&member, added),
        Err(error) => {
            let (status, mut notice) = mistake(error)?;
            for sentence in added.sentences() {
                notice.text = format!("{} {sentence}", notice.text);
            }
            let typed = Typed { way: Some(Way::Upload), ..Typed::default() };
            show(&app, &member, status, Shown { typed, notice: Some(notice), ..Shown::default() }).await
        }
    }
}

/// Takes the files in as they arrive. The form's token and collection stand before them.
async fn receive(
    app: &App,
    member: &Member,
    cookie: Option<&str>,
    mut form: Multipart,
    added: &mut Added,
) -> platform::Result<()> {
    let (mut token, mut collection, mut files) = (String::new(), String::new(), 0);
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default() {
            csrf::FIELD => token = small(field).await?,
            "collection" => collection = small(field).await?,
            "file" if field.file_name().is_some_and(|name| !name.is_empty()) => {
                csrf::check(cookie, &token)?;
                files += 1;
                if files > MAX_FILES {
                    let message = format!("One upload takes at most {MAX_FILES} files.");
                    return Err(Error::unprocessable(message));
                }
                let collection = chosen(&collection)?;
                let name = field.file_name().unwrap_or_default().to_owned();
                let bytes = futures_util::stream::poll_fn(|cx| field.poll_next_unpin(cx));
                let upload = knowledge::receive(app, &member.tenant, &name, bytes)
                    .await
                    .map_err(|error| named(error, &name))?;
                let form = NewDocument { collection, title: None, source: Source::File };
                added.count(knowledge::accept(app, &member.tenant, &member.by, upload, form).await?.1);
            }
            _ => {}
        }
    }
    if files == 0 { Err(Error::invalid("file", "Choose at least one file.")) } else { Ok(()) }
}

/// The collection that something is to go to.
pub(crate) fn chosen(id: &str) -> platform::Result<CollectionId> {
    id.parse().map_err(|_| Error::invalid("collection", "Choose a collection."))
}

/// Of several files it must be clear which one was refused.
fn named(error: Error, file: &str) -> Error {
    if error.cause.is_some() {
        return error;
    }
    let name: String = file.chars().filter(|c| !c.is_control()).take(80).collect();
    Error { message: format!("{name}: {}", error.message).into(), ..error }
}

/// A field that is not a file; the form as a whole has no limit, so this has.
async fn small(mut field: Field<'_>) -> platform::Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > SMALL {
            return Err(Error::too_large("A field of the form is too long."));
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::bad_request("A field of the form is not text."))
}

fn broken(_: MultipartError) -> Error {
    Error::bad_request("The upload broke off. Please send the files again.")
}

/// `POST …/documents/text`
pub async fn paste_text(State(app): State<App>, member: Member, Form(fields): Form) -> Result {
    member.require(Permission::EditKnowledge)?;
    let pasted = keep_text(&app, &member, &fields).await;
    pasted_or(&app, &member, pasted, Typed { way: Some(Way::Text), fields }).await
}

async fn keep_text(app: &App, member: &Member, fields: &Fields) -> platform::Result<(Document, Change)> {
    let title = line("title", fields.get("title"), MAX_TITLE)?;
    let content = text("content", fields.get("content"), MAX_PASTED)?;
    let markup: Markup = fields.get("content_type").parse()?;
    let collection = chosen(fields.get("collection"))?;
    knowledge::paste_text(app, &member.tenant, &member.by, (title, content, markup), collection).await
}

/// `POST …/documents/qa`
pub async fn paste_answer(State(app): State<App>, member: Member, Form(fields): Form) -> Result {
    member.require(Permission::EditKnowledge)?;
    let pasted = keep_answer(&app, &member, &fields).await;
    pasted_or(&app, &member, pasted, Typed { way: Some(Way::Qa), fields }).await
}

async fn keep_answer(app: &App, member: &Member, fields: &Fields) -> platform::Result<(Document, Change)> {
    let question = line("question", fields.get("question"), MAX_QUESTION)?;
    let answer = text("answer", fields.get("answer"), MAX_ANSWER)?;
    let collection = chosen(fields.get("collection"))?;
    knowledge::paste_answer(app, &member.tenant, &member.by, (question, answer), collection).await
}

async fn pasted_or(
    app: &App,
    member: &Member,
    pasted: platform::Result<(Document, Change)>,
    typed: Typed,
) -> Result {
    match pasted {
        Ok((_, change)) => {
            let mut added = Added::default();
            added.count(change);
            told(member, added)
        }
        Err(error) => show_mistake(app, member, error, typed).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_told_in_words_and_in_an_address() {
        let mut added = Added::default();
        assert!(added.notice().is_none() && added.query().is_empty());
        for change in [Change::Created, Change::Updated, Change::Created, Change::Unchanged] {
            added.count(change);
        }
        assert_eq!(added.query(), "created=2&updated=1&unchanged=1");
        let text = added.notice().unwrap().text;
        assert!(text.starts_with("2 documents have arrived"), "{text}");
        assert!(text.contains("One document is there already and gets a new version"), "{text}");
        assert!(text.ends_with("nothing was changed."), "{text}");
    }
}
