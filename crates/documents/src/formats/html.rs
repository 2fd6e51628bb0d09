//! Web pages: the content that a reader sees, without menus, banners and scripts.
//!
//! The walk over the tree keeps everything that is not known to be something else, because a page of a help
//! centre must not lose an answer to a guess. It goes by links between nodes and not by recursion, so the
//! depth of a page costs no stack.

mod dropped;
mod furniture;
mod grid;
mod links;

use std::borrow::Cow;

use ego_tree::NodeRef;
use scraper::{ElementRef, Html, Node};

use crate::compose::Composer;
use crate::{ExtractError, Limits, decode, table};
use dropped::Dropped;

/// Where a page may name its encoding (HTML, "Determining the character encoding").
const CHARSET_WITHIN_BYTES: usize = 1024;

/// HTML has no limit on nesting, but the tree builder searches all open elements again and again; browsers
/// flatten what is deeper than 512.
const MAX_OPEN_TAGS: usize = 4_000;

/// A page with this much text in it has not lost its content.
const ENOUGH_LETTERS: usize = 300;

/// Reads a whole page.
pub(crate) fn read(bytes: &[u8], limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let text = decode::decode_labelled(bytes, charset(bytes), out);
    check_nesting(&text)?;
    let page = Html::parse_document(&text);
    out.web(links::web_page(&page));
    if let Some(title) = first(&page, "title") {
        out.title(&title);
    }
    if let Some(heading) = first(&page, "h1") {
        out.title(&heading);
    }
    let content = Dropped::hidden_and_boilerplate(&page);
    if !loses_the_text(&page, &content) {
        walk(&page, &content, limits, out)?;
    }
    if out.is_empty() {
        // A page that is all menu, or whose content is marked as something else: better that than nothing.
        walk(&page, &Dropped::hidden(&page), limits, out)?;
    }
    Ok(())
}

/// Whether nearly all that the page says outside of links would be dropped.
fn loses_the_text(page: &Html, content: &Dropped) -> bool {
    let kept = furniture::letters(page.root_element(), |element| content.drops(element));
    if kept >= ENOUGH_LETTERS {
        return false;
    }
    let hidden = Dropped::hidden(page);
    let all = furniture::letters(page.root_element(), |element| hidden.drops(element));
    all >= ENOUGH_LETTERS && all > kept.saturating_mul(10)
}

/// Reads a page that is one of many in a book: it is not its own document, and its menus are few.
pub(crate) fn read_chapter(bytes: &[u8], limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let text = decode::decode_labelled(bytes, charset(bytes), out);
    check_nesting(&text)?;
    // XML closes elements that HTML leaves open, and whose text the reader would wait for.
    let page = Html::parse_document(&close_empty(&text));
    walk(&page, &Dropped::hidden_and_boilerplate(&page), limits, out)
}

/// Writes `<title/>`, `<a id="x"/>` and the like, which HTML takes for opening tags, as pairs of tags.
fn close_empty(text: &str) -> Cow<'_, str> {
    const NAMES: [&str; 8] = ["title", "script", "style", "a", "p", "div", "span", "td"];
    if !text.contains("/>") {
        return Cow::Borrowed(text);
    }
    let mut closed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(end) = rest.find("/>") {
        let tag = rest[..end].rfind('<').map_or("", |start| &rest[start + 1..end]);
        let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
        closed.push_str(&rest[..end]);
        match NAMES.iter().find(|known| name.eq_ignore_ascii_case(known)) {
            Some(name) => closed.push_str(&format!("></{name}>")),
            None => closed.push_str("/>"),
        }
        rest = &rest[end + 2..];
    }
    closed.push_str(rest);
    Cow::Owned(closed)
}

/// Reads a piece of HTML inside another format.
pub(crate) fn read_fragment(text: &str, limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    check_nesting(text)?;
    let piece = Html::parse_fragment(text);
    walk(&piece, &Dropped::hidden(&piece), limits, out)
}

/// Counts open elements without building the tree, as well as that can be done.
fn check_nesting(text: &str) -> Result<(), ExtractError> {
    let mut depth = 0usize;
    let mut deepest = 0;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let tag = &rest[..rest.find('>').unwrap_or(rest.len())];
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if tag.starts_with(|c: char| c.is_ascii_alphabetic())
            && !tag.ends_with('/')
            && !stays_open(tag)
        {
            depth += 1;
            deepest = deepest.max(depth);
        }
        // What looks like a tag in a script is none.
        for (name, end) in [("script", "</script"), ("style", "</style"), ("!--", "-->")] {
            if tag.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
                rest = rest.find(end).map_or("", |end| &rest[end..]);
            }
        }
    }
    ExtractError::check("number of nested elements", deepest as u64, MAX_OPEN_TAGS as u64)
}

/// Elements that never hold others, or that end without a closing tag.
fn stays_open(tag: &str) -> bool {
    const NAMES: [&str; 29] = [
        "area", "base", "body", "br", "col", "colgroup", "dd", "dt", "embed", "head", "hr", "html", "img",
        "input", "li", "link", "meta", "option", "p", "param", "source", "tbody", "td", "tfoot", "th",
        "thead", "tr", "track", "wbr",
    ];
    let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
    NAMES.iter().any(|open| name.eq_ignore_ascii_case(open))
}

/// The label in `<meta charset=…>` or in an XML declaration.
fn charset(bytes: &[u8]) -> Option<&[u8]> {
    let head = &bytes[..bytes.len().min(CHARSET_WITHIN_BYTES)];
    let lower = head.to_ascii_lowercase();
    let find =
        |name: &[u8]| lower.windows(name.len()).position(|window| window == name).map(|at| at + name.len());
    let after =
        find(b"charset=").or_else(|| lower.starts_with(b"<?xml").then(|| find(b"encoding=")).flatten())?;
    let label =
        head[after..].strip_prefix(b"\"").or(head[after..].strip_prefix(b"'")).unwrap_or(&head[after..]);
    let end =
        label.iter().position(|b| !b.is_ascii_alphanumeric() && !b"-_:.".contains(b)).unwrap_or(label.len());
    Some(&label[..end])
}

/// The text of the first element of this name; a drawing may have a title of its own, which does not count.
fn first(page: &Html, name: &str) -> Option<String> {
    let mut elements = page.tree.nodes().filter_map(ElementRef::wrap);
    let in_drawing = |element: &ElementRef<'_>| {
        element.parent().and_then(ElementRef::wrap).is_some_and(|parent| parent.value().name() == "svg")
    };
    let element = elements.find(|element| element.value().name() == name && !in_drawing(element))?;
    let text: String = element.text().collect();
    (!text.trim().is_empty()).then(|| text.replace(['\n', '\r', '\t'], " "))
}

/// Visits every node that is not dropped, in document order.
fn walk(page: &Html, dropped: &Dropped, limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let mut reader = Reader { dropped, limits, out, block: Block::default(), lists: Vec::new() };
    let root = page.tree.root();
    let mut node = root;
    loop {
        if reader.enter(node)? == Visit::Inside
            && let Some(child) = node.first_child()
        {
            node = child;
            continue;
        }
        reader.leave(node)?;
        while node.next_sibling().is_none() {
            match node.parent() {
                Some(parent) if parent != root => node = parent,
                _ => return reader.flush(),
            }
            reader.leave(node)?;
        }
        if let Some(sibling) = node.next_sibling() {
            node = sibling;
        }
    }
}

#[derive(PartialEq)]
enum Visit {
    Inside,
    Over,
}

/// The block that is being collected.
#[derive(Default)]
struct Block {
    text: String,
    /// Set between the tags of a heading.
    heading: Option<u8>,
    /// Set between the tags of preformatted text.
    code: bool,
    /// The number of a list item whose text has not begun.
    number: Option<u32>,
}

struct Reader<'a> {
    dropped: &'a Dropped,
    limits: &'a Limits,
    out: &'a mut Composer,
    block: Block,
    /// Open lists; a numbered one knows its next number.
    lists: Vec<Option<u32>>,
}

impl Reader<'_> {
    fn enter(&mut self, node: NodeRef<'_, Node>) -> Result<Visit, ExtractError> {
        match node.value() {
            Node::Text(text) if self.block.code => self.block.text.push_str(text),
            Node::Text(text) => self.block.text.push_str(&text.replace(['\n', '\r', '\t', '\u{0C}'], " ")),
            Node::Element(_) => {
                let element = ElementRef::wrap(node).expect("the node is an element");
                return self.enter_element(element);
            }
            _ => {}
        }
        Ok(Visit::Inside)
    }

    fn enter_element(&mut self, element: ElementRef<'_>) -> Result<Visit, ExtractError> {
        if self.dropped.drops(element) {
            return Ok(Visit::Over);
        }
        let name = element.value().name();
        if is_block(name) {
            self.flush()?;
        }
        match name {
            "br" => self.block.text.push('\n'),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.block.heading = name[1..].parse().ok(),
            "pre" => self.block.code = true,
            "ul" | "menu" => self.lists.push(None),
            "ol" => {
                let start = element.value().attr("start").and_then(|start| start.parse().ok());
                self.lists.push(Some(start.unwrap_or(1)));
            }
            "li" => {
                if let Some(Some(next)) = self.lists.last_mut() {
                    self.block.number = Some(*next);
                    *next = next.saturating_add(1);
                }
            }
            "table" if !grid::is_layout(element) => {
                self.table(element)?;
                return Ok(Visit::Over);
            }
            _ => {}
        }
        Ok(Visit::Inside)
    }

    fn leave(&mut self, node: NodeRef<'_, Node>) -> Result<(), ExtractError> {
        let Some(element) = node.value().as_element() else { return Ok(()) };
        let name = element.name();
        if !is_block(name) {
            return Ok(());
        }
        self.flush()?;
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.block.heading = None,
            "pre" => self.block.code = false,
            "ul" | "ol" | "menu" => {
                self.lists.pop();
            }
            "li" => self.block.number = None,
            _ => {}
        }
        Ok(())
    }

    /// Ends the block that is open.
    fn flush(&mut self) -> Result<(), ExtractError> {
        let text = std::mem::take(&mut self.block.text);
        if text.trim().is_empty() {
            return Ok(());
        }
        match self.block.heading {
            Some(level) => self.out.heading(level, &text),
            None if self.block.code => self.out.code(&text),
            None if self.lists.is_empty() => self.out.paragraph(&text),
            None => match self.block.number.take() {
                Some(number) => self.out.list_item(&format!("{number}. {}", text.trim_start())),
                None => self.out.list_item(&text),
            },
        }
    }

    fn table(&mut self, element: ElementRef<'_>) -> Result<(), ExtractError> {
        let grid = grid::read(element, self.dropped, self.limits)?;
        if let Some(caption) = grid.caption {
            self.out.paragraph(&caption)?;
        }
        table::write(&grid.rows, grid.headers, self.limits.max_rows, self.out)
    }
}

/// Elements that begin and end a block of text.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "legend"
            | "li"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "search"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
            | "ul"
    )
}

#[cfg(test)]
mod tests;
