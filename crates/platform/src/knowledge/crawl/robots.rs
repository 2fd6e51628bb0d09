//! robots.txt: what a site asks crawlers to leave alone (RFC 9309), how slowly to come, and where its sitemaps lie.

use std::time::Duration;

use url::Url;

use super::{address, pattern};

/// The name by which a robots.txt speaks to us; letters, `-` and `_` only.
const PRODUCT: &str = "frontdesk";
/// As much of a file as is read; the RFC asks for 500 KiB at least.
pub(super) const MAX_BYTES: u64 = 500 * 1024;
/// The longest pause that a site may ask for.
const MAX_DELAY: f64 = 30.0;
/// Sitemaps that a file may name.
const MAX_SITEMAPS: usize = 20;

/// What a site asks for. The default asks for nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Robots {
    rules: Vec<Rule>,
    /// The pause between two requests.
    pub delay: Option<Duration>,
    /// Where the site's sitemaps lie, as written.
    pub sitemaps: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    allow: bool,
    path: String,
}

/// What one or more `User-agent` lines ask for.
#[derive(Default)]
struct Group {
    agents: Vec<String>,
    rules: Vec<Rule>,
    delay: Option<Duration>,
}

impl Robots {
    /// Reads a file. Lines that make no sense are passed over, as are those for other crawlers.
    pub fn parse(text: &str) -> Self {
        let (groups, sitemaps) = read(text);
        let ours = |name: &str| groups.iter().any(|group| group.agents.iter().any(|agent| agent == name));
        let name = if ours(PRODUCT) { PRODUCT } else { "*" };
        let mut robots = Self { sitemaps, ..Self::default() };
        // Several groups with one name count as one.
        for group in groups.into_iter().filter(|group| group.agents.iter().any(|agent| agent == name)) {
            robots.rules.extend(group.rules);
            robots.delay = robots.delay.max(group.delay);
        }
        robots
    }

    /// Whether a page may be fetched: the longest rule that matches decides, and of two the one that allows.
    pub fn allows(&self, url: &Url) -> bool {
        let path = address::path_and_query(url);
        if path == "/robots.txt" {
            return true;
        }
        let matching = self.rules.iter().filter(|rule| rule.matches(path));
        matching.max_by_key(|rule| (rule.path.len(), rule.allow)).is_none_or(|rule| rule.allow)
    }
}

impl Rule {
    /// A rule means all paths that begin like it, unless it ends in `$`.
    fn matches(&self, path: &str) -> bool {
        match self.path.strip_suffix('$') {
            Some(whole) => pattern::matches(whole, path),
            None => pattern::matches(&format!("{}*", self.path), path),
        }
    }
}

fn read(text: &str) -> (Vec<Group>, Vec<String>) {
    let (mut groups, mut sitemaps) = (Vec::new(), Vec::new());
    let mut group = Group::default();
    let mut naming = true; // the lines so far only say whom the group is for
    for line in text.trim_start_matches('\u{feff}').split(['\n', '\r']) {
        let line = line.split('#').next().unwrap_or_default();
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "user-agent" | "useragent" | "user agent" => {
                if !naming {
                    groups.push(std::mem::take(&mut group));
                    naming = true;
                }
                group.agents.push(product(value));
            }
            "sitemap" if sitemaps.len() < MAX_SITEMAPS && !value.is_empty() => {
                sitemaps.push(value.to_owned())
            }
            key @ ("allow" | "disallow") => {
                naming = false;
                if !value.is_empty() {
                    group.rules.push(Rule { allow: key == "allow", path: path(value) });
                }
            }
            "crawl-delay" => {
                naming = false;
                let seconds =
                    value.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0);
                group.delay = seconds.map(|seconds| Duration::from_secs_f64(seconds.min(MAX_DELAY)));
            }
            _ => {}
        }
    }
    groups.push(group);
    (groups, sitemaps)
}

/// The product of a `User-agent` line, without its version.
fn product(value: &str) -> String {
    if value.starts_with('*') {
        return "*".into();
    }
    let letters = value.chars().take_while(|c| c.is_ascii_alphabetic() || matches!(c, '-' | '_'));
    letters.collect::<String>().to_ascii_lowercase()
}

/// A rule's path written like the addresses that it is held against.
fn path(value: &str) -> String {
    let rooted = if value.starts_with(['/', '*']) { value.to_owned() } else { format!("/{value}") };
    let base = Url::parse("http://host").expect("an address");
    let normal = base.join(&rooted).ok().filter(|url| url.host() == base.host()).and_then(address::normalise);
    match normal {
        // A `*` at the start, dots and tracking are not to be resolved away.
        Some(url) if rooted.starts_with('/') && !rooted.contains("/.") && !rooted.contains('?') => {
            address::path_and_query(&url).to_owned()
        }
        _ => rooted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(robots: &Robots, path: &str) -> bool {
        robots.allows(&format!("https://example.com{path}").parse().unwrap())
    }

    /// RFC 9309, 5.1, with our name in the place of the first crawler's.
    #[test]
    fn the_simple_example_of_the_rfc() {
        let robots = Robots::parse(
            "User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n\n\
             User-Agent: frontdesk\nDisallow:/\nAllow:/example/page.html\nAllow:/example/allowed.gif\n\n\
             User-Agent: barbot\nUser-Agent: bazbot\nDisallow: /example/page.html\n\nUser-Agent: quxbot\n",
        );
        assert!(allows(&robots, "/example/page.html") && allows(&robots, "/example/allowed.gif"));
        assert!(!allows(&robots, "/") && !allows(&robots, "/publications/") && !allows(&robots, "/x.gif"));
        let others =
            Robots::parse("User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n");
        assert!(!allows(&others, "/a/x.gif") && allows(&others, "/a/x.gif?y"));
        assert!(!allows(&others, "/example/a") && allows(&others, "/publications/a") && allows(&others, "/"));
    }

    /// RFC 9309, 5.2.
    #[test]
    fn the_longest_match_decides() {
        let robots = Robots::parse(
            "User-Agent: foobot\nUser-agent: Frontdesk/2.1\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n",
        );
        assert!(!allows(&robots, "/example/page/disallowed.gif"));
        assert!(allows(&robots, "/example/page/a"));
        let tie = Robots::parse("User-agent: *\nDisallow: /a\nAllow: /a\n");
        assert!(allows(&tie, "/a/b"), "of two that are as long the one that allows");
    }

    #[test]
    fn groups_are_kept_apart_and_joined_by_name() {
        let robots = Robots::parse(
            "\u{feff}# hello\r\nUser-agent: frontdesk # us\r\nDisallow: /a\r\nSitemap: https://example.com/one.xml\r\n\
             Unknown: line\r\n\r\nUser-agent: other\r\nDisallow: /\r\n\r\nUSER-AGENT: FrontDesk\r\nDISALLOW: /b\r\n\
             Crawl-delay: 2.5\r\nSitemap:https://example.com/two.xml\r\nUser-agent: *\r\nDisallow: /c\r\n",
        );
        assert!(
            !allows(&robots, "/a")
                && !allows(&robots, "/b/x")
                && allows(&robots, "/c")
                && allows(&robots, "/")
        );
        assert_eq!(robots.delay, Some(Duration::from_millis(2_500)));
        assert_eq!(robots.sitemaps, ["https://example.com/one.xml", "https://example.com/two.xml"]);
    }

    #[test]
    fn what_is_not_asked_for_is_allowed() {
        for text in [
            "",
            "<html><body>Not found</body></html>",
            "User-agent: *\nDisallow:\n",
            "Disallow: /\n",
            "a: b: c",
        ] {
            assert!(allows(&Robots::parse(text), "/a"), "{text}");
        }
        let all = Robots::parse("User-agent: *\nDisallow: /\n");
        assert!(!allows(&all, "/a") && allows(&all, "/robots.txt"));
    }

    #[test]
    fn paths_are_compared_however_they_are_escaped() {
        let robots = Robots::parse(
            "User-agent: *\nDisallow: /über\nDisallow: /%7Ea\nDisallow: /p?q=*&x\nDisallow: /f*/end$",
        );
        for path in ["/%C3%BCber/x", "/~a/", "/p?q=1&x=2", "/foo/end"] {
            assert!(!allows(&robots, path), "{path}");
        }
        assert!(allows(&robots, "/foo/end/") && allows(&robots, "/p?x"));
    }

    #[test]
    fn a_pause_has_bounds() {
        let delay = |text: &str| Robots::parse(&format!("User-agent: *\nCrawl-delay: {text}")).delay;
        assert_eq!(delay("1000000"), Some(Duration::from_secs(30)));
        for text in ["-1", "0", "nan", "inf", "soon", ""] {
            assert_eq!(delay(text), None, "{text}");
        }
    }
}
