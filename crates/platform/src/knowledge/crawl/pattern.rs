//! Patterns with `*`, as people write them for paths and as robots.txt has them.

use url::Url;

use super::address;

/// Whether a whole text matches a pattern in which `*` stands for any characters, none included.
///
/// Greedy with one point of return, so its time is bounded by the product of both lengths.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match &mut star {
                Some((after, from)) => {
                    *from += 1;
                    (p, t) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Whether one of the patterns means this address. A pattern with `://` is held against the whole address, one with
/// a `?` against path and query, any other against the path alone, as it is sent and as people read it.
pub(super) fn any_matches(patterns: &[String], url: &Url) -> bool {
    let path = address::readable(url.path());
    patterns.iter().any(|pattern| {
        if pattern.contains("://") {
            matches(pattern, url.as_str())
        } else if pattern.contains('?') {
            matches(pattern, address::path_and_query(url))
        } else {
            matches(pattern, url.path()) || matches(pattern, &path)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("/docs/*", "/docs/", true),
            ("/docs/*", "/docs/a/b", true),
            ("/docs/*", "/docs", false),
            ("/docs/*", "/blog/docs/a", false),
            ("*/print", "/a/b/print", true),
            ("/a/*/c", "/a/b/b/c", true),
            ("/a/*/c", "/a/c", false),
            ("/a*b*c", "/aXbXbXc", true),
            ("/docs", "/docs", true),
            ("", "", true),
            ("", "/", false),
            ("*", "", true),
            ("**a**", "bab", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
        // A pattern made to be slow is not.
        assert!(!matches(&"*a".repeat(250), &"a".repeat(2_000).replace('a', "b")));
    }

    #[test]
    fn a_pattern_says_what_it_is_held_against() {
        let url: Url = "https://example.com/%C3%BCber/uns?print=1".parse().unwrap();
        let is = |pattern: &str| any_matches(&[pattern.to_owned()], &url);
        assert!(is("/über/*") && is("/%C3%BCber/*") && is("/*") && is("https://example.com/*"));
        assert!(is("*?print=*") && is("*/uns"));
        assert!(!is("https://example.org/*") && !is("/uns") && !is("*?page=*"));
    }
}
