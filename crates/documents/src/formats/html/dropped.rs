//! What of a page is not its content: what cannot be seen, what is no text, and the furniture around it.

use std::collections::HashSet;

use scraper::{ElementRef, Html};

use super::furniture::is_furniture;

/// Decides for each element whether it and all inside it are left out.
pub(super) struct Dropped {
    boilerplate: bool,
    /// The page marks its main content, so that an `aside` outside of it is a sidebar.
    has_main: bool,
    /// `.class` and `#id` that the page's own style sheet hides.
    hidden: HashSet<String>,
    /// Ids of panels that a button on the page opens: hidden at first, and content all the same.
    opened_by_button: HashSet<String>,
}

impl Dropped {
    /// Drops what a visitor does not see.
    pub(super) fn hidden(page: &Html) -> Self {
        let elements = || page.tree.nodes().filter_map(ElementRef::wrap);
        let styles = elements().filter(|element| element.value().name() == "style");
        Self {
            boilerplate: false,
            has_main: elements().any(is_main),
            hidden: styles.flat_map(|style| hidden_selectors(&style.text().collect::<String>())).collect(),
            opened_by_button: elements()
                .filter_map(|element| element.value().attr("aria-controls"))
                .flat_map(|ids| ids.split_whitespace().map(str::to_owned))
                .collect(),
        }
    }

    /// Drops menus, banners and page footers as well.
    pub(super) fn hidden_and_boilerplate(page: &Html) -> Self {
        Self { boilerplate: true, ..Self::hidden(page) }
    }

    pub(super) fn drops(&self, element: ElementRef<'_>) -> bool {
        is_no_text(element)
            || self.is_hidden(element)
            || is_permalink(element)
            || self.boilerplate && self.is_boilerplate(element)
    }

    fn is_hidden(&self, element: ElementRef<'_>) -> bool {
        let value = element.value();
        if value.id().is_some_and(|id| self.opened_by_button.contains(id)) {
            return false;
        }
        let hidden_attribute =
            value.attr("hidden").is_some_and(|hidden| !hidden.eq_ignore_ascii_case("until-found"));
        hidden_attribute
            || value.attr("aria-hidden").is_some_and(|hidden| hidden.eq_ignore_ascii_case("true"))
            || value.attr("style").is_some_and(hides)
            || value.id().is_some_and(|id| self.hidden.contains(&format!("#{id}")))
            || !self.hidden.is_empty()
                && value.classes().any(|class| self.hidden.contains(&format!(".{class}")))
    }

    fn is_boilerplate(&self, element: ElementRef<'_>) -> bool {
        let value = element.value();
        let role = value.attr("role").unwrap_or("");
        let by_role = matches!(
            role,
            "navigation"
                | "banner"
                | "contentinfo"
                | "search"
                | "menu"
                | "menubar"
                | "dialog"
                | "alertdialog"
        );
        let by_name = match value.name() {
            "nav" | "search" | "dialog" => true,
            "footer" => !in_content(element),
            "header" => !in_content(element) && !holds_h1(element),
            "aside" => self.has_main && !in_content(element),
            _ => false,
        };
        (by_role || by_name || is_furniture(element)) && !is_main(element) && !holds_main(element)
    }
}

/// Elements whose text is not for reading. A button stays where it is the question of a folded answer.
fn is_no_text(element: ElementRef<'_>) -> bool {
    match element.value().name() {
        "head" | "script" | "style" | "noscript" | "template" | "svg" | "math" | "canvas" | "iframe"
        | "object" | "embed" | "audio" | "video" | "select" | "datalist" | "textarea" | "map" | "title" => {
            true
        }
        "button" => {
            let folds =
                ["aria-controls", "aria-expanded"].iter().any(|name| element.value().attr(name).is_some());
            !folds && !ancestors(element).any(|parent| is_heading(parent.value().name()))
        }
        _ => false,
    }
}

pub(super) fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

/// The sign after a heading that links to itself.
fn is_permalink(element: ElementRef<'_>) -> bool {
    element.value().name() == "a"
        && matches!(element.text().collect::<String>().trim(), "#" | "¶" | "§" | "🔗")
}

fn ancestors(element: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    element.ancestors().filter_map(ElementRef::wrap)
}

fn is_main(element: ElementRef<'_>) -> bool {
    matches!(element.value().name(), "main" | "article") || element.value().attr("role") == Some("main")
}

pub(super) fn in_content(element: ElementRef<'_>) -> bool {
    ancestors(element).any(|parent| is_main(parent) || parent.value().name() == "section")
}

/// Furniture around the content is none: some pages open a dialog or a banner and never close it.
fn holds_main(element: ElementRef<'_>) -> bool {
    element
        .descendants()
        .skip(1)
        .filter_map(ElementRef::wrap)
        .any(|inner| inner.value().name() == "main" || inner.value().attr("role") == Some("main"))
}

fn holds_h1(element: ElementRef<'_>) -> bool {
    element.descendants().filter_map(ElementRef::wrap).any(|inner| inner.value().name() == "h1")
}

/// Whether declarations make their element invisible.
fn hides(declarations: &str) -> bool {
    declarations.split(';').filter_map(|declaration| declaration.split_once(':')).any(|(name, value)| {
        let value = value.trim().trim_end_matches("!important").trim_end().to_ascii_lowercase();
        match name.trim().to_ascii_lowercase().as_str() {
            "display" => value == "none",
            "visibility" => value == "hidden" || value == "collapse",
            "opacity" | "font-size" => {
                value.trim_end_matches(|c: char| !c.is_ascii_digit()).parse() == Ok(0.0)
            }
            _ => false,
        }
    })
}

/// Simple selectors (`.a`, `#b`) that a style sheet hides outside of any `@` block.
fn hidden_selectors(css: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut depth = 0usize;
    let mut selector_start = 0;
    let mut body_start = 0;
    for (at, c) in css.char_indices() {
        match c {
            '{' => {
                depth += 1;
                body_start = at + 1;
            }
            '}' => {
                if depth == 1 && hides(&css[body_start..at]) {
                    let selectors = css[selector_start..body_start - 1].split(',').map(str::trim);
                    found.extend(selectors.filter(|selector| is_simple(selector)).map(str::to_owned));
                }
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    selector_start = at + 1;
                }
            }
            _ => {}
        }
    }
    found
}

fn is_simple(selector: &str) -> bool {
    selector.strip_prefix(['.', '#']).is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    })
}
