//! Furniture that is plain `div`s and lists: cookie banners, menus, crumbs, share bars. It is told by the words
//! in class, id and label, and nothing that may be content is told by a word alone.

use scraper::ElementRef;

use super::dropped::{in_content, is_heading};

/// Consent managers by the beginning of their class or id; nothing else is named like this.
const CONSENT_MANAGERS: [&str; 22] = [
    "onetrust-",
    "ot-sdk-",
    "cc-window",
    "cc-banner",
    "cc-revoke",
    "cky-",
    "cmplz-",
    "cmpbox",
    "cookiebanner",
    "cookieconsent",
    "cookie-law-info",
    "cookiefirst-",
    "cybotcookiebot",
    "didomi-",
    "fc-consent",
    "hs-eu-cookie",
    "iubenda-cs",
    "osano-cm",
    "qc-cmp",
    "sp_message_container",
    "truste",
    "usercentrics",
];

/// What a banner is called beside the thing it asks for.
const BARS: [&str; 11] = [
    "banner", "bar", "box", "consent", "dialog", "message", "modal", "notice", "overlay", "popup", "wrapper",
];

/// Names of menus and page footers; `nav` and `menu` may also be the menu of a restaurant.
const MENUS: [&str; 18] = [
    "footer",
    "footer-nav",
    "global-footer",
    "global-nav",
    "main-menu",
    "main-nav",
    "menu",
    "nav",
    "navbar",
    "navigation",
    "page-footer",
    "pagination",
    "site-footer",
    "site-header",
    "site-nav",
    "top-nav",
    "topbar",
    "topnav",
];

/// Sentences that a link over the menu begins with.
const SKIPS: [&str; 8] = [
    "skip to",
    "skip navigation",
    "jump to content",
    "zum inhalt",
    "direkt zum inhalt",
    "aller au contenu",
    "saltar al contenido",
    "vai al contenuto",
];

/// The share of an element's letters that must stand in links for it to be a menu.
const MENU_SHARE: f64 = 0.6;

/// Whether the element and all inside it only stand around the content.
pub(super) fn is_furniture(element: ElementRef<'_>) -> bool {
    let name = element.value().name();
    if matches!(name, "html" | "body" | "p" | "td" | "tr") || is_heading(name) {
        return false;
    }
    if name == "a" {
        return is_skip_link(element);
    }
    let names = names(element);
    is_consent(element, &names)
        || is_crumbs(element, &names)
        || is_share_bar(&names) && is_mostly_links(element)
        || !in_content(element) && names.iter().any(|name| MENUS.contains(&name.as_str())) && is_menu(element)
}

/// Classes and id in small letters.
fn names(element: ElementRef<'_>) -> Vec<String> {
    let value = element.value();
    value.classes().chain(value.id()).map(str::to_ascii_lowercase).collect()
}

fn is_consent(element: ElementRef<'_>, names: &[String]) -> bool {
    if names.iter().any(|name| CONSENT_MANAGERS.iter().any(|manager| name.starts_with(manager))) {
        return true;
    }
    let asks = |text: &str| ["cookie", "consent", "gdpr"].iter().any(|word| text.contains(word));
    let by_name = names.iter().any(|name| asks(name) && BARS.iter().any(|bar| name.contains(bar)));
    let label = element.value().attr("aria-label").unwrap_or("").to_ascii_lowercase();
    // A page about cookies has sections with such names in its content.
    (by_name || asks(&label)) && !in_content(element)
}

fn is_crumbs(element: ElementRef<'_>, names: &[String]) -> bool {
    let value = element.value();
    let says = |attribute: &str, word: &str| {
        value.attr(attribute).is_some_and(|text| text.to_ascii_lowercase().contains(word))
    };
    names.iter().any(|name| name.contains("breadcrumb"))
        || says("aria-label", "breadcrumb")
        || says("itemtype", "breadcrumblist")
}

fn is_share_bar(names: &[String]) -> bool {
    names.iter().any(|name| {
        let shares = ["share", "social"].iter().any(|word| name.split(['-', '_']).any(|part| part == *word));
        shares
            || ["sharedaddy", "addtoany", "addthis", "a2a_kit", "sharethis"]
                .iter()
                .any(|of| name.starts_with(of))
    })
}

fn is_skip_link(element: ElementRef<'_>) -> bool {
    if !element.value().attr("href").is_some_and(|href| href.starts_with('#')) {
        return false;
    }
    let by_class = names(element).iter().any(|name| name.starts_with("skip"));
    let text = element.text().collect::<String>().trim().to_lowercase();
    by_class || SKIPS.iter().any(|skip| text.starts_with(skip))
}

/// A page footer in `div`s may hold a few words beside its links; a menu is links.
fn is_menu(element: ElementRef<'_>) -> bool {
    let is_footer = names(element).iter().any(|name| name.contains("footer"));
    is_footer || is_mostly_links(element)
}

/// Whether most letters stand in links or buttons. Nothing at all is none of a menu's either.
fn is_mostly_links(element: ElementRef<'_>) -> bool {
    let (mut all, mut linked) = (0usize, 0usize);
    for node in element.descendants() {
        let Some(text) = node.value().as_text() else { continue };
        let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
        all += letters;
        let in_link = node
            .ancestors()
            .take_while(|above| *above != *element)
            .filter_map(ElementRef::wrap)
            .any(|above| matches!(above.value().name(), "a" | "button"));
        linked += if in_link { letters } else { 0 };
    }
    linked as f64 >= all as f64 * MENU_SHARE
}

/// Letters that stand in no link, without what `drops` says no reader sees.
pub(super) fn letters(root: ElementRef<'_>, drops: impl Fn(ElementRef<'_>) -> bool) -> usize {
    let mut letters = 0;
    let mut next = root.first_child();
    while let Some(node) = next {
        let element = ElementRef::wrap(node);
        if let Some(text) = node.value().as_text() {
            letters += text.chars().filter(|c| c.is_alphanumeric()).count();
        }
        let closed = element.is_some_and(|element| element.value().name() == "a" || drops(element));
        let inside = if closed { None } else { node.first_child() };
        next = inside.or_else(|| {
            let mut up = node;
            loop {
                if let Some(sibling) = up.next_sibling() {
                    return Some(sibling);
                }
                up = up.parent().filter(|parent| *parent != *root)?;
            }
        });
    }
    letters
}
