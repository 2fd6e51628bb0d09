//! An answer as a stream of server-sent events: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use platform::answering::{Frame, Live};
use serde_json::json;
use tokio::time::{sleep, timeout};

/// Words that come faster than a screen shows them wait this long for each other. The first are not held back.
const GATHER: Duration = Duration::from_millis(5);
/// How long a poll waits for something new.
const POLL: Duration = Duration::from_millis(1_500);
/// How long it gathers what comes then.
const LINGER: Duration = Duration::from_millis(700);
/// A comment this often keeps the connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Streams an answer's frames, passing over the first `seen`. Each event's id is `message_id:n`, by which a
/// client that lost its connection gets the rest. The headers keep proxies from holding the stream back.
pub fn stream(live: Arc<Live>, seen: usize) -> Response {
    let body = stream::unfold(Some((seen, false)), move |state| {
        let live = live.clone();
        async move {
            let (seen, flowing) = state?;
            if flowing {
                sleep(GATHER).await;
            }
            let Ok((frames, last)) = timeout(KEEP_ALIVE, live.after(seen)).await else {
                return Some((Ok(Bytes::from_static(b": ping\n\n")), Some((seen, flowing))));
            };
            let flowing = matches!(frames.last()?, Frame::Token { .. });
            let next = seen + frames.len();
            Some((events(&live, seen, &frames), (!last).then_some((next, flowing))))
        }
    });
    let headers = [
        (CONTENT_TYPE.as_str(), "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL.as_str(), "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
    ];
    (headers, Body::from_stream(body)).into_response()
}

/// What there is of an answer after the first `seen` frames, for a client behind a proxy that holds streams back. It
/// asks again with `last_event_id` until `done`.
pub async fn poll(live: Arc<Live>, seen: usize) -> Response {
    let (mut frames, mut done) = timeout(POLL, live.after(seen)).await.unwrap_or_default();
    if !done && !frames.is_empty() {
        // More is on its way, and each call counts.
        sleep(LINGER).await;
        (frames, done) = live.after(seen).await;
    }
    let last = format!("{}:{}", live.id(), seen + frames.len());
    let answer = json!({ "message_id": live.id(), "frames": frames, "last_event_id": last, "done": done });
    ([(CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

fn events(live: &Live, seen: usize, frames: &[Frame]) -> serde_json::Result<Bytes> {
    let mut out = BytesMut::with_capacity(128 * frames.len());
    for (n, frame) in (seen + 1..).zip(frames) {
        out.put_slice(format!("id: {}:{n}\ndata: ", live.id()).as_bytes());
        serde_json::to_writer((&mut out).writer(), frame)?;
        out.put_slice(b"\n\n");
    }
    Ok(out.freeze())
}
