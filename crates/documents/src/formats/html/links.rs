//! What a page tells a crawler: where it leads, which address is its own, and what it asks to be left alone.

use scraper::{ElementRef, Html};

use crate::WebPage;

/// More links than this are a site map, which has a format of its own.
const MAX_LINKS: usize = 5_000;

/// The names of the `<meta>` elements that speak to us.
const ROBOTS: [&str; 2] = ["robots", "frontdesk"];

/// Reads the whole page, menus and footers included.
pub(super) fn web_page(page: &Html) -> WebPage {
    let mut found = WebPage::default();
    for element in page.tree.nodes().filter_map(ElementRef::wrap) {
        let href = || element.value().attr("href").map(str::trim).filter(|href| !href.is_empty());
        match element.value().name() {
            // The first one counts (HTML, "The base element").
            "base" if found.base.is_none() => found.base = href().map(str::to_owned),
            "link" if found.canonical.is_none() && has_rel(element, "canonical") => {
                found.canonical = href().map(str::to_owned);
            }
            "a" | "area" if found.links.len() < MAX_LINKS && !has_rel(element, "nofollow") => {
                found.links.extend(href().map(str::to_owned));
            }
            "meta" => read_robots(element, &mut found),
            _ => {}
        }
    }
    found
}

fn has_rel(element: ElementRef<'_>, word: &str) -> bool {
    let rel = element.value().attr("rel").unwrap_or("");
    rel.split_ascii_whitespace().any(|token| token.eq_ignore_ascii_case(word))
}

fn read_robots(element: ElementRef<'_>, found: &mut WebPage) {
    let name = element.value().attr("name").unwrap_or("").trim();
    if !ROBOTS.iter().any(|robots| name.eq_ignore_ascii_case(robots)) {
        return;
    }
    for rule in element.value().attr("content").unwrap_or("").split(',') {
        let rule = rule.trim().to_ascii_lowercase();
        found.noindex |= rule == "noindex" || rule == "none";
        found.nofollow |= rule == "nofollow" || rule == "none";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_come_from_the_whole_page_in_order() {
        let found = web_page(&Html::parse_document(
            "<head><base href='/help/'><base href='/x/'><link rel='Canonical' href='https://example.org/a?b=1'>\
             </head><nav><a href='a b'>A</a><a>none</a><a href=' '>blank</a></nav>\
             <map><area href='#c'></map><a rel='sponsored NoFollow' href='d'>D</a><footer><a href='/e'>E</a></footer>",
        ));
        assert_eq!(found.links, ["a b", "#c", "/e"]);
        assert_eq!(found.base.as_deref(), Some("/help/"));
        assert_eq!(found.canonical.as_deref(), Some("https://example.org/a?b=1"));
        assert!(!found.noindex && !found.nofollow);
    }

    #[test]
    fn wishes_of_the_page_are_read() {
        let robots = |meta: &str| {
            let found = web_page(&Html::parse_document(meta));
            (found.noindex, found.nofollow)
        };
        assert_eq!(robots("<meta name=Robots content='max-snippet:5, NoIndex'>"), (true, false));
        assert_eq!(robots("<meta name=frontdesk content=none>"), (true, true));
        assert_eq!(robots("<meta name=robots content=nofollow>"), (false, true));
        assert_eq!(robots("<meta name=googlebot content=none>"), (false, false));
    }

    #[test]
    fn the_number_of_links_is_bounded() {
        let page = "<a href=x>x</a>".repeat(MAX_LINKS + 10);
        assert_eq!(web_page(&Html::parse_document(&page)).links.len(), MAX_LINKS);
    }
}
