//! Addresses of pages: one way of writing for each, which of them belong to one site, and which hold no text.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use url::{Url, form_urlencoded};

/// Longer addresses are made by traps.
const MAX_LENGTH: usize = 2_048;

/// Parts of a query that say where a visitor came from and not what the page is.
const TRACKING: [&str; 6] = ["gclid", "dclid", "fbclid", "msclkid", "yclid", "mc_eid"];

/// Endings of files that hold no text that is read here.
const ASSETS: &[&str] = &[
    "7z", "apk", "avi", "avif", "bin", "bmp", "bz2", "css", "dmg", "eot", "exe", "flac", "gif", "gz", "ico",
    "iso", "jar", "jpeg", "jpg", "js", "m4a", "m4v", "mjs", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg", "msi",
    "ogg", "otf", "png", "rar", "svg", "tar", "tgz", "tif", "tiff", "ttf", "wasm", "wav", "webm", "webp",
    "wmv", "woff", "woff2", "xz", "zip",
];

/// An address in the one way of writing that a page is known by: without fragment and tracking, with escapes in
/// capitals where they are needed and nowhere else (RFC 3986, 6.2.2). The parser has done the rest: host in lower
/// case, no default port, no dots in the path. `None` for what no crawler should follow.
pub(super) fn normalise(mut url: Url) -> Option<Url> {
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || url.cannot_be_a_base() {
        return None;
    }
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    let path = plain_escapes(url.path());
    url.set_path(&path);
    let query = url.query().map(|query| {
        let kept = query.split('&').filter(|part| !part.is_empty() && !is_tracking(part));
        plain_escapes(&kept.collect::<Vec<_>>().join("&"))
    });
    url.set_query(query.as_deref().filter(|query| !query.is_empty()));
    (url.as_str().len() <= MAX_LENGTH).then_some(url)
}

fn is_tracking(part: &str) -> bool {
    let name = form_urlencoded::parse(part.as_bytes()).next().map(|(name, _)| name.to_ascii_lowercase());
    name.is_some_and(|name| name.starts_with("utm_") || TRACKING.contains(&&*name))
}

/// Undoes the escapes of characters that need none, and writes the others in capitals.
fn plain_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        let digits =
            rest.get(at + 1..at + 3).filter(|two| two.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                plain.push(char::from(byte))
            }
            _ => plain.extend(std::iter::once("%".to_owned()).chain(digits.map(str::to_ascii_uppercase))),
        }
        rest = &rest[at + digits.map_or(1, |digits| 1 + digits.len())..];
    }
    plain + rest
}

/// The site of an address: its host without `www.`, and its port when that is not the scheme's own.
pub(super) fn site(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// An address of the same site as `origin`, written with its scheme and host, so that `http:` and `https:`, with and
/// without `www.`, are one page. `None` for another site's.
pub(super) fn on_site(url: Url, origin: &Url) -> Option<Url> {
    if site(&url) != site(origin) {
        return None;
    }
    let mut own = origin.clone();
    own.set_path(url.path());
    own.set_query(url.query());
    normalise(own)
}

/// Whether an address looks like a picture, a film, a program: what need not be fetched to know that it has no text.
pub(super) fn is_asset(url: &Url) -> bool {
    let name = url.path().rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').is_some_and(|(_, ending)| ASSETS.contains(&&*ending.to_ascii_lowercase()))
}

/// The path with the query behind it, as it is sent.
pub(super) fn path_and_query(url: &Url) -> &str {
    &url.as_str()[url.origin().ascii_serialization().len().min(url.as_str().len())..]
}

/// A path as people read it.
pub(super) fn readable(path: &str) -> Cow<'_, str> {
    percent_decode_str(path).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Option<String> {
        normalise(text.parse().unwrap()).map(String::from)
    }

    #[test]
    fn a_page_is_written_in_one_way() {
        for (written, expected) in [
            ("HTTP://Example.COM:80/a/../b/./c#top", "http://example.com/b/c"),
            ("https://example.com:443", "https://example.com/"),
            ("https://example.com/a/", "https://example.com/a/"),
            ("https://example.com/%7euser/%c3%bc%2f", "https://example.com/~user/%C3%BC%2F"),
            ("https://example.com/ü", "https://example.com/%C3%BC"),
            ("https://example.com/100%", "https://example.com/100%"),
            (
                "https://example.com/a?utm_source=x&b=2&a=1&gclid=3&UTM_medium=y",
                "https://example.com/a?b=2&a=1",
            ),
            ("https://example.com/a?utm%5Fsource=x", "https://example.com/a"),
            ("https://example.com/a?fbclid=x", "https://example.com/a"),
            ("https://example.com/a?", "https://example.com/a"),
            ("https://user:secret@example.com/", "https://example.com/"),
        ] {
            assert_eq!(normal(written).as_deref(), Some(expected), "{written}");
        }
        for written in
            ["mailto:a@example.com", "javascript:void(0)", "data:text/html,x", "ftp://example.com/"]
        {
            assert_eq!(normal(written), None, "{written}");
        }
        assert_eq!(normal(&format!("https://example.com/{}", "a/".repeat(1_100))), None);
    }

    #[test]
    fn writing_an_address_twice_changes_nothing() {
        for text in
            ["https://e.com/%25%32%35?a=%2561", "https://e.com/a%zz%4", "https://e.com/%E0%A4%A?x=%u0041"]
        {
            let once = normal(text).unwrap();
            assert_eq!(normal(&once).as_deref(), Some(&*once), "{text}");
        }
    }

    #[test]
    fn a_site_is_a_host_with_or_without_www() {
        let origin: Url = "https://www.example.com/start?x=1".parse().unwrap();
        let on = |text: &str| on_site(text.parse().unwrap(), &origin).map(String::from);
        assert_eq!(on("http://example.com/a?b=1").as_deref(), Some("https://www.example.com/a?b=1"));
        assert_eq!(on("https://www.example.com/a").as_deref(), Some("https://www.example.com/a"));
        assert_eq!(on("https://docs.example.com/a"), None);
        assert_eq!(on("https://example.com:8443/a"), None);
        assert_eq!(on("https://example.com.evil.org/a"), None);
    }

    #[test]
    fn what_has_no_text_is_told_by_its_name() {
        let asset = |text: &str| is_asset(&text.parse().unwrap());
        assert!(asset("https://e.com/a/logo.PNG?v=2") && asset("https://e.com/app.js"));
        assert!(
            !asset("https://e.com/a.pdf")
                && !asset("https://e.com/node.js/intro")
                && !asset("https://e.com/")
        );
    }

    #[test]
    fn the_path_comes_with_its_query() {
        assert_eq!(path_and_query(&"https://e.com:8443/a/b?c=d".parse().unwrap()), "/a/b?c=d");
        assert_eq!(path_and_query(&"http://[::1]/".parse().unwrap()), "/");
    }
}
