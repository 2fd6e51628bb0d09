//! A website for a crawler to read: pages that a test sets and changes, and a list of what was asked for.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, extract::State, http::Request, response::Response};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, StatusCode};

/// What a path answers.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    content: Content,
    delay: Duration,
}

#[derive(Clone, Debug)]
enum Content {
    Bytes(Vec<u8>),
    /// The same bytes over and over.
    Endless(Vec<u8>),
}

impl Reply {
    /// A web page.
    pub fn html(body: impl Into<String>) -> Self {
        Self::of("text/html; charset=utf-8", body.into())
    }

    /// Content of some type.
    pub fn of(media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), content: Content::Bytes(body.into()), delay: Duration::ZERO }
            .header("content-type", media_type)
    }

    /// Nothing but a status.
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::html("<html><body><p>Nothing to see here.</p></body></html>") }
    }

    /// A redirect.
    pub fn redirect(to: &str) -> Self {
        Self { status: 302, ..Self::html("") }.header("location", to)
    }

    /// A body that never ends.
    pub fn endless(part: &str) -> Self {
        Self { content: Content::Endless(part.as_bytes().to_vec()), ..Self::html("") }
    }

    /// With a header. A question that has an `ETag` already (`If-None-Match`) is answered with 304.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// After a while.
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

/// A question that the site was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The path with its query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// What was sent with it.
    pub body: Vec<u8>,
    /// The status that was answered.
    pub status: u16,
}

#[derive(Default)]
struct Shared {
    pages: Mutex<HashMap<String, Reply>>,
    asked: Mutex<Vec<Asked>>,
    open: AtomicUsize,
    most: AtomicUsize,
}

/// A website; what it was not told of is 404.
#[derive(Clone)]
pub struct Site {
    /// Where it is, without a slash at the end.
    pub url: String,
    shared: Arc<Shared>,
}

impl Site {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> Self {
        let shared = Arc::<Shared>::default();
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        #[expect(clippy::disallowed_methods, reason = "a test's server ends with the test")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// Sets what a path answers.
    pub fn set(&self, path: &str, reply: Reply) -> &Self {
        held(&self.shared.pages).insert(path.to_owned(), reply);
        self
    }

    /// Sets a page: its title and text, and where it leads.
    pub fn page(&self, path: &str, text: &str, links: &[&str]) -> &Self {
        self.set(path, Reply::html(page(text, "", links)))
    }

    /// Takes a path away.
    pub fn remove(&self, path: &str) -> &Self {
        held(&self.shared.pages).remove(path);
        self
    }

    /// What was asked so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        held(&self.shared.asked).clone()
    }

    /// The paths that were asked for so far, in order.
    pub fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.path).collect()
    }

    /// Forgets what was asked.
    pub fn forget(&self) {
        held(&self.shared.asked).clear();
    }

    /// The most questions that were open at once.
    pub fn most_at_once(&self) -> usize {
        self.shared.most.load(Ordering::SeqCst)
    }
}

/// A page with a title and some text, something in its head, and links.
pub fn page(text: &str, head: &str, links: &[&str]) -> String {
    let title = text.split('.').next().unwrap_or_default();
    let links: String = links.iter().map(|link| format!("<li><a href=\"{link}\">{link}</a></li>")).collect();
    format!(
        "<!doctype html><html><head><title>{title}</title>{head}</head><body><main><h1>{title}</h1><p>{text}</p></main>\
         <nav><ul>{links}</ul></nav></body></html>"
    )
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response {
    let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most.fetch_max(open, Ordering::SeqCst);
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let reply = held(&shared.pages).get(&path).cloned().unwrap_or_else(|| Reply::status(404));
    tokio::time::sleep(reply.delay).await;
    let (headers, body) = (request.headers().clone(), request.into_body());
    let body = axum::body::to_bytes(body, usize::MAX).await.map(Vec::from).unwrap_or_default();
    let header =
        |name: &str| reply.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let asked = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let same = |sent: &str, kept: &str| asked(sent).is_some() && asked(sent) == header(kept);
    let known = same("if-none-match", "etag") || same("if-modified-since", "last-modified");
    let status = if known { 304 } else { reply.status };
    held(&shared.asked).push(Asked { path, headers, body, status });
    shared.open.fetch_sub(1, Ordering::SeqCst);
    let mut response = Response::builder().status(StatusCode::from_u16(status).expect("a status"));
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let body = match reply.content {
        _ if known => Body::empty(),
        // A stream, so that a header may lie about its length.
        Content::Bytes(bytes) => Body::from_stream(stream::iter([Ok::<_, Infallible>(bytes)])),
        Content::Endless(part) => Body::from_stream(stream::repeat(part).map(Ok::<_, Infallible>)),
    };
    response.body(body).expect("headers that a test has set")
}
