//! The widget's script: embedded, made short, compressed once. It is the same for every dialect: it finds out from its
//! address, its tag and the page which of them it serves.

mod minify;
mod tokens;

use std::{io::Write, sync::LazyLock};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{
    HeaderMap, StatusCode,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY},
};
use platform::AgentId;

/// The script that pages load, and what it fetches when it is wanted.
static WIDGET: LazyLock<Script> = LazyLock::new(|| Script::of(include_str!("../../../../widget/widget.js")));
static EXTRAS: LazyLock<Script> = LazyLock::new(|| Script::of(include_str!("../../../../widget/extras.js")));

struct Script {
    plain: Bytes,
    gzip: Bytes,
    etag: String,
}

impl Script {
    fn of(source: &str) -> Self {
        let plain = minify::minify(source);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain.as_bytes()).expect("writing to memory cannot fail");
        let gzip = encoder.finish().expect("writing to memory cannot fail");
        Self {
            etag: format!("\"{:016x}\"", fingerprint(plain.as_bytes())),
            plain: plain.into(),
            gzip: gzip.into(),
        }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let known = headers.get(IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == self.etag.as_bytes());
        let common = [
            (CONTENT_TYPE, "text/javascript; charset=utf-8"),
            (CACHE_CONTROL, "public, max-age=300"),
            (ETAG, self.etag.as_str()),
            (VARY, "accept-encoding"),
            (http::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
            (http::header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        ];
        if known {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        let takes_gzip =
            headers.get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("gzip"));
        if takes_gzip {
            return (common, [(CONTENT_ENCODING, "gzip")], self.gzip.clone()).into_response();
        }
        (common, self.plain.clone()).into_response()
    }
}

/// FNV-1a, 64 bits: tells one build's script from another's.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// `GET /widget.js`, `/embed.js`, `/a2v2-widget.js` and `/api/v1/agents/{agent_id}/widget.js`
pub async fn widget(headers: HeaderMap) -> Response {
    WIDGET.answer(&headers)
}

/// `GET /widget-extras.js`
pub async fn extras(headers: HeaderMap) -> Response {
    EXTRAS.answer(&headers)
}

/// The line that puts an agent's widget on a page.
pub fn tag(base: &str, agent: &AgentId, key: &str) -> String {
    format!(
        "<script src=\"{base}/widget.js\" data-agent-id=\"{agent}\" data-api-key=\"{key}\" async></script>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_light() {
        assert!(WIDGET.gzip.len() <= 15 * 1024, "{} bytes", WIDGET.gzip.len());
    }
}
