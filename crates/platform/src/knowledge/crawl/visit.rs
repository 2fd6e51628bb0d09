//! One visit to a site: a page is fetched, stored and read in a process of its own. Nothing is decided here.

use std::time::Duration;

use ::documents::{ExtractError, Extracted, SectionKind};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use reqwest::{
    StatusCode,
    header::{
        ACCEPT, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
        LAST_MODIFIED, RETRY_AFTER,
    },
};
use url::Url;

use super::{
    address,
    robots::Robots,
    sitemap::{self, Sitemap},
    store::Item,
};
use crate::{
    App, Error, Kind, Result, Tenant, files,
    http::{FetchError, Incoming, Outgoing},
    knowledge::uploads::{self, Upload},
};

/// How long a page may take, redirects included.
const TIME: Duration = Duration::from_secs(45);
/// Size of a web page; files beside the pages may be as large as uploads.
const MAX_PAGE: u64 = 10 * 1024 * 1024;
/// The longest wait that a site may ask for before another try.
const MAX_WAIT: u64 = 600;
/// Characters of a header that is kept.
const MAX_HEADER: usize = 300;
/// Characters of a title.
const MAX_TITLE: usize = 300;

const WANTED: &str = "text/html, application/xhtml+xml, application/pdf;q=0.9, */*;q=0.5";
/// Types of content that hold no text.
const NO_TEXT: [&str; 7] =
    ["image/", "video/", "audio/", "font/", "text/css", "text/javascript", "application/javascript"];

/// A site as a run sees it.
#[derive(Clone)]
pub(super) struct Site {
    /// An address on it; its scheme and host are those of all pages.
    pub origin: Url,
    /// What it asks for.
    pub robots: Robots,
}

impl Site {
    /// An address on the site in the one way of writing; none for another site's.
    pub fn own(&self, url: &Url) -> Option<Url> {
        address::on_site(url.clone(), &self.origin)
    }
}

/// What came of a visit.
pub(super) struct Visit {
    /// Where it ended, after redirects; its scheme and host are those that answered.
    pub url: Url,
    /// What the page answered, if it did.
    pub http_status: Option<u16>,
    /// By which the next visit asks whether anything has changed.
    pub etag: Option<String>,
    /// As [`Visit::etag`].
    pub last_modified: Option<String>,
    /// What it was.
    pub outcome: Outcome,
}

/// What a visit found.
pub(super) enum Outcome {
    /// A page or file with its text.
    Read(Box<Read>),
    /// A list of pages.
    Sitemap(Sitemap),
    /// The page is as it was.
    NotModified,
    /// The page is no more.
    Gone,
    /// There is nothing to read, and why.
    Nothing(String),
    /// It cannot be read, and why.
    Failed(String),
    /// It could not be read now, and why, and how long the site asks to wait.
    Later(String, Option<Duration>),
}

/// A page that was read.
pub(super) struct Read {
    /// Its bytes.
    pub upload: Upload,
    /// Its text.
    pub extracted: Extracted,
    /// It asks not to be found.
    pub noindex: bool,
    /// It asks that its links be left alone.
    pub nofollow: bool,
}

impl Read {
    /// What to call the page: its title, its first heading, its path.
    pub fn title(&self, url: &str) -> String {
        let heading = self.extracted.sections.iter().find(|s| matches!(s.kind, SectionKind::Heading { .. }));
        let heading = heading.and_then(|section| self.extracted.text.get(section.start..section.end));
        let given =
            self.extracted.title.as_deref().or(heading).map(str::trim).filter(|title| !title.is_empty());
        let path = || {
            url.parse().map_or_else(|_| url.to_owned(), |url: Url| address::readable(url.path()).into_owned())
        };
        given.map_or_else(path, str::to_owned).chars().take(MAX_TITLE).collect()
    }
}

/// Visits a page.
///
/// # Errors
/// When something of ours fails; what is wrong with the page is an [`Outcome`].
pub(super) async fn page(app: &App, tenant: &Tenant, site: &Site, item: &Item) -> Result<Visit> {
    let url: Url = item.url.parse().map_err(Error::internal)?;
    let nowhere =
        |url: Url, outcome| Visit { url, http_status: None, etag: None, last_modified: None, outcome };
    if !site.robots.allows(&url) {
        return Ok(nowhere(url, Outcome::Nothing("The site's robots.txt asks not to fetch it.".into())));
    }
    let request = Outgoing::get(url.clone(), question(item), TIME);
    let follow = |next: &Url| site.own(next).is_some_and(|own| site.robots.allows(&own));
    let answer = match app.outbound.send(request, follow).await {
        Ok(answer) => answer,
        Err(error) => return Ok(nowhere(url, refused(&error))),
    };
    let kept = |name| text_header(&answer.headers, name).filter(|value| value.len() <= MAX_HEADER);
    let mut visit = Visit {
        url: address::normalise(answer.url.clone()).unwrap_or(url),
        http_status: Some(answer.status.as_u16()),
        etag: kept(ETAG),
        last_modified: kept(LAST_MODIFIED),
        outcome: Outcome::NotModified,
    };
    visit.outcome = match answer.status {
        StatusCode::NOT_MODIFIED => Outcome::NotModified,
        status if status.is_success() => read(app, tenant, answer).await?,
        status => bad_status(status, &answer.headers, app.clock.now()),
    };
    Ok(visit)
}

/// Visits a sitemap.
pub(super) async fn sitemap(app: &App, site: &Site, item: &Item) -> Result<Visit> {
    let url: Url = item.url.parse().map_err(Error::internal)?;
    let request = Outgoing::get(url.clone(), HeaderMap::new(), TIME);
    let (http_status, outcome) = match app.outbound.send(request, |next| site.own(next).is_some()).await {
        Err(error) => (None, refused(&error)),
        Ok(answer) if answer.status.is_success() => {
            let status = answer.status.as_u16();
            let body = match answer.into_body(sitemap::MAX_BYTES) {
                Ok(body) => body.into_start().await,
                Err(error) => Err(error),
            };
            let outcome = match body {
                Ok(bytes) => tokio::task::spawn_blocking(move || Outcome::Sitemap(sitemap::read(&bytes)))
                    .await
                    .map_err(Error::internal)?,
                Err(error) => refused(&error),
            };
            (Some(status), outcome)
        }
        Ok(answer) if answer.status.is_client_error() && answer.status != StatusCode::TOO_MANY_REQUESTS => {
            (Some(answer.status.as_u16()), Outcome::Nothing("There is no such sitemap.".into()))
        }
        Ok(answer) => {
            let outcome = bad_status(answer.status, &answer.headers, app.clock.now());
            (Some(answer.status.as_u16()), outcome)
        }
    };
    Ok(Visit { url, http_status, etag: None, last_modified: None, outcome })
}

/// The headers of a question for a page: whether it has changed, when its text is known and answers.
fn question(item: &Item) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(WANTED));
    if item.sound && item.text_hash.is_some() {
        let known = [(IF_NONE_MATCH, &item.etag), (IF_MODIFIED_SINCE, &item.last_modified)];
        for (name, value) in known {
            if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
    }
    headers
}

fn refused(error: &FetchError) -> Outcome {
    match error {
        FetchError::Elsewhere(to) => {
            Outcome::Nothing(format!("It redirects to {to}, which is not to be fetched."))
        }
        error if error.is_temporary() => Outcome::Later(error.to_string(), None),
        error => Outcome::Failed(error.to_string()),
    }
}

fn bad_status(status: StatusCode, headers: &HeaderMap, now: DateTime<Utc>) -> Outcome {
    let told = format!("It answers {}.", status.as_u16());
    match status.as_u16() {
        404 | 410 => Outcome::Gone,
        408 | 425 | 429 | 500..=599 => Outcome::Later(told, retry_after(headers, now)),
        _ => Outcome::Failed(told),
    }
}

/// How long a site asks to wait: in seconds, or until a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let value = text_header(headers, RETRY_AFTER)?;
    let seconds = match value.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let until = DateTime::parse_from_rfc2822(&value).ok()?;
            u64::try_from((until.to_utc() - now).num_seconds()).unwrap_or_default()
        }
    };
    Some(Duration::from_secs(seconds.min(MAX_WAIT)))
}

fn text_header(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(|value| value.trim().to_owned())
}

/// Stores a body and reads it.
async fn read(app: &App, tenant: &Tenant, answer: Incoming) -> Result<Outcome> {
    let media = text_header(&answer.headers, CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    if let Some(kind) = NO_TEXT.iter().find(|kind| media.starts_with(**kind)) {
        return Ok(Outcome::Nothing(format!("It has no text: {}.", kind.trim_end_matches('/'))));
    }
    let (noindex, nofollow) = robots_tag(&answer.headers);
    let page = media.is_empty() || media.contains("html");
    let most = app.config.max_upload_bytes;
    let file_name = file_name(&answer.url, &media);
    let body = match answer.into_body(if page { most.min(MAX_PAGE) } else { most }) {
        Ok(body) => body,
        Err(error) => return Ok(refused(&error)),
    };
    let mut broken = None;
    let body = body.into_stream().inspect_err(|error| broken = Some(error.clone()));
    let received = uploads::receive(app, tenant, &file_name, body).await;
    let upload = match (received, broken) {
        (Ok(upload), _) => upload,
        (Err(_), Some(error)) => return Ok(refused(&error)),
        (Err(error), None) => return unreadable(error),
    };
    match files::read(app, tenant, (upload.original(), &file_name), |_| {}).await {
        Ok(extracted) => {
            let web = extracted.web.as_ref();
            let noindex = noindex || web.is_some_and(|web| web.noindex);
            let nofollow = nofollow || web.is_some_and(|web| web.nofollow);
            Ok(Outcome::Read(Box::new(Read { upload, extracted, noindex, nofollow })))
        }
        Err(error) => {
            uploads::discard(app, tenant, upload).await?;
            match error {
                ExtractError::Io(_) => Err(Error::internal(error)),
                ExtractError::Empty | ExtractError::Unsupported { .. } => {
                    Ok(Outcome::Nothing(error.to_string()))
                }
                error => Ok(Outcome::Failed(error.to_string())),
            }
        }
    }
}

/// What an upload was refused for.
fn unreadable(error: Error) -> Result<Outcome> {
    match error.kind {
        Kind::UnsupportedMedia | Kind::Invalid => Ok(Outcome::Nothing(error.message.into_owned())),
        Kind::Unprocessable | Kind::TooLarge => Ok(Outcome::Failed(error.message.into_owned())),
        _ => Err(error),
    }
}

/// A name for what an address holds: the end of its path, with the ending that its type has.
fn file_name(url: &Url, media: &str) -> String {
    let path = address::readable(url.path());
    let last = path.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty());
    let name = last.or(url.host_str()).unwrap_or("page").to_owned();
    let known = [
        ("html", ".html"),
        ("application/pdf", ".pdf"),
        ("text/plain", ".txt"),
        ("text/markdown", ".md"),
        ("text/csv", ".csv"),
        ("application/json", ".json"),
        ("wordprocessingml", ".docx"),
        ("spreadsheetml", ".xlsx"),
        ("presentationml", ".pptx"),
    ];
    let ending = known.iter().find(|(kind, _)| media.contains(kind)).map_or("", |(_, ending)| ending);
    let has = name.to_ascii_lowercase().ends_with(ending) || (ending == ".txt" && name.contains('.'));
    if has { name } else { format!("{name}{ending}") }
}

/// What the `X-Robots-Tag` headers ask for: not to be found, and that links be left alone. A rule may be for one
/// crawler: `otherbot: noindex`.
fn robots_tag(headers: &HeaderMap) -> (bool, bool) {
    let (mut noindex, mut nofollow) = (false, false);
    for value in headers.get_all("x-robots-tag").iter().filter_map(|value| value.to_str().ok()) {
        let value = value.to_ascii_lowercase();
        let mut ours = true;
        for rule in value.split(',') {
            let rule = match rule.split_once(':') {
                Some((name, rest)) if name.trim() != "unavailable_after" => {
                    ours = name.trim() == "frontdesk";
                    rest
                }
                _ => rule,
            };
            noindex |= ours && matches!(rule.trim(), "noindex" | "none");
            nofollow |= ours && matches!(rule.trim(), "nofollow" | "none");
        }
    }
    (noindex, nofollow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robots_headers_speak_to_all_or_to_one() {
        let tag = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-robots-tag", HeaderValue::from_str(value).unwrap());
            }
            robots_tag(&headers)
        };
        assert_eq!(tag(&[]), (false, false));
        assert_eq!(tag(&["noindex"]), (true, false));
        assert_eq!(
            tag(&["noarchive, NOFOLLOW", "unavailable_after: 25 Jun 2030 15:00:00 PST"]),
            (false, true)
        );
        assert_eq!(tag(&["none"]), (true, true));
        assert_eq!(tag(&["googlebot: noindex, nofollow"]), (false, false));
        assert_eq!(tag(&["otherbot: noindex", "frontdesk: nofollow"]), (false, true));
    }

    #[test]
    fn files_are_named_after_path_and_type() {
        let name = |url: &str, media: &str| file_name(&url.parse().unwrap(), media);
        assert_eq!(name("https://e.com/", "text/html; charset=utf-8"), "e.com.html");
        assert_eq!(name("https://e.com/docs/", "text/html"), "docs.html");
        assert_eq!(name("https://e.com/a/guide.HTML?x=1", "text/html"), "guide.HTML");
        assert_eq!(name("https://e.com/download", "application/pdf"), "download.pdf");
        assert_eq!(name("https://e.com/price%20list.csv", "text/plain"), "price list.csv");
        assert_eq!(name("https://e.com/readme", ""), "readme");
    }

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").unwrap().to_utc();
        let wait = |value: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(value).unwrap())]);
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait("100000"), Some(MAX_WAIT));
        assert_eq!(wait("Thu, 01 Jan 2026 00:01:00 GMT"), Some(60));
        assert_eq!(wait("Wed, 31 Dec 2025 00:00:00 GMT"), Some(0));
        assert_eq!(wait("soon"), None);
    }
}
